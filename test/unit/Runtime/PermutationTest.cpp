#include "Permutation.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace pprt;

TEST(Permutation, IsOneForEverySmallCount) {
  for (uint64_t count = 1; count <= 600; ++count)
    for (uint64_t number : {0, 1, 1000000007}) {
      Permutation permutation(count * 7919, number, count);
      std::vector<bool> seen(count);
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t image = permutation(i);
        ASSERT_LT(image, count);
        ASSERT_FALSE(seen[image]) << count << " " << number << " " << i;
        seen[image] = true;
      }
    }
}

TEST(Permutation, IsOneAroundPowersOfTwo) {
  for (uint64_t count : {4095u, 4096u, 4097u, 65535u, 65536u, 65537u}) {
    Permutation permutation(5, 3, count);
    std::vector<bool> seen(count);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t image = permutation(i);
      ASSERT_LT(image, count);
      ASSERT_FALSE(seen[image]) << count;
      seen[image] = true;
    }
  }
}

// Of large counts some images: below the count, and all different.
TEST(Permutation, LargeCounts) {
  std::mt19937_64 random(1);
  for (unsigned bits : {31u, 32u, 33u, 40u, 62u})
    for (int64_t beside : {-1, 0, 1}) {
      const uint64_t count = (uint64_t(1) << bits) + uint64_t(beside);
      Permutation permutation(random(), random() >> 5, count);
      std::set<uint64_t> numbers, images;
      while (numbers.size() < 20000)
        numbers.insert(random() % count);
      for (uint64_t i : numbers) {
        const uint64_t image = permutation(i);
        ASSERT_LT(image, count);
        images.insert(image);
      }
      EXPECT_EQ(images.size(), numbers.size());
    }
}

// Chi-squared of how often each permutation of few comes, over many numbers.
TEST(Permutation, AllOfFewComeEquallyOften) {
  for (auto [count, all] : {std::pair<uint64_t, int>{2, 2}, {3, 6}, {4, 24}}) {
    std::map<std::string, int> often;
    const int draws = 24000;
    for (int number = 0; number < draws; ++number) {
      Permutation permutation(42, uint64_t(number), count);
      std::string text;
      for (uint64_t i = 0; i < count; ++i)
        text += char('0' + permutation(i));
      ++often[text];
    }
    EXPECT_EQ(int(often.size()), all);
    const double expected = double(draws) / all;
    double squares = 0;
    for (auto &[text, times] : often)
      squares += (times - expected) * (times - expected) / expected;
    // Beyond 5 standard deviations of chi-squared.
    EXPECT_LT(squares, all - 1 + 5 * std::sqrt(2.0 * (all - 1))) << count;
  }
}

// Where a number goes is uniform over keys, and so is the step to the image of
// its neighbour.
TEST(Permutation, ImagesAreUniform) {
  for (uint64_t count : {7u, 12u, 33u, 100u}) {
    const int draws = 400 * int(count);
    std::vector<int> places(count), steps(count);
    for (int key = 0; key < draws; ++key) {
      Permutation permutation(philox64(9, uint64_t(key), 0), 0, count);
      const uint64_t one = permutation(1), two = permutation(2);
      ++places[one];
      ++steps[(two + count - one) % count];
    }
    EXPECT_EQ(steps[0], 0);
    double ofPlaces = 0, ofSteps = 0;
    for (uint64_t i = 0; i < count; ++i) {
      ofPlaces += (places[i] - 400.0) * (places[i] - 400.0) / 400.0;
      const double expected = double(draws) / double(count - 1);
      if (i > 0)
        ofSteps += (steps[i] - expected) * (steps[i] - expected) / expected;
    }
    const double most = double(count) + 5 * std::sqrt(2.0 * double(count));
    EXPECT_LT(ofPlaces, most) << count;
    EXPECT_LT(ofSteps, most) << count;
  }
}

TEST(Permutation, DependsOnKeyAndNumber) {
  int equal = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t image = Permutation(1, 1, 1000)(i);
    equal += image == Permutation(2, 1, 1000)(i);
    equal += image == Permutation(1, 2, 1000)(i);
  }
  EXPECT_LT(equal, 20);
}
