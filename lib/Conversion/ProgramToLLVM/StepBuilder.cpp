//===- StepBuilder.cpp - A rank program to its step function --------------===//
//
// Each op says which calls it becomes (RankOpInterface::lowerToCalls); where
// their operands lie is known here. Offsets and sizes are constants. A fallible
// call is followed by a branch to the single exit, which returns the status.
// What repeats becomes loops (CallList.h). In a loop of the program,
// micro-batches, tags and indices of actions grow with the round, and places
// follow the rings.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "pp/Dialect/PP/IR/TransferSeries.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <map>
#include <numeric>

using namespace mlir;
using namespace pp;

namespace {

/// Cuts what is repeated from a list that `rounds` rounds read in turn.
static void shortenCycle(std::vector<int64_t> &cycle, size_t rounds) {
  // Knuth, Morris, Pratt: how much of the front each prefix ends with.
  std::vector<size_t> border(cycle.size(), 0);
  for (size_t i = 1; i < cycle.size(); ++i) {
    size_t length = border[i - 1];
    while (length && cycle[i] != cycle[length])
      length = border[length - 1];
    border[i] = cycle[i] == cycle[length] ? length + 1 : 0;
  }
  size_t period = cycle.empty() ? 0 : cycle.size() - border.back();
  if (cycle.size() >= rounds || (period && cycle.size() % period == 0))
    cycle.resize(period);
  if (cycle.size() == 1)
    cycle.clear();
}

class StepBuilder : public StepCalls {
  /// Arguments of a step function.
  enum : unsigned { contextArgument, arenaArgument };

public:
  StepBuilder(ProgramOp program, ProgramBuffers buffers,
              std::vector<BufferOffsets> offsets, const NativeStages &stages,
              const SymbolIndices &indices, SymbolTableCollection &symbols,
              const StepFunctions &functions, CallTarget &target,
              LoweredProgram *before, bool sharePlaces)
      : before(before), written(sharePlaces ? 0 : kWritten), program(program),
        buffers(std::move(buffers)), offsets(std::move(offsets)),
        stages(stages), indices(indices), symbols(symbols),
        functions(functions), target(target), builder(program),
        loc(program.getLoc()), i32(builder.getI32Type()),
        i64(builder.getI64Type()),
        tablesName(builder.getStringAttr("pp.table." + program.getSymName())),
        placesName(builder.getStringAttr("pp.places." + program.getSymName())) {
    result.program = program;
    if (before)
      nextAction = before->numActions;
  }

  FailureOr<LoweredProgram> run() {
    if (program.hasLoops()) {
      assignRequests();
      findBases();
    }
    for (Operation &op : *program.getBody().begin()) {
      if (isa<ReturnOp>(op))
        break; // the end of the list
      loc = op.getLoc();
      current = getMicrobatch(&op);
      atOp = &op;
      auto rank = dyn_cast<RankOpInterface>(op);
      if (!rank)
        return op.emitOpError("found in a rank program, expected ops that "
                              "pp-lower-programs can lower");
      if (!isa<ZeroGradientOp>(op))
        clearGradients();
      auto action = rank.getTracedAction(symbols);
      if (action)
        beginAction(std::move(*action));
      if (failed(rank.lowerToCalls(*this)))
        return failure();
      if (action)
        endAction();
    }
    clearGradients();
    emit();
    result.numActions = nextAction;
    if (before)
      before->requests = std::max(before->requests, result.requests);
    return std::move(result);
  }

private:
  //===--------------------------------------------------------------------===//
  // Pieces
  //===--------------------------------------------------------------------===//

  SymbolTableCollection &getSymbols() override { return symbols; }
  const StepFunctions &getFunctions() override { return functions; }

