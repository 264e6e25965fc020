//===- Fallback.cpp - What libraries have no plan for ---------------------===//
//
// Attention by the kernels that the compiler generated for it; epilogues of
// products by those that every program has (RuntimeKernels.mlir).
//
//===----------------------------------------------------------------------===//
#include "Device.h"

#include "Error.h"

#include <cstring>

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
                           void *out, float *lse, void *workspace,
                           const int32_t *documents) {
  void *arguments[] = {&q, &k, &v, &out, &lse, &workspace, &documents};
  run(device, shape.fallback_kernel, shape.fallback_grid, shape.fallback_block,
      arguments);
}

void pprt::fallbackBackward(Device &device, const pprt_gpu_attention &shape,
                            const void *q, const void *k, const void *v,
                            const void *out, const float *lse, const void *dout,
                            void *dq, void *dk, void *dv, void *workspace,
                            const int32_t *documents) {
  // dq first: its kernel may leave what dk and dv need in no other place.
  void *arguments[] = {&q,  &k,  &v,  &out,       &lse,      &dout,
                       &dq, &dk, &dv, &workspace, &documents};
  run(device, shape.fallback_kernel, shape.fallback_grid, shape.fallback_block,
      arguments);
  run(device, shape.fallback_kernel2, shape.fallback_grid2,
      shape.fallback_block2, arguments);
}

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

constexpr int32_t epilogueThreads = 256;

static void launchOver(Device &device, const pprt_gpu_code &code,
                       const char *name, int64_t items, void **arguments) {
  int32_t kernel = 0;
  while (kernel < code.num_kernels &&
         std::strcmp(code.kernels[kernel].name, name) != 0)
    ++kernel;
  if (kernel == code.num_kernels)
    throw Error(std::string("found no kernel '") + name +
                "' in the program, expected it: compile the program again");
  device.launch(
      kernel, {int32_t((items + epilogueThreads - 1) / epilogueThreads), 1, 1},
      {epilogueThreads, 1, 1}, arguments);
}

/// sums[j] = sum over i of x[i * stride + j * step].
static void launchSums(Device &device, const pprt_gpu_code &code, void *sums,
                       const void *x, int32_t type, int64_t n, int64_t count,
                       int64_t step, int64_t stride) {
  int32_t narrow = type == PPRT_GPU_BF16;
  void *arguments[] = {&sums, &x, &n, &count, &step, &stride, &narrow};
  // A block has 16 threads for each sum.
  launchOver(device, code, "pprt_kernel_sums", 16 * n, arguments);
}

void pprt::fallbackEpilogue(Device &device, const pprt_gpu_code &code,
                            const pprt_gpu_gemm &shape, const void *a,
                            const void *b, void *c, void *bias, void *aux) {
  pprt_gpu_gemm s = shape;
  const bool hasSums = s.epilogue >= PPRT_GPU_EPILOGUE_BGRAD_B;
  if (s.batch != 1 || (hasSums && s.type_bias != PPRT_GPU_F32) ||
      s.type_c == PPRT_GPU_F64)
    throw Error("found no plan of cuBLASLt and no kernel for the epilogue " +
                std::to_string(s.epilogue) + " of " + std::to_string(s.batch) +
                " products, expected one of them: use a newer cuBLAS");
  if (!hasSums) {
    int32_t narrow = s.type_c == PPRT_GPU_BF16;
    void *arguments[] = {&c,     &bias,    &aux,        &s.m,   &s.n,
                         &s.ldc, &s.ldaux, &s.epilogue, &narrow};
    launchOver(device, code, "pprt_kernel_epilogue", s.m * s.n, arguments);
  }
  if (s.epilogue == PPRT_GPU_EPILOGUE_BGRAD_B)
    launchSums(device, code, bias, b, s.type_b, s.n, s.k,
               s.transpose_b ? s.ldb : 1, s.transpose_b ? 1 : s.ldb);
  if (s.epilogue == PPRT_GPU_EPILOGUE_BGRAD_A)
    launchSums(device, code, bias, a, s.type_a, s.m, s.k,
               s.transpose_a ? 1 : s.lda, s.transpose_a ? s.lda : 1);
}
