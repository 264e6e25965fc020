//===- AttentionPlan.cpp - A plan of cuDNN for attention ------------------===//
//
// cuDNN's heuristics offer engines for a graph, best first; the first whose
// workspace fits is taken. Whether an engine gives the same bits each time is
// decided by the form of the graph and by knobs, since engines carry no note of
// it:
//
// - a graph without f32 sums of dq, for which heuristics are asked;
// - from cuDNN 9.25 on, on sm_90, where that needs too much workspace: an
//   engine that is told to add parts of dq in a fixed order;
// - on sm_100, from 9.18 on, an engine and knobs that cudnn-frontend names.
//
// Where sums may be in any order the graph has f32 sums of dq.
//
// cuDNN writes a plan as JSON, with its graph and the code of its kernels, and
// makes it again from that in a thousandth of the time. What is kept is this or
// why there is no plan, unless cuDNN refused something for a reason that may be
// mended (a driver, a missing library): then it is asked again each time.
//
//===----------------------------------------------------------------------===//
#include "AttentionPlan.h"

#include "pprt_gpu_workspace.h"

#include <algorithm>
#include <sstream>
#include <vector>

using namespace pprt;
using namespace pprt::cuda;

std::string pprt::cuda::cudnnVersionText(int64_t version) {
  return std::to_string(version / 10000) + "." +
         std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

namespace {
/// An engine with its knobs.
struct EngineChoice {
  int64_t engine;
  std::vector<std::pair<Knob, int64_t>> knobs;
};

class Planner {
public:
  Planner(const PlanTarget &target, const pprt_gpu_attention &shape,
          bool isBackward)
      : target(target), library(target.library), s(shape),
        isBackward(isBackward) {}

  AttentionPlan run();

private:
  std::string whyNot() const;
  std::string problem() const;
  bool restore();
  void keep() const;
  void make();
  void makeGraph(bool hasDqSums);
  int64_t ownBytes() const;
  void setDevice(Descriptor &made) const;
  bool byHeuristics(HeuristicMode mode);
  bool byChoice(const EngineChoice &choice);
  bool take(Descriptor &config);
  /// Does `body`; false where cuDNN refuses it, which is remembered.
  template <typename F> bool attempt(F body) {
    try {
      return body();
    } catch (const CudnnError &error) {
      if (!error.isRefusal())
        throw;
      isLasting &= error.isLasting();
      plan.whyNot = error.what();
      return false;
    }
  }

  const PlanTarget &target;
  const CudnnLibrary &library;
  const pprt_gpu_attention &s;
  const bool isBackward;
  AttentionPlan plan;
  bool isLasting = true; ///< whether all refusals are
};
} // namespace

/// Why cuDNN is not asked; empty if it is. Its limits, as cudnn-frontend has
/// them, and versions that are known to give wrong results.
std::string Planner::whyNot() const {
  const int64_t version = target.version;
  const int64_t largest = target.capability / 10 == 9 ? 256 : 128;
  const std::string chip = "sm_" + std::to_string(target.capability);
  const std::string found = "version " + cudnnVersionText(version);
  if (target.capability < 80)
    return chip + ", it needs sm_80";
  if (version < 90000 || version == 91000 || version == 91001)
    return found + ", use 9.10.2 or newer";
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
  if (isBackward && s.s % 128 != 0 && version <= 91500)
    return found + " and " + std::to_string(s.s) +
           " keys, before 9.15.1 it takes multiples of 128";
  if (isBackward && target.capability / 10 >= 10 && !s.any_order &&
      (version < 91800 || (target.capability > 103 && target.capability < 110)))
    return found + " on " + chip +
           ", where its backward is not known to give the same bits each time";
  if (isBackward && s.any_order && version < 90600)
    return found + ", which wants sums of dq cleared, use 9.6 or newer";
  return "";
}

void Planner::makeGraph(bool hasDqSums) {
  plan.graph = std::make_unique<OperationGraph>(library, target.handle);
  plan.hasDqSums = hasDqSums;
  if (isBackward)
    buildBackward(*plan.graph, s, hasDqSums);
  else
    buildForward(*plan.graph, s);
  plan.graph->finish();
}

/// What the runtime needs of the workspace itself.
int64_t Planner::ownBytes() const {
  int64_t bytes = PPRT_GPU_SCRATCH_ALIGNMENT;
  if (isBackward)
    bytes += pprt_gpu_attention_sums_bytes(&s);
  if (plan.hasDqSums)
    bytes += pprt_gpu_attention_dq_bytes(&s);
  return bytes;
}

void Planner::setDevice(Descriptor &made) const {
  if (target.handle)
    made.set(planHandle, typeHandle, target.handle);
  else
    made.set(planDeviceProperties, *target.properties);
}

bool Planner::take(Descriptor &config) {
  Descriptor engine(library, engineDescriptor);
  BackendDescriptor raw = engine.get();
  config.get(configEngine, typeDescriptor, 1, &raw);
  int notes[64] = {};
  int64_t count = std::min<int64_t>(
      engine.get(engineNotes, typeNumericalNote, 64, notes), 64);
  if (!s.any_order &&
      std::count(notes, notes + count, int(noteNondeterministic))) {
    plan.whyNot = "only plans that give other bits each time";
    return false;
  }
  int64_t bytes = 0;
  auto fits = [&] {
    bytes += ownBytes();
    if (bytes <= s.workspace_bytes)
      return true;
    plan.whyNot = "a plan that needs a workspace of " + std::to_string(bytes) +
                  " bytes, " + std::to_string(s.workspace_bytes) + " are there";
    return false;
  };
  // Asked before the plan is made, which loads or compiles code.
  if (target.version >= 90200) {
    config.get(configWorkspace, typeInt64, 1, &bytes);
    if (!fits())
      return false;
  }
  auto made = std::make_unique<Descriptor>(library, planDescriptor);
  setDevice(*made);
  made->set(planConfig, config);
  made->finalize();
  made->get(planWorkspace, typeInt64, 1, &bytes);
  if (!fits())
    return false;
  engine.get(engineIndex, typeInt64, 1, &plan.engine);
  plan.bytes = bytes;
  plan.config = std::make_unique<Descriptor>(std::move(config));
  plan.plan = std::move(made);
  plan.whyNot.clear();
  return true;
}

bool Planner::byHeuristics(HeuristicMode mode) {
  Descriptor heuristics(library, heuristicsDescriptor);
  heuristics.set(heuristicsGraph, plan.graph->finish());
  heuristics.set(heuristicsMode, typeHeuristicMode, mode);
  if (!target.handle)
    heuristics.set(heuristicsDeviceProperties, *target.properties);
  heuristics.finalize();
  int64_t count = heuristics.get(heuristicsResults, typeDescriptor, 0, nullptr);
  std::vector<Descriptor> configs;
  std::vector<BackendDescriptor> raw;
  for (int64_t i = 0; i < count; ++i) {
    configs.emplace_back(library, engineConfigDescriptor);
    raw.push_back(configs.back().get());
  }
  if (count > 0)
    count = std::min(count, heuristics.get(heuristicsResults, typeDescriptor,
                                           count, raw.data()));
  for (int64_t i = 0; i < count; ++i)
    if (attempt([&] { return take(configs[size_t(i)]); }))
      return true;
  return false;
}

bool Planner::byChoice(const EngineChoice &choice) {
  Descriptor engine(library, engineDescriptor);
  engine.set(engineGraph, plan.graph->finish());
  engine.set(engineIndex, typeInt64, choice.engine);
  if (!target.handle)
    engine.set(engineDeviceProperties, *target.properties);
  engine.finalize();
  std::vector<Descriptor> knobs;
  std::vector<BackendDescriptor> raw;
  for (auto [type, value] : choice.knobs) {
    Descriptor &knob = knobs.emplace_back(library, knobChoiceDescriptor);
    knob.set(knobChoiceType, typeKnob, type);
    knob.set(knobChoiceValue, typeInt64, value);
    knob.finalize();
    raw.push_back(knob.get());
  }
  Descriptor config(library, engineConfigDescriptor);
  config.set(configEngine, engine);
  config.set(configKnobs, typeDescriptor, int64_t(raw.size()), raw.data());
  config.finalize();
  return take(config);
}

//===----------------------------------------------------------------------===//
// Plans in files
//===----------------------------------------------------------------------===//

/// All that a plan depends on beside device and driver; not the scale, which
/// comes with each execution.
std::string Planner::problem() const {
  std::string text = "cuDNN " + std::to_string(target.version) + ", " +
                     (isBackward ? "backward" : "forward") + " of attention";
  for (int64_t number :
       {s.batch, s.heads, s.kv_heads, s.t, s.s, s.d, s.ldq, s.ldk, s.ldv, s.ldo,
        s.lddo, s.lddq, s.lddk, s.lddv, s.workspace_bytes, int64_t(s.causal),
        int64_t(s.type), int64_t(s.any_order)})
    text += " " + std::to_string(number);
  return text;
}

/// Takes what was kept: "plan", whether there are sums of dq, the engine, and
/// JSON; or "none" and why.
bool Planner::restore() {
  std::optional<std::string> kept = target.cache->find(problem());
  if (!kept)
    return false;
  std::istringstream text(*kept);
  std::string kind, json;
  text >> kind;
  if (kind == "none") {
    std::getline(text >> std::ws, plan.whyNot, '\0');
    return true;
  }
  text >> plan.hasDqSums >> plan.engine;
  std::getline(text >> std::ws, json, '\0');
  try {
    auto made = std::make_unique<Descriptor>(library, planDescriptor);
    made->set(planJson, typeChar, int64_t(json.size()), json.data());
    setDevice(*made);
    made->finalize();
    made->get(planWorkspace, typeInt64, 1, &plan.bytes);
    plan.bytes += ownBytes();
    if (plan.bytes > s.workspace_bytes)
      throw Error("found a workspace of " + std::to_string(plan.bytes) +
                  " bytes, expected at most " +
                  std::to_string(s.workspace_bytes));
    plan.plan = std::move(made);
    return true;
  } catch (const Error &error) {
    target.cache->reject(problem(), "a plan that cuDNN does not take (" +
                                        std::string(error.what()) + ")");
    plan = {};
    return false;
  }
}

void Planner::keep() const {
  if (!isLasting)
    return;
  if (!plan.plan) {
    target.cache->keep(problem(), "none " + plan.whyNot);
    return;
  }
  std::string json;
  try {
    json.resize(size_t(plan.plan->get(planJson, typeChar, 0, nullptr)));
    plan.plan->get(planJson, typeChar, int64_t(json.size()), json.data());
  } catch (const CudnnError &) {
    // Not every engine writes its plans; the plan itself is good.
    return;
  }
  target.cache->keep(problem(), "plan " + std::to_string(plan.hasDqSums) + " " +
                                    std::to_string(plan.engine) + "\n" + json);
}

AttentionPlan Planner::run() {
  plan.whyNot = whyNot();
  if (!plan.whyNot.empty())
    return std::move(plan);
  const bool isKept = target.cache && target.cache->isOn();
  if (isKept && restore())
    return std::move(plan);
  make();
  if (isKept)
    keep();
  return std::move(plan);
}

void Planner::make() {
  plan.whyNot = "no engine for it";
  const int major = target.capability / 10;
  bool isOrdered = isBackward && !s.any_order;
  bool isMade = attempt([&] {
    makeGraph(isBackward && s.any_order);
    if (isOrdered && major == 10) {
      // As cudnn-frontend: tiles of 128 by 128, a fixed order of the sums.
      if (target.version < 92300)
        return byChoice({5, {{knobKernelConfig, 31}, {knobStages, 2}}});
      return byChoice({5,
                       {{knobTileM, 3},
                        {knobTileN, 2},
                        {knobKernelConfig, 2},
                        {knobStreamK, 0},
                        {knobTileCgaM, 0},
                        {knobStages, 2}}});
    }
    for (HeuristicMode mode : {heuristicA, heuristicFallback})
      if (attempt([&] { return byHeuristics(mode); }))
        return true;
    return false;
  });
  if (!isMade && isOrdered && major == 9 &&
      target.version >= PPRT_CUDNN_ORDERED_DQ)
    isMade = attempt([&] {
      makeGraph(/*hasDqSums=*/true);
      return byChoice({6,
                       {{knobTileM, 2},
                        {knobTileN, 1},
                        {knobKernelConfig, 2},
                        {knobStreamK, 0},
                        {knobTileCgaM, 0},
                        {knobStages, 4}}});
    });
  if (!isMade)
    plan.graph.reset();
}

AttentionPlan pprt::cuda::planAttention(const PlanTarget &target,
                                        const pprt_gpu_attention &shape,
                                        bool isBackward) {
  return Planner(target, shape, isBackward).run();
}
