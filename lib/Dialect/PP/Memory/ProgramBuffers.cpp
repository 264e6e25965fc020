//===- ProgramBuffers.cpp - Buffers of a rank program ---------------------===//
//
// A program is a straight list of ops, so the position of an op is the time,
// and a buffer lives from the op that defines it to the last op that uses the
// value or one that shares its buffer. Operands and results of an action are
// live together: stage functions may assume that they do not overlap.
//
// With loops, values of the same name are one series, and the time is that of
// the program with every round executed: an op begins or extends the life of
// the instance of its micro-batch.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/TransferSeries.h"
#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Interfaces/ElementBytes.h"
#include "pp/Limits.h"

#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace pp;

FailureOr<uint64_t> pp::getTensorBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() ||
      !tensor.getElementType().isIntOrFloat() ||
      !getMemoryType(tensor.getElementType()))
    return failure();
  uint64_t elements = 1;
  for (int64_t size : tensor.getShape()) {
    if (size != 0 && elements > uint64_t(limits::kElements) / size)
      return failure();
    elements *= size;
  }
  return elements * getElementBytes(tensor.getElementType());
}

StringRef pp::getBufferKindName(BufferKind kind) {
  switch (kind) {
  case BufferKind::Parameter:
    return "parameters";
  case BufferKind::Gradient:
    return "gradients";
  case BufferKind::Activation:
    return "activations";
  case BufferKind::Communication:
    return "communication";
  case BufferKind::Workspace:
    return "workspace";
  }
  llvm_unreachable("unknown kind");
}

std::string Buffer::describe() const {
  switch (kind) {
  case BufferKind::Parameter:
    return ("parameter '" + parameter.getValue() + "'").str();
  case BufferKind::Gradient:
    return ("gradient of use " + Twine(use) + " of '" + parameter.getValue() +
            "'")
        .str();
  case BufferKind::Workspace:
    return "workspace";
  case BufferKind::Activation:
  case BufferKind::Communication:
    return ("result " + Twine(result)).str();
  }
  llvm_unreachable("unknown kind");
}

/// Takes down what the ops of a program declare, one op after the other.
class ProgramBuffers::Collector : public BufferDeclarations {
public:
  Collector(ProgramBuffers &all, SymbolTableCollection &symbols,
            const StepFunctions &functions,
            DenseMap<Operation *, uint32_t> timeOf)
      : all(all), symbols(symbols), functions(functions),
        timeOf(std::move(timeOf)) {}

  /// The buffers of an op, and that those it reads live until it.
  LogicalResult visit(Operation &op) {
    time = timeOf.lookup(&op);
    if (auto rank = dyn_cast<RankOpInterface>(op))
      if (failed(rank.declareBuffers(*this)))
        return failure();
    for (Value operand : op.getOperands())
      if (auto it = all.ofValue.find(operand); it != all.ofValue.end()) {
        uint32_t &end = all.buffers[it->second].interval.end;
        end = std::max(end, time + 1);
      }
    return success();
  }

  /// Parameters that stay while a program evaluates, whether it reads them or
  /// not.
  LogicalResult addHeld(ProgramOp program);

  SymbolTableCollection &getSymbols() override { return symbols; }
  const StepFunctions &getFunctions() override { return functions; }
  LogicalResult addValue(Value value, BufferKind kind,
                         StringAttr series) override {
    all.made.insert(value);
    return series && all.hasLoops ? addSeries(value, series, kind)
                                  : addSingle(value, kind, time);
  }
  LogicalResult addReceived(Value value, StringAttr series) override {
    StringAttr parameter = directTarget(value);
    if (!parameter)
      return addValue(value, BufferKind::Communication, series);
    if (failed(addParameter(value.getDefiningOp(), parameter, value.getType())))
      return failure();
    shareParameter(value, parameter);
    return success();
  }
  void share(Value value, Value with) override {
    all.ofValue[value] = all.ofValue[with];
  }
  LogicalResult addParameter(Operation *op, StringAttr name,
                             Type type) override;
  void shareParameter(Value value, StringAttr name) override {
    all.ofValue[value] = all.ofParameter[name];
  }
  LogicalResult addOwned(Operation *op, StringAttr name) override {
    if (llvm::is_contained(all.owned, name))
      return op->emitOpError("updates '")
             << name.getValue()
             << "' again, expected one update of each parameter in a step";
    all.owned.push_back(name);
    return success();
  }
  LogicalResult addGradient(Operation *op, StringAttr name, int64_t use,
                            Type type) override;
  void shareGradient(Value value, StringAttr name, int64_t use) override {
    all.ofValue[value] = all.ofGradient[{name, use}];
  }
  void addWorkspace(Operation *op, StringAttr series, uint64_t bytes) override;
  void keepWorkspace(Operation *op, Value value) override {
    if (auto it = all.ofWorkspace.find(op); it != all.ofWorkspace.end())
      all.ofValue[value] = it->second;
  }
  void reserve(Value value, uint64_t bytes) override {
    uint64_t &size = all.buffers[all.ofValue.lookup(value)].interval.size;
    size = std::max(size, bytes);
  }

private:
  LogicalResult addSingle(Value value, BufferKind kind, uint32_t begin);
  LogicalResult addSeries(Value value, StringAttr name, BufferKind kind);
  StringAttr directTarget(Value received) const;

