//===- PlacePieces.cpp - Pieces are computed where they belong ------------===//
//
// Bufferization writes a result of an op into its slice of a whole only if the
// whole is there before the op as it is behind it. Of an op with several
// results that become pieces of one whole (the gradients of queries, keys and
// values, the halves of a rotation) it takes the first; others get a temporary
// and a copy. Here buffers are known, and with them what an op touches: a
// temporary that is only copied lies in its place from the start, where nobody
// else touches that place in between.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Interfaces/ViewLikeInterface.h"

namespace pp {
#define GEN_PASS_DEF_PLACEPIECES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// The buffer that `value` is a view of; fills `views`, the innermost first.
static Value rootOf(Value value, SmallVectorImpl<Operation *> &views) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>()) {
    views.push_back(view);
    value = view.getViewSource();
  }
  return value;
}

/// Whether two slices of the same buffer have no element in common.
static bool areDisjoint(memref::SubViewOp a, memref::SubViewOp b) {
  if (a.getSource() != b.getSource())
    return false;
  for (auto [offsetA, sizeA, strideA, offsetB, sizeB, strideB] : llvm::zip(
           a.getStaticOffsets(), a.getStaticSizes(), a.getStaticStrides(),
           b.getStaticOffsets(), b.getStaticSizes(), b.getStaticStrides())) {
    if (ShapedType::isDynamicShape(
            {offsetA, sizeA, strideA, offsetB, sizeB, strideB}))
      continue;
    if (offsetA + (sizeA - 1) * strideA < offsetB ||
        offsetB + (sizeB - 1) * strideB < offsetA)
      return true;
  }
  return false;
}

/// Whether an access of `a` may touch what `b` does. Arguments and allocations
/// are different memory.
static bool mayOverlap(Value a, Value b) {
  SmallVector<Operation *> viewsA, viewsB;
  Value rootA = rootOf(a, viewsA), rootB = rootOf(b, viewsB);
  auto isKnown = [](Value root) {
    return isa<BlockArgument>(root) ||
           isa_and_nonnull<memref::AllocOp, memref::GetGlobalOp>(
               root.getDefiningOp());
  };
  if (!isKnown(rootA) || !isKnown(rootB))
    return true;
  if (rootA != rootB)
    return false;
  for (Operation *viewA : viewsA)
    for (Operation *viewB : viewsB)
      if (isa<memref::SubViewOp>(viewA) && isa<memref::SubViewOp>(viewB) &&
          areDisjoint(cast<memref::SubViewOp>(viewA),
                      cast<memref::SubViewOp>(viewB)))
        return false;
  return true;
}

/// Whether `op`, or an op in it, may touch what `place` does.
static bool mayTouch(Operation *op, Value place) {
  return op
      ->walk([&](Operation *inner) {
        if (isa<ViewLikeOpInterface>(inner))
          return WalkResult::advance();
        for (Value operand : inner->getOperands())
          if (isa<BaseMemRefType>(operand.getType()) &&
              mayOverlap(operand, place))
            return WalkResult::interrupt();
        return WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether `user` can have a buffer of type `place` in place of a contiguous
/// one.
static bool takes(Operation *user, MemRefType place) {
  if (isa<linalg::LinalgOp>(user))
    return true;
  // Libraries take matrices with any distance of rows.
  return isa<pp::kernel::KernelDialect>(user->getDialect()) &&
         (place.getLayout().isIdentity() ||
          (place.getRank() == 2 && place.isLastDimUnitStride()));
}

namespace {
struct PlacePieces : pp::impl::PlacePiecesBase<PlacePieces> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<linalg::CopyOp> copies(getOperation().getOps<linalg::CopyOp>());
    llvm::for_each(copies, place);
  }

  static void place(linalg::CopyOp copy) {
    auto temporary = copy.getInputs()[0].getDefiningOp<memref::AllocOp>();
    Value target = copy.getOutputs()[0];
    auto type = dyn_cast<MemRefType>(target.getType());
    if (!temporary || !type || temporary->getBlock() != copy->getBlock())
      return;
    Operation *first = copy;
    for (Operation *user : temporary->getUsers()) {
      if (user == copy)
        continue;
      if (user->getBlock() != copy->getBlock() ||
          !user->isBeforeInBlock(copy) || !takes(user, type))
        return;
      if (user->isBeforeInBlock(first))
        first = user;
    }

    SmallVector<Operation *> views;
    Value root = rootOf(target, views);
    Operation *definition = root.getDefiningOp();
    if (first == copy ||
        (definition && (definition->getBlock() != copy->getBlock() ||
                        !definition->isBeforeInBlock(first))))
      return;
    // What else a view is made of may not be there yet.
    if (llvm::any_of(
            views, [](Operation *view) { return view->getNumOperands() != 1; }))
      return;
    for (Operation *op = first; op != copy; op = op->getNextNode())
      if (mayTouch(op, target))
        return;

    for (Operation *view : llvm::reverse(views))
      if (view->getBlock() == first->getBlock() &&
          !view->isBeforeInBlock(first))
        view->moveBefore(first);
    copy->erase();
    temporary.replaceAllUsesWith(target);
    temporary->erase();
  }
};
} // namespace
