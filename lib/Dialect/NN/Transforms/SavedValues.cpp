//===- SavedValues.cpp - What the backward keeps of the forward ----------===//
//
// Starting from all forward values that the backward reads, values are dropped
// while there is a cheaper way to them:
//  - a constant, or an op that only copies from something smaller (a
//    broadcast): its operands are kept instead, unconditionally;
//  - a view, or one arithmetic operation an element, of values which are at
//    hand anyway: it is repeated, which fuses into its reader.
// Transcendental functions, reductions and products are never repeated.
//
//===----------------------------------------------------------------------===//

#include "JointFunction.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace pp::nn {

DenseSet<Operation *> sliceOfResults(Block &block, unsigned from,
                                     unsigned size) {
  DenseSet<Operation *> slice;
  SmallVector<Value> worklist(
      block.getTerminator()->getOperands().slice(from, size));
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (op && slice.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }
  return slice;
}

/// An op that moves data and has a smaller source than result.
static bool expands(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return true;
  auto cost = dyn_cast<CostOpInterface>(op);
  return cost && cost.getFlops() == 0 &&
         detail::sumOfBytes(op->getOperandTypes()) <
             detail::sumOfBytes(op->getResultTypes());
}

static bool isCheap(Operation *op) {
  if (expands(op))
    return true;
  // Upstream's arithmetic; what its `math` does is expensive.
  if (isa_and_nonnull<arith::ArithDialect>(op->getDialect()))
    return OpTrait::hasElementwiseMappableTraits(op);
  auto cost = dyn_cast<CostOpInterface>(op);
  if (!cost || op->getNumResults() == 0)
    return false;
  auto type = dyn_cast<ShapedType>(op->getResult(0).getType());
  if (!type || !type.hasStaticShape())
    return false;
  // A reduction reads more than it writes: saving its result is cheaper.
  uint64_t elements = 0;
  for (Type result : op->getResultTypes())
    elements += cast<ShapedType>(result).getNumElements();
  return cost.getFlops() == 0 ||
         (cost.getFlops() <= elements && op->getNumResults() == 1 &&
          llvm::all_of(op->getOperandTypes(), [&](Type operand) {
            auto shaped = dyn_cast<ShapedType>(operand);
            return !shaped || shaped.getNumElements() <= int64_t(elements);
          }));
}

SavedValueSelection::SavedValueSelection(JointFunction &joint) : joint(joint) {
  Block &body = joint.body();
  forward = sliceOfResults(body, 0, joint.numOutputs);
  ValueRange results = body.getTerminator()->getOperands();
  outputs.insert_range(results.take_front(joint.numOutputs));

  DenseSet<Value> read;
  auto note = [&](Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getArgNumber() < joint.numArguments)
        read.insert(value);
    } else if (forward.contains(value.getDefiningOp())) {
      read.insert(value);
    }
  };
  for (Operation &op : body.without_terminator())
    if (!forward.contains(&op))
      llvm::for_each(op.getOperands(), note);
  llvm::for_each(results.drop_front(joint.numOutputs), note);

  saved.insert_range(llvm::make_filter_range(
      read, [](Value value) { return isa<BlockArgument>(value); }));
  for (Operation &op : body)
    for (Value result : op.getResults())
      if (read.contains(result))
        saved.insert(result);

  // Later values first: what they are repeated from may go later.
  bool changed = true;
  while (changed) {
    changed = false;
    SmallVector<Value> candidates(llvm::reverse(saved));
    for (Value value : candidates)
      changed |= replaceByOperands(value);
  }
  collectRepeated();
}

/// There without saving anything more.
bool SavedValueSelection::isAtHand(Value value) const {
  return saved.contains(value) || outputs.contains(value) ||
         isa<BlockArgument>(value);
}

/// At hand, or cheap to compute from what is.
bool SavedValueSelection::isObtainable(Value value) const {
  if (isAtHand(value))
    return true;
  Operation *op = value.getDefiningOp();
  return isCheap(op) && llvm::all_of(op->getOperands(), [&](Value operand) {
           return isObtainable(operand);
         });
}

bool SavedValueSelection::replaceByOperands(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || outputs.contains(value) || !isCheap(op))
    return false;
  if (!expands(op) && !llvm::all_of(op->getOperands(), [&](Value operand) {
        return isObtainable(operand);
      }))
    return false;
  saved.remove(value);
  saved.insert_range(op->getOperands());
  return true;
}

/// The ops between the saved values and what the backward reads; puts `saved`
/// into its final order.
void SavedValueSelection::collectRepeated() {
  Block &body = joint.body();
  DenseSet<Operation *> needed;
  SmallVector<Value> worklist;
  for (Operation &op : body.without_terminator())
    if (!forward.contains(&op))
      llvm::append_range(worklist, op.getOperands());
  llvm::append_range(
      worklist,
      body.getTerminator()->getOperands().drop_front(joint.numOutputs));
  DenseSet<Value> used;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (saved.contains(value)) {
      used.insert(value);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (op && forward.contains(op) && needed.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }

  saved.clear();
  for (BlockArgument argument : body.getArguments())
    if (used.contains(argument))
      saved.insert(argument);
  for (Operation &op : body) {
    for (Value result : op.getResults())
      if (used.contains(result))
        saved.insert(result);
    if (needed.contains(&op))
      repeated.push_back(&op);
  }
}

} // namespace pp::nn
