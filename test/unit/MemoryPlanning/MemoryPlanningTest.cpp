//===- MemoryPlanningTest.cpp - Memory plans are valid and tight ----------===//

#include "pp/MemoryPlanning/MemoryPlanning.h"

#include "gtest/gtest.h"

#include <chrono>

using namespace pp::memory;

namespace {

/// Deterministic numbers in [0, limit), equal on every machine.
class Random {
public:
  uint64_t operator()(uint64_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % limit;
  }

private:
  uint64_t state = 1;
};

/// The check by definition: all pairs.
bool overlapsByDefinition(const std::vector<Interval> &intervals,
                          const std::vector<uint64_t> &offsets) {
  for (size_t i = 0; i < intervals.size(); ++i)
    for (size_t j = i + 1; j < intervals.size(); ++j) {
      const Interval &a = intervals[i], &b = intervals[j];
      bool together = a.begin < b.end && b.begin < a.end;
      bool share =
          offsets[i] < offsets[j] + b.size && offsets[j] < offsets[i] + a.size;
      if (together && share && a.size && b.size && a.begin < a.end &&
          b.begin < b.end)
        return true;
    }
  return false;
}

void expectValid(const std::vector<Interval> &intervals, const Plan &plan) {
  EXPECT_FALSE(findOverlap(intervals, plan.offsets).has_value());
  EXPECT_EQ(plan.lowerBound, lowerBound(intervals));
  EXPECT_GE(plan.bytes, plan.lowerBound);
  for (size_t i = 0; i < intervals.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % kAlignment, 0u);
    if (intervals[i].begin < intervals[i].end)
      EXPECT_LE(plan.offsets[i] + intervals[i].size, plan.bytes);
  }
}

/// The buffers of one rank under 1f1b: residuals of several sizes from each
/// forward to its backward, a received activation before and a cotangent
/// after, both longer than the action that uses them since transfers overlap.
std::vector<Interval> oneForwardOneBackward(unsigned ranks, unsigned rank,
                                            unsigned microbatches,
                                            unsigned layers) {
  std::vector<char> actions;
  unsigned warmUp = std::min(microbatches, ranks - rank);
  unsigned forward = 0, backward = 0;
  for (; forward < warmUp; ++forward)
    actions.push_back('F');
  while (backward < microbatches) {
    actions.push_back('B');
    ++backward;
    if (forward < microbatches) {
      actions.push_back('F');
      ++forward;
    }
  }
  std::vector<uint32_t> forwardAt, backwardAt;
  for (uint32_t i = 0; i < actions.size(); ++i)
    (actions[i] == 'F' ? forwardAt : backwardAt).push_back(4 * i + 4);
  std::vector<Interval> intervals;
  for (unsigned m = 0; m < microbatches; ++m) {
    uint32_t f = forwardAt[m], b = backwardAt[m];
    intervals.push_back({1000000, f - 3, b + 1}); // received, kept as residual
    for (unsigned layer = 0; layer < layers; ++layer) {
      intervals.push_back({1000000, f, b + 1});
      intervals.push_back({3000000, f, b + 1});
      intervals.push_back({17000, f, b + 1});
    }
    intervals.push_back({1000000, f, f + 5});     // sent activation
    intervals.push_back({1000000, b - 3, b + 1}); // received cotangent
    intervals.push_back({1000000, b, b + 5});     // sent cotangent
  }
  return intervals;
}

TEST(MemoryPlanning, NothingToPlace) {
  Plan plan = planMemory({});
  EXPECT_EQ(plan.bytes, 0u);
  EXPECT_EQ(plan.lowerBound, 0u);
}

TEST(MemoryPlanning, NeverLiveTakesNoSpace) {
  std::vector<Interval> intervals = {{0, 0, 5}, {100, 3, 3}};
  EXPECT_EQ(planMemory(intervals).bytes, 0u);
}

