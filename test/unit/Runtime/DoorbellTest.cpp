#include "Clock.h"
#include "NodeMemory.h"

#include <gtest/gtest.h>
#include <thread>

using namespace pprt;

static constexpr uint64_t second = 1000000000;

TEST(Doorbell, RingWakesWhoIsInCharge) {
  for (Bell::Sleeper sleeper : {Bell::Main, Bell::Progress}) {
    NodeMemory node;
    node.usePrivate();
    Bell &bell = node.bell(0);
    bell.mainInCharge = sleeper == Bell::Main;
    uint32_t seen = bell.rings;
    std::thread ringer([&] {
      while (!bell.sleepers)
        std::this_thread::yield();
      bell.ring();
    });
    uint64_t begin = nowNs();
    bell.sleep(sleeper, seen, 20 * second);
    EXPECT_LT(nowNs() - begin, 10 * second);
    EXPECT_EQ(bell.rings, seen + 1);
    ringer.join();
  }
}

TEST(Doorbell, ARingBeforeTheSleepIsNotLost) {
  NodeMemory node;
  node.usePrivate();
  Bell &bell = node.bell(0);
  uint32_t seen = bell.rings;
  bell.ring();
  uint64_t begin = nowNs();
  bell.sleep(Bell::Main, seen, 20 * second);
  EXPECT_LT(nowNs() - begin, 10 * second);
}

TEST(Doorbell, SleepEndsByItself) {
  NodeMemory node;
  node.usePrivate();
  Bell &bell = node.bell(0);
  uint64_t begin = nowNs();
  bell.sleep(Bell::Main, bell.rings, second / 100);
  EXPECT_GE(nowNs() - begin, second / 100);
}

TEST(Doorbell, ARingForMainLeavesProgressAsleep) {
  NodeMemory node;
  node.usePrivate();
  Bell &bell = node.bell(0);
  // A ring right before the sleep ends it, so that one try may not tell.
  uint64_t slept = 0;
  for (int tries = 0; tries < 20 && slept < second / 10; ++tries) {
    std::thread ringer([&] {
      while (!bell.sleepers)
        std::this_thread::yield();
      bell.ringMain();
    });
    uint64_t begin = nowNs();
    bell.sleep(Bell::Progress, bell.rings, second / 10);
    slept = nowNs() - begin;
    // The ringer may not have seen the sleep.
    bell.sleepers = 1;
    ringer.join();
    bell.sleepers = 0;
  }
  EXPECT_GE(slept, second / 10);
}
