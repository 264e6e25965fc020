//===- CublasLtTest.cpp - Descriptions of products by the real cuBLASLt ---===//
//
// Without a driver cuBLASLt has no handle, and so no plans. But it makes and
// checks descriptions: each epilogue, form and type that the runtime asks for
// is described to it, and all that was set is read back, with the sizes that
// the library says.
//
//===----------------------------------------------------------------------===//
#include "CublasLt.h"
#include "Error.h"
#include "pprt_gpu_workspace.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>

using namespace pprt;
using namespace pprt::cuda;

#define GETTERS(F)                                                             \
  F(int, desc, "cublasLtMatmulDescGetAttribute", LtMatmulDesc, int, void *,    \
    size_t, size_t *)                                                          \
  F(int, layout, "cublasLtMatrixLayoutGetAttribute", LtLayout, int, void *,    \
    size_t, size_t *)                                                          \
  F(int, preference, "cublasLtMatmulPreferenceGetAttribute", LtPreference,     \
    int, void *, size_t, size_t *)

namespace {
struct Getters {
  explicit Getters(const Library &library){
      GETTERS(PPRT_FUNCTION_LOAD)} GETTERS(PPRT_FUNCTION_MEMBER)
};

class Comparison {
public:
  Comparison(const LtLibrary &lt, const Getters &get) : lt(lt), get(get) {}

  void problem(const pprt_gpu_gemm &shape);

  int descriptions = 0, wrong = 0;

private:
  /// The attribute of `object` is `expected`, and as large.
  template <typename T, typename Object, typename Get>
  void expect(const char *what, Get getter, Object object, int attribute,
              T expected) {
    T found{};
    size_t written = 0;
    int status = getter(object, attribute, nullptr, 0, &written);
    size_t bytes = written;
    if (status == 0)
      status = getter(object, attribute, &found, sizeof found, &written);
    if (status == 0 && bytes == sizeof found &&
        std::memcmp(&found, &expected, sizeof found) == 0)
      return;
    std::printf("WRONG: %s of epilogue %d: %s, %zu bytes where we have %zu\n",
                what, epilogue, lt.nameOf(status).c_str(), bytes, sizeof found);
    ++wrong;
  }

  const LtLibrary &lt;
  const Getters &get;
  int epilogue = 0;
};
} // namespace

static uint32_t expectedEpilogue(int32_t epilogue) {
  // Of cublasLt.h; bits are those of RELU_AUX, BIAS, GELU and gradients.
  switch (epilogue) {
  case PPRT_GPU_EPILOGUE_BIAS:
    return 4;
  case PPRT_GPU_EPILOGUE_GELU_AUX:
    return 32 | 128;
  case PPRT_GPU_EPILOGUE_GELU_AUX_BIAS:
    return 32 | 128 | 4;
  case PPRT_GPU_EPILOGUE_DGELU:
    return 64 | 128;
  case PPRT_GPU_EPILOGUE_BGRAD_B:
    return 256;
  case PPRT_GPU_EPILOGUE_BGRAD_A:
    return 512;
  default:
    return 1;
  }
}

void Comparison::problem(const pprt_gpu_gemm &shape) {
  ++descriptions;
  epilogue = shape.epilogue;
  LtProblem p(lt, shape, {16, 32, 64, 8, 4});
  p.setBias(&p);
  p.setAux(&epilogue);
  expect("transpose of A", get.desc, p.desc, descTransA,
         int32_t(shape.transpose_b));
  expect("transpose of B", get.desc, p.desc, descTransB,
         int32_t(shape.transpose_a));
  expect("epilogue", get.desc, p.desc, descEpilogue,
         expectedEpilogue(shape.epilogue));
  expect("address of the bias", get.desc, p.desc, descBiasPointer,
         static_cast<const void *>(&p));
  expect("auxiliary address", get.desc, p.desc, descAuxPointer,
         static_cast<const void *>(&epilogue));
  if (p.hasBias)
    expect("type of the bias", get.desc, p.desc, descBiasType,
           int32_t(shape.type_bias == PPRT_GPU_BF16 ? realBf16 : real32));
  if (p.hasAux) {
    expect("auxiliary leading dimension", get.desc, p.desc, descAuxLd,
           shape.ldaux);
    expect("auxiliary type", get.desc, p.desc, descAuxType,
           int32_t(shape.type_c == PPRT_GPU_BF16 ? realBf16 : real32));
  }
  expect("auxiliary stride", get.desc, p.desc, descAuxStride, int64_t(0));
  expect("batches", get.layout, p.c, layoutBatchCount, int32_t(shape.batch));
  expect("stride of batches", get.layout, p.c, layoutBatchStride,
         shape.batch > 1 ? shape.stride_c : int64_t(0));
  expect("workspace", get.preference, p.preference, preferenceWorkspace,
         uint64_t(PPRT_GPU_GEMM_SCRATCH));
  expect("reductions", get.preference, p.preference, preferenceReduction,
         uint32_t(reductionCompute));
  const uint32_t alignments[] = {32, 16,
                                 shape.add == PPRT_GPU_ADD_AUX ? 4u : 64u, 64};
  const PreferenceAttribute names[] = {
      preferenceAlignmentA, preferenceAlignmentB, preferenceAlignmentC,
      preferenceAlignmentD};
  for (int i = 0; i < 4; ++i)
    expect("alignment", get.preference, p.preference, names[i], alignments[i]);
}

int main() {
  try {
    LtLibrary lt;
    Library library("cuBLASLt", {"libcublasLt.so.13", "libcublasLt.so.12"}, "");
    Getters get(library);
    std::printf("cuBLASLt %zu\n", lt.version());
    Comparison comparison(lt, get);
    for (int type : {PPRT_GPU_F32, PPRT_GPU_BF16, PPRT_GPU_F64})
      for (int epilogue = PPRT_GPU_EPILOGUE_NONE;
           epilogue <= PPRT_GPU_EPILOGUE_BGRAD_A; ++epilogue)
        for (int form = 0; form < 8; ++form) {
          if (type == PPRT_GPU_F64 && epilogue != PPRT_GPU_EPILOGUE_NONE)
            continue;
          pprt_gpu_gemm shape = {};
          shape.m = 24, shape.n = 40, shape.k = 56;
          shape.transpose_a = form & 1;
          shape.transpose_b = form >> 1 & 1;
          shape.lda = shape.transpose_a ? 24 : 56;
          shape.ldb = shape.transpose_b ? 56 : 40;
          shape.ldc = 40, shape.ldaux = 48;
          shape.batch = form & 4 ? 3 : 1;
          shape.stride_a = 24 * 56, shape.stride_b = 40 * 56;
          shape.stride_c = 24 * 40;
          shape.workspace_bytes = PPRT_GPU_GEMM_WORKSPACE;
          shape.type_a = shape.type_b = shape.type_c = type;
          shape.type_bias = type;
          shape.epilogue = epilogue;
          comparison.problem(shape);
        }
    pprt_gpu_gemm residual = {};
    residual.m = residual.n = residual.k = 8;
    residual.lda = residual.ldb = residual.ldc = residual.ldaux = 8;
    residual.batch = 1;
    residual.add = PPRT_GPU_ADD_AUX;
    residual.epilogue = PPRT_GPU_EPILOGUE_BIAS;
    residual.workspace_bytes = PPRT_GPU_GEMM_WORKSPACE;
    comparison.problem(residual);
    std::printf("%d descriptions, %d values wrong\n", comparison.descriptions,
                comparison.wrong);
    return comparison.wrong != 0;
  } catch (const Error &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