TEST(MemoryPlanning, SizesAreRoundedUp) {
  std::vector<Interval> intervals = {{1, 0, 2}, {65, 0, 2}};
  Plan plan = planMemory(intervals);
  EXPECT_EQ(plan.bytes, 64u + 128u);
  expectValid(intervals, plan);
}

TEST(MemoryPlanning, TouchingLifetimesShareBytes) {
  std::vector<Interval> intervals = {{640, 0, 3}, {640, 3, 4}};
  Plan plan = planMemory(intervals);
  EXPECT_EQ(plan.bytes, 640u);
  expectValid(intervals, plan);
}

TEST(MemoryPlanning, FindOverlapFindsIt) {
  std::vector<Interval> intervals = {{128, 0, 4}, {64, 4, 6}, {64, 2, 5}};
  EXPECT_FALSE(findOverlap(intervals, {0, 0, 128}).has_value());
  auto overlap = findOverlap(intervals, {0, 64, 64});
  ASSERT_TRUE(overlap.has_value());
  EXPECT_EQ(*overlap, std::make_pair(size_t(0), size_t(2)));
}

TEST(MemoryPlanning, FindOverlapAgreesWithDefinition) {
  Random random;
  unsigned overlapping = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<Interval> intervals;
    std::vector<uint64_t> offsets;
    for (int i = 0; i < 6; ++i) {
      uint32_t begin = random(10);
      intervals.push_back({random(4) * 64, begin, begin + uint32_t(random(5))});
      offsets.push_back(random(10) * 64);
    }
    bool expected = overlapsByDefinition(intervals, offsets);
    overlapping += expected;
    EXPECT_EQ(findOverlap(intervals, offsets).has_value(), expected);
  }
  // The comparison means something only if both answers occurred.
  EXPECT_GT(overlapping, 50u);
  EXPECT_LT(overlapping, 450u);
}

TEST(MemoryPlanning, RandomProblemsAreNearTheBound) {
  Random random;
  for (int round = 0; round < 20; ++round) {
    std::vector<Interval> intervals;
    for (int i = 0; i < 200; ++i) {
      uint32_t begin = random(300);
      intervals.push_back(
          {1 + random(5000), begin, begin + 1 + uint32_t(random(40))});
    }
    Options options;
    options.effort = 20'000'000;
    Plan plan = planMemory(intervals, options);
    expectValid(intervals, plan);
    EXPECT_LE(plan.bytes, plan.lowerBound * 1.08);
    EXPECT_LE(plan.bytes, planMemory(intervals).bytes);
  }
}

TEST(MemoryPlanning, OneForwardOneBackwardWithin5Percent) {
  for (unsigned rank = 0; rank < 8; ++rank) {
    std::vector<Interval> intervals = oneForwardOneBackward(8, rank, 32, 12);
    Plan plan = planMemory(intervals);
    expectValid(intervals, plan);
    EXPECT_LE(plan.bytes, plan.lowerBound * 1.05) << "rank " << rank;
  }
}

TEST(MemoryPlanning, EqualInputGivesEqualPlan) {
  std::vector<Interval> intervals = oneForwardOneBackward(4, 1, 8, 3);
  EXPECT_EQ(planMemory(intervals).offsets, planMemory(intervals).offsets);
}

TEST(MemoryPlanning, HundredThousandIntervals) {
  Random random;
  std::vector<Interval> intervals;
  for (int i = 0; i < 100000; ++i) {
    uint32_t begin = random(200000);
    intervals.push_back(
        {1 + random(100000), begin, begin + 1 + uint32_t(random(2000))});
  }
  auto start = std::chrono::steady_clock::now();
  Plan plan = planMemory(intervals);
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  expectValid(intervals, plan);
  EXPECT_LE(plan.bytes, plan.lowerBound * 1.10);
  // About 1 s on an idle core; the margin is for loaded machines.
  EXPECT_LT(seconds, 20.0);
  RecordProperty("seconds", std::to_string(seconds));
  RecordProperty("ratio", std::to_string(double(plan.bytes) / plan.lowerBound));
}

} // namespace
