//===- Attention.cpp - Attention by cuDNN ---------------------------------===//
//
// What has a plan of cuDNN is decided by shape, chip and version of the library
// alone, so that all ranks, and each schedule, compute a layer the same way. A
// plan must be one that gives the same bits each time, and must do with the
// workspace that the compiler planned, which grows with the rows and not with
// their square: one that keeps the scores in memory does not fit. All else is
// left to generated kernels. The statistics are the same for both (f32, log of
// the sum of powers of e of scaled scores, for each head), so that one may do
// the forward and the other the backward.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"

#include "AttentionGraph.h"

#include <algorithm>
#include <cstdio>
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

struct Plan {
  // In the order in which one refers to the other.
  std::unique_ptr<OperationGraph> graph;
  std::unique_ptr<Descriptor> config, plan;
  std::string whyNot; ///< where there is no plan
};

constexpr uint64_t alignment = 256;
uint64_t align(uint64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}
} // namespace

struct Attention::State {
  State(AttentionChoice choice, int capability)
      : choice(std::move(choice)), capability(capability) {}
  ~State() {
    plans.clear();
    if (handle)
      library->destroy(handle);
  }

  bool open();
  std::string whyNot(const pprt_gpu_attention &shape, bool isBackward) const;
  Plan makePlan(const pprt_gpu_attention &shape, bool isBackward);
  bool choosePlan(Plan &plan, HeuristicMode mode, uint64_t room);
  bool takeConfig(Plan &plan, Descriptor &config, uint64_t room);
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
  int64_t version = 0; // 91900 for 9.19.0
  bool isMissing = false;
  std::string whyMissing;
  std::optional<CudnnLibrary> library;
  CudnnHandle handle = nullptr;
  std::map<std::pair<const pprt_gpu_attention *, bool>, Plan> plans;
  std::set<std::string> notes;
};

/// Bytes of the sums of rows, with which the backward's workspace begins.
static uint64_t sumsBytes(const pprt_gpu_attention &s) {
  return align(uint64_t(s.batch * s.heads * s.t) * sizeof(float));
}

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

