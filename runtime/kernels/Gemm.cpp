//===- Gemm.cpp - Matrix products by oneDNN -------------------------------===//
//
// dnnl_sgemm generates code for the CPU it runs on and packs its operands in
// blocks. It takes its threads from OpenMP, whose default is every core of the
// machine; ranks share cores, so each thread that calls a kernel starts with
// one, set through the OpenMP library that oneDNN itself brought.
//
// For packing it allocates memory in every call and has no interface to be
// given some. Compiled programs define malloc, and so the request is served
// from the workspace that the compiler planned for the product. The first call
// of each form takes the heap: it also makes what oneDNN keeps, such as
// generated code. So do products of several threads, whose helpers ask for
// memory as well.
//
// Products of bf16 are oneDNN's only where the processor has instructions for
// them (see GemmBFloat16.cpp for others).
//
//===----------------------------------------------------------------------===//

#include "Gemm.h"
#include "pprt_kernels.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <initializer_list>
#include <oneapi/dnnl/dnnl.h>

static void setOpenMPThreads(int32_t threads) {
  using Setter = void (*)(int);
  static Setter setter =
      reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (setter)
    setter(threads);
}

static thread_local int32_t numThreads = 0;

namespace {
/// A workspace during a call of the library: what is left, and how many pieces
/// are in use.
struct Scratch {
  char *next = nullptr, *begin = nullptr, *end = nullptr;
  int64_t pieces = 0;
};

/// All that decides about the library's way through a product.
struct Form {
  int64_t m, n, k, lda, ldb, ldc;
  float alpha, beta;
  bool transposeA, transposeB, isBF16;

  bool operator==(const Form &other) const {
    return m == other.m && n == other.n && k == other.k && lda == other.lda &&
           ldb == other.ldb && ldc == other.ldc && alpha == other.alpha &&
           beta == other.beta && transposeA == other.transposeA &&
           transposeB == other.transposeB && isBF16 == other.isBF16;
  }
  uint64_t hash() const {
    uint64_t result =
        transposeA + 2 * transposeB + 4 * (beta != 0) + 8 * isBF16;
    for (int64_t value : {m, n, k, lda, ldb, ldc})
      result = (result ^ uint64_t(value)) * 0x9e3779b97f4a7c15u;
    return result ^ result >> 32;
  }
};

/// The forms that a thread has met, as many as there is room for.
class Forms {
public:
  /// True if the form has been met before.
  bool meet(const Form &form) {
    for (uint64_t slot = form.hash() % capacity, tries = 0; tries < capacity;
         ++tries, slot = (slot + 1) % capacity) {
      if (forms[slot].m == 0) {
        if (size + 1 < capacity) {
          forms[slot] = form;
          ++size;
        }
        return false;
      }
      if (forms[slot] == form)
        return true;
    }
    return false;
  }

private:
  static constexpr uint64_t capacity = 1024;
  Form forms[capacity] = {};
  uint64_t size = 0;
};
} // namespace
static thread_local Scratch scratch;
static thread_local Forms forms;

extern "C" void *pprt_scratch_allocate(uint64_t alignment, uint64_t bytes) {
  if (!scratch.next)
    return nullptr;
  uintptr_t address = reinterpret_cast<uintptr_t>(scratch.next);
  uint64_t skipped = (alignment - address % alignment) % alignment;
  if (uint64_t(scratch.end - scratch.next) < skipped + bytes)
    return nullptr;
  char *result = scratch.next + skipped;
  scratch.next = result + bytes;
  ++scratch.pieces;
  return result;
}

extern "C" int32_t pprt_scratch_free(const void *memory) {
  if (memory < scratch.begin || memory >= scratch.end)
    return 0;
  --scratch.pieces;
  return 1;
}

extern "C" void pprt_set_kernel_threads(int32_t threads) {
  numThreads = threads < 1 ? 1 : threads;
  setOpenMPThreads(numThreads);
}

/// Calls `product` with `size` floats at `workspace` for what it allocates,
/// where it has met its form before.
template <typename F>
static void withScratch(const Form &form, float *workspace, int64_t size,
                        F product) {
  if (numThreads == 1 && forms.meet(form)) {
    char *begin = reinterpret_cast<char *>(workspace);
    scratch = {begin, begin, begin + size * int64_t(sizeof(float))};
  }
  product();
  // Memory that outlives the call would be overwritten.
  if (scratch.pieces != 0) {
    std::fputs("error: oneDNN keeps memory that it asked for in a repeated "
               "product, expected it to free that; report this with the "
               "version of libdnnl\n",
               stderr);
    std::abort();
  }
  scratch = {};
}

