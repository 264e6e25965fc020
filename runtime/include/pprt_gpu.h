/*===- pprt_gpu.h - Device code that compiled programs bring and call -----===*\
 *
 * A program for GPUs is the same host program as one for CPUs: a step calls
 * stage functions, a stage calls layer functions with addresses in the arena.
 * Only the arena lies on the device, and a layer function does not compute: it
 * enqueues kernels and library calls on the compute stream, in program order.
 *
 * Nothing here returns a status. The first failure is kept in the context with
 * the stage, micro-batch and action that ran, what follows is not enqueued any
 * more, and the next fallible call of pprt.h reports it: so a layer is straight
 * code.
 *
 * All pointers are device addresses unless said otherwise. Matrices are
 * row-major, a leading dimension is the distance of two rows in elements.
 *
\*===----------------------------------------------------------------------===*/

#ifndef PPRT_GPU_H
#define PPRT_GPU_H

#include "pprt.h"

#include "pprt_layout.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*/
/* Code                                                                       */
/*===----------------------------------------------------------------------===*/

/* A form of the same kernels: PTX (a C string, compiled by the driver at start
 * for any newer chip) or a cubin for one chip. */
#define PPRT_GPU_IMAGE_FIELDS(FIELD, ARRAY)                                    \
  /* "sm_90a"; for PTX the least chip it needs */                              \
  FIELD(const char *, chip)                                                    \
  FIELD(int32_t, is_ptx)                                                       \
  FIELD(const void *, data) /* host */                                         \
  FIELD(uint64_t, size)     /* bytes, with PTX's final zero */
PPRT_STRUCT(pprt_gpu_image, PPRT_GPU_IMAGE_FIELDS);

/* What a kernel on the host gets in place of the hardware's registers, see
 * pprt_gpu_kernel::host. */
typedef struct pprt_gpu_thread {
  int32_t thread[3], block[3], block_size[3], grid_size[3];
} pprt_gpu_thread;

typedef void (*pprt_gpu_host_kernel)(void **arguments);

#define PPRT_GPU_KERNEL_FIELDS(FIELD, ARRAY)                                   \
  FIELD(const char *, name) /* of the function in the images */                \
  /* Each an address or an i64, i32 or float. */                               \
  FIELD(int32_t, num_arguments)                                                \
  FIELD(int32_t, shared_bytes) /* static shared memory, for reports */         \
  FIELD(int32_t, max_threads)  /* a block */                                   \
  /* The kernel compiled for the host, for tests without a device (emulated    \
   * device, see docs/Gpu.md); null otherwise. Called once for each thread of  \
   * a block on a fiber of its own, with the launch's arguments. */            \
  FIELD(pprt_gpu_host_kernel, host)                                            \
  /* What a launch reads and writes, each buffer once whole; for reports, 0    \
   * where it depends on arguments. */                                         \
  FIELD(int64_t, bytes)
PPRT_STRUCT(pprt_gpu_kernel, PPRT_GPU_KERNEL_FIELDS);

/* What a program calls beside its kernels; bits of pprt_gpu_code::libraries. */
enum {
  PPRT_GPU_CALLS_PRODUCTS = 1,      /* pprt_gpu_matmul */
  PPRT_GPU_CALLS_BF16_ATTENTION = 2 /* pprt_gpu_attention_* of bf16 */
};

#define PPRT_GPU_CODE_FIELDS(FIELD, ARRAY)                                     \
  FIELD(int32_t, num_images)                                                   \
  FIELD(int32_t, num_kernels)                                                  \
  FIELD(const pprt_gpu_image *, images)                                        \
  FIELD(const pprt_gpu_kernel *, kernels)                                      \
  FIELD(int32_t, libraries)
PPRT_STRUCT(pprt_gpu_code, PPRT_GPU_CODE_FIELDS);

/* Defined by programs for GPUs; weak in the runtime, null in others. */
extern const pprt_gpu_code pprt_gpu_program_code
#ifdef PPRT_GPU_RUNTIME
    __attribute__((weak))
#endif
    ;

/* Enqueues kernel `kernel` (an index into the program's kernels). `arguments`
 * (host) points to one pointer for each argument's value (host). */
void pprt_gpu_launch(pprt_context *ctx, int32_t kernel, int32_t grid_x,
                     int32_t grid_y, int32_t grid_z, int32_t block_x,
                     int32_t block_y, int32_t block_z, void **arguments);

/* What kernels compiled for the host call (emulated device): the registers of
 * the thread that runs, a barrier of its block, an exchange of 32-bit values in
 * its warp (mode 0: xor, 1: up, 2: down, 3: index; as NVVM's shfl.sync over all
 * 32 lanes), and the block's shared memory. */
