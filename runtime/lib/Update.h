//===- Update.h - Norms and updates of parameters -------------------------===//
//
// Plain loops over f32 arrays that the compiler vectorises for several
// instruction sets (target_clones). Each element's result depends on that
// element alone, and sums run in a fixed order of lanes, so that the results do
// not depend on the instruction set either (contraction to FMA is off).
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_UPDATE_H
#define PPRT_UPDATE_H

#include <cstdint>

namespace pprt {

/// Sum of squares in f64: 16 interleaved partial sums, added pairwise.
double sumOfSquares(const float *data, uint64_t n);

/// dst += src.
void addInto(float *dst, const float *src, uint64_t n);

/// Rounds to bf16, the upper half of a float: to nearest, ties to even; NaN
/// stays NaN.
void roundToBF16(const float *from, uint16_t *to, uint64_t n);

struct AdamWStep {
  float gradientScale; // 1 / micro-batches times the clip factor
  float learningRate;
  float beta1, beta2, epsilon;
  float correction1, correction2; // 1 - beta^t
  float weightDecay;              // 0 for parameters without decay
};

/// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
/// p = p (1 - lr wd) - lr (m / c1) / (sqrt(v / c2) + eps)
void adamW(const AdamWStep &step, float *p, const float *g, float *m, float *v,
           uint64_t n);

/// p = p (1 - lr wd) - lr g
void sgd(float gradientScale, float learningRate, float weightDecay, float *p,
         const float *g, uint64_t n);

} // namespace pprt

#endif // PPRT_UPDATE_H
