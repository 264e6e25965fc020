//===- ProgramBuffers.cpp - Buffers of a rank program ---------------------===//
//
// A program is a straight list of ops, so the position of an op is the time,
// and a buffer lives from the op that defines it to the last op that uses the
// value or one that shares its buffer. Operands and results of an action are
// live together: stage functions may assume that they do not overlap.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Memory/Buffers.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace pp;

FailureOr<uint64_t> pp::getTensorBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() ||
      !tensor.getElementType().isIntOrFloat())
    return failure();
  uint64_t bits = tensor.getElementTypeBitWidth();
  return uint64_t(tensor.getNumElements()) * ((bits + 7) / 8);
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

LogicalResult ProgramBuffers::addValue(Value value, BufferKind kind,
                                       uint32_t time) {
  Operation *op = value.getDefiningOp();
  FailureOr<uint64_t> bytes = getTensorBytes(value.getType());
  if (failed(bytes))
    return op->emitOpError("found a value of type ")
           << value.getType()
           << " in a rank program, expected a statically shaped tensor of "
              "integers or floats; memory is planned before the program runs";
  Buffer buffer{kind, {*bytes, time, time + 1}, op};
  buffer.result = cast<OpResult>(value).getResultNumber();
  ofValue[value] = buffers.size();
  buffers.push_back(std::move(buffer));
  return success();
}

LogicalResult ProgramBuffers::addParameter(Operation *op, StringAttr name,
                                           Type type) {
  if (ofParameter.contains(name))
    return success();
  FailureOr<uint64_t> bytes = getTensorBytes(type);
  if (failed(bytes))
    return op->emitOpError("found parameter '")
           << name.getValue() << "' of type " << type
           << ", expected a statically shaped tensor of integers or floats";
  ofParameter[name] = buffers.size();
  buffers.push_back(
      {BufferKind::Parameter, {*bytes, 0, programLength}, op, 0, name, 0});
  return success();
}

LogicalResult ProgramBuffers::addGradient(Operation *op, StringAttr name,
                                          int64_t use, Type type) {
  if (ofGradient.contains({name, use}))
    return success();
  FailureOr<uint64_t> bytes = getTensorBytes(type);
  if (failed(bytes))
    return op->emitOpError("found a gradient of '")
           << name.getValue() << "' of type " << type
           << ", expected a statically shaped tensor of integers or floats";
  ofGradient[{name, use}] = buffers.size();
  buffers.push_back(
      {BufferKind::Gradient, {*bytes, 0, programLength}, op, 0, name, use});
  return success();
}

LogicalResult ProgramBuffers::addRun(RunOp run, uint32_t time,
                                     SymbolTableCollection &symbols) {
  auto callee =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(run, run.getCalleeAttr());
  if (!callee)
    return run.emitOpError("found no function '")
           << run.getCallee() << "', expected a stage function of the module";
  for (unsigned i = 0; i < callee.getNumArguments(); ++i) {
    Type type = callee.getArgumentTypes()[i];
    if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kParam))
      if (failed(addParameter(run, name, type)))
        return failure();
    if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kGrad)) {
      auto use = callee.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
      if (failed(addGradient(run, name, use.getInt(), type)))
        return failure();
    }
  }
  for (Value result : run.getResults()) {
    // What is sent and read by nobody here exists for the transfer only.
    bool onlySent = !result.use_empty() &&
                    llvm::all_of(result.getUsers(), [](Operation *user) {
                      return isa<ISendOp, WaitSendOp>(user);
                    });
    if (failed(addValue(result,
                        onlySent ? BufferKind::Communication
                                 : BufferKind::Activation,
                        time)))
      return failure();
  }
  auto workspace = callee->getAttrOfType<IntegerAttr>(attr::kWorkspace);
  if (!workspace)
    return run.emitOpError("found stage function '")
           << run.getCallee()
           << "' without pp.workspace, expected the bytes of its workspace; "
              "run pp-plan-memory on the module";
  if (workspace.getInt() > 0) {
    ofWorkspace[run] = buffers.size();
    buffers.push_back({BufferKind::Workspace,
                       {uint64_t(workspace.getInt()), time, time + 1},
                       run});
  }
  return success();
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
    } else if (auto load = dyn_cast<LoadParameterOp>(op)) {
      // The value may be read until its last use: take the whole program.
      SmallVector<uint32_t> &times = touches[load.getParameterAttr().getAttr()];
      for (uint32_t t = 0; t < programLength; ++t)
        times.push_back(t);
    }
  }
}

