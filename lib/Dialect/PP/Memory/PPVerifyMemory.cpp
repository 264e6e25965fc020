//===- PPVerifyMemory.cpp - No two live buffers share bytes ---------------===//

#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Dialect/PP/Memory/Passes.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/DenseSet.h"

namespace pp {
#define GEN_PASS_DEF_PPVERIFYMEMORY
#include "pp/Dialect/PP/Memory/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
/// A buffer with its place, whatever level it is of.
struct Placed {
  Operation *op;
  std::string what;
  memory::Interval interval;
  uint64_t offset;

  std::string range() const {
    return ("[" + Twine(offset) + ", " + Twine(offset + interval.size) + ")")
        .str();
  }
};
} // namespace

static LogicalResult check(ArrayRef<Placed> buffers, uint64_t size,
                           StringRef where) {
  std::vector<memory::Interval> intervals;
  std::vector<uint64_t> offsets;
  for (const Placed &buffer : buffers) {
    if (buffer.offset % memory::kAlignment)
      return buffer.op->emitOpError("found its ")
             << buffer.what << " at offset " << buffer.offset
             << ", expected a multiple of " << memory::kAlignment;
    if (buffer.offset + buffer.interval.size > size)
      return buffer.op->emitOpError("found its ")
             << buffer.what << " at " << buffer.range()
             << ", expected it inside the " << where << " of " << size
             << " bytes";
    intervals.push_back(buffer.interval);
    offsets.push_back(buffer.offset);
  }
  if (auto overlap = memory::findOverlap(intervals, offsets)) {
    const Placed &a = buffers[overlap->first], &b = buffers[overlap->second];
    InFlightDiagnostic diagnostic =
        a.op->emitOpError("found its ")
        << a.what << " at " << a.range() << ", which overlaps " << b.what
        << " of '" << b.op->getName() << "' at " << b.range()
        << ", expected buffers that are live together to be disjoint; run "
           "pp-plan-memory again";
    diagnostic.attachNote(b.op->getLoc()) << "the other buffer is needed here";
    return diagnostic;
  }
  return success();
}

static LogicalResult verifyStage(func::FuncOp stage,
                                 SymbolTableCollection &symbols) {
  FailureOr<StageValues> values = StageValues::analyze(stage, symbols);
  if (failed(values))
    return failure();
  FailureOr<SmallVector<uint64_t>> offsets = values->readOffsets();
  if (failed(offsets))
    return failure();
  auto size = stage->getAttrOfType<IntegerAttr>(attr::kWorkspace);
  if (!size)
    return stage.emitOpError("found no pp.workspace, expected the bytes of "
                             "the stage's workspace; run pp-plan-memory");
  SmallVector<Placed> buffers;
  for (auto [item, offset] : llvm::zip(values->getItems(), *offsets)) {
    func::CallOp call = item.call;
    buffers.push_back({call,
                       item.result ? "result " + std::to_string(*item.result)
                                   : std::string("workspace"),
                       item.interval, offset});
  }
  return check(buffers, size.getInt(), "workspace");
}

/// Constraint 5: data, keys and losses are those of micro-batches of the step.
static LogicalResult verifyMicrobatches(ProgramOp program,
                                        int64_t microbatches) {
  int64_t shift = 0;
  for (Operation &op : program.getBody().front()) {
    if (auto loop = dyn_cast<BeginLoopOp>(op))
      shift = (loop.getRounds() - 1) * loop.getStep();
    else if (isa<EndLoopOp>(op))
      shift = 0;
    std::optional<int64_t> own = getMicrobatch(&op);
    if (own && *own + shift >= microbatches)
      return op.emitOpError("found micro-batch ")
             << *own + shift << ", expected a number below the " << microbatches
             << " micro-batches of the schedule";
  }
  return success();
}

