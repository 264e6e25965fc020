//===- PositionedFile.h - A file that several ranks write to ----*- C++ -*-===//
#ifndef PPRT_POSITIONEDFILE_H
#define PPRT_POSITIONEDFILE_H

#include <cstdint>
#include <string>

namespace pprt {

/// A file that is made if it is missing, and written at places that its user
/// chooses: of several ranks, each at its own.
class PositionedFile {
public:
  /// Throws Error.
  explicit PositionedFile(const std::string &path);
  ~PositionedFile();
  PositionedFile(const PositionedFile &) = delete;
  PositionedFile &operator=(const PositionedFile &) = delete;

  /// Makes the file `bytes` long, if it is shorter.
  void extend(uint64_t bytes);
  void write(uint64_t at, const void *data, uint64_t bytes);
  /// Flushes to the disk.
  void close();

private:
  std::string path;
  int fd = -1;
};

} // namespace pprt

#endif // PPRT_POSITIONEDFILE_H
