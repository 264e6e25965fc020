//===- EmulatedDevice.cpp - What layers for GPUs call ---------------------===//
//
// Kernels run as fibers; products as three loops, so that they share nothing
// with what they are compared to.
//
//===----------------------------------------------------------------------===//

#include "EmulatedDevice.h"
#include "KernelEmulation.h"

#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <vector>

static const pprt_gpu_code *deviceCode;

void pp::setDeviceCode(const void *code) {
  deviceCode = static_cast<const pprt_gpu_code *>(code);
}

static void launch(int32_t kernel, int32_t gridX, int32_t gridY, int32_t gridZ,
                   int32_t blockX, int32_t blockY, int32_t blockZ,
                   void **arguments) {
  if (kernel < 0 || kernel >= deviceCode->num_kernels) {
    llvm::errs() << "found a launch of kernel " << kernel << " of "
                 << deviceCode->num_kernels << "\n";
    std::exit(1);
  }
  int32_t grid[] = {gridX, gridY, gridZ}, block[] = {blockX, blockY, blockZ};
  std::string error =
      pprt::runEmulated(deviceCode->kernels[kernel], grid, block, arguments);
  if (!error.empty()) {
    llvm::errs() << error << "\n";
    std::exit(1);
  }
}

static double load(const void *data, int32_t type, int64_t i) {
  if (type == PPRT_GPU_F32)
    return static_cast<const float *>(data)[i];
  if (type == PPRT_GPU_F64)
    return static_cast<const double *>(data)[i];
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

static void store(void *data, int32_t type, int64_t i, double value) {
  if (type == PPRT_GPU_F64) {
    static_cast<double *>(data)[i] = value;
    return;
  }
  float narrow = static_cast<float>(value);
  if (type == PPRT_GPU_F32) {
    static_cast<float *>(data)[i] = narrow;
    return;
  }
  uint32_t bits;
  std::memcpy(&bits, &narrow, sizeof(bits));
  bits += 0x7fff + (bits >> 16 & 1);
  static_cast<uint16_t *>(data)[i] = bits >> 16;
}

static void matmul(const pprt_gpu_gemm *s, const void *a, const void *b,
                   void *c, void *, void *, void *) {
  if (s->epilogue != PPRT_GPU_EPILOGUE_NONE) {
    llvm::errs() << "found a product with epilogue " << s->epilogue << "\n";
    std::exit(1);
  }
  for (int64_t batch = 0; batch < s->batch; ++batch)
    for (int64_t i = 0; i < s->m; ++i)
      for (int64_t j = 0; j < s->n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < s->k; ++k)
          sum += load(a, s->type_a,
                      batch * s->stride_a +
                          (s->transpose_a ? k * s->lda + i : i * s->lda + k)) *
                 load(b, s->type_b,
                      batch * s->stride_b +
                          (s->transpose_b ? j * s->ldb + k : k * s->ldb + j));
        int64_t at = batch * s->stride_c + i * s->ldc + j;
        if (s->accumulate)
          sum += load(c, s->type_c, at);
        store(c, s->type_c, at, sum);
      }
}

/// Launches the kernels that stand in for a library.
static void launchFallback(int32_t kernel, const int32_t grid[3], int32_t block,
                           std::vector<void *> pointers) {
  std::vector<void *> arguments;
  for (void *&pointer : pointers)
    arguments.push_back(&pointer);
  launch(kernel, grid[0], grid[1], grid[2], block, 1, 1, arguments.data());
}

static void attentionForward(const pprt_gpu_attention *s, void *q, void *k,
                             void *v, void *out, void *lse, void *workspace) {
  launchFallback(s->fallback_kernel, s->fallback_grid, s->fallback_block,
                 {q, k, v, out, lse, workspace});
}

static void attentionBackward(const pprt_gpu_attention *s, void *q, void *k,
                              void *v, void *out, void *lse, void *dout,
                              void *dq, void *dk, void *dv, void *workspace) {
  std::vector<void *> pointers{q, k, v, out, lse, dout, dq, dk, dv, workspace};
  launchFallback(s->fallback_kernel, s->fallback_grid, s->fallback_block,
                 pointers);
  launchFallback(s->fallback_kernel2, s->fallback_grid2, s->fallback_block2,
                 pointers);
}

static void copy(void *to, const void *from, uint64_t bytes) {
  std::memcpy(to, from, bytes);
}
static void zero(void *data, uint64_t bytes) { std::memset(data, 0, bytes); }

llvm::ArrayRef<std::pair<llvm::StringRef, void *>> pp::emulatedDeviceSymbols() {
  auto address = [](auto *function) {
    return reinterpret_cast<void *>(function);
  };
  static const std::pair<llvm::StringRef, void *> symbols[] = {
      {"pprt_gpu_launch", address(launch)},
      {"pprt_gpu_matmul", address(matmul)},
      {"pprt_gpu_attention_forward", address(attentionForward)},
      {"pprt_gpu_attention_backward", address(attentionBackward)},
      {"pprt_gpu_copy", address(copy)},
      {"pprt_gpu_zero", address(zero)},
      {"pprt_gpu_host_thread", address(pprt_gpu_host_thread)},
      {"pprt_gpu_host_barrier", address(pprt_gpu_host_barrier)},
      {"pprt_gpu_host_shuffle", address(pprt_gpu_host_shuffle)},
      {"pprt_gpu_host_shared", address(pprt_gpu_host_shared)},
  };
  return symbols;
}
