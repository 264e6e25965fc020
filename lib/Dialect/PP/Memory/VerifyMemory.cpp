//===- VerifyMemory.cpp - No two live buffers share bytes -----------------===//

#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Dialect/PP/Memory/Passes.h"

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

/// As check(), for a program with loops: every round counts.
static LogicalResult checkSeries(ProgramOp program, ArrayRef<Buffer> buffers,
                                 ArrayRef<BufferOffsets> offsets,
                                 uint64_t arena) {
  std::vector<memory::Ring> rings;
  std::vector<std::vector<uint64_t>> slots;
  auto range = [&](size_t buffer, uint64_t offset) {
    uint64_t end = offset + buffers[buffer].interval.size;
    return ("[" + Twine(offset) + ", " + Twine(end) + ")").str();
  };
  for (auto [number, buffer] : llvm::enumerate(buffers)) {
    for (uint64_t offset : offsets[number]) {
      if (offset % memory::kAlignment)
        return buffer.op->emitOpError("found its ")
               << buffer.describe() << " at offset " << offset
               << ", expected a multiple of " << memory::kAlignment;
      if (offset + buffer.interval.size > arena)
        return buffer.op->emitOpError("found its ")
               << buffer.describe() << " at " << range(number, offset)
               << ", expected it inside the arena of " << arena << " bytes";
    }
    std::vector<memory::Span> lives = buffer.lives;
    if (lives.empty())
      lives.push_back({buffer.interval.begin, buffer.interval.end});
    rings.push_back({buffer.interval.size, std::move(lives)});
    slots.emplace_back(offsets[number].begin(), offsets[number].end());
  }
  auto overlap = memory::findOverlap(rings, slots);
  if (!overlap)
    return success();
  auto describe = [&](int side) {
    size_t number = overlap->ring[side], instance = overlap->instance[side];
    std::string text = buffers[number].describe();
    if (buffers[number].series)
      text += " of micro-batch " + std::to_string(instance);
    return text + " at " +
           range(number, offsets[number][instance % offsets[number].size()]);
  };
  const Buffer &a = buffers[overlap->ring[0]], &b = buffers[overlap->ring[1]];
  InFlightDiagnostic diagnostic =
      a.op->emitOpError("found its ")
      << describe(0) << ", which overlaps " << describe(1) << " of '"
      << b.op->getName()
      << "', expected buffers that are live together to be disjoint; run "
         "pp-plan-memory again";
  diagnostic.attachNote(b.op->getLoc()) << "the other buffer is needed here";
  return diagnostic;
}

static LogicalResult verifyProgram(ProgramOp program,
                                   SymbolTableCollection &symbols) {
  FailureOr<ProgramBuffers> analysis =
      ProgramBuffers::analyze(program, symbols);
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
  if (program.hasLoops()) {
    if (failed(checkSeries(program, analysis->getBuffers(), *offsets,
                           arena.getInt())))
      return failure();
    return verifyCleared(program, symbols);
  }
  SmallVector<Placed> buffers;
  for (auto [buffer, slots] : llvm::zip(analysis->getBuffers(), *offsets))
    buffers.push_back(
        {buffer.op, buffer.describe(), buffer.interval, slots.front()});
  if (failed(check(buffers, arena.getInt(), "arena")))
    return failure();
  return verifyCleared(program, symbols);
}

namespace {
struct VerifyMemory : pp::impl::PPVerifyMemoryBase<VerifyMemory> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    SymbolTableCollection symbols;
    for (func::FuncOp stage : getStageFunctions(getOperation(), symbols))
      if (failed(verifyStage(stage, symbols)))
        return signalPassFailure();
    for (ProgramOp program : getOperation().getOps<ProgramOp>())
      if (failed(verifyProgram(program, symbols)))
        return signalPassFailure();
  }
};
} // namespace
