//===- LowerStages.cpp - Stage functions to LLVM --------------------------===//
//
// A stage function becomes a list of calls of layer functions. What differs
// between stages of the same layers, where their values lie, stands in the
// table that they are given, so that these stages share their code.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace pp;

StageSignature::StageSignature(func::FuncOp stage) {
  for (unsigned i = 0; i < stage.getNumArguments(); ++i) {
    argumentSlot.push_back(-1);
    if (stage.getArgAttr(i, attr::kKey)) {
      hasKey = true;
      continue;
    }
    if (stage.getArgAttr(i, attr::kData))
      dataArguments.push_back(i);
    else
      argumentSlot.back() = tableSize++;
  }
  for (unsigned i = 0; i < stage.getNumResults(); ++i)
    resultSlot.push_back(
        stage.getResultAttr(i, attr::kAccumulates) ? -1 : int64_t(tableSize++));
}

LLVM::LLVMFunctionType StageSignature::getType(MLIRContext *context) const {
  Type ptr = LLVM::LLVMPointerType::get(context);
  SmallVector<Type> arguments = {ptr, ptr, ptr, ptr,
                                 IntegerType::get(context, 64)};
  arguments.append(dataArguments.size(), ptr);
  return LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                     arguments);
}

namespace {

class StageLowering {
  /// Arguments of a native stage function.
  enum : unsigned {
    contextArgument,
    arenaArgument,
    tableArgument,
    workspaceArgument,
    keyArgument,
    firstDataArgument
  };

public:
  StageLowering(func::FuncOp stage, StageValues values,
                SymbolTableCollection &symbols, bool onDevice)
      : onDevice(onDevice), stage(stage), values(std::move(values)),
        symbols(symbols), signature(stage), builder(stage) {}

  FailureOr<CallList> run() {
    for (BlockArgument argument : stage.getArguments())
      if (stage.getArgAttr(argument.getArgNumber(), attr::kKey))
        scalars.insert({argument, CallOperand::argument(keyArgument)});
    for (Operation &op : stage.getBody().front()) {
      LogicalResult lowered =
          TypeSwitch<Operation *, LogicalResult>(&op)
              .Case([&](func::CallOp call) { return lowerCall(call); })
              .Case([&](func::ReturnOp op) { return lowerReturn(op); })
              .Default([&](Operation *op) { return lowerScalar(op); });
      if (failed(lowered))
        return failure();
    }
    return std::move(calls);
  }

private:
  static CallOperand slot(int64_t number) {
    return CallOperand::slot(arenaArgument, tableArgument, number);
  }

  /// The address, or for a scalar the value itself.
  CallOperand operandFor(Value value) {
    StageStorage storage = values.getStorage(value);
    switch (storage.kind) {
    case StageStorage::Scalar:
      return scalars.at(value);
    case StageStorage::Argument: {
      auto *data = llvm::find(signature.dataArguments, storage.index);
      if (data != signature.dataArguments.end())
        return CallOperand::argument(firstDataArgument +
                                     (data - signature.dataArguments.begin()));
      return slot(signature.argumentSlot[storage.index]);
    }
    case StageStorage::Result:
      return slot(signature.resultSlot[storage.index]);
    case StageStorage::Constant:
      if (onDevice)
        return deviceConstant(storage.constant);
      return CallOperand::symbolAt(getGlobal(storage.constant));
    case StageStorage::Workspace: {
      auto result = cast<OpResult>(values.getRoot(value));
      auto offsets =
          result.getOwner()->getAttrOfType<DenseI64ArrayAttr>(attr::kOffsets);
      return CallOperand::address(workspaceArgument,
                                  offsets[result.getResultNumber()]);
    }
    }
    llvm_unreachable("unknown storage");
  }

