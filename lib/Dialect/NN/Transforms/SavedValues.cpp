//===- SavedValues.cpp - What the backward keeps of the forward ----------===//
//
// Starting from all forward values that the backward reads, values are dropped
// while there is a cheaper way to them:
//  - a constant, or an op that only copies from something smaller (a
//    broadcast): its operands are kept instead, unconditionally;
//  - a view, or one arithmetic operation an element, of values which are at
//    hand anyway: it is repeated, which fuses into its reader;
//  - views that together are as large as what they are views of: that is kept,
//    and nothing is copied.
// Collectives cost the wire and are not repeated, whatever their operands
// weigh, but for gathers that say so: of these the part is kept. Reductions and
// products are not either, and functions only where another value is saved in
// their place: of act = silu(gate) and act * up, the latter is what a product
// reads; act is for elementwise ops, which compute it on the way.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/Transforms/SavedValues.h"

#include "pp/Dialect/NN/IR/NNTraits.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Interfaces/ElementwiseOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace pp::nn {

/// An op that moves data and has a smaller source than result.
static bool expands(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return true;
  auto cost = dyn_cast<CostOpInterface>(op);
  return cost && (!communicates(op) || cost.isMadeAgain()) &&
         cost.getFlops() == 0 &&
         pp::detail::sumOfBytes(op->getOperandTypes()) <
             pp::detail::sumOfBytes(op->getResultTypes());
}

static bool isCheap(Operation *op) {
  if (expands(op))
    return true;
  // Scalars, as keys of dropout are.
  if (isMemoryEffectFree(op) && op->getNumRegions() == 0 &&
      llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>))
    return true;
  // Upstream's arithmetic; what its `math` does is expensive.
  if (isa_and_nonnull<arith::ArithDialect>(op->getDialect()))
    return OpTrait::hasElementwiseMappableTraits(op);
  auto cost = dyn_cast<CostOpInterface>(op);
  if (!cost || op->getNumResults() == 0 || communicates(op))
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

static uint64_t bytesOf(Value value) {
  return pp::detail::sumOfBytes(TypeRange(value.getType()));
}

SavedValues::SavedValues(Block &block, unsigned numArguments,
                         unsigned numOutputs)
    : block(block), numOutputs(numOutputs) {
  auto results = block.getTerminator()->getOperands().take_front(numOutputs);
  outputs.insert_range(results);
  SmallVector<Value> worklist(results);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (op && first.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }

  DenseSet<Value> read;
  auto note = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument ? argument.getArgNumber() < numArguments
                 : first.contains(value.getDefiningOp()))
      read.insert(value);
  };
  for (Operation &op : block.without_terminator())
    if (!first.contains(&op))
      llvm::for_each(op.getOperands(), note);
  llvm::for_each(resultsOfSecond(), note);

  for (BlockArgument argument : block.getArguments())
    if (read.contains(argument))
      saved.insert(argument);
  for (Operation &op : block)
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
    for (Operation &op : llvm::reverse(block))
      if (op.hasTrait<IsView>() && first.contains(&op))
        changed |= replaceViewsOf(op.getOperand(0));
  }
  for (Value value : llvm::to_vector(saved))
    exchange(value);
  collectRepeated();
}

ValueRange SavedValues::resultsOfSecond() const {
  return block.getTerminator()->getOperands().drop_front(numOutputs);
}

/// There without saving anything more.
bool SavedValues::isAtHand(Value value) const {
  return saved.contains(value) || outputs.contains(value) ||
         isa<BlockArgument>(value);
}

/// At hand, or cheap to compute from what is.
bool SavedValues::isObtainable(Value value) const {
  if (isAtHand(value))
    return true;
  Operation *op = value.getDefiningOp();
  return isCheap(op) && llvm::all_of(op->getOperands(), [&](Value operand) {
           return isObtainable(operand);
         });
}

bool SavedValues::replaceByOperands(Value value) {
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

/// Saves `source` instead of the saved views of it, if they are no smaller.
bool SavedValues::replaceViewsOf(Value source) {
  if (isAtHand(source))
    return false;
  SmallVector<Value> worklist{source}, views;
  uint64_t bytes = 0;
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val().getUsers()) {
      if (!user->hasTrait<IsView>() || !first.contains(user))
        continue;
      for (Value view : user->getResults()) {
        worklist.push_back(view);
        if (!saved.contains(view))
          continue;
        views.push_back(view);
        bytes += bytesOf(view);
      }
    }
  if (views.empty() || bytes < bytesOf(source))
    return false;
  for (Value view : views)
    saved.remove(view);
  saved.insert(source);
  return true;
}

/// Saves a result of `value` in its place, where `value` is a function of saved
/// values that only elementwise ops of the second half read, and the result
/// what others read: they need it in memory, the elementwise ops nothing.
void SavedValues::exchange(Value value) {
  auto isElementwise = [](Operation *op) {
    return isa<ElementwiseOpInterface>(op) && op->getNumResults() == 1;
  };
  Operation *function = value.getDefiningOp();
  if (!function || !isElementwise(function) || isCheap(function) ||
      outputs.contains(value) ||
      !llvm::all_of(function->getOperands(),
                    [&](Value operand) { return saved.contains(operand); }))
    return;
  Value other;
  for (Operation *user : value.getUsers()) {
    if (!isElementwise(user))
      return;
    if (!first.contains(user) || !isCheap(user))
      continue;
    Value result = user->getResult(0);
    auto isLate = [&](Operation *reader) { return !first.contains(reader); };
    bool isRead = llvm::any_of(result.getUsers(), isLate);
    bool isInMemory = llvm::none_of(result.getUsers(), [&](Operation *reader) {
      return isLate(reader) && isElementwise(reader);
    });
    if (isRead && isInMemory && !isAtHand(result) &&
        bytesOf(result) <= bytesOf(value))
      other = result;
  }
  if (!other)
    return;
  saved.remove(value);
  saved.insert(other);
}

/// The ops between the saved values and what the second half reads; puts
/// `saved` into its final order.
void SavedValues::collectRepeated() {
  SmallVector<Value> worklist(resultsOfSecond());
  for (Operation &op : block.without_terminator())
    if (!first.contains(&op))
      llvm::append_range(worklist, op.getOperands());
  DenseSet<Value> used;
  DenseSet<Operation *> needed;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (saved.contains(value)) {
      used.insert(value);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (op && first.contains(op) && needed.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }

  saved.clear();
  for (BlockArgument argument : block.getArguments())
    if (used.contains(argument))
      saved.insert(argument);
  for (Operation &op : block) {
    for (Value result : op.getResults())
      if (used.contains(result))
        saved.insert(result);
    if (needed.contains(&op))
      repeated.push_back(&op);
  }
}

} // namespace pp::nn
