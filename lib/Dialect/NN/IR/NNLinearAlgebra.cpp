//===- NNLinearAlgebra.cpp - Products and tables --------------------------===//

#include "Checker.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

LogicalResult LinearOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  Value input = adaptor.getInput(), weight = adaptor.getWeight();
  Value bias = adaptor.getBias();
  if (failed(check.hasRankAtLeast("(C1)", {"input", input}, 1,
                                  "reshape it to rows")) ||
      failed(check.hasRank("(C1)", {"weight", weight}, 2,
                           "reshape it to a matrix")) ||
      failed(check.sameElementType(
          "(C2)", {{"input", input}, {"weight", weight}, {"bias", bias}})))
    return failure();

  auto inputType = tensorType(input), weightType = tensorType(weight);
  int64_t inner = adaptor.getTransposed() ? 1 : 0;
  int64_t found = inputType.getShape().back();
  int64_t expected = weightType.getDimSize(inner);
  int64_t columns = weightType.getDimSize(1 - inner);
  if (found != expected)
    return check.fail(
        "(C3) the last dimension of input is ", found, ", expected ", expected,
        " as dimension ", inner, " of weight: ",
        found != columns          ? "make the two equal"
        : adaptor.getTransposed() ? "drop transposed if weight is stored "
                                    "[in, out]"
                                  : "add {transposed} if weight is stored "
                                    "[out, in]");
  if (bias) {
    ArrayRef<int64_t> shape = tensorType(bias).getShape();
    if (shape != ArrayRef<int64_t>(columns))
      return check.fail("(C4) bias has shape ", shapeText(shape), ", expected ",
                        columns, " as dimension ", 1 - inner,
                        " of weight: pass one number a column");
  }
  SmallVector<int64_t> shape(inputType.getShape());
  shape.back() = columns;
  types.push_back(tensorOf(shape, inputType.getElementType()));
  return success();
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
  auto a = tensorType(lhs), b = tensorType(rhs);
  if (failed(check.hasRankAtLeast("(C1)", {"lhs", lhs}, 2,
                                  "reshape a vector to a matrix")) ||
      failed(check.hasRank("(C1)", {"rhs", rhs}, a.getRank(),
                           "give both the same batch dimensions, with "
                           "nn.reshape or nn.broadcast")) ||
      failed(check.sameElementType("(C2)", {{"lhs", lhs}, {"rhs", rhs}})))
    return failure();

  int64_t batch = a.getRank() - 2;
  bool transposeA = adaptor.getTransposeA(),
       transposeB = adaptor.getTransposeB();
  int64_t innerA = batch + (transposeA ? 0 : 1);
  int64_t innerB = batch + (transposeB ? 1 : 0);
  int64_t rows = a.getDimSize(batch + (transposeA ? 1 : 0));
  int64_t columns = b.getDimSize(batch + (transposeB ? 0 : 1));
  if (a.getDimSize(innerA) != b.getDimSize(innerB))
    return check.fail("(C3) the inner dimension of lhs, ", innerA, ", is ",
                      a.getDimSize(innerA), ", that of rhs, ", innerB, ", is ",
                      b.getDimSize(innerB),
                      ", expected equal sizes: see whether transpose_a or "
                      "transpose_b is missing");
  if (a.getShape().take_front(batch) != b.getShape().take_front(batch))
    return check.fail("(C4) batch dimensions of lhs are ",
                      shapeText(a.getShape().take_front(batch)),
                      ", those of rhs ",
                      shapeText(b.getShape().take_front(batch)),
                      ", expected equal ones: repeat one with nn.broadcast");

  SmallVector<int64_t> shape(a.getShape().take_front(batch));
  shape.append({rows, columns});
  Type result =
      tensorOf(shape, accumulationType(a.getElementType(), adaptor.getInit()));
  types.push_back(result);
  return check.hasType("(C5)", {"init", adaptor.getInit()}, result,
                       "that of the product");
}

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  auto ids = tensorType(adaptor.getIds()),
       table = tensorType(adaptor.getTable());
  if (failed(check.hasRank("(C1)", {"table", adaptor.getTable()}, 2,
                           "pass one row an id")))
    return failure();
  if (ids.getRank() > 7)
    return check.fail("(C2) ids has rank ", ids.getRank(),
                      ", expected at most 7: merge dimensions with nn.reshape");
  if (failed(check.areNumbers(
          {"(C3)", "(C4)", table.getDimSize(0), adaptor.getIds()},
          adaptor.getNumbers(), adaptor.getCount())))
    return failure();
  SmallVector<int64_t> shape(ids.getShape());
  shape.push_back(table.getDimSize(1));
  types.push_back(tensorOf(shape, table.getElementType()));
  return success();
}

LogicalResult EmbeddingGradOp::verify() {
  Checker check{getLoc(), getOperationName()};
  ArrayRef<int64_t> ids = getIds().getType().getShape();
  auto dy = getDy().getType(), result = getType();
  if (dy.getRank() != static_cast<int64_t>(ids.size()) + 1 ||
      dy.getShape().drop_back() != ids)
    return check.fail("(C1) dy has shape ", shapeText(dy.getShape()),
                      ", expected that of ids, ", shapeText(ids),
                      ", and one more dimension: pass one row an id");
  Type element = accumulationType(dy.getElementType(), getInit());
  if (result.getRank() != 2 || result.getDimSize(1) != dy.getShape().back() ||
      result.getElementType() != element)
    return check.fail("(C2) result has type ", result,
                      ", expected two dimensions, the last one ",
                      dy.getShape().back(), ", of ", element,
                      " as dy: declare the type of the table");
  if (failed(check.hasType("(C3)", {"init", getInit()}, result,
                           "that of the result")))
    return failure();
  return check.areNumbers({"(C4)", "(C5)", result.getDimSize(0), getIds()},
                          getNumbers(), getCount());
}

void EmbeddingOp::setNumbers(Value numbers, int64_t count) {
  getNumbersMutable().assign(numbers);
  setCount(count);
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

/// Three dimensions of which each two have elements that exist: the product may
/// not.
uint64_t LinearOp::getFlops() {
  uint64_t elements = getType().getNumElements();
  uint64_t inner = getInput().getType().getShape().back();
  return llvm::SaturatingMultiplyAdd(2 * elements, inner,
                                     getBias() ? elements : 0);
}

uint64_t MatmulOp::getFlops() {
  uint64_t elements = getType().getNumElements();
  auto lhs = getLhs().getType();
  uint64_t inner = lhs.getDimSize(lhs.getRank() - (getTransposeA() ? 2 : 1));
  return llvm::SaturatingMultiplyAdd(2 * elements, inner,
                                     getInit() ? elements : 0);
}

/// Of the table, only the rows that the ids name are read.
uint64_t EmbeddingOp::getBytesRead() {
  return pp::detail::sumOfBytes({getIds().getType(), getType()});
}

uint64_t EmbeddingGradOp::getFlops() {
  return getDy().getType().getNumElements();
}

/// With `init`, the result takes its place and only the rows that the ids name
/// are read and written.
uint64_t EmbeddingGradOp::getBytesRead() {
  uint64_t rows = pp::detail::sumOfBytes(getDy().getType());
  return pp::detail::sumOfBytes(getIds().getType()) +
         (getInit() ? 2 * rows : rows);
}
uint64_t EmbeddingGradOp::getBytesWritten() {
  return pp::detail::sumOfBytes(getInit() ? getDy().getType() : getType());
}
