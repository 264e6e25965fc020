//===- Result.h - A value or a message --------------------------*- C++ -*-===//

#ifndef PP_SCHEDULE_RESULT_H
#define PP_SCHEDULE_RESULT_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace pp::schedule {

/// Why something could not be made: lower case, no full stop, with what was
/// found, what was expected and the remedy.
struct Error {
  std::string message;
};

/// Either a T or an Error. The compiler is built without exceptions, and so
/// this library throws none.
template <typename T>
class [[nodiscard]] Result {
public:
  Result(T value) : value(std::move(value)) {}
  Result(Error error) : failure(std::move(error.message)) {}

  explicit operator bool() const { return value.has_value(); }
  T &operator*() {
    assert(value && "no value: check the result before its use");
    return *value;
  }
  const T &operator*() const {
    assert(value && "no value: check the result before its use");
    return *value;
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }

  /// The message; empty where there is a value.
  const std::string &error() const { return failure; }

private:
  std::optional<T> value;
  std::string failure;
};

} // namespace pp::schedule

#endif // PP_SCHEDULE_RESULT_H