static std::string versionText(int64_t version) {
  return std::to_string(version / 10000) + "." +
         std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

/// Why cuDNN is not asked; empty if it is. Its limits, as cudnn-frontend has
/// them, and versions that are known to give wrong results.
std::string Attention::State::whyNot(const pprt_gpu_attention &s,
                                     bool isBackward) const {
  const int64_t largest = capability / 10 == 9 ? 256 : 128;
  if (capability < 80)
    return "sm_" + std::to_string(capability) + ", it needs sm_80";
  if (version < 90000 || version == 91000 || version == 91001)
    return "version " + versionText(version) + ", use 9.10.2 or newer";
  if (s.d % 8 != 0 || s.d > largest)
    return "heads of " + std::to_string(s.d) +
           ", it takes multiples of 8 up to " + std::to_string(largest);
  if (s.t < 2 || s.s < 2)
    return "a sequence of one position";
  if (s.causal && s.t != s.s)
    return "a causal mask over " + std::to_string(s.t) + " queries and " +
           std::to_string(s.s) + " keys";
  for (int64_t ld :
       {s.ldq, s.ldk, s.ldv, s.ldo, s.lddo, s.lddq, s.lddk, s.lddv})
    if (ld % 8 != 0)
      return "rows of " + std::to_string(ld) +
             " elements, it takes multiples of 8";
  if (isBackward && capability >= 100)
    return "sm_" + std::to_string(capability) +
           ", where its backward does not give the same bits each time";
  if (isBackward && s.s % 128 != 0 && version <= 91500)
    return "version " + versionText(version) + " and " + std::to_string(s.s) +
           " keys, before 9.15.1 it takes multiples of 128";
  return "";
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

bool Attention::State::takeConfig(Plan &plan, Descriptor &config,
                                  uint64_t room) {
  Descriptor engine(*library, engineDescriptor);
  BackendDescriptor raw = engine.get();
  config.get(configEngine, typeDescriptor, 1, &raw);
  int notes[64] = {};
  int64_t count = std::min<int64_t>(
      engine.get(engineNotes, typeNumericalNote, 64, notes), 64);
  if (std::count(notes, notes + count, int(noteNondeterministic))) {
    plan.whyNot = "only plans that give other bits each time";
    return false;
  }
  auto made = std::make_unique<Descriptor>(*library, planDescriptor);
  made->set(planHandle, typeHandle, handle);
  made->set(planConfig, config);
  made->finalize();
  int64_t bytes = 0;
  made->get(planWorkspace, typeInt64, 1, &bytes);
  if (uint64_t(std::max<int64_t>(bytes, 0)) > room) {
    plan.whyNot = "a plan that needs a workspace of " + std::to_string(bytes) +
                  " bytes, " + std::to_string(room) + " are there";
    return false;
  }
  plan.config = std::make_unique<Descriptor>(std::move(config));
  plan.plan = std::move(made);
  return true;
}

bool Attention::State::choosePlan(Plan &plan, HeuristicMode mode,
                                  uint64_t room) {
  Descriptor heuristics(*library, heuristicsDescriptor);
  heuristics.set(heuristicsGraph, plan.graph->finish());
  heuristics.set(heuristicsMode, typeHeuristicMode, mode);
  heuristics.finalize();
  int64_t count = heuristics.get(heuristicsResults, typeDescriptor, 0, nullptr);
  std::vector<Descriptor> configs;
  std::vector<BackendDescriptor> raw;
  for (int64_t i = 0; i < count; ++i) {
    configs.emplace_back(*library, engineConfigDescriptor);
    raw.push_back(configs.back().get());
  }
  if (count > 0)
    count = std::min(count, heuristics.get(heuristicsResults, typeDescriptor,
                                           count, raw.data()));
  for (int64_t i = 0; i < count; ++i) {
    try {
      if (takeConfig(plan, configs[size_t(i)], room))
        return true;
    } catch (const CudnnError &error) {
      if (!error.isRefusal())
        throw;
      plan.whyNot = error.what();
    }
  }
  return false;
}

Plan Attention::State::makePlan(const pprt_gpu_attention &shape,
                                bool isBackward) {
  Plan plan;
  plan.whyNot = whyNot(shape, isBackward);
  if (!plan.whyNot.empty())
    return plan;
  plan.whyNot = "no engine for it";
  // The workspace is rounded up to what the library wants.
  uint64_t used = alignment + (isBackward ? sumsBytes(shape) : 0);
  uint64_t room = uint64_t(shape.workspace_bytes);
  room = room > used ? room - used : 0;
  try {
    plan.graph = std::make_unique<OperationGraph>(*library, handle);
    (isBackward ? buildBackward : buildForward)(*plan.graph, shape);
    plan.graph->finish();
    for (HeuristicMode mode : {heuristicA, heuristicFallback})
      try {
        if (choosePlan(plan, mode, room))
          return plan;
      } catch (const CudnnError &error) {
        if (!error.isRefusal())
          throw;
        plan.whyNot = error.what();
      }
  } catch (const CudnnError &error) {
    if (!error.isRefusal())
      throw;
    plan.whyNot = error.what();
  }
  plan.graph.reset();
  return plan;
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
  auto it = plans.find({&shape, isBackward});
  if (it == plans.end())
    it =
        plans
            .emplace(std::pair(&shape, isBackward), makePlan(shape, isBackward))
            .first;
  const Plan &plan = it->second;
  if (!plan.plan)
    return leave(shape, isBackward, plan.whyNot);

  // Values are read while the call is made.
  const float scale = shape.scale, one = 1;
  const float hidden = version < 91000
                           ? std::numeric_limits<float>::lowest()
                           : -std::numeric_limits<float>::infinity();
  uint64_t free = align(reinterpret_cast<uint64_t>(workspace));
  if (isBackward) {
    pack.emplace_back(attentionSums, reinterpret_cast<void *>(free));
    pack.emplace_back(attentionOne, &one);
    free += sumsBytes(shape);
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

Attention::Attention(AttentionChoice choice, int capability)
    : state(std::make_unique<State>(std::move(choice), capability)) {}

Attention::~Attention() = default;

std::string Attention::open(std::string &why) {
  if (state->choice.mode == AttentionChoice::Generated)
    return "";
  if (state->open())
    return versionText(state->version);
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
