//===- Attention.cpp - Attention by cuDNN ---------------------------------===//
//
// What has a plan of cuDNN is decided by shape, chip and version of the library
// alone, so that all ranks, and each schedule, compute a layer the same way.
// All else is left to generated kernels. The statistics are the same for both
// (f32, log of the sum of powers of e of scaled scores, for each head), so that
// one may do the forward and the other the backward.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"

#include "AttentionPlan.h"
#include "pprt_gpu_workspace.h"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

using namespace pprt;
using namespace pprt::cuda;

namespace {
/// An address for each tensor of a graph.
using Pack = std::vector<std::pair<AttentionTensor, const void *>>;
} // namespace

struct Attention::State {
  State(AttentionChoice choice, int capability, PlanCache &cache)
      : choice(std::move(choice)), capability(capability), cache(cache) {}
  ~State() {
    plans.clear();
    if (handle)
      library->destroy(handle);
  }

  bool open();
  const AttentionPlan &planOf(const pprt_gpu_attention &shape, bool isBackward);
  bool run(Stream stream, const pprt_gpu_attention &shape, bool isBackward,
           Pack pack, void *workspace);
  bool leave(const pprt_gpu_attention &shape, bool isBackward,
             const std::string &why);
  void note(const std::string &text) {
    if (notes.insert(text).second && choice.note)
      choice.note(text);
  }

  AttentionChoice choice;
  int capability;
  PlanCache &cache;
  int64_t version = 0; // 91900 for 9.19.0
  bool isMissing = false;
  std::string whyMissing;
  std::optional<CudnnLibrary> library;
  CudnnHandle handle = nullptr;
  std::map<std::pair<const pprt_gpu_attention *, bool>, AttentionPlan> plans;
  std::set<std::string> notes;
};

//===----------------------------------------------------------------------===//
// The library
//===----------------------------------------------------------------------===//

bool Attention::State::open() {
  if (handle || isMissing)
    return handle;
  try {
    library.emplace();
  } catch (const Error &error) {
    if (choice.mode == AttentionChoice::Cudnn)
      throw;
    isMissing = true;
    library.reset();
    whyMissing = error.what();
    return false;
  }
  version = int64_t(library->version());
  try {
    library->check(library->create(&handle), "cudnnCreate");
  } catch (const Error &error) {
    handle = nullptr;
    if (choice.mode == AttentionChoice::Cudnn)
      throw Error(std::string(error.what()) +
                  ": run with --attention=generated, or install a cuDNN that "
                  "fits the driver");
    isMissing = true;
    whyMissing = error.what();
  }
  return handle;
}

/// The plan, or why there is none.
const AttentionPlan &Attention::State::planOf(const pprt_gpu_attention &shape,
                                              bool isBackward) {
  auto it = plans.find({&shape, isBackward});
  if (it == plans.end())
    it = plans
             .emplace(std::pair(&shape, isBackward),
                      planAttention({*library, version, capability, handle,
                                     /*properties=*/nullptr, &cache},
                                    shape, isBackward))
             .first;
  return it->second;
}

static std::string shapeText(const pprt_gpu_attention &s, bool isBackward) {
  return std::string(isBackward ? "the backward" : "the forward") +
         " of attention of " + std::to_string(s.batch) + " x " +
         std::to_string(s.heads) + " heads (" + std::to_string(s.kv_heads) +
         " of keys) of " + std::to_string(s.d) + ", " + std::to_string(s.t) +
         " x " + std::to_string(s.s) + " positions";
}

