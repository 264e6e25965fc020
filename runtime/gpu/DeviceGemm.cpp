//===- DeviceGemm.cpp - Matrix products by cuBLASLt -----------------------===//
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
// An algorithm is 64 bytes that cuBLASLt lets one keep for the same version of
// it. Kept with them is whether they are for the product with its epilogue.
//
//===----------------------------------------------------------------------===//
#include "DeviceGemm.h"

#include "CublasLt.h"
#include "Error.h"
#include "pprt_gpu_cost.h"
#include "pprt_gpu_workspace.h"

#include <cinttypes>
#include <cstdio>
#include <map>
#include <sstream>

using namespace pprt;
using namespace pprt::cuda;

namespace {
enum : int { invalidValue = 7, notSupported = 15 };

struct Plan {
  std::unique_ptr<LtProblem> problem;
  LtAlgo algo = {};
  bool hasEpilogue = true;
};
} // namespace

struct DeviceGemm::State {
  explicit State(PlanCache &cache) : cache(cache) {}

  PlanCache &cache;
  LtLibrary lt;
  LtHandle handle = nullptr;
  /// By shape and alignments.
  std::map<std::pair<const pprt_gpu_gemm *, Alignments>, Plan> plans;

  /// The status of the search for an algorithm, 0 if there is one.
  int makePlan(const pprt_gpu_gemm &shape, const Alignments &alignments,
               Plan &plan);
  Plan makePlan(const pprt_gpu_gemm &shape, const Alignments &alignments);

  std::string problemOf(const pprt_gpu_gemm &shape,
                        const Alignments &alignments) const;
  bool restore(const std::string &problem, const pprt_gpu_gemm &shape,
               const Alignments &alignments, Plan &plan);
  void keep(const std::string &problem, const Plan &plan);
};

/// Bytes that the address is a multiple of, at most what the arena guarantees.
static uint8_t alignmentOf(const void *pointer) {
  uint64_t address = reinterpret_cast<uint64_t>(pointer) | 64;
  return uint8_t(address & -address);
}

static void *alignWorkspace(void *workspace) {
  return reinterpret_cast<void *>(pprt_gpu_align(
      reinterpret_cast<int64_t>(workspace), PPRT_GPU_SCRATCH_ALIGNMENT));
}

int DeviceGemm::State::makePlan(const pprt_gpu_gemm &shape,
                                const Alignments &alignments, Plan &plan) {
  plan.problem = std::make_unique<LtProblem>(lt, shape, alignments);
  const LtProblem &p = *plan.problem;
  LtHeuristicResult result = {};
  int found = 0;
  int status = lt.heuristic(handle, p.desc, p.a, p.b, p.addedLayout(), p.c,
                            p.preference, 1, &result, &found);
  plan.algo = result.algo;
  return status != 0 ? status : found == 0 ? notSupported : result.state;
}

static pprt_gpu_gemm withoutEpilogue(pprt_gpu_gemm shape) {
  shape.epilogue = PPRT_GPU_EPILOGUE_NONE;
  return shape;
}

Plan DeviceGemm::State::makePlan(const pprt_gpu_gemm &shape,
                                 const Alignments &alignments) {
  Plan plan;
  const std::string problem = problemOf(shape, alignments);
  if (cache.isOn() && restore(problem, shape, alignments, plan))
    return plan;
  int status = makePlan(shape, alignments, plan);
  // Other answers than these are no decisions, and not worth keeping.
  const bool isLasting =
      status == 0 || status == notSupported || status == invalidValue;
  if (status != 0 && shape.epilogue != PPRT_GPU_EPILOGUE_NONE) {
    status = makePlan(withoutEpilogue(shape), alignments, plan);
    plan.hasEpilogue = false;
  }
  if (status == 0) {
    if (cache.isOn() && isLasting)
      keep(problem, plan);
    return plan;
  }
  throw Error(
      "found no plan of cuBLASLt for a product of " + std::to_string(shape.m) +
      " x " + std::to_string(shape.k) + " and " + std::to_string(shape.k) +
      " x " + std::to_string(shape.n) + " of " +
      pprt_gpu_type_name(shape.type_a) + " to " +
      pprt_gpu_type_name(shape.type_c) + " (" + std::to_string(shape.batch) +
      " times, workspace " + std::to_string(shape.workspace_bytes) +
      " bytes: " + lt.nameOf(status) + "), expected one: use a newer cuBLAS");
}

