//===- Access.cpp - Views as places in whole buffers ----------------------===//

#include "Access.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace pp::device;

static std::optional<Access> find(Value view) {
  auto type = cast<MemRefType>(view.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type.hasStaticShape() ||
      failed(type.getStridesAndOffset(strides, offset)) ||
      llvm::is_contained(strides, ShapedType::kDynamic))
    return std::nullopt;
  Operation *op = view.getDefiningOp();
  if (auto subview = dyn_cast_or_null<memref::SubViewOp>(op)) {
    std::optional<Access> access = find(subview.getSource());
    if (!access)
      return std::nullopt;
    for (auto [position, stride] :
         llvm::zip(subview.getMixedOffsets(), access->strides)) {
      if (std::optional<int64_t> number = getConstantIntValue(position))
        access->offset += *number * stride;
      else
        access->variable.push_back({cast<Value>(position), stride});
    }
    access->strides = strides;
    return access;
  }
  if (isa_and_nonnull<memref::CollapseShapeOp, memref::ExpandShapeOp,
                      memref::CastOp>(op)) {
    std::optional<Access> access = find(op->getOperand(0));
    if (access)
      access->strides = strides;
    return access;
  }
  Access access;
  access.root = view;
  access.strides = strides;
  if (!type.getLayout().isIdentity())
    return std::nullopt;
  return access;
}

LogicalResult pp::device::verifySizes(Operation *op) {
  WalkResult walk = op->walk<WalkOrder::PreOrder>([&](Operation *user) {
    for (Value operand : user->getOperands()) {
      if (!isa<MemRefType>(operand.getType()))
        continue;
      std::optional<Access> access = find(operand);
      if (!access || access->rootType().getNumElements() <= INT32_MAX)
        continue;
      user->emitOpError("found a buffer of type ")
          << access->root.getType()
          << ", expected fewer than 2^31 elements in a program for GPUs; use "
             "smaller micro-batches or split the parameter";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

FailureOr<Access> pp::device::accessOf(Value view, Operation *user) {
  if (std::optional<Access> access = find(view))
    return *access;
  return user->emitOpError("found operand of type ")
         << view.getType()
         << ", expected a view with static strides of a contiguous buffer";
}
