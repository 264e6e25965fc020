#include "Update.h"

#include <cmath>
#include <cstring>

using namespace pprt;

// Sanitizers instrument the resolvers that target_clones makes, before the
// sanitizer's own start; there the baseline alone is built.
#if defined(__x86_64__) && !defined(PPRT_NO_TARGET_CLONES)
#define PPRT_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PPRT_CLONES
#endif

PPRT_CLONES double pprt::sumOfSquares(const float *data, uint64_t n) {
  constexpr int lanes = 16;
  double sums[lanes] = {};
  uint64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) {
      double x = data[i + lane];
      sums[lane] += x * x;
    }
  for (int lane = 0; i < n; ++i, ++lane) {
    double x = data[i];
    sums[lane] += x * x;
  }
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      sums[lane] += sums[lane + half];
  return sums[0];
}

PPRT_CLONES void pprt::addInto(float *__restrict dst,
                               const float *__restrict src, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i)
    dst[i] += src[i];
}

PPRT_CLONES void pprt::roundToBF16(const float *__restrict from,
                                   uint16_t *__restrict to, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, &from[i], sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
    to[i] = uint16_t(isNaN ? bits >> 16 | 0x40 : rounded);
  }
}

PPRT_CLONES void pprt::adamW(const AdamWStep &step, float *__restrict p,
                             const float *__restrict g, float *__restrict m,
                             float *__restrict v, uint64_t n) {
  const AdamWStep s = step;
  const float rest1 = 1 - s.beta1, rest2 = 1 - s.beta2;
  const float keep = 1 - s.learningRate * s.weightDecay;
  const float rate = s.learningRate / s.correction1;
  const float scale2 = 1 / s.correction2;
  for (uint64_t i = 0; i < n; ++i) {
    float gradient = g[i] * s.gradientScale;
    float m1 = s.beta1 * m[i] + rest1 * gradient;
    float v1 = s.beta2 * v[i] + rest2 * (gradient * gradient);
    m[i] = m1;
    v[i] = v1;
    p[i] = p[i] * keep - rate * m1 / (std::sqrt(v1 * scale2) + s.epsilon);
  }
}

PPRT_CLONES void pprt::sgd(float gradientScale, float learningRate,
                           float weightDecay, float *__restrict p,
                           const float *__restrict g, uint64_t n) {
  const float keep = 1 - learningRate * weightDecay;
  for (uint64_t i = 0; i < n; ++i)
    p[i] = p[i] * keep - learningRate * (g[i] * gradientScale);
}
