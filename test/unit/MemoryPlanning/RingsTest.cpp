//===- RingsTest.cpp - Plans of rings are valid and tight -----------------===//

#include "pp/MemoryPlanning/Rings.h"

#include "gtest/gtest.h"

using namespace pp::memory;

namespace {
using AllPlaces = std::vector<Places>;

bool overlapsByDefinition(const std::vector<Ring> &rings,
                          const AllPlaces &places) {
  struct Placed {
    Span life;
    uint64_t begin, end;
  };
  std::vector<Placed> all;
  for (size_t r = 0; r < rings.size(); ++r)
    for (size_t i = 0; i < rings[r].lives.size(); ++i) {
      uint64_t begin = places[r].at(i);
      if (rings[r].lives[i].begin < rings[r].lives[i].end)
        all.push_back({rings[r].lives[i], begin, begin + rings[r].size});
    }
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = i + 1; j < all.size(); ++j)
      if (all[i].life.begin < all[j].life.end &&
          all[j].life.begin < all[i].life.end && all[i].begin < all[j].end &&
          all[j].begin < all[i].end)
        return true;
  return false;
}

/// Residuals, received and sent values and workspaces of a rank under 1F1B.
std::vector<Ring> oneForwardOneBackward(uint32_t depth, uint32_t m) {
  std::vector<uint32_t> forward, backward;
  uint32_t time = 0;
  auto step = [&](std::vector<uint32_t> &at) {
    at.push_back(time);
    time += 4;
  };
  for (uint32_t i = 0; i < std::min(depth - 1, m); ++i)
    step(forward);
  while (backward.size() < m) {
    if (forward.size() < m)
      step(forward);
    step(backward);
  }
  std::vector<Ring> rings(7);
  for (size_t r = 0; r < rings.size(); ++r)
    rings[r].size =
        std::vector<uint64_t>{4000, 9000, 700, 1024, 1024, 5000, 6000}[r];
  for (uint32_t i = 0; i < m; ++i) {
    uint32_t f = forward[i], b = backward[i];
    for (int residual : {0, 1, 2})
      rings[residual].lives.push_back({f, b + 1});
    rings[3].lives.push_back({f, f + 6});                 // sent
    rings[4].lives.push_back({b < 3 ? 0 : b - 3, b + 1}); // received
    rings[5].lives.push_back({f, f + 1});
    rings[6].lives.push_back({b, b + 1});
  }
  return rings;
}
} // namespace

TEST(Rings, OneForwardOneBackwardMeetsTheBound) {
  for (uint32_t depth = 1; depth <= 16; ++depth)
    for (uint32_t m : {1u, 5u, 64u, 1000u}) {
      std::vector<Ring> rings = oneForwardOneBackward(depth, m);
      RingPlan plan = planRings(rings, 1);
      EXPECT_FALSE(findOverlap(rings, plan.places));
      if (m < 100)
        EXPECT_FALSE(overlapsByDefinition(rings, plan.places));
      EXPECT_GE(plan.places[0].slots.size(), std::min(depth, m));
      if (m == 1000) // not one for each micro-batch
        EXPECT_LE(plan.places[0].slots.size(), 5 * depth);
      EXPECT_GE(plan.bytes, plan.lowerBound);
      EXPECT_LE(plan.bytes, plan.lowerBound * 1.05)
          << "depth " << depth << ", " << m << " micro-batches";
      for (size_t r = 0; r < rings.size(); ++r)
        for (uint64_t offset : plan.places[r].slots) {
          EXPECT_EQ(offset % kAlignment, 0u);
          EXPECT_LE(offset + rings[r].size, plan.bytes);
        }
    }
}

// All forwards first: as many slots as micro-batches, in one block.
TEST(Rings, AllAtOnce) {
  std::vector<Ring> rings = oneForwardOneBackward(500, 500);
  RingPlan plan = planRings(rings, 1);
  EXPECT_EQ(plan.places[0].slots.size(), 500u);
  EXPECT_FALSE(findOverlap(rings, plan.places));
  EXPECT_LE(plan.bytes, plan.lowerBound * 1.05);
  // Damage among thousands of slots is found, too.
  plan.places[1].slots[400] = plan.places[1].slots[7];
  auto overlap = findOverlap(rings, plan.places);
  ASSERT_TRUE(overlap);
  EXPECT_EQ(overlap->ring[0], 1u);
  EXPECT_EQ(overlap->ring[1], 1u);
  EXPECT_EQ(overlap->instance[0] + overlap->instance[1], 407u);
}

