//===- CublasLt.h - cuBLASLt, and a product as it wants it ----------------===//
#ifndef PPRT_GPU_CUBLASLT_H
#define PPRT_GPU_CUBLASLT_H

#include "CudaTypes.h"
#include "Library.h"
#include "pprt_gpu.h"

#include <array>
#include <string>

#define PPRT_LT_FUNCTIONS(F)                                                   \
  F(size_t, version, "cublasLtGetVersion", void)                               \
  F(int, create, "cublasLtCreate", LtHandle *)                                 \
  F(int, destroy, "cublasLtDestroy", LtHandle)                                 \
  F(const char *, statusName, "cublasLtGetStatusName", int)                    \
  F(int, descCreate, "cublasLtMatmulDescCreate", LtMatmulDesc *, int, int)     \
  F(int, descDestroy, "cublasLtMatmulDescDestroy", LtMatmulDesc)               \
  F(int, descSet, "cublasLtMatmulDescSetAttribute", LtMatmulDesc, int,         \
    const void *, size_t)                                                      \
  F(int, layoutCreate, "cublasLtMatrixLayoutCreate", LtLayout *, int,          \
    uint64_t, uint64_t, int64_t)                                               \
  F(int, layoutDestroy, "cublasLtMatrixLayoutDestroy", LtLayout)               \
  F(int, layoutSet, "cublasLtMatrixLayoutSetAttribute", LtLayout, int,         \
    const void *, size_t)                                                      \
  F(int, preferenceCreate, "cublasLtMatmulPreferenceCreate", LtPreference *)   \
  F(int, preferenceDestroy, "cublasLtMatmulPreferenceDestroy", LtPreference)   \
  F(int, preferenceSet, "cublasLtMatmulPreferenceSetAttribute", LtPreference,  \
    int, const void *, size_t)                                                 \
  F(int, heuristic, "cublasLtMatmulAlgoGetHeuristic", LtHandle, LtMatmulDesc,  \
    LtLayout, LtLayout, LtLayout, LtLayout, LtPreference, int,                 \
    LtHeuristicResult *, int *)                                                \
  F(int, algoCheck, "cublasLtMatmulAlgoCheck", LtHandle, LtMatmulDesc,         \
    LtLayout, LtLayout, LtLayout, LtLayout, const LtAlgo *,                    \
    LtHeuristicResult *)                                                       \
  F(int, matmul, "cublasLtMatmul", LtHandle, LtMatmulDesc, const void *,       \
    const void *, LtLayout, const void *, LtLayout, const void *,              \
    const void *, LtLayout, void *, LtLayout, const LtAlgo *, void *, size_t,  \
    Stream)

namespace pprt::cuda {

struct LtLibrary {
  /// Opens libcublasLt.so; throws Error.
  LtLibrary();

  PPRT_LT_FUNCTIONS(PPRT_FUNCTION_MEMBER)

  /// Throws Error, which names the call, unless `status` is success.
  void check(int status, const char *call) const;
  std::string nameOf(int status) const;
};

/// Of a, b, c, bias and auxiliary matrix, in bytes.
using Alignments = std::array<uint8_t, 5>;

/// A product with its epilogue, described to the library: it is column-major
/// and sees our matrices transposed, so that our b is its A.
struct LtProblem {
  /// Throws Error, as all that follows.
  LtProblem(const LtLibrary &library, const pprt_gpu_gemm &shape,
            const Alignments &alignments);
  LtProblem(const LtProblem &) = delete;
  ~LtProblem();

  void setBias(const void *bias);
  void setAux(const void *aux);
  /// The layout of what is added to the product.
  LtLayout addedLayout() const { return added ? added : c; }

  const LtLibrary &library;
  LtMatmulDesc desc = nullptr;
  LtLayout a = nullptr, b = nullptr, c = nullptr;
  LtLayout added = nullptr; ///< of what is added, where that is not c
  LtPreference preference = nullptr;
  uint64_t workspace = 0; ///< bytes that the library gets
  bool hasBias, hasAux;

private:
  void build(const pprt_gpu_gemm &shape, const Alignments &alignments);
  void destroy();
  LtLayout makeLayout(int type, int64_t rows, int64_t columns, int64_t ld,
                      const pprt_gpu_gemm &shape, int64_t stride);
  template <typename T> void set(int attribute, const T &value) {
    library.check(library.descSet(desc, attribute, &value, sizeof value),
                  "cublasLtMatmulDescSetAttribute");
  }
  template <typename T> void prefer(int attribute, const T &value) {
    library.check(
        library.preferenceSet(preference, attribute, &value, sizeof value),
        "cublasLtMatmulPreferenceSetAttribute");
  }
};

} // namespace pprt::cuda

#endif // PPRT_GPU_CUBLASLT_H
