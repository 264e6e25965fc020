//===- ShortenTest.cpp - Schedules without their repetitions --------------===//

#include "pp/Schedule/Shorten.h"
#include "pp/Schedule/Generators.h"
#include "pp/Schedule/Verifier.h"

#include <gtest/gtest.h>

using namespace pp::schedule;

namespace {
size_t numActions(const Schedule &schedule) {
  size_t count = 0;
  for (const auto &row : schedule.ranks)
    count += row.size();
  return count;
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
          visit(*schedule,
                name + (split ? " split" : "") + " p = " + std::to_string(p) +
                    " m = " + std::to_string(m) + " v = " + std::to_string(v));
      }
}
} // namespace

TEST(Shorten, StretchGivesTheScheduleAgain) {
  int shortened = 0;
  for (int p = 1; p <= 9; ++p)
    for (int m = 1; m <= 64; ++m)
      forEachSchedule(p, m, [&](const Schedule &whole, std::string label) {
        auto result = shorten(whole, 2);
        if (!result)
          return;
        ++shortened;
        EXPECT_GE(result->rounds, 2) << label;
        EXPECT_EQ(result->schedule.microbatches,
                  m - result->rounds * result->step)
            << label;
        EXPECT_TRUE(verify(result->schedule).empty()) << label;
        Schedule again = stretch(*result);
        EXPECT_EQ(again.microbatches, m) << label;
        EXPECT_EQ(printCSV(again), printCSV(whole)) << label;
      });
  EXPECT_GT(shortened, 5000);
}

// The point of it: more micro-batches of the same shape, the same short form.
TEST(Shorten, SizeDoesNotGrowWithTheMicrobatches) {
  for (int p : {1, 2, 4, 8, 16}) {
    std::map<std::string, size_t> sizes;
    forEachSchedule(p, 32 * p, [&](const Schedule &whole, std::string label) {
      auto result = shorten(whole, 4);
      ASSERT_TRUE(result) << label;
      sizes[label.substr(0, label.find(" m =")) +
            label.substr(label.rfind('v'))] = numActions(result->schedule);
    });
    forEachSchedule(p, 128 * p, [&](const Schedule &whole, std::string label) {
      auto result = shorten(whole, 4);
      ASSERT_TRUE(result) << label;
      size_t before = sizes[label.substr(0, label.find(" m =")) +
                            label.substr(label.rfind('v'))];
      EXPECT_EQ(numActions(result->schedule), before) << label;
    });
  }
}

TEST(Shorten, RanksNeedNotDivideTheMicrobatches) {
  forEachSchedule(16, 1000, [&](const Schedule &whole, std::string label) {
    auto result = shorten(whole, 4);
    ASSERT_TRUE(result) << label;
    EXPECT_LE(result->schedule.microbatches, 300) << label;
    EXPECT_EQ(stretch(*result).ranks, whole.ranks) << label;
  });
}

TEST(Shorten, SectionsNameTheRounds) {
  Setting setting;
  setting.ranks = 2;
  setting.microbatches = 20;
  auto one = shorten(*makeOneForwardOneBackward(setting), 3);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->step, 1);
  EXPECT_EQ(one->rounds, 16);
  ASSERT_EQ(one->sections[0].size(), 1u); // F0 | F1 B0, F2 B1, ... | B
  EXPECT_EQ(one->sections[0][0].begin, 1u);
  EXPECT_EQ(one->sections[0][0].period, 2u);
  EXPECT_EQ(printCSV(one->schedule), "0F0,0F1,0B0,0F2,0B1,0F3,0B2,0B3\n"
                                     "1F0,1B0,1F1,1B1,1F2,1B2,1F3,1B3\n");
  auto all = shorten(*makeGPipe(setting), 2);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->sections[1].size(), 2u); // forwards, backwards
}

TEST(Shorten, LeavesAloneWhatDoesNotRepeat) {
  // A file with a pattern of its own.
  std::string zero, one;
  for (int i = 0; i < 40; i += 2) {
    std::string a = std::to_string(i), b = std::to_string(i + 1);
    zero += "0F" + a + ",0B" + a + ",0F" + b + ",0B" + b + ",";
    one += "1F" + a + ",1B" + a + ",1F" + b + ",1B" + b + ",";
  }
  auto regular = parseCSV(zero + "\n" + one + "\n");
  ASSERT_TRUE(regular) << regular.error();
  EXPECT_TRUE(shorten(*regular, 4));
  // Bursts of one to four forwards and their backwards in no order.
  std::string growing;
  int backward = 0, forward = 0;
  for (uint32_t random = 1; forward < 60;
       random = random * 1664525 + 1013904223) {
    for (uint32_t i = 0; i <= random >> 30; ++i)
      growing += "0F" + std::to_string(forward++) + ",";
    for (; backward < forward; ++backward)
      growing += "0B" + std::to_string(backward) + ",";
  }
  auto irregular = parseCSV(growing + "\n");
  ASSERT_TRUE(irregular) << irregular.error();
  EXPECT_FALSE(shorten(*irregular, 4));
  // Too few micro-batches for anything to be left out.
  Setting setting;
  setting.ranks = 4;
  setting.microbatches = 6;
  EXPECT_FALSE(shorten(*makeOneForwardOneBackward(setting), 4));
}