  ProgramBuffers &all;
  SymbolTableCollection &symbols;
  const StepFunctions &functions;
  DenseMap<Operation *, uint32_t> timeOf;
  uint32_t time = 0; ///< of the op at hand
};

LogicalResult ProgramBuffers::Collector::addSingle(Value value, BufferKind kind,
                                                   uint32_t begin) {
  Operation *op = value.getDefiningOp();
  FailureOr<uint64_t> bytes = getTensorBytes(value.getType());
  if (failed(bytes))
    return op->emitOpError("found a value of type ")
           << value.getType()
           << " in a rank program, expected a statically shaped tensor of "
              "integers or floats; memory is planned before the program runs";
  Buffer buffer{kind, {*bytes, begin, begin + 1}, op};
  buffer.result = cast<OpResult>(value).getResultNumber();
  all.ofValue[value] = all.buffers.size();
  all.buffers.push_back(std::move(buffer));
  return success();
}

/// The value of one name, whichever op makes it.
LogicalResult ProgramBuffers::Collector::addSeries(Value value, StringAttr name,
                                                   BufferKind kind) {
  auto known = all.ofSeries.find(name);
  if (known == all.ofSeries.end()) {
    if (failed(addSingle(value, kind, 0)))
      return failure();
    all.buffers.back().series = name;
    all.ofSeries[name] = all.ofValue[value];
    return success();
  }
  const Buffer &buffer = all.buffers[known->second];
  Type expected = buffer.op->getResult(buffer.result).getType();
  if (value.getType() != expected) {
    InFlightDiagnostic diagnostic =
        value.getDefiningOp()->emitOpError("found value '")
        << name.getValue() << "' of type " << value.getType() << ", expected "
        << expected << " as in other micro-batches";
    diagnostic.attachNote(buffer.op->getLoc()) << "first made here";
    return diagnostic;
  }
  all.ofValue[value] = known->second;
  return success();
}

LogicalResult ProgramBuffers::Collector::addHeld(ProgramOp program) {
  if (!program.isEvaluation())
    return success();
  for (auto name : program.getEvaluatesAttr().getAsRange<FlatSymbolRefAttr>()) {
    auto parameter =
        symbols.lookupNearestSymbolFrom<ParameterOp>(program, name);
    if (!parameter)
      return program.emitOpError("found no pp.parameter ")
             << name << ", expected one for each name in evaluates";
    if (failed(addParameter(program, name.getAttr(), parameter.getLocalType())))
      return failure();
  }
  return success();
}

LogicalResult ProgramBuffers::Collector::addParameter(Operation *op,
                                                      StringAttr name,
                                                      Type type) {
  if (all.ofParameter.contains(name))
    return success();
  FailureOr<uint64_t> bytes = getTensorBytes(type);
  if (failed(bytes))
    return op->emitOpError("found parameter '")
           << name.getValue() << "' of type " << type
           << ", expected a statically shaped tensor of integers or floats";
  all.ofParameter[name] = all.buffers.size();
  all.buffers.push_back(
      {BufferKind::Parameter, {*bytes, 0, all.programLength}, op, 0, name, 0});
  return success();
}

LogicalResult ProgramBuffers::Collector::addGradient(Operation *op,
                                                     StringAttr name,
                                                     int64_t use, Type type) {
  if (all.ofGradient.contains({name, use}))
    return success();
  FailureOr<uint64_t> bytes = getTensorBytes(type);
  if (failed(bytes))
    return op->emitOpError("found a gradient of '")
           << name.getValue() << "' of type " << type
           << ", expected a statically shaped tensor of integers or floats";
  // With room for the padding of its last pieces.
  if (auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(op, name))
    bytes = std::max(*bytes, parameter.getPaddedGradientBytes());
  all.ofGradient[{name, use}] = all.buffers.size();
  all.buffers.push_back(
      {BufferKind::Gradient, {*bytes, 0, all.programLength}, op, 0, name, use});
  return success();
}

