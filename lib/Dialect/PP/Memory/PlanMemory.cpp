//===- PlanMemory.cpp - Places of all buffers -----------------------------===//
//
// Stage functions first, since a rank program must find room for the workspace
// of the actions it runs; then the programs. Parameters and accumulators are
// live all the time, so they lie at the start of the arena, and only what comes
// and goes is a problem for the planner.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Dialect/PP/Memory/Passes.h"

#include "mlir/IR/Builders.h"

namespace pp {
#define GEN_PASS_DEF_PPPLANMEMORY
#include "pp/Dialect/PP/Memory/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

static LogicalResult
planStage(func::FuncOp stage, SymbolTableCollection &symbols, uint64_t effort) {
  FailureOr<StageValues> values = StageValues::analyze(stage, symbols);
  if (failed(values))
    return failure();
  std::vector<memory::Interval> intervals;
  for (const StageValues::Item &item : values->getItems())
    intervals.push_back(item.interval);
  memory::Plan plan = memory::planMemory(intervals, {effort});

  Builder builder(stage.getContext());
  DenseMap<Operation *, SmallVector<int64_t>> offsetsOf;
  for (auto [item, offset] : llvm::zip(values->getItems(), plan.offsets)) {
    func::CallOp call = item.call;
    if (!item.result) {
      call->setAttr(attr::kWorkspaceOffset, builder.getI64IntegerAttr(offset));
      continue;
    }
    SmallVector<int64_t> &offsets = offsetsOf[call];
    offsets.resize(call.getNumResults(), -1);
    offsets[*item.result] = offset;
  }
  for (auto &[call, offsets] : offsetsOf)
    call->setAttr(attr::kOffsets, builder.getDenseI64ArrayAttr(offsets));
  stage->setAttr(attr::kWorkspace, builder.getI64IntegerAttr(plan.bytes));
  return success();
}

/// The bytes of each kind of the placed buffers when most bytes are live.
static void addPeak(MLIRContext *context, ArrayRef<Buffer> buffers,
                    NamedAttrList &report) {
  std::vector<int64_t> change;
  for (const Buffer &buffer : buffers) {
    if (change.size() <= buffer.interval.end)
      change.resize(buffer.interval.end + 1);
    int64_t bytes = memory::alignUp(buffer.interval.size);
    change[buffer.interval.begin] += bytes;
    change[buffer.interval.end] -= bytes;
  }
  int64_t live = 0, most = -1;
  uint32_t peak = 0;
  for (auto [time, delta] : llvm::enumerate(change))
    if ((live += delta) > most) {
      most = live;
      peak = time;
    }
  int64_t bytesOf[5] = {};
  for (const Buffer &buffer : buffers)
    if (buffer.interval.begin <= peak && peak < buffer.interval.end)
      bytesOf[int(buffer.kind)] += memory::alignUp(buffer.interval.size);
  Builder builder(context);
  for (BufferKind kind :
       {BufferKind::Parameter, BufferKind::Gradient, BufferKind::Activation,
        BufferKind::Communication, BufferKind::Workspace})
    report.set(getBufferKindName(kind),
               builder.getI64IntegerAttr(bytesOf[int(kind)]));
}

static LogicalResult planProgram(ProgramOp program,
                                 SymbolTableCollection &symbols,
                                 uint64_t effort, uint64_t limit) {
  FailureOr<ProgramBuffers> analysis =
      ProgramBuffers::analyze(program, symbols);
  if (failed(analysis))
    return failure();
  ArrayRef<Buffer> buffers = analysis->getBuffers();

  // Parameters, then accumulators, then the rest.
  std::vector<uint64_t> offsets(buffers.size());
  uint64_t fixed = 0;
  for (BufferKind kind : {BufferKind::Parameter, BufferKind::Gradient})
    for (auto [buffer, offset] : llvm::zip(buffers, offsets))
      if (buffer.kind == kind) {
        offset = fixed;
        fixed += memory::alignUp(buffer.interval.size);
      }
  std::vector<memory::Interval> intervals;
  SmallVector<unsigned> moving;
  for (auto [number, buffer] : llvm::enumerate(buffers))
    if (buffer.kind != BufferKind::Parameter &&
        buffer.kind != BufferKind::Gradient) {
      intervals.push_back(buffer.interval);
      moving.push_back(number);
    }
  memory::Plan plan = memory::planMemory(intervals, {effort});
  for (auto [number, offset] : llvm::zip(moving, plan.offsets))
    offsets[number] = fixed + offset;

  Builder builder(program.getContext());
  NamedAttrList parameters;
  llvm::MapVector<StringAttr, SmallVector<int64_t>> gradients;
  DenseMap<Operation *, SmallVector<int64_t>> offsetsOf;
  for (auto [buffer, offset] : llvm::zip(buffers, offsets)) {
    switch (buffer.kind) {
    case BufferKind::Parameter:
      parameters.set(buffer.parameter, builder.getI64IntegerAttr(offset));
      break;
    case BufferKind::Gradient: {
      SmallVector<int64_t> &uses = gradients[buffer.parameter];
      if (int64_t(uses.size()) <= buffer.use)
        uses.resize(buffer.use + 1, -1);
      uses[buffer.use] = offset;
      break;
    }
    case BufferKind::Workspace:
      buffer.op->setAttr(attr::kWorkspaceOffset,
                         builder.getI64IntegerAttr(offset));
      break;
    case BufferKind::Activation:
    case BufferKind::Communication: {
      SmallVector<int64_t> &all = offsetsOf[buffer.op];
      if (all.size() <= buffer.result)
        all.resize(buffer.result + 1, -1);
      all[buffer.result] = offset;
      break;
    }
    }
  }
  for (auto &[op, all] : offsetsOf)
    op->setAttr(attr::kOffsets, builder.getDenseI64ArrayAttr(all));
  NamedAttrList gradientOffsets;
  for (auto &[name, uses] : gradients)
    gradientOffsets.set(name, builder.getDenseI64ArrayAttr(uses));

  // Masters come first: they are needed under any optimizer, the moments that
  // follow under AdamW only.
  llvm::MapVector<StringAttr, SmallVector<int64_t>> states;
  uint64_t masterBytes = 0, optimizerBytes = 0;
  auto forEachOwned = [&](auto action) {
    for (StringAttr name : analysis->getOwned()) {
      auto parameter =
          symbols.lookupNearestSymbolFrom<ParameterOp>(program, name);
      action(parameter, states[name],
             memory::alignUp(*getTensorBytes(parameter.getGradientType())));
    }
  };
  forEachOwned([&](ParameterOp parameter, auto &, uint64_t bytes) {
    masterBytes += parameter.hasMaster() ? bytes : 0;
  });
  optimizerBytes = masterBytes;
  uint64_t nextMaster = 0;
  forEachOwned([&](ParameterOp parameter, auto &state, uint64_t bytes) {
    state = {int64_t(optimizerBytes), int64_t(optimizerBytes + bytes)};
    optimizerBytes += 2 * bytes;
    if (!parameter.hasMaster())
      return;
    state.push_back(nextMaster);
    nextMaster += bytes;
  });
  NamedAttrList optimizer;
  for (auto &[name, state] : states)
    optimizer.set(name, builder.getDenseI64ArrayAttr(state));

  NamedAttrList report;
  addPeak(program.getContext(), buffers, report);
  uint64_t arena = fixed + plan.bytes;
  report.set("arena", builder.getI64IntegerAttr(arena));
  report.set("lower_bound", builder.getI64IntegerAttr(fixed + plan.lowerBound));
  report.set("optimizer", builder.getI64IntegerAttr(optimizerBytes));
  if (masterBytes)
    report.set("masters", builder.getI64IntegerAttr(masterBytes));
  program->setAttr(attr::kParameters,
                   parameters.getDictionary(program.getContext()));
  program->setAttr(attr::kGradients,
                   gradientOffsets.getDictionary(program.getContext()));
  program->setAttr(attr::kOptimizer,
                   optimizer.getDictionary(program.getContext()));
  program->setAttr(attr::kMemory, report.getDictionary(program.getContext()));

  if (limit && arena + optimizerBytes > limit)
    return program.emitOpError("found ")
           << arena + optimizerBytes << " bytes (arena " << arena
           << ", optimizer " << optimizerBytes << "), expected at most "
           << limit
           << "; use more ranks, recompute layers in backward or fewer "
              "micro-batches in flight";
  return success();
}

namespace {
struct PlanMemory : pp::impl::PPPlanMemoryBase<PlanMemory> {
  using PPPlanMemoryBase::PPPlanMemoryBase;

  void runOnOperation() override {
    SymbolTableCollection symbols;
    for (func::FuncOp stage : getStageFunctions(getOperation(), symbols))
      if (failed(planStage(stage, symbols, effort)))
        return signalPassFailure();
    bool anyFailed = false;
    for (ProgramOp program : getOperation().getOps<ProgramOp>())
      anyFailed |= failed(planProgram(program, symbols, effort, limit));
    if (anyFailed)
      signalPassFailure();
  }
};
} // namespace