/// Leading dimensions as oneDNN wants them: a matrix of one row or column may
/// come with any, but it insists on one at least as long as a row.
static void fixLeading(Form &form) {
  int64_t columnsA = form.transposeA ? form.m : form.k;
  int64_t columnsB = form.transposeB ? form.k : form.n;
  form.lda = form.lda < columnsA ? columnsA : form.lda;
  form.ldb = form.ldb < columnsB ? columnsB : form.ldb;
  form.ldc = form.ldc < form.n ? form.n : form.ldc;
  if (numThreads == 0)
    pprt_set_kernel_threads(1);
}

void pprt::gemm(bool transposeA, bool transposeB, int64_t m, int64_t n,
                int64_t k, float alpha, const float *a, int64_t lda,
                const float *b, int64_t ldb, float beta, float *c, int64_t ldc,
                float *workspace) {
  Form f{m, n, k, lda, ldb, ldc, alpha, beta, transposeA, transposeB, false};
  fixLeading(f);
  withScratch(f, workspace, pprt_gemm_workspace(m, n, k), [&] {
    dnnl_sgemm(transposeA ? 'T' : 'N', transposeB ? 'T' : 'N', m, n, k, alpha,
               a, f.lda, b, f.ldb, beta, c, f.ldc);
  });
}

// Exported by libdnnl, but in none of its headers.
extern "C" dnnl_status_t dnnl_gemm_bf16bf16f32(
    char transa, char transb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k,
    float alpha, const uint16_t *a, dnnl_dim_t lda, const uint16_t *b,
    dnnl_dim_t ldb, float beta, float *c, dnnl_dim_t ldc) __attribute__((weak));

bool pprt::multipliesBF16() {
  static const bool result =
      dnnl_gemm_bf16bf16f32 &&
      (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) ==
          dnnl_cpu_isa_avx512_core_bf16;
  return result;
}

void pprt::gemmBF16(bool transposeA, bool transposeB, int64_t m, int64_t n,
                    int64_t k, const uint16_t *a, int64_t lda,
                    const uint16_t *b, int64_t ldb, bool accumulate, float *c,
                    int64_t ldc, float *workspace, int64_t size) {
  Form f{m,          n,          k,   lda, ldb, ldc, 1.0f, float(accumulate),
         transposeA, transposeB, true};
  fixLeading(f);
  dnnl_status_t status = dnnl_unimplemented;
  withScratch(f, workspace, size, [&] {
    status =
        dnnl_gemm_bf16bf16f32(transposeA ? 'T' : 'N', transposeB ? 'T' : 'N', m,
                              n, k, 1.0f, a, f.lda, b, f.ldb, f.beta, c, f.ldc);
  });
  if (status != dnnl_success) {
    std::fputs("error: oneDNN refuses a product of bf16 on a processor that "
               "multiplies them, expected its result; set "
               "ONEDNN_MAX_CPU_ISA=AVX2 to do without\n",
               stderr);
    std::abort();
  }
}

extern "C" void pprt_sgemm(int32_t transpose_a, int32_t transpose_b, int64_t m,
                           int64_t n, int64_t k, const float *a, int64_t lda,
                           const float *b, int64_t ldb, float beta, float *c,
                           int64_t ldc, float *workspace) {
  pprt::gemm(transpose_a, transpose_b, m, n, k, 1.0f, a, lda, b, ldb, beta, c,
             ldc, workspace);
}

extern "C" void pprt_sgemm_batched(int32_t transpose_a, int32_t transpose_b,
                                   int64_t m, int64_t n, int64_t k,
                                   const float *a, int64_t lda, const float *b,
                                   int64_t ldb, float beta, float *c,
                                   int64_t ldc, int64_t batch, int64_t stride_a,
                                   int64_t stride_b, int64_t stride_c,
                                   float *workspace) {
  for (int64_t i = 0; i < batch; ++i)
    pprt::gemm(transpose_a, transpose_b, m, n, k, 1.0f, a + i * stride_a, lda,
               b + i * stride_b, ldb, beta, c + i * stride_c, ldc, workspace);
}
