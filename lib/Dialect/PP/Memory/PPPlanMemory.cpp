//===- PPPlanMemory.cpp - Places of all buffers ---------------------------===//
//
// Stage functions first, since a rank program must find room for the workspace
// of the actions it runs; then the programs. Parameters and accumulators are
// live all the time, so they lie at the start of the arena, and only what comes
// and goes is a problem for the planner.
//
// A program that evaluates runs between two steps of another one, in its arena:
// parameters lie where that one has them, and all else may be anywhere beside.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Dialect/PP/Memory/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"

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
  auto add = [&](const Buffer &buffer, uint32_t begin, uint32_t end) {
    if (change.size() <= end)
      change.resize(end + 1);
    int64_t bytes = memory::alignUp(buffer.interval.size);
    change[begin] += bytes;
    change[end] -= bytes;
  };
  for (const Buffer &buffer : buffers) {
    for (const memory::Span &life : buffer.lives)
      add(buffer, life.begin, life.end);
    if (buffer.lives.empty())
      add(buffer, buffer.interval.begin, buffer.interval.end);
  }
  int64_t live = 0, most = -1;
  uint32_t peak = 0;
  for (auto [time, delta] : llvm::enumerate(change))
    if ((live += delta) > most) {
      most = live;
      peak = time;
    }
  int64_t bytesOf[5] = {};
  for (const Buffer &buffer : buffers) {
    auto addIf = [&](uint32_t begin, uint32_t end) {
      if (begin <= peak && peak < end)
        bytesOf[int(buffer.kind)] += memory::alignUp(buffer.interval.size);
    };
    for (const memory::Span &life : buffer.lives)
      addIf(life.begin, life.end);
    if (buffer.lives.empty())
      addIf(buffer.interval.begin, buffer.interval.end);
  }
  Builder builder(context);
  for (BufferKind kind :
       {BufferKind::Parameter, BufferKind::Gradient, BufferKind::Activation,
        BufferKind::Communication, BufferKind::Workspace})
    report.set(getBufferKindName(kind),
               builder.getI64IntegerAttr(bytesOf[int(kind)]));
}

/// Each buffer lives once.
static memory::RingPlan planIntervals(ArrayRef<Buffer> buffers,
                                      ArrayRef<unsigned> moving,
                                      uint64_t effort) {
  std::vector<memory::Interval> intervals;
  for (unsigned number : moving)
    intervals.push_back(buffers[number].interval);
  memory::Plan plan = memory::planMemory(intervals, {effort});
  memory::RingPlan result;
  for (uint64_t offset : plan.offsets)
    result.places.push_back({{offset}});
  result.bytes = plan.bytes;
  result.lowerBound = plan.lowerBound;
  return result;
}

/// Each buffer lives once for each micro-batch.
static memory::RingPlan planSeries(ProgramOp program, ArrayRef<Buffer> buffers,
                                   ArrayRef<unsigned> moving, uint64_t effort) {
  auto loops = program.getBody().front().getOps<BeginLoopOp>();
  std::vector<memory::Ring> rings;
  for (unsigned number : moving)
    rings.push_back({buffers[number].interval.size, buffers[number].lives,
                     buffers[number].inLoops});
  return memory::planRings(rings, (*loops.begin()).getStep(), {effort});
}

namespace {
/// Parameters, then accumulators, then the rest.
class ProgramPlanner {
public:
  ProgramPlanner(ProgramOp program, ProgramBuffers given)
      : program(program), analysis(std::move(given)),
        offsets(analysis.getBuffers().size()) {
    ArrayRef<Buffer> buffers = analysis.getBuffers();
    for (BufferKind kind : {BufferKind::Parameter, BufferKind::Gradient})
      for (auto [buffer, offset] : llvm::zip(buffers, offsets))
        if (buffer.kind == kind) {
          offset = fixed;
          fixed += memory::alignUp(buffer.interval.size);
          if (kind == BufferKind::Parameter)
            parameters[buffer.parameter] = {offset, buffer.interval.size};
        }
    for (auto [number, buffer] : llvm::enumerate(buffers))
      if (buffer.kind != BufferKind::Parameter &&
          buffer.kind != BufferKind::Gradient)
        moving.push_back(number);
  }

  /// Lets a program that evaluates keep what `ofStep` holds where that one has
  /// it, before any other place is chosen. Fails where it holds something else.
  LogicalResult follow(const ProgramPlanner &ofStep) {
    step = &ofStep;
    fixed = 0;
    for (auto [buffer, offset] : llvm::zip(analysis.getBuffers(), offsets)) {
      if (buffer.kind != BufferKind::Parameter)
        continue;
      auto known = ofStep.parameters.find(buffer.parameter);
      if (known == ofStep.parameters.end() ||
          known->second.size < buffer.interval.size)
        return program.emitOpError("found parameter '")
               << buffer.parameter.getValue() << "' of " << buffer.interval.size
               << " bytes, expected what the program of a step on pipe "
                  "coordinate "
               << program.getPipe() << " holds";
      offset = known->second.offset;
      fixed = std::max(fixed, offset + memory::alignUp(known->second.size));
    }
    return success();
  }

