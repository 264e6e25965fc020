#include "Initialization.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace pprt;

static std::vector<float> fill(Initializer init, uint64_t n, uint64_t seed = 7,
                               const char *name = "wte.weight") {
  std::vector<float> data(n, -99.0f);
  initialize(init, name, n, seed, data.data());
  return data;
}

static Initializer normal(double mean, double deviation) {
  Initializer init;
  init.kind = Initializer::Normal;
  init.mean = mean;
  init.deviation = deviation;
  return init;
}

static Initializer uniform(double low, double high) {
  Initializer init;
  init.kind = Initializer::Uniform;
  init.low = low;
  init.high = high;
  return init;
}

// Values from a separate implementation in Python, seed 7, "wte.weight".
TEST(Initialization, KnownValues) {
  EXPECT_EQ(streamKey(7, "wte.weight"), 0x42d45005d7cf5266u);
  const float normals[] = {0.4792826f,   0.520416123f, 0.524697697f,
                           0.487654435f, 0.508723468f, 0.486614557f};
  std::vector<float> data = fill(normal(0.5, 0.02), 6);
  for (int i = 0; i < 6; ++i)
    EXPECT_FLOAT_EQ(data[i], normals[i]);
  const float uniforms[] = {0.958068365f, 0.128497069f, 0.843236774f,
                            1.77867536f, -0.180438662f};
  data = fill(uniform(-1, 2), 5);
  for (int i = 0; i < 5; ++i)
    EXPECT_FLOAT_EQ(data[i], uniforms[i]);
}

TEST(Initialization, MomentsOfTheNormal) {
  std::vector<float> data = fill(normal(1.0, 2.0), 200001);
  double sum = 0, squares = 0;
  for (float x : data) {
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += (x - 1.0) * (x - 1.0);
  }
  EXPECT_NEAR(sum / double(data.size()), 1.0, 0.02);
  EXPECT_NEAR(std::sqrt(squares / double(data.size())), 2.0, 0.02);
}

TEST(Initialization, UniformStaysInItsBounds) {
  double sum = 0;
  for (float x : fill(uniform(-0.5, 0.25), 10001)) {
    ASSERT_GE(x, -0.5f);
    ASSERT_LE(x, 0.25f);
    sum += x;
  }
  EXPECT_NEAR(sum / 10001, -0.125, 0.01);
}

TEST(Initialization, AnElementDependsOnSeedNameAndIndexAlone) {
  std::vector<float> a = fill(normal(0, 1), 100), b = fill(normal(0, 1), 37);
  EXPECT_TRUE(std::equal(b.begin(), b.end(), a.begin()));
  EXPECT_NE(a, fill(normal(0, 1), 100, 8));
  EXPECT_NE(a, fill(normal(0, 1), 100, 7, "wpe.weight"));
}

TEST(Initialization, Constant) {
  Initializer init;
  init.value = 1.5;
  EXPECT_EQ(fill(init, 3), (std::vector<float>{1.5f, 1.5f, 1.5f}));
}
