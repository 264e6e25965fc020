//===- Rings.h - Offsets for buffers that loops use again -------*- C++ -*-===//
//
// In a loop over micro-batches the same value is made in every round, and as
// many instances of it exist at a time as rounds pass until its last use. They
// take turns in a ring of slots: instance i lies in slot i modulo the number of
// slots, which is all that the code of the loop has to know.
//
//===----------------------------------------------------------------------===//

#ifndef PP_MEMORYPLANNING_RINGS_H
#define PP_MEMORYPLANNING_RINGS_H

#include "pp/MemoryPlanning/MemoryPlanning.h"

namespace pp::memory {

/// Live at the points of time begin <= t < end; never if they are equal.
struct Span {
  uint32_t begin = 0, end = 0;

  friend bool operator==(const Span &a, const Span &b) {
    return a.begin == b.begin && a.end == b.end;
  }
};

/// The instances of a buffer, `size` bytes each.
struct Ring {
  uint64_t size;
  std::vector<Span> lives;
};

struct RingPlan {
  /// Of each slot of each ring; multiples of kAlignment.
  std::vector<std::vector<uint64_t>> offsets;
  uint64_t bytes = 0;      ///< size of the arena
  uint64_t lowerBound = 0; ///< largest sum of live bytes, with any placement
};

/// The fewest slots in which no instance meets another one.
uint32_t countSlots(const std::vector<Span> &lives);

/// Places the slots of all rings. Slots share memory where no instance of the
/// one meets one of the other. `step` is the number of instances that a round
/// of the loop makes of each buffer. Deterministic.
RingPlan planRings(const std::vector<Ring> &rings, uint32_t step,
                   const Options &options = {});

/// Two instances that are live at the same time and share bytes.
struct RingOverlap {
  size_t ring[2];
  size_t instance[2];
};

/// The first such pair, if any; shares no code with planRings. Every ring has
/// at least one offset.
std::optional<RingOverlap>
findOverlap(const std::vector<Ring> &rings,
            const std::vector<std::vector<uint64_t>> &offsets);

} // namespace pp::memory

#endif // PP_MEMORYPLANNING_RINGS_H
