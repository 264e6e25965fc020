//===- Steps.cpp - A rank program, every round executed -------------------===//

#include "Steps.h"

#include <map>

using namespace mlir;
using namespace pp;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// All attributes of an op but its micro-batch and what of its tag follows from
/// that.
static Attribute attributesOf(Operation *op) {
  NamedAttrList attributes(op->getAttrDictionary());
  attributes.erase("microbatch");
  std::optional<int64_t> microbatch = getMicrobatch(op);
  if (auto tag = dyn_cast_or_null<IntegerAttr>(attributes.get("tag")))
    attributes.set(
        "tag",
        IntegerAttr::get(tag.getType(), tag.getInt() - microbatch.value_or(0)));
  return attributes.getDictionary(op->getContext());
}

/// All that an op reads is of its own micro-batch, or of none.
static bool readsOwnMicrobatch(Operation *op) {
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    auto made = getMicrobatch(operand.getDefiningOp());
    return !made || made == getMicrobatch(op);
  });
}

uint32_t Steps::addSeries(Operation *op) {
  Series series{op, {}, !getMicrobatch(op)};
  for (Value operand : op->getOperands())
    series.operands.emplace_back(numbers.lookup(operand.getDefiningOp()),
                                 cast<OpResult>(operand).getResultNumber());
  uint32_t number = all.size();
  numbers[op] = number;
  all.push_back(std::move(series));
  return number;
}

