//===- PlanRings.cpp - Offsets for buffers that loops use again -----------===//
//
// How many slots a ring has decides who can share. With as few as each needs,
// slots of two rings meet sooner or later in every combination, and the
// arena is as large as if all were full at once. With the same number for all,
// a multiple of the micro-batches of a round, they go around together: each
// meets the same others in every turn, as on a circle, and what one stage
// leaves another one takes.
//
// No number is best for all programs, so several are tried, with what else
// helps: ends that go their own ways, a place for each instance. The strategies
// stand below in the order in which they are tried, each with its reason; each
// replaces the plan where it finds a smaller one, and all end as soon as the
// plan is as good as can be hoped for. docs/Memory.md shows them at work.
//
//===----------------------------------------------------------------------===//

#include "RingPlanner.h"

#include <algorithm>
#include <optional>

using namespace pp::memory;

namespace {

//===----------------------------------------------------------------------===//
// Numbers. They bound the time that planning takes; none of them decides
// whether a plan is right.
//===----------------------------------------------------------------------===//

/// Up to so many instances in all, every strategy is cheap enough to be run.
constexpr size_t kFewInstances = 2048;

/// Up to so many rounds, a place for each round is a short table.
constexpr size_t kFewRounds = 128;

/// Numbers of slots that are tried first, in rounds: short-lived values share
/// best with few.
constexpr uint32_t kFewSlots = 8;

/// What is left above the lower bound when a search ends: 1/64. Where a table
/// would be long, it has to save more, 1/32.
bool isWithin(const RingPlan &plan, uint64_t part) {
  return plan.bytes - plan.lowerBound <= plan.lowerBound / part;
}
constexpr uint64_t kClose = 64, kNear = 32;

/// Candidate numbers of slots at which the lives of two large groups interleave
/// without a gap: the lives of an instance of both, in rounds, times `step`.
std::vector<uint32_t> findTurns(const std::vector<Ring> &rings,
                                std::vector<Group> groups, uint32_t step) {
  constexpr size_t large = 6;
  std::sort(groups.begin(), groups.end(), [](const Group &a, const Group &b) {
    uint64_t bytesA = a.size * a.least, bytesB = b.size * b.least;
    return bytesA != bytesB ? bytesA > bytesB : a.rings < b.rings;
  });
  groups.resize(std::min(groups.size(), large));
  std::vector<uint32_t> result;
  auto middle = [&](const Group &group) -> const Span * {
    const std::vector<Span> &lives = rings[group.rings.front()].lives;
    return lives.size() > 2 * step ? &lives[lives.size() / 2] : nullptr;
  };
  for (size_t i = 0; i < groups.size(); ++i)
    for (size_t j = 0; j <= i; ++j) {
      const Span *a = middle(groups[i]), *b = middle(groups[j]);
      if (!a || !b || a[step].begin <= a->begin)
        continue;
      uint32_t round = a[step].begin - a->begin;
      uint32_t time = a->end - a->begin + (i == j ? 0 : b->end - b->begin);
      uint32_t slots = std::max(1u, (time + round - 1) / round) * step;
      if (slots <= kMostSlots)
        result.push_back(slots);
    }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

//===----------------------------------------------------------------------===//
// Strategies
//===----------------------------------------------------------------------===//

class Search {
public:
  Search(const std::vector<Ring> &rings, uint32_t step, const Options &options,
         RingPlan &plan)
      : rings(rings), step(step), options(options), plan(plan),
        glued(glueRings(rings)), single(separateRings(rings, glued)),
        effort(options.effort), fewestBytes(plan.bytes) {
    for (const Group &group : glued) {
      if (group.least <= kMostSlots)
        longestRing = std::max(longestRing, group.least);
      size_t size = rings[group.rings.front()].lives.size();
      instances += size;
      longest = std::max(longest, size);
    }
    longestRing = roundUp(longestRing);
    few = std::min(longestRing, kFewSlots * step);
  }

  void run() {
    equalSlotsFew();
    const uint64_t before = plan.bytes;
    sweepOnce();
    equalSlotsMany();
    freeEnds();
    sweepAllWays(before);
    climb();
  }

private:
  uint32_t roundUp(uint32_t slots) const {
    return (slots + step - 1) / step * step;
  }
  bool areFew() const { return instances <= kFewInstances; }
  bool areFewRounds() const { return longest / step <= kFewRounds; }
  bool isDone() const { return isWithin(plan, kClose); }

  /// One number of slots for all groups. Half of the effort is for what comes
  /// behind.
  void equalSlots(uint32_t slots, uint64_t toClimb) {
    if (effort <= options.effort / 2 || plan.bytes <= plan.lowerBound)
      return;
    RingPlanner(rings, glued, plan.lowerBound, slots)
        .run(effort, toClimb, plan);
    if (plan.bytes < fewestBytes)
      bestSlots = slots;
    fewestBytes = std::min(fewestBytes, plan.bytes);
  }

  /// 1. Few slots, so that short-lived values share, and rings that need more
  /// keep as many as they need. A little climbing, since there are few items.
  void equalSlotsFew() {
    for (uint32_t slots = step; slots <= few; slots += step)
      equalSlots(slots, options.effort / 100);
  }

  /// 2. Long programs of few rounds: a place for each instance may be all that
  /// is needed, and takes linear time.
  void sweepOnce() {
    if (!areFew() && !isDone() && areFewRounds())
      sweepRings(rings, glued, /*backwards=*/false, /*largestFirst=*/true,
                 plan);
  }

  /// 3. As many slots for all as the longest ring needs, and more: then all go
  /// around together. Larger steps where each try is dear.
  void equalSlotsMany() {
    const uint32_t most =
        std::min(kMostSlots, (areFew() ? 5 : 2) * longestRing);
    const uint32_t by =
        areFew() ? step : std::max(step, longestRing / 8 / step * step);
    for (uint32_t slots = std::max(longestRing, few + step);
         slots <= most && !isDone(); slots += by)
      equalSlots(slots, 0);
  }

  /// 4. Stages that fill and drain in turn (as in a V) have another pattern in
  /// warm-up and cool-down than in the loop: slots of their own for these fill
  /// what gaps there are. The numbers of slots are those at which two large
  /// groups interleave; the best is improved by climbing.
  void freeEnds() {
    if (isDone())
      return;
    std::optional<RingPlanner> best;
    uint64_t fewest = plan.bytes;
    for (uint32_t slots : findTurns(rings, glued, step)) {
      RingPlanner planner(rings, glued, plan.lowerBound, slots, true);
      planner.run(effort, 0, plan);
      if (isDone())
        return;
      if (plan.bytes < fewest)
        best = std::move(planner);
      fewest = plan.bytes;
    }
    if (best)
      best->run(effort, effort / 8, plan);
  }

  /// 5. A place for each instance, in all ways. With few instances a few
  /// percent are worth it, also with each ring apart; with many only where
  /// rings have failed, and no further than they helped (`before`: what the
  /// first strategy had).
  void sweepAllWays(uint64_t before) {
    for (bool backwards : {false, true})
      for (bool largestFirst : {true, false}) {
        const bool isFirst = !backwards && largestFirst;
        const bool isNear = isWithin(plan, areFewRounds() ? kClose : kNear);
        if (areFew() ? plan.bytes > plan.lowerBound
                     : !isNear && (isFirst || plan.bytes < before))
          sweepRings(rings, glued, backwards, largestFirst, plan);
        if (areFew() && plan.bytes > plan.lowerBound)
          sweepRings(rings, single, backwards, largestFirst, plan);
      }
  }

  /// 6. What effort is left climbs from the fewest slots and from the best
  /// number, with rings glued and apart.
  void climb() {
    for (uint32_t slots : {0u, bestSlots})
      for (const std::vector<Group> *groups : {&glued, &single})
        if (!isDone())
          RingPlanner(rings, *groups, plan.lowerBound, slots)
              .run(effort, options.effort / 8, plan);
  }

  const std::vector<Ring> &rings;
  const uint32_t step; ///< instances of a round
  const Options &options;
  RingPlan &plan;
  const std::vector<Group> glued, single;
  uint64_t effort;                   ///< left
  size_t instances = 0, longest = 0; ///< in all, and of a group
  uint32_t longestRing = 1;          ///< slots that a ring needs, whole rounds
  uint32_t few = 0;
  uint32_t bestSlots = 0; ///< of equalSlots; what it had then:
  uint64_t fewestBytes;
};

} // namespace

RingPlan pp::memory::planRings(const std::vector<Ring> &rings, uint32_t step,
                               const Options &options) {
  RingPlan plan;
  plan.lowerBound = largestLive(rings);
  plan.places.assign(rings.size(), {{0}});
  if (rings.empty())
    return plan;
  plan.bytes = ~uint64_t(0);
  Search(rings, step, options, plan).run();
  return plan;
}
