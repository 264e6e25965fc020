#include "Clock.h"
#include "NodeMemory.h"

#include <gtest/gtest.h>
#include <thread>

using namespace pprt;

static constexpr uint64_t second = 1000000000;

TEST(EventCount, RingWakesWhoIsInCharge) {
  for (EventCount::Sleeper sleeper : {EventCount::Main, EventCount::Progress}) {
    NodeMemory node;
    node.usePrivate();
    EventCount &events = node.events(0);
    events.mainInCharge = sleeper == EventCount::Main;
    uint32_t seen = events.count;
    std::thread ringer([&] {
      while (!events.sleepers)
        std::this_thread::yield();
      events.notify();
    });
    uint64_t begin = nowNs();
    events.sleep(sleeper, seen, 20 * second);
    EXPECT_LT(nowNs() - begin, 10 * second);
    EXPECT_EQ(events.count, seen + 1);
    ringer.join();
  }
}

TEST(EventCount, ARingBeforeTheSleepIsNotLost) {
  NodeMemory node;
  node.usePrivate();
  EventCount &events = node.events(0);
  uint32_t seen = events.count;
  events.notify();
  uint64_t begin = nowNs();
  events.sleep(EventCount::Main, seen, 20 * second);
  EXPECT_LT(nowNs() - begin, 10 * second);
}

TEST(EventCount, SleepEndsByItself) {
  NodeMemory node;
  node.usePrivate();
  EventCount &events = node.events(0);
  uint64_t begin = nowNs();
  events.sleep(EventCount::Main, events.count, second / 100);
  EXPECT_GE(nowNs() - begin, second / 100);
}

TEST(EventCount, ARingForMainLeavesProgressAsleep) {
  NodeMemory node;
  node.usePrivate();
  EventCount &events = node.events(0);
  // A notification right before the sleep ends it, so that one try may not
  // tell.
  uint64_t slept = 0;
  for (int tries = 0; tries < 20 && slept < second / 10; ++tries) {
    std::thread ringer([&] {
      while (!events.sleepers)
        std::this_thread::yield();
      events.notifyMain();
    });
    uint64_t begin = nowNs();
    events.sleep(EventCount::Progress, events.count, second / 10);
    slept = nowNs() - begin;
    // The ringer may not have seen the sleep.
    events.sleepers = 1;
    ringer.join();
    events.sleepers = 0;
  }
  EXPECT_GE(slept, second / 10);
}
