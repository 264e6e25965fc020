//===- AtomicFile.h - Files that are whole or not there -------------------===//
#ifndef PPRT_ATOMICFILE_H
#define PPRT_ATOMICFILE_H

#include <cstdint>
#include <string>

namespace pprt {

/// A file that appears under its name whole or not at all: written without one
/// or beside it, flushed to the disk, renamed by `commit`. Removed if never
/// committed.
class AtomicFile {
public:
  /// Throws Error.
  explicit AtomicFile(const std::string &path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(const void *data, uint64_t bytes);
  void write(const std::string &text) { write(text.data(), text.size()); }
  void commit();

private:
  void giveName();

  std::string path, temporary;
  int fd = -1;
  bool isNamed = true;
};

/// Throws Error if no file can be made at `path`: to say so before the
/// training, without leaving anything behind.
void checkCanCreate(const std::string &path);

} // namespace pprt

#endif // PPRT_ATOMICFILE_H
