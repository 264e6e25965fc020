//===- CublasLt.cpp - cuBLASLt, and a product as it wants it --------------===//
//
// Descriptors need no device: CublasLtTest.cpp makes them with the real
// library.
//
//===----------------------------------------------------------------------===//
#include "CublasLt.h"

#include "Error.h"
#include "pprt_gpu_workspace.h"

#include <algorithm>

using namespace pprt;
using namespace pprt::cuda;

LtLibrary::LtLibrary() {
  Library library("cuBLASLt", {"libcublasLt.so.13", "libcublasLt.so.12"},
                  "install CUDA's libraries (Debian and Ubuntu: "
                  "libcublas-13-0 from NVIDIA's repository; pip: "
                  "nvidia-cublas) and have them in LD_LIBRARY_PATH or "
                  "PPRT_CUDA_PATH");
  PPRT_LT_FUNCTIONS(PPRT_FUNCTION_LOAD)
}

void LtLibrary::check(int status, const char *call) const {
  if (status == 0)
    return;
  throw Error("found " + nameOf(status) + " from " + call +
              ", expected it to succeed");
}

std::string LtLibrary::nameOf(int status) const {
  const char *name = statusName(status);
  return name ? name : "status " + std::to_string(status);
}

static int typeOf(int32_t type) {
  return type == PPRT_GPU_F64    ? real64
         : type == PPRT_GPU_BF16 ? realBf16
                                 : real32;
}

static uint32_t epilogueOf(int32_t epilogue) {
  switch (epilogue) {
  case PPRT_GPU_EPILOGUE_BIAS:
    return epilogueBias;
  case PPRT_GPU_EPILOGUE_GELU_AUX:
    return epilogueGeluAux;
  case PPRT_GPU_EPILOGUE_GELU_AUX_BIAS:
    return epilogueGeluAuxBias;
  case PPRT_GPU_EPILOGUE_DGELU:
    return epilogueDgelu;
  case PPRT_GPU_EPILOGUE_BGRAD_B:
    return epilogueBgradA;
  case PPRT_GPU_EPILOGUE_BGRAD_A:
    return epilogueBgradB;
  default:
    return epilogueDefault;
  }
}

static bool epilogueHasAux(int32_t epilogue) {
  return epilogue >= PPRT_GPU_EPILOGUE_GELU_AUX &&
         epilogue <= PPRT_GPU_EPILOGUE_DGELU;
}

static bool epilogueHasBias(int32_t epilogue) {
  return epilogue != PPRT_GPU_EPILOGUE_NONE &&
         epilogue != PPRT_GPU_EPILOGUE_GELU_AUX &&
         epilogue != PPRT_GPU_EPILOGUE_DGELU;
}

/// A dummy pointer of the given alignment, for the heuristics of cuBLASLt,
/// which read the alignment only.
static void *addressOf(uint8_t alignment) {
  return reinterpret_cast<void *>(uint64_t(1) << 20 | alignment);
}

LtProblem::LtProblem(const LtLibrary &library, const pprt_gpu_gemm &shape,
                     const Alignments &alignments)
    : library(library), hasBias(epilogueHasBias(shape.epilogue)),
      hasAux(epilogueHasAux(shape.epilogue)) {
  try {
    build(shape, alignments);
  } catch (...) {
    destroy();
    throw;
  }
}

LtProblem::~LtProblem() { destroy(); }

void LtProblem::destroy() {
  if (desc)
    library.descDestroy(desc);
  for (LtLayout layout : {a, b, c, added})
    if (layout)
      library.layoutDestroy(layout);
  if (preference)
    library.preferenceDestroy(preference);
}

LtLayout LtProblem::makeLayout(int type, int64_t rows, int64_t columns,
                               int64_t ld, const pprt_gpu_gemm &shape,
                               int64_t stride) {
  LtLayout layout;
  // A matrix of one row may come with any distance of rows.
  library.check(library.layoutCreate(&layout, type, uint64_t(rows),
                                     uint64_t(columns), std::max(ld, rows)),
                "cublasLtMatrixLayoutCreate");
  auto set = [&](int attribute, const auto &value) {
    library.check(library.layoutSet(layout, attribute, &value, sizeof value),
                  "cublasLtMatrixLayoutSetAttribute");
  };
  if (shape.batch > 1) {
    set(layoutBatchCount, int32_t(shape.batch));
    set(layoutBatchStride, stride);
  }
  return layout;
}

void LtProblem::setBias(const void *bias) { set(descBiasPointer, bias); }
void LtProblem::setAux(const void *aux) { set(descAuxPointer, aux); }

void LtProblem::build(const pprt_gpu_gemm &shape,
                      const Alignments &alignments) {
  const int64_t m = shape.m, n = shape.n, k = shape.k;
  const bool isDouble = shape.type_c == PPRT_GPU_F64;
  library.check(library.descCreate(&desc, isDouble ? compute64 : compute32,
                                   isDouble ? real64 : real32),
                "cublasLtMatmulDescCreate");
  set(descTransA, int32_t(shape.transpose_b ? opT : opN));
  set(descTransB, int32_t(shape.transpose_a ? opT : opN));
  set(descEpilogue, epilogueOf(shape.epilogue));
  if (hasBias) {
    set(descBiasType, int32_t(typeOf(shape.type_bias)));
    setBias(addressOf(alignments[3]));
  }
  if (hasAux) {
    set(descAuxLd, shape.ldaux);
    set(descAuxType, int32_t(typeOf(shape.type_c)));
    setAux(addressOf(alignments[4]));
  }
  a = makeLayout(typeOf(shape.type_b), shape.transpose_b ? k : n,
                 shape.transpose_b ? n : k, shape.ldb, shape, shape.stride_b);
  b = makeLayout(typeOf(shape.type_a), shape.transpose_a ? m : k,
                 shape.transpose_a ? k : m, shape.lda, shape, shape.stride_a);
  c = makeLayout(typeOf(shape.type_c), n, m, shape.ldc, shape, shape.stride_c);
  const bool addsAux = shape.add == PPRT_GPU_ADD_AUX;
  if (addsAux)
    added = makeLayout(typeOf(shape.type_c), n, m, shape.ldaux, shape, 0);

  library.check(library.preferenceCreate(&preference),
                "cublasLtMatmulPreferenceCreate");
  // What is left of the workspace wherever it lies.
  workspace = uint64_t(
      std::max<int64_t>(shape.workspace_bytes - PPRT_GPU_SCRATCH_ALIGNMENT, 0));
  prefer(preferenceWorkspace, workspace);
  prefer(preferenceReduction, uint32_t(reductionCompute));
  prefer(preferenceAlignmentA, uint32_t(alignments[1]));
  prefer(preferenceAlignmentB, uint32_t(alignments[0]));
  prefer(preferenceAlignmentC, uint32_t(alignments[addsAux ? 4 : 2]));
  prefer(preferenceAlignmentD, uint32_t(alignments[2]));
}