void ProgramBuffers::Collector::addWorkspace(Operation *op, StringAttr series,
                                             uint64_t bytes) {
  unsigned number = all.buffers.size();
  if (!all.hasLoops || !series) {
    all.buffers.push_back({BufferKind::Workspace, {bytes, time, time + 1}, op});
  } else if (auto [it, isNew] =
                 all.ofWorkspaceSeries.try_emplace(series, number);
             isNew) {
    all.buffers.push_back({BufferKind::Workspace, {bytes, 0, 1}, op});
    all.buffers.back().series = series;
  } else {
    number = it->second;
  }
  all.ofWorkspace[op] = number;
}

/// The parameter whose buffer a value may be received into at once: it is
/// stored there and not used otherwise, and nothing reads or writes the
/// parameter in between.
StringAttr ProgramBuffers::Collector::directTarget(Value received) const {
  auto onlyUser = [](Value value) {
    return value.hasOneUse() ? *value.user_begin() : nullptr;
  };
  Operation *wait = onlyUser(received);
  auto store =
      isa_and_nonnull<WaitOp, FinishOp>(wait)
          ? dyn_cast_or_null<StoreParameterOp>(onlyUser(wait->getResult(0)))
          : StoreParameterOp();
  if (!store)
    return {};
  StringAttr name = store.getParameterAttr().getAttr();
  uint32_t begin = timeOf.lookup(received.getDefiningOp());
  uint32_t end = timeOf.lookup(store);
  for (uint32_t touch : all.touches.lookup(name))
    if (touch > begin && touch < end)
      return {};
  return name;
}

/// Notes when each parameter's buffer is read or written by something other
/// than a received value.
void ProgramBuffers::collectReads(ProgramOp program,
                                  SymbolTableCollection &symbols) {
  for (auto [time, op] : llvm::enumerate(*program.getBody().begin())) {
    if (auto run = dyn_cast<RunOp>(op)) {
      auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
          run, run.getCalleeAttr());
      if (!callee)
        continue;
      for (unsigned i = 0; i < callee.getNumArguments(); ++i)
        if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kParam))
          touches[name].push_back(time);
    } else if (auto update = dyn_cast<UpdateOp>(op)) {
      touches[update.getParameterAttr().getAttr()].push_back(time);
    } else if (auto piece = dyn_cast<LoadPieceOp>(op)) {
      // A gather may read the own piece where its result comes to lie.
      touches[piece.getParameterAttr().getAttr()].push_back(time);
    } else if (auto load = dyn_cast<LoadParameterOp>(op)) {
      // The value may be read until its last use: take the whole program.
      SmallVector<uint32_t> &times = touches[load.getParameterAttr().getAttr()];
      for (uint32_t t = 0; t < programLength; ++t)
        times.push_back(t);
    }
  }
}

FailureOr<ProgramBuffers>
ProgramBuffers::analyze(ProgramOp program, SymbolTableCollection &symbols,
                        const StepFunctions &functions, bool withLives) {
  ProgramBuffers result;
  result.hasLoops = program.hasLoops();
  Block &body = *program.getBody().begin();
  DenseMap<Operation *, uint32_t> timeOf;
  for (Operation &op : body)
    timeOf[&op] = result.programLength++;
  result.collectReads(program, symbols);

  Collector collector(result, symbols, functions, std::move(timeOf));
  if (failed(collector.addHeld(program)))
    return failure();
  for (Operation &op : body)
    if (failed(collector.visit(op)))
      return failure();
  if (result.hasLoops && withLives && failed(result.findLives(program)))
    return failure();
  if (failed(result.verifyTotal(program)))
    return failure();
  return result;
}

/// Sums of bytes fit 64 bits wherever they are made.
LogicalResult ProgramBuffers::verifyTotal(ProgramOp program) const {
  uint64_t total = 0;
  for (const Buffer &buffer : buffers)
    total = llvm::SaturatingMultiplyAdd<uint64_t>(
        memory::alignUp(buffer.interval.size),
        std::max<size_t>(1, buffer.lives.size()), total);
  if (total <= uint64_t(limits::kBytes))
    return success();
  return program.emitOpError("found buffers of more than 2^60 bytes, expected "
                             "what a machine holds; use smaller micro-batches "
                             "or smaller parameters");
}

