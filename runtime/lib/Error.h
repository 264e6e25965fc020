//===- Error.h - How the runtime reports what went wrong ------------------===//
//
// Inside the runtime errors are exceptions; the C ABI turns them into statuses
// and the training loop gathers them on rank 0. A message reads: what was
// found, what was expected, the remedy; lower case, no full stop.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_ERROR_H
#define PPRT_ERROR_H

#include <stdexcept>
#include <string>

namespace pprt {

/// An error that this rank found.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A wait that took longer than --timeout. Whoever waited says for what.
class TimeoutError : public Error {
public:
  using Error::Error;
};

/// Another rank found an error; this one only has to stop.
class Stopped : public std::exception {
public:
  const char *what() const noexcept override { return "stopped"; }
};

/// `strerror` of the current errno, as a string.
std::string systemError();

} // namespace pprt

#endif // PPRT_ERROR_H
