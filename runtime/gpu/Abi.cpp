//===- Abi.cpp - The functions of pprt_gpu.h ------------------------------===//
//
// Exceptions end here: the first one is kept, and what follows is not enqueued.
//
//===----------------------------------------------------------------------===//
#include "Context.h"
#include "DeviceProgram.h"

using namespace pprt;

void pprt_gpu_launch(pprt_context *ctx, int32_t kernel, int32_t grid_x,
                     int32_t grid_y, int32_t grid_z, int32_t block_x,
                     int32_t block_y, int32_t block_z, void **arguments) {
  DeviceProgram &program = *ctx->device;
  program.guarded([&] {
    program.getDevice().launch(kernel, {grid_x, grid_y, grid_z},
                               {block_x, block_y, block_z}, arguments);
  });
}

void pprt_gpu_copy(pprt_context *ctx, void *to, const void *from,
                   uint64_t bytes) {
  DeviceProgram &program = *ctx->device;
  program.guarded([&] { program.getDevice().copy(0, to, from, bytes); });
}

void pprt_gpu_matmul(pprt_context *ctx, const pprt_gpu_gemm *shape,
                     const void *a, const void *b, void *c, void *bias,
                     void *aux, void *workspace) {
  DeviceProgram &program = *ctx->device;
  program.guarded([&] {
    program.getDevice().matmul(*shape, a, b, c, bias, aux, workspace);
  });
}

void pprt_gpu_attention_forward(pprt_context *ctx,
                                const pprt_gpu_attention *shape, const void *q,
                                const void *k, const void *v, void *out,
                                float *lse, void *workspace) {
  DeviceProgram &program = *ctx->device;
  program.guarded([&] {
    program.getDevice().attentionForward(*shape, q, k, v, out, lse, workspace);
  });
}

void pprt_gpu_attention_backward(pprt_context *ctx,
                                 const pprt_gpu_attention *shape, const void *q,
                                 const void *k, const void *v, const void *out,
                                 const float *lse, const void *dout, void *dq,
                                 void *dk, void *dv, void *workspace) {
  DeviceProgram &program = *ctx->device;
  program.guarded([&] {
    program.getDevice().attentionBackward(*shape, q, k, v, out, lse, dout, dq,
                                          dk, dv, workspace);
  });
}

void pprt_gpu_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                        int64_t count, int64_t stride, int32_t bits,
                        int64_t size, int64_t ignored) {
  DeviceProgram &program = *ctx->device;
  program.guarded([&] {
    program.checkIds({reader, size, ignored}, ids, count, stride, bits);
  });
}

void *pprt_gpu_constant(pprt_context *ctx, const void *host, uint64_t bytes) {
  DeviceProgram &program = *ctx->device;
  void *result = nullptr;
  program.guarded([&] { result = program.constant(host, bytes); });
  return result;
}
