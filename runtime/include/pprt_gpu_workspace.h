/*===- pprt_gpu_workspace.h - Scratch memory of GPU libraries -------------===*\
 *
 * What the compiler plans in the arena is what the runtime hands out: both take
 * it from here. Where cuDNN needs more than this for a graph of attention, that
 * is left to generated kernels, so the figures are those that cuDNN 9.19 and
 * 9.25 were asked for, chip by chip; test/Runtime/CudnnPlansTest.cpp asks
 * again.
 *
\*===----------------------------------------------------------------------===*/

#ifndef PPRT_GPU_WORKSPACE_H
#define PPRT_GPU_WORKSPACE_H

#include "pprt_gpu.h"

/* Libraries want addresses of scratch memory to be multiples of this. The arena
 * gives 64: a workspace is rounded up, so it is planned with as much more. */
enum { PPRT_GPU_SCRATCH_ALIGNMENT = 256 };

/* What cuBLASLt is given for every product; NVIDIA's advice for sm_90. */
enum {
  PPRT_GPU_GEMM_SCRATCH = 32 << 20,
  PPRT_GPU_GEMM_WORKSPACE = PPRT_GPU_GEMM_SCRATCH + PPRT_GPU_SCRATCH_ALIGNMENT
};

/* Versions of cuDNN, as cudnnGetVersion() has them: what is planned for, and
 * the first whose sm_90 engine adds parts of dq in a fixed order if it is told
 * to. */
enum { PPRT_CUDNN_USUAL = 91900, PPRT_CUDNN_ORDERED_DQ = 92500 };

static inline int64_t pprt_gpu_align(int64_t value, int64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/* f32 sums of rows, batch x heads x t: the runtime's, before cuDNN's own. */
static inline int64_t
pprt_gpu_attention_sums_bytes(const pprt_gpu_attention *s) {
  return pprt_gpu_align(4 * s->batch * s->heads * s->t,
                        PPRT_GPU_SCRATCH_ALIGNMENT);
}

/* f32 sums of dq, in the forms of the adjoint that have them in memory. */
static inline int64_t pprt_gpu_attention_dq_bytes(const pprt_gpu_attention *s) {
  return pprt_gpu_align(4 * s->batch * s->heads * s->t * s->d,
                        PPRT_GPU_SCRATCH_ALIGNMENT);
}

/* dS in bf16, by tiles: the form that keeps it is of the size of all scores. */
static inline int64_t
pprt_gpu_attention_scores_bytes(const pprt_gpu_attention *s, int64_t columns) {
  return 2 * s->batch * s->heads * pprt_gpu_align(s->t, 64) *
         pprt_gpu_align(s->s, columns);
}

/* What an adjoint needs on chips of one generation (8 for sm_8x) beside sums of
 * rows. */
static inline int64_t
pprt_gpu_attention_adjoint_bytes(const pprt_gpu_attention *s, int generation,
                                 int64_t cudnn) {
  const int64_t heads = s->batch * s->heads;
  /* dk and dv of each query head, where heads of keys are fewer: in bf16, or in
   * f32 where sm_10x sums in a fixed order. */
  const int64_t apart =
      s->heads == s->kv_heads
          ? 0
          : 2 * pprt_gpu_align(2 * heads * s->s * s->d, 256) +
                (generation == 10 && !s->any_order ? 4 * heads * s->s * s->d
                                                   : 0);
  const int64_t own = 256 + apart;
  const int64_t scores =
      pprt_gpu_attention_scores_bytes(s, generation == 9 ? 128 : 64);
  const int64_t dq = pprt_gpu_attention_dq_bytes(s);
  /* A counter for each tile of queries, twice. */
  const int64_t ordered =
      dq + pprt_gpu_align(8 * heads * ((s->t + 63) / 64), 128);
  if (s->any_order)
    /* The sums once more in the order of an engine's tiles, but on sm_90. */
    return dq + own +
           (generation == 9 ? 0 : 4 * heads * pprt_gpu_align(s->t, 8) * s->d);
  if (generation == 10)
    return own;
  if (generation == 9 && cudnn >= PPRT_CUDNN_ORDERED_DQ && ordered < scores)
    return ordered + own;
  return scores + own;
}

/* Bytes of workspace for attention or its adjoint on chips from `least` to
 * `most` (90 for sm_90), with this version of cuDNN or a newer one. Generated
 * kernels need sums of rows in the adjoint, and cuDNN does not do f32. */
static inline int64_t pprt_gpu_attention_workspace(const pprt_gpu_attention *s,
                                                   int is_adjoint, int least,
                                                   int most, int64_t cudnn) {
  int64_t largest = 0;
  if (s->type != PPRT_GPU_BF16)
    return is_adjoint ? pprt_gpu_attention_sums_bytes(s) : 0;
  if (!is_adjoint)
    return PPRT_GPU_SCRATCH_ALIGNMENT + 256;
  for (int generation = 8; generation <= 12; ++generation) {
    int64_t bytes = pprt_gpu_attention_adjoint_bytes(s, generation, cudnn);
    if (generation >= least / 10 && generation <= most / 10 && bytes > largest)
      largest = bytes;
  }
  return PPRT_GPU_SCRATCH_ALIGNMENT + pprt_gpu_attention_sums_bytes(s) +
         largest;
}

#endif /* PPRT_GPU_WORKSPACE_H */
