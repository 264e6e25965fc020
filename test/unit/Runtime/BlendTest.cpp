#include "Blend.h"

#include "Support.h"

#include <cmath>
#include <random>

using namespace pprt;

/// Places and counts of all samples below `n`, against each other and the
/// weights.
static void check(const std::vector<double> &weights, uint64_t n) {
  Blend blend(weights);
  double sum = 0, fractions = 0;
  for (double weight : weights)
    sum += weight;
  for (size_t s = 0; s < weights.size(); ++s) {
    EXPECT_NEAR(blend.fractionOf(s), weights[s] / sum,
                1e-12 * double(weights.size()));
    EXPECT_LT(blend.bound(s), weights.size() <= 3 ? 1 : 1.25);
    fractions += blend.fractionOf(s);
  }
  EXPECT_NEAR(fractions, 1, 1e-12);
  std::vector<uint64_t> counts(weights.size());
  for (uint64_t i = 0; i < n; ++i) {
    const Blend::Place place = blend.placeOf(i);
    ASSERT_LT(place.source, weights.size());
    ASSERT_EQ(place.number, counts[place.source]) << i;
    ++counts[place.source];
    for (size_t s = 0; s < weights.size(); ++s) {
      const double error =
          double(counts[s]) - double(i + 1) * blend.fractionOf(s);
      ASSERT_LE(std::abs(error), blend.bound(s) + 1e-9)
          << "source " << s << " after " << i + 1;
    }
  }
  for (size_t s = 0; s < weights.size(); ++s)
    EXPECT_EQ(blend.countOf(s, n), counts[s]);
}

TEST(Blend, OneSourceHasAll) {
  Blend blend({0.3});
  EXPECT_EQ(blend.placeOf(12345).source, 0u);
  EXPECT_EQ(blend.placeOf(12345).number, 12345u);
  EXPECT_EQ(blend.countOf(0, 77), 77u);
  EXPECT_EQ(blend.bound(0), 0);
}

TEST(Blend, TwoAlternate) {
  Blend blend({1, 1});
  for (uint64_t i = 0; i < 10; i += 2) {
    EXPECT_NE(blend.placeOf(i).source, blend.placeOf(i + 1).source);
    EXPECT_EQ(blend.placeOf(i).number, i / 2);
  }
  EXPECT_EQ(blend.bound(0), 0.5);
}

TEST(Blend, PrefixesKeepToWeights) {
  check({0.7, 0.3}, 5000);
  check({1, 1, 1}, 5000);
  check({1e-6, 1}, 5000);
  check({5, 3, 2, 1, 1, 1}, 5000);
  check({1, 1e-11}, 100);
  check(std::vector<double>(64, 0.1), 3000);
  EXPECT_EQ(Blend({3, 1, 1}).bound(0), 0.5); // alone in the first cut
  std::vector<double> many;
  for (int i = 0; i < 300; ++i)
    many.push_back(1 + i % 7);
  check(many, 2000);
}

TEST(Blend, PrefixesKeepToRandomWeights) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<double> weights(2 + random() % 12);
    for (double &weight : weights)
      weight = std::exp(double(random() % 1000) / 1000 * (round % 4 ? 3 : 12));
    check(weights, 2000);
  }
}

// The place of a sample and counts agree wherever a run goes on.
TEST(Blend, PlacesFarAway) {
  Blend blend({0.5, 0.123, 0.3, 1e-7});
  std::mt19937_64 random(3);
  for (int round = 0; round < 10000; ++round) {
    const uint64_t i = random() >> (round % 40 + 1);
    const Blend::Place place = blend.placeOf(i);
    EXPECT_EQ(blend.countOf(place.source, i), place.number);
    EXPECT_EQ(blend.countOf(place.source, i + 1), place.number + 1);
    uint64_t all = 0;
    for (size_t s = 0; s < 4; ++s)
      all += blend.countOf(s, i);
    EXPECT_EQ(all, i);
  }
}

TEST(Blend, WeightsThatCannotBe) {
  EXPECT_ERROR(Blend({1e308, 1e308}), "divide all of them by the largest");
  EXPECT_ERROR(Blend({1, 1e-13}), "at least 1e-12 of the sum");
}
