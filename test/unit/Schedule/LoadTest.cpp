//===- LoadTest.cpp - Schedules from files --------------------------------===//

#include "pp/Schedule/Load.h"
#include "Support.h"
#include "pp/Schedule/Simulator.h"
#include "pp/Schedule/Verifier.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace pp::schedule;

namespace {
Result<Schedule> loadText(const std::string &text, int32_t ranks = 0,
                          int32_t microbatches = 0) {
  const std::string path =
      testing::TempDir() + "pp-load-" + std::to_string(getpid()) + ".csv";
  std::FILE *file = std::fopen(path.c_str(), "wb");
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  Result<Schedule> schedule = load(path, {ranks, microbatches, false, 0});
  std::remove(path.c_str());
  return schedule;
}

/// As PyTorch writes looped schedules: all forwards, then all backwards, the
/// last micro-batch first.
std::string descending(int32_t ranks, int32_t stagesEach, int32_t microbatches,
                       bool halves) {
  std::string text;
  for (int32_t rank = 0; rank < ranks; ++rank) {
    for (int32_t s = rank; s < ranks * stagesEach; s += ranks)
      for (int32_t mb = 0; mb < microbatches; ++mb)
        text += std::to_string(s) + "F" + std::to_string(mb) + ",";
    for (int32_t s = rank + ranks * (stagesEach - 1); s >= 0; s -= ranks)
      for (int32_t mb = microbatches; mb-- > 0;)
        for (const char *kind : {"I", "W"})
          if (halves || *kind == 'I')
            text += std::to_string(s) + (halves ? kind : "B") +
                    std::to_string(mb) + ",";
    text += "\n";
  }
  return text;
}
} // namespace

TEST(Load, BackwardsThatDescendAreNumberedAnew) {
  for (int32_t ranks : {1, 2, 4})
    for (int32_t each : {1, 2})
      for (int32_t m : {2, 5})
        for (bool halves : {false, true}) {
          const std::string text = descending(ranks, each, m, halves);
          Result<Schedule> before = parseCSV(text), after = loadText(text);
          ASSERT_TRUE(after) << after.error();
          EXPECT_FALSE(verify(*before).empty());
          EXPECT_EQ(verify(*after), std::vector<std::string>{});
          ASSERT_EQ(after->notes.size(), 1u);
          EXPECT_EQ(after->notes[0].substr(0, 45),
                    "found backwards that begin with micro-batch " +
                        std::to_string(m - 1));
          // The same picture, with other numbers.
          const Costs costs = Costs::uniform(ranks * each, 3, 2, 1, 0.5);
          Result<Timeline> one = simulate(*before, costs);
          Result<Timeline> other = simulate(*after, costs);
          ASSERT_TRUE(one && other);
          EXPECT_EQ(one->makespan, other->makespan);
          EXPECT_EQ(one->peakActivations, other->peakActivations);
        }
}

TEST(Load, TransfersOfBackwardsGoWithThem) {
  Result<Schedule> schedule = loadText(
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B1,0B1,0RECV_B0,0B0,0WAIT_SEND_F0\n"
      "1RECV_F0,1F0,1RECV_F1,1F1,1B1,1SEND_B1,1B0,1SEND_B0,1WAIT_SEND_B1\n");
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(verify(*schedule), std::vector<std::string>{});
  EXPECT_EQ(
      printCSV(*schedule),
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1,0WAIT_SEND_F0\n"
      "1RECV_F0,1F0,1RECV_F1,1F1,1B0,1SEND_B0,1B1,1SEND_B1,1WAIT_SEND_B0\n");
}

// Where numbers alone do not make it legal, it stays for the verifier.
TEST(Load, WhatCannotBeNumberedAnewStays) {
  for (const char *text : {
           // Micro-batch 0 has no forward yet where 1 has its backward.
           "0F1,0B1,0F0,0B0\n",
           // Stages that do not agree.
           "0F0,0F1,0B1,0B0\n1F0,1F1,1B0,1B1\n",
           // Weight gradients in an order of their own.
           "0F0,0F1,0I1,0I0,0W0,0W1\n",
           // One is missing.
           "0F0,0F1,0F2,0B2,0B0\n",
       }) {
    Result<Schedule> schedule = loadText(text);
    ASSERT_TRUE(schedule) << schedule.error();
    EXPECT_EQ(printCSV(*schedule), text);
    EXPECT_TRUE(schedule->notes.empty());
  }
  // Ascending is what it is.
  EXPECT_TRUE(loadText("0F0,0F1,0B0,0B1\n")->notes.empty());
}

TEST(Load, ForwardsThatPyTorchNumbersFromOne) {
  Result<Schedule> schedule =
      loadText("0F0,0F1,0B0,0F2,0B1,0B2\n1F1,1B0,1F2,1B1,1F3,1B2\n", 2, 3);
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(verify(*schedule), std::vector<std::string>{});
  EXPECT_EQ(printCSV(*schedule),
            "0F0,0F1,0B0,0F2,0B1,0B2\n1F0,1B0,1F1,1B1,1F2,1B2\n");
  EXPECT_EQ(schedule->microbatches, 3);
  EXPECT_EQ(schedule->notes,
            std::vector<std::string>{
                "found forwards of micro-batches 1 to 3 in stage 1 and "
                "backwards of 0 to 2, as PyTorch's Schedule1F1B has them in "
                "the last stage: the forwards are read as 0 to 2"});
  // Backwards from 1 on as well: a schedule without micro-batch 0.
  EXPECT_TRUE(loadText("0F1,0B1\n")->notes.empty());
}
