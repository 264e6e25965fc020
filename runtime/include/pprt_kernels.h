/*===- pprt_kernels.h - Kernels that compiled programs call ---------------===*\
 *
 * What is bound by arithmetic and would take a compiler much work: matrix
 * products and attention. No LLVM here; linked into every executable and into
 * the tools that compile in memory.
 *
 * All matrices are row-major, of floats or of bf16, the upper half of a float,
 * as uint16_t; a leading dimension is the distance of two rows in elements.
 * Nothing here fails or allocates: the compiler has checked the shapes, and a
 * kernel's memory is the workspace that it asks for, a number of floats that
 * depends on shapes alone.
 *
 * Products of floats give the same bits on every processor, with any number of
 * threads. Every other function gives the same bits for the same arguments on
 * the same machine.
 *
\*===----------------------------------------------------------------------===*/

#ifndef PPRT_KERNELS_H
#define PPRT_KERNELS_H

#include "pprt_layout.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Null, or what is wrong with PPRT_CPU_ISA, in which case no kernel may be
 * called. The variable names the instruction set of the kernels: portable,
 * avx2, avx512 or avx512_bf16, by default the last one that the processor
 * has. */
const char *pprt_kernels_error(void);

/* Threads that a matrix product of the calling thread may use; 1 at start, for
 * ranks often share cores. Returns 0, or the error number of what the system
 * refused. Threads are started here; they sleep when they have nothing to do.
 */
int32_t pprt_set_kernel_threads(int32_t threads);

/* Blocks of a product that are packed at once: rows of a, columns of b, depth
 * of both. The same on every processor and for any number of threads, and so
 * is the workspace of a product of [m, k] and [k, n] that follows from them:
 * columns are rounded up to 16, and 16 floats are for alignment. */
enum { PPRT_GEMM_ROWS = 1008, PPRT_GEMM_COLUMNS = 3072, PPRT_GEMM_DEPTH = 512 };
static inline int64_t pprt_gemm_workspace(int64_t m, int64_t n, int64_t k) {
  int64_t rows = m < PPRT_GEMM_ROWS ? m : PPRT_GEMM_ROWS;
  int64_t columns = n < PPRT_GEMM_COLUMNS ? n : PPRT_GEMM_COLUMNS;
  int64_t depth = k < PPRT_GEMM_DEPTH ? k : PPRT_GEMM_DEPTH;
  return (rows + (columns + 15) / 16 * 16) * depth + 16;
}

/* c[m, n] = a b + beta c, where a is [m, k], or [k, m] if transpose_a, and b is
 * [k, n], or [n, k] if transpose_b. beta is 0 (c is not read) or 1.
 *
 * Every element is the same chain of fused multiply-adds, each with one
 * rounding: c = fma(a[i][l], b[l][j], c) for l = 0, 1, ..., k - 1, from beta c
 * on. */
void pprt_sgemm(int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n,
                int64_t k, const float *a, int64_t lda, const float *b,
                int64_t ldb, float beta, float *c, int64_t ldc,
                float *workspace);

/* The same for `batch` matrices, `stride_*` elements apart. */
void pprt_sgemm_batched(int32_t transpose_a, int32_t transpose_b, int64_t m,
                        int64_t n, int64_t k, const float *a, int64_t lda,
                        const float *b, int64_t ldb, float beta, float *c,
                        int64_t ldc, int64_t batch, int64_t stride_a,
                        int64_t stride_b, int64_t stride_c, float *workspace);

/* Products of bf16 sum in floats. If c holds bf16, a block of it is summed in
 * the workspace and rounded once, to nearest even.
 *
 * Where the processor has no instruction for bf16, or PPRT_CPU_ISA denies it,
 * they become floats in packing, which is exact, and the sum is the chain of
 * pprt_sgemm, on every processor. By AVX512-BF16 a step of the chain adds the
 * products of l + 1 and of l, in this order, for l = 0, 2, ..., and takes
 * denormal numbers for 0; bits are those of other processors with the same
 * instruction, for any number of threads. AMX is not used. */
enum { PPRT_BF16_COLUMNS = 768 };
static inline int64_t pprt_gemm_bf16_workspace(int64_t m, int64_t n, int64_t k,
                                               int32_t c_is_bf16) {
  int64_t rows = m < PPRT_GEMM_ROWS ? m : PPRT_GEMM_ROWS;
  int64_t columns = n < PPRT_BF16_COLUMNS ? n : PPRT_BF16_COLUMNS;
  if (!c_is_bf16)
    return pprt_gemm_workspace(m, n, k);
  return rows * columns + pprt_gemm_workspace(rows, columns, k);
}

/* c[m, n] = a b, or c + a b with `accumulate`, as pprt_sgemm; c holds bf16 or
 * floats. */
void pprt_gemm_bf16(int32_t transpose_a, int32_t transpose_b, int64_t m,
                    int64_t n, int64_t k, const uint16_t *a, int64_t lda,
                    const uint16_t *b, int64_t ldb, int32_t accumulate,
                    int32_t c_is_bf16, void *c, int64_t ldc, float *workspace);

