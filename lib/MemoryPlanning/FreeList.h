//===- FreeList.h - Free blocks of an arena ---------------------*- C++ -*-===//

#ifndef PP_LIB_MEMORYPLANNING_FREELIST_H
#define PP_LIB_MEMORYPLANNING_FREELIST_H

#include <cstdint>
#include <iterator>
#include <map>
#include <set>

namespace pp::memory {

/// The free blocks below a growing top, for a sweep over time.
class FreeList {
public:
  /// Takes the smallest free block that fits; grows the top if none does, but
  /// first uses up the free block that touches the top.
  uint64_t allocate(uint64_t size) {
    auto best = bySize.lower_bound({size, 0});
    if (best != bySize.end()) {
      auto [blockSize, offset] = *best;
      remove(offset, blockSize);
      if (blockSize > size)
        insert(offset + size, blockSize - size);
      return offset;
    }
    uint64_t offset = top;
    if (!byOffset.empty()) {
      auto last = std::prev(byOffset.end());
      if (last->first + last->second == top) {
        offset = last->first;
        remove(last->first, last->second);
      }
    }
    top = offset + size;
    return offset;
  }

  void release(uint64_t offset, uint64_t size) {
    auto next = byOffset.lower_bound(offset);
    if (next != byOffset.end() && next->first == offset + size) {
      size += next->second;
      remove(next->first, next->second);
    }
    auto following = byOffset.lower_bound(offset);
    if (following != byOffset.begin()) {
      auto previous = std::prev(following);
      if (previous->first + previous->second == offset) {
        offset = previous->first;
        size += previous->second;
        remove(offset, previous->second);
      }
    }
    insert(offset, size);
  }

  /// All that was ever in use.
  uint64_t getTop() const { return top; }

private:
  void insert(uint64_t offset, uint64_t size) {
    byOffset.emplace(offset, size);
    bySize.insert({size, offset});
  }
  void remove(uint64_t offset, uint64_t size) {
    byOffset.erase(offset);
    bySize.erase({size, offset});
  }

  uint64_t top = 0;
  std::map<uint64_t, uint64_t> byOffset;
  std::set<std::pair<uint64_t, uint64_t>> bySize;
};

} // namespace pp::memory

#endif // PP_LIB_MEMORYPLANNING_FREELIST_H