  /// A call that gives the constant's copy on the device. Its result is counted
  /// from the end of the calls, see `resolve`.
  CallOperand deviceConstant(Operation *constant) {
    uint64_t bytes = *getTensorBytes(constant->getResult(0).getType());
    calls.append({builder.getStringAttr("pprt_gpu_constant"),
                  LLVM::LLVMPointerType::get(builder.getContext()),
                  /*isChecked=*/false,
                  {CallOperand::argument(contextArgument),
                   CallOperand::symbolAt(getGlobal(constant)),
                   CallOperand::number(builder.getI64Type(), bytes)},
                  constant->getLoc()});
    return CallOperand::result(calls.size());
  }
  /// Operands that are results by number of the call, as distances to the next.
  void resolve(MutableArrayRef<CallOperand> operands) {
    for (CallOperand &operand : operands)
      if (operand.kind == CallOperand::Result)
        operand.base = calls.size() - operand.base + 1;
  }

  StringAttr getGlobal(Operation *op) {
    StringAttr &name = globals[op];
    if (name)
      return name;
    Attribute value;
    matchPattern(op->getResult(0), m_Constant(&value));
    auto elements = cast<DenseElementsAttr>(value);
    name = builder.getStringAttr(stage.getName() + ".constant" +
                                 Twine(globals.size() - 1));
    // A splat of rank 0 is one element; otherwise the elements in row-major
    // order.
    Type type = LLVM::LLVMArrayType::get(elements.getElementType(),
                                         elements.getNumElements());
    auto flat = elements.reshape(RankedTensorType::get(
        {elements.getNumElements()}, elements.getElementType()));
    auto global = LLVM::GlobalOp::create(builder, op->getLoc(), type,
                                         /*isConstant=*/true,
                                         LLVM::Linkage::Internal, name, flat);
    global.setAlignment(memory::kAlignment);
    return name;
  }

  LogicalResult lowerCall(func::CallOp call) {
    auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    SmallVector<CallOperand> operands = {
        CallOperand::argument(contextArgument)};
    for (Value operand : call.getOperands())
      operands.push_back(operandFor(operand));
    for (OpResult result : call.getResults())
      if (!callee.getResultAttr(result.getResultNumber(), attr::kAccumulates))
        operands.push_back(operandFor(result));
    resolve(operands);
    auto offset = call->getAttrOfType<IntegerAttr>(attr::kWorkspaceOffset);
    operands.push_back(
        CallOperand::address(workspaceArgument, offset ? offset.getInt() : 0));
    calls.append({call.getCalleeAttr().getAttr(),
                  {},
                  /*isChecked=*/false,
                  std::move(operands),
                  call.getLoc()});
    // Only the context: stages of equal layers share their code, and which of
    // them runs is known by the action.
    if (call->hasAttr(attr::kPart))
      calls.append({builder.getStringAttr("pprt_mark"),
                    {},
                    /*isChecked=*/false,
                    {CallOperand::argument(contextArgument)},
                    call.getLoc()});
    return success();
  }

  /// What a result's own call did not put in place: an argument or a constant
  /// that is returned, and a value that is returned twice.
  LogicalResult lowerReturn(func::ReturnOp op) {
    for (auto [number, value] : llvm::enumerate(op.getOperands())) {
      int64_t target = signature.resultSlot[number];
      StageStorage storage = values.getStorage(value);
      if (target < 0) {
        auto accumulator =
            stage.getResultAttrOfType<IntegerAttr>(number, attr::kAccumulates);
        if (storage.kind != StageStorage::Argument ||
            storage.index != accumulator.getInt())
          return op.emitOpError("found operand ")
                 << number
                 << " in another buffer than its accumulator, argument "
                 << accumulator.getInt()
                 << ", expected the accumulator updated in place";
        continue;
      }
      if (storage.kind == StageStorage::Result && storage.index == number)
        continue;
      FailureOr<uint64_t> bytes = getTensorBytes(value.getType());
      if (failed(bytes))
        return op.emitOpError("found operand ")
               << number << " of type " << value.getType()
               << ", expected a statically shaped tensor";
      CallOperand source = operandFor(value);
      resolve(source);
      calls.copy(op.getLoc(), slot(target), source,
                 CallOperand::number(builder.getI64Type(), *bytes));
    }
    return success();
  }

