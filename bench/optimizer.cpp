// Compiled updates, sums and norms over parameters of GPT-2 small beside plain
// copies of as many bytes, and beside the same formulas as C++ loops that the
// compiler vectorises: bench/optimizer.py makes the functions and runs this.
//
// A round runs the loop, the compiled function and a copy, one after the other,
// so that load on the machine comes and goes for all. Ratios are medians over
// the rounds; rates are of the fastest one. One thread, memory on huge pages.

#include "pprt_scalars.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <sys/mman.h>
#include <vector>

extern "C" {
void adamw(void *, float *, const float *, float *, float *,
           const pprt_scalars *, void *);
void adamw_bf16(void *, float *, const float *, float *, float *,
                const pprt_scalars *, uint16_t *, void *);
void sgd(void *, float *, const float *, const pprt_scalars *, void *);
void sum_of_squares(void *, const float *, double *, void *);
void add(void *, float *, const float *, void *);
}

#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

CLONES static void loopAdamW(const pprt_scalars &scalars, float *__restrict p,
                             const float *__restrict g, float *__restrict m,
                             float *__restrict v, uint64_t n) {
  const pprt_scalars s = scalars;
  const float rest1 = 1 - s.beta1, rest2 = 1 - s.beta2;
  const float keep = 1 - s.learning_rate * s.weight_decay;
  const float rate = s.learning_rate / s.correction1;
  const float scale2 = 1 / s.correction2;
  for (uint64_t i = 0; i < n; ++i) {
    float gradient = g[i] * s.gradient_scale;
    float m1 = s.beta1 * m[i] + rest1 * gradient;
    float v1 = s.beta2 * v[i] + rest2 * (gradient * gradient);
    m[i] = m1;
    v[i] = v1;
    p[i] = p[i] * keep - rate * m1 / (std::sqrt(v1 * scale2) + s.epsilon);
  }
}

CLONES static void loopRound(const float *__restrict from,
                             uint16_t *__restrict to, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, &from[i], sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
    to[i] = uint16_t(isNaN ? bits >> 16 | 0x40 : rounded);
  }
}

CLONES static void loopSgd(const pprt_scalars &scalars, float *__restrict p,
                           const float *__restrict g, uint64_t n) {
  const pprt_scalars s = scalars;
  const float keep = 1 - s.learning_rate * s.weight_decay;
  for (uint64_t i = 0; i < n; ++i)
    p[i] = p[i] * keep - s.learning_rate * (g[i] * s.gradient_scale);
}

CLONES static double loopSumOfSquares(const float *data, uint64_t n) {
  constexpr int lanes = 16;
  double sums[lanes] = {};
  uint64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) {
      double x = data[i + lane];
      sums[lane] += x * x;
    }
  for (int lane = 0; i < n; ++i, ++lane)
    sums[lane] += double(data[i]) * data[i];
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      sums[lane] += sums[lane + half];
  return sums[0];
}

CLONES static void loopAdd(float *__restrict to, const float *__restrict from,
                           uint64_t n) {
  for (uint64_t i = 0; i < n; ++i)
    to[i] += from[i];
}

static float *numbers(uint64_t n, float scale) {
  constexpr size_t page = 2 << 20;
  size_t bytes = (n * sizeof(float) + page - 1) / page * page;
  auto *data = static_cast<float *>(std::aligned_alloc(page, bytes));
  madvise(data, bytes, MADV_HUGEPAGE);
  for (uint64_t i = 0; i < n; ++i)
    data[i] = scale * float((i * 2654435761u) % 1024) / 1024;
  return data;
}

static double seconds(const std::function<void()> &work) {
  timespec begin, end;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  work();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  return double(end.tv_sec - begin.tv_sec) +
         1e-9 * double(end.tv_nsec - begin.tv_nsec);
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int main(int argc, char **argv) {
  const uint64_t n = ELEMENTS;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  float *p = numbers(n, 1), *g = numbers(n, 0.1f), *m = numbers(n, 0.1f),
        *v = numbers(n, 0.01f);
  auto *copy = reinterpret_cast<uint16_t *>(numbers(n / 2 + 64, 1));
  alignas(64) static pprt_scalars s = {};
  s = {0.25f, 1, 1e-4f, 0.1f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.05f};
  alignas(64) static char workspace[4096];
  alignas(64) static double sum;
  static volatile double sink;
  struct Case {
    const char *name;
    double bytes; // of an element
    std::function<void()> compiled, loop;
  };
  const Case cases[] = {
      {"AdamW", 28, [&] { adamw(nullptr, p, g, m, v, &s, workspace); },
       [&] { loopAdamW(s, p, g, m, v, n); }},
      {"AdamW, copy in bf16", 30,
       [&] { adamw_bf16(nullptr, p, g, m, v, &s, copy, workspace); },
       [&] {
         loopAdamW(s, p, g, m, v, n);
         loopRound(p, copy, n);
       }},
      {"SGD", 12, [&] { sgd(nullptr, p, g, &s, workspace); },
       [&] { loopSgd(s, p, g, n); }},
      {"sum of squares", 4,
       [&] { sum_of_squares(nullptr, g, &sum, workspace); },
       [&] { sink = loopSumOfSquares(g, n); }},
      {"sum of gradients", 12, [&] { add(nullptr, p, g, workspace); },
       [&] { loopAdd(p, g, n); }},
  };
  std::printf("%llu elements, %d rounds\n", (unsigned long long)n, rounds);
  std::printf("%-20s %9s %7s %11s %11s\n", "", "ms", "GB/s", "over loop",
              "over copy");
  for (const Case &each : cases) {
    std::vector<double> overLoop, overCopy;
    double best = 1e9;
    for (int round = 0; round < rounds; ++round) {
      // The copy reads and writes half of the bytes each.
      double copied = 0, bytes = each.bytes * double(n);
      for (double left = bytes / 2; left > 0; left -= 4.0 * double(n))
        copied += seconds([&] {
          std::memcpy(m, v, size_t(std::min(left, 4.0 * double(n))));
        });
      double loop = seconds(each.loop), compiled = seconds(each.compiled);
      best = std::min(best, compiled);
      overLoop.push_back(compiled / loop);
      overCopy.push_back(compiled / copied);
    }
    std::printf("%-20s %9.1f %7.1f %11.2f %11.2f\n", each.name, 1e3 * best,
                1e-9 * each.bytes * double(n) / best, median(overLoop),
                median(overCopy));
  }
}
