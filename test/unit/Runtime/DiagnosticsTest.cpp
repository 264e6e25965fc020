#include "Diagnostics.h"

#include <gtest/gtest.h>

using namespace pprt;

static std::string printed(const std::vector<std::string> &errors) {
  testing::internal::CaptureStderr();
  printErrors(errors);
  return testing::internal::GetCapturedStderr();
}

TEST(Diagnostics, NamesTheRanks) {
  EXPECT_EQ(printed({"", "bad", ""}), "error: rank 1: bad\n");
  EXPECT_EQ(printed({"a", "bad", "a"}),
            "error: ranks 0, 2: a\nerror: rank 1: bad\n");
}

TEST(Diagnostics, RanksHaveNames) {
  testing::internal::CaptureStderr();
  printErrors({"", "bad", "a", "a"}, [](int rank) {
    return "rank " + std::to_string(rank) + " (pipe 0, data 1)";
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: rank 1 (pipe 0, data 1): bad\nerror: ranks 2, 3: a\n");
}

TEST(Diagnostics, RanksThatShareAProcess) {
  EXPECT_EQ(joinErrors({"", ""}), "");
  EXPECT_EQ(printed({joinErrors({"", "bad"}), "", "does not answer"}),
            "error: rank 1: bad\nerror: ranks 4, 5: does not answer\n");
  EXPECT_EQ(printed({joinErrors({"bad", ""})}), "error: rank 0: bad\n");
  EXPECT_EQ(printed({joinErrors({"bad", "bad"}), joinErrors({"bad", "bad"})}),
            "error: bad\n");
  // What a message between processes has no room for.
  EXPECT_LT(joinErrors({std::string(3000, 'x'), std::string(3000, 'y')}).size(),
            2000u);
}

TEST(Diagnostics, WhatAllShareIsSaidOnce) {
  EXPECT_EQ(printed({"bad", "bad", "bad"}), "error: bad\n");
  EXPECT_EQ(printed({"bad"}), "error: bad\n");
  EXPECT_EQ(printed({"", ""}), "");
}