  CallOperand context() override {
    return CallOperand::argument(contextArgument);
  }
  CallOperand number(uint64_t value) override {
    return CallOperand::number(i64, value);
  }
  CallOperand number32(int64_t value) override {
    return CallOperand::number(i32, value);
  }
  CallOperand at(uint64_t offset) {
    return CallOperand::address(arenaArgument, offset);
  }
  /// How many rounds pass until `size` slots are used in the same turn again,
  /// at most all.
  size_t periodOf(size_t size) {
    if (!loop.rounds)
      return 1;
    size_t period = size / std::gcd<size_t>(size, loop.step);
    return std::min<size_t>(period, loop.rounds);
  }
  /// The same for a buffer from a micro-batch on.
  size_t periodOf(unsigned buffer, int64_t microbatch) {
    const BufferOffsets &places = offsets[buffer];
    if (!loop.rounds || places.slots.size() == 1)
      return 1;
    int64_t last = microbatch + (loop.rounds - 1) * int64_t(loop.step);
    bool isTurning =
        microbatch >= places.head &&
        (!places.tail || last + places.tail < int64_t(places.instances));
    return isTurning ? periodOf(places.slots.size() - places.head - places.tail)
                     : loop.rounds;
  }
  /// Where a buffer lies for a micro-batch, so many rounds later.
  uint64_t offsetOf(unsigned buffer, int64_t microbatch, size_t round = 0) {
    return offsets[buffer].at(microbatch + round * (loop.step));
  }
  void shorten(std::vector<int64_t> &cycle) {
    if (loop.rounds)
      shortenCycle(cycle, loop.rounds);
  }
  /// Lets an operand take the places of a buffer in turn.
  void followRing(CallOperand &operand, unsigned buffer, int64_t microbatch) {
    size_t period = periodOf(buffer, microbatch);
    for (size_t round = 0; period > 1 && round != period; ++round)
      operand.cycle.push_back(offsetOf(buffer, microbatch, round));
    shorten(operand.cycle);
  }
  CallOperand addressOf(unsigned buffer, int64_t microbatch) {
    CallOperand result = at(offsetOf(buffer, microbatch));
    followRing(result, buffer, microbatch);
    return result;
  }
  CallOperand address(Value value) override {
    if (auto piece = value.getDefiningOp<LoadPieceOp>())
      return pieceAddress(piece.getParameterAttr().getAttr(),
                          *getTensorBytes(value.getType()));
    return addressOf(buffers.lookup(value), current.value_or(0));
  }
  CallOperand parameterAddress(StringAttr name) override {
    return addressOf(buffers.lookupParameter(name), 0);
  }
  CallOperand pieceAddress(StringAttr name, uint64_t bytes) override {
    callFor("pprt_piece", {context(), parameterAddress(name), number(bytes)},
            LLVM::LLVMPointerType::get(builder.getContext()));
    return CallOperand::result(1);
  }
  CallOperand workspaceAddress(Operation *op) override {
    auto space = buffers.lookupWorkspace(op);
    return space ? addressOf(*space, current.value_or(0)) : at(0);
  }
  CallOperand parameterIndex(StringAttr name) override {
    return number32(indices.lookup<ParameterOp>(name));
  }
  CallOperand channelIndex(StringAttr name) override {
    return number32(indices.lookup<ChannelOp>(name));
  }
  CallOperand growing(int64_t value) override {
    CallOperand result = number32(value);
    result.step = loop.step;
    return result;
  }
  void append(StringRef name, ArrayRef<CallOperand> operands, Type result,
              bool isChecked) {
    calls.append({builder.getStringAttr(name), result, isChecked,
                  llvm::to_vector(operands), loc});
  }
  void call(StringRef name, ArrayRef<CallOperand> operands) override {
    append(name, operands, Type(), /*isChecked=*/false);
  }
  /// A call whose result later operands are.
  void callFor(StringRef name, ArrayRef<CallOperand> operands, Type result) {
    append(name, operands, result, /*isChecked=*/false);
  }
  void callChecked(StringRef name, ArrayRef<CallOperand> operands) override {
    append(name, operands, i32, /*isChecked=*/true);
  }
  void copy(CallOperand target, CallOperand source,
            CallOperand bytes) override {
    calls.copy(loc, std::move(target), std::move(source), std::move(bytes));
  }

