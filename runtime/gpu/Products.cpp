//===- Products.cpp - Matrix products by cuBLASLt -------------------------===//
//
// cuBLASLt is column-major: it sees our matrices transposed, and c = op(a)
// op(b) as cᵀ = op(b)ᵀ op(a)ᵀ, so that b is its A, a its B, and n its number of
// rows. A bias along n is then one along rows, as its epilogues have it.
//
// The bits of a product must not depend on where its matrices lie in the arena:
// the same shape has to get the same algorithm. Plans are made for the
// alignment of the operands, of which the arena guarantees 64 bytes and more is
// not used; the library takes those of bias and auxiliary matrix from their
// addresses, and is shown such of just that alignment. Split sums are reduced
// in a separate step of fixed order, or not split.
//
//===----------------------------------------------------------------------===//
#include "Products.h"

#include "Error.h"
#include "Library.h"

#include <algorithm>
#include <array>
#include <map>

using namespace pprt;
using namespace pprt::cuda;

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
  F(int, matmul, "cublasLtMatmul", LtHandle, LtMatmulDesc, const void *,       \
    const void *, LtLayout, const void *, LtLayout, const void *,              \
    const void *, LtLayout, void *, LtLayout, const LtAlgo *, void *, size_t,  \
    Stream)

namespace {
struct LtLibrary {
  LtLibrary() {
    Library library("cuBLASLt", {"libcublasLt.so.13", "libcublasLt.so.12"},
                    "install CUDA's libraries (Debian and Ubuntu: "
                    "libcublas-13-0 from NVIDIA's repository; pip: "
                    "nvidia-cublas) and have them in LD_LIBRARY_PATH or "
                    "PPRT_CUDA_PATH");
    PPRT_LT_FUNCTIONS(PPRT_FUNCTION_LOAD)
  }
  PPRT_LT_FUNCTIONS(PPRT_FUNCTION_MEMBER)

  void check(int status, const char *call) const {
    if (status == 0)
      return;
    throw Error("found " + nameOf(status) + " from " + call +
                ", expected it to succeed");
  }
  std::string nameOf(int status) const {
    const char *name = statusName(status);
    return name ? name : "status " + std::to_string(status);
  }
};

enum : int { notSupported = 15 };

struct Plan {
  LtMatmulDesc desc = nullptr;
  LtLayout a = nullptr, b = nullptr, c = nullptr;
  LtLayout added = nullptr; ///< of what is added, where that is not c
  LtAlgo algo = {};
  uint64_t workspace = 0;
  bool hasEpilogue = true;
};

/// Of a, b, c, bias and auxiliary matrix, in bytes.
using Alignments = std::array<uint8_t, 5>;
} // namespace

struct Products::State {
  LtLibrary lt;
  LtHandle handle = nullptr;
  /// By shape and alignments.
  std::map<std::pair<const pprt_gpu_gemm *, Alignments>, Plan> plans;

  template <typename T>
  void set(LtMatmulDesc desc, int attribute, const T &value) {
    lt.check(lt.descSet(desc, attribute, &value, sizeof value),
             "cublasLtMatmulDescSetAttribute");
  }
  template <typename T>
  void set(LtPreference preference, int attribute, const T &value) {
    lt.check(lt.preferenceSet(preference, attribute, &value, sizeof value),
             "cublasLtMatmulPreferenceSetAttribute");
  }
  LtLayout makeLayout(int type, int64_t rows, int64_t columns, int64_t ld,
                      const pprt_gpu_gemm &shape, int64_t stride);
  void destroy(Plan &plan);
  /// The status of the search for an algorithm, 0 if there is one.
  int makePlan(const pprt_gpu_gemm &shape, const Alignments &alignments,
               Plan &plan);
  Plan makePlan(const pprt_gpu_gemm &shape, const Alignments &alignments);
};

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
  case PPRT_GPU_EPILOGUE_DGELU_BGRAD:
    return epilogueDgeluBgrad;
  case PPRT_GPU_EPILOGUE_BGRAD_B:
    return epilogueBgradA;
  case PPRT_GPU_EPILOGUE_BGRAD_A:
    return epilogueBgradB;
  default:
    return epilogueDefault;
  }
}

static bool hasAux(int32_t epilogue) {
  return epilogue >= PPRT_GPU_EPILOGUE_GELU_AUX &&
         epilogue <= PPRT_GPU_EPILOGUE_DGELU_BGRAD;
}

