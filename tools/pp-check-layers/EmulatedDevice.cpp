//===- EmulatedDevice.cpp - What layers for GPUs call ---------------------===//
//
// Kernels run as fibers; products as the plain loops of the runtime's emulated
// device, which share nothing with what they are compared to.
//
//===----------------------------------------------------------------------===//

#include "EmulatedDevice.h"
#include "HostMath.h"
#include "KernelEmulation.h"

#include "pp/CodeGen/JIT.h"

#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <vector>

/// The context of a layer is its program's code.
static void launch(const pprt_gpu_code *code, int32_t kernel, int32_t gridX,
                   int32_t gridY, int32_t gridZ, int32_t blockX, int32_t blockY,
                   int32_t blockZ, void **arguments) {
  if (kernel < 0 || kernel >= code->num_kernels) {
    llvm::errs() << "found a launch of kernel " << kernel << " of "
                 << code->num_kernels << "\n";
    std::exit(1);
  }
  int32_t grid[] = {gridX, gridY, gridZ}, block[] = {blockX, blockY, blockZ};
  std::string error =
      pprt::runEmulated(code->kernels[kernel], grid, block, arguments);
  if (!error.empty()) {
    llvm::errs() << error << "\n";
    std::exit(1);
  }
}

static void matmul(const pprt_gpu_code *, const pprt_gpu_gemm *shape,
                   const void *a, const void *b, void *c, void *bias, void *aux,
                   void *) {
  pprt::hostMatmul(*shape, a, b, c, bias, aux);
}

/// Launches the kernels that stand in for a library.
static void launchFallback(const pprt_gpu_code *code, int32_t kernel,
                           const int32_t grid[3], int32_t block,
                           std::vector<void *> pointers) {
  std::vector<void *> arguments;
  for (void *&pointer : pointers)
    arguments.push_back(&pointer);
  launch(code, kernel, grid[0], grid[1], grid[2], block, 1, 1,
         arguments.data());
}

static void attentionForward(const pprt_gpu_code *code,
                             const pprt_gpu_attention *s, void *q, void *k,
                             void *v, void *out, void *lse, void *workspace) {
  launchFallback(code, s->fallback_kernel, s->fallback_grid, s->fallback_block,
                 {q, k, v, out, lse, workspace});
}

static void attentionBackward(const pprt_gpu_code *code,
                              const pprt_gpu_attention *s, void *q, void *k,
                              void *v, void *out, void *lse, void *dout,
                              void *dq, void *dk, void *dv, void *workspace) {
  std::vector<void *> pointers{q, k, v, out, lse, dout, dq, dk, dv, workspace};
  launchFallback(code, s->fallback_kernel, s->fallback_grid, s->fallback_block,
                 pointers);
  launchFallback(code, s->fallback_kernel2, s->fallback_grid2,
                 s->fallback_block2, pointers);
}

static void attentionForwardDocuments(const pprt_gpu_code *code,
                                      const pprt_gpu_attention *s, void *q,
                                      void *k, void *v, void *out, void *lse,
                                      void *workspace, void *documents) {
  launchFallback(code, s->fallback_kernel, s->fallback_grid, s->fallback_block,
                 {q, k, v, out, lse, workspace, documents});
}

static void attentionBackwardDocuments(const pprt_gpu_code *code,
                                       const pprt_gpu_attention *s, void *q,
                                       void *k, void *v, void *out, void *lse,
                                       void *dout, void *dq, void *dk, void *dv,
                                       void *workspace, void *documents) {
  std::vector<void *> pointers{q,  k,  v,  out,       lse,      dout,
                               dq, dk, dv, workspace, documents};
  launchFallback(code, s->fallback_kernel, s->fallback_grid, s->fallback_block,
                 pointers);
  launchFallback(code, s->fallback_kernel2, s->fallback_grid2,
                 s->fallback_block2, pointers);
}

static void copy(const pprt_gpu_code *, void *to, const void *from,
                 uint64_t bytes) {
  std::memcpy(to, from, bytes);
}

/// The device is the host.
static void *deviceConstant(const pprt_gpu_code *, const void *host, uint64_t) {
  return const_cast<void *>(host);
}

llvm::ArrayRef<std::pair<llvm::StringRef, void *>> pp::emulatedDeviceSymbols() {
  auto address = [](auto *function) {
    return reinterpret_cast<void *>(function);
  };
  static const std::pair<llvm::StringRef, void *> symbols[] = {
      {"pprt_gpu_launch", address(launch)},
      {"pprt_gpu_matmul", address(matmul)},
      {"pprt_gpu_attention_forward", address(attentionForward)},
      {"pprt_gpu_attention_backward", address(attentionBackward)},
      {"pprt_gpu_attention_forward_documents",
       address(attentionForwardDocuments)},
      {"pprt_gpu_attention_backward_documents",
       address(attentionBackwardDocuments)},
      {"pprt_gpu_check_ids", address(checkIdsOrExit)},
      {"pprt_gpu_constant", address(deviceConstant)},
      {"pprt_gpu_copy", address(copy)},
      {"pprt_gpu_host_thread", address(pprt_gpu_host_thread)},
      {"pprt_gpu_host_barrier", address(pprt_gpu_host_barrier)},
      {"pprt_gpu_host_shuffle", address(pprt_gpu_host_shuffle)},
      {"pprt_gpu_host_aligned", address(pprt_gpu_host_aligned)},
      {"pprt_gpu_host_shared", address(pprt_gpu_host_shared)},
  };
  return symbols;
}
