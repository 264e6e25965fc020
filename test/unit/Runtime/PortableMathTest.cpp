#include "PortableMath.h"
#include "Parallel.h"

#include <atomic>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace pprt;

/// In units in the last place of the exact result.
static double errorOf(double found, long double exact) {
  double unit = std::nextafter(std::fabs(double(exact)), INFINITY) -
                std::fabs(double(exact));
  return double(std::fabs(found - exact)) / unit;
}

TEST(PortableMath, Logarithms) {
  EXPECT_EQ(portableLog(1), 0);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> unit(0, 1), exponent(-1000, 1000);
  for (int i = 0; i < 200000; ++i) {
    double near = 1 + (unit(random) - 0.5) * std::exp2(-unit(random) * 50);
    for (double x : {1 - unit(random), std::exp2(exponent(random)), near})
      ASSERT_LE(errorOf(portableLog(x), std::log((long double)x)), 2)
          << std::hexfloat << x;
  }
}

TEST(PortableMath, SinesAndCosines) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> unit(0, 1);
  const long double circle = 2 * std::acos(-1.0L);
  for (int i = 0; i < 200000; ++i)
    for (double turn : {unit(random), double(i % 9) / 8}) {
      SineAndCosine found = portableSinCosOfTurn(turn);
      ASSERT_NEAR(found.sine, double(std::sin(circle * turn)), 3e-16) << turn;
      ASSERT_NEAR(found.cosine, double(std::cos(circle * turn)), 3e-16) << turn;
    }
  for (double quarter : {0.0, 0.25, 0.5, 0.75, 1.0})
    EXPECT_EQ(std::fabs(portableSinCosOfTurn(quarter).sine +
                        portableSinCosOfTurn(quarter).cosine),
              1);
}

TEST(PortableMath, Powers) {
  EXPECT_EQ(portablePower(0.9, 0), 1);
  EXPECT_EQ(portablePower(0.5, 10), 0x1p-10);
  for (uint64_t n : {1, 7, 100, 12345})
    EXPECT_NEAR(portablePower(0.999, n) / std::pow(0.999L, (long double)n), 1,
                double(n) * 1.2e-16);
}

// What no machine may change.
TEST(PortableMath, KnownBits) {
  EXPECT_EQ(portableLog(0.7), -0x1.6d3c324e13f5p-2);
  SineAndCosine found = portableSinCosOfTurn(0.1);
  EXPECT_EQ(found.sine, 0x1.2cf2304755a5ep-1);
  EXPECT_EQ(found.cosine, 0x1.9e3779b97f4a8p-1);
  EXPECT_EQ(portablePower(0.999, 1000), 0x1.788526411edacp-2);
}

TEST(Parallel, DoesEachElementOnce) {
  for (uint64_t size : {0, 1, 65536, 65537, 1000000}) {
    std::vector<std::atomic<int>> times(size);
    inParallel(size, [&](uint64_t begin, uint64_t end) {
      for (uint64_t i = begin; i < end; ++i)
        ++times[i];
    });
    for (uint64_t i = 0; i < size; ++i)
      ASSERT_EQ(times[i], 1) << i << " of " << size;
  }
}
