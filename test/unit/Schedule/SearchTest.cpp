//===- SearchTest.cpp - What a search promises ----------------------------===//

#include "pp/Schedule/Search.h"
#include "Support.h"
#include "pp/Limits.h"
#include "pp/Schedule/Verifier.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace pp::schedule;
namespace limits = pp::limits;

namespace {
double makespanOf(const SearchProblem &problem, const Schedule &schedule) {
  Result<Timeline> timeline = simulate(schedule, problem.costs);
  EXPECT_TRUE(timeline) << timeline.error();
  return timeline->makespan;
}

bool fits(const SearchProblem &problem, const Schedule &schedule) {
  VerifyOptions options;
  options.memoryCap = problem.memoryCap;
  options.memory = problem.memory;
  return verify(schedule, options).empty();
}

/// The fastest named schedule that fits; infinite if none does.
double bestNamed(const SearchProblem &problem) {
  double best = std::numeric_limits<double>::infinity();
  for (const std::string &name : names())
    for (bool split : {false, true}) {
      Result<Schedule> schedule = generate(
          name, {problem.ranks, problem.microbatches, split,
                 int32_t(problem.costs.forward.size()) / problem.ranks});
      if (schedule && fits(problem, *schedule))
        best = std::min(best, makespanOf(problem, *schedule));
    }
  return best;
}

SearchProblem uniformProblem(int p, int v, int m, double f, double i, double w,
                             double transfer = 0) {
  SearchProblem problem;
  problem.ranks = p;
  problem.microbatches = m;
  problem.costs = Costs::uniform(p * v, f, i, w, transfer);
  return problem;
}

/// Small, so that the tests are quick.
constexpr SearchOptions kQuick = {1, 300'000};
} // namespace

// Random times, transfers, sizes and caps.
TEST(Search, IsLegalAndNeverWorseThanANamedSchedule) {
  std::mt19937 random(5);
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    const int p = 1 + random() % 5, v = 1 + random() % 3, m = 1 + random() % 12;
    SearchProblem problem = uniformProblem(p, v, m, 0, 0, 0, random() % 3);
    for (int s = 0; s < p * v; ++s) {
      problem.costs.forward[s] = 1 + random() % 9;
      problem.costs.inputGradient[s] = 1 + random() % 9;
      problem.costs.weightGradient[s] = random() % 9;
    }
    problem.costs.overlapTransfers = random() % 4 != 0;
    problem.costs.reduction = random() % 2;
    problem.costs.optimizer.resize(p * v);
    for (double &time : problem.costs.optimizer)
      time = random() % 20;
    // W reads nothing, half or all of the activations.
    problem.memory.activation = {2};
    problem.memory.afterInputGradient = {int64_t(random() % 3)};
    if (random() % 4)
      problem.memoryCap = {int64_t(2 * v + random() % (4 * p * v))};

    const double named = bestNamed(problem);
    Result<Schedule> schedule = search(problem, kQuick);
    if (!schedule) {
      EXPECT_EQ(named, std::numeric_limits<double>::infinity())
          << schedule.error();
      continue;
    }
    ++found;
    EXPECT_TRUE(fits(problem, *schedule)) << printCSV(*schedule);
    EXPECT_EQ(schedule->name, "search");
    const double makespan = makespanOf(problem, *schedule);
    EXPECT_LE(makespan, named);
    EXPECT_GE(makespan + 1e-9, lowerBound(problem, schedule->placement));
    // Nor does any named schedule beat the bound.
    EXPECT_GE(named + 1e-9, lowerBound(problem));
  }
  EXPECT_GT(found, 200);
}

// What named schedules with two stages a rank hold, on each rank its own, less
// a little on some.
TEST(Search, IsNeverWorseUnderTheCapsOfNamedSchedules) {
  std::mt19937 random(7);
  int fitting = 0;
  for (int round = 0; round < 120; ++round) {
    const int p = 2 + random() % 3, m = 1 + random() % 10;
    SearchProblem problem = uniformProblem(p, 2, m, 0, 0, 0, random() % 3);
    for (int s = 0; s < 2 * p; ++s) {
      problem.costs.forward[s] = 1 + random() % 4;
      problem.costs.inputGradient[s] = 1 + random() % 4;
      problem.costs.weightGradient[s] = random() % 4;
    }
    Result<Schedule> schedule =
        generate(round % 2 ? "v-min" : "interleaved", {p, m, true, 2});
    ASSERT_TRUE(schedule) << schedule.error();
    for (const Peak &peak : findPeaks(*schedule, problem.memory))
      problem.memoryCap.push_back(
          std::max<int64_t>(2, peak.bytes - (random() % 8 == 0)));
    const double named = bestNamed(problem);
    Result<Schedule> found = search(problem, kQuick);
    if (!found) {
      EXPECT_EQ(named, std::numeric_limits<double>::infinity());
      continue;
    }
    fitting += named != std::numeric_limits<double>::infinity();
    EXPECT_TRUE(fits(problem, *found)) << printCSV(*found);
    EXPECT_LE(makespanOf(problem, *found), named);
  }
  EXPECT_GT(fitting, 60);
}