static bool hasBias(int32_t epilogue) {
  return epilogue != PPRT_GPU_EPILOGUE_NONE &&
         epilogue != PPRT_GPU_EPILOGUE_GELU_AUX &&
         epilogue != PPRT_GPU_EPILOGUE_DGELU;
}

LtLayout Products::State::makeLayout(int type, int64_t rows, int64_t columns,
                                     int64_t ld, const pprt_gpu_gemm &shape,
                                     int64_t stride) {
  LtLayout layout;
  // A matrix of one row may come with any distance of rows.
  lt.check(lt.layoutCreate(&layout, type, uint64_t(rows), uint64_t(columns),
                           std::max(ld, rows)),
           "cublasLtMatrixLayoutCreate");
  if (shape.batch > 1) {
    int32_t batch = int32_t(shape.batch);
    lt.check(lt.layoutSet(layout, layoutBatchCount, &batch, sizeof batch),
             "cublasLtMatrixLayoutSetAttribute");
    lt.check(lt.layoutSet(layout, layoutBatchStride, &stride, sizeof stride),
             "cublasLtMatrixLayoutSetAttribute");
  }
  return layout;
}

/// Bytes that the address is a multiple of, at most what the arena guarantees.
static uint8_t alignmentOf(const void *pointer) {
  uint64_t address = reinterpret_cast<uint64_t>(pointer) | 64;
  return uint8_t(address & -address);
}

/// Nobody's address, of this alignment: for what only looks at it.
static void *addressOf(uint8_t alignment) {
  return reinterpret_cast<void *>(uint64_t(1) << 20 | alignment);
}

/// The library wants 256 bytes; what is rounded up is given away everywhere.
constexpr uint64_t workspaceAlignment = 256;

static void *alignWorkspace(void *workspace) {
  uint64_t address = reinterpret_cast<uint64_t>(workspace);
  return reinterpret_cast<void *>((address + workspaceAlignment - 1) &
                                  -workspaceAlignment);
}

static uint64_t workspaceOf(const pprt_gpu_gemm &shape) {
  uint64_t bytes = uint64_t(shape.workspace_bytes);
  return bytes < workspaceAlignment ? 0 : bytes - workspaceAlignment;
}

