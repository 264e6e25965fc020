//===- PPFormLoops.cpp - Left out rounds come back as loops ---------------===//
//
// The program at hand is that of a shorter schedule. In each section two rounds
// that follow each other are compared op by op: equal but for micro-batches and
// tags, which must be one step further. Then the first of them may stand for
// all rounds left out: it becomes a loop. What is of the same kind and comes
// later belongs to later micro-batches than is written, by what was left out.
//
// Nothing here has to be believed: the loops stay only if they run what the
// schedule says and if the programs, every round executed, are proven.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "Shortened.h"
#include "pp/Dialect/PP/Analysis/Communication.h"
#include "pp/Dialect/PP/Analysis/Plan.h"
#include "pp/Limits.h"

#include "mlir/Pass/PassManager.h"

#include <map>
#include <set>

namespace pp {
#define GEN_PASS_DEF_PPFORMLOOPS
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

static SeriesKey keyOf(Operation *op) {
  if (auto rank = dyn_cast<RankOpInterface>(op))
    return rank.getSeriesKey();
  return {op->getName().getAsOpaquePointer(), nullptr, nullptr};
}

static std::optional<CommunicationEvent> eventOf(Operation *op) {
  auto rank = dyn_cast<RankOpInterface>(op);
  return rank ? rank.getCommunication() : std::nullopt;
}

static bool isWait(Operation *op) {
  auto event = eventOf(op);
  return event && event->kind == CommunicationEvent::Kind::Wait;
}

namespace {

class LoopBuilder {
public:
  LoopBuilder(ProgramOp program, const LeftOut &leftOut)
      : block(program.getBody().front()), leftOut(leftOut) {
    for (Operation &op : block) {
      if (isa<RunOp>(op))
        runs.push_back(ops.size());
      ops.push_back(&op);
      auto event = eventOf(&op);
      std::optional<uint64_t> tag;
      if (event && event->isTransfer())
        tag = event->tag;
      facts.push_back({keyOf(&op), getMicrobatch(&op), tag});
      for (Value operand : op.getOperands())
        facts.back().operands.emplace_back(
            keyOf(operand.getDefiningOp()),
            cast<OpResult>(operand).getResultNumber());
    }
  }

  /// Fails, with the program half changed, where a section has no two rounds
  /// that are alike.
  LogicalResult build();

  unsigned numLoops() const { return loops.size(); }

private:
  /// Ops [begin, end).
  struct Loop {
    size_t begin, end;
  };
  /// What is compared of an op.
  struct Facts {
    SeriesKey key;
    std::optional<int64_t> microbatch;
    std::optional<uint64_t> tag; ///< of a transfer
    SmallVector<std::pair<SeriesKey, unsigned>, 2> operands = {};
  };

  LogicalResult readOwnMicrobatch();
  std::optional<Loop> findLoop(const LeftOut::Section &section);
  void findLoopsOfWaits();
  bool isRound(size_t begin, size_t end);
  bool areAlike(size_t a, size_t b) const;
  LogicalResult shift();

