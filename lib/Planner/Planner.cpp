//===- Planner.cpp - Options that keep to a memory limit ------------------===//
//
// Models are cut and schedules searched before layers are native, when the
// bytes of temporaries and gaps are estimates. The exact memory plan is the
// judge: where programs turn out to need more than the limit, the next search
// and the next partition count on so much less. A decision is never kept but
// as options.
//
//===----------------------------------------------------------------------===//

#include "pp/Planner/Planner.h"

#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/IR/Diagnostics.h"

#include <limits>

using namespace mlir;
using namespace pp;

static double predicted(ProgramOp program, StringRef key) {
  auto times = program->getAttrOfType<DictionaryAttr>(attr::kPredicted);
  auto value = times ? times.getAs<FloatAttr>(key) : FloatAttr();
  return value ? value.getValueAsDouble() : 0;
}

double pp::predictMakespan(ModuleOp module) {
  double longest = 0;
  for (ProgramOp program : getPrograms(module, ProgramKind::Step))
    longest = std::max(longest, predicted(program, "busy") /
                                    (1 - predicted(program, "bubble")));
  return longest;
}

/// What the largest program needs beyond the limit, if memory is planned.
static uint64_t bytesOver(uint64_t limit, ModuleOp module) {
  uint64_t most = 0;
  for (ProgramOp program : getPrograms(module, ProgramKind::Step))
    if (auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory))
      most = std::max<uint64_t>(
          most, report.getAs<IntegerAttr>("arena").getInt() +
                    report.getAs<IntegerAttr>("optimizer").getInt());
  return most > limit ? most - limit : 0;
}

namespace {
/// What may shrink where programs need too much.
enum class Budget { SearchAlone, SearchAndPartition };

class Planning {
public:
  Planning(ModuleOp model, PipelineOptions &options, PlanOracle toMemory)
      : model(model), options(options), toMemory(toMemory) {}

  /// Tries the schedule of the options, under smaller and smaller budgets.
  /// Whether a plan fits.
  bool tryCandidate(Budget budget);
  FailureOr<OwningOpRef<ModuleOp>> take();

private:
  LogicalResult tryOnce(OwningOpRef<ModuleOp> &module,
                        std::vector<Diagnostic> &said);

  ModuleOp model;
  PipelineOptions &options;
  PlanOracle toMemory;

  bool isFirst = true;
  OwningOpRef<ModuleOp> best;
  PipelineOptions bestOptions;
  double shortest = std::numeric_limits<double>::infinity();
  std::vector<Diagnostic> said; ///< of the best, or of the first that failed
};
} // namespace

LogicalResult Planning::tryOnce(OwningOpRef<ModuleOp> &module,
                                std::vector<Diagnostic> &saidNow) {
  module = model.clone();
  ScopedDiagnosticHandler keep(model.getContext(), [&](Diagnostic &diagnostic) {
    saidNow.push_back(std::move(diagnostic));
  });
  return toMemory(*module, options);
}

bool Planning::tryCandidate(Budget budget) {
  constexpr int mostTries = 6;
  OwningOpRef<ModuleOp> module;
  std::vector<Diagnostic> saidOfCandidate;
  LogicalResult result = failure();
  options.searchMemory = options.memoryLimit;
  if (budget == Budget::SearchAndPartition)
    options.partitionMemory = options.memoryLimit;
  for (int tries = 0;; ++tries) {
    std::vector<Diagnostic> saidNow;
    result = tryOnce(module, saidNow);
    // What the first try needs too much is what the user should know.
    if (tries == 0 || succeeded(result))
      saidOfCandidate = std::move(saidNow);
    uint64_t over = bytesOver(options.memoryLimit, *module);
    uint64_t less = over + (options.memoryLimit / 128 << tries);
    if (succeeded(result) || !over || less >= options.searchMemory ||
        tries == mostTries)
      break;
    options.searchMemory = options.searchMemory - less;
    if (budget == Budget::SearchAndPartition)
      options.partitionMemory = options.searchMemory;
  }
  double makespan = failed(result) ? std::numeric_limits<double>::infinity()
                                   : predictMakespan(*module);
  if (isFirst || makespan < shortest)
    said = std::move(saidOfCandidate);
  isFirst = false;
  if (makespan < shortest) {
    shortest = makespan;
    best = std::move(module);
    bestOptions = options;
  }
  return succeeded(result);
}

FailureOr<OwningOpRef<ModuleOp>> Planning::take() {
  for (Diagnostic &diagnostic : said)
    model.getContext()->getDiagEngine().emit(std::move(diagnostic));
  if (!best)
    return failure();
  options = bestOptions;
  return std::move(best);
}

/// A search for a limit has three candidates: a balanced partition, for which
/// little may have to be in flight; 1F1B with the partition that this needs;
/// and that partition with a schedule that is searched.
FailureOr<OwningOpRef<ModuleOp>> pp::planWithinLimit(ModuleOp model,
                                                     PipelineOptions &options,
                                                     PlanOracle toMemory) {
  Planning planning(model, options, toMemory);
  planning.tryCandidate(Budget::SearchAndPartition);
  if (options.schedule == "search") {
    std::string named = options.virtualStages > 1 ? "interleaved" : "1f1b";
    options.schedule = named;
    bool fits = planning.tryCandidate(Budget::SearchAndPartition);
    options.schedule = "search";
    options.searchAs = named;
    if (fits)
      planning.tryCandidate(Budget::SearchAlone);
  }
  return planning.take();
}