  /// Changes nothing else: several at a time may do this.
  void place(uint64_t effort) {
    ArrayRef<Buffer> buffers = analysis.getBuffers();
    plan = program.hasLoops() ? planSeries(program, buffers, moving, effort)
                              : planIntervals(buffers, moving, effort);
    for (auto [number, places] : llvm::zip(moving, plan.places)) {
      for (uint64_t &slot : places.slots)
        slot += fixed;
      offsets[number] = places.slots.front();
    }
  }

  /// Bytes up to the end of the last buffer.
  uint64_t getBytes() const { return fixed + plan.bytes; }
  /// `arena`: its bytes, which several programs may share.
  LogicalResult write(const ParameterStates &known, uint64_t arena,
                      uint64_t limit);

private:
  struct Place {
    uint64_t offset, size;
  };

  ProgramOp program;
  ProgramBuffers analysis;
  std::vector<uint64_t> offsets; ///< of each buffer, of a series its first
  uint64_t fixed = 0;            ///< bytes of what lives all the time
  SmallVector<unsigned> moving;
  memory::RingPlan plan; ///< of what moves
  DenseMap<StringAttr, Place> parameters;
  const ProgramPlanner *step = nullptr; ///< of a program that evaluates
};
} // namespace

/// States of one kind lie together: a run needs them up to the last that its
/// optimizer reads.
LogicalResult ProgramPlanner::write(const ParameterStates &known,
                                    uint64_t arena, uint64_t limit) {
  ArrayRef<Buffer> buffers = analysis.getBuffers();
  Builder builder(program.getContext());
  NamedAttrList parameters;
  llvm::MapVector<StringAttr, SmallVector<int64_t>> gradients;
  DenseMap<Operation *, SmallVector<int64_t>> offsetsOf;
  NamedAttrList rings, workspaces;
  for (auto [number, places] : llvm::zip(moving, plan.places))
    if (const Buffer &buffer = buffers[number]; buffer.series)
      (buffer.kind == BufferKind::Workspace ? workspaces : rings)
          .set(buffer.series, makePlacesAttr(builder, places));
  for (auto [buffer, offset] : llvm::zip(buffers, offsets)) {
    if (buffer.series)
      continue;
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

  if (program.hasLoops()) {
    program->setAttr(attr::kRings, rings.getDictionary(program.getContext()));
    program->setAttr(attr::kWorkspaces,
                     workspaces.getDictionary(program.getContext()));
  }

  uint64_t optimizerBytes = 0;
  NamedAttrList states;
  for (StateOp state : known.of((step ? step : this)->analysis.getOwned())) {
    FailureOr<uint64_t> bytes = getTensorBytes(state.getType());
    if (failed(bytes))
      return state.emitOpError("found type ")
             << state.getType() << ", expected a statically shaped tensor";
    states.set(state.getSymNameAttr(),
               builder.getI64IntegerAttr(optimizerBytes));
    optimizerBytes += memory::alignUp(*bytes);
  }

  NamedAttrList report;
  addPeak(program.getContext(), buffers, report);
  report.set("arena", builder.getI64IntegerAttr(arena));
  if (step)
    report.set("needed", builder.getI64IntegerAttr(getBytes()));
  report.set("lower_bound", builder.getI64IntegerAttr(fixed + plan.lowerBound));
  report.set("optimizer", builder.getI64IntegerAttr(optimizerBytes));
  program->setAttr(attr::kParameters,
                   parameters.getDictionary(program.getContext()));
  program->setAttr(attr::kGradients,
                   gradientOffsets.getDictionary(program.getContext()));
  program->setAttr(attr::kStates, states.getDictionary(program.getContext()));
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
    const StepFunctions functions(getOperation());
    const ParameterStates states(getOperation());
    std::vector<ProgramPlanner> planners;
    // A step's program, and one that evaluates behind it: both are moved no
    // more.
    llvm::MapVector<int64_t, SmallVector<size_t, 2>> ofPipe;
    for (ProgramKind kind : {ProgramKind::Step, ProgramKind::Evaluation})
      for (ProgramOp program : getPrograms(getOperation(), kind)) {
        FailureOr<ProgramBuffers> buffers =
            ProgramBuffers::analyze(program, symbols, functions);
        if (failed(buffers))
          return signalPassFailure();
        ofPipe[program.getPipe()].push_back(planners.size());
        planners.emplace_back(program, std::move(*buffers));
      }
    for (auto &[pipe, numbers] : ofPipe)
      for (size_t number : ArrayRef(numbers).drop_front())
        if (failed(planners[number].follow(planners[numbers.front()])))
          return signalPassFailure();
    parallelForEach(&getContext(), planners,
                    [&](ProgramPlanner &planner) { planner.place(effort); });
    bool anyFailed = false;
    for (auto &[pipe, numbers] : ofPipe) {
      uint64_t arena = 0;
      for (size_t number : numbers)
        arena = std::max(arena, planners[number].getBytes());
      for (size_t number : numbers)
        anyFailed |= failed(planners[number].write(states, arena, limit));
    }
    if (anyFailed)
      signalPassFailure();
  }
};
} // namespace