/// Constraint 6: the states of what the program updates lie in their area.
static LogicalResult verifyStates(ProgramOp program,
                                  const ProgramBuffers &analysis,
                                  const ParameterStates &known) {
  auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory);
  auto bytes = report.getAs<IntegerAttr>("optimizer");
  auto offsets = program->getAttrOfType<DictionaryAttr>(attr::kStates);
  SmallVector<Placed> states;
  for (StateOp state : known.of(analysis.getOwned())) {
    auto offset = offsets ? offsets.getAs<IntegerAttr>(state.getSymNameAttr())
                          : IntegerAttr();
    if (!offset)
      return program.emitOpError("found no offset of the state '")
             << state.getSymName() << "' in " << attr::kStates
             << ", expected one; run pp-plan-memory";
    states.push_back({program,
                      ("state '" + state.getSymName() + "'").str(),
                      {*getTensorBytes(state.getType()), 0, 1},
                      uint64_t(offset.getInt())});
  }
  return check(states, bytes ? bytes.getInt() : 0, "area of states");
}

/// Constraint 3: an accumulator starts from zero in each step.
static LogicalResult verifyCleared(ProgramOp program,
                                   SymbolTableCollection &symbols) {
  DenseSet<std::pair<StringAttr, int64_t>> cleared;
  for (Operation &op : *program.getBody().begin()) {
    if (auto zero = dyn_cast<ZeroGradientOp>(op))
      cleared.insert({zero.getParameterAttr().getAttr(), zero.getUse()});
    auto run = dyn_cast<RunOp>(op);
    if (!run)
      continue;
    auto callee =
        symbols.lookupNearestSymbolFrom<func::FuncOp>(run, run.getCalleeAttr());
    for (unsigned i = 0; i < callee.getNumArguments(); ++i) {
      auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kGrad);
      if (!name)
        continue;
      int64_t use =
          callee.getArgAttrOfType<IntegerAttr>(i, attr::kUse).getInt();
      if (!cleared.contains({name, use}))
        return run.emitOpError("adds to the gradient of use ")
               << use << " of '" << name.getValue()
               << "', which this step has not cleared, expected "
                  "pp.zero_gradient before it";
    }
  }
  return success();
}

/// Constraint 7: a program that evaluates has all that the program of a step
/// keeps, in the same places of the same arena.
static LogicalResult verifyEvaluation(ProgramOp program, ProgramOp step) {
  auto fail = [&](const Twine &found) {
    InFlightDiagnostic diagnostic =
        program.emitOpError("found ")
        << found
        << ", expected what the program of a step has on its pipe "
           "coordinate; run pp-plan-memory again";
    if (step)
      diagnostic.attachNote(step.getLoc()) << "that program is here";
    return diagnostic;
  };
  if (!step)
    return fail("no program of a step beside it");
  for (StringRef name : {attr::kParameters, attr::kStates})
    if (program->getAttr(name) != step->getAttr(name))
      return fail("other places in " + name);
  auto arenaOf = [](ProgramOp of) {
    auto report = of->getAttrOfType<DictionaryAttr>(attr::kMemory);
    return report ? report.get("arena") : Attribute();
  };
  if (arenaOf(program) != arenaOf(step))
    return fail("an arena of another size");
  return success();
}

namespace {
/// As check(), for a program with loops: every round counts. Which two
/// instances meet is found for all programs at a time.
class SeriesCheck {
public:
  SeriesCheck(ProgramBuffers buffers, std::vector<BufferOffsets> offsets)
      : analysis(std::move(buffers)), offsets(std::move(offsets)) {}

  /// Every slot by itself.
  LogicalResult checkSlots(uint64_t arena) const;
  void compare();
  LogicalResult report() const;

private:
  std::string rangeAt(const Buffer &buffer, uint64_t offset) const {
    uint64_t end = offset + buffer.interval.size;
    return ("[" + Twine(offset) + ", " + Twine(end) + ")").str();
  }

  ProgramBuffers analysis;
  std::vector<BufferOffsets> offsets;
  std::optional<memory::RingOverlap> overlap;
};
} // namespace

LogicalResult SeriesCheck::checkSlots(uint64_t arena) const {
  for (auto [buffer, places] : llvm::zip(analysis.getBuffers(), offsets))
    for (uint64_t offset : places.slots) {
      if (offset % memory::kAlignment)
        return buffer.op->emitOpError("found its ")
               << buffer.describe() << " at offset " << offset
               << ", expected a multiple of " << memory::kAlignment;
      if (offset + buffer.interval.size > arena)
        return buffer.op->emitOpError("found its ")
               << buffer.describe() << " at " << rangeAt(buffer, offset)
               << ", expected it inside the arena of " << arena << " bytes";
    }
  return success();
}

