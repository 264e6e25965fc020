//===- StepBuilder.cpp - A rank program to its step function --------------===//
//
// One runtime call or one stage call for each op of the program. Offsets and
// sizes are constants. A fallible call is followed by a branch to the single
// exit, which returns the status. What repeats becomes loops (CallList.h). In a
// loop of the program, micro-batches, tags and indices of actions grow with the
// round, and places follow the rings.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

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

class StepBuilder {
  /// Arguments of a step function.
  enum : unsigned { contextArgument, arenaArgument };

public:
  StepBuilder(ProgramOp program, ProgramBuffers buffers,
              std::vector<BufferOffsets> offsets, const NativeStages &stages,
              const SymbolIndices &indices, SymbolTableCollection &symbols,
              bool sharePlaces)
      : written(sharePlaces ? 0 : kWritten), program(program), buffers(std::move(buffers)),
        offsets(std::move(offsets)), stages(stages), indices(indices),
        symbols(symbols), builder(program), loc(program.getLoc()),
        i32(builder.getI32Type()), i64(builder.getI64Type()),
        tablesName(builder.getStringAttr("pp.table." + program.getSymName())),
        placesName(builder.getStringAttr("pp.places." + program.getSymName())) {
    result.program = program;
  }

  FailureOr<LoweredProgram> run() {
    if (program.hasLoops()) {
      assignRequests();
      findLeaders();
    }
    for (Operation &op : *program.getBody().begin()) {
      loc = op.getLoc();
      current = getMicrobatch(&op);
      LogicalResult lowered =
          TypeSwitch<Operation *, LogicalResult>(&op)
              .Case<RunOp, ISendOp, IRecvOp, WaitOp, WaitSendOp, ExchangeOp,
                    LossOp, ZeroGradientOp, ReduceGradientsOp, GradNormOp,
                    UpdateOp, StoreParameterOp, BeginLoopOp, EndLoopOp,
                    ReturnOp>([&](auto op) { return lower(op); })
              .Case<LoadGradientOp, LoadParameterOp>(
                  [&](auto) { return success(); }) // names of buffers
              .Default([](Operation *op) {
                return op->emitOpError("found in a rank program, expected ops "
                                       "that pp-lower-programs can lower");
              });
      if (failed(lowered))
        return failure();
    }
    emit();
    return std::move(result);
  }

private:
  //===--------------------------------------------------------------------===//
  // Pieces
  //===--------------------------------------------------------------------===//

  CallOperand number(uint64_t value) { return CallOperand::number(i64, value); }
  CallOperand number32(int64_t value) {
    return CallOperand::number(i32, value);
  }
  CallOperand at(uint64_t offset) {
    return CallOperand::address(arenaArgument, offset);
  }
  /// How many rounds pass until `size` slots are used in the same turn again,
  /// at most all.
  size_t periodOf(size_t size) {
    if (!loop.op)
      return 1;
    size_t period = size / std::gcd<size_t>(size, loop.op.getStep());
    return std::min<size_t>(period, loop.op.getRounds());
  }
  /// The same for a buffer from a micro-batch on.
  size_t periodOf(unsigned buffer, int64_t microbatch) {
    const BufferOffsets &places = offsets[buffer];
    if (!loop.op || places.slots.size() == 1)
      return 1;
    int64_t last =
        microbatch + (loop.op.getRounds() - 1) * int64_t(loop.op.getStep());
    bool isTurning =
        microbatch >= places.head &&
        (!places.tail || last + places.tail < int64_t(places.instances));
    return isTurning ? periodOf(places.slots.size() - places.head - places.tail)
                     : loop.op.getRounds();
  }
  /// Where a buffer lies for a micro-batch, so many rounds later.
  uint64_t offsetOf(unsigned buffer, int64_t microbatch, size_t round = 0) {
    return offsets[buffer].at(microbatch +
                              round * (loop.op ? loop.op.getStep() : 0));
  }
  void shorten(std::vector<int64_t> &cycle) {
    if (loop.op)
      shortenCycle(cycle, loop.op.getRounds());
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
  /// The value as the op that is being lowered sees it.
  CallOperand address(Value value) {
    return addressOf(buffers.lookup(value), current.value_or(0));
  }
  /// A number that grows with the micro-batch.
  CallOperand growing(int64_t value) {
    CallOperand result = number32(value);
    result.step = loop.op ? loop.op.getStep() : 0;
    return result;
  }
  uint64_t bytesOf(Value value) { return *getTensorBytes(value.getType()); }
  uint64_t elementsOf(Value value) {
    return cast<RankedTensorType>(value.getType()).getNumElements();
  }

  void call(StringRef name, ArrayRef<CallOperand> operands, Type result = {},
            bool isChecked = false) {
    calls.append({builder.getStringAttr(name), result, isChecked,
                  llvm::to_vector(operands), loc});
  }
  /// A call whose status ends the step if it is not 0.
  void callChecked(StringRef name, ArrayRef<CallOperand> operands) {
    call(name, operands, i32, /*isChecked=*/true);
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
      LLVM::GlobalOp::create(
          globals, loc, LLVM::LLVMArrayType::get(i64, numbers.size()), isConst,
          LLVM::Linkage::Internal, name, builder.getI64TensorAttr(numbers));
    };
    define(tablesName, tables, /*isConst=*/true);
    if (!places.empty())
      define(placesName, places, /*isConst=*/false);
    Block *entry = result.step.addEntryBlock(builder);
    Block *exit = builder.createBlock(&result.step.getBody());
    exit->addArgument(i32, loc);
    LLVM::ReturnOp::create(builder, loc, exit->getArgument(0));
    builder.setInsertionPointToEnd(calls.emit(result.step, entry, exit));
    Value done = LLVM::ConstantOp::create(builder, loc, i32,
                                          builder.getI32IntegerAttr(0));
    LLVM::ReturnOp::create(builder, loc, done);
  }

