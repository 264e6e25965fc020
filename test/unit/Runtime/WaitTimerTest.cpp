#include "WaitTimer.h"

#include <gtest/gtest.h>

using namespace pprt;

static constexpr uint64_t ms = 1000000, second = 1000 * ms;

/// Looks as often as the timer asks for; the time at which it is over.
static uint64_t endOf(WaitTimer timer, uint64_t now) {
  while (!timer.isOver(now))
    now += timer.longestSleep();
  return now;
}

TEST(WaitTimer, EndsAtItsLimit) {
  for (uint64_t limit : {ms, 200 * ms, 2 * second, 30 * second, 300 * second,
                         1000000 * second}) {
    uint64_t end = endOf(WaitTimer(limit, 7 * second), 7 * second);
    EXPECT_GT(end, 7 * second + limit);
    EXPECT_LE(end, 7 * second + limit + 2 * ms);
  }
}

TEST(WaitTimer, LooksThatAreALittleLateCountInFull) {
  // What a loaded machine does: each sleep takes half as long again.
  WaitTimer timer(2 * second, 0);
  uint64_t now = 0;
  while (!timer.isOver(now))
    now += timer.longestSleep() * 3 / 2;
  EXPECT_LE(now, 2 * second + second / 8);
}

TEST(WaitTimer, AStopTakesNoMoreThanASlice) {
  WaitTimer timer(2 * second, 0);
  EXPECT_FALSE(timer.isOver(60 * ms));
  // Stopped for an hour, several times.
  uint64_t now = 60 * ms;
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(timer.isOver(now += 3600 * second));
  EXPECT_LE(timer.waited(), 60 * ms + 5 * (2 * second / 16));
  // What is left of the limit is there for the peers to answer in.
  EXPECT_GT(endOf(timer, now), now + second);
}

TEST(WaitTimer, AClockThatStandsStillOrGoesBackCountsNothing) {
  WaitTimer timer(second, 5 * second);
  EXPECT_FALSE(timer.isOver(5 * second));
  EXPECT_FALSE(timer.isOver(4 * second));
  EXPECT_EQ(timer.waited(), 0u);
  EXPECT_FALSE(timer.isOver(5 * second + ms));
  EXPECT_EQ(timer.waited(), ms);
}
