//===- PPSchedule.cpp - Attach a schedule to the plan
//-----------------------===//
//
// The order of actions comes from the schedule library or from a file in
// PyTorch's format; here it becomes IR. Its shape is checked against the
// stages, everything else is for pp-verify-plan.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Generators.h"

#include "llvm/Support/MemoryBuffer.h"

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
    schedule::Result<schedule::Schedule> result = make(stages);
    if (!result) {
      module.emitError() << result.error();
      return signalPassFailure();
    }
    if (result->stages != stages) {
      module.emitError() << "found a schedule for " << result->stages
                         << " stages, expected the " << stages
                         << " stages of the plan";
      return signalPassFailure();
    }
    for (ScheduleOp old :
         llvm::make_early_inc_range(module.getOps<ScheduleOp>()))
      old.erase();
    attach(last, *result);
  }

private:
  schedule::Result<schedule::Schedule> make(int64_t stages) {
    if (file.empty()) {
      auto result =
          schedule::generate(std::string_view(schedule),
                             {int32_t(stages), int32_t(microbatches), split});
      if (result && !schedule::hasOneStageARank(std::string_view(schedule)))
        return schedule::Error{
            "found schedule '" + schedule +
            "', which puts several stages on a rank, expected one that has one "
            "there, such as 1f1b or zb-h1"};
      return result;
    }
    auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
    if (!buffer)
      return schedule::Error{"found no schedule in " + file + " (" +
                             buffer.getError().message() +
                             "), expected a file with a row of actions a rank"};
    StringRef text = (*buffer)->getBuffer();
    return schedule::parseCSV(std::string_view(text.data(), text.size()));
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
                       placement, builder.getStrArrayAttr(texts));
  }
};
} // namespace