const pprt_gpu_thread *pprt_gpu_host_thread(void);
void pprt_gpu_host_barrier(void);
int32_t pprt_gpu_host_shuffle(int32_t mode, int32_t value, int32_t operand,
                              int32_t width);
/* Ends the kernel with an error unless `address` is a multiple of `bytes`. */
void pprt_gpu_host_aligned(const void *address, int32_t bytes);
/* `key` tells buffers of one kernel apart: each has its memory once a block. */
void *pprt_gpu_host_shared(int32_t key, uint64_t bytes);

/*===----------------------------------------------------------------------===*/
/* Memory                                                                     */
/*===----------------------------------------------------------------------===*/

/* Copies on the compute stream. */
void pprt_gpu_copy(pprt_context *ctx, void *to, const void *from,
                   uint64_t bytes);

/* The device's copy of a constant of the program at `host`, made at the first
 * call. */
void *pprt_gpu_constant(pprt_context *ctx, const void *host, uint64_t bytes);

/*===----------------------------------------------------------------------===*/
/* Matrix products (cuBLASLt)                                                 */
/*===----------------------------------------------------------------------===*/

typedef enum pprt_gpu_type {
  PPRT_GPU_F32 = 0,
  PPRT_GPU_BF16 = 1,
  PPRT_GPU_F64 = 2
} pprt_gpu_type;

/* What is done to a product before it is stored. `bias` has n elements (m for
 * BGRAD_A) of c's type, `aux` the shape of c and its type. Gradients of biases
 * are written, not added to. Where the library has no plan with an epilogue,
 * the plain product and kernels of the program (pprt_kernel_epilogue and
 * pprt_kernel_sums) take its place. */
typedef enum pprt_gpu_epilogue {
  PPRT_GPU_EPILOGUE_NONE = 0,
  PPRT_GPU_EPILOGUE_BIAS = 1,     /* c = ab + bias                        */
  PPRT_GPU_EPILOGUE_GELU_AUX = 2, /* aux = ab; c = gelu(aux), by tanh     */
  PPRT_GPU_EPILOGUE_GELU_AUX_BIAS = 3, /* aux = ab + bias; c = gelu(aux) */
  PPRT_GPU_EPILOGUE_DGELU = 4,   /* c = ab * gelu'(aux)                  */
  PPRT_GPU_EPILOGUE_BGRAD_B = 5, /* c = ab; bias = column sums of op(b)  */
  PPRT_GPU_EPILOGUE_BGRAD_A = 6  /* c = ab; bias = row sums of op(a)     */
} pprt_gpu_epilogue;

/* What is added to a product before its epilogue. */
typedef enum pprt_gpu_add {
  PPRT_GPU_ADD_NOTHING = 0,
  PPRT_GPU_ADD_C = 1,  /* what c has: c += op(a) op(b)                       */
  PPRT_GPU_ADD_AUX = 2 /* a matrix like c at `aux`, where no epilogue has one */
} pprt_gpu_add;

/* c[m, n] = op(a) op(b) + what `add` says, `batch` times. Sums are f32
 * (f64 where all are f64), f32 inputs are not rounded to TF32. A shape is a
 * constant of the program: the plan of a product is made at its first call and
 * kept for the address of its shape. */
#define PPRT_GPU_GEMM_FIELDS(FIELD, ARRAY)                                     \
  FIELD(int64_t, m)                                                            \
  FIELD(int64_t, n)                                                            \
  FIELD(int64_t, k)                                                            \
  FIELD(int64_t, lda)                                                          \
  FIELD(int64_t, ldb)                                                          \
  FIELD(int64_t, ldc)                                                          \
  FIELD(int64_t, ldaux)                                                        \
  FIELD(int64_t, batch)    /* at least 1 */                                    \
  FIELD(int64_t, stride_a) /* elements */                                      \
  FIELD(int64_t, stride_b)                                                     \
  FIELD(int64_t, stride_c)                                                     \
  FIELD(int64_t, workspace_bytes)                                              \
  FIELD(int32_t, transpose_a)                                                  \
  FIELD(int32_t, transpose_b)                                                  \
  FIELD(int32_t, add)    /* pprt_gpu_add */                                    \
  FIELD(int32_t, type_a) /* pprt_gpu_type */                                   \
  FIELD(int32_t, type_b)                                                       \
  FIELD(int32_t, type_c)                                                       \
  FIELD(int32_t, type_bias)                                                    \
  FIELD(int32_t, epilogue) /* pprt_gpu_epilogue */
PPRT_STRUCT(pprt_gpu_gemm, PPRT_GPU_GEMM_FIELDS);