Steps Steps::read(ProgramOp program) {
  Steps result(program, program.hasLoops());
  Block &block = program.getBody().front();
  using Key = std::tuple<const void *, const void *,
                         SmallVector<std::pair<uint32_t, unsigned>, 2>,
                         SmallVector<const void *, 2>>;
  std::map<Key, uint32_t> known;
  bool areSeries = result.mayLoop || llvm::all_of(block, [](Operation &op) {
                     return readsOwnMicrobatch(&op);
                   });
  for (Operation &op : block) {
    if (isa<BeginLoopOp, EndLoopOp>(op))
      continue;
    uint32_t number = result.addSeries(&op);
    result.all[number].isOnce |= !areSeries;
    if (result.all[number].isOnce)
      continue;
    SmallVector<const void *, 2> types;
    for (Type type : op.getResultTypes())
      types.push_back(type.getAsOpaquePointer());
    Key key(op.getName().getAsOpaquePointer(),
            attributesOf(&op).getAsOpaquePointer(), result.all[number].operands,
            std::move(types));
    auto [it, isNew] = known.try_emplace(std::move(key), number);
    if (isNew)
      continue;
    result.numbers[&op] = it->second;
    result.all.pop_back();
  }
  program.walkSteps([&](Operation *op, int64_t shift) {
    uint32_t number = result.numbers.lookup(op);
    result.append(number, result.all[number].isOnce
                              ? kOnce
                              : int32_t(*getMicrobatch(op) + shift));
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

void Steps::move(ArrayRef<std::optional<size_t>> before) {
  // The steps in front of each, in order, by counting.
  std::vector<uint32_t> starts(steps.size() + 1, 0);
  for (std::optional<size_t> place : before)
    if (place)
      ++starts[*place + 1];
  for (size_t i = 0; i != steps.size(); ++i)
    starts[i + 1] += starts[i];
  std::vector<uint32_t> next(starts.begin(), starts.end() - 1);
  std::vector<Step> moved(starts.back());
  for (auto [step, place] : llvm::zip_equal(steps, before))
    if (place)
      moved[next[*place]++] = step;
  std::vector<Step> result;
  result.reserve(steps.size());
  for (size_t i = 0; i != steps.size(); ++i) {
    result.insert(result.end(), moved.begin() + starts[i],
                  moved.begin() + starts[i + 1]);
    if (!before[i])
      result.push_back(steps[i]);
  }
  steps = std::move(result);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Makes an op for each step that is written out. Where there are loops, an
/// operand stands for the value in all micro-batches: any op of its series that
/// stands before will do.
class Steps::Writer {
public:
  Writer(Steps &steps, bool hasLoops)
      : steps(steps), hasLoops(hasLoops), made(steps.all.size()),
        builder(OpBuilder::atBlockEnd(&steps.program.getBody().front())) {}

  void write(const Step &step) {
    const Series &series = steps.seriesOf(step);
    Operation *op = builder.clone(*series.op);
    for (auto [index, operand] : llvm::enumerate(series.operands))
      op->setOperand(
          index,
          find(operand.first, step.microbatch)->getResult(operand.second));
    // What a wait names besides its token is that of the post.
    if (auto wait = dyn_cast<WaitSendOp>(op))
      wait.getBufferMutable().assign(
          wait.getToken().getDefiningOp<ISendOp>().getBuffer());
    else if (auto finish = dyn_cast<FinishOp>(op))
      finish.getOperandMutable().assign(
          finish.getToken().getDefiningOp<StartOp>().getOperand());
    if (!series.isOnce) {
      // A wait without a micro-batch has that of what it waits for.
      auto rank = cast<RankOpInterface>(op);
      int64_t by = step.microbatch - *rank.getInstance();
      bool isWait = isa<WaitOp, WaitSendOp, FinishOp>(op);
      if (by || (isWait && hasLoops))
        rank.moveInstance(by);
    }
    Made &ofSeries = made[step.series];
    ofSeries.last = op;
    ofSeries.byMicrobatch[step.microbatch] = op;
  }

  void beginLoop(const schedule::Loop &loop) {
    Operation *first = steps.seriesOf(steps.steps[loop.begin]).op;
    BeginLoopOp::create(builder, first->getLoc(), loop.rounds, loop.step);
  }
  void endLoop(const schedule::Loop &loop) {
    Operation *first = steps.seriesOf(steps.steps[loop.begin]).op;
    EndLoopOp::create(builder, first->getLoc());
  }

  /// The new ops take the place of those that stand for their series.
  void finish(Block &block, Operation *lastOld) {
    for (auto [series, ofSeries] : llvm::zip_equal(steps.all, made))
      series.op = ofSeries.last;
    for (Operation *op = lastOld; op;) {
      Operation *previous = op->getPrevNode();
      op->erase();
      op = previous;
    }
    steps.numbers.clear();
    for (auto [number, series] : llvm::enumerate(steps.all))
      if (series.op)
        steps.numbers[series.op] = number;
  }

private:
  struct Made {
    Operation *last = nullptr;
    DenseMap<int32_t, Operation *> byMicrobatch;
  };

  Operation *find(uint32_t series, int32_t microbatch) {
    Made &ofSeries = made[series];
    auto it = ofSeries.byMicrobatch.find(steps.all[series].isOnce ? kOnce
                                                                  : microbatch);
    return it == ofSeries.byMicrobatch.end() ? ofSeries.last : it->second;
  }

  Steps &steps;
  bool hasLoops;
  std::vector<Made> made; ///< of each series
  OpBuilder builder;
};

unsigned Steps::write() {
  std::vector<schedule::Loop> loops;
  if (mayLoop)
    loops = schedule::findLoops(steps);
  Block &block = program.getBody().front();
  Operation *lastOld = block.empty() ? nullptr : &block.back();
  Writer writer(*this, !loops.empty());
  size_t next = 0;
  auto writeUpTo = [&](size_t end) {
    for (; next != end; ++next)
      writer.write(steps[next]);
  };
  for (const schedule::Loop &loop : loops) {
    writeUpTo(loop.begin);
    writer.beginLoop(loop);
    writeUpTo(loop.begin + loop.period);
    writer.endLoop(loop);
    next = loop.end();
  }
  writeUpTo(steps.size());
  writer.finish(block, lastOld);
  return loops.size();
}