// Small caps, which leave room for little more than one micro-batch in all
// stages of a rank, and several stages a rank are where a bound that reasons
// about memory could claim too much.
TEST(LowerBound, IsBelowEverySchedule) {
  std::mt19937 random(11);
  constexpr SearchOptions few = {1, 20'000};
  int found = 0, capped = 0;
  for (int round = 0; round < 800; ++round) {
    const int p = 1 + random() % 4, v = 1 + random() % 3, m = 1 + random() % 9;
    SearchProblem problem = uniformProblem(p, v, m, 0, 0, 0);
    Costs &costs = problem.costs;
    Memory &memory = problem.memory;
    const int range = 1 + random() % 9; // 1: all alike
    auto upTo = [&](int most) { return most ? int(random() % most) : 0; };
    memory.activation.clear();
    for (int s = 0; s < p * v; ++s) {
      costs.forward[s] = 1 + upTo(range);
      costs.inputGradient[s] = 1 + upTo(range);
      costs.weightGradient[s] = upTo(range + 1);
      memory.activation.push_back(1 + upTo(range));
      if (round % 3 == 0)
        memory.afterInputGradient.push_back(upTo(range + 2));
    }
    costs.forwardTransfer = {0.5 * upTo(5)};
    costs.backwardTransfer = {0.25 * upTo(5)};
    costs.overlapTransfers = random() % 4 != 0;
    costs.reduction = upTo(2);
    costs.optimizer = {double(upTo(4))};
    memory.fixed = {int64_t(upTo(3))};
    // From what one micro-batch takes on a rank of the placement to come.
    const auto placements = searchedPlacements(p, p * v);
    const auto &placement = placements[random() % placements.size()];
    std::vector<int64_t> one(p, 0);
    for (int s = 0; s < p * v; ++s) {
      int64_t kept = memory.activation[s];
      if (!memory.afterInputGradient.empty())
        kept = std::max(kept, memory.afterInputGradient[s]);
      one[placement[s]] += memory.fixed[0] + kept;
    }
    if (random() % 8)
      for (int64_t bytes : one)
        problem.memoryCap.push_back(bytes + upTo(3) * upTo(bytes + 1));

    const double named = bestNamed(problem);
    EXPECT_GE(named + 1e-9, lowerBound(problem)) << "round " << round;
    Result<Schedule> schedule = search(problem, few);
    if (!schedule)
      continue;
    ++found;
    capped += !problem.memoryCap.empty();
    EXPECT_GE(makespanOf(problem, *schedule) + 1e-9,
              lowerBound(problem, schedule->placement))
        << "round " << round << "\n"
        << printCSV(*schedule);
  }
  EXPECT_GT(found, 600);
  EXPECT_GT(capped, 500);
}

// Optima that a constraint solver has proven (the lesser of both placements),
// for caps at which ranks hold two (2 ranks) or four (4 ranks) activations.
TEST(LowerBound, ComesCloseToOptima) {
  struct Optimum {
    int ranks, microbatches, cap;
    double forward, input, weight, transfer, makespan, part;
  };
  for (const Optimum &known :
       {Optimum{2, 2, 2, 1, 1, 1, 0, 17, 1},
        {2, 4, 2, 1, 1, 1, 0, 33, 1},
        {2, 2, 2, 2, 2.2, 1.5, 0.1, 34.5, 1},
        {2, 4, 2, 2, 2.2, 1.5, 0.1, 66.1, 1},
        {2, 4, 2, 18.522, 18.086, 9.337, 0.601, 547.273, 1},
        {2, 8, 2, 1, 2, 3, 0, 121, 1},
        {2, 2, 3, 2, 2.2, 1.5, 0.1, 29, 0.94},
        {4, 2, 8, 2, 2.2, 1.5, 0.1, 40.7, 1},
        {4, 2, 4, 18.522, 18.086, 9.337, 0.601, 346.457, 1},
        {4, 4, 4, 1, 2, 3, 0, 60, 0.96},
        {4, 4, 4, 1, 1, 1, 0, 35, 0.9}}) {
    SearchProblem problem =
        uniformProblem(known.ranks, 2, known.microbatches, known.forward,
                       known.input, known.weight, known.transfer);
    problem.memoryCap = {known.cap};
    const double bound = lowerBound(problem);
    EXPECT_LE(bound, known.makespan + 1e-9);
    EXPECT_GE(bound, known.part * known.makespan - 1e-9)
        << known.ranks << " ranks, " << known.microbatches << " micro-batches";
    Result<Schedule> schedule = search(problem, kQuick);
    ASSERT_TRUE(schedule) << schedule.error();
    EXPECT_NEAR(makespanOf(problem, *schedule), known.makespan, 1e-9);
  }
}

// Where the bound is known to be reachable, the search comes within 3 %.
TEST(Search, ReachesTheBound) {
  for (int p : {1, 2, 4, 8})
    for (int m : {2 * p, 4 * p})
      for (auto [f, i, w] : {std::tuple{1.0, 1.0, 1.0},
                             {2.0, 2.2, 1.5},
                             {18.522, 18.086, 9.337},
                             {1.0, 2.0, 3.0}})
        for (double transfer : {0.0, 0.05})
          for (int v : {1, 2}) {
            SearchProblem problem =
                uniformProblem(p, v, m, f, i, w, transfer * f);
            Result<Schedule> schedule = search(problem, kQuick);
            ASSERT_TRUE(schedule) << schedule.error();
            EXPECT_LE(makespanOf(problem, *schedule),
                      1.03 * lowerBound(problem, schedule->placement))
                << p << " ranks, " << v << " stages each, " << m
                << " micro-batches, " << f << "/" << i << "/" << w;
          }
}

// With one stage a rank, also where memory is what delays: half of 1F1B's.
TEST(Search, ReachesTheBoundUnderACap) {
  for (int p : {2, 4, 8})
    for (int m : {p / 2, p})
      for (auto [f, i, w] : {std::tuple{1.0, 1.0, 1.0},
                             {2.0, 2.2, 1.5},
                             {18.522, 18.086, 9.337}})
        for (int cap : {p, p / 2}) {
          SearchProblem problem = uniformProblem(p, 1, m, f, i, w, 0.05 * f);
          problem.memoryCap = {cap};
          Result<Schedule> schedule = search(problem, kQuick);
          ASSERT_TRUE(schedule) << schedule.error();
          EXPECT_LE(makespanOf(problem, *schedule), 1.03 * lowerBound(problem))
              << p << " ranks, " << m << " micro-batches, room for " << cap
              << ", " << f << "/" << i << "/" << w;
        }
}

// V-Half's block holds for F = I = W; for other times the search has a better
// one in the same memory.
TEST(Search, FitsBlocksToTimes) {
  SearchProblem problem =
      uniformProblem(8, 2, 32, 18.522, 18.086, 9.337, 0.601);
  Result<Schedule> half = generate("v-half", {8, 32, true});
  ASSERT_TRUE(half);
  for (const Peak &peak : findPeaks(*half, problem.memory))
    problem.memoryCap.push_back(peak.bytes);
  Result<Schedule> schedule = search(problem);
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_LT(makespanOf(problem, *schedule), 0.98 * makespanOf(problem, *half));
}

TEST(Search, BeatsNamedSchedulesWithLittleMemory) {
  SearchProblem problem = uniformProblem(4, 2, 12, 2, 2.2, 1.5, 0.1);
  problem.memoryCap = {4}; // V-Min alone fits
  Result<Schedule> schedule = search(problem);
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_LT(makespanOf(problem, *schedule), 0.98 * bestNamed(problem));
}

TEST(Search, IsDeterministic) {
  SearchProblem problem = uniformProblem(4, 2, 9, 3, 4, 2, 0.5);
  problem.memoryCap = {6};
  SearchOptions options = kQuick;
  for (uint64_t seed : {1, 2}) {
    options.seed = seed;
    Result<Schedule> one = search(problem, options);
    Result<Schedule> two = search(problem, options);
    ASSERT_TRUE(one && two);
    EXPECT_EQ(one->ranks, two->ranks);
  }
}

TEST(Search, Errors) {
  EXPECT_EQ(search(uniformProblem(0, 1, 4, 1, 1, 1)).error(),
            "found 0 ranks and 4 micro-batches, expected at least 1 of each");
  SearchProblem problem = uniformProblem(2, 1, 4, 1, 1, 1);
  problem.costs.forward.push_back(1);
  EXPECT_EQ(search(problem).error(), "found times of 3 stages for 2 ranks, "
                                     "expected a multiple of the ranks");
  problem.costs.forward.push_back(1);
  EXPECT_EQ(search(problem).error(),
            "found 2 input-gradient times for 4 stages, expected one for each");
  problem = uniformProblem(2, 1, 4, 1, 1, 1);
  problem.memoryCap = {1, 2, 3};
  EXPECT_EQ(search(problem).error(), "found 3 memory caps for 2 ranks, "
                                     "expected one for each or one for all");
  problem.memoryCap = {0};
  EXPECT_EQ(search(problem).error(),
            "found no schedule for 2 ranks within a memory cap of 0, expected "
            "at least 1, which is room for one micro-batch in every stage of a "
            "rank: raise the cap, recompute layers or take more ranks");
}

// What actions need while they run counts beside what is held: F and I beside
// what they leave, the others beside what they find.
TEST(Memory, WhatActionsNeedForAMomentCounts) {
  Schedule one = *generate("1f1b", {1, 2, true, 1});
  Memory memory;
  memory.activation = {10};
  memory.afterInputGradient = {4};
  EXPECT_EQ(findPeaks(one, memory).front().bytes, 10);
  memory.duringForward = {3};
  EXPECT_EQ(findPeaks(one, memory).front().bytes, 13);
  memory.duringInputGradient = {7};
  EXPECT_EQ(findPeaks(one, memory).front().bytes, 17);
  memory.duringWeightGradient = {14};
  EXPECT_EQ(findPeaks(one, memory).front().bytes, 18);
  memory.duringBackward = {100};
  EXPECT_EQ(findPeaks(one, memory).front().bytes, 18);
  EXPECT_EQ(memory.duringHalves({0}, 0), 14);
  Schedule whole = *generate("1f1b", {1, 2, false, 1});
  EXPECT_EQ(findPeaks(whole, memory).front().bytes, 110);
  memory.duringForward = {1, 2, 3};
  EXPECT_NE(checkMemory(one, memory), "");
}

// Halves need much for a moment here, a backward in one piece does not: under
// the cap that this leaves, the search takes the latter.
TEST(Search, TakesWholeBackwardsWhereHalvesDoNotFit) {
  SearchProblem problem;
  problem.ranks = 2;
  problem.microbatches = 6;
  problem.costs.forward = problem.costs.inputGradient =
      problem.costs.weightGradient = {1, 1};
  problem.costs.forwardTransfer = problem.costs.backwardTransfer = {0};
  problem.memory.activation = {10};
  problem.memory.duringForward = {1};
  problem.memory.duringBackward = {5};
  problem.memory.duringInputGradient =
      problem.memory.duringWeightGradient = {30};
  problem.memoryCap = {25};
  Result<Schedule> found = search(problem);
  ASSERT_TRUE(found) << found.error();
  for (const Peak &peak : findPeaks(*found, problem.memory))
    EXPECT_LE(peak.bytes, 25);
  problem.memoryCap = {14};
  Result<Schedule> none = search(problem);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().find("expected at least 15"), std::string::npos)
      << none.error();
}