namespace {
/// The transfers of each value on each channel in a program with loops: each
/// is waited for once, behind where it is posted.
class OpenTransfers {
public:
  explicit OpenTransfers(Block &block)
      : series(block), isOpen(series.size()), firstOf(series.size()) {
    for (Operation &op : llvm::reverse(block))
      if (std::optional<unsigned> number = series.lookup(&op))
        firstOf[*number] = &op;
  }

  /// A transfer, by an op of its series and a micro-batch, that is not waited
  /// for yet.
  std::optional<std::pair<Operation *, size_t>> findOpen() const {
    for (auto [first, open] : llvm::zip_equal(firstOf, isOpen))
      if (auto it = llvm::find(open, true); it != open.end())
        return std::pair(first, size_t(it - open.begin()));
    return std::nullopt;
  }

  /// What is wrong if `op` runs for a micro-batch now, empty if nothing.
  StringRef visit(Operation *op, size_t microbatch) {
    std::optional<unsigned> number = series.lookup(op);
    if (!number)
      return "";
    std::vector<bool> &open = isOpen[*number];
    if (open.size() <= microbatch)
      open.resize(microbatch + 1);
    bool isWait = series.isWait(op);
    if (open[microbatch] != isWait)
      return isWait ? "waits for a transfer that is not posted before it or is "
                      "waited for already"
                    : "posts a transfer again before it is waited for";
    open[microbatch] = !isWait;
    return "";
  }

private:
  TransferSeries series;
  std::vector<std::vector<bool>> isOpen; ///< by series and micro-batch
  std::vector<Operation *> firstOf;      ///< of each series
};
} // namespace

/// Lives of all buffers of a program with loops but parameters and gradients.
LogicalResult ProgramBuffers::findLives(ProgramOp program) {
  struct Step {
    int64_t microbatch = 0;
    bool isInLoop = false;
    SmallVector<unsigned> begins, uses;
  };
  auto isPlaced = [&](unsigned buffer) {
    return buffers[buffer].kind != BufferKind::Parameter &&
           buffers[buffer].kind != BufferKind::Gradient;
  };
  DenseMap<Operation *, Step> steps;
  bool isInLoop = false;
  for (Operation &op : program.getBody().front()) {
    isInLoop = isa<BeginLoopOp>(op) || (isInLoop && !isa<EndLoopOp>(op));
    Step &step = steps[&op];
    step.isInLoop = isInLoop;
    step.microbatch = getMicrobatch(&op).value_or(0);
    for (Value operand : op.getOperands())
      if (auto it = ofValue.find(operand);
          it != ofValue.end() && isPlaced(it->second))
        step.uses.push_back(it->second);
    if (auto it = ofWorkspace.find(&op); it != ofWorkspace.end())
      step.begins.push_back(it->second);
    for (Value value : op.getResults())
      if (made.contains(value))
        step.begins.push_back(ofValue.lookup(value));
  }
  uint32_t time = 0;
  LogicalResult result = success();
  OpenTransfers transfers(program.getBody().front());
  program.walkSteps([&](Operation *op, int64_t shift) {
    const Step &step = steps.find(op)->second;
    StringRef problem = transfers.visit(op, step.microbatch + shift);
    if (!problem.empty() && succeeded(result))
      result = op->emitOpError()
               << problem << ", for micro-batch " << step.microbatch + shift
               << ", expected one wait behind each transfer: count the rounds "
                  "of the loops";
    auto touch = [&](Buffer &buffer, uint32_t instance) {
      if (!step.isInLoop || !buffer.series)
        return;
      memory::Span &range = buffer.inLoops;
      if (range.begin == range.end)
        range = {instance, instance + 1};
      range = {std::min(range.begin, instance),
               std::max(range.end, instance + 1)};
    };
    for (unsigned number : step.begins) {
      Buffer &buffer = buffers[number];
      size_t instance = buffer.series ? step.microbatch + shift : 0;
      if (buffer.lives.size() <= instance)
        buffer.lives.resize(instance + 1);
      memory::Span &life = buffer.lives[instance];
      if (life.end && succeeded(result))
        result = op->emitOpError("makes ")
                 << buffer.describe() << " of micro-batch " << instance
                 << " again, expected each once: count the rounds of the "
                    "loops";
      life = {time, time + 1};
      touch(buffer, instance);
    }
    for (unsigned number : step.uses) {
      Buffer &buffer = buffers[number];
      size_t instance = buffer.series ? step.microbatch + shift : 0;
      if (instance < buffer.lives.size() && buffer.lives[instance].end) {
        buffer.lives[instance].end = time + 1;
        touch(buffer, instance);
      } else if (succeeded(result))
        result = op->emitOpError("reads ")
                 << buffer.describe() << " of '" << buffer.op->getName()
                 << "' for micro-batch " << instance
                 << ", which has not been made by then, expected it in an "
                    "earlier round: count the rounds of the loops";
    }
    ++time;
  });
  if (auto open = transfers.findOpen(); open && succeeded(result))
    result = open->first->emitOpError()
             << "found no wait for the transfer of micro-batch " << open->second
             << ", expected one wait behind each transfer: count the rounds of "
                "the loops";
  for (Buffer &buffer : buffers)
    buffer.interval.begin = 0, buffer.interval.end = time;
  return result;
}

