//===- ShardableOpInterface.cpp - How an op may be cut --------------------===//

#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace pp;

StringRef pp::stringify(LoopKind kind) {
  switch (kind) {
  case LoopKind::Parallel:
    return "parallel";
  case LoopKind::Sum:
    return "sum";
  case LoopKind::Max:
    return "max";
  case LoopKind::Mean:
    return "mean";
  case LoopKind::Indexed:
    return "indexed";
  case LoopKind::Whole:
    return "whole";
  }
  llvm_unreachable("every kind has a case");
}

DimLoops ShardingRule::addLoops(ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> whole) {
  DimLoops dims;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    bool isWhole = llvm::is_contained(whole, static_cast<int64_t>(dim));
    dims.push_back(
        {addLoop(size, isWhole ? LoopKind::Whole : LoopKind::Parallel)});
  }
  return dims;
}

SmallVector<LoopCut> ShardingRule::findCuts(ArrayRef<unsigned> dim,
                                            int64_t blocks) const {
  SmallVector<LoopCut> cuts;
  int64_t counted = 1;
  std::optional<LoopCut> inner;
  for (unsigned loop : dim) {
    int64_t size = loops[loop].size;
    if (counted == blocks)
      cuts.push_back({loop, 1});
    else if (blocks % counted == 0 && size % (blocks / counted) == 0 && !inner)
      inner = LoopCut{loop, blocks / counted};
    counted *= size;
    if (counted > blocks)
      break;
  }
  if (inner)
    cuts.push_back(*inner);
  return cuts;
}

std::optional<int64_t> ShardingRule::blocksOf(ArrayRef<unsigned> dim,
                                              LoopCut cut) const {
  int64_t blocks = cut.blocks;
  for (unsigned loop : dim) {
    if (loop == cut.loop)
      return blocks;
    blocks *= loops[loop].size;
  }
  return std::nullopt;
}

ShardingRule pp::elementwiseRule(Operation *op,
                                 ArrayRef<SmallVector<unsigned>> terms) {
  ShardingRule rule;
  rule.terms.assign(terms.begin(), terms.end());
  auto shapeOf = [](Type type) {
    auto shaped = dyn_cast<RankedTensorType>(type);
    return shaped ? shaped.getShape() : ArrayRef<int64_t>();
  };
  ArrayRef<int64_t> shape = shapeOf(op->getResult(0).getType());
  DimLoops result = rule.addLoops(shape);
  for (Type type : op->getOperandTypes()) {
    ArrayRef<int64_t> sizes = shapeOf(type);
    size_t missing = shape.size() - sizes.size();
    DimLoops dims;
    for (auto [i, size] : llvm::enumerate(sizes)) {
      bool repeats = size == 1 && shape[missing + i] != 1;
      dims.push_back(repeats ? SmallVector<unsigned, 2>()
                             : result[missing + i]);
    }
    rule.operands.push_back(dims);
  }
  rule.results.push_back(result);
  return rule;
}

std::optional<ShardingRule> pp::getRuleOfWhole(Operation *op) {
  if (auto shardable = dyn_cast<ShardableOpInterface>(op))
    if (std::optional<ShardingRule> rule = shardable.getRuleOfWhole())
      return rule;
  return getShardingRule(op);
}

std::optional<ShardingRule> pp::getShardingRule(Operation *op) {
  if (auto shardable = dyn_cast<ShardableOpInterface>(op))
    return shardable.getShardingRule();
  if (OpTrait::hasElementwiseMappableTraits(op) && op->getNumResults() == 1)
    return elementwiseRule(op, {});
  return std::nullopt;
}

#include "pp/Interfaces/ShardableOpInterface.cpp.inc"
