//===- SymbolicMemory.h - Which value lies where ---------------*- C++ -*-===//
//
// Memory as ranges that hold a value each, named by a number. A write drops
// whatever it overlaps, so a value is either whole or gone.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_SYMBOLICMEMORY_H
#define PP_LIB_TRANSLATIONVALIDATION_SYMBOLICMEMORY_H

#include "llvm/ADT/DenseMap.h"

#include <cstdint>
#include <optional>
#include <set>

namespace pp {

class SymbolicMemory {
public:
  /// What is found, written and clobbered from here on belongs to one call, of
  /// which no two ranges may overlap.
  void beginCall() {
    ++call;
    overlap = false;
  }
  /// Whether a range of the call overlaps another one.
  bool hasOverlap() const { return overlap; }

  /// Afterwards `bytes` bytes at `address` hold `value`. Returns the number of
  /// the write: no other write has it.
  uint64_t write(int64_t address, uint64_t bytes, uint64_t value) {
    int64_t end = address + int64_t(bytes);
    auto it = pieces.find(keyOf(address));
    if (it != pieces.end() && it->second.end == end) {
      overlap |= it->second.call == call; // the usual case: a slot again
      it->second = {end, value, ++serial, call};
      return serial;
    }
    drop(address, end);
    pieces[keyOf(address)] = {end, value, ++serial, call};
    begins.insert(address);
    return serial;
  }

  /// Afterwards these bytes hold nothing that can be read.
  void clobber(int64_t address, uint64_t bytes) {
    write(address, bytes, kNothing);
  }

  /// The write that put `value` into exactly these bytes, if it is still there.
  std::optional<uint64_t> find(int64_t address, uint64_t bytes,
                               uint64_t value) {
    auto it = pieces.find(keyOf(address));
    if (it == pieces.end() || it->second.end != address + int64_t(bytes) ||
        it->second.value != value)
      return std::nullopt;
    it->second.call = call;
    return it->second.serial;
  }

private:
  struct Piece {
    int64_t end;
    uint64_t value, serial;
    uint64_t call; ///< the last that has found or written it
  };
  static constexpr uint64_t kNothing = ~uint64_t(0);

  /// Removes what overlaps [begin, end).
  void drop(int64_t begin, int64_t end) {
    auto it = begins.lower_bound(begin);
    if (it != begins.begin() &&
        pieces.find(keyOf(*std::prev(it)))->second.end > begin)
      --it;
    while (it != begins.end() && *it < end) {
      auto piece = pieces.find(keyOf(*it));
      overlap |= piece->second.call == call;
      pieces.erase(piece);
      it = begins.erase(it);
    }
  }

  /// Addresses are multiples of 64, which the hash of integers would map to few
  /// buckets: a rotation brings the bits that differ to the front.
  static uint64_t keyOf(int64_t address) {
    return uint64_t(address) >> 6 | uint64_t(address) << 58;
  }

  llvm::DenseMap<uint64_t, Piece> pieces; ///< by key, disjoint
  std::set<int64_t> begins;               ///< their addresses
  uint64_t serial = 0, call = 1;
  bool overlap = false;
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_SYMBOLICMEMORY_H
