//===- RankNotesTest.cpp - Ranks by name ----------------------------------===//

#include "RankNotes.h"

#include "gtest/gtest.h"

using namespace pprt;

TEST(RankNotes, ListsRanks) {
  EXPECT_EQ(listRanks({3}), "rank 3");
  EXPECT_EQ(listRanks({0, 1}), "ranks 0 and 1");
  EXPECT_EQ(listRanks({0, 2}), "ranks 0 and 2");
  EXPECT_EQ(listRanks({0, 1, 2, 3}), "ranks 0 to 3");
  EXPECT_EQ(listRanks({1, 3, 4}), "ranks 1, 3 and 4");
  EXPECT_EQ(listRanks({}), "no rank");
}
