//===- NNShape.cpp - Ops that move elements -------------------------------===//
//
// None of these ops computes, so all folds here keep every bit.
//
//===----------------------------------------------------------------------===//

#include "Checker.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::verify() {
  auto input = getInput().getType(), result = getType();
  if (input.getNumElements() != result.getNumElements())
    return emitOpError() << "(C1) result has " << result.getNumElements()
                         << " elements, expected " << input.getNumElements()
                         << " as input: correct a dimension of the result";
  if (input.getElementType() != result.getElementType())
    return emitOpError() << "(C2) result holds " << result.getElementType()
                         << ", expected " << input.getElementType()
                         << " as input: convert with nn.cast";
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  auto producer = getInput().getDefiningOp<ReshapeOp>();
  if (producer && producer.getInput().getType() == getType())
    return producer.getInput();
  return {};
}

namespace {
/// reshape(reshape(x)) -> reshape(x).
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInput().getDefiningOp<ReshapeOp>();
    if (!producer)
      return rewriter.notifyMatchFailure(op, "input is not reshaped");
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(),
                                           producer.getInput());
    return success();
  }
};

/// transpose(transpose(x)) -> transpose(x).
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInput().getDefiningOp<TransposeOp>();
    if (!producer)
      return rewriter.notifyMatchFailure(op, "input is not transposed");
    ArrayRef<int64_t> inner = producer.getPermutation();
    SmallVector<int64_t> permutation;
    for (int64_t dim : op.getPermutation())
      permutation.push_back(inner[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, producer.getInput(),
                                             permutation);
    return success();
  }
};

/// broadcast(broadcast(x)) -> broadcast(x).
struct MergeBroadcasts : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    auto producer = op.getInput().getDefiningOp<BroadcastOp>();
    if (!producer)
      return rewriter.notifyMatchFailure(op, "input is not broadcast");
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(),
                                             producer.getInput());
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<MergeReshapes>(context);
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  int64_t rank = input.getRank();
  if (static_cast<int64_t>(permutation.size()) != rank)
    return check.fail("(C1) permutation has ", permutation.size(),
                      " entries, expected ", rank,
                      ", the rank of input: name each dimension once");
  SmallVector<bool> seen(rank, false);
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation) {
    if (dim < 0 || dim >= rank)
      return check.fail("(C1) permutation names dimension ", dim,
                        ", expected 0 to ", rank - 1,
                        ": count dimensions from the front");
    if (seen[dim])
      return check.fail("(C1) permutation names dimension ", dim,
                        " twice, expected each once: correct one of them");
    seen[dim] = true;
    shape.push_back(input.getDimSize(dim));
  }
  types.push_back(tensorOf(shape, input.getElementType()));
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  for (auto [i, dim] : llvm::enumerate(getPermutation()))
    if (static_cast<int64_t>(i) != dim)
      return {};
  return getInput();
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<MergeTransposes>(context);
}

//===----------------------------------------------------------------------===//
// Broadcast
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::verify() {
  auto input = getInput().getType(), result = getType();
  if (input.getElementType() != result.getElementType())
    return emitOpError() << "(C1) result holds " << result.getElementType()
                         << ", expected " << input.getElementType()
                         << " as input: convert with nn.cast";
  int64_t missing = result.getRank() - input.getRank();
  if (missing < 0)
    return emitOpError() << "(C2) input has rank " << input.getRank()
                         << " and result rank " << result.getRank()
                         << ", expected no smaller a rank: drop dimensions of "
                            "size 1 with nn.reshape first";
  for (auto [dim, size] : llvm::enumerate(input.getShape())) {
    int64_t target = result.getDimSize(missing + dim);
    if (size != 1 && size != target)
      return emitOpError() << "(C2) dimension " << dim << " of input is "
                           << size << ", expected 1 or " << target
                           << " as dimension " << missing + dim
                           << " of result: shapes are aligned at their last "
                              "dimensions, insert some of size 1 with "
                              "nn.reshape";
  }
  return success();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : Value();
}

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<MergeBroadcasts>(context);
}

Value BroadcastOp::buildScalar(OpBuilder &, Location, ValueRange scalars) {
  return scalars[0];
}
uint64_t BroadcastOp::getFlopsPerElement() { return 0; }

//===----------------------------------------------------------------------===//
// Slice and pad
//===----------------------------------------------------------------------===//

/// One number a dimension of the input, each at least `least`.
static LogicalResult checkNumbers(Checker check, StringRef name,
                                  ArrayRef<int64_t> numbers, int64_t rank,
                                  int64_t least) {
  if (static_cast<int64_t>(numbers.size()) != rank)
    return check.fail("(C1) ", name, " has ", numbers.size(),
                      " entries, expected ", rank,
                      ", the rank of input: write one a dimension");
  for (auto [dim, number] : llvm::enumerate(numbers))
    if (number < least)
      return check.fail("(C2) entry ", dim, " of ", name, " is ", number,
                        ", expected at least ", least, ": correct it");
  return success();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> location,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> offsets = adaptor.getOffsets(), sizes = adaptor.getSizes();
  ArrayRef<int64_t> strides = adaptor.getStrides();
  int64_t rank = input.getRank();
  if (failed(checkNumbers(check, "offsets", offsets, rank, 0)) ||
      failed(checkNumbers(check, "sizes", sizes, rank, 1)) ||
      failed(checkNumbers(check, "strides", strides, rank, 1)))
    return failure();
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t extent = input.getDimSize(dim);
    // Compared without computing the last index, which could overflow.
    bool inside =
        offsets[dim] < extent && sizes[dim] <= extent &&
        (sizes[dim] == 1 ||
         (extent - 1 - offsets[dim]) / (sizes[dim] - 1) >= strides[dim]);
    if (!inside)
      return check.fail("(C3) the slice of dimension ", dim, " takes ",
                        sizes[dim], " elements from ", offsets[dim],
                        " in steps of ", strides[dim],
                        ", expected the last one to lie below ", extent,
                        ": take fewer elements or a smaller offset");
  }
  types.push_back(tensorOf(sizes, input.getElementType()));
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  // Of the same type, it takes everything: offset 0 is the only one inside.
  return getInput().getType() == getType() ? getInput() : Value();
}

