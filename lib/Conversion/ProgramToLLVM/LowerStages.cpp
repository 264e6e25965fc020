//===- LowerStages.cpp - Stage functions to LLVM --------------------------===//
//
// A stage function becomes a list of calls of layer functions. Every address
// is taken right before the call that needs it: unoptimised code then keeps
// nothing alive in between.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
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
  SmallVector<Type> arguments = {ptr, ptr, ptr, IntegerType::get(context, 64)};
  arguments.append(dataArguments.size(), ptr);
  return LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                     arguments);
}

namespace {

class StageLowering {
public:
  StageLowering(func::FuncOp stage, StageValues values,
                SymbolTableCollection &symbols)
      : stage(stage), values(std::move(values)), symbols(symbols),
        signature(stage), builder(stage), loc(stage.getLoc()),
        ptr(LLVM::LLVMPointerType::get(stage.getContext())),
        i64(builder.getI64Type()), i8(builder.getI8Type()) {}

  FailureOr<LLVM::LLVMFuncOp> run() {
    function = LLVM::LLVMFuncOp::create(builder, loc, stage.getName(),
                                        signature.getType(stage.getContext()),
                                        LLVM::Linkage::Internal);
    function.setNoInline(true);
    function.setOptimizeNone(true);
    Block *entry = function.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    arena = entry->getArgument(0);
    table = entry->getArgument(1);
    workspace = entry->getArgument(2);

    for (BlockArgument argument : stage.getArguments())
      if (stage.getArgAttr(argument.getArgNumber(), attr::kKey))
        scalars.map(argument, entry->getArgument(3));
    for (Operation &op : stage.getBody().front()) {
      loc = op.getLoc();
      LogicalResult lowered =
          TypeSwitch<Operation *, LogicalResult>(&op)
              .Case([&](func::CallOp call) { return lowerCall(call); })
              .Case([&](func::ReturnOp op) { return lowerReturn(op); })
              .Default([&](Operation *op) { return lowerScalar(op); });
      if (failed(lowered))
        return failure();
    }
    return function;
  }

private:
  Value constant(uint64_t value) {
    return LLVM::ConstantOp::create(builder, loc, i64,
                                    builder.getI64IntegerAttr(value));
  }
  Value advance(Value base, Value bytes) {
    return LLVM::GEPOp::create(builder, loc, ptr, i8, base,
                               ArrayRef<LLVM::GEPArg>{bytes});
  }
  Value loadSlot(int64_t slot) {
    Value entry = LLVM::GEPOp::create(
        builder, loc, ptr, i64, table,
        ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(int32_t(slot))});
    Value offset = LLVM::LoadOp::create(builder, loc, i64, entry);
    return advance(arena, offset);
  }

  /// The address, or for a scalar the value itself.
  Value materialize(Value value) {
    StageStorage storage = values.getStorage(value);
    switch (storage.kind) {
    case StageStorage::Scalar:
      return scalars.lookup(value);
    case StageStorage::Argument: {
      auto *data = llvm::find(signature.dataArguments, storage.index);
      if (data != signature.dataArguments.end())
        return function.getArgument(4 +
                                    (data - signature.dataArguments.begin()));
      return loadSlot(signature.argumentSlot[storage.index]);
    }
    case StageStorage::Result:
      return loadSlot(signature.resultSlot[storage.index]);
    case StageStorage::Constant:
      return LLVM::AddressOfOp::create(builder, loc, ptr,
                                       getGlobal(storage.constant));
    case StageStorage::Workspace: {
      auto result = cast<OpResult>(values.getRoot(value));
      auto offsets =
          result.getOwner()->getAttrOfType<DenseI64ArrayAttr>(attr::kOffsets);
      return advance(workspace, constant(offsets[result.getResultNumber()]));
    }
    }
    llvm_unreachable("unknown storage");
  }

  StringRef getGlobal(Operation *op) {
    auto [it, inserted] = globals.try_emplace(op);
    if (inserted) {
      Attribute value;
      matchPattern(op->getResult(0), m_Constant(&value));
      auto elements = cast<DenseElementsAttr>(value);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(function);
      it->second =
          (stage.getName() + ".constant" + std::to_string(globals.size() - 1))
              .str();
      // A splat of rank 0 is one element; otherwise the elements in row-major
      // order.
      Type type = LLVM::LLVMArrayType::get(elements.getElementType(),
                                           elements.getNumElements());
      auto flat = elements.reshape(RankedTensorType::get(
          {elements.getNumElements()}, elements.getElementType()));
      auto global = LLVM::GlobalOp::create(
          builder, op->getLoc(), type,
          /*isConstant=*/true, LLVM::Linkage::Internal, it->second, flat);
      global.setAlignment(memory::kAlignment);
    }
    return it->second;
  }

