#include "Doorbell.h"

#include "Clock.h"

#include <gtest/gtest.h>
#include <thread>

using namespace pprt;

static constexpr uint64_t second = 1000000000;

TEST(Doorbell, RingWakesWhoIsInCharge) {
  for (Bell::Sleeper sleeper : {Bell::Main, Bell::Progress}) {
    BellTower tower;
    tower.usePrivate();
    Bell &bell = tower[0];
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
  BellTower tower;
  tower.usePrivate();
  uint32_t seen = tower[0].rings;
  tower[0].ring();
  uint64_t begin = nowNs();
  tower[0].sleep(Bell::Main, seen, 20 * second);
  EXPECT_LT(nowNs() - begin, 10 * second);
}

TEST(Doorbell, SleepEndsByItself) {
  BellTower tower;
  tower.usePrivate();
  uint64_t begin = nowNs();
  tower[0].sleep(Bell::Main, tower[0].rings, second / 100);
  EXPECT_GE(nowNs() - begin, second / 100);
}

TEST(Doorbell, TowersShareMemory) {
  std::string name = "/pprt-test-" + std::to_string(nowNs());
  BellTower one, two, none;
  ASSERT_TRUE(one.map(name, 3, true));
  ASSERT_TRUE(two.map(name, 3, false));
  BellTower::remove(name);
  one[2].ring();
  EXPECT_EQ(two[2].rings, 1u);
  EXPECT_EQ(two[1].rings, 0u);
  EXPECT_FALSE(none.map(name, 3, false));
}
