//===- Gemm.cpp - Matrix products by oneDNN -------------------------------===//
//
// dnnl_sgemm generates code for the CPU it runs on and packs its operands in
// blocks. It takes its threads from OpenMP, whose default is every core of the
// machine; ranks share cores, so each thread that calls a kernel starts with
// one, set through the OpenMP library that oneDNN itself brought.
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"
#include "pprt_kernels.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

static void setOpenMPThreads(int32_t threads) {
  using Setter = void (*)(int);
  static Setter setter =
      reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (setter)
    setter(threads);
}

static thread_local bool threadsAreSet = false;

extern "C" void pprt_set_kernel_threads(int32_t threads) {
  threadsAreSet = true;
  setOpenMPThreads(threads < 1 ? 1 : threads);
}

void pprt::gemm(bool transposeA, bool transposeB, int64_t m, int64_t n,
                int64_t k, float alpha, const float *a, int64_t lda,
                const float *b, int64_t ldb, float beta, float *c,
                int64_t ldc) {
  if (!threadsAreSet)
    pprt_set_kernel_threads(1);
  // A matrix of one row or column may come with any leading dimension; oneDNN
  // insists on one at least as long as a row.
  int64_t columnsA = transposeA ? m : k, columnsB = transposeB ? k : n;
  dnnl_sgemm(transposeA ? 'T' : 'N', transposeB ? 'T' : 'N', m, n, k, alpha, a,
             lda < columnsA ? columnsA : lda, b,
             ldb < columnsB ? columnsB : ldb, beta, c, ldc < n ? n : ldc);
}

extern "C" void pprt_sgemm(int32_t transpose_a, int32_t transpose_b, int64_t m,
                           int64_t n, int64_t k, const float *a, int64_t lda,
                           const float *b, int64_t ldb, float beta, float *c,
                           int64_t ldc) {
  pprt::gemm(transpose_a, transpose_b, m, n, k, 1.0f, a, lda, b, ldb, beta, c,
             ldc);
}

extern "C" void pprt_sgemm_batched(int32_t transpose_a, int32_t transpose_b,
                                   int64_t m, int64_t n, int64_t k,
                                   const float *a, int64_t lda, const float *b,
                                   int64_t ldb, float beta, float *c,
                                   int64_t ldc, int64_t batch, int64_t stride_a,
                                   int64_t stride_b, int64_t stride_c) {
  for (int64_t i = 0; i < batch; ++i)
    pprt::gemm(transpose_a, transpose_b, m, n, k, 1.0f, a + i * stride_a, lda,
               b + i * stride_b, ldb, beta, c + i * stride_c, ldc);
}