  /// The step function with its calls, and the tables they refer to.
  void emit() {
    MLIRContext *context = builder.getContext();
    Type ptr = LLVM::LLVMPointerType::get(context);
    loc = program.getLoc();
    result.step = LLVM::LLVMFuncOp::create(
        builder, loc, ("pp.step." + program.getSymName()).str(),
        LLVM::LLVMFunctionType::get(i32, {ptr, ptr}), LLVM::Linkage::Internal);
    result.step.setNoInline(true);
    result.step.setOptimizeNone(true);
    // An attribute needs at least one element.
    if (tables.empty())
      tables.push_back(0);
    OpBuilder globals(result.step);
    auto define = [&](StringAttr name, ArrayRef<int64_t> numbers,
                      bool isConst) {
      auto global = LLVM::GlobalOp::create(
          globals, loc, LLVM::LLVMArrayType::get(i64, numbers.size()), isConst,
          LLVM::Linkage::Internal, name, builder.getI64TensorAttr(numbers));
      // Ranks of one process have a thread each.
      global.setThreadLocal_(!isConst);
    };
    define(tablesName, tables, /*isConst=*/true);
    if (!places.empty())
      define(placesName, places, /*isConst=*/false);
    Block *entry = result.step.addEntryBlock(builder);
    Block *exit = builder.createBlock(&result.step.getBody());
    exit->addArgument(i32, loc);
    LLVM::ReturnOp::create(builder, loc, exit->getArgument(0));
    builder.setInsertionPointToEnd(
        calls.emit(result.step, entry, exit, target));
    Value done = LLVM::ConstantOp::create(builder, loc, i32,
                                          builder.getI32IntegerAttr(0));
    LLVM::ReturnOp::create(builder, loc, done);
  }

  /// The marks around an action of the trace.
  void beginAction(TracedAction action) {
    actionIndex = number32(nextAction++);
    actionIndex.step = loop.actions;
    result.actions.push_back(std::move(action));
    call("pprt_action_begin", {context(), actionIndex});
  }
  void endAction() { call("pprt_action_end", {context(), actionIndex}); }

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  void beginLoop(uint64_t rounds, int64_t step) override {
    loop = {int64_t(rounds), step, 0};
    for (Operation *next = atOp->getNextNode(); !isa<EndLoopOp>(next);
         next = next->getNextNode()) {
      auto rank = dyn_cast<RankOpInterface>(next);
      loop.actions += rank && rank.getTracedAction(symbols);
    }
    result.loops.push_back({result.actions.size(), 0, loop.rounds, loop.step});
    calls.beginLoop(rounds);
  }
  void endLoop() override {
    calls.endLoop();
    result.loops.back().end = result.actions.size();
    nextAction += loop.actions * (loop.rounds - 1);
    loop = {};
  }

  //===--------------------------------------------------------------------===//
  // Actions
  //===--------------------------------------------------------------------===//

