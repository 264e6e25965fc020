//===- InputFile.h - A file that is read at any place ---------------------===//
#ifndef PPRT_INPUTFILE_H
#define PPRT_INPUTFILE_H

#include <cstdint>
#include <ctime>
#include <string>

namespace pprt {

/// A regular file, read by calls and not mapped: what is mapped and then cut by
/// somebody else ends the process with SIGBUS at the next look.
class InputFile {
public:
  /// `kind` ("data file") and `remedy` ("check --data") are for messages.
  /// Throws Error.
  InputFile(const std::string &path, std::string kind, std::string remedy);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  const std::string &path() const { return name; }
  /// Bytes of the file when it was opened.
  uint64_t size() const { return bytes; }

  /// Reads all `count` bytes from `offset` on; throws Error, also where the
  /// file has become shorter. Allocates nothing unless it fails.
  void read(uint64_t offset, void *to, uint64_t count) const;

  /// Whether somebody may have written to the file since the last call, or
  /// since it was opened: it has another size or time, or one so new that it
  /// may be that of two writes.
  bool isTouched();

private:
  std::string name, kind;
  int descriptor = -1;
  uint64_t bytes = 0;
  uint64_t lastBytes = 0;
  timespec lastTime = {};
  bool isSettled = false; // nothing can be written any more with `lastTime`
};

} // namespace pprt

#endif // PPRT_INPUTFILE_H
