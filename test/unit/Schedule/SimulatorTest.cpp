//===- SimulatorTest.cpp --------------------------------------------------===//

#include "pp/Schedule/Simulator.h"
#include "Support.h"

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
                earliest = std::max(
                    earliest,
                    other.end + (q == r ? 0 : costs.forwardTransfer[0]));
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

TEST(Simulator, TransfersThatOccupyTheSender) {
  Result<Schedule> schedule = parseCSV("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n");
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1, /*transfer=*/0.5);
  costs.overlapTransfers = false;
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->ranks[0][1].start, 1.5) << "behind the send of 0F0";
  EXPECT_EQ(timeline->ranks[1][0].start, 1.5);
  EXPECT_EQ(timeline->ranks[1][1].start, 2.5) << "the last F goes nowhere";
  EXPECT_EQ(timeline->ranks[1][2].start, 5) << "behind the send of 1B0";
  EXPECT_EQ(timeline->idleTime(0, IdleReason::Transfer), 0.5 + 0.5 + 0.5);
}

TEST(Simulator, LatencyAndBandwidth) {
  Costs costs = Costs::uniform(3, 1, 1, 1);
  costs.setTransfers({100, 200}, /*latency=*/0.5, /*bandwidth=*/50);
  EXPECT_EQ(costs.forwardTransfer, (std::vector<double>{2.5, 4.5}));
  EXPECT_EQ(costs.backwardTransfer, costs.forwardTransfer);
}

TEST(Simulator, EndOfStep) {
  Result<Schedule> schedule = parseCSV("0F0,0B0\n1F0,1B0\n");
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.optimizer = {3, 5};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->ends[0][0].start, 6);
  EXPECT_EQ(timeline->ends[1][0].start, 4) << "at once without a reduction";
  EXPECT_EQ(timeline->makespan, 9);
  costs.reduction = 2;
  timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->ends[1][0].start, 6) << "all take part";
  EXPECT_EQ(timeline->makespan, 6 + 2 + 5);
  EXPECT_EQ(timeline->busy, (std::vector<double>{3 + 2 + 3, 3 + 2 + 5}));
}

TEST(Simulator, PeakBytes) {
  Result<Schedule> schedule = generate("1f1b", {2, 4, true});
  ASSERT_TRUE(schedule);
  Memory memory;
  memory.activation = {10, 20};
  memory.fixed = {1, 2};
  Result<Timeline> timeline =
      simulate(*schedule, Costs::uniform(2, 1, 1, 1), memory);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->peakBytes, (std::vector<int64_t>{21, 22}));
  memory.fixed = {};
  EXPECT_EQ(
      simulate(*schedule, Costs::uniform(2, 1, 1, 1), memory).error(),
      "found 0 fixed sizes for 2 stages, expected one for each or one for all");
}

// Idle times and busy times fill the makespan, without overlap, and each has
// the reason it must have.
TEST(Simulator, IdleTimesAreExplained) {
  for (const std::string &name : names())
    for (double transfer : {0.0, 0.25})
      for (double w : {1.0, 4.0})
        for (int p = 1; p <= 6; ++p)
          for (int m : {12, 17}) {
            Result<Schedule> schedule = generate(name, {p, m, false});
            ASSERT_TRUE(schedule) << schedule.error();
            Costs costs = Costs::uniform(schedule->stages, 1, 1, w, transfer);
            costs.reduction = 2;
            costs.optimizer = {1};
            if (m == 17) {
              costs.parameterGather = {0.75};
              costs.gradientReduction = {1.5};
            }
            Result<Timeline> timeline = simulate(*schedule, costs);
            ASSERT_TRUE(timeline) << timeline.error();
            for (int r = 0; r < p; ++r) {
              double idle = 0, last = 0;
              for (const Idle &span : timeline->idle[r]) {
                EXPECT_GE(span.start, last);
                EXPECT_GT(span.end, span.start);
                last = span.end;
                idle += span.end - span.start;
                if (span.reason == IdleReason::Transfer) {
                  ASSERT_TRUE(span.waitsFor);
                  EXPECT_NE(schedule->placement[span.waitsFor->stage], r);
                }
              }
              EXPECT_NEAR(idle + timeline->busy[r], timeline->makespan, 1e-9);
              double shares = 0;
              for (const Share &share : timeline->shares(r))
                shares += share.part;
              EXPECT_NEAR(shares, 1, 1e-9);
              EXPECT_EQ(timeline->idleTime(r, IdleReason::Runtime), 0);
              if (transfer == 0)
                EXPECT_EQ(timeline->idleTime(r, IdleReason::Transfer), 0);
            }
            if (name == "1f1b" && transfer == 0)
              for (int r = 0; r < p; ++r)
                EXPECT_EQ(timeline->idleTime(r, IdleReason::Imbalance), 0);
          }
}

