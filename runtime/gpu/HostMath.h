//===- HostMath.h - Products and attention on the host --------------------===//
//
// What cuBLASLt and cuDNN do on a GPU, by plain loops with sums in f64: for the
// emulated device, and as the reference that a GPU is checked against.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_HOSTMATH_H
#define PPRT_GPU_HOSTMATH_H

#include "pprt_gpu.h"

namespace pprt {

/// As pprt_gpu_matmul, on host memory.
void hostMatmul(const pprt_gpu_gemm &shape, const void *a, const void *b,
                void *c, void *bias, void *aux);

/// As pprt_gpu_attention_forward and _backward, on host memory.
void hostAttentionForward(const pprt_gpu_attention &shape, const void *q,
                          const void *k, const void *v, void *out, float *lse);
void hostAttentionBackward(const pprt_gpu_attention &shape, const void *q,
                           const void *k, const void *v, const void *out,
                           const float *lse, const void *dout, void *dq,
                           void *dk, void *dv);

/// gelu by tanh, and its derivative.
double geluTanh(double x);
double geluTanhDerivative(double x);

} // namespace pprt

#endif // PPRT_GPU_HOSTMATH_H
