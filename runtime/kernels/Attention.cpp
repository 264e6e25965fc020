//===- Attention.cpp - Attention by blocks of rows ------------------------===//
//
// A block of 64 rows of one head at a time meets blocks of at most 256 keys:
// scores by a matrix product into scratch memory that stays in the cache, then
// exponentials, then a matrix product with the values. The running maximum and
// sum of each row are corrected as keys come (Dao et al., "FlashAttention",
// 2022; Milakov and Gimelshein, "Online normalizer calculation for softmax",
// 2018). With a causal mask a block of keys ends where the last row of the
// block of rows sees its last key, so that only the triangle on the diagonal is
// wasted.
//
// The adjoint computes the scores again: p = exp(s - lse). With
// delta = sum(dout * out) of a row, ds = p (dout vᵀ - delta) scale.
//
// Where positions see those of their own document only, blocks of keys of other
// documents than those of the rows are left out; in the others, what a row does
// not see has no part in maximum and sum.
//
// Rows are walked in order by one thread: sums have one order.
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"
#include "pprt_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

// One version for each width of vectors; the loader picks.
#if defined(__x86_64__)
#define PPRT_CLONES                                                            \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PPRT_CLONES
#endif
#define PPRT_INLINE static inline __attribute__((always_inline))

static constexpr int64_t rowsPerBlock = PPRT_ATTENTION_ROWS;
static constexpr int64_t keysPerBlock = PPRT_ATTENTION_KEYS;
static constexpr float infinity = std::numeric_limits<float>::infinity();