int Products::State::makePlan(const pprt_gpu_gemm &shape,
                              const Alignments &alignments, Plan &plan) {
  const int64_t m = shape.m, n = shape.n, k = shape.k;
  const bool isDouble = shape.type_c == PPRT_GPU_F64;
  lt.check(lt.descCreate(&plan.desc, isDouble ? compute64 : compute32,
                         isDouble ? real64 : real32),
           "cublasLtMatmulDescCreate");
  set(plan.desc, descTransA, int32_t(shape.transpose_b ? opT : opN));
  set(plan.desc, descTransB, int32_t(shape.transpose_a ? opT : opN));
  set(plan.desc, descEpilogue, epilogueOf(shape.epilogue));
  if (hasBias(shape.epilogue)) {
    set(plan.desc, descBiasType, int32_t(typeOf(shape.type_bias)));
    set(plan.desc, descBiasPointer, addressOf(alignments[3]));
  }
  if (hasAux(shape.epilogue)) {
    set(plan.desc, descAuxLd, shape.ldaux);
    set(plan.desc, descAuxType, int32_t(typeOf(shape.type_c)));
    set(plan.desc, descAuxPointer, addressOf(alignments[4]));
  }
  plan.a =
      makeLayout(typeOf(shape.type_b), shape.transpose_b ? k : n,
                 shape.transpose_b ? n : k, shape.ldb, shape, shape.stride_b);
  plan.b =
      makeLayout(typeOf(shape.type_a), shape.transpose_a ? m : k,
                 shape.transpose_a ? k : m, shape.lda, shape, shape.stride_a);
  plan.c =
      makeLayout(typeOf(shape.type_c), n, m, shape.ldc, shape, shape.stride_c);
  const bool addsAux = shape.add == PPRT_GPU_ADD_AUX;
  if (addsAux)
    plan.added = makeLayout(typeOf(shape.type_c), n, m, shape.ldaux, shape, 0);

  LtPreference preference;
  lt.check(lt.preferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
  plan.workspace = workspaceOf(shape);
  set(preference, preferenceWorkspace, plan.workspace);
  set(preference, preferenceReduction, uint32_t(reductionCompute));
  set(preference, preferenceAlignmentA, uint32_t(alignments[1]));
  set(preference, preferenceAlignmentB, uint32_t(alignments[0]));
  set(preference, preferenceAlignmentC, uint32_t(alignments[addsAux ? 4 : 2]));
  set(preference, preferenceAlignmentD, uint32_t(alignments[2]));
  LtHeuristicResult result = {};
  int found = 0;
  int status = lt.heuristic(handle, plan.desc, plan.a, plan.b,
                            addsAux ? plan.added : plan.c, plan.c, preference,
                            1, &result, &found);
  lt.preferenceDestroy(preference);
  plan.algo = result.algo;
  return status != 0 ? status : found == 0 ? notSupported : result.state;
}

void Products::State::destroy(Plan &plan) {
  if (plan.desc)
    lt.descDestroy(plan.desc);
  for (LtLayout layout : {plan.a, plan.b, plan.c, plan.added})
    if (layout)
      lt.layoutDestroy(layout);
  plan = Plan();
}

Plan Products::State::makePlan(const pprt_gpu_gemm &shape,
                               const Alignments &alignments) {
  Plan plan;
  int status = makePlan(shape, alignments, plan);
  if (status != 0 && shape.epilogue != PPRT_GPU_EPILOGUE_NONE) {
    pprt_gpu_gemm plain = shape;
    plain.epilogue = PPRT_GPU_EPILOGUE_NONE;
    destroy(plan);
    status = makePlan(plain, alignments, plan);
    plan.hasEpilogue = false;
  }
  if (status == 0)
    return plan;
  destroy(plan);
  static const char *const types[] = {"f32", "bf16", "f64"};
  throw Error(
      "found no plan of cuBLASLt for a product of " + std::to_string(shape.m) +
      " x " + std::to_string(shape.k) + " and " + std::to_string(shape.k) +
      " x " + std::to_string(shape.n) + " of " + types[shape.type_a] + " to " +
      types[shape.type_c] + " (" + std::to_string(shape.batch) +
      " times, workspace " + std::to_string(shape.workspace_bytes) +
      " bytes: " + lt.nameOf(status) + "), expected one: use a newer cuBLAS");
}

Products::Products() : state(std::make_unique<State>()) {
  state->lt.check(state->lt.create(&state->handle), "cublasLtCreate");
}

Products::~Products() {
  for (auto &[key, plan] : state->plans)
    state->destroy(plan);
  state->lt.destroy(state->handle);
}

std::string Products::version() const {
  // 130100 for 13.1.0; 120804 for 12.8.4.
  size_t version = state->lt.version();
  return std::to_string(version / 10000) + "." +
         std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

bool Products::run(Stream stream, const pprt_gpu_gemm &shape, const void *a,
                   const void *b, void *c, void *bias, void *aux,
                   void *workspace) {
  const Alignments alignments = {alignmentOf(a), alignmentOf(b), alignmentOf(c),
                                 alignmentOf(bias), alignmentOf(aux)};
  auto it = state->plans.find({&shape, alignments});
  if (it == state->plans.end())
    it = state->plans
             .emplace(std::pair(&shape, alignments),
                      state->makePlan(shape, alignments))
             .first;
  Plan &plan = it->second;
  if (plan.hasEpilogue && hasBias(shape.epilogue))
    state->set(plan.desc, descBiasPointer, bias);
  if (plan.hasEpilogue && hasAux(shape.epilogue))
    state->set(plan.desc, descAuxPointer, aux);
  const double one = 1, zero = 0;
  const float oneF = 1, zeroF = 0;
  const bool isDouble = shape.type_c == PPRT_GPU_F64;
  const void *alpha = isDouble ? static_cast<const void *>(&one) : &oneF;
  const void *beta =
      shape.add ? alpha
                : (isDouble ? static_cast<const void *>(&zero) : &zeroF);
  state->lt.check(state->lt.matmul(state->handle, plan.desc, alpha, b, plan.a,
                                   a, plan.b, beta, plan.added ? aux : c,
                                   plan.added ? plan.added : plan.c, c, plan.c,
                                   &plan.algo, alignWorkspace(workspace),
                                   plan.workspace, stream),
                  "cublasLtMatmul");
  return plan.hasEpilogue;
}