// A clock too coarse to see a layer gives 0; sums of the smallest numbers
// round.
TEST(Search, EndsWithTimesOfAnySize) {
  constexpr double tiny = std::numeric_limits<double>::denorm_min();
  for (double time : {0.0, tiny, 3 * tiny, 1e-300, 1.0, limits::kTime})
    for (double transfer : {0.0, tiny, 1.0, limits::kTime})
      for (bool overlap : {true, false})
        for (int v : {1, 2})
          for (int64_t cap : {0, 3}) {
            SCOPED_TRACE(testing::Message() << time << " " << transfer << " "
                                            << overlap << v << cap);
            SearchProblem problem = uniformProblem(
                2, v, 4, time, 2 * time > limits::kTime ? time : 2 * time, time,
                transfer);
            problem.costs.overlapTransfers = overlap;
            if (cap)
              problem.memoryCap = {cap};
            Result<Schedule> found = search(problem, {1, 20'000});
            ASSERT_TRUE(found) << found.error();
            const double makespan = makespanOf(problem, *found);
            const double bound = lowerBound(problem, found->placement);
            EXPECT_LE(bound, makespan * (1 + 1e-9));
            if (time == 0 && transfer == 0)
              EXPECT_EQ(makespan, 0);
          }
  // Some stages that take no time among others that do.
  SearchProblem problem = uniformProblem(4, 1, 8, 0, 0, 0);
  problem.costs.weightGradient[2] = 5;
  Result<Schedule> found = search(problem, kQuick);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(makespanOf(problem, *found), 40);
}

TEST(Search, RefusesTimesWhoseSumsAreNoNumbers) {
  SearchProblem problem = uniformProblem(2, 1, 4, 1e308, 1e308, 1e308);
  EXPECT_EQ(search(problem, kQuick).error(),
            "found 1e+308 as forward time, expected 0 to 1e+15");
}
