//===- Arena.h - All memory that a rank's steps use -----------------------===//
#ifndef PPRT_ARENA_H
#define PPRT_ARENA_H

#include <cstddef>
#include <cstdint>

namespace pprt {

/// One mapping of zeroed memory whose layout the compiler has fixed. Made once,
/// before the first step; on a boundary of huge pages where it is that large.
class Arena {
public:
  /// Throws Error if the system does not have that much memory.
  explicit Arena(uint64_t bytes);
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  uint8_t *base() { return memory; }
  /// Bytes that may be used, as asked for.
  uint64_t bytes() const { return size; }
  /// Bytes mapped: the same, rounded up to whole pages.
  uint64_t mappedBytes() const { return mapped; }

private:
  uint8_t *memory = nullptr;
  uint64_t size = 0, mapped = 0;
};

} // namespace pprt

#endif // PPRT_ARENA_H
