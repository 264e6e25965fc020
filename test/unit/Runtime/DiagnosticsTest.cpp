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

TEST(Diagnostics, WhatAllShareIsSaidOnce) {
  EXPECT_EQ(printed({"bad", "bad", "bad"}), "error: bad\n");
  EXPECT_EQ(printed({"bad"}), "error: bad\n");
  EXPECT_EQ(printed({"", ""}), "");
}
