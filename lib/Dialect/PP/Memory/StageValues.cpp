//===- StageValues.cpp - Where the values of a stage function lie ---------===//
//
// A stage function only calls layer functions. A value that it returns lies in
// the caller's memory, an accumulated one in its accumulator, and what is left
// in the stage's workspace from the call that makes it to the last that reads
// it.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Limits.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace pp;

SmallVector<func::FuncOp>
pp::getStageFunctions(ModuleOp module, SymbolTableCollection &symbols) {
  llvm::SetVector<Operation *> functions;
  for (StageOp stage : module.getOps<StageOp>())
    for (FlatSymbolRefAttr name :
         {stage.getForwardAttr(), stage.getBackwardAttr(),
          stage.getBackwardInputAttr(), stage.getBackwardWeightAttr()})
      if (name)
        if (auto function =
                symbols.lookupNearestSymbolFrom<func::FuncOp>(stage, name))
          functions.insert(function);
  SmallVector<func::FuncOp> result;
  for (Operation *function : functions)
    result.push_back(cast<func::FuncOp>(function));
  return result;
}

Value StageValues::getRoot(Value value) const {
  for (auto it = accumulatesInto.find(value); it != accumulatesInto.end();
       it = accumulatesInto.find(value))
    value = it->second;
  return value;
}

FailureOr<StageValues> StageValues::analyze(func::FuncOp stage,
                                            SymbolTableCollection &symbols) {
  StageValues values;
  if (stage.isExternal()) {
    stage.emitOpError("found no body, expected a stage function with calls of "
                      "layer functions");
    return failure();
  }
  Block &body = stage.getBody().front();
  auto returnOp = dyn_cast<func::ReturnOp>(body.getTerminator());
  if (!returnOp || !stage.getBody().hasOneBlock()) {
    stage.emitOpError("found several blocks, expected a stage function with "
                      "one that ends with func.return");
    return failure();
  }
  for (BlockArgument argument : body.getArguments())
    values.storage[argument] = {isa<RankedTensorType>(argument.getType())
                                    ? StageStorage::Argument
                                    : StageStorage::Scalar,
                                argument.getArgNumber()};

  // The first place in which a value is returned is where it lies.
  DenseMap<Value, unsigned> returned;
  for (auto [number, value] : llvm::enumerate(returnOp.getOperands()))
    if (!stage.getResultAttr(number, attr::kAccumulates))
      returned.try_emplace(value, number);

  DenseMap<Operation *, uint32_t> timeOf;
  uint32_t length = 0;
  for (Operation &op : body)
    timeOf[&op] = length++;

  DenseMap<Value, unsigned> itemOf;
  for (Operation &op : body) {
    uint32_t time = timeOf[&op];
    for (Value operand : op.getOperands()) {
      auto it = itemOf.find(values.getRoot(operand));
      if (it != itemOf.end())
        values.items[it->second].interval.end = time + 1;
    }
    auto call = dyn_cast<func::CallOp>(op);
    if (!call) {
      if (op.hasTrait<OpTrait::IsTerminator>())
        continue;
      bool isConstant = op.hasTrait<OpTrait::ConstantLike>();
      for (Value result : op.getResults()) {
        bool isTensor = isa<ShapedType>(result.getType());
        if (isTensor && !isConstant) {
          op.emitOpError("found a tensor computed in a stage function, "
                         "expected calls of layer functions only; move the op "
                         "into a function of its own");
          return failure();
        }
        values.storage[result] = {isTensor ? StageStorage::Constant
                                           : StageStorage::Scalar,
                                  0, isTensor ? &op : nullptr};
      }
      continue;
    }

    auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    auto workspace = callee
                         ? callee->getAttrOfType<IntegerAttr>(attr::kWorkspace)
                         : IntegerAttr();
    if (!workspace) {
      call.emitOpError("found layer function '")
          << call.getCallee()
          << "' without pp.workspace, expected the bytes of its temporaries; "
             "run pp-lower-layers first";
      return failure();
    }
    if (workspace.getInt() > 0)
      values.items.push_back(
          {call, std::nullopt, {uint64_t(workspace.getInt()), time, time + 1}});
    for (OpResult result : call.getResults()) {
      unsigned number = result.getResultNumber();
      if (auto target = callee.getResultAttrOfType<IntegerAttr>(
              number, attr::kAccumulates)) {
        Value accumulator = call.getOperand(target.getInt());
        for (Operation *user : accumulator.getUsers())
          if (user != call && timeOf[user] > time) {
            InFlightDiagnostic diagnostic =
                call.emitOpError("adds into operand ")
                << target.getInt()
                << ", which is read again later, expected its last use; "
                   "accumulators are updated in place";
            diagnostic.attachNote(user->getLoc()) << "read here";
            return failure();
          }
        if (values.getStorage(accumulator).kind == StageStorage::Constant) {
          call.emitOpError("adds into a constant as operand ")
              << target.getInt()
              << ", expected an accumulator that may be written";
          return failure();
        }
        values.accumulatesInto[result] = accumulator;
        continue;
      }
      auto it = returned.find(result);
      if (it != returned.end()) {
        values.storage[result] = {StageStorage::Result, it->second};
        continue;
      }
      FailureOr<uint64_t> bytes = getTensorBytes(result.getType());
      if (failed(bytes)) {
        call.emitOpError("found a result of type ")
            << result.getType()
            << ", expected a statically shaped tensor of integers or floats";
        return failure();
      }
      values.storage[result] = {StageStorage::Workspace};
      itemOf[result] = values.items.size();
      values.items.push_back({call, number, {*bytes, time, time + 1}});
    }
  }
  uint64_t total = 0;
  for (const Item &item : values.items)
    total = llvm::SaturatingAdd(total, memory::alignUp(item.interval.size));
  if (total > uint64_t(limits::kBytes)) {
    stage.emitOpError("found values of more than 2^60 bytes, expected what a "
                      "machine holds; use smaller micro-batches");
    return failure();
  }
  return values;
}

FailureOr<SmallVector<uint64_t>> StageValues::readOffsets() const {
  SmallVector<uint64_t> offsets;
  for (const Item &item : items) {
    func::CallOp call = item.call;
    std::optional<int64_t> offset;
    if (item.result) {
      auto all = call->getAttrOfType<DenseI64ArrayAttr>(attr::kOffsets);
      if (all && *item.result < all.size() && all[*item.result] >= 0)
        offset = all[*item.result];
    } else if (auto one =
                   call->getAttrOfType<IntegerAttr>(attr::kWorkspaceOffset)) {
      offset = one.getInt();
    }
    if (!offset) {
      call.emitOpError("found no offset of its ")
          << (item.result ? "result " + std::to_string(*item.result)
                          : std::string("workspace"))
          << ", expected one; run pp-plan-memory";
      return failure();
    }
    offsets.push_back(uint64_t(*offset));
  }
  return offsets;
}
