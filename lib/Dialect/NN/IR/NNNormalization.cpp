//===- NNNormalization.cpp - Norms over the last dimension ----------------===//

#include "Checker.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

/// The constraints that all norms share: input, vectors as long as its last
/// dimension, eps.
static LogicalResult checkNorm(Checker check, Value input,
                               ArrayRef<Operand> vectors, double eps) {
  if (failed(check.hasRankAtLeast("(C1)", {"input", input}, 1,
                                  "a norm needs a dimension to run over")))
    return failure();
  auto inputType = tensorType(input);
  SmallVector<Operand> operands{{"input", input}};
  operands.append(vectors.begin(), vectors.end());
  if (failed(check.sameElementType("(C2)", operands)))
    return failure();
  int64_t size = inputType.getShape().back();
  for (Operand vector : vectors) {
    ArrayRef<int64_t> shape = tensorType(vector.value).getShape();
    if (shape != ArrayRef<int64_t>(size))
      return check.fail("(C3) ", vector.name, " has shape ", shapeText(shape),
                        ", expected ", size,
                        " as the last dimension of input: pass one number a "
                        "column");
  }
  Type element = inputType.getElementType();
  if (failed(check.isFinite("(C4)", "eps", eps, element)))
    return failure();
  if (eps < 0.0)
    return check.fail("(C4) eps is ", eps,
                      ", expected 0 or more: drop the sign");
  return check.isNotRoundedToZero("(C4)", "eps", eps, element);
}

static LogicalResult inferGradInput(Checker check, Value input, Value gamma,
                                    Value dy, double eps,
                                    SmallVectorImpl<Type> &types) {
  types.push_back(input.getType());
  if (failed(checkNorm(check, input, {{"gamma", gamma}}, eps)))
    return failure();
  return check.hasType("(C5)", {"dy", dy}, input.getType(), "that of input");
}

static LogicalResult inferGradScale(Checker check, Value input, Value dy,
                                    Value init, double eps,
                                    SmallVectorImpl<Type> &types) {
  if (failed(checkNorm(check, input, {}, eps)) ||
      failed(
          check.hasType("(C5)", {"dy", dy}, input.getType(), "that of input")))
    return failure();
  auto inputType = tensorType(input);
  Type row = tensorOf(inputType.getShape().take_back(1),
                      accumulationType(inputType.getElementType(), init));
  types.push_back(row);
  return check.hasType("(C6)", {"init", init}, row, "a row of input");
}

#define INFER(OP)                                                              \
  LogicalResult OP::inferReturnTypes(                                          \
      MLIRContext *, std::optional<Location> location, Adaptor adaptor,        \
      SmallVectorImpl<Type> &types)

INFER(LayerNormOp) {
  types.push_back(adaptor.getInput().getType());
  return checkNorm({location, getOperationName()}, adaptor.getInput(),
                   {{"gamma", adaptor.getGamma()}, {"beta", adaptor.getBeta()}},
                   adaptor.getEps().convertToDouble());
}

INFER(RMSNormOp) {
  types.push_back(adaptor.getInput().getType());
  return checkNorm({location, getOperationName()}, adaptor.getInput(),
                   {{"gamma", adaptor.getGamma()}},
                   adaptor.getEps().convertToDouble());
}

INFER(LayerNormGradInputOp) {
  return inferGradInput({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getGamma(), adaptor.getDy(),
                        adaptor.getEps().convertToDouble(), types);
}

INFER(RMSNormGradInputOp) {
  return inferGradInput({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getGamma(), adaptor.getDy(),
                        adaptor.getEps().convertToDouble(), types);
}

INFER(LayerNormGradScaleOp) {
  return inferGradScale({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getDy(), adaptor.getInit(),
                        adaptor.getEps().convertToDouble(), types);
}

INFER(RMSNormGradScaleOp) {
  return inferGradScale({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getDy(), adaptor.getInit(),
                        adaptor.getEps().convertToDouble(), types);
}
#undef INFER

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

// For one element: the statistics of a row (4 for mean and variance, 2 for the
// mean of squares), then the formula of the op's documentation. What is done
// once a row is left out.

static uint64_t elements(TypedValue<RankedTensorType> value) {
  return value.getType().getNumElements();
}
uint64_t LayerNormOp::getFlops() { return (4 + 3) * elements(getInput()); }
uint64_t LayerNormGradInputOp::getFlops() {
  return (4 + 9) * elements(getInput());
}
uint64_t LayerNormGradScaleOp::getFlops() {
  return (4 + 3) * elements(getInput());
}
uint64_t RMSNormOp::getFlops() { return (2 + 2) * elements(getInput()); }
uint64_t RMSNormGradInputOp::getFlops() {
  return (2 + 6) * elements(getInput());
}
uint64_t RMSNormGradScaleOp::getFlops() {
  return (2 + 3) * elements(getInput());
}