  /// Puts what `body` emits between the marks of an action.
  void traced(Action action, llvm::function_ref<void()> body) {
    CallOperand index = number32(nextAction++);
    index.step = loop.actions;
    result.actions.push_back(std::move(action));
    call("pprt_action_begin", {context, index});
    body();
    call("pprt_action_end", {context, index});
  }

  //===--------------------------------------------------------------------===//
  // Loops
  //===--------------------------------------------------------------------===//

  LogicalResult lower(BeginLoopOp op) {
    loop = {op, 0};
    for (Operation *next = op->getNextNode(); !isa<EndLoopOp>(next);
         next = next->getNextNode())
      loop.actions += isa<RunOp, ISendOp, IRecvOp>(next);
    result.loops.push_back({result.actions.size(), 0, int64_t(op.getRounds()),
                            int64_t(op.getStep())});
    calls.beginLoop(op.getRounds());
    return success();
  }
  LogicalResult lower(EndLoopOp) {
    calls.endLoop();
    result.loops.back().end = result.actions.size();
    nextAction += loop.actions * (loop.op.getRounds() - 1);
    loop = {};
    return success();
  }

  LogicalResult requireF32(Operation *op, Value value) {
    if (cast<RankedTensorType>(value.getType()).getElementType().isF32())
      return success();
    return op->emitOpError("found ")
           << value.getType()
           << ", expected elements of f32: the runtime sums losses and "
              "gradients and updates parameters in f32; cast in the layer";
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

  /// A series that lies at a fixed distance from another one, its leader, in
  /// every micro-batch: the residuals of a layer, for one.
  struct Follower {
    unsigned leader;
    int64_t distance;
  };

  void findLeaders() {
    std::map<std::vector<int64_t>, unsigned> leaders;
    for (const auto &[slots, head, tail, instances] : offsets) {
      unsigned buffer = followers.size();
      std::vector<int64_t> steps = {head, tail}; // then from slot to slot
      for (size_t i = 1; i < slots.size(); ++i)
        steps.push_back(int64_t(slots[i]) - int64_t(slots[i - 1]));
      unsigned leader =
          leaders.try_emplace(std::move(steps), buffer).first->second;
      followers.push_back({leader, int64_t(slots.front()) -
                                       int64_t(offsets[leader].slots.front())});
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
  /// round to round is written in front of the call, by the offset of a leader
  /// and the distances of all that follow it.
  CallOperand makeTable(RunOp run, ArrayRef<unsigned> bySlot) {
    std::vector<int64_t> table;
    llvm::MapVector<unsigned, std::vector<int64_t>> moving; // by leader
    for (auto [slot, buffer] : llvm::enumerate(bySlot)) {
      table.push_back(offsetOf(buffer, run.getMicrobatch()));
      if (periodOf(buffer, run.getMicrobatch()) == 1)
        continue;
      std::vector<int64_t> &shape = moving[followers[buffer].leader];
      if (shape.empty())
        shape.push_back(0);
      ++shape.front();
      shape.insert(shape.end(), {int64_t(slot), followers[buffer].distance});
      table.back() = written;
    }
    if (moving.empty())
      return addTable(table);
    auto [known, isNew] = placesAt.try_emplace(table, places.size());
    if (isNew)
      llvm::append_range(places, table);
    CallOperand result = CallOperand::symbolAt(placesName, known->second);
    for (auto &[leader, shape] : moving) {
      CallOperand offset = number(offsetOf(leader, run.getMicrobatch()));
      followRing(offset, leader, run.getMicrobatch());
      call("pprt_place", {result, addTable(shape), offset});
    }
    return result;
  }

  LogicalResult lower(RunOp run) {
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
    Action action{stringifyActionKind(run.getKind()).str(),
                  int64_t(run.getStage()), int64_t(run.getMicrobatch()), -1,
                  run.getCallee().str()};
    traced(std::move(action), [&] {
      auto space = buffers.lookupWorkspace(run);
      CallOperand microbatch = growing(run.getMicrobatch());
      CallOperand table = makeTable(run, *bySlot);
      Type ptr = LLVM::LLVMPointerType::get(builder.getContext());
      // Keys and data come from calls right before.
      if (signature.hasKey)
        call("pprt_key", {context, microbatch}, i64);
      for (int64_t input : inputs)
        call("pprt_data", {context, number32(input), microbatch}, ptr);
      SmallVector<CallOperand> operands = {
          at(0), table, space ? addressOf(*space, run.getMicrobatch()) : at(0),
          signature.hasKey ? CallOperand::result(inputs.size() + 1)
                           : number(0)};
      for (size_t distance = inputs.size(); distance > 0; --distance)
        operands.push_back(CallOperand::result(distance));
      call(stages.lookup(run.getCalleeAttr().getAttr()), operands);
    });
    return success();
  }

  LogicalResult lower(LossOp op) {
    if (failed(requireF32(op, op.getValue())))
      return failure();
    callChecked("pprt_loss",
                {context, growing(op.getMicrobatch()), address(op.getValue())});
    return success();
  }

  //===--------------------------------------------------------------------===//
  // Transfers
  //===--------------------------------------------------------------------===//

  /// In a program with loops the transfers of a value on a channel take turns
  /// in as many requests as are in flight at a time.
  void assignRequests() {
    DenseMap<Operation *, unsigned> seriesOf;
    std::map<std::tuple<bool, StringRef, StringRef>, unsigned> numbers;
    for (Operation &op : program.getBody().front()) {
      auto add = [&](auto transfer) {
        if (transfer.getMicrobatch())
          seriesOf[&op] =
              numbers
                  .try_emplace({isa<ISendOp>(op), transfer.getChannel(),
                                transfer.getValue()},
                               numbers.size())
                  .first->second;
      };
      if (auto send = dyn_cast<ISendOp>(op))
        add(send);
      else if (auto receive = dyn_cast<IRecvOp>(op))
        add(receive);
    }
    std::vector<std::vector<memory::Span>> lives(numbers.size());
    uint32_t time = 0;
    program.walkSteps([&](Operation *op, int64_t shift) {
      ++time;
      bool isWait = isa<WaitOp, WaitSendOp>(op);
      auto it = seriesOf.find(isWait ? op->getOperand(0).getDefiningOp() : op);
      if (it == seriesOf.end())
        return;
      size_t instance = *getMicrobatch(op) + shift;
      std::vector<memory::Span> &ofSeries = lives[it->second];
      if (ofSeries.size() <= instance)
        ofSeries.resize(instance + 1);
      if (isWait)
        ofSeries[instance].end = time;
      else
        ofSeries[instance].begin = time;
    });
    SmallVector<std::pair<int64_t, int64_t>> ranges;
    for (const std::vector<memory::Span> &ofSeries : lives) {
      int64_t count = memory::countSlots(ofSeries);
      ranges.emplace_back(result.requests, count);
      result.requests += count;
    }
    for (auto [op, series] : seriesOf)
      requestsOf[op] = ranges[series];
  }

  /// The request of a transfer in a program with loops; nothing for transfers
  /// that a step makes once.
  std::optional<CallOperand> findRequest(Operation *transfer) {
    auto it = requestsOf.find(transfer);
    if (it == requestsOf.end())
      return std::nullopt;
    std::pair<int64_t, int64_t> range = it->second;
    int64_t step = loop.op ? loop.op.getStep() : 0;
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

  int64_t startRequest(Value token) {
    int64_t request;
    if (freeRequests.empty())
      request = result.requests++;
    else
      request = freeRequests.pop_back_val();
    requestOf[token] = request;
    return request;
  }

  template <typename OpT>
  LogicalResult lowerTransfer(OpT op, StringRef kind, StringRef function,
                              bool isSend) {
    int64_t index = indices.lookup<ChannelOp>(op.getChannelAttr().getAttr());
    auto channel =
        symbols.lookupNearestSymbolFrom<ChannelOp>(op, op.getChannelAttr());
    Action action{kind.str(), -1, int64_t(op.getMicrobatch().value_or(-1)),
                  isSend ? int64_t(channel.getDestination())
                         : int64_t(channel.getSource()),
                  op.getValue().str()};
    traced(std::move(action), [&] {
      CallOperand tag = growing(op.getTag());
      auto request = findRequest(op);
      if (!request)
        request = number32(startRequest(op.getToken()));
      callChecked(function,
                  {context, number32(index), tag, address(op.getBuffer()),
                   number(bytesOf(op.getBuffer())), *request});
    });
    return success();
  }
  LogicalResult lower(ISendOp op) {
    return lowerTransfer(op, "send", "pprt_isend", true);
  }
  LogicalResult lower(IRecvOp op) {
    return lowerTransfer(op, "recv", "pprt_irecv", false);
  }

  LogicalResult wait(Value token) {
    if (auto request = findRequest(token.getDefiningOp())) {
      callChecked("pprt_wait", {context, *request});
      return success();
    }
    int64_t request = requestOf.lookup(token);
    callChecked("pprt_wait", {context, number32(request)});
    freeRequests.push_back(request);
    return success();
  }
  LogicalResult lower(WaitOp op) { return wait(op.getToken()); }
  LogicalResult lower(WaitSendOp op) { return wait(op.getToken()); }

  LogicalResult lower(ExchangeOp op) {
    callChecked("pprt_exchange", {context});
    return success();
  }

  //===--------------------------------------------------------------------===//
  // Gradients and parameters
  //===--------------------------------------------------------------------===//

  /// Accumulators lie side by side: those that are cleared by consecutive ops
  /// are cleared together.
  LogicalResult lower(ZeroGradientOp op) {
    if (isa_and_nonnull<ZeroGradientOp>(op->getPrevNode()))
      return success();
    SmallVector<std::pair<uint64_t, uint64_t>> ranges;
    for (Operation *next = op; isa<ZeroGradientOp>(next);
         next = next->getNextNode()) {
      auto zero = cast<ZeroGradientOp>(next);
      unsigned buffer = buffers.lookupGradient(
          zero.getParameterAttr().getAttr(), zero.getUse());
      uint64_t size = buffers.getBuffers()[buffer].interval.size;
      ranges.emplace_back(offsets[buffer].slots.front(), memory::alignUp(size));
    }
    llvm::sort(ranges);
    for (size_t i = 0; i < ranges.size();) {
      auto [offset, size] = ranges[i++];
      while (i < ranges.size() && ranges[i].first == offset + size)
        size += ranges[i++].second;
      call("pprt_zero", {at(offset), number(size)});
    }
    return success();
  }

  Action parameterAction(StringRef kind, StringAttr parameter) {
    return {kind.str(), -1, -1, -1, parameter.str()};
  }

  LogicalResult lower(ReduceGradientsOp op) {
    Value sum = op.getGradients().front();
    if (failed(requireF32(op, sum)))
      return failure();
    traced(parameterAction("reduce", op.getParameterAttr().getAttr()), [&] {
      for (Value gradient : op.getGradients().drop_front())
        call("pprt_add_f32",
             {address(sum), address(gradient), number(elementsOf(sum))});
    });
    return success();
  }

  CallOperand parameterIndex(StringAttr name) {
    return number32(indices.lookup<ParameterOp>(name));
  }

  LogicalResult lower(GradNormOp op) {
    if (failed(requireF32(op, op.getGradient())))
      return failure();
    StringAttr name = op.getParameterAttr().getAttr();
    traced(parameterAction("update", name), [&] {
      callChecked("pprt_square_norm",
                  {context, parameterIndex(name), address(op.getGradient()),
                   number(elementsOf(op.getGradient()))});
    });
    return success();
  }

  LogicalResult lower(UpdateOp op) {
    if (failed(requireF32(op, op.getGradient())))
      return failure();
    StringAttr name = op.getParameterAttr().getAttr();
    auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory);
    auto state = program->getAttrOfType<DictionaryAttr>(attr::kOptimizer);
    auto moments =
        state ? state.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
    if (!report || !moments)
      return op.emitOpError("found no place for the optimizer state of '")
             << name.getValue() << "', expected one; run pp-plan-memory";
    uint64_t base = report.getAs<IntegerAttr>("arena").getInt();
    bool hasMaster = moments.size() > 2;
    traced(parameterAction("update", name), [&] {
      SmallVector<CallOperand> operands = {
          context, parameterIndex(name),
          addressOf(buffers.lookupParameter(name), 0)};
      if (hasMaster)
        operands.push_back(at(base + moments[2]));
      operands.append({address(op.getGradient()), at(base + moments[0]),
                       at(base + moments[1]),
                       number(elementsOf(op.getGradient()))});
      callChecked(hasMaster ? "pprt_update_bf16" : "pprt_update", operands);
    });
    return success();
  }

  LogicalResult lower(StoreParameterOp op) {
    unsigned target = buffers.lookupParameter(op.getParameterAttr().getAttr());
    if (buffers.lookup(op.getValue()) == target)
      return success(); // received in place
    calls.copy(loc, addressOf(target, 0), address(op.getValue()),
               number(bytesOf(op.getValue())));
    return success();
  }

  LogicalResult lower(ReturnOp) {
    return success(); // the end of the list
  }

  const int64_t written; ///< kWritten, but for tests
  ProgramOp program;
  ProgramBuffers buffers;
  std::vector<BufferOffsets> offsets;
  const NativeStages &stages;
  const SymbolIndices &indices;
  SymbolTableCollection &symbols;
  OpBuilder builder;
  Location loc;
  Type i32, i64;
  const CallOperand context = CallOperand::argument(contextArgument);
  StringAttr tablesName, placesName;
  CallList calls;
  /// Of all actions, one behind the other; and those that change.
  std::vector<int64_t> tables, places;
  std::map<std::vector<int64_t>, int64_t> tableAt, placesAt;
  std::vector<Follower> followers; ///< of each buffer
  DenseMap<Value, int64_t> requestOf;
  /// Of transfers in a program with loops: first request, number of them.
  DenseMap<Operation *, std::pair<int64_t, int64_t>> requestsOf;
  std::optional<int64_t> current; ///< micro-batch of the op at hand
  struct {
    BeginLoopOp op = {};
    int64_t actions = 0; ///< of a round
  } loop;                ///< around the op at hand
  int64_t nextAction = 0;
  SmallVector<int64_t> freeRequests;
  LoweredProgram result;
};

} // namespace

FailureOr<LoweredProgram> pp::lowerProgram(ProgramOp program,
                                           const NativeStages &stages,
                                           const SymbolIndices &indices,
                                           SymbolTableCollection &symbols,
                                           bool sharePlaces) {
  FailureOr<ProgramBuffers> buffers =
      ProgramBuffers::analyze(program, symbols, /*withLives=*/false);
  if (failed(buffers))
    return failure();
  FailureOr<std::vector<BufferOffsets>> offsets = buffers->readOffsets(program);
  if (failed(offsets))
    return failure();
  return StepBuilder(program, std::move(*buffers), std::move(*offsets), stages,
                     indices, symbols, sharePlaces)
      .run();
}
