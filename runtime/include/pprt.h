//===- pprt.h - C ABI between a compiled program and its runtime ----------===//
//
// A compiled training program is one executable for all pipeline ranks: the
// object file that `pp-compile` generates, linked with libpprt, which has
// main(). The generated object exports three symbols (the description, the
// step functions and their number); everything else is called in the other
// direction.
//
// Conventions
//  - Opaque handles and fixed-width integers only. No exception and no exit()
//    ever crosses this boundary.
//  - A fallible call returns a status, PPRT_OK (0) or an error. On an error the
//    runtime has recorded what happened; generated code returns the status at
//    once and the runtime prints it on rank 0, then ends every rank.
//  - What a function without a status runs into is recorded in the context,
//  too:
//    the next fallible call returns it.
//  - Layer and stage functions get the context as their first argument.
//  - Buffers live in the rank's arena, 64-byte aligned. Nothing here allocates.
//  - One thread of a rank calls these functions.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_H
#define PPRT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Everything the runtime knows about a run on this rank.
typedef struct pprt_context pprt_context;

/// Statuses of fallible calls.
enum {
  PPRT_OK = 0,
  /// An error that this rank found; it has been recorded in the context.
  PPRT_ERROR = 1,
};

//===----------------------------------------------------------------------===//
// What the generated object exports, and what it reads
//===----------------------------------------------------------------------===//

/// What generated code itself reads of a context, which begins with it.
typedef struct pprt_context_head {
  /// Not 0 if computations are emulated: native stage functions then return at
  /// once. Constant during a run.
  int32_t emulating;
} pprt_context_head;

/// The program's description: JSON, NUL terminated (docs/Runtime.md).
extern const char pp_program_description[];

/// One training step of one rank. `arena` is the base of the rank's arena.
typedef int32_t (*pprt_step_fn)(pprt_context *ctx, uint8_t *arena);

/// A function of the end of a step (the description's "functions"): `operands`
/// are the addresses of its arguments, of what it writes beside them, and of
/// its workspace. On a device it enqueues what it does.
typedef void (*pprt_function)(pprt_context *ctx, const void *const *operands);

/// As many as the description's "functions", in their order.
extern const pprt_function pp_program_functions[];

/// One step function for each pipeline rank, as many as the description's
/// "ranks".
extern const pprt_step_fn pp_program_steps[];

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

/// Starts to send `bytes` bytes at `data` over `channel` (an index into the
/// description's "channels", whose "src" is this rank) under `tag`. `request`
/// (0 <= request < the program's "requests") names the transfer until it is
/// waited for; `data` must stay as it is until then.
int32_t pprt_isend(pprt_context *ctx, int32_t channel, int32_t tag,
                   const void *data, uint64_t bytes, int32_t request);

/// Starts to receive exactly `bytes` bytes into `data`; the channel's "dst" is
/// this rank. A message of another size is an error of the wait.
int32_t pprt_irecv(pprt_context *ctx, int32_t channel, int32_t tag, void *data,
                   uint64_t bytes, int32_t request);

/// Sleeps until the transfer `request` is complete; the request may be used
/// again afterwards. Each started request is waited for exactly once, in the
/// step that started it.
int32_t pprt_wait(pprt_context *ctx, int32_t request);

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

/// Starts collective `collective` (an index into the description's
/// programs[pipe].collectives) of `in` to `out`. `workspace` is as large as
/// pprt_collectives.h says; none of the three may be used until pprt_finish. A
/// gathered piece may be that in its place in `out`.
int32_t pprt_start(pprt_context *ctx, int32_t collective, const void *in,
                   void *out, void *workspace);

/// Sleeps until the collective is complete. Each is finished before it is
/// started again, and in the step that started it.
int32_t pprt_finish(pprt_context *ctx, int32_t collective);

/// Collective `collective` of a layer (an index into the description's
/// layer_collectives) of `in` to `out`, to its end: for code of layers, which
/// goes on whatever happens. `workspace` as in pprt_start; `in` may be `out`
/// but in an all-to-all.
void pprt_collective(pprt_context *ctx, int32_t collective, const void *in,
                     void *out, void *workspace);

/// The same in two halves: what is called between them neither reads `out` and
/// `workspace` nor writes any of the three.
void pprt_collective_start(pprt_context *ctx, int32_t collective,
                           const void *in, void *out, void *workspace);
void pprt_collective_finish(pprt_context *ctx, int32_t collective);

/// Writes this rank's number among those that differ from it in their
/// coordinates on `axes` only: names with commas between, the slowest first.
/// `coordinate` is where layers compute: memory of the device, if that is one.
void pprt_coordinate(pprt_context *ctx, const char *axes, int64_t *coordinate);

