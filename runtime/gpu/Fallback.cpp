//===- Fallback.cpp - Attention by the generated kernels ------------------===//
#include "Device.h"

#include "Error.h"

using namespace pprt;

static void run(Device &device, int32_t kernel, const int32_t grid[3],
                int32_t block, void **arguments) {
  if (kernel < 0)
    throw Error("found an attention without generated kernels and no cuDNN "
                "plan for it, expected one of them: install cuDNN 9");
  device.launch(kernel, {grid[0], grid[1], grid[2]}, {block, 1, 1}, arguments);
}

void pprt::fallbackForward(Device &device, const pprt_gpu_attention &shape,
                           const void *q, const void *k, const void *v,
                           void *out, float *lse, void *workspace) {
  void *arguments[] = {&q, &k, &v, &out, &lse, &workspace};
  run(device, shape.fallback_kernel, shape.fallback_grid, shape.fallback_block,
      arguments);
}

void pprt::fallbackBackward(Device &device, const pprt_gpu_attention &shape,
                            const void *q, const void *k, const void *v,
                            const void *out, const float *lse, const void *dout,
                            void *dq, void *dk, void *dv, void *workspace) {
  // dq first: its kernel may leave what dk and dv need in no other place.
  void *arguments[] = {&q,    &k,  &v,  &out, &lse,
                       &dout, &dq, &dk, &dv,  &workspace};
  run(device, shape.fallback_kernel, shape.fallback_grid, shape.fallback_block,
      arguments);
  run(device, shape.fallback_kernel2, shape.fallback_grid2,
      shape.fallback_block2, arguments);
}
