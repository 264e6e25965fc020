//===- Attention.h - Attention by cuDNN -----------------------------------===//
#ifndef PPRT_GPU_ATTENTION_H
#define PPRT_GPU_ATTENTION_H

#include "CudaTypes.h"
#include "Device.h"
#include "PlanCache.h"

#include <memory>
#include <string>

namespace pprt::cuda {

/// Plans of attention, each made at the first call of its shape and kept.
class Attention {
public:
  /// `capability` is 90 for sm_90. Opens cuDNN at the first call that may use
  /// it.
  Attention(AttentionChoice choice, int capability, PlanCache &cache);
  ~Attention();

  /// The library's version, "9.19.0"; empty where there is none that can be
  /// used, with `why`. Throws Error where the choice is cuDNN.
  std::string open(std::string &why);
  /// From here on nothing is left to cuDNN.
  void leave();

  /// As pprt_gpu_attention_forward and _backward. False where the kernels that
  /// the compiler generated are to do it; throws Error where cuDNN fails, or
  /// was asked for and has no plan.
  bool forward(Stream stream, const pprt_gpu_attention &shape, const void *q,
               const void *k, const void *v, void *out, float *lse,
               void *workspace);
  bool backward(Stream stream, const pprt_gpu_attention &shape, const void *q,
                const void *k, const void *v, const void *out, const float *lse,
                const void *dout, void *dq, void *dk, void *dv,
                void *workspace);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace pprt::cuda

#endif // PPRT_GPU_ATTENTION_H
