#include "SampleOrder.h"

#include "Support.h"

#include <map>
#include <random>
#include <set>

using namespace pprt;

static SampleOrder epochs(uint64_t tokens, uint64_t sequence,
                          uint64_t seed = 1) {
  return {{tokens}, {1}, sequence, WindowOrder::Epochs, seed};
}

TEST(SampleOrder, EveryWindowOnceAnEpoch) {
  for (uint64_t sequence : {1u, 3u, 8u})
    for (uint64_t tokens = sequence + 1; tokens < 80; ++tokens) {
      SampleOrder order = epochs(tokens, sequence, tokens);
      const uint64_t windows = order.windowsOf(0);
      EXPECT_EQ(windows, (tokens - 1) / sequence);
      const uint64_t left = (tokens - 1) % sequence;
      for (uint64_t epoch : {0u, 1u, 2u, 1000000u}) {
        std::set<uint64_t> begins;
        for (uint64_t i = 0; i < windows; ++i)
          begins.insert(order.placeOf(epoch * windows + i).token);
        // All of them, one behind the other.
        ASSERT_EQ(begins.size(), windows);
        const uint64_t shift = *begins.begin();
        ASSERT_LE(shift, left);
        uint64_t expected = shift;
        for (uint64_t begin : begins) {
          ASSERT_EQ(begin, expected);
          expected += sequence;
        }
        ASSERT_LE(*begins.rbegin() + sequence + 1, tokens);
      }
    }
}

TEST(SampleOrder, EpochsDiffer) {
  SampleOrder order = epochs(1001, 10);
  int equal = 0;
  for (uint64_t i = 0; i < 100; ++i)
    equal += order.placeOf(i).token / 10 == order.placeOf(100 + i).token / 10;
  EXPECT_LT(equal, 10);
}

// What is left out at the ends is another part in each epoch.
TEST(SampleOrder, EveryShiftComes) {
  SampleOrder order = epochs(8 * 5 + 1 + 4, 8);
  std::map<uint64_t, int> shifts;
  for (uint64_t epoch = 0; epoch < 500; ++epoch)
    ++shifts[order.placeOf(epoch * 5).token % 8];
  ASSERT_EQ(shifts.size(), 5u);
  EXPECT_EQ(shifts.rbegin()->first, 4u);
  for (auto [shift, often] : shifts)
    EXPECT_NEAR(often, 100, 45);
}

TEST(SampleOrder, FilesAreOrderedOnTheirOwn) {
  SampleOrder both({101, 211}, {3, 1}, 10, WindowOrder::Epochs, 5);
  SampleOrder first = SampleOrder({101}, {1}, 10, WindowOrder::Epochs, 5);
  uint64_t counts[2] = {0, 0};
  std::set<uint64_t> second;
  for (uint64_t i = 0; i < 84; ++i) {
    SampleOrder::Place place = both.placeOf(i);
    if (place.file == 0)
      EXPECT_EQ(place.token, first.placeOf(counts[0]).token);
    else
      second.insert(place.token);
    ++counts[place.file];
  }
  EXPECT_EQ(counts[0], 63u);
  EXPECT_EQ(counts[1], 21u);
  EXPECT_EQ(second.size(), 21u); // an epoch of the second
  // Two files of one size have different orders.
  SampleOrder equal({101, 101}, {1, 1}, 10, WindowOrder::Epochs, 5);
  int same = 0;
  for (uint64_t i = 0; i < 20; i += 2)
    same += equal.placeOf(i).token == equal.placeOf(i + 1).token;
  EXPECT_LT(same, 6);
}

TEST(SampleOrder, LargeFiles) {
  const uint64_t tokens = uint64_t(15) << 40;
  for (WindowOrder kind : {WindowOrder::Epochs, WindowOrder::Windows}) {
    SampleOrder order({tokens}, {1}, 8192, kind, 1);
    std::set<uint64_t> begins;
    for (uint64_t i = 0; i < 10000; ++i) {
      const uint64_t begin = order.placeOf(i << 16).token;
      EXPECT_LE(begin + 8193, tokens);
      begins.insert(begin);
    }
    EXPECT_GT(begins.size(), 9990u);
    EXPECT_GT(*begins.rbegin(), tokens / 100 * 99);
  }
}

// Independent draws, as before there were epochs.
TEST(SampleOrder, WindowsAreDrawn) {
  SampleOrder order({12}, {1}, 8, WindowOrder::Windows, 1);
  std::set<uint64_t> begins;
  for (uint64_t i = 0; i < 200; ++i)
    begins.insert(order.placeOf(i).token);
  EXPECT_EQ(begins, (std::set<uint64_t>{0, 1, 2, 3}));
}
