/*===- pprt_gpu_cost.h - What calls of GPU libraries move and compute -----===*\
 *
 * Names, bytes and operations of products and of attention, from the shapes of
 * calls. What the compiler predicts of a call (--emit=roofline) and what the
 * runtime reports of its time (--kernel-times) can be laid side by side: both
 * take them from here.
 *
\*===----------------------------------------------------------------------===*/

#ifndef PPRT_GPU_COST_H
#define PPRT_GPU_COST_H

#include "pprt_gpu.h"

#include <stdio.h>

static inline int64_t pprt_gpu_type_bytes(int32_t type) {
  return type == PPRT_GPU_BF16 ? 2 : type == PPRT_GPU_F64 ? 8 : 4;
}

static inline const char *pprt_gpu_type_name(int32_t type) {
  return type == PPRT_GPU_BF16 ? "bf16" : type == PPRT_GPU_F64 ? "f64" : "f32";
}

/* Bytes that the name of any call takes, with the final zero. */
enum { PPRT_GPU_NAME_BYTES = 192 };

/*===----------------------------------------------------------------------===*/
/* Products                                                                   */
/*===----------------------------------------------------------------------===*/

/* As "product 64x256x64 bf16 to f32, batch 2, epilogue 4". */
static inline void pprt_gpu_gemm_name(const pprt_gpu_gemm *s,
                                      char name[PPRT_GPU_NAME_BYTES]) {
  int length =
      snprintf(name, PPRT_GPU_NAME_BYTES, "product %lldx%lldx%lld %s to %s",
               (long long)s->m, (long long)s->n, (long long)s->k,
               pprt_gpu_type_name(s->type_a), pprt_gpu_type_name(s->type_c));
  if (s->batch > 1)
    length += snprintf(name + length, PPRT_GPU_NAME_BYTES - length,
                       ", batch %lld", (long long)s->batch);
  if (s->epilogue != PPRT_GPU_EPILOGUE_NONE)
    snprintf(name + length, PPRT_GPU_NAME_BYTES - length, ", epilogue %d",
             (int)s->epilogue);
}

/* Whether a matrix like c is read or written beside it, at `aux`. */
static inline int pprt_gpu_gemm_has_aux(const pprt_gpu_gemm *s) {
  switch (s->epilogue) {
  case PPRT_GPU_EPILOGUE_GELU_AUX:
  case PPRT_GPU_EPILOGUE_GELU_AUX_BIAS:
  case PPRT_GPU_EPILOGUE_DGELU:
    return 1;
  default:
    return s->add == PPRT_GPU_ADD_AUX;
  }
}

/* Bytes of all matrices, each once, and of c twice where it is added to. Biases
 * and their gradients are small and left out. */
static inline int64_t pprt_gpu_gemm_bytes(const pprt_gpu_gemm *s) {
  const int64_t c = s->m * s->n * pprt_gpu_type_bytes(s->type_c);
  const int64_t times =
      1 + (s->add == PPRT_GPU_ADD_C) + pprt_gpu_gemm_has_aux(s);
  return s->batch * (s->m * s->k * pprt_gpu_type_bytes(s->type_a) +
                     s->k * s->n * pprt_gpu_type_bytes(s->type_b) + c * times);
}

static inline double pprt_gpu_gemm_operations(const pprt_gpu_gemm *s) {
  return 2.0 * (double)s->batch * (double)s->m * (double)s->n * (double)s->k;
}

/*===----------------------------------------------------------------------===*/
/* Attention                                                                  */
/*===----------------------------------------------------------------------===*/

/* As "attention backward 16x12x1024x64 bf16": sequences, heads, queries, and
 * elements of a head. */
static inline void pprt_gpu_attention_name(const pprt_gpu_attention *s,
                                           int is_adjoint,
                                           char name[PPRT_GPU_NAME_BYTES]) {
  snprintf(name, PPRT_GPU_NAME_BYTES, "attention%s %lldx%lldx%lldx%lld %s",
           is_adjoint ? " backward" : "", (long long)s->batch,
           (long long)s->heads, (long long)s->t, (long long)s->d,
           pprt_gpu_type_name(s->type));
}

/* Bytes of all matrices but the statistics: q, k, v and out, and those of their
 * gradients. */
static inline int64_t pprt_gpu_attention_bytes(const pprt_gpu_attention *s,
                                               int is_adjoint) {
  const int64_t rows = s->t * s->heads + s->s * s->kv_heads;
  return (is_adjoint ? 4 : 2) * s->batch * s->d * rows *
         pprt_gpu_type_bytes(s->type);
}

/* Operations of two products of queries and keys, or five in the adjoint; of
 * half of the square where it is causal. */
static inline double pprt_gpu_attention_operations(const pprt_gpu_attention *s,
                                                   int is_adjoint) {
  return (is_adjoint ? 5 : 2) * 2.0 * (double)(s->batch * s->heads) *
         (double)s->t * (double)s->s * (double)s->d * (s->causal ? 0.5 : 1.0);
}

#endif /* PPRT_GPU_COST_H */
