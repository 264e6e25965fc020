//===- PPSchedule.cpp - Attach a schedule to the plan ---------------------===//
//
// The order of actions comes from the schedule library or from a file in
// PyTorch's format; here it becomes IR. Its shape is checked against the
// stages, everything else is for pp-verify-plan.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Load.h"

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
    schedule::Setting setting;
    setting.microbatches = microbatches;
    setting.splitBackward = split;
    setting.virtualStages = virtualStages;
    schedule::Result<schedule::Schedule> result =
        schedule::loadForStages(schedule, stages, setting);
    if (!result) {
      module.emitError() << result.error();
      return signalPassFailure();
    }
    for (ScheduleOp old :
         llvm::make_early_inc_range(module.getOps<ScheduleOp>()))
      old.erase();
    attach(last, *result);
  }

private:
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
                       placement, builder.getStrArrayAttr(texts));
  }
};
} // namespace
