//===- DelayUses.cpp - What collectives bring is used late ----------------===//
//
// A gather is followed by what brings its parts into place, a sum by what adds
// it to others: right behind it, where nothing can be done meanwhile. They move
// down to what needs them. On tensors, so that order is all that changes, and
// before destinations are chosen, so that two gathers that are under way at a
// time get two.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace pp {
#define GEN_PASS_DEF_DELAYUSES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

/// What takes little time, and no sum: elements are moved, or changed one by
/// one.
static bool isLight(Operation *op) {
  auto linalg = dyn_cast<linalg::LinalgOp>(op);
  return linalg ? linalg.getNumReductionLoops() == 0
                : isa<tensor::TensorDialect>(op->getDialect());
}

/// The op of the block of `op` that uses its results first, itself or inside.
static Operation *findFirstUser(Operation *op) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers()) {
    Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
    if (!first || here->isBeforeInBlock(first))
      first = here;
  }
  return first;
}

namespace {
struct DelayUses : pp::impl::DelayUsesBase<DelayUses> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    // What collectives bring, and what is made of it.
    SetVector<Operation *> uses;
    for (Operation &op : getOperation().front()) {
      auto isBrought = [&](Value value) {
        Operation *definition = value.getDefiningOp();
        return isa_and_nonnull<kernel::CollectiveOp>(definition) ||
               uses.contains(definition);
      };
      if (isLight(&op) && llvm::any_of(op.getOperands(), isBrought))
        uses.insert(&op);
    }
    for (Operation *op : llvm::reverse(uses))
      if (Operation *first = findFirstUser(op))
        op->moveBefore(first);
  }
};
} // namespace