LogicalResult PadOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> location,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  auto input = tensorType(adaptor.getInput());
  ArrayRef<int64_t> low = adaptor.getLow(), high = adaptor.getHigh();
  ArrayRef<int64_t> interior = adaptor.getInterior();
  int64_t rank = input.getRank();
  if (failed(checkNumbers(check, "low", low, rank, 0)) ||
      failed(checkNumbers(check, "high", high, rank, 0)) ||
      failed(checkNumbers(check, "interior", interior, rank, 0)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t size = input.getDimSize(dim);
    // Operands have at most 2^48 elements: what does not fit into that here
    // is a mistake, and must not overflow.
    constexpr int64_t limit = int64_t(1) << 48;
    int64_t gaps = size - 1;
    if (low[dim] > limit || high[dim] > limit || interior[dim] > limit ||
        (gaps > 0 && interior[dim] > limit / gaps) ||
        low[dim] + size + gaps * interior[dim] + high[dim] > limit)
      return check.fail("(C2) dimension ", dim,
                        " of the result has more than 2^48 elements, which no "
                        "machine holds: correct low, high or interior");
    shape.push_back(low[dim] + size + gaps * interior[dim] + high[dim]);
  }
  types.push_back(tensorOf(shape, input.getElementType()));
  return success();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : Value();
}

//===----------------------------------------------------------------------===//
// Concatenate and split
//===----------------------------------------------------------------------===//

LogicalResult ConcatenateOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> location,
                                              Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  ValueRange inputs = adaptor.getInputs();
  if (inputs.empty())
    return check.fail("(C1) has no inputs, expected at least one: pass the "
                      "tensors to join");
  int64_t axis = adaptor.getAxis();
  if (failed(check.isAxis("(C2)", axis, {"input #0", inputs.front()})))
    return failure();
  auto first = tensorType(inputs.front());
  SmallVector<int64_t> shape(first.getShape());
  for (auto [i, input] : llvm::enumerate(inputs.drop_front())) {
    auto type = tensorType(input);
    SmallVector<int64_t> expected(first.getShape());
    if (type.getRank() == first.getRank())
      expected[axis] = type.getDimSize(axis);
    if (type.getShape() != ArrayRef(expected) ||
        type.getElementType() != first.getElementType())
      return check.fail("(C3) input #", i + 1, " has type ", type,
                        ", input #0 ", first,
                        ", expected them to differ in dimension ", axis,
                        " alone: convert or reshape one");
    shape[axis] += type.getDimSize(axis);
  }
  types.push_back(tensorOf(shape, first.getElementType()));
  return success();
}

OpFoldResult ConcatenateOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1)
    return getInputs().front();
  // concatenate(split(x)) -> x.
  auto split = getInputs().front().getDefiningOp<SplitOp>();
  if (split && split.getAxis() == getAxis() &&
      llvm::equal(split.getPieces(), getInputs()))
    return split.getInput();
  return {};
}

LogicalResult SplitOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> location,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  auto input = tensorType(adaptor.getInput());
  int64_t axis = adaptor.getAxis();
  if (failed(check.isAxis("(C1)", axis, {"input", adaptor.getInput()})))
    return failure();
  ArrayRef<int64_t> sizes = adaptor.getSizes();
  int64_t extent = input.getDimSize(axis), left = extent;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    if (left == 0)
      return check.fail("(C2) entry ", i, " of sizes is ", size,
                        ", but nothing is left of ", extent,
                        ": drop it or make the ones before it smaller");
    if (size < 1 || size > left)
      return check.fail("(C2) entry ", i, " of sizes is ", size,
                        ", expected 1 to ", left, ", what is left of ", extent,
                        ": correct it");
    left -= size;
    SmallVector<int64_t> shape(input.getShape());
    shape[axis] = size;
    types.push_back(tensorOf(shape, input.getElementType()));
  }
  if (left != 0)
    return check.fail("(C2) sizes sum to ", extent - left, ", expected ",
                      extent, " as dimension ", axis,
                      " of input: add a piece of ", left);
  return success();
}

LogicalResult SplitOp::fold(FoldAdaptor,
                            SmallVectorImpl<OpFoldResult> &pieces) {
  if (getSizes().size() == 1) {
    pieces.push_back(getInput());
    return success();
  }
  // split(concatenate(x...)) -> x... where the cuts are the seams.
  auto joined = getInput().getDefiningOp<ConcatenateOp>();
  if (!joined || joined.getAxis() != getAxis() ||
      joined.getInputs().getTypes() != getPieces().getTypes())
    return failure();
  pieces.append(joined.getInputs().begin(), joined.getInputs().end());
  return success();
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

uint64_t ReshapeOp::getBytesRead() { return 0; }
uint64_t ReshapeOp::getBytesWritten() { return 0; }
uint64_t SliceOp::getBytesRead() { return pp::detail::sumOfBytes(getType()); }