/// exp(x) for x <= 0 (and NaN), to 1 ulp or so: 2^n exp(r) with |r| <= ln 2 / 2
/// and a polynomial of degree 6. Below the smallest normal number the result is
/// about that number, which is nothing beside the 1 that the maximum of a row
/// gives.
PPRT_INLINE float expNegative(float x) {
  x = x < -87.33654f ? -87.33654f : x;
  const float magic = 12582912.0f; // 1.5 2^23: adding it rounds to an integer.
  float shifted = x * 1.44269504f + magic;
  float n = shifted - magic;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  uint32_t bits; // Unsigned: the shift drops the high bits of the constant.
  std::memcpy(&bits, &shifted, sizeof(bits));
  // Low bits of the shifted number are n; put n + 127 into the exponent.
  bits = (bits + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  return p * power;
}

/// Scores of one row to exponentials exp(s - max) with the maximum over
/// `visible` and the earlier `maximum`; 0 beyond `visible`. Returns the sum and
/// updates the maximum.
PPRT_CLONES static float exponentials(float *row, int64_t visible,
                                      int64_t columns, float *maximum) {
#pragma clang fp reassociate(on)
  float top = *maximum;
  for (int64_t j = 0; j < visible; ++j)
    top = row[j] > top ? row[j] : top;
  float sum = 0;
  for (int64_t j = 0; j < visible; ++j) {
    float e = expNegative(row[j] - top);
    row[j] = e;
    sum += e;
  }
  for (int64_t j = visible; j < columns; ++j)
    row[j] = 0;
  *maximum = top;
  return sum;
}

PPRT_CLONES static void scaleRow(float *row, int64_t columns, float factor) {
  for (int64_t j = 0; j < columns; ++j)
    row[j] *= factor;
}

PPRT_CLONES static float dot(const float *a, const float *b, int64_t n) {
#pragma clang fp reassociate(on)
  float sum = 0;
  for (int64_t j = 0; j < n; ++j)
    sum += a[j] * b[j];
  return sum;
}

/// p = exp(s - lse), 0 beyond `visible`.
PPRT_CLONES static void probabilities(float *row, int64_t visible,
                                      int64_t columns, float lse) {
  for (int64_t j = 0; j < visible; ++j)
    row[j] = expNegative(row[j] - lse);
  for (int64_t j = visible; j < columns; ++j)
    row[j] = 0;
}

/// ds = p (dp - delta) scale, into dp.
PPRT_CLONES static void scoreCotangents(float *dp, const float *p,
                                        int64_t columns, float delta,
                                        float scale) {
  for (int64_t j = 0; j < columns; ++j)
    dp[j] = p[j] * (dp[j] - delta) * scale;
}

/// The same where the row sees keys of document `own` only.
PPRT_CLONES static float exponentialsOf(int32_t own, const int32_t *documents,
                                        float *row, int64_t visible,
                                        int64_t columns, float *maximum) {
#pragma clang fp reassociate(on)
  float top = *maximum;
  for (int64_t j = 0; j < visible; ++j)
    top = documents[j] == own && row[j] > top ? row[j] : top;
  float sum = 0;
  for (int64_t j = 0; j < visible; ++j) {
    float e = expNegative(row[j] - top);
    row[j] = documents[j] == own ? e : 0;
    sum += row[j];
  }
  for (int64_t j = visible; j < columns; ++j)
    row[j] = 0;
  *maximum = top;
  return sum;
}

PPRT_CLONES static void probabilitiesOf(int32_t own, const int32_t *documents,
                                        float *row, int64_t visible,
                                        int64_t columns, float lse) {
  for (int64_t j = 0; j < visible; ++j) {
    float p = expNegative(row[j] - lse);
    row[j] = documents[j] == own ? p : 0;
  }
  for (int64_t j = visible; j < columns; ++j)
    row[j] = 0;
}

/// Whether ranges of numbers meet: if not, no row sees a key.
static bool mayMeet(const int32_t *rows, int64_t numRows, const int32_t *keys,
                    int64_t numKeys) {
  const auto [low, high] = std::minmax_element(rows, rows + numRows);
  const auto [first, last] = std::minmax_element(keys, keys + numKeys);
  return *low <= *last && *first <= *high;
}

/// Number of keys that row i sees.
static int64_t visibleKeys(const pprt_attention_shape &shape, int64_t i) {
  if (!shape.causal)
    return shape.s;
  return std::clamp<int64_t>(i + 1 + shape.s - shape.t, 0, shape.s);
}

extern "C" void pprt_attention_forward_f32(
    const pprt_attention_shape *shape, const float *q, int64_t ldq,
    const float *k, int64_t ldk, const float *v, int64_t ldv, float *out,
    int64_t ldo, float *lse, float *workspace, const int32_t *documents) {
  const int64_t d = shape->d, group = shape->heads / shape->kv_heads;
  float *scores = workspace;
  float *maxima = scores + rowsPerBlock * keysPerBlock;
  float *sums = maxima + rowsPerBlock;
  float *gemmWorkspace = workspace + pprt_attention_scores(/*backward=*/0);
  for (int64_t b = 0; b < shape->batch; ++b) {
    for (int64_t h = 0; h < shape->heads; ++h) {
      const float *kh = k + b * shape->s * ldk + h / group * d;
      const float *vh = v + b * shape->s * ldv + h / group * d;
      float *lseh = lse + (b * shape->heads + h) * shape->t;
      const int32_t *ids = documents ? documents + b * shape->s : nullptr;
      for (int64_t i0 = 0; i0 < shape->t; i0 += rowsPerBlock) {
        int64_t rows = std::min(rowsPerBlock, shape->t - i0);
        const float *qb = q + (b * shape->t + i0) * ldq + h * d;
        float *outb = out + (b * shape->t + i0) * ldo + h * d;
        std::fill_n(maxima, rows, -infinity);
        std::fill_n(sums, rows, 0.0f);
        int64_t limit = visibleKeys(*shape, i0 + rows - 1);
        bool isFirst = true;
        for (int64_t j0 = 0; j0 < limit; j0 += keysPerBlock) {
          int64_t keys = std::min(keysPerBlock, limit - j0);
          if (ids && !mayMeet(ids + i0, rows, ids + j0, keys))
            continue;
          pprt::gemm(false, true, rows, keys, d, shape->scale, qb, ldq,
                     kh + j0 * ldk, ldk, 0, scores, keys, gemmWorkspace);
          for (int64_t i = 0; i < rows; ++i) {
            int64_t visible =
                std::clamp<int64_t>(visibleKeys(*shape, i0 + i) - j0, 0, keys);
            float before = maxima[i];
            float *row = scores + i * keys;
            float sum = ids ? exponentialsOf(ids[i0 + i], ids + j0, row,
                                             visible, keys, &maxima[i])
                            : exponentials(row, visible, keys, &maxima[i]);
            float correction =
                before == maxima[i] ? 1.0f : std::exp(before - maxima[i]);
            sums[i] = sums[i] * correction + sum;
            if (!isFirst && correction != 1.0f)
              scaleRow(outb + i * ldo, d, correction);
          }
          pprt::gemm(false, false, rows, d, keys, 1.0f, scores, keys,
                     vh + j0 * ldv, ldv, !isFirst, outb, ldo, gemmWorkspace);
          isFirst = false;
        }
        for (int64_t i = 0; i < rows; ++i) {
          if (visibleKeys(*shape, i0 + i) == 0)
            std::fill_n(outb + i * ldo, d, 0.0f);
          else
            scaleRow(outb + i * ldo, d, 1.0f / sums[i]);
          lseh[i0 + i] = maxima[i] + std::log(sums[i]);
        }
      }
    }
  }
}

extern "C" void pprt_attention_backward_f32(
    const pprt_attention_shape *shape, const float *q, int64_t ldq,
    const float *k, int64_t ldk, const float *v, int64_t ldv, const float *out,
    int64_t ldo, const float *lse, const float *dout, int64_t lddo, float *dq,
    int64_t lddq, float *dk, int64_t lddk, float *dv, int64_t lddv,
    float *workspace, const int32_t *documents) {
  const int64_t d = shape->d, group = shape->heads / shape->kv_heads;
  float *p = workspace;
  float *ds = p + rowsPerBlock * keysPerBlock;
  float *deltas = ds + rowsPerBlock * keysPerBlock;
  float *gemmWorkspace = workspace + pprt_attention_scores(/*backward=*/1);
  for (int64_t b = 0; b < shape->batch; ++b) {
    for (int64_t j = 0; j < shape->s; ++j) {
      std::fill_n(dk + (b * shape->s + j) * lddk, shape->kv_heads * d, 0.0f);
      std::fill_n(dv + (b * shape->s + j) * lddv, shape->kv_heads * d, 0.0f);
    }
    for (int64_t h = 0; h < shape->heads; ++h) {
      int64_t keyRow = b * shape->s, keyColumn = h / group * d;
      const float *kh = k + keyRow * ldk + keyColumn;
      const float *vh = v + keyRow * ldv + keyColumn;
      float *dkh = dk + keyRow * lddk + keyColumn;
      float *dvh = dv + keyRow * lddv + keyColumn;
      const float *lseh = lse + (b * shape->heads + h) * shape->t;
      const int32_t *ids = documents ? documents + b * shape->s : nullptr;
      for (int64_t i0 = 0; i0 < shape->t; i0 += rowsPerBlock) {
        int64_t rows = std::min(rowsPerBlock, shape->t - i0);
        int64_t row = b * shape->t + i0, column = h * d;
        const float *qb = q + row * ldq + column;
        const float *outb = out + row * ldo + column;
        const float *doutb = dout + row * lddo + column;
        float *dqb = dq + row * lddq + column;
        for (int64_t i = 0; i < rows; ++i)
          deltas[i] = dot(doutb + i * lddo, outb + i * ldo, d);
        int64_t limit = visibleKeys(*shape, i0 + rows - 1);
        if (limit == 0)
          for (int64_t i = 0; i < rows; ++i)
            std::fill_n(dqb + i * lddq, d, 0.0f);
        bool isFirst = true;
        for (int64_t j0 = 0; j0 < limit; j0 += keysPerBlock) {
          int64_t keys = std::min(keysPerBlock, limit - j0);
          if (ids && !mayMeet(ids + i0, rows, ids + j0, keys))
            continue;
          pprt::gemm(false, true, rows, keys, d, shape->scale, qb, ldq,
                     kh + j0 * ldk, ldk, 0, p, keys, gemmWorkspace);
          for (int64_t i = 0; i < rows; ++i) {
            int64_t visible =
                std::clamp<int64_t>(visibleKeys(*shape, i0 + i) - j0, 0, keys);
            if (ids)
              probabilitiesOf(ids[i0 + i], ids + j0, p + i * keys, visible,
                              keys, lseh[i0 + i]);
            else
              probabilities(p + i * keys, visible, keys, lseh[i0 + i]);
          }
          pprt::gemm(true, false, keys, d, rows, 1.0f, p, keys, doutb, lddo, 1,
                     dvh + j0 * lddv, lddv, gemmWorkspace);
          pprt::gemm(false, true, rows, keys, d, 1.0f, doutb, lddo,
                     vh + j0 * ldv, ldv, 0, ds, keys, gemmWorkspace);
          for (int64_t i = 0; i < rows; ++i)
            scoreCotangents(ds + i * keys, p + i * keys, keys, deltas[i],
                            shape->scale);
          pprt::gemm(false, false, rows, d, keys, 1.0f, ds, keys, kh + j0 * ldk,
                     ldk, !isFirst, dqb, lddq, gemmWorkspace);
          isFirst = false;
          pprt::gemm(true, false, keys, d, rows, 1.0f, ds, keys, qb, ldq, 1,
                     dkh + j0 * lddk, lddk, gemmWorkspace);
        }
      }
    }
  }
}