  Block &block;
  const LeftOut &leftOut;
  SmallVector<Operation *> ops;
  std::vector<Facts> facts; ///< of each op
  SmallVector<size_t> runs; ///< their places among the ops
  SmallVector<Loop> loops;
  /// By distance: how many ops from each on are alike those so far behind.
  DenseMap<size_t, std::vector<size_t>> alikeAt;
};

class FormLoops : public pp::impl::PPFormLoopsBase<FormLoops> {
public:
  using PPFormLoopsBase::PPFormLoopsBase;
  void runOnOperation() override;

private:
  LogicalResult formAll(communication::Semantics semantics);
  LogicalResult projectAgain(bool shorten, int64_t keptMicrobatches);
};

} // namespace

/// All that an op reads is of its own micro-batch, which is what values in
/// programs with loops stand for.
LogicalResult LoopBuilder::readOwnMicrobatch() {
  for (Operation *op : ops)
    if (std::optional<int64_t> own = getMicrobatch(op))
      for (Value operand : op->getOperands())
        if (getMicrobatch(operand.getDefiningOp()) != own)
          return failure();
  return success();
}

bool LoopBuilder::areAlike(size_t a, size_t b) const {
  const Facts &first = facts[a], &second = facts[b];
  return first.microbatch && second.microbatch &&
         *second.microbatch - *first.microbatch == leftOut.step &&
         first.key == second.key && first.operands == second.operands &&
         (!first.tag ||
          int64_t(*second.tag) - int64_t(*first.tag) == leftOut.step);
}

/// Whether the ops are alike those right behind them.
bool LoopBuilder::isRound(size_t begin, size_t end) {
  size_t length = end - begin;
  if (length == 0 || end + length > ops.size())
    return false;
  // Each distance once for all ops: many rounds are alike but for their ends.
  std::vector<size_t> &alike = alikeAt[length];
  if (alike.empty()) {
    alike.resize(ops.size() - length + 1, 0);
    for (size_t i = alike.size() - 1; i-- > 0;)
      alike[i] = areAlike(i, i + length) ? alike[i + 1] + 1 : 0;
  }
  return alike[begin] >= length;
}

std::optional<LoopBuilder::Loop>
LoopBuilder::findLoop(const LeftOut::Section &section) {
  if (section.period < 1 || section.begin < 0 ||
      section.end > int64_t(runs.size()))
    return std::nullopt;
  // A round begins behind what the run before it sends, or at a run.
  auto beginOf = [&](int64_t run) {
    auto isPrelude = [](Operation *op) {
      auto event = eventOf(op);
      return event && event->kind != CommunicationEvent::Kind::Send;
    };
    size_t begin = runs[run];
    while (begin > 0 && isPrelude(ops[begin - 1]))
      --begin;
    return begin;
  };
  for (int64_t run = section.begin; run + 2 * section.period <= section.end;
       ++run) {
    if (isRound(beginOf(run), beginOf(run + section.period)))
      return Loop{beginOf(run), beginOf(run + section.period)};
    if (isRound(runs[run], runs[run + section.period]))
      return Loop{runs[run], runs[run + section.period]};
  }
  return std::nullopt;
}

/// Sends that nobody can wait for earlier are waited for behind all actions: as
/// many waits as there are micro-batches.
void LoopBuilder::findLoopsOfWaits() {
  std::set<SeriesKey> covered;
  std::map<std::pair<SeriesKey, int64_t>, size_t> placeOf;
  for (const Loop &loop : loops)
    for (size_t i = loop.begin; i != loop.end; ++i)
      covered.insert(keyOf(ops[i]));
  for (auto [place, op] : llvm::enumerate(ops))
    if (isWait(op))
      if (std::optional<int64_t> microbatch = getMicrobatch(op))
        placeOf[{keyOf(op), *microbatch}] = place;
  for (size_t i = 0; i != ops.size(); ++i) {
    std::optional<int64_t> microbatch = getMicrobatch(ops[i]);
    if (!microbatch)
      continue;
    auto next = placeOf.find({keyOf(ops[i]), *microbatch + leftOut.step});
    if (next == placeOf.end() || next->second <= i)
      continue;
    Loop loop{i, next->second};
    auto isFree = [&](Operation *op) {
      return isWait(op) && !covered.count(keyOf(op));
    };
    if (!isRound(loop.begin, loop.end) ||
        !llvm::all_of(ArrayRef(ops).slice(loop.begin, loop.end - loop.begin),
                      isFree))
      continue;
    for (size_t j = loop.begin; j != loop.end; ++j)
      covered.insert(keyOf(ops[j]));
    loops.push_back(loop);
  }
}

/// Gives everything behind the loop that runs the same its true micro-batch.
LogicalResult LoopBuilder::shift() {
  std::map<SeriesKey, size_t> loopOf;
  // B and its halves are one: a stage may run them on different micro-batches.
  std::map<std::pair<int64_t, bool>, size_t> loopOfStage;
  for (auto [number, loop] : llvm::enumerate(loops))
    for (size_t i = loop.begin; i != loop.end; ++i) {
      auto [it, isNew] = loopOf.try_emplace(keyOf(ops[i]), number);
      if (!isNew && it->second != number)
        return failure();
      if (auto run = dyn_cast<RunOp>(ops[i]))
        loopOfStage.try_emplace(
            {run.getStage(), run.getKind() == ActionKind::F}, number);
    }
  SmallVector<std::pair<Operation *, int64_t>> moves;
  for (auto [place, op] : llvm::enumerate(ops)) {
    if (!getMicrobatch(op))
      continue;
    auto it = loopOf.find(keyOf(op));
    std::optional<size_t> number;
    if (it != loopOf.end())
      number = it->second;
    else if (auto run = dyn_cast<RunOp>(op))
      if (auto ofStage = loopOfStage.find(
              {run.getStage(), run.getKind() == ActionKind::F});
          ofStage != loopOfStage.end())
        number = ofStage->second;
    // Of what is in no loop, some instances are missing.
    if (!number)
      return failure();
    moves.emplace_back(
        op, place >= loops[*number].end ? leftOut.rounds * leftOut.step : 0);
  }
  // Waits first: theirs follow from their transfer's as long as that is old.
  for (bool waits : {true, false})
    for (auto [op, by] : moves)
      if (isWait(op) == waits && (waits || by))
        cast<RankOpInterface>(op).moveInstance(by);
  return success();
}

LogicalResult LoopBuilder::build() {
  if ((leftOut.rounds + 1) * leftOut.step > limits::kMicrobatches ||
      failed(readOwnMicrobatch()))
    return failure();
  for (const LeftOut::Section &section : leftOut.sections) {
    std::optional<Loop> loop = findLoop(section);
    if (!loop || (!loops.empty() && loop->begin < loops.back().end))
      return failure();
    loops.push_back(*loop);
  }
  findLoopsOfWaits();
  if (failed(shift()))
    return failure();
  OpBuilder builder(block.getParentOp()->getContext());
  for (const Loop &loop : loops) {
    Location loc = ops[loop.begin]->getLoc();
    builder.setInsertionPoint(ops[loop.begin]);
    BeginLoopOp::create(builder, loc, leftOut.rounds + 1, leftOut.step);
    builder.setInsertionPointAfter(ops[loop.end - 1]);
    EndLoopOp::create(builder, loc);
  }
  return success();
}

/// Whether the program runs the row, and nothing else.
static bool runsRow(ProgramOp program, const Plan &plan,
                    ArrayRef<schedule::Action> row) {
  size_t next = 0;
  auto skip = [&] {
    while (next != row.size() && !plan.getFunction(row[next]))
      ++next;
  };
  bool isEqual = true;
  program.walkSteps([&](Operation *op, int64_t shift) {
    auto run = dyn_cast<RunOp>(op);
    if (!run || !isEqual)
      return;
    skip();
    isEqual = next != row.size() &&
              run.getKind() == toActionKind(row[next].kind) &&
              int64_t(run.getStage()) == row[next].stage &&
              int64_t(run.getMicrobatch()) + shift == row[next].microbatch;
    ++next;
  });
  skip();
  return isEqual && next == row.size();
}

/// Fails, with the programs half changed, where loops cannot be formed.
LogicalResult FormLoops::formAll(communication::Semantics semantics) {
  SmallVector<ProgramOp> programs(getOperation().getOps<ProgramOp>());
  if (llvm::none_of(programs, [](ProgramOp program) {
        return program->hasAttr(LeftOut::kName);
      }))
    return success(); // nothing is left out
  FailureOr<Plan> plan = Plan::get(getOperation());
  if (failed(plan))
    return failure();
  unsigned formed = 0;
  for (ProgramOp program : programs) {
    std::optional<LeftOut> leftOut = LeftOut::read(program);
    if (!leftOut)
      return failure();
    LoopBuilder loops(program, *leftOut);
    if (failed(loops.build()) ||
        program.getPipe() >= plan->schedule.ranks.size() ||
        !runsRow(program, *plan, plan->schedule.ranks[program.getPipe()]))
      return failure();
    program->removeAttr(LeftOut::kName);
    formed += loops.numLoops();
  }
  if (failed(verifyCommunication(getOperation(), semantics, /*quiet=*/true)))
    return failure();
  getAnalysis<CommunicationProofs>().semantics.push_back(semantics);
  markAnalysesPreserved<CommunicationProofs>();
  numLoops += formed;
  return success();
}

/// Makes the programs from the plan again.
LogicalResult FormLoops::projectAgain(bool shorten, int64_t keptMicrobatches) {
  ModuleOp module = getOperation();
  for (ProgramOp program :
       llvm::make_early_inc_range(module.getOps<ProgramOp>()))
    program.erase();
  for (ChannelOp channel :
       llvm::make_early_inc_range(module.getOps<ChannelOp>()))
    channel.erase();
  PPProjectRanksOptions projection;
  projection.shorten = shorten;
  projection.keptMicrobatches = keptMicrobatches;
  PPPlaceCommunicationOptions placement;
  placement.semantics = semantics;
  OpPassManager manager(ModuleOp::getOperationName());
  manager.addPass(createPPProjectRanks(projection));
  manager.addPass(createPPPlaceCommunication(placement));
  return runPipeline(manager, module);
}

void FormLoops::runOnOperation() {
  ModuleOp module = getOperation();
  auto parsed = readSemantics(module, semantics);
  if (failed(parsed))
    return signalPassFailure();
  // A schedule can be too short to show what a longer one does: moves of
  // transfers that few rounds allow and many do not. The next try keeps more
  // micro-batches than it takes to go through all ranks and back.
  if (succeeded(formAll(*parsed)))
    return;
  auto programs = module.getOps<ProgramOp>();
  int64_t ranks = std::distance(programs.begin(), programs.end());
  if (failed(projectAgain(true, 4 * ranks + 8)))
    return signalPassFailure();
  if (succeeded(formAll(*parsed)))
    return;
  ++numUnrolled;
  if (failed(projectAgain(false, 0)))
    signalPassFailure();
}
