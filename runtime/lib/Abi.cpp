//===- Abi.cpp - The functions that generated code calls ------------------===//
//
// Exceptions end here: the first one is kept in the context, and a status goes
// back. After it no call does anything.
//
//===----------------------------------------------------------------------===//
#include "Context.h"
#include "DeviceProgram.h"
#include "Error.h"
#include "LayerTimes.h"

#include <cstring>

using namespace pprt;

template <typename F> static int32_t guarded(pprt_context *ctx, F action) {
  // What could not be enqueued before ends the step here, too.
  if (ctx->device)
    return ctx->device->guarded(action) ? PPRT_OK : PPRT_ERROR;
  if (ctx->failure)
    return PPRT_ERROR;
  try {
    action();
    return PPRT_OK;
  } catch (...) {
    ctx->failure = std::current_exception();
    return PPRT_ERROR;
  }
}

int32_t pprt_isend(pprt_context *ctx, int32_t channel, int32_t tag,
                   const void *data, uint64_t bytes, int32_t request) {
  return guarded(
      ctx, [&] { ctx->post(channel, tag, data, nullptr, bytes, request); });
}

int32_t pprt_irecv(pprt_context *ctx, int32_t channel, int32_t tag, void *data,
                   uint64_t bytes, int32_t request) {
  return guarded(
      ctx, [&] { ctx->post(channel, tag, nullptr, data, bytes, request); });
}

int32_t pprt_wait(pprt_context *ctx, int32_t request) {
  return guarded(ctx, [&] { ctx->wait(request); });
}

static bool isAction(pprt_context *ctx, int32_t action) {
  size_t count = ctx->program().actions.size();
  if (action >= 0 && size_t(action) < count)
    return true;
  guarded(ctx, [&] {
    throw Error("found action " + std::to_string(action) +
                ", expected one of " + std::to_string(count) +
                ": compile the program again");
  });
  return false;
}

void pprt_action_begin(pprt_context *ctx, int32_t action) {
  if (!isAction(ctx, action))
    return;
  if (ctx->device)
    ctx->device->actionBegin(action);
  else
    ctx->recorder.actionBegin(action);
}

void pprt_action_end(pprt_context *ctx, int32_t action) {
  if (!isAction(ctx, action))
    return;
  if (ctx->emulation)
    ctx->emulation->finish(action, ctx->recorder.currentActionBegin());
  if (ctx->device)
    ctx->device->actionEnd(action);
  else
    ctx->recorder.actionEnd(action);
}

void pprt_mark(pprt_context *ctx) {
  if (ctx->layerTimes)
    ctx->layerTimes->mark();
}

const void *pprt_data(pprt_context *ctx, int32_t input, int32_t microbatch) {
  // Under --emulate no data is loaded: a dummy buffer, which is never read.
  alignas(64) static const int32_t nothing[16] = {};
  const void *data = nothing;
  if (!ctx->batches)
    return data;
  guarded(ctx, [&] {
    if (input < 0 || size_t(input) >= ctx->description.inputs.size() ||
        microbatch < 0 || microbatch >= ctx->description.microbatches) {
      // The caller cannot see an error here; the step ends with it.
      data = ctx->batches->input(0, 0);
      throw Error("found input " + std::to_string(input) + " of micro-batch " +
                  std::to_string(microbatch) +
                  ", which the program does not have: compile it again");
    }
    data = ctx->device ? ctx->device->data(input, microbatch)
                       : ctx->batches->input(input, microbatch);
  });
  return data;
}

int64_t pprt_key(pprt_context *ctx, int32_t microbatch) {
  return ctx->device ? ctx->device->key(microbatch) : ctx->keyOf(microbatch);
}

void pprt_place(int64_t *table, const int64_t *shape, int64_t offset) {
  for (const int64_t *entry = shape + 1, *end = entry + 2 * shape[0];
       entry != end; entry += 2)
    table[entry[0]] = offset + entry[1];
}

int32_t pprt_loss(pprt_context *ctx, int32_t microbatch, const float *loss) {
  return guarded(ctx, [&] { ctx->reportLoss(microbatch, loss); });
}

void pprt_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                    int64_t count, int64_t stride, int32_t bits, int64_t size,
                    int64_t ignored) {
  guarded(ctx, [&] {
    ctx->idChecks.note(reader, ids, count, stride, bits, size, ignored);
  });
}

void pprt_zero(pprt_context *ctx, void *data, uint64_t bytes) {
  if (DeviceProgram *program = ctx->device)
    program->guarded([&] { program->getDevice().zero(0, data, bytes); });
  else if (!ctx->emulating)
    std::memset(data, 0, bytes);
}

void pprt_add_f32(pprt_context *ctx, float *dst, const float *src, uint64_t n) {
  if (DeviceProgram *program = ctx->device)
    program->guarded([&] { program->add(dst, src, n); });
  else if (!ctx->emulating)
    addInto(dst, src, n);
}

int32_t pprt_square_norm(pprt_context *ctx, int32_t parameter,
                         const float *grad, uint64_t n) {
  return guarded(ctx, [&] { ctx->reportSquareNorm(parameter, grad, n); });
}

int32_t pprt_exchange(pprt_context *ctx) {
  return guarded(ctx, [&] { ctx->exchange(); });
}

int32_t pprt_update(pprt_context *ctx, int32_t parameter, float *p,
                    const float *g, float *m, float *v, uint64_t n) {
  return guarded(ctx, [&] { ctx->update(parameter, p, g, m, v, n); });
}

int32_t pprt_update_bf16(pprt_context *ctx, int32_t parameter, uint16_t *p,
                         float *master, const float *g, float *m, float *v,
                         uint64_t n) {
  return guarded(ctx, [&] {
    ctx->update(parameter, master, g, m, v, n, p);
    if (!ctx->device && !ctx->emulating)
      roundToBF16(master, p, n);
  });
}
