//===- RingPlanner.h - Offsets for slots that take turns --------*- C++ -*-===//
//
// Once each group of rings has a number of slots, instance i lies in slot
// i mod slots, and the slots are nodes of a conflict graph: two of them
// conflict where an instance of the one is live together with an instance of
// the other.
//
//     micro-batch   0  1  2  3  4 ...
//     slot          0  1  2  0  1 ...     a group with 3 slots
//
// With free ends, the instances that only warm-up and cool-down see have slots
// of their own, the head and the tail, and do not take turns:
//
//     micro-batch   0  1 | 2  3  4  5  6  7 | 8
//     slot          0  1 | 2  3  4  2  3  4 | 5    head 2, 3 slots, tail 1
//
// Offsets are found for one order of slots after the other: each goes into a
// gap between those it conflicts with that have one already.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_MEMORYPLANNING_RINGPLANNER_H
#define PP_LIB_MEMORYPLANNING_RINGPLANNER_H

#include "RingGroups.h"

namespace pp::memory {

/// More slots than this are placed as one block: a ring of all micro-batches,
/// where all forwards come first, is full at the peak anyway.
constexpr uint32_t kMostSlots = 64;

class RingPlanner {
public:
  /// As many slots as each group needs, or `slots` where that suffices. With
  /// `freeEnds`, instances that need not take turns have their own.
  RingPlanner(const std::vector<Ring> &rings, const std::vector<Group> &groups,
              uint64_t bound, uint32_t slots, bool freeEnds = false);

  /// Puts the best plan that it finds into `plan`, if that is smaller. Tries a
  /// few orders, then climbs: moves one slot to the front as long as that is no
  /// worse. Spends `effort`, and for climbing no more than `toClimb` of it.
  void run(uint64_t &effort, uint64_t toClimb, RingPlan &plan);

private:
  /// A slot, or a block of all slots of a group.
  struct Item {
    uint64_t size = 0;
    uint64_t liveTime = 0;
    uint32_t begin = 0;    ///< of an instance in the middle, or the first
    bool isTurning = true; ///< not the slot of one instance
  };
  /// A group with its slots: items from `firstItem` on, or one for all.
  struct Slots : Group {
    uint32_t slots = 1; ///< that take turns
    uint32_t head = 0, tail = 0;
    uint32_t firstItem = 0;
    bool isBlock = false;
  };
  using Order = std::vector<uint32_t>;

  const std::vector<Span> &livesOf(const Group &group) const {
    return (*rings)[group.rings.front()].lives;
  }
  uint32_t itemOf(const Slots &group, size_t instance) const;
  void cutEnds(Slots &group, uint32_t slots);
  void findConflicts();
  bool conflict(const uint64_t *row, uint32_t item) const {
    return row[item / 64] >> item % 64 & 1;
  }
  Offsets fillGaps(const Order &order, bool lowest) const;
  uint64_t topOf(const Offsets &offsets) const;
  void scatter(const Offsets &offsets, uint64_t top, RingPlan &plan) const;

  const std::vector<Ring> *rings;
  std::vector<Slots> groups;
  std::vector<Item> items;
  uint64_t bound;
  bool freeEnds;
  size_t words = 0;
  std::vector<uint64_t> conflicts; ///< a row of bits for each item
  std::vector<uint64_t> degrees;   ///< bytes that an item conflicts with
};

} // namespace pp::memory

#endif // PP_LIB_MEMORYPLANNING_RINGPLANNER_H
