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
  rule.isView = true;
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
/// may not be cut. But one of several equal pieces, as concatenations and
/// splits have them, has its loop within that of the pieces.
static void addPiece(ShardingRule &rule, ArrayRef<int64_t> whole,
                     ArrayRef<int64_t> piece, ArrayRef<int64_t> begins,
                     ArrayRef<bool> isSpread, DimLoops &wholeLoops,
                     DimLoops &pieceLoops) {
  for (auto [size, part, begin, spread] :
       llvm::zip_equal(whole, piece, begins, isSpread)) {
    if (size == part) {
      unsigned loop = rule.addLoop(size);
      wholeLoops.push_back({loop});
      pieceLoops.push_back({loop});
      continue;
    }
    const bool isEqual = !spread && size % part == 0 && begin % part == 0;
    wholeLoops.push_back(
        {rule.addLoop(isEqual ? size / part : size, LoopKind::Whole)});
    unsigned within =
        rule.addLoop(part, isEqual ? LoopKind::Parallel : LoopKind::Whole);
    pieceLoops.push_back({within});
    if (isEqual)
      wholeLoops.back().push_back(within);
  }
}

/// Where a piece that had `before` elements begins if it has `size` of them.
static int64_t resizeBegin(int64_t begin, int64_t before, int64_t size) {
  return size == before ? begin : begin / before * size;
}

ShardingRule SliceOp::getShardingRule() {
  ShardingRule rule;
  SmallVector<bool> isSpread;
  for (int64_t stride : getStrides())
    isSpread.push_back(stride != 1);
  DimLoops input, result;
  addPiece(rule, shapeOf(getInput()), shapeOf(getResult()), getOffsets(),
           isSpread, input, result);
  rule.operands = {input};
  rule.results = {result};
  rule.terms = {{0}};
  return rule;
}

ShardingRule PadOp::getShardingRule() {
  ShardingRule rule;
  SmallVector<bool> isSpread;
  for (int64_t between : getInterior())
    isSpread.push_back(between != 0);
  DimLoops input, result;
  addPiece(rule, shapeOf(getResult()), shapeOf(getInput()), getLow(), isSpread,
           result, input);
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
  ArrayRef<int64_t> shape = shapeOf(getResult());
  SmallVector<int64_t> offsets(getOffsets());
  for (auto [offset, before, size] :
       llvm::zip_equal(offsets, getSizes(), shape))
    offset = resizeBegin(offset, before, size);
  setOffsets(offsets);
  setSizes(shape);
}
void PadOp::resizeToPart(StringAttr, std::optional<int64_t>) {
  ArrayRef<int64_t> shape = shapeOf(getInput()), padded = shapeOf(getResult());
  SmallVector<int64_t> low(getLow()), high(getHigh());
  for (auto [begin, end, between, size, all] :
       llvm::zip_equal(low, high, getInterior(), shape, padded)) {
    if (size == all || begin + size + (size - 1) * between + end == all)
      continue; // not cut
    // So many pieces as before, one of which is not zero.
    const int64_t before = (begin + end) / (all / size - 1);
    begin = resizeBegin(begin, before, size);
    end = resizeBegin(end, before, size);
  }
  setLow(low);
  setHigh(high);
}
void SplitOp::resizeToPart(StringAttr, std::optional<int64_t>) {
  SmallVector<int64_t> sizes;
  for (Value piece : getPieces())
    sizes.push_back(shapeOf(piece)[getAxis()]);
  setSizes(sizes);
}
