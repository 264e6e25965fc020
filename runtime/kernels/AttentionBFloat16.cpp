//===- AttentionBFloat16.cpp - Attention of bf16 --------------------------===//
//
// The kernels for floats, on one head at a time that is converted into the
// workspace. Scores and probabilities stay floats, as in registers of a GPU.
// Heads that share keys add to the same cotangents in order, in floats.
//
//===----------------------------------------------------------------------===//

#include "BFloat16.h"
#include "pprt_kernels.h"

#include <algorithm>

/// The shape of one head.
static pprt_attention_shape oneHead(const pprt_attention_shape &shape) {
  pprt_attention_shape one = shape;
  one.batch = one.heads = one.kv_heads = 1;
  return one;
}

namespace {
/// Hands out pieces of the workspace.
struct Pieces {
  float *next;
  float *take(int64_t floats) {
    float *result = next;
    next += floats;
    return result;
  }
};
} // namespace

extern "C" void pprt_attention_forward_bf16(const pprt_attention_shape *shape,
                                            const uint16_t *q, int64_t ldq,
                                            const uint16_t *k, int64_t ldk,
                                            const uint16_t *v, int64_t ldv,
                                            uint16_t *out, int64_t ldo,
                                            float *lse, float *workspace,
                                            const int32_t *documents) {
  const int64_t t = shape->t, s = shape->s, d = shape->d;
  const int64_t group = shape->heads / shape->kv_heads;
  const pprt_attention_shape one = oneHead(*shape);
  Pieces pieces{workspace};
  float *wideQ = pieces.take(t * d), *wideOut = pieces.take(t * d);
  float *wideK = pieces.take(s * d), *wideV = pieces.take(s * d);
  for (int64_t b = 0; b < shape->batch; ++b)
    for (int64_t h = 0; h < shape->heads; ++h) {
      if (h % group == 0) {
        pprt::widen(s, d, k + b * s * ldk + h / group * d, ldk, wideK, d);
        pprt::widen(s, d, v + b * s * ldv + h / group * d, ldv, wideV, d);
      }
      pprt::widen(t, d, q + b * t * ldq + h * d, ldq, wideQ, d);
      pprt_attention_forward_f32(&one, wideQ, d, wideK, d, wideV, d, wideOut, d,
                                 lse + (b * shape->heads + h) * t, pieces.next,
                                 documents ? documents + b * s : nullptr);
      pprt::narrow(t, d, wideOut, d, out + b * t * ldo + h * d, ldo);
    }
}

extern "C" void pprt_attention_backward_bf16(
    const pprt_attention_shape *shape, const uint16_t *q, int64_t ldq,
    const uint16_t *k, int64_t ldk, const uint16_t *v, int64_t ldv,
    const uint16_t *out, int64_t ldo, const float *lse, const uint16_t *dout,
    int64_t lddo, uint16_t *dq, int64_t lddq, uint16_t *dk, int64_t lddk,
    uint16_t *dv, int64_t lddv, float *workspace, const int32_t *documents) {
  const int64_t t = shape->t, s = shape->s, d = shape->d;
  const int64_t group = shape->heads / shape->kv_heads;
  const pprt_attention_shape one = oneHead(*shape);
  Pieces pieces{workspace};
  float *wideQ = pieces.take(t * d), *wideOut = pieces.take(t * d);
  float *wideDout = pieces.take(t * d), *wideDq = pieces.take(t * d);
  float *wideK = pieces.take(s * d), *wideV = pieces.take(s * d);
  // Of a head, then of the heads that share keys.
  float *headDk = pieces.take(2 * s * d), *headDv = headDk + s * d;
  float *sumDk = pieces.take(2 * s * d), *sumDv = sumDk + s * d;
  for (int64_t b = 0; b < shape->batch; ++b)
    for (int64_t h = 0; h < shape->heads; ++h) {
      int64_t column = h / group * d;
      if (h % group == 0) {
        pprt::widen(s, d, k + b * s * ldk + column, ldk, wideK, d);
        pprt::widen(s, d, v + b * s * ldv + column, ldv, wideV, d);
      }
      pprt::widen(t, d, q + b * t * ldq + h * d, ldq, wideQ, d);
      pprt::widen(t, d, out + b * t * ldo + h * d, ldo, wideOut, d);
      pprt::widen(t, d, dout + b * t * lddo + h * d, lddo, wideDout, d);
      float *first = h % group == 0 ? sumDk : headDk;
      pprt_attention_backward_f32(&one, wideQ, d, wideK, d, wideV, d, wideOut,
                                  d, lse + (b * shape->heads + h) * t, wideDout,
                                  d, wideDq, d, first, d, first + s * d, d,
                                  pieces.next,
                                  documents ? documents + b * s : nullptr);
      if (first == headDk)
        for (int64_t i = 0; i < 2 * s * d; ++i)
          sumDk[i] += headDk[i];
      pprt::narrow(t, d, wideDq, d, dq + b * t * lddq + h * d, lddq);
      if (h % group == group - 1) {
        pprt::narrow(s, d, sumDk, d, dk + b * s * lddk + column, lddk);
        pprt::narrow(s, d, sumDv, d, dv + b * s * lddv + column, lddv);
      }
    }
}
