#include "Arena.h"

#include "Support.h"

using namespace pprt;

TEST(Arena, IsZeroedAndAligned) {
  for (uint64_t bytes : {uint64_t(0), uint64_t(1), uint64_t(4096),
                         uint64_t(3 << 20), uint64_t(5 << 20) + 1}) {
    Arena arena(bytes);
    uint64_t alignment = bytes >= (2 << 20) ? 2 << 20 : 4096;
    EXPECT_EQ(reinterpret_cast<uint64_t>(arena.base()) % alignment, 0u);
    EXPECT_EQ(arena.bytes(), bytes);
    EXPECT_GE(arena.mappedBytes(), bytes);
    EXPECT_LE(arena.mappedBytes(), bytes + 4096);
    for (uint64_t i = 0; i < bytes; i += 1000)
      EXPECT_EQ(arena.base()[i], 0);
    if (bytes)
      arena.base()[bytes - 1] = 1;
  }
}

TEST(Arena, MoreThanThereIs) {
  EXPECT_ERROR(Arena(uint64_t(1) << 60), "compile for more ranks");
}