//===----------------------------------------------------------------------===//
// Plans in files
//===----------------------------------------------------------------------===//

/// All that an algorithm depends on beside device and driver.
std::string DeviceGemm::State::problemOf(const pprt_gpu_gemm &s,
                                         const Alignments &alignments) const {
  std::string text = "cuBLASLt " + std::to_string(lt.version()) + ", product";
  for (int64_t number : {s.m,
                         s.n,
                         s.k,
                         s.lda,
                         s.ldb,
                         s.ldc,
                         s.ldaux,
                         s.batch,
                         s.stride_a,
                         s.stride_b,
                         s.stride_c,
                         s.workspace_bytes,
                         int64_t(s.transpose_a),
                         int64_t(s.transpose_b),
                         int64_t(s.add),
                         int64_t(s.type_a),
                         int64_t(s.type_b),
                         int64_t(s.type_c),
                         int64_t(s.type_bias),
                         int64_t(s.epilogue)})
    text += " " + std::to_string(number);
  text += ", aligned to";
  for (uint8_t alignment : alignments)
    text += " " + std::to_string(alignment);
  return text;
}

/// Takes what was kept: 1 if with the epilogue, and the words of the algorithm.
bool DeviceGemm::State::restore(const std::string &problem,
                                const pprt_gpu_gemm &shape,
                                const Alignments &alignments, Plan &plan) {
  std::optional<std::string> kept = cache.find(problem);
  if (!kept)
    return false;
  std::istringstream text(*kept);
  text >> plan.hasEpilogue >> std::hex;
  for (uint64_t &word : plan.algo.data)
    text >> word;
  plan.problem = std::make_unique<LtProblem>(
      lt, plan.hasEpilogue ? shape : withoutEpilogue(shape), alignments);
  const LtProblem &p = *plan.problem;
  LtHeuristicResult result = {};
  int status = text ? lt.algoCheck(handle, p.desc, p.a, p.b, p.addedLayout(),
                                   p.c, &plan.algo, &result)
                    : invalidValue;
  if (status == 0 && result.workspaceSize <= p.workspace)
    return true;
  cache.reject(problem, "an algorithm that cuBLASLt does not take (" +
                            (status ? lt.nameOf(status)
                                    : std::to_string(result.workspaceSize) +
                                          " bytes of workspace") +
                            ")");
  plan = {};
  return false;
}

void DeviceGemm::State::keep(const std::string &problem, const Plan &plan) {
  std::string text = std::to_string(plan.hasEpilogue);
  for (uint64_t word : plan.algo.data) {
    char digits[20];
    std::snprintf(digits, sizeof digits, " %016" PRIx64, word);
    text += digits;
  }
  cache.keep(problem, text);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

DeviceGemm::DeviceGemm(PlanCache &cache)
    : state(std::make_unique<State>(cache)) {
  state->lt.check(state->lt.create(&state->handle), "cublasLtCreate");
}

DeviceGemm::~DeviceGemm() {
  state->plans.clear();
  state->lt.destroy(state->handle);
}

std::string DeviceGemm::version() const {
  // 130100 for 13.1.0; 120804 for 12.8.4.
  size_t version = state->lt.version();
  return std::to_string(version / 10000) + "." +
         std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

bool DeviceGemm::run(Stream stream, const pprt_gpu_gemm &shape, const void *a,
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
  LtProblem &p = *plan.problem;
  if (p.hasBias)
    p.setBias(bias);
  if (p.hasAux)
    p.setAux(aux);
  const double one = 1, zero = 0;
  const float oneF = 1, zeroF = 0;
  const bool isDouble = shape.type_c == PPRT_GPU_F64;
  const void *alpha = isDouble ? static_cast<const void *>(&one) : &oneF;
  const void *beta =
      shape.add ? alpha
                : (isDouble ? static_cast<const void *>(&zero) : &zeroF);
  state->lt.check(state->lt.matmul(state->handle, p.desc, alpha, b, p.a, a, p.b,
                                   beta, p.added ? aux : c, p.addedLayout(), c,
                                   p.c, &plan.algo, alignWorkspace(workspace),
                                   p.workspace, stream),
                  "cublasLtMatmul");
  return plan.hasEpilogue;
}