/// The slots of a series, or slots with ends that do not take turns.
static std::optional<BufferOffsets> readPlaces(Attribute attribute) {
  BufferOffsets places;
  auto slots = dyn_cast_if_present<DenseI64ArrayAttr>(attribute);
  if (auto whole = dyn_cast_if_present<DictionaryAttr>(attribute)) {
    slots = whole.getAs<DenseI64ArrayAttr>("slots");
    auto read = [&](StringRef key, uint32_t &number) {
      auto value = whole.getAs<IntegerAttr>(key);
      if (value && value.getInt() >= 0)
        number = value.getInt();
      return value && value.getInt() == number;
    };
    if (!read("head", places.head) || !read("tail", places.tail) ||
        !read("instances", places.instances))
      return std::nullopt;
  }
  if (!slots || uint64_t(slots.size()) <= uint64_t(places.head) + places.tail ||
      (places.tail && places.instances < uint64_t(places.head) + places.tail))
    return std::nullopt;
  places.slots.assign(slots.asArrayRef().begin(), slots.asArrayRef().end());
  return places;
}

Attribute pp::makePlacesAttr(Builder &builder, const memory::Places &places) {
  auto slots = builder.getDenseI64ArrayAttr(
      SmallVector<int64_t>(places.slots.begin(), places.slots.end()));
  if (!places.head && !places.tail)
    return slots;
  NamedAttrList whole;
  whole.set("slots", slots);
  whole.set("head", builder.getI64IntegerAttr(places.head));
  whole.set("tail", builder.getI64IntegerAttr(places.tail));
  whole.set("instances", builder.getI64IntegerAttr(places.instances));
  return whole.getDictionary(builder.getContext());
}

FailureOr<std::vector<BufferOffsets>>
ProgramBuffers::readOffsets(ProgramOp program) const {
  std::vector<BufferOffsets> offsets;
  auto missing = [&](const Buffer &buffer, StringRef attribute) {
    return buffer.op->emitOpError("found no offset of its ")
           << buffer.describe() << " in " << attribute
           << ", expected one; run pp-plan-memory";
  };
  for (const Buffer &buffer : buffers) {
    std::optional<int64_t> offset;
    StringRef attribute;
    if (buffer.series) {
      attribute = buffer.kind == BufferKind::Workspace ? attr::kWorkspaces
                                                       : attr::kRings;
      auto all = program->getAttrOfType<DictionaryAttr>(attribute);
      auto places = readPlaces(all ? all.get(buffer.series) : nullptr);
      if (!places)
        return missing(buffer, attribute);
      offsets.push_back(std::move(*places));
      continue;
    }
    switch (buffer.kind) {
    case BufferKind::Parameter:
      attribute = attr::kParameters;
      if (auto all = program->getAttrOfType<DictionaryAttr>(attribute))
        if (auto one = all.getAs<IntegerAttr>(buffer.parameter))
          offset = one.getInt();
      break;
    case BufferKind::Gradient:
      attribute = attr::kGradients;
      if (auto all = program->getAttrOfType<DictionaryAttr>(attribute))
        if (auto uses = all.getAs<DenseI64ArrayAttr>(buffer.parameter))
          if (buffer.use < uses.size() && uses[buffer.use] >= 0)
            offset = uses[buffer.use];
      break;
    case BufferKind::Workspace:
      attribute = attr::kWorkspaceOffset;
      if (auto one = buffer.op->getAttrOfType<IntegerAttr>(attribute))
        offset = one.getInt();
      break;
    case BufferKind::Activation:
    case BufferKind::Communication:
      attribute = attr::kOffsets;
      if (auto all = buffer.op->getAttrOfType<DenseI64ArrayAttr>(attribute))
        if (buffer.result < all.size() && all[buffer.result] >= 0)
          offset = all[buffer.result];
      break;
    }
    if (!offset)
      return missing(buffer, attribute);
    offsets.push_back({{uint64_t(*offset)}});
  }
  return offsets;
}