/* The same for `batch` matrices, `stride_*` elements apart. */
void pprt_gemm_bf16_batched(int32_t transpose_a, int32_t transpose_b, int64_t m,
                            int64_t n, int64_t k, const uint16_t *a,
                            int64_t lda, const uint16_t *b, int64_t ldb,
                            int32_t accumulate, int32_t c_is_bf16, void *c,
                            int64_t ldc, int64_t batch, int64_t stride_a,
                            int64_t stride_b, int64_t stride_c,
                            float *workspace);

/* Shape of an attention: q, out are [batch * t, heads * d], k, v are
 * [batch * s, kv_heads * d], kv_heads divides heads, lse is [batch, heads, t].
 * With causal, position i sees keys 0 .. i + s - t. */
#define PPRT_ATTENTION_SHAPE_FIELDS(FIELD, ARRAY)                              \
  FIELD(int64_t, batch)                                                        \
  FIELD(int64_t, heads)                                                        \
  FIELD(int64_t, kv_heads)                                                     \
  FIELD(int64_t, t)                                                            \
  FIELD(int64_t, s)                                                            \
  FIELD(int64_t, d)                                                            \
  FIELD(float, scale)                                                          \
  FIELD(int32_t, causal)
PPRT_STRUCT(pprt_attention_shape, PPRT_ATTENTION_SHAPE_FIELDS);

/* Blocks of rows and of keys, and from that the scratch memory in floats that
 * attention with heads of d columns needs: scores of one block, for the adjoint
 * those, their cotangents and a number for each row; then that of products. */
enum { PPRT_ATTENTION_ROWS = 64, PPRT_ATTENTION_KEYS = 256 };
static inline int64_t pprt_attention_scores(int32_t backward) {
  int64_t block = (int64_t)PPRT_ATTENTION_ROWS * PPRT_ATTENTION_KEYS;
  return backward ? 2 * block + PPRT_ATTENTION_ROWS
                  : block + 2 * (int64_t)PPRT_ATTENTION_ROWS;
}
static inline int64_t pprt_attention_workspace(int32_t backward, int64_t d) {
  int64_t longest = d > PPRT_ATTENTION_KEYS ? d : PPRT_ATTENTION_KEYS;
  return pprt_attention_scores(backward) +
         pprt_gemm_workspace(PPRT_ATTENTION_KEYS, longest, longest);
}

/* out = softmax(scale q kᵀ) v, lse = log of the sums of exponentials. A row
 * that sees no key is 0 and its lse -infinity. `documents`, if not null, has
 * batch times s numbers, where t is s: a position sees those of its own number
 * only. */
void pprt_attention_forward_f32(const pprt_attention_shape *shape,
                                const float *q, int64_t ldq, const float *k,
                                int64_t ldk, const float *v, int64_t ldv,
                                float *out, int64_t ldo, float *lse,
                                float *workspace, const int32_t *documents);

/* The adjoint: probabilities are computed again from q, k and lse. */
void pprt_attention_backward_f32(
    const pprt_attention_shape *shape, const float *q, int64_t ldq,
    const float *k, int64_t ldk, const float *v, int64_t ldv, const float *out,
    int64_t ldo, const float *lse, const float *dout, int64_t lddo, float *dq,
    int64_t lddq, float *dk, int64_t lddk, float *dv, int64_t lddv,
    float *workspace, const int32_t *documents);

/* The same for bf16. A head at a time is converted to floats, which is exact,
 * and its results are rounded to nearest even; lse, probabilities and the sums
 * over heads that share keys are floats. Scratch memory in floats: the heads,
 * then that of the kernels above. */
static inline int64_t pprt_attention_bf16_workspace(int32_t backward, int64_t t,
                                                    int64_t s, int64_t d) {
  return (backward ? 4 * t + 6 * s : 2 * t + 2 * s) * d +
         pprt_attention_workspace(backward, d);
}
void pprt_attention_forward_bf16(const pprt_attention_shape *shape,
                                 const uint16_t *q, int64_t ldq,
                                 const uint16_t *k, int64_t ldk,
                                 const uint16_t *v, int64_t ldv, uint16_t *out,
                                 int64_t ldo, float *lse, float *workspace,
                                 const int32_t *documents);
void pprt_attention_backward_bf16(
    const pprt_attention_shape *shape, const uint16_t *q, int64_t ldq,
    const uint16_t *k, int64_t ldk, const uint16_t *v, int64_t ldv,
    const uint16_t *out, int64_t ldo, const float *lse, const uint16_t *dout,
    int64_t lddo, uint16_t *dq, int64_t lddq, uint16_t *dk, int64_t lddk,
    uint16_t *dv, int64_t lddv, float *workspace, const int32_t *documents);

#ifdef __cplusplus
}
#endif

#endif /* PPRT_KERNELS_H */
