#include "LearningRate.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace pprt;

static Options options(int64_t warmup, int64_t decay) {
  Options o;
  o.learningRate = 1.0;
  o.minLearningRate = 0.1;
  o.warmup = warmup;
  o.decay = decay;
  return o;
}

TEST(LearningRate, RisesLinearly) {
  Options o = options(4, 10);
  EXPECT_DOUBLE_EQ(learningRate(o, 0), 0.25);
  EXPECT_DOUBLE_EQ(learningRate(o, 1), 0.5);
  EXPECT_DOUBLE_EQ(learningRate(o, 3), 1.0);
  EXPECT_DOUBLE_EQ(learningRate(o, 4), 1.0);
}

TEST(LearningRate, FallsAlongACosineAndStays) {
  Options o = options(4, 10);
  EXPECT_DOUBLE_EQ(learningRate(o, 9), 0.55); // half way
  EXPECT_NEAR(learningRate(o, 13), 0.1 + 0.9 * (1 + std::cos(0.9 * M_PI)) / 2,
              1e-12);
  EXPECT_DOUBLE_EQ(learningRate(o, 14), 0.1);
  EXPECT_DOUBLE_EQ(learningRate(o, 1000), 0.1);
}

TEST(LearningRate, WithoutDecayItStays) {
  EXPECT_DOUBLE_EQ(learningRate(options(0, 0), 0), 1.0);
  EXPECT_DOUBLE_EQ(learningRate(options(0, 0), 99), 1.0);
}
