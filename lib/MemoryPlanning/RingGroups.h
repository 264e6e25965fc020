//===- RingGroups.h - Rings that live alike ---------------------*- C++ -*-===//
//
// What one micro-batch leaves for another action, as the residuals of a layer,
// lives from the same op to the same op. Such rings are placed as one, side by
// side in each slot: there are few groups where there are thousands of rings.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_MEMORYPLANNING_RINGGROUPS_H
#define PP_LIB_MEMORYPLANNING_RINGGROUPS_H

#include "pp/MemoryPlanning/Rings.h"

namespace pp::memory {

using Offsets = std::vector<uint64_t>;

/// Rings of equal lives, side by side in each slot.
struct Group {
  std::vector<uint32_t> rings;
  uint64_t size = 0;  ///< of all rings together, aligned
  uint32_t least = 1; ///< slots that it needs
  Span inLoops;       ///< instances that must take turns
};

/// One group for all rings of the same lives.
std::vector<Group> glueRings(const std::vector<Ring> &rings);
/// A group for each ring.
std::vector<Group> separateRings(const std::vector<Ring> &rings,
                                 const std::vector<Group> &glued);

/// The largest sum of live bytes: no plan is smaller.
uint64_t largestLive(const std::vector<Ring> &rings);

/// Whether no two of the instances [begin, end) that share a slot meet.
bool suffices(const std::vector<Span> &lives, uint32_t slots, size_t begin,
              size_t end);

/// A place for each instance, by a sweep over time, forwards or backwards, in
/// which each takes the tightest free block; of those that begin together the
/// largest or the smallest first. Replaces `plan` if that is larger. The code
/// of a loop then knows a place for each round.
void sweepRings(const std::vector<Ring> &rings,
                const std::vector<Group> &groups, bool backwards,
                bool largestFirst, RingPlan &plan);

} // namespace pp::memory

#endif // PP_LIB_MEMORYPLANNING_RINGGROUPS_H