/// Says that generated kernels do it; throws where they are not to.
bool Attention::State::leave(const pprt_gpu_attention &shape, bool isBackward,
                             const std::string &why) {
  std::string text = "found no plan of cuDNN for " +
                     shapeText(shape, isBackward) + " (" + why + ")";
  if (choice.mode == AttentionChoice::Cudnn)
    throw Error(text + ", expected one: run with --attention=auto, or use "
                       "another cuDNN");
  note(text + "; it runs by generated kernels");
  return false;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

bool Attention::State::run(Stream stream, const pprt_gpu_attention &shape,
                           bool isBackward, Pack pack, void *workspace) {
  if (choice.mode == AttentionChoice::Generated)
    return false;
  if (shape.type != PPRT_GPU_BF16) {
    if (choice.mode == AttentionChoice::Cudnn)
      return leave(shape, isBackward, "it is of f32, cuDNN's is of bf16");
    return false;
  }
  if (!open()) {
    note(whyMissing + "; attention runs by generated kernels");
    return false;
  }
  for (auto &[id, address] : pack)
    if (reinterpret_cast<uint64_t>(address) % 16 != 0)
      return leave(shape, isBackward, "a matrix that is not aligned to 16");
  const AttentionPlan &plan = planOf(shape, isBackward);
  if (!plan.plan)
    return leave(shape, isBackward, plan.whyNot);

  // Values are read while the call is made.
  const float scale = shape.scale, one = 1;
  const float hidden = version < 91000
                           ? std::numeric_limits<float>::lowest()
                           : -std::numeric_limits<float>::infinity();
  int64_t free = pprt_gpu_align(reinterpret_cast<int64_t>(workspace),
                                PPRT_GPU_SCRATCH_ALIGNMENT);
  if (isBackward) {
    pack.emplace_back(attentionSums, reinterpret_cast<void *>(free));
    pack.emplace_back(attentionOne, &one);
    free += pprt_gpu_attention_sums_bytes(&shape);
  }
  if (plan.hasDqSums) {
    pack.emplace_back(attentionDqSums, reinterpret_cast<void *>(free));
    free += pprt_gpu_attention_dq_bytes(&shape);
  }
  pack.emplace_back(attentionScale, &scale);
  if (shape.causal)
    pack.emplace_back(attentionMasked, &hidden);
  std::vector<int64_t> ids;
  std::vector<const void *> addresses;
  for (auto &[id, address] : pack) {
    ids.push_back(id);
    addresses.push_back(address);
  }
  const void *scratch = reinterpret_cast<void *>(free);
  Descriptor variant(*library, packDescriptor);
  variant.set(packIds, typeInt64, int64_t(ids.size()), ids.data());
  variant.set(packPointers, typePointer, int64_t(addresses.size()),
              addresses.data());
  variant.set(packWorkspace, typePointer, scratch);
  variant.finalize();
  library->check(library->setStream(handle, stream), "cudnnSetStream");
  library->check(library->execute(handle, plan.plan->get(), variant.get()),
                 "cudnnBackendExecute");
  return true;
}

Attention::Attention(AttentionChoice choice, int capability, PlanCache &cache)
    : state(std::make_unique<State>(std::move(choice), capability, cache)) {}

Attention::~Attention() = default;

std::string Attention::open(std::string &why) {
  if (state->choice.mode == AttentionChoice::Generated)
    return "";
  if (state->open())
    return cudnnVersionText(state->version);
  why = state->whyMissing;
  return "";
}

void Attention::leave() { state->choice.mode = AttentionChoice::Generated; }

bool Attention::forward(Stream stream, const pprt_gpu_attention &shape,
                        const void *q, const void *k, const void *v, void *out,
                        float *lse, void *workspace) {
  return state->run(stream, shape, false,
                    {{attentionQ, q},
                     {attentionK, k},
                     {attentionV, v},
                     {attentionOut, out},
                     {attentionLse, lse}},
                    workspace);
}

bool Attention::backward(Stream stream, const pprt_gpu_attention &shape,
                         const void *q, const void *k, const void *v,
                         const void *out, const float *lse, const void *dout,
                         void *dq, void *dk, void *dv, void *workspace) {
  return state->run(stream, shape, true,
                    {{attentionQ, q},
                     {attentionK, k},
                     {attentionV, v},
                     {attentionOut, out},
                     {attentionLse, lse},
                     {attentionDout, dout},
                     {attentionDq, dq},
                     {attentionDk, dk},
                     {attentionDv, dv}},
                    workspace);
}