void SeriesCheck::compare() {
  std::vector<memory::Ring> rings;
  for (const Buffer &buffer : analysis.getBuffers()) {
    rings.push_back({buffer.interval.size, buffer.lives});
    if (buffer.lives.empty())
      rings.back().lives = {{buffer.interval.begin, buffer.interval.end}};
  }
  overlap = memory::findOverlap(rings, offsets);
}

LogicalResult SeriesCheck::report() const {
  if (!overlap)
    return success();
  auto bufferOf = [&](int side) -> const Buffer & {
    return analysis.getBuffers()[overlap->ring[side]];
  };
  auto describe = [&](int side) {
    const Buffer &buffer = bufferOf(side);
    size_t instance = overlap->instance[side];
    std::string text = buffer.describe();
    if (buffer.series)
      text += " of micro-batch " + std::to_string(instance);
    return text + " at " +
           rangeAt(buffer, offsets[overlap->ring[side]].at(instance));
  };
  const Buffer &a = bufferOf(0), &b = bufferOf(1);
  InFlightDiagnostic diagnostic =
      a.op->emitOpError("found its ")
      << describe(0) << ", which overlaps " << describe(1) << " of '"
      << b.op->getName()
      << "', expected buffers that are live together to be disjoint; run "
         "pp-plan-memory again";
  diagnostic.attachNote(b.op->getLoc()) << "the other buffer is needed here";
  return diagnostic;
}

/// Leaves what takes long to `later`.
static LogicalResult verifyProgram(ProgramOp program,
                                   SymbolTableCollection &symbols,
                                   const StepFunctions &functions,
                                   const ParameterStates &states,
                                   std::vector<SeriesCheck> &later) {
  FailureOr<ProgramBuffers> analysis =
      ProgramBuffers::analyze(program, symbols, functions);
  if (failed(analysis))
    return failure();
  FailureOr<std::vector<BufferOffsets>> offsets =
      analysis->readOffsets(program);
  if (failed(offsets))
    return failure();
  auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory);
  auto arena = report ? report.getAs<IntegerAttr>("arena") : IntegerAttr();
  if (!arena)
    return program.emitOpError("found no pp.memory with the size of the "
                               "arena, expected one; run pp-plan-memory");
  if (failed(verifyStates(program, *analysis, states)) ||
      failed(verifyCleared(program, symbols)))
    return failure();
  if (program.hasLoops()) {
    later.emplace_back(std::move(*analysis), std::move(*offsets));
    return later.back().checkSlots(arena.getInt());
  }
  SmallVector<Placed> buffers;
  for (auto [buffer, places] : llvm::zip(analysis->getBuffers(), *offsets))
    buffers.push_back(
        {buffer.op, buffer.describe(), buffer.interval, places.slots.front()});
  return check(buffers, arena.getInt(), "arena");
}

LogicalResult pp::verifyMemory(ModuleOp module) {
  SymbolTableCollection symbols;
  for (func::FuncOp stage : getStageFunctions(module, symbols))
    if (failed(verifyStage(stage, symbols)))
      return failure();
  const StepFunctions functions(module);
  const ParameterStates states(module);
  std::vector<SeriesCheck> series;
  auto schedules = module.getOps<ScheduleOp>();
  const int64_t microbatches = schedules.empty()
                                   ? std::numeric_limits<int64_t>::max()
                                   : (*schedules.begin()).getMicrobatches();
  for (ProgramOp program : module.getOps<ProgramOp>())
    if (failed(verifyMicrobatches(program, microbatches)) ||
        failed(verifyProgram(program, symbols, functions, states, series)))
      return failure();
  DenseMap<int64_t, ProgramOp> steps;
  for (ProgramOp program : getPrograms(module, ProgramKind::Step))
    steps[program.getPipe()] = program;
  for (ProgramOp program : getPrograms(module, ProgramKind::Evaluation))
    if (failed(verifyEvaluation(program, steps.lookup(program.getPipe()))))
      return failure();
  parallelForEach(module.getContext(), series,
                  [](SeriesCheck &check) { check.compare(); });
  for (const SeriesCheck &check : series)
    if (failed(check.report()))
      return failure();
  return success();
}

namespace {
struct VerifyMemory : pp::impl::PPVerifyMemoryBase<VerifyMemory> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (failed(verifyMemory(getOperation())))
      signalPassFailure();
  }
};
} // namespace
