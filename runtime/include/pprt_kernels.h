/*===- pprt_kernels.h - Kernels that compiled programs call ---------------===*\
 *
 * What is bound by arithmetic and would take a compiler much work: matrix
 * products (oneDNN) and attention. No LLVM here; linked into every executable
 * and into the tools that compile in memory.
 *
 * All matrices are row-major, of floats or of bf16, the upper half of a float,
as
 * uint16_t; a leading dimension is the distance of two
 * rows in elements. Every function gives the same bits for the same arguments
 * on the same machine. Nothing here fails: the compiler has checked the shapes.
 *
\*===----------------------------------------------------------------------===*/

#ifndef PPRT_KERNELS_H
#define PPRT_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Threads that a matrix product may use, for the calling thread; 1 at start:
 * ranks often share cores. */
void pprt_set_kernel_threads(int32_t threads);

/* Scratch memory in floats that a product of [m, k] and [k, n] may need: room
 * for the blocks of both operands that oneDNN packs. Its blocks have at most
 * 384 rows, 10000 columns and a depth of 384 on any processor (AVX2: 384 x
 * 10000 x 192), rounded up to vectors; beside them lie 20 KB, rounded up to a
 * page. The unit test Gemm.FitsItsWorkspace holds it against the library. */
static inline int64_t pprt_gemm_workspace(int64_t m, int64_t n, int64_t k) {
  int64_t rows = m < 384 ? m : 384;
  int64_t columns = n < 10000 ? n : 10000;
  int64_t depth = k < 384 ? k : 384;
  rows = (rows + 47) / 48 * 48;
  columns = (columns + 47) / 48 * 48;
  depth = (depth + 15) / 16 * 16;
  return (rows + columns) * depth + 8192;
}

/* c[m, n] = a b + beta c, where a is [m, k], or [k, m] if transpose_a, and b is
 * [k, n], or [n, k] if transpose_b. beta is 0 (c is not read) or 1. */
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

/* Products of bf16 go through blocks: those of the operands are converted to
 * floats, which is exact, and a block of c is summed in floats and rounded to
 * nearest even at the end if c holds bf16. Where the processor multiplies bf16
 * itself, oneDNN takes the operands as they are. Either way the order of a sum
 * follows from k alone. Scratch memory in floats: the three blocks, then that
 * of oneDNN. */
enum { PPRT_BF16_ROWS = 256, PPRT_BF16_COLUMNS = 512, PPRT_BF16_DEPTH = 768 };
static inline int64_t pprt_gemm_bf16_workspace(int64_t m, int64_t n,
                                               int64_t k) {
  int64_t rows = m < PPRT_BF16_ROWS ? m : PPRT_BF16_ROWS;
  int64_t columns = n < PPRT_BF16_COLUMNS ? n : PPRT_BF16_COLUMNS;
  int64_t depth = k < PPRT_BF16_DEPTH ? k : PPRT_BF16_DEPTH;
  return rows * columns + rows * depth + depth * columns +
         pprt_gemm_workspace(rows, columns, depth);
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
typedef struct pprt_attention_shape {
  int64_t batch, heads, kv_heads, t, s, d;
  float scale;
  int32_t causal;
} pprt_attention_shape;

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
 * that sees no key is 0 and its lse -infinity. */
void pprt_attention_forward_f32(const pprt_attention_shape *shape,
                                const float *q, int64_t ldq, const float *k,
                                int64_t ldk, const float *v, int64_t ldv,
                                float *out, int64_t ldo, float *lse,
                                float *workspace);

/* The adjoint: probabilities are computed again from q, k and lse. */
void pprt_attention_backward_f32(const pprt_attention_shape *shape,
                                 const float *q, int64_t ldq, const float *k,
                                 int64_t ldk, const float *v, int64_t ldv,
                                 const float *out, int64_t ldo,
                                 const float *lse, const float *dout,
                                 int64_t lddo, float *dq, int64_t lddq,
                                 float *dk, int64_t lddk, float *dv,
                                 int64_t lddv, float *workspace);

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
                                 int64_t ldo, float *lse, float *workspace);
void pprt_attention_backward_bf16(
    const pprt_attention_shape *shape, const uint16_t *q, int64_t ldq,
    const uint16_t *k, int64_t ldk, const uint16_t *v, int64_t ldv,
    const uint16_t *out, int64_t ldo, const float *lse, const uint16_t *dout,
    int64_t lddo, uint16_t *dq, int64_t lddq, uint16_t *dk, int64_t lddk,
    uint16_t *dv, int64_t lddv, float *workspace);

/* For who defines malloc in a process: memory for an allocation that a library
 * asks for in a call of a kernel, from the kernel's workspace. Null outside of
 * such calls, and where it does not fit: then the heap has to serve. */
void *pprt_scratch_allocate(uint64_t alignment, uint64_t bytes);
/* Takes `memory` back if it came from there; otherwise 0, and the heap has to.
 */
int32_t pprt_scratch_free(const void *memory);

#ifdef __cplusplus
}
#endif

#endif /* PPRT_KERNELS_H */