void pprt_gpu_matmul(pprt_context *ctx, const pprt_gpu_gemm *shape,
                     const void *a, const void *b, void *c, void *bias,
                     void *aux, void *workspace);

/*===----------------------------------------------------------------------===*/
/* Attention (cuDNN's graph API)                                              */
/*===----------------------------------------------------------------------===*/

/* As pprt_attention_shape of pprt_kernels.h; matrices have elements of `type`,
 * lse has f32. */
#define PPRT_GPU_ATTENTION_FIELDS(FIELD, ARRAY)                                \
  FIELD(int64_t, batch)                                                        \
  FIELD(int64_t, heads)                                                        \
  FIELD(int64_t, kv_heads)                                                     \
  FIELD(int64_t, t)                                                            \
  FIELD(int64_t, s)                                                            \
  FIELD(int64_t, d)                                                            \
  FIELD(int64_t, ldq)                                                          \
  FIELD(int64_t, ldk)                                                          \
  FIELD(int64_t, ldv)                                                          \
  FIELD(int64_t, ldo)                                                          \
  FIELD(int64_t, lddo)                                                         \
  FIELD(int64_t, lddq)                                                         \
  FIELD(int64_t, lddk)                                                         \
  FIELD(int64_t, lddv)                                                         \
  FIELD(int64_t, workspace_bytes)                                              \
  FIELD(float, scale)                                                          \
  FIELD(int32_t, causal)                                                       \
  FIELD(int32_t, type) /* pprt_gpu_type: F32 or BF16 */                        \
  /* Whether the adjoint may sum dq in any order, so that its last bits differ \
   * from run to run. */                                                       \
  FIELD(int32_t, any_order)                                                    \
  /* Index of the generated kernel that computes it where cuDNN is missing or  \
   * has no plan; its arguments are the buffers in the order of the call, the  \
   * workspace last. */                                                        \
  FIELD(int32_t, fallback_kernel)                                              \
  ARRAY(int32_t, fallback_grid, 3)                                             \
  FIELD(int32_t, fallback_block)                                               \
  /* The adjoint's fallback has a second kernel, for dk and dv. */             \
  FIELD(int32_t, fallback_kernel2)                                             \
  ARRAY(int32_t, fallback_grid2, 3)                                            \
  FIELD(int32_t, fallback_block2)
PPRT_STRUCT(pprt_gpu_attention, PPRT_GPU_ATTENTION_FIELDS);

void pprt_gpu_attention_forward(pprt_context *ctx,
                                const pprt_gpu_attention *shape, const void *q,
                                const void *k, const void *v, void *out,
                                float *lse, void *workspace);
void pprt_gpu_attention_backward(pprt_context *ctx,
                                 const pprt_gpu_attention *shape, const void *q,
                                 const void *k, const void *v, const void *out,
                                 const float *lse, const void *dout, void *dq,
                                 void *dk, void *dv, void *workspace);

/* The same where positions see those of their own document only: `documents`
 * has `batch` rows of s i32, and t is s. cuDNN has no such attention: it runs
 * by the generated kernels, whose last argument the documents are. */
void pprt_gpu_attention_forward_documents(pprt_context *ctx,
                                          const pprt_gpu_attention *shape,
                                          const void *q, const void *k,
                                          const void *v, void *out, float *lse,
                                          void *workspace,
                                          const int32_t *documents);
void pprt_gpu_attention_backward_documents(
    pprt_context *ctx, const pprt_gpu_attention *shape, const void *q,
    const void *k, const void *v, const void *out, const float *lse,
    const void *dout, void *dq, void *dk, void *dv, void *workspace,
    const int32_t *documents);

/*===----------------------------------------------------------------------===*/
/* Ids                                                                        */
/*===----------------------------------------------------------------------===*/

/* As pprt_check_ids of pprt.h, of ids on the device, `reader` on the host. */
void pprt_gpu_check_ids(pprt_context *ctx, const char *reader, const void *ids,
                        int64_t count, int64_t stride, int32_t bits,
                        int64_t size, int64_t ignored);

/*===----------------------------------------------------------------------===*/
/* Keys                                                                       */
/*===----------------------------------------------------------------------===*/

/* In a program for GPUs pprt_key() of pprt.h returns the device address of the
 * key (an i64) instead of the key: what a graph has captured must not hold a
 * number that changes with every step. Kernels that draw load it. What the key
 * is mixed with (nn.mix_key's salt, plus 1; 0 for nothing) stands in the upper
 * 16 bits of what a layer function gets, and kernels mix it in. */

#ifdef __cplusplus
}
#endif

#endif /* PPRT_GPU_H */
