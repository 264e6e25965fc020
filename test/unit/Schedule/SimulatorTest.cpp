//===- SimulatorTest.cpp --------------------------------------------------===//

#include "Support.h"
#include "pp/Schedule/Simulator.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace pp::schedule;

TEST(Simulator, StartsAndEnds) {
  Result<Schedule> schedule = parseCSV("0F0,0B0\n1F0,1I0,1W0\n");
  ASSERT_TRUE(schedule);
  Costs costs;
  costs.forward = {2, 3};
  costs.inputGradient = {5, 7};
  costs.weightGradient = {11, 13};
  costs.forwardTransfer = {0.5};
  costs.backwardTransfer = {0.25};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  const auto &ranks = timeline->ranks;
  EXPECT_EQ(ranks[0][0].end, 2);
  EXPECT_EQ(ranks[1][0].start, 2.5);
  EXPECT_EQ(ranks[1][0].end, 5.5);
  EXPECT_EQ(ranks[1][1].end, 12.5);
  EXPECT_EQ(ranks[0][1].start, 12.75) << "the gradient leaves before W";
  EXPECT_EQ(ranks[0][1].end, 28.75);
  EXPECT_EQ(ranks[1][2].end, 25.5);
  EXPECT_EQ(timeline->makespan, 28.75);
  EXPECT_EQ(timeline->busy, (std::vector<double>{18, 23}));
  EXPECT_DOUBLE_EQ(timeline->bubble[0], 1 - 18 / 28.75);
}

TEST(Simulator, NoTransferOnOneRank) {
  Result<Schedule> schedule = parseCSV("0F0,1F0,1B0,0B0\n");
  ASSERT_TRUE(schedule);
  Result<Timeline> timeline =
      simulate(*schedule, Costs::uniform(2, 1, 1, 1, /*transfer=*/100));
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->makespan, 6);
  EXPECT_EQ(timeline->peakActivations, std::vector<int32_t>{2});
}

// Against an independent computation: relax all order constraints until
// nothing changes.
TEST(Simulator, AgreesWithRelaxation) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> time(0, 9), size(1, 6);
  for (int round = 0; round < 200; ++round) {
    int p = size(random), m = size(random);
    Result<Schedule> schedule =
        generate(existingName(round, p, m), {p, m, round % 3 == 0});
    ASSERT_TRUE(schedule);
    const int stages = schedule->stages;
    Costs costs = Costs::uniform(stages, 0, 0, 0, time(random));
    for (int s = 0; s < stages; ++s) {
      costs.forward[s] = time(random);
      costs.inputGradient[s] = time(random);
      costs.weightGradient[s] = time(random);
    }
    Result<Timeline> timeline = simulate(*schedule, costs);
    ASSERT_TRUE(timeline) << timeline.error();

    auto cost = [&](const Action &a) {
      double total = 0;
      if (a.kind == Kind::Forward)
        total += costs.forward[a.stage];
      if (a.kind == Kind::InputGradient || a.kind == Kind::Backward)
        total += costs.inputGradient[a.stage];
      if (a.kind == Kind::WeightGradient || a.kind == Kind::Backward)
        total += costs.weightGradient[a.stage];
      return total;
    };
    auto needs = [](const Action &a, const Action &b) { // a before b
      if (a.microbatch != b.microbatch)
        return false;
      bool aForward = a.kind == Kind::Forward;
      bool bForward = b.kind == Kind::Forward;
      if (a.kind == Kind::WeightGradient)
        return false;
      if (b.kind == Kind::WeightGradient)
        return a.kind == Kind::InputGradient && a.stage == b.stage;
      if (aForward)
        return a.stage == b.stage - bForward;
      return !bForward && a.stage == b.stage + 1;
    };
    auto start = timeline->ranks;
    for (auto &row : start)
      for (TimedAction &timed : row)
        timed.start = timed.end = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t r = 0; r < start.size(); ++r)
        for (size_t i = 0; i < start[r].size(); ++i) {
          TimedAction &timed = start[r][i];
          double earliest = i ? start[r][i - 1].end : 0;
          for (size_t q = 0; q < start.size(); ++q)
            for (const TimedAction &other : start[q])
              if (needs(other.action, timed.action))
                earliest = std::max(earliest,
                                    other.end + (q == r ? 0
                                                 : costs.forwardTransfer[0]));
          double end = earliest + cost(timed.action);
          changed |= earliest != timed.start || end != timed.end;
          timed.start = earliest;
          timed.end = end;
        }
    }
    for (size_t r = 0; r < start.size(); ++r)
      for (size_t i = 0; i < start[r].size(); ++i) {
        EXPECT_EQ(start[r][i].start, timeline->ranks[r][i].start);
        EXPECT_EQ(start[r][i].end, timeline->ranks[r][i].end);
      }
  }
}

TEST(Simulator, Errors) {
  Result<Schedule> schedule = generate("1f1b", {4, 4, false});
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(4, 1, 1, 1);
  costs.forward.pop_back();
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found 3 forward times for 4 stages, expected one for each");
  costs = Costs::uniform(4, 1, 1, 1);
  costs.backwardTransfer = {1, 1};
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found 2 backward transfer times for 4 stages, expected one for "
            "each");
  costs = Costs::uniform(4, 1, -1, 1);
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found -1.000000 as input-gradient time, expected none below 0");
  schedule->ranks[2].pop_back();
  EXPECT_EQ(simulate(*schedule, Costs::uniform(4, 1, 1, 1)).error(),
            "missing '2B3' on rank 2, or its halves I and W");
}
