//===- Rings.h - Offsets for buffers that loops use again -------*- C++ -*-===//
//
// In a loop over micro-batches the same value is made in every round, and as
// many instances of it exist at a time as rounds pass until its last use. They
// take turns in a ring of slots, which is all that the code of the loop has to
// know. Instances that no loop makes or reads need not take part.
//
//===----------------------------------------------------------------------===//

#ifndef PP_MEMORYPLANNING_RINGS_H
#define PP_MEMORYPLANNING_RINGS_H

#include "pp/MemoryPlanning/MemoryPlanning.h"

namespace pp::memory {

/// Live at the points of time begin <= t < end; never if end <= begin.
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
  /// Instances [begin, end) are made or read by loops and must take turns; all
  /// if that is empty.
  Span inLoops = {};
};

/// Where the instances of a buffer lie. The first `head` and the last `tail` of
/// them have slots of their own; those between take turns.
struct Places {
  std::vector<uint64_t> slots; ///< offsets; at least one for those between
  uint32_t head = 0, tail = 0;
  uint32_t instances = 0; ///< how many there are; without a tail no matter

  size_t slotOf(size_t instance) const {
    if (instance < head)
      return instance;
    if (tail && instance + tail >= instances)
      return slots.size() - (instances - instance);
    return head + (instance - head) % (slots.size() - head - tail);
  }
  uint64_t at(size_t instance) const { return slots[slotOf(instance)]; }
};

struct RingPlan {
  /// Of each ring; offsets are multiples of kAlignment.
  std::vector<Places> places;
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
std::optional<RingOverlap> findOverlap(const std::vector<Ring> &rings,
                                       const std::vector<Places> &places);

} // namespace pp::memory

#endif // PP_MEMORYPLANNING_RINGS_H