  LogicalResult lowerCall(func::CallOp call) {
    auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    SmallVector<Value> operands;
    for (Value operand : call.getOperands())
      operands.push_back(materialize(operand));
    for (OpResult result : call.getResults())
      if (!callee.getResultAttr(result.getResultNumber(), attr::kAccumulates))
        operands.push_back(materialize(result));
    auto offset = call->getAttrOfType<IntegerAttr>(attr::kWorkspaceOffset);
    operands.push_back(offset ? advance(workspace, constant(offset.getInt()))
                              : workspace);
    LLVM::CallOp::create(builder, loc, TypeRange(), call.getCallee(), operands);
    return success();
  }

  /// What a result's own call did not put in place: an argument or a constant
  /// that is returned, and a value that is returned twice.
  LogicalResult lowerReturn(func::ReturnOp op) {
    for (auto [number, value] : llvm::enumerate(op.getOperands())) {
      int64_t slot = signature.resultSlot[number];
      StageStorage storage = values.getStorage(value);
      if (slot < 0) {
        auto target =
            stage.getResultAttrOfType<IntegerAttr>(number, attr::kAccumulates);
        if (storage.kind != StageStorage::Argument ||
            storage.index != target.getInt())
          return op.emitOpError("found operand ")
                 << number
                 << " in another buffer than its accumulator, argument "
                 << target.getInt()
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
      LLVM::MemcpyOp::create(builder, loc, loadSlot(slot), materialize(value),
                             constant(*bytes), /*isVolatile=*/false);
    }
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    return success();
  }

  LogicalResult lowerScalar(Operation *op) {
    if (isa<ShapedType>(op->getResult(0).getType()))
      return success(); // a constant: made where it is used
    IntegerAttr integer;
    if (matchPattern(op, m_Constant(&integer))) {
      scalars.map(op->getResult(0),
                  LLVM::ConstantOp::create(
                      builder, loc, op->getResult(0).getType(), integer));
      return success();
    }
    if (auto mix = dyn_cast<nn::MixKeyOp>(op)) {
      scalars.map(mix.getResult(),
                  mixKey(scalars.lookup(mix.getKey()), mix.getSalt()));
      return success();
    }
    return op->emitOpError("found in a stage function, expected calls of layer "
                           "functions, constants and nn.mix_key only; move "
                           "the op into a function of its own");
  }

  /// SplitMix64, as nn.mix_key defines it.
  Value mixKey(Value key, uint64_t salt) {
    auto shiftXor = [&](Value z, uint64_t shift) -> Value {
      Value shifted = LLVM::LShrOp::create(builder, loc, z, constant(shift));
      return LLVM::XOrOp::create(builder, loc, z, shifted);
    };
    Value z = LLVM::AddOp::create(builder, loc, key,
                                  constant((salt + 1) * 0x9e3779b97f4a7c15));
    z = LLVM::MulOp::create(builder, loc, shiftXor(z, 30),
                            constant(0xbf58476d1ce4e5b9));
    z = LLVM::MulOp::create(builder, loc, shiftXor(z, 27),
                            constant(0x94d049bb133111eb));
    return shiftXor(z, 31);
  }

  func::FuncOp stage;
  StageValues values;
  SymbolTableCollection &symbols;
  StageSignature signature;
  OpBuilder builder;
  Location loc;
  Type ptr, i64, i8;
  LLVM::LLVMFuncOp function;
  Value arena, table, workspace;
  IRMapping scalars;
  DenseMap<Operation *, std::string> globals;
};

} // namespace

FailureOr<LLVM::LLVMFuncOp> pp::lowerStage(func::FuncOp stage,
                                           SymbolTableCollection &symbols) {
  FailureOr<StageValues> values = StageValues::analyze(stage, symbols);
  if (failed(values) || failed(values->readOffsets()))
    return failure();
  return StageLowering(stage, std::move(*values), symbols).run();
}
