//===- PPSchedule.cpp - Attach a schedule to the plan ---------------------===//
//
// The order of actions comes from the schedule library, by name or by search,
// or from a file in PyTorch's format; here it becomes IR. Its shape is checked
// against the stages, everything else is for pp-verify-plan.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "Options.h"
#include "pp/Dialect/PP/Analysis/StageMemory.h"
#include "pp/Dialect/PP/Analysis/Times.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Load.h"
#include "pp/Schedule/Search.h"
#include "pp/Schedule/Verifier.h"

#include <limits>

namespace pp {
#define GEN_PASS_DEF_PPSCHEDULE
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
class AttachSchedule : public pp::impl::PPScheduleBase<AttachSchedule> {
public:
  using PPScheduleBase::PPScheduleBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    // A file says itself how many micro-batches there are.
    if (failed(checkOption(module, "microbatches", microbatches, 0,
                           limits::kMicrobatches)) ||
        failed(
            checkOption(module, "virtual", virtualStages, 0, limits::kRanks)) ||
        failed(checkOption(module, "replicas", replicas, 1, limits::kRanks)))
      return signalPassFailure();
    int64_t stages = 0;
    Operation *last = nullptr;
    for (StageOp stage : module.getOps<StageOp>()) {
      ++stages;
      last = stage;
    }
    if (!stages) {
      module.emitError() << "found no pp.stage, expected a plan: run "
                            "pp-differentiate on a model first";
      return signalPassFailure();
    }
    FailureOr<schedule::Schedule> result =
        schedule == "search" ? find() : load(stages);
    if (failed(result))
      return signalPassFailure();
    for (ScheduleOp old :
         llvm::make_early_inc_range(module.getOps<ScheduleOp>()))
      old.erase();
    attach(last, *result);
  }

private:
  FailureOr<schedule::Schedule>
  orError(schedule::Result<schedule::Schedule> result) {
    if (!result)
      return getOperation().emitError() << result.error();
    return std::move(*result);
  }

  FailureOr<schedule::Schedule> load(int64_t stages) {
    schedule::Setting setting;
    setting.microbatches = microbatches;
    setting.splitBackward = split;
    setting.virtualStages = virtualStages;
    auto loaded = orError(schedule::loadForStages(schedule, stages, setting));
    if (failed(loaded) || failed(checkTransfers(*loaded)))
      return failure();
    for (const std::string &note : loaded->notes)
      getOperation().emitWarning() << schedule << ": " << note;
    return loaded;
  }

  /// A file may say where transfers are posted. pp-place-communication decides
  /// that anew for the values that stages really exchange; what the file says
  /// has to be right all the same.
  LogicalResult checkTransfers(const schedule::Schedule &loaded) {
    if (llvm::all_of(loaded.transfers, [](auto &row) { return row.empty(); }))
      return success();
    std::vector<std::string> problems = schedule::verify(loaded);
    for (const std::string &problem : problems)
      getOperation().emitError() << schedule << ": " << problem;
    if (!problems.empty())
      return failure();
    getOperation().emitWarning()
        << "found transfers in the schedule '" << schedule
        << "': they are legal, but programs do not post there; they post where "
           "pp-place-communication can prove it, receives early";
    return success();
  }

  /// The fastest one for the stages' times and memory.
  FailureOr<schedule::Schedule> find() {
    ModuleOp module = getOperation();
    SmallVector<StageOp> stages(module.getOps<StageOp>());
    llvm::sort(stages, [](StageOp a, StageOp b) {
      return a.getIndex() < b.getIndex();
    });
    int64_t each = std::max<int64_t>(virtualStages, 1);
    if (int64_t(stages.size()) % each != 0)
      return module.emitError()
             << "found " << stages.size() << " stages and virtual=" << each
             << ", expected a multiple of that: cut the model into another "
                "number of stages";
    if (failed(checkOption(module, "microbatches", microbatches, 1,
                           limits::kMicrobatches)))
      return failure();
    FailureOr<Times> times =
        Times::get(module, {{flops, bandwidth, transfer, latency}, profile});
    if (failed(times))
      return failure();
    schedule::SearchProblem problem;
    problem.ranks = int32_t(stages.size() / each);
    problem.microbatches = int32_t(microbatches);
    problem.costs = times->costsOf(
        stages, Times::Replicas{/*count=*/replicas, /*cutsStates=*/zero});
    problem.memory = memoryOf(stages, zero ? int64_t(replicas) : 1);
    if (memory == 0)
      return orError(schedule::search(problem));
    constexpr auto most = uint64_t(std::numeric_limits<int64_t>::max());
    problem.memoryCap = {int64_t(std::min<uint64_t>(memory, most))};
    // What is needed for moments is estimated from above: rather use less than
    // find in the end that the schedule does not fit. pp-plan-memory decides.
    for (int halvings = 0; halvings < 4; ++halvings) {
      if (auto found = schedule::search(problem))
        return std::move(*found);
      for (std::vector<int64_t> *sizes :
           {&problem.memory.duringForward, &problem.memory.duringBackward,
            &problem.memory.duringInputGradient,
            &problem.memory.duringWeightGradient})
        for (int64_t &size : *sizes)
          size = halvings < 2 ? size / 2 : 0;
    }
    return orError(schedule::search(problem));
  }

  static void attach(Operation *after, const schedule::Schedule &schedule) {
    OpBuilder builder(after->getContext());
    builder.setInsertionPointAfter(after);
    SmallVector<int64_t> placement(schedule.placement.begin(),
                                   schedule.placement.end());
    SmallVector<std::string> rows;
    for (const auto &row : schedule.ranks)
      rows.push_back(schedule::printRow(row));
    SmallVector<StringRef> texts(rows.begin(), rows.end());
    StringRef name = schedule.name.empty() ? "file" : StringRef(schedule.name);
    ScheduleOp::create(builder, after->getLoc(), name, schedule.microbatches,
                       /*groups=*/IntegerAttr(), placement,
                       builder.getStrArrayAttr(texts));
  }
};
} // namespace