TEST(Simulator, ImbalanceIsNamed) {
  // Rank 1 takes twice as long, so that rank 0 waits between its actions.
  Result<Schedule> schedule = generate("1f1b", {2, 8, false});
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.forward[1] = 2;
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_GT(timeline->idleTime(0, IdleReason::Imbalance), 0);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::Imbalance), 0);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::WarmUp), 1) << "for 0F0";
  EXPECT_STREQ(toString(timeline->idle[1].front().reason), "warm-up");
  EXPECT_STREQ(toString(IdleReason::Transfer), "transfer");
  EXPECT_STREQ(toString(IdleReason::Imbalance), "imbalance");
  EXPECT_STREQ(toString(IdleReason::CoolDown), "cool-down");
}

// Of 1F1B on two ranks, m = 2, with forwards of 1 and backwards of 2:
//
//   rank 0  F0 F1 .  B0 B0 .  .  B1 B1
//   rank 1  .  F0 B0 B0 F1 B1 B1
TEST(Simulator, GathersDelayTheFirstForward) {
  Result<Schedule> schedule = generate("1f1b", {2, 2, false});
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.parameterGather = {0.5, 1.25};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->ranks[0][0].start, 0.5);
  EXPECT_EQ(timeline->makespan, 9.5);
  EXPECT_EQ(timeline->idleTime(0, IdleReason::Parameters), 0.5);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::Parameters), 0)
      << "hidden: the input comes later";
  EXPECT_EQ(timeline->idleTime(1, IdleReason::WarmUp), 1.5);
  EXPECT_EQ(timeline->collectiveTime(1), 1.25);
  ASSERT_EQ(timeline->collectives[1].size(), 1u);
  EXPECT_EQ(timeline->collectives[1][0].label, "gather, stage 1");
  EXPECT_EQ(timeline->collectives[1][0].waitEnd, 0);
  EXPECT_EQ(timeline->busy[0], 6) << "collectives are no work of the rank";

  costs.parameterGather = {0, 1.25};
  costs.forwardTransfer = {0.125};
  timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->ranks[1][0].start, 1.25);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::WarmUp), 1);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::Transfer), 0.125);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::Parameters), 0.125)
      << "what is left of it when the input is there";
}

TEST(Simulator, ReductionsHideInTheCoolDown) {
  Result<Schedule> schedule = generate("1f1b", {2, 2, false});
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.gradientReduction = {0, 2};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->collectives[1][0].start, 7);
  EXPECT_EQ(timeline->collectives[1][0].end, 9);
  EXPECT_EQ(timeline->makespan, 9) << "beside the last backward of rank 0";
  EXPECT_EQ(timeline->idleTime(1, IdleReason::Gradients), 0);
  EXPECT_EQ(timeline->idleTime(1, IdleReason::CoolDown), 2);

  costs.gradientReduction = {0.5};
  costs.reduction = 1;
  timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->collectives[0][0].start, 9);
  EXPECT_EQ(timeline->ends[1][0].start, 9.5) << "the end waits for all";
  EXPECT_EQ(timeline->makespan, 10.5);
  for (int32_t rank : {0, 1})
    EXPECT_EQ(timeline->idleTime(rank, IdleReason::Gradients), 0.5);
  EXPECT_STREQ(toString(IdleReason::Parameters), "parameters");
  EXPECT_STREQ(toString(IdleReason::Gradients), "gradients");
}

