#include "Update.h"

#include "Philox.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using namespace pprt;

static std::vector<float> values(size_t n, uint64_t key) {
  std::vector<float> data(n);
  for (size_t i = 0; i < n; ++i)
    data[i] = float(philox64(key, i, 0) >> 40) * 0x1p-23f - 1.0f;
  return data;
}

// Sizes around the widths of vectors, and a long one.
class Update : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, Update,
                         testing::Values(0, 1, 7, 15, 16, 17, 33, 1000));

TEST_P(Update, SumOfSquaresHasTheDocumentedOrder) {
  size_t n = GetParam();
  std::vector<float> data = values(n, 1);
  double lanes[16] = {};
  for (size_t i = 0; i < n; ++i)
    lanes[i % 16] += double(data[i]) * double(data[i]);
  for (int half = 8; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      lanes[lane] += lanes[lane + half];
  EXPECT_EQ(sumOfSquares(data.data(), n), lanes[0]);
}

TEST_P(Update, AddInto) {
  size_t n = GetParam();
  std::vector<float> a = values(n, 1), b = values(n, 2), sum = a;
  addInto(sum.data(), b.data(), n);
  for (size_t i = 0; i < n; ++i)
    EXPECT_EQ(sum[i], a[i] + b[i]);
}

TEST_P(Update, AdamWFollowsTheFormula) {
  size_t n = GetParam();
  std::vector<float> p = values(n, 1), m(n), v(n);
  std::vector<double> p64(p.begin(), p.end()), m64(n), v64(n);
  const double lr = 0.01, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, wd = 0.1,
               scale = 0.25;
  for (int t = 1; t <= 5; ++t) {
    std::vector<float> g = values(n, 10 + t);
    AdamWStep step;
    step.gradientScale = float(scale);
    step.learningRate = float(lr);
    step.beta1 = float(beta1);
    step.beta2 = float(beta2);
    step.epsilon = float(epsilon);
    step.correction1 = float(1 - std::pow(beta1, t));
    step.correction2 = float(1 - std::pow(beta2, t));
    step.weightDecay = float(wd);
    adamW(step, p.data(), g.data(), m.data(), v.data(), n);
    for (size_t i = 0; i < n; ++i) {
      double gradient = g[i] * scale;
      m64[i] = beta1 * m64[i] + (1 - beta1) * gradient;
      v64[i] = beta2 * v64[i] + (1 - beta2) * gradient * gradient;
      double mHat = m64[i] / (1 - std::pow(beta1, t));
      double vHat = v64[i] / (1 - std::pow(beta2, t));
      p64[i] -= lr * wd * p64[i];
      p64[i] -= lr * mHat / (std::sqrt(vHat) + epsilon);
    }
  }
  for (size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(p[i], p64[i], 2e-6);
    EXPECT_NEAR(m[i], m64[i], 1e-6);
    EXPECT_NEAR(v[i], v64[i], 1e-6);
  }
}

// An element's result must not depend on where it stands in the array, or a
// vectorised body and its remainder would give other bits for another split.
TEST(Update, AdamWDependsOnTheElementAlone) {
  size_t n = 100;
  std::vector<float> p = values(n, 1), m = values(n, 2), g = values(n, 3), v(n);
  for (size_t i = 0; i < n; ++i)
    v[i] = m[i] * m[i];
  AdamWStep step = {0.5f, 0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.05f, 0.1f};
  std::vector<float> p1 = p, m1 = m, v1 = v;
  adamW(step, p.data(), g.data(), m.data(), v.data(), n);
  for (size_t i = 0; i < n; ++i)
    adamW(step, &p1[i], &g[i], &m1[i], &v1[i], 1);
  EXPECT_EQ(p, p1);
  EXPECT_EQ(m, m1);
  EXPECT_EQ(v, v1);
}

TEST_P(Update, SgdFollowsTheFormula) {
  size_t n = GetParam();
  std::vector<float> p = values(n, 1), g = values(n, 2), before = p;
  sgd(0.25f, 0.1f, 0.5f, p.data(), g.data(), n);
  for (size_t i = 0; i < n; ++i)
    EXPECT_NEAR(p[i], before[i] - 0.1 * 0.5 * before[i] - 0.1 * 0.25 * g[i],
                1e-6);
}
