//===- FuseSums.cpp - Sums over the same rows share a loop ----------------===//
//
// The gradients of a norm's scale and shift, or of biases, are sums over the
// rows of matrices of which some are the same: one loop reads these once. Of
// programs that walk rows one by one `pp-fuse-rows` does it; where rows are
// computed at the same time, sums over them stay outside of its loops.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

namespace pp {
#define GEN_PASS_DEF_FUSESUMS
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// Whether `op` sums over its first dimension.
static bool sumsRows(linalg::GenericOp op) {
  SmallVector<utils::IteratorType> loops = op.getIteratorTypesArray();
  return op.hasPureTensorSemantics() && !loops.empty() &&
         linalg::isReductionIterator(loops.front()) &&
         llvm::any_of(loops, linalg::isParallelIterator);
}

/// The place of `value`, read as `map` says, among the inputs of `op`.
static std::optional<unsigned> findInput(linalg::GenericOp op, Value value,
                                         AffineMap map) {
  for (OpOperand *input : op.getDpsInputOperands())
    if (input->get() == value && op.getMatchingIndexingMap(input) == map)
      return input->getOperandNumber();
  return std::nullopt;
}

static bool shareRows(linalg::GenericOp a, linalg::GenericOp b) {
  return a.getIteratorTypesArray() == b.getIteratorTypesArray() &&
         a.getStaticLoopRanges() == b.getStaticLoopRanges() &&
         llvm::any_of(b.getDpsInputOperands(), [&](OpOperand *input) {
           return isa<RankedTensorType>(input->get().getType()) &&
                  findInput(a, input->get(), b.getMatchingIndexingMap(input));
         });
}

/// The op of `first` and `second`, a later one of the block, at whose place
/// both can be computed; null if there is none.
static Operation *placeFor(linalg::GenericOp first, linalg::GenericOp second) {
  // What its body reads from outside is an operand, too.
  llvm::SetVector<Value> operands;
  operands.insert_range(second->getOperands());
  getUsedValuesDefinedAbove(second->getRegions(), operands);
  if (llvm::all_of(operands, [&](Value operand) {
        Operation *definition = operand.getDefiningOp();
        return !definition || definition->getBlock() != first->getBlock() ||
               definition->isBeforeInBlock(first);
      }))
    return first;
  if (llvm::all_of(first->getUsers(), [&](Operation *user) {
        Operation *ancestor = first->getBlock()->findAncestorOpInBlock(*user);
        return ancestor && second->isBeforeInBlock(ancestor);
      }))
    return second;
  return nullptr;
}

static linalg::GenericOp merge(linalg::GenericOp first,
                               linalg::GenericOp second, Operation *place) {
  SmallVector<Value> inputs(first.getInputs()), outputs(first.getOutputs());
  SmallVector<AffineMap> inputMaps, outputMaps;
  for (OpOperand *input : first.getDpsInputOperands())
    inputMaps.push_back(first.getMatchingIndexingMap(input));
  // Where the inputs of the second are among those of both.
  SmallVector<unsigned> places;
  for (OpOperand *input : second.getDpsInputOperands()) {
    AffineMap map = second.getMatchingIndexingMap(input);
    if (std::optional<unsigned> known = findInput(first, input->get(), map)) {
      places.push_back(*known);
      continue;
    }
    places.push_back(inputs.size());
    inputs.push_back(input->get());
    inputMaps.push_back(map);
  }
  llvm::append_range(outputs, second.getOutputs());
  for (linalg::GenericOp op : {first, second})
    for (OpOperand &output : op.getDpsInitsMutable())
      outputMaps.push_back(op.getMatchingIndexingMap(&output));

  OpBuilder builder(place);
  auto body = [&](OpBuilder &inner, Location loc, ValueRange arguments) {
    SmallVector<Value> results;
    auto clone = [&](linalg::GenericOp op, ValueRange values) {
      IRMapping mapping;
      mapping.map(op.getBody()->getArguments(), values);
      for (Operation &each : op.getBody()->without_terminator())
        inner.clone(each, mapping);
      for (Value result : op.getBody()->getTerminator()->getOperands())
        results.push_back(mapping.lookupOrDefault(result));
    };
    ValueRange sums = arguments.drop_front(inputs.size());
    SmallVector<Value> values(arguments.take_front(first.getNumDpsInputs()));
    llvm::append_range(values, sums.take_front(first.getNumDpsInits()));
    clone(first, values);
    values.clear();
    for (unsigned i : places)
      values.push_back(arguments[i]);
    llvm::append_range(values, sums.drop_front(first.getNumDpsInits()));
    clone(second, values);
    linalg::YieldOp::create(inner, loc, results);
  };
  SmallVector<AffineMap> maps(inputMaps);
  llvm::append_range(maps, outputMaps);
  auto merged = linalg::GenericOp::create(
      builder, first.getLoc(), TypeRange(ValueRange(outputs)), inputs, outputs,
      maps, first.getIteratorTypesArray(), body);
  first.replaceAllUsesWith(
      merged->getResults().take_front(first->getNumResults()));
  second.replaceAllUsesWith(
      merged->getResults().drop_front(first->getNumResults()));
  first.erase();
  second.erase();
  return merged;
}

namespace {
struct FuseSums : pp::impl::FuseSumsBase<FuseSums> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<linalg::GenericOp> sums;
    for (auto op : getOperation().getOps<linalg::GenericOp>())
      if (sumsRows(op))
        sums.push_back(op);
    for (size_t i = 0; i < sums.size(); ++i)
      for (size_t j = i + 1; j < sums.size(); ++j) {
        if (!shareRows(sums[i], sums[j]))
          continue;
        // A merged op may stand behind ones that it stood before.
        bool isInOrder = sums[i]->isBeforeInBlock(sums[j]);
        linalg::GenericOp first = isInOrder ? sums[i] : sums[j],
                          second = isInOrder ? sums[j] : sums[i];
        if (Operation *place = placeFor(first, second)) {
          sums[i] = merge(first, second, place);
          sums.erase(sums.begin() + j--);
        }
      }
  }
};
} // namespace