TEST(Simulator, ReplicasThatAllUpdateGatherGradients) {
  Result<Schedule> schedule = generate("1f1b", {2, 2, false});
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.gradientReduction = {1};
  costs.gradientGather = {2, 1};
  costs.reduction = 0.5;
  costs.optimizer = {3};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_EQ(timeline->ends[0][1].start, 9 + 1 + 0.5 + 2);
  EXPECT_EQ(timeline->ends[1][1].start, 9 + 1 + 0.5 + 1);
  EXPECT_EQ(timeline->idleTime(0, IdleReason::Gradients), 1 + 2);
  EXPECT_EQ(timeline->exposedTime(0, Collective::Kind::Reduction), 1 + 2);
  EXPECT_EQ(timeline->exposedTime(1, Collective::Kind::Reduction), 1)
      << "its reduction is hidden, and it waits for that of rank 0";
  EXPECT_EQ(timeline->makespan, 15.5);
}

TEST(Simulator, CollectivesTakeTheLinkInTurn) {
  // One rank with two stages: the gather of the second one runs beside the
  // forward of the first, its reduction beside the first one's backward.
  Result<Schedule> schedule = parseCSV("0F0,1F0,1B0,0B0\n");
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.parameterGather = {2, 3};
  costs.gradientReduction = {1, 4};
  costs.optimizer = {0.5};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  const std::vector<Collective> &link = timeline->collectives[0];
  ASSERT_EQ(link.size(), 4u);
  EXPECT_EQ(timeline->ranks[0][1].start, 5) << "2 + 3 for gathers";
  EXPECT_EQ(timeline->idleTime(0, IdleReason::Parameters), 2 + 2);
  EXPECT_EQ(link[2].label, "reduction, stage 1");
  EXPECT_EQ(link[2].start, 8);
  EXPECT_EQ(link[3].start, 12) << "behind the other reduction, not at 10";
  EXPECT_EQ(timeline->idleTime(0, IdleReason::Gradients), 3);
  EXPECT_EQ(timeline->ends[0][0].start, 13);
  EXPECT_EQ(timeline->makespan, 13 + 1);
}

TEST(Simulator, RingTime) {
  EXPECT_EQ(ringTime(/*bytes=*/800, /*members=*/4, /*latency=*/0.5,
                     /*bandwidth=*/100),
            3 * 0.5 + 6);
  EXPECT_EQ(ringTime(800, 1, 0.5, 100), 0);
  // Each of three members receives 200 bytes in turn.
  EXPECT_EQ(ringTime(800, 4, 0.5, 100),
            messageTime(/*messages=*/3, /*bytes=*/200, /*latency=*/0.5,
                        /*bandwidth=*/100));
  EXPECT_EQ(messageTime(3, 200, 0.5, 100), 7.5);
  EXPECT_EQ(messageTime(0, 0, 0.5, 100), 0);
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
            "found -1 as input-gradient time, expected 0 to 1e+15");
  costs = Costs::uniform(4, 1, 1, 1);
  costs.setTransfers({1}, /*latency=*/0, /*bandwidth=*/0);
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found inf as forward transfer time, expected 0 to 1e+15");
  costs = Costs::uniform(4, 1, 1, 1);
  costs.optimizer = {1, 2, 3};
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found 3 optimizer times for 4 stages, expected one for each");
  costs.optimizer = {1};
  costs.reduction = -2;
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found -2 as reduction time, expected 0 to 1e+15");
  costs.reduction = 0;
  costs.parameterGather = {1, 2};
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found 2 parameter gather times for 4 stages, expected one for "
            "each");
  costs.parameterGather = {1};
  costs.gradientReduction = {-1};
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found -1 as gradient reduction time, expected 0 to 1e+15");
  costs = Costs::uniform(4, 1, 1, 1e308);
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found 1e+308 as weight-gradient time, expected 0 to 1e+15");
  costs = Costs::uniform(4, NAN, 1, 1);
  EXPECT_EQ(simulate(*schedule, costs).error(),
            "found nan as forward time, expected 0 to 1e+15");
  schedule->ranks[2].pop_back();
  EXPECT_EQ(simulate(*schedule, Costs::uniform(4, 1, 1, 1)).error(),
            "missing '2B3' on rank 2, or its halves I and W");
}