  /// The buffers that a stage function is told the places of, by the slots of
  /// its table.
  FailureOr<SmallVector<unsigned>>
  collectBuffers(RunOp run, func::FuncOp callee,
                 const StageSignature &signature) {
    SmallVector<unsigned> table(signature.tableSize, 0);
    unsigned nextOperand = 0, nextResult = 0;
    for (unsigned i = 0; i < callee.getNumArguments(); ++i) {
      int64_t slot = signature.argumentSlot[i];
      if (slot < 0)
        continue;
      if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kParam)) {
        table[slot] = buffers.lookupParameter(name);
      } else if (auto name =
                     callee.getArgAttrOfType<StringAttr>(i, attr::kGrad)) {
        auto use = callee.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
        table[slot] = buffers.lookupGradient(name, use.getInt());
      } else {
        if (nextOperand == run.getNumOperands())
          return run.emitOpError("found ")
                 << run.getNumOperands()
                 << " operands, expected one for each pp.value argument of '"
                 << run.getCallee() << "'";
        table[slot] = buffers.lookup(run.getOperand(nextOperand++));
      }
    }
    for (unsigned i = 0; i < callee.getNumResults(); ++i)
      if (int64_t slot = signature.resultSlot[i]; slot >= 0) {
        if (nextResult == run.getNumResults())
          return run.emitOpError("found ")
                 << run.getNumResults()
                 << " results, expected one for each pp.value result of '"
                 << run.getCallee() << "'";
        table[slot] = buffers.lookup(run.getResult(nextResult++));
      }
    return table;
  }

  /// A series that lies at a fixed distance from another one, its base, in
  /// every micro-batch: the residuals of a layer, for one. A base has distance
  /// 0 from itself.
  struct Displacement {
    unsigned base;
    int64_t distance;
  };

  void findBases() {
    std::map<std::vector<int64_t>, unsigned> bases;
    for (const auto &[slots, head, tail, instances] : offsets) {
      unsigned buffer = displacements.size();
      std::vector<int64_t> steps = {head, tail}; // then from slot to slot
      for (size_t i = 1; i < slots.size(); ++i)
        steps.push_back(int64_t(slots[i]) - int64_t(slots[i - 1]));
      unsigned base = bases.try_emplace(std::move(steps), buffer).first->second;
      displacements.push_back({base, int64_t(slots.front()) -
                                         int64_t(offsets[base].slots.front())});
    }
  }

  /// Adds to the tables; what is there already is used again.
  CallOperand addTable(const std::vector<int64_t> &table) {
    auto [known, isNew] = tableAt.try_emplace(table, tables.size());
    if (isNew)
      llvm::append_range(tables, table);
    return CallOperand::symbolAt(tablesName, known->second);
  }

  /// An entry of a table that is written in front of each call. It is no
  /// offset: only tables whose other entries and whose written entries are the
  /// same may share their memory.
  static constexpr int64_t kWritten = -1;

  /// The table of arena offsets that a stage function reads. What changes from
  /// round to round is written in front of the call, by the offset of a base
  /// and the distances of all that lie at one from it.
  CallOperand makeTable(RunOp run, ArrayRef<unsigned> bySlot) {
    std::vector<int64_t> table;
    llvm::MapVector<unsigned, std::vector<int64_t>> moving; // by base
    for (auto [slot, buffer] : llvm::enumerate(bySlot)) {
      table.push_back(offsetOf(buffer, run.getMicrobatch()));
      if (periodOf(buffer, run.getMicrobatch()) == 1)
        continue;
      std::vector<int64_t> &shape = moving[displacements[buffer].base];
      if (shape.empty())
        shape.push_back(0);
      ++shape.front();
      shape.insert(shape.end(),
                   {int64_t(slot), displacements[buffer].distance});
      table.back() = written;
    }
    if (moving.empty())
      return addTable(table);
    auto [known, isNew] = placesAt.try_emplace(table, places.size());
    if (isNew)
      llvm::append_range(places, table);
    CallOperand result = CallOperand::symbolAt(placesName, known->second);
    for (auto &[base, shape] : moving) {
      CallOperand offset = number(offsetOf(base, run.getMicrobatch()));
      followRing(offset, base, run.getMicrobatch());
      call("pprt_place", {result, addTable(shape), offset});
    }
    return result;
  }

  LogicalResult callStage(RunOp run) override {
    auto callee =
        symbols.lookupNearestSymbolFrom<func::FuncOp>(run, run.getCalleeAttr());
    StageSignature signature(callee);
    FailureOr<SmallVector<unsigned>> bySlot =
        collectBuffers(run, callee, signature);
    if (failed(bySlot))
      return failure();
    SmallVector<int64_t> inputs;
    for (unsigned argument : signature.dataArguments) {
      auto name = callee.getArgAttrOfType<StringAttr>(argument, attr::kData);
      inputs.push_back(indices.lookup<InputOp>(name));
      if (inputs.back() < 0)
        return run.emitOpError("found data '")
               << name.getValue() << "' in '" << run.getCallee()
               << "', expected the name of a pp.input of the module";
    }
    CallOperand microbatch = growing(run.getMicrobatch());
    CallOperand table = makeTable(run, *bySlot);
    Type ptr = LLVM::LLVMPointerType::get(builder.getContext());
    // Keys and data come from calls right before.
    if (signature.hasKey)
      callFor("pprt_key", {context(), microbatch}, i64);
    for (int64_t input : inputs)
      callFor("pprt_data", {context(), number32(input), microbatch}, ptr);
    SmallVector<CallOperand> operands = {
        context(), at(0), table, workspaceAddress(run),
        signature.hasKey ? CallOperand::result(inputs.size() + 1) : number(0)};
    for (size_t distance = inputs.size(); distance > 0; --distance)
      operands.push_back(CallOperand::result(distance));
    call(stages.lookup(run.getCalleeAttr().getAttr()), operands);
    return success();
  }

  //===--------------------------------------------------------------------===//
  // Transfers
  //===--------------------------------------------------------------------===//

  /// In a program with loops the transfers of a value on a channel take turns
  /// in as many requests as are in flight at a time.
  void assignRequests() {
    // Collectives have numbers of their own.
    Block &body = program.getBody().front();
    const TransferSeries series(body);
    std::vector<std::vector<memory::Span>> lives(series.size());
    uint32_t time = 0;
    program.walkSteps([&](Operation *op, int64_t shift) {
      ++time;
      std::optional<unsigned> number = series.lookup(op);
      if (!number)
        return;
      size_t instance = *getMicrobatch(op) + shift;
      std::vector<memory::Span> &ofSeries = lives[*number];
      if (ofSeries.size() <= instance)
        ofSeries.resize(instance + 1);
      if (series.isWait(op))
        ofSeries[instance].end = time;
      else
        ofSeries[instance].begin = time;
    });
    std::vector<StartOp> startOf(series.size());
    for (StartOp start : body.getOps<StartOp>())
      if (std::optional<unsigned> number = series.lookup(start))
        startOf[*number] = start;
    SmallVector<std::pair<int64_t, int64_t>> ranges;
    for (auto [ofSeries, start] : llvm::zip_equal(lives, startOf)) {
      int64_t count = memory::countSlots(ofSeries);
      if (start) {
        SmallVector<StartOp> &all = collectives();
        ranges.emplace_back(all.size(), count);
        all.append(count, start);
      } else {
        ranges.emplace_back(result.requests, count);
        result.requests += count;
      }
    }
    for (Operation &op : body)
      if (std::optional<unsigned> number = series.lookup(&op))
        requestsOf[&op] = ranges[*number];
  }

  /// Those that the description lists.
  SmallVector<StartOp> &collectives() {
    return before ? before->collectives : result.collectives;
  }
  /// The number of a collective that a program makes once. An evaluation may
  /// make one that the step makes as well: these take turns.
  int64_t numberOf(StartOp start) {
    SmallVector<StartOp> &all = collectives();
    auto known = before ? llvm::find_if(all,
                                        [&](StartOp other) {
                                          return isSameCollective(start, other);
                                        })
                        : all.end();
    if (known == all.end() ||
        !usedCollectives.insert(known - all.begin()).second) {
      all.push_back(start);
      known = std::prev(all.end());
    }
    return known - all.begin();
  }
  static bool isSameCollective(StartOp a, StartOp b) {
    return a.getKind() == b.getKind() && a.getAxes() == b.getAxes() &&
           a.getValue() == b.getValue() &&
           a.getOperand().getType() == b.getOperand().getType() &&
           a.getBuffer().getType() == b.getBuffer().getType();
  }

  /// The request of a transfer in a program with loops; nothing for transfers
  /// that a step makes once.
  std::optional<CallOperand> findRequest(Operation *transfer) {
    auto it = requestsOf.find(transfer);
    if (it == requestsOf.end())
      return std::nullopt;
    std::pair<int64_t, int64_t> range = it->second;
    int64_t step = loop.step;
    auto after = [&](int64_t rounds) {
      return range.first + (*current + rounds * step) % range.second;
    };
    CallOperand request = number32(after(0));
    size_t period = periodOf(range.second);
    for (size_t round = 0; period > 1 && round != period; ++round)
      request.cycle.push_back(after(round));
    shorten(request.cycle);
    return request;
  }

  CallOperand startRequest(Operation *post) override {
    if (auto request = findRequest(post))
      return *request;
    int64_t request;
    if (auto start = dyn_cast<StartOp>(post)) {
      request = numberOf(start);
    } else if (freeRequests.empty())
      request = result.requests++;
    else
      request = freeRequests.pop_back_val();
    requestOf[post] = request;
    return number32(request);
  }
  CallOperand endRequest(Operation *post) override {
    if (auto request = findRequest(post))
      return *request;
    int64_t request = requestOf.lookup(post);
    if (!isa<StartOp>(post))
      freeRequests.push_back(request);
    return number32(request);
  }

  //===--------------------------------------------------------------------===//
  // Gradients
  //===--------------------------------------------------------------------===//

  void clearGradient(StringAttr parameter, int64_t use) override {
    cleared.push_back(buffers.lookupGradient(parameter, use));
  }
  /// One call for the accumulators that lie side by side.
  void clearGradients() {
    SmallVector<std::pair<uint64_t, uint64_t>> ranges;
    for (unsigned buffer : cleared) {
      uint64_t size = buffers.getBuffers()[buffer].interval.size;
      ranges.emplace_back(offsets[buffer].slots.front(), memory::alignUp(size));
    }
    cleared.clear();
    llvm::sort(ranges);
    for (size_t i = 0; i < ranges.size();) {
      auto [offset, size] = ranges[i++];
      while (i < ranges.size() && ranges[i].first == offset + size)
        size += ranges[i++].second;
      call("pprt_zero", {context(), at(offset), number(size)});
    }
  }

  LoweredProgram *before; ///< see lowerProgram(); may be null
  const int64_t written;  ///< kWritten, but for tests
  ProgramOp program;
  ProgramBuffers buffers;
  std::vector<BufferOffsets> offsets;
  const NativeStages &stages;
  const SymbolIndices &indices;
  SymbolTableCollection &symbols;
  const StepFunctions &functions;
  CallTarget &target;
  OpBuilder builder;
  Location loc;
  Type i32, i64;
  StringAttr tablesName, placesName;
  CallList calls;
  /// Offset tables of all actions, concatenated: constant ones, and ones that
  /// the program patches in every round.
  std::vector<int64_t> tables, places;
  std::map<std::vector<int64_t>, int64_t> tableAt, placesAt;
  std::vector<Displacement> displacements; ///< of each buffer
  DenseMap<Operation *, int64_t> requestOf;
  /// Of transfers in a program with loops: first request, number of them.
  DenseMap<Operation *, std::pair<int64_t, int64_t>> requestsOf;
  std::optional<int64_t> current; ///< micro-batch of the op at hand
  Operation *atOp = nullptr;      ///< the op at hand
  struct {
    int64_t rounds = 0, step = 0;
    int64_t actions = 0; ///< of a round
  } loop;                ///< around the op at hand; 0 rounds: none
  int64_t nextAction = 0;
  CallOperand actionIndex = {CallOperand::Number};
  SmallVector<unsigned> cleared; ///< gradients, by consecutive ops
  SmallVector<int64_t> freeRequests;
  DenseSet<int64_t> usedCollectives; ///< of those of the step
  LoweredProgram result;
};

} // namespace

FailureOr<LoweredProgram>
pp::lowerProgram(ProgramOp program, const NativeStages &stages,
                 const SymbolIndices &indices, SymbolTableCollection &symbols,
                 const StepFunctions &functions, CallTarget &target,
                 LoweredProgram *before, bool sharePlaces) {
  FailureOr<ProgramBuffers> buffers =
      ProgramBuffers::analyze(program, symbols, functions, /*withLives=*/false);
  if (failed(buffers))
    return failure();
  FailureOr<std::vector<BufferOffsets>> offsets = buffers->readOffsets(program);
  if (failed(offsets))
    return failure();
  return StepBuilder(program, std::move(*buffers), std::move(*offsets), stages,
                     indices, symbols, functions, target, before, sharePlaces)
      .run();
}