  LogicalResult lowerScalar(Operation *op) {
    if (isa<ShapedType>(op->getResult(0).getType()))
      return success(); // a constant: made where it is used
    IntegerAttr integer;
    if (matchPattern(op, m_Constant(&integer))) {
      scalars.insert({op->getResult(0),
                      CallOperand::number(op->getResult(0).getType(),
                                          integer.getValue().getSExtValue())});
      return success();
    }
    if (auto mix = dyn_cast<nn::MixKeyOp>(op)) {
      const CallOperand &key = scalars.at(mix.getKey());
      if (key.kind != CallOperand::Number) {
        SmallVector<int64_t> salts(key.numbers.begin(), key.numbers.end());
        salts.push_back(mix.getSalt());
        // Bits above an address that a device has.
        if (onDevice && (salts.size() > 1 || mix.getSalt() >= 65535))
          return op->emitOpError("found salt ")
                 << mix.getSalt() << " of a key that is mixed " << salts.size()
                 << " times, expected one below 65535, once, in a program for "
                    "GPUs; use the salt on the stage's key";
        scalars.insert(
            {mix.getResult(), CallOperand::mixedKey(keyArgument, salts)});
        return success();
      }
    }
    return op->emitOpError("found in a stage function, expected calls of layer "
                           "functions, constants and nn.mix_key of the stage's "
                           "key only; move the op into a function of its own");
  }

  bool onDevice;
  func::FuncOp stage;
  StageValues values;
  SymbolTableCollection &symbols;
  StageSignature signature;
  OpBuilder builder;
  CallList calls;
  DenseMap<Value, CallOperand> scalars;
  DenseMap<Operation *, StringAttr> globals;
};

} // namespace

/// Leaves for `exit` if computations are emulated; otherwise goes on in the
/// block that is returned. The flag is the first field of the context
/// (pprt_context_head).
static Block *skipIfEmulating(LLVM::LLVMFuncOp function, Block *entry,
                              Block *exit) {
  OpBuilder builder(function);
  Location loc = function.getLoc();
  Type i32 = builder.getI32Type();
  Block *compute = builder.createBlock(&function.getBody());
  compute->moveBefore(exit);
  builder.setInsertionPointToEnd(entry);
  Value flag = LLVM::LoadOp::create(builder, loc, i32, function.getArgument(0));
  Value zero =
      LLVM::ConstantOp::create(builder, loc, i32, builder.getI32IntegerAttr(0));
  Value isReal =
      LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq, flag, zero);
  LLVM::CondBrOp::create(builder, loc, isReal, compute, exit);
  return compute;
}

static void emitStage(func::FuncOp stage, LLVM::LLVMFunctionType type,
                      const CallList &calls, CallTarget &target) {
  OpBuilder builder(stage);
  auto function = LLVM::LLVMFuncOp::create(
      builder, stage.getLoc(), stage.getName(), type, LLVM::Linkage::Internal);
  function.setNoInline(true);
  function.setOptimizeNone(true);
  // Each call passes another constant table: function specialisation would
  // make a copy for every action.
  function.setPassthroughAttr(builder.getStrArrayAttr({"noduplicate"}));
  Block *entry = function.addEntryBlock(builder);
  Block *exit = builder.createBlock(&function.getBody());
  Block *compute = skipIfEmulating(function, entry, exit);
  builder.setInsertionPointToEnd(
      calls.emit(function, compute, nullptr, target));
  LLVM::BrOp::create(builder, stage.getLoc(), exit);
  builder.setInsertionPointToEnd(exit);
  LLVM::ReturnOp::create(builder, stage.getLoc(), ValueRange());
}

LogicalResult NativeStages::lower(func::FuncOp stage,
                                  SymbolTableCollection &symbols,
                                  CallTarget &target) {
  FailureOr<StageValues> values = StageValues::analyze(stage, symbols);
  if (failed(values) || failed(values->readOffsets()))
    return failure();
  FailureOr<CallList> calls =
      StageLowering(stage, std::move(*values), symbols, target.isDevice).run();
  if (failed(calls))
    return failure();
  auto type = StageSignature(stage).getType(stage.getContext());
  for (const Made &other : made)
    if (other.type == type && other.calls == *calls) {
      native[stage.getSymNameAttr()] = other.name;
      return success();
    }
  emitStage(stage, type, *calls, target);
  native[stage.getSymNameAttr()] = stage.getSymNameAttr();
  made.push_back({stage.getSymNameAttr(), type, std::move(*calls)});
  return success();
}
