//===- Abi.cpp - The functions of pprt_gpu.h ------------------------------===//
//
// Exceptions end here: the first one is kept, and what follows is not enqueued.
//
//===----------------------------------------------------------------------===//
#include "Context.h"
#include "DeviceBackend.h"
#include "Error.h"

using namespace pprt;

/// Programs for GPUs have no other backend.
static DeviceBackend &backendOf(pprt_context *ctx) {
  return static_cast<DeviceBackend &>(ctx->backend);
}

void pprt_gpu_launch(pprt_context *ctx, int32_t kernel, int32_t grid_x,
                     int32_t grid_y, int32_t grid_z, int32_t block_x,
                     int32_t block_y, int32_t block_z, void **arguments) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] {
    backend.getDevice().launch(kernel, {grid_x, grid_y, grid_z},
                               {block_x, block_y, block_z}, arguments);
  });
}

void pprt_gpu_copy(pprt_context *ctx, void *to, const void *from,
                   uint64_t bytes) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] { backend.getDevice().copy(0, to, from, bytes); });
}

void pprt_gpu_matmul(pprt_context *ctx, const pprt_gpu_gemm *shape,
                     const void *a, const void *b, void *c, void *bias,
                     void *aux, void *workspace) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] {
    backend.getDevice().matmul(*shape, a, b, c, bias, aux, workspace);
  });
}

void pprt_gpu_attention_forward(pprt_context *ctx,
                                const pprt_gpu_attention *shape, const void *q,
                                const void *k, const void *v, void *out,
                                float *lse, void *workspace) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] {
    backend.getDevice().attentionForward(*shape, q, k, v, out, lse, workspace);
  });
}

void pprt_gpu_attention_backward(pprt_context *ctx,
                                 const pprt_gpu_attention *shape, const void *q,
                                 const void *k, const void *v, const void *out,
                                 const float *lse, const void *dout, void *dq,
                                 void *dk, void *dv, void *workspace) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] {
    backend.getDevice().attentionBackward(*shape, q, k, v, out, lse, dout, dq,
                                          dk, dv, workspace);
  });
}

/// The device on which kernels do what cuDNN has no plan for.
static Device &deviceWithoutCudnn(DeviceBackend &backend) {
  if (backend.wantsCudnn())
    throw Error("found attention within documents and --attention=cudnn, "
                "expected a model without documents, as cuDNN has no such "
                "attention: run with --attention=auto, which runs it by "
                "generated kernels");
  return backend.getDevice();
}

void pprt_gpu_attention_forward_documents(pprt_context *ctx,
                                          const pprt_gpu_attention *shape,
                                          const void *q, const void *k,
                                          const void *v, void *out, float *lse,
                                          void *workspace,
                                          const int32_t *documents) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] {
    fallbackForward(deviceWithoutCudnn(backend), *shape, q, k, v, out, lse,
                    workspace, documents);
  });
}

void pprt_gpu_attention_backward_documents(
    pprt_context *ctx, const pprt_gpu_attention *shape, const void *q,
    const void *k, const void *v, const void *out, const float *lse,
    const void *dout, void *dq, void *dk, void *dv, void *workspace,
    const int32_t *documents) {
  DeviceBackend &backend = backendOf(ctx);
  ctx->guarded([&] {
    fallbackBackward(deviceWithoutCudnn(backend), *shape, q, k, v, out, lse,
                     dout, dq, dk, dv, workspace, documents);
  });
}

void pprt_gpu_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                        int64_t count, int64_t stride, int32_t bits,
                        int64_t size, int64_t ignored) {
  pprt_check_ids(ctx, reader, ids, count, stride, bits, size, ignored);
}

void *pprt_gpu_constant(pprt_context *ctx, const void *host, uint64_t bytes) {
  DeviceBackend &backend = backendOf(ctx);
  void *result = nullptr;
  ctx->guarded([&] { result = backend.constant(host, bytes); });
  return result;
}
