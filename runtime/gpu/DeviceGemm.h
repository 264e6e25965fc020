//===- DeviceGemm.h - Matrix products by cuBLASLt -------------------------===//
#ifndef PPRT_GPU_DEVICEGEMM_H
#define PPRT_GPU_DEVICEGEMM_H

#include "CudaTypes.h"
#include "PlanCache.h"
#include "pprt_gpu.h"

#include <memory>
#include <string>

namespace pprt::cuda {

/// Plans of products, each made at the first call of its shape and kept.
class DeviceGemm {
public:
  /// Opens cuBLASLt; throws Error.
  explicit DeviceGemm(PlanCache &cache);
  ~DeviceGemm();

  /// "13.1.0".
  std::string version() const;

  /// As pprt_gpu_matmul; throws Error. False where cuBLASLt has a plan for the
  /// product alone: its epilogue is left to do.
  bool run(Stream stream, const pprt_gpu_gemm &shape, const void *a,
           const void *b, void *c, void *bias, void *aux, void *workspace);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace pprt::cuda

#endif // PPRT_GPU_DEVICEGEMM_H
