//===- NNReduction.cpp - Reductions and softmax ---------------------------===//

#include "Checker.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

static LogicalResult inferReduction(Checker check, Value input,
                                    ArrayRef<int64_t> axes, bool keepdims,
                                    SmallVectorImpl<Type> &types) {
  if (axes.empty())
    return check.fail("(C1) axes is empty, expected at least one dimension: "
                      "name one or drop the op");
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (failed(check.isAxis("(C1)", axis, {"input", input})))
      return failure();
    if (i > 0 && axes[i - 1] >= axis)
      return check.fail("(C1) axis ", axis, " follows ", axes[i - 1],
                        ", expected ascending axes, each once: sort them");
  }
  auto type = tensorType(input);
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(dim)))
      shape.push_back(size);
    else if (keepdims)
      shape.push_back(1);
  }
  types.push_back(tensorOf(shape, type.getElementType()));
  return success();
}

LogicalResult ReduceSumOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  if (failed(inferReduction(check, adaptor.getInput(), adaptor.getAxes(),
                            adaptor.getKeepdims(), types)))
    return failure();
  auto sum = cast<RankedTensorType>(types.back());
  types.back() = tensorOf(sum.getShape(), accumulationType(sum.getElementType(),
                                                           adaptor.getInit()));
  return check.hasType("(C2)", {"init", adaptor.getInit()}, types.back(),
                       "that of the sum");
}

LogicalResult ReduceMeanOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> location,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  return inferReduction({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getAxes(), adaptor.getKeepdims(), types);
}

LogicalResult ReduceMaxOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  return inferReduction({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getAxes(), adaptor.getKeepdims(), types);
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  types.push_back(adaptor.getInput().getType());
  return check.isAxis("(C1)", adaptor.getAxis(), {"input", adaptor.getInput()});
}

LogicalResult SumOfSquaresOp::verify() {
  if (getInput().getType().getRank() != 1) // C1
    return emitOpError("(C1) input has type ")
           << getInput().getType() << ", expected rank 1: collapse it";
  if (getType().getRank() != 0)
    return emitOpError("result has type ")
           << getType() << ", expected tensor<f64>";
  return success();
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

uint64_t ReduceSumOp::getFlops() {
  return getInput().getType().getNumElements() +
         (getInit() ? getType().getNumElements() : 0);
}
uint64_t ReduceMeanOp::getFlops() {
  return getInput().getType().getNumElements() + getType().getNumElements();
}
uint64_t ReduceMaxOp::getFlops() {
  return getInput().getType().getNumElements();
}
uint64_t SumOfSquaresOp::getFlops() {
  return 2 * getInput().getType().getNumElements();
}
/// Maximum, difference, exponential, sum, quotient.
uint64_t SoftmaxOp::getFlops() { return 5 * getType().getNumElements(); }