FailureOr<ProgramBuffers>
ProgramBuffers::analyze(ProgramOp program, SymbolTableCollection &symbols) {
  ProgramBuffers result;
  Block &body = *program.getBody().begin();
  DenseMap<Operation *, uint32_t> timeOf;
  for (Operation &op : body)
    timeOf[&op] = result.programLength++;
  result.collectReads(program, symbols);

  // The parameter whose buffer a receive may write to at once.
  auto directTarget = [&](IRecvOp receive) -> StringAttr {
    if (!receive.getBuffer().hasOneUse())
      return {};
    auto wait = dyn_cast<WaitOp>(*receive.getBuffer().user_begin());
    if (!wait || !wait.getResult().hasOneUse())
      return {};
    auto store = dyn_cast<StoreParameterOp>(*wait.getResult().user_begin());
    if (!store)
      return {};
    StringAttr name = store.getParameterAttr().getAttr();
    for (uint32_t time : result.touches.lookup(name))
      if (time > timeOf[receive] && time < timeOf[store])
        return {};
    return name;
  };

  for (Operation &op : body) {
    uint32_t time = timeOf[&op];
    LogicalResult added =
        TypeSwitch<Operation *, LogicalResult>(&op)
            .Case([&](RunOp run) { return result.addRun(run, time, symbols); })
            .Case([&](IRecvOp receive) {
              if (StringAttr name = directTarget(receive)) {
                if (failed(result.addParameter(receive, name,
                                               receive.getBuffer().getType())))
                  return failure();
                result.ofValue[receive.getBuffer()] = result.ofParameter[name];
                return success();
              }
              return result.addValue(receive.getBuffer(),
                                     BufferKind::Communication, time);
            })
            .Case([&](WaitOp wait) {
              result.ofValue[wait.getResult()] =
                  result.ofValue[wait.getBuffer()];
              return success();
            })
            .Case([&](ZeroGradientOp zero) {
              auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(
                  zero, zero.getParameterAttr());
              return result.addGradient(zero, zero.getParameterAttr().getAttr(),
                                        zero.getUse(),
                                        parameter.getGradientType());
            })
            .Case([&](LoadGradientOp load) {
              StringAttr name = load.getParameterAttr().getAttr();
              int64_t use = load.getUse();
              if (failed(result.addGradient(load, name, use,
                                            load.getResult().getType())))
                return failure();
              result.ofValue[load.getResult()] = result.ofGradient[{name, use}];
              return success();
            })
            .Case([&](LoadParameterOp load) {
              StringAttr name = load.getParameterAttr().getAttr();
              if (failed(result.addParameter(load, name,
                                             load.getResult().getType())))
                return failure();
              result.ofValue[load.getResult()] = result.ofParameter[name];
              return success();
            })
            .Case([&](ReduceGradientsOp reduce) {
              result.ofValue[reduce.getResult()] =
                  result.ofValue[reduce.getGradients().front()];
              return success();
            })
            .Case([&](UpdateOp update) {
              StringAttr name = update.getParameterAttr().getAttr();
              result.owned.push_back(name);
              auto parameter = symbols.lookupNearestSymbolFrom<ParameterOp>(
                  update, update.getParameterAttr());
              return result.addParameter(update, name, parameter.getType());
            })
            .Case([&](StoreParameterOp store) {
              return result.addParameter(store,
                                         store.getParameterAttr().getAttr(),
                                         store.getValue().getType());
            })
            .Default(success());
    if (failed(added))
      return failure();
    for (Value operand : op.getOperands()) {
      auto it = result.ofValue.find(operand);
      if (it != result.ofValue.end()) {
        uint32_t &end = result.buffers[it->second].interval.end;
        end = std::max(end, time + 1);
      }
    }
  }
  return result;
}

FailureOr<SmallVector<uint64_t>>
ProgramBuffers::readOffsets(ProgramOp program) const {
  SmallVector<uint64_t> offsets;
  auto missing = [&](const Buffer &buffer, StringRef attribute) {
    return buffer.op->emitOpError("found no offset of its ")
           << buffer.describe() << " in " << attribute
           << ", expected one; run pp-plan-memory";
  };
  for (const Buffer &buffer : buffers) {
    std::optional<int64_t> offset;
    StringRef attribute;
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
    offsets.push_back(uint64_t(*offset));
  }
  return offsets;
}