/// Where this rank's piece lies among pieces of `bytes` bytes that begin at
/// `base`, one for each coordinate on the axis data.
void *pprt_piece(pprt_context *ctx, void *base, uint64_t bytes);

//===----------------------------------------------------------------------===//
// Trace
//===----------------------------------------------------------------------===//

/// Begin and end of action `action` (an index into the description's
/// programs[rank].actions). Actions do not nest. An isend or irecv between
/// begin and end of an action belongs to that action: its stage, micro-batch
/// and name are used where the transfer is shown or complained about. Time in
/// pprt_wait and pprt_all_reduce_report is accounted by the runtime itself;
/// they should stand outside actions.
void pprt_action_begin(pprt_context *ctx, int32_t action);
void pprt_action_end(pprt_context *ctx, int32_t action);

/// A stage function has come to the end of the next part of its stage (the
/// description's "parts"). Returns at once unless layers are timed. Which part
/// it is follows from the action: stages of equal layers share one function.
void pprt_mark(pprt_context *ctx);

//===----------------------------------------------------------------------===//
// Data and loss
//===----------------------------------------------------------------------===//

/// Micro-batch `microbatch` of the description's input `input` for this step:
/// a contiguous i32 array of the input's shape, 64-byte aligned, valid until
/// the step returns.
const void *pprt_data(pprt_context *ctx, int32_t input, int32_t microbatch);

/// The dropout key of `microbatch` in this step, a function of (seed, step,
/// micro-batch) only.
int64_t pprt_key(pprt_context *ctx, int32_t microbatch);

/// Writes where values lie in this round into the table of a stage call:
/// `shape` is a count and as many pairs of an entry of the table and a distance
/// in bytes; the entry becomes `offset` plus the distance.
void pprt_place(int64_t *table, const int64_t *shape, int64_t offset);

/// Checks `count` ids, integers of 32 or 64 `bits` that lie `stride` elements
/// apart: each has to be in [0, size) or `ignored`. Else the step ends at
/// pprt_all_reduce_report with an error on every rank, before anything is
/// updated; `reader` names the op that reads the ids in it. The caller goes on
/// meanwhile and uses no id that is out of range.
void pprt_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                    int64_t count, int64_t stride, int32_t bits, int64_t size,
                    int64_t ignored);

/// Reports the loss of `microbatch` (one f32). Called by the rank of the last
/// stage.
int32_t pprt_loss(pprt_context *ctx, int32_t microbatch, const float *loss);

/// Reports the weight of that loss in the mean of the step (one f32), in a
/// program with `loss_weights`. Called by the rank whose stage computes it.
int32_t pprt_loss_weight(pprt_context *ctx, int32_t microbatch,
                         const float *weight);

//===----------------------------------------------------------------------===//
// Gradients and update
//===----------------------------------------------------------------------===//

/// Sets `bytes` bytes to zero.
void pprt_zero(pprt_context *ctx, void *data, uint64_t bytes);

/// The following four call functions of the program, which the description
/// names for the parameter: `workspace` is what these may write. Under
/// --emulate nothing is called.

/// sum[i] += gradient[i] for all elements of parameter `parameter` (an index
/// into the description's "parameters"), or of so many of its pieces, one
/// behind the other. The two do not overlap.
int32_t pprt_add_gradient(pprt_context *ctx, int32_t parameter, float *sum,
                          const float *gradient, int32_t pieces,
                          void *workspace);

/// Records the sum of squares of the gradient of a parameter, or of this
/// replica's piece of it. `gradient` is the sum over micro-batches and uses,
/// not divided by their number. Called by the parameter's owner, once a step;
/// f64, fixed order.
int32_t pprt_square_norm(pprt_context *ctx, int32_t parameter,
                         const float *gradient, void *workspace);

/// Collective, once a step on every rank, after all pprt_loss,
/// pprt_loss_weight and pprt_square_norm and before pprt_update: the mean loss
/// and the global norm (summed in parameter order on every rank alike), from
/// which the clip factor follows. A loss or norm that is not finite is an error
/// on every rank, and nothing is updated.
int32_t pprt_all_reduce_report(pprt_context *ctx, void *workspace);

/// Updates a parameter, which lies at `p`, and its states in place with the
/// gradient sum `gradient`, by the optimizer that the run was started with. Of
/// a parameter of bf16 the master is updated, then rounded to nearest even into
/// `p`. Called by the parameter's owner, which has its states where the
/// description says. Where these are cut over replicas, `gradient` is this
/// one's piece, and its piece of `p` changes.
int32_t pprt_update(pprt_context *ctx, int32_t parameter, void *p,
                    const float *gradient, void *workspace);

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

/// What main() does: reads the command line, trains, returns the exit status.
int32_t pprt_main(int32_t argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif // PPRT_H