// Two stages a rank, as in V schedules: the second fills what the first leaves.
TEST(Rings, EndsGoTheirOwnWay) {
  constexpr uint32_t m = 400, warmUp = 12, round = 10;
  std::vector<Ring> rings(2);
  for (Ring &ring : rings)
    ring.size = 6400;
  for (uint32_t i = 0; i < m; ++i) {
    // Forward of both, then in each round one backward of both.
    uint32_t at = warmUp * round + i * round;
    rings[0].lives.push_back({at - 9 * round, at + 1});
    rings[1].lives.push_back({at - 3 * round + 4, at + 5});
  }
  // At first more of the one stage, at last more of the other.
  for (uint32_t i = 0; i < 6; ++i) {
    rings[0].lives[i].begin = i;
    rings[1].lives[m - 1 - i].end += 40 + i;
  }
  for (Ring &ring : rings)
    ring.inLoops = {8, m - 8};
  RingPlan plan = planRings(rings, 1);
  EXPECT_FALSE(overlapsByDefinition(rings, plan.places));
  EXPECT_FALSE(findOverlap(rings, plan.places));
  EXPECT_LE(plan.bytes, plan.lowerBound * 1.1);
  for (const Places &places : plan.places) {
    EXPECT_LT(places.slots.size(), 64u); // not one for each instance
    for (size_t i = 0; i < m; ++i)
      EXPECT_LT(places.slotOf(i), places.slots.size());
  }
}

TEST(Rings, PlacesOfEnds) {
  Places places{{10, 20, 30, 40, 50}, 1, 2, 9};
  // One at the front, two that take turns, two at the end.
  std::vector<uint64_t> expected = {10, 20, 30, 20, 30, 20, 30, 40, 50};
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(places.at(i), expected[i]);
}

TEST(Rings, SlotsFollowTheOrderInWhichInstancesEnd) {
  EXPECT_EQ(countSlots({}), 1u);
  EXPECT_EQ(countSlots({{0, 1}, {1, 2}, {2, 3}}), 1u);
  EXPECT_EQ(countSlots({{0, 2}, {1, 3}, {2, 4}, {3, 5}}), 2u);
  // Two at a time, but the first outlives the third.
  EXPECT_EQ(countSlots({{0, 9}, {1, 2}, {3, 4}, {5, 6}}), 4u);
  // Instances that are never live need no slot of their own.
  EXPECT_EQ(countSlots({{0, 9}, {0, 0}, {9, 12}}), 1u);
  // Never live, wherever that would begin.
  EXPECT_EQ(countSlots({{0, 2}, {1000000, 0}, {2, 3}}), 1u);
}

TEST(Rings, RandomPlansAreValidAndTheCheckFindsDamage) {
  uint64_t state = 1;
  auto random = [&](uint64_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % limit;
  };
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Ring> rings(1 + random(6));
    for (Ring &ring : rings) {
      ring.size = 1 + random(500);
      uint32_t count = 1 + random(12);
      for (uint32_t i = 0; i < count; ++i) {
        uint32_t begin = random(60);
        ring.lives.push_back({begin, begin + uint32_t(random(15))});
      }
      uint32_t first = random(count + 1);
      ring.inLoops = {first, first + uint32_t(random(count + 1 - first))};
    }
    RingPlan plan = planRings(rings, 1 + random(3), {20000});
    EXPECT_FALSE(overlapsByDefinition(rings, plan.places));
    EXPECT_FALSE(findOverlap(rings, plan.places));
    EXPECT_GE(plan.bytes, plan.lowerBound);
    AllPlaces damaged = plan.places;
    auto &ring = damaged[random(damaged.size())].slots;
    ring[random(ring.size())] = 64 * random(plan.bytes / 64 + 1);
    bool isBad = overlapsByDefinition(rings, damaged);
    EXPECT_EQ(findOverlap(rings, damaged).has_value(), isBad);
    found += isBad;
  }
  EXPECT_GT(found, 50);
}
