//===- LoopsTest.cpp - What repeats in an order of steps ------------------===//

#include "pp/Schedule/Loops.h"
#include "pp/Schedule/Generators.h"

#include <gtest/gtest.h>

#include <map>

using namespace pp::schedule;

namespace {
/// The actions of a row, those of a stage and kind as a series.
std::vector<Step> toSteps(const std::vector<Action> &row) {
  std::map<std::pair<int32_t, Kind>, uint32_t> numbers;
  std::vector<Step> steps;
  for (const Action &action : row) {
    auto key = std::pair(action.stage, action.kind);
    steps.push_back(
        {numbers.try_emplace(key, uint32_t(numbers.size())).first->second,
         action.microbatch});
  }
  return steps;
}

size_t lengthWith(const std::vector<Step> &steps,
                  const std::vector<Loop> &loops) {
  size_t length = steps.size();
  for (const Loop &loop : loops)
    length -= loop.saved();
  return length;
}

/// All rounds of the loops, each of which is written once.
std::vector<Step> execute(const std::vector<Step> &steps,
                          const std::vector<Loop> &loops) {
  std::vector<Step> result;
  size_t next = 0;
  for (const Loop &loop : loops) {
    EXPECT_LE(next, loop.begin);
    result.insert(result.end(), steps.begin() + next,
                  steps.begin() + loop.begin);
    for (size_t round = 0; round < loop.rounds; ++round)
      for (size_t i = 0; i < loop.period; ++i) {
        result.push_back(steps[loop.begin + i]);
        result.back().microbatch += int32_t(round) * loop.step;
      }
    next = loop.end();
  }
  EXPECT_LE(next, steps.size());
  result.insert(result.end(), steps.begin() + next, steps.end());
  return result;
}

/// All named schedules in the forms they have on p ranks.
template <typename F> void forEachSchedule(int p, int m, F visit) {
  for (const std::string &name : names())
    for (bool split : {false, true})
      for (int v : {0, 3}) {
        Setting setting;
        setting.ranks = p;
        setting.microbatches = m;
        setting.splitBackward = split;
        setting.virtualStages = v;
        if (Result<Schedule> schedule = generate(name, setting))
          visit(*schedule, name + (split ? " split" : "") + " p = " +
                               std::to_string(p) + " v = " + std::to_string(v));
      }
}
} // namespace

TEST(Loops, RunTheSteps) {
  size_t found = 0;
  for (int p = 1; p <= 9; ++p)
    for (int m = 1; m <= 64; m += 3)
      forEachSchedule(p, m, [&](const Schedule &whole, std::string label) {
        for (const auto &row : whole.ranks) {
          auto steps = toSteps(row);
          auto loops = findLoops(steps);
          found += loops.size();
          EXPECT_EQ(execute(steps, loops), steps) << label << " m = " << m;
        }
      });
  EXPECT_GT(found, 1000u);
}

// The point of it: more micro-batches of the same shape, the same length.
TEST(Loops, LengthDoesNotGrowWithTheMicrobatches) {
  for (int p : {1, 2, 4, 8, 16}) {
    std::map<std::string, std::vector<size_t>> lengths;
    for (int m : {64 * p, 256 * p})
      forEachSchedule(p, m, [&](const Schedule &whole, std::string label) {
        size_t sum = 0;
        for (const auto &row : whole.ranks) {
          auto steps = toSteps(row);
          sum += lengthWith(steps, findLoops(steps));
        }
        lengths[label].push_back(sum);
      });
    for (auto &[label, both] : lengths)
      EXPECT_LE(both[1], both[0] + both[0] / 8) << label;
  }
}

TEST(Loops, LengthDoesNotGrowWithTheRanks) {
  for (std::string name : {"1f1b", "gpipe", "zb-h1", "zb-h2"})
    for (int p : {32, 128, 256}) {
      Setting setting;
      setting.ranks = p;
      setting.microbatches = 2 * p;
      Result<Schedule> schedule = generate(name, setting);
      ASSERT_TRUE(schedule);
      for (const auto &row : schedule->ranks) {
        auto steps = toSteps(row);
        EXPECT_LE(lengthWith(steps, findLoops(steps)), 160u) << name << p;
      }
    }
}

TEST(Loops, AreOfEightRoundsOrMore) {
  auto count = [](int rounds) {
    std::vector<Step> steps = {{3, -1}};
    for (int i = 0; i < rounds; ++i)
      for (uint32_t series : {0, 1, 2, 4})
        steps.push_back({series, 5 + 2 * i});
    steps.push_back({3, -1});
    return findLoops(steps);
  };
  EXPECT_TRUE(count(7).empty());
  auto loops = count(16);
  ASSERT_EQ(loops.size(), 1u);
  EXPECT_EQ(loops[0].begin, 1u);
  EXPECT_EQ(loops[0].period, 4u);
  EXPECT_EQ(loops[0].rounds, 16u);
  EXPECT_EQ(loops[0].step, 2);
}

TEST(Loops, LeaveAloneWhatDoesNotRepeat) {
  // Forwards in bursts of one to four, backwards in no order.
  std::vector<Step> steps;
  uint32_t random = 1;
  for (int forward = 0, backward = 0; backward < 60;) {
    random = random * 1664525 + 1013904223;
    for (uint32_t i = 0; i <= random >> 30 && forward < 60; ++i)
      steps.push_back({0, forward++});
    random = random * 1664525 + 1013904223;
    for (uint32_t i = 0; i <= random >> 30 && backward < forward; ++i)
      steps.push_back({1, backward++});
  }
  EXPECT_TRUE(findLoops(steps).empty());
  EXPECT_TRUE(findLoops({}).empty());
  EXPECT_TRUE(findLoops({{0, -1}, {1, -1}}).empty());
}
