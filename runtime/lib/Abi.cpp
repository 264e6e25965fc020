//===- Abi.cpp - The functions that generated code calls ------------------===//
//
// Exceptions end here: the first one is kept in the context, and a status goes
// back. After it no call does anything.
//
//===----------------------------------------------------------------------===//
#include "Context.h"

using namespace pprt;

template <typename F> static int32_t statusOf(pprt_context *ctx, F action) {
  return ctx->guarded(action) ? PPRT_OK : PPRT_ERROR;
}

int32_t pprt_isend(pprt_context *ctx, int32_t channel, int32_t tag,
                   const void *data, uint64_t bytes, int32_t request) {
  return statusOf(
      ctx, [&] { ctx->post(channel, tag, data, nullptr, bytes, request); });
}

int32_t pprt_irecv(pprt_context *ctx, int32_t channel, int32_t tag, void *data,
                   uint64_t bytes, int32_t request) {
  return statusOf(
      ctx, [&] { ctx->post(channel, tag, nullptr, data, bytes, request); });
}

int32_t pprt_wait(pprt_context *ctx, int32_t request) {
  return statusOf(ctx, [&] { ctx->wait(request); });
}

int32_t pprt_start(pprt_context *ctx, int32_t collective, const void *in,
                   void *out, void *workspace) {
  return statusOf(
      ctx, [&] { ctx->startCollective(collective, in, out, workspace); });
}

int32_t pprt_finish(pprt_context *ctx, int32_t collective) {
  return statusOf(ctx, [&] { ctx->finishCollective(collective); });
}

void pprt_collective(pprt_context *ctx, int32_t collective, const void *in,
                     void *out, void *workspace) {
  pprt_collective_start(ctx, collective, in, out, workspace);
  pprt_collective_finish(ctx, collective);
}

void pprt_collective_start(pprt_context *ctx, int32_t collective,
                           const void *in, void *out, void *workspace) {
  ctx->guarded(
      [&] { ctx->startLayerCollective(collective, in, out, workspace); });
}

void pprt_collective_finish(pprt_context *ctx, int32_t collective) {
  ctx->guarded([&] { ctx->finishLayerCollective(collective); });
}

void pprt_coordinate(pprt_context *ctx, const char *axes, int64_t *coordinate) {
  // After a failure, too: layers go on and take it for an index.
  ctx->backend.write(*ctx, coordinate, ctx->coordinateOn(axes));
}

void *pprt_piece(pprt_context *ctx, void *base, uint64_t bytes) {
  return ctx->pieceAt(base, bytes);
}

void pprt_action_begin(pprt_context *ctx, int32_t action) {
  ctx->guarded([&] { ctx->actionBegin(action); });
}

void pprt_action_end(pprt_context *ctx, int32_t action) {
  ctx->guarded([&] { ctx->actionEnd(action); });
}

void pprt_mark(pprt_context *ctx) {
  if (ctx->layerTimes)
    ctx->layerTimes->mark();
}

const void *pprt_data(pprt_context *ctx, int32_t input, int32_t microbatch) {
  const void *data = nullptr;
  // The caller cannot see an error and reads on: some data, until the step ends
  // with the error.
  if (!ctx->guarded([&] { data = ctx->data(input, microbatch); }))
    data = ctx->backend.data(0, 0);
  return data;
}

int64_t pprt_key(pprt_context *ctx, int32_t microbatch) {
  return ctx->backend.key(microbatch, ctx->keyOf(microbatch));
}

void pprt_place(int64_t *table, const int64_t *shape, int64_t offset) {
  for (const int64_t *entry = shape + 1, *end = entry + 2 * shape[0];
       entry != end; entry += 2)
    table[entry[0]] = offset + entry[1];
}

void pprt_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                    int64_t count, int64_t stride, int32_t bits, int64_t size,
                    int64_t ignored) {
  ctx->guarded([&] {
    ctx->backend.checkIds(*ctx, {reader, size, ignored}, ids, count, stride,
                          bits);
  });
}

int32_t pprt_loss(pprt_context *ctx, int32_t microbatch, const float *loss) {
  return statusOf(ctx, [&] { ctx->reportLoss(microbatch, loss); });
}

int32_t pprt_loss_weight(pprt_context *ctx, int32_t microbatch,
                         const float *weight) {
  return statusOf(ctx, [&] { ctx->reportLossWeight(microbatch, weight); });
}

void pprt_zero(pprt_context *ctx, void *data, uint64_t bytes) {
  ctx->guarded([&] { ctx->backend.zero(data, bytes); });
}

int32_t pprt_add_gradient(pprt_context *ctx, int32_t parameter, float *sum,
                          const float *gradient, int32_t pieces,
                          void *workspace) {
  return statusOf(ctx, [&] {
    ctx->addGradient(parameter, sum, gradient, pieces, workspace);
  });
}

int32_t pprt_square_norm(pprt_context *ctx, int32_t parameter,
                         const float *gradient, void *workspace) {
  return statusOf(
      ctx, [&] { ctx->reportSquareNorm(parameter, gradient, workspace); });
}

int32_t pprt_all_reduce_report(pprt_context *ctx, void *workspace) {
  return statusOf(ctx, [&] { ctx->allReduceReport(workspace); });
}

int32_t pprt_update(pprt_context *ctx, int32_t parameter, void *p,
                    const float *gradient, void *workspace) {
  return statusOf(ctx, [&] { ctx->update(parameter, p, gradient, workspace); });
}
