//===- CheckIds.cpp - Ids out of range end the step -----------------------===//

#include "Operands.h"
#include "pp/Dialect/Kernel/IR/CallBuilder.h"

using namespace mlir;
using namespace pp;
using namespace pp::kernel;

LogicalResult CheckIdsOp::verify() {
  if (static_cast<int64_t>(getSize()) > 0) // C1
    return success();
  return emitOpError("found size = ")
         << static_cast<int64_t>(getSize()) << ", expected a positive size";
}

/// The runtime hears of it, so an op without results is not dead.
bool CheckIdsOp::actsBeyondBuffers() { return true; }

/// `name` of pprt.h or pprt_gpu.h.
static LogicalResult lower(CheckIdsOp op, StringRef name, CallBuilder &calls) {
  auto type = cast<MemRefType>(op.getIds().getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(strides[0]))
    return op->emitOpError("found operand of type ")
           << type << ", expected a static stride";
  FailureOr<Value> ids = calls.pointer(op.getIds());
  if (failed(ids))
    return failure();
  // An ignored id within the range changes nothing, so 0 stands for none.
  int64_t ignored = static_cast<int64_t>(op.getIgnored().value_or(0));
  return calls.callWithContext(
      name, {calls.text(op.getReader()), *ids, calls.i64(type.getDimSize(0)),
             calls.i64(strides[0]), calls.i32(type.getElementTypeBitWidth()),
             calls.i64(op.getSize()), calls.i64(ignored)});
}

LogicalResult CheckIdsOp::lowerToHostCall(CallBuilder &calls) {
  return lower(*this, "pprt_check_ids", calls);
}

FailureOr<DictionaryAttr>
CheckIdsOp::lowerToDeviceCall(DeviceCallBuilder &calls) {
  if (failed(lower(*this, "pprt_gpu_check_ids", calls)))
    return failure();
  return DictionaryAttr();
}
