//===- NNShardingShape.cpp - How ops that move elements may be cut --------===//
//
// A dimension that an op leaves as it is may be cut; one that it takes apart
// may not. A reshape splits and merges dimensions: both sides are counted by
// the loops of their common refinement.
//
//===----------------------------------------------------------------------===//

#include "Checker.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;
using pp::nn::detail::shapeOf;

/// Walks over both shapes from the slowest dimension: the smaller of what is
/// left of two dimensions is a loop of both, if it divides the larger. Where it
/// does not, the dimensions until both sides have counted the same are taken
/// apart, and none of them may be cut.
ShardingRule ReshapeOp::getShardingRule() {
  ShardingRule rule;
  ArrayRef<int64_t> from = shapeOf(getInput()), to = shapeOf(getResult());
  DimLoops input(from.size()), result(to.size());
  size_t i = 0, j = 0;
  int64_t left = from.empty() ? 1 : from[0], right = to.empty() ? 1 : to[0];
  auto nextInput = [&] { left = ++i < from.size() ? from[i] : 1; };
  auto nextResult = [&] { right = ++j < to.size() ? to[j] : 1; };
  while (i < from.size() && j < to.size()) {
    if (left % right == 0 || right % left == 0) {
      int64_t size = std::min(left, right);
      unsigned loop = rule.addLoop(size);
      input[i].push_back(loop);
      result[j].push_back(loop);
      bool isInputDone = left == size, isResultDone = right == size;
      left /= size;
      right /= size;
      if (isInputDone)
        nextInput();
      if (isResultDone)
        nextResult();
      continue;
    }
    // Count on until both sides meet.
    input[i].push_back(rule.addLoop(left, LoopKind::Whole));
    result[j].push_back(rule.addLoop(right, LoopKind::Whole));
    int64_t counted = left, other = right;
    nextInput();
    nextResult();
    while (counted != other) {
      if (counted < other) {
        input[i].push_back(rule.addLoop(left, LoopKind::Whole));
        counted *= left;
        nextInput();
      } else {
        result[j].push_back(rule.addLoop(right, LoopKind::Whole));
        other *= right;
        nextResult();
      }
    }
  }
  // Dimensions of size 1 that are left over: those of the input, which may be
  // parts, end the last one of the result; along those of the result it
  // repeats.
  for (; i < from.size(); ++i) {
    input[i].push_back(rule.addLoop(1));
    if (!result.empty())
      result.back().push_back(input[i].back());
  }
  rule.operands = {input};
  rule.results = {result};
  rule.terms = {{0}};
  return rule;
}

ShardingRule TransposeOp::getShardingRule() {
  ShardingRule rule;
  DimLoops input = rule.addLoops(shapeOf(getInput())), result;
  for (int64_t dim : getPermutation())
    result.push_back(input[dim]);
  rule.operands = {input};
  rule.results = {result};
  rule.terms = {{0}};
  return rule;
}

/// Dimensions where both shapes agree are loops of both; others are two, which
/// may not be cut.
static void addPiece(ShardingRule &rule, ArrayRef<int64_t> whole,
                     ArrayRef<int64_t> piece, ArrayRef<int64_t> changed,
                     DimLoops &wholeLoops, DimLoops &pieceLoops) {
  for (auto [dim, size, part] : llvm::enumerate(whole, piece)) {
    bool isChanged = llvm::is_contained(changed, static_cast<int64_t>(dim));
    LoopKind kind = isChanged ? LoopKind::Whole : LoopKind::Parallel;
    unsigned loop = rule.addLoop(size, kind);
    wholeLoops.push_back({loop});
    pieceLoops.push_back({isChanged ? rule.addLoop(part, kind) : loop});
  }
}

ShardingRule SliceOp::getShardingRule() {
  ShardingRule rule;
  ArrayRef<int64_t> shape = shapeOf(getInput());
  SmallVector<int64_t> changed;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (getSizes()[dim] != size)
      changed.push_back(dim);
  DimLoops input, result;
  addPiece(rule, shape, shapeOf(getResult()), changed, input, result);
  rule.operands = {input};
  rule.results = {result};
  rule.terms = {{0}};
  return rule;
}

ShardingRule PadOp::getShardingRule() {
  ShardingRule rule;
  ArrayRef<int64_t> shape = shapeOf(getInput());
  SmallVector<int64_t> changed;
  for (auto [dim, size] : llvm::enumerate(shapeOf(getResult())))
    if (shape[dim] != size)
      changed.push_back(dim);
  DimLoops input, result;
  addPiece(rule, shape, shapeOf(getResult()), changed, input, result);
  rule.operands = {input};
  rule.results = {result};
  rule.terms = {{0}};
  return rule;
}

/// The whole has loops, of which pieces share all but that of `axis`; of equal
/// pieces that is two: which piece, and where in it.
static ShardingRule joinRule(ArrayRef<int64_t> whole, ValueRange pieces,
                             int64_t axis, bool isSplit) {
  ShardingRule rule;
  DimLoops all = rule.addLoops(whole, axis);
  const bool isEven = pieces.size() > 1 && llvm::all_equal(pieces.getTypes());
  if (isEven) {
    rule.loops[all[axis].front()].size = pieces.size();
    all[axis].push_back(rule.addLoop(shapeOf(pieces.front())[axis]));
  }
  SmallVector<DimLoops> parts;
  for (Value piece : pieces) {
    DimLoops part = all;
    // A single piece is the whole.
    if (isEven)
      part[axis] = {all[axis].back()};
    else if (pieces.size() > 1)
      part[axis] = {rule.addLoop(shapeOf(piece)[axis], LoopKind::Whole)};
    parts.push_back(part);
  }
  if (isSplit) {
    rule.operands = {all};
    rule.results = parts;
    rule.terms = {{0}};
    return rule;
  }
  rule.operands = parts;
  rule.results = {all};
  for (unsigned i = 0; i < pieces.size(); ++i)
    rule.terms.push_back({i});
  return rule;
}

ShardingRule ConcatenateOp::getShardingRule() {
  return joinRule(getType().getShape(), getInputs(), getAxis(),
                  /*isSplit=*/false);
}
ShardingRule SplitOp::getShardingRule() {
  return joinRule(shapeOf(getInput()), getPieces(), getAxis(),
                  /*isSplit=*/true);
}

//===----------------------------------------------------------------------===//
// Sizes of parts
//===----------------------------------------------------------------------===//

void SliceOp::resizeToPart(StringAttr, std::optional<int64_t>) {
  setSizes(shapeOf(getResult()));
}
void SplitOp::resizeToPart(StringAttr, std::optional<int64_t>) {
  SmallVector<int64_t> sizes;
  for (Value piece : getPieces())
    sizes.push_back(shapeOf(piece)[getAxis()]);
  setSizes(sizes);
}
