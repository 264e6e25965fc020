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

/// One number for each row of `input`.
static Type statisticOf(Value input) {
  auto type = tensorType(input);
  return tensorOf(type.getNumElements() / type.getShape().back(),
                  statisticsType(type.getElementType()));
}

static LogicalResult inferStatistics(Checker check, Value input, double eps,
                                     unsigned count,
                                     SmallVectorImpl<Type> &types) {
  if (failed(checkNorm(check, input, {}, eps)))
    return failure();
  types.append(count, statisticOf(input));
  return success();
}

/// (C7): none, or all `count`.
static LogicalResult checkStatistics(Checker check, Value input,
                                     ValueRange statistics, unsigned count) {
  if (statistics.empty())
    return success();
  if (statistics.size() != count)
    return check.fail("(C7) found ", statistics.size(),
                      " statistics, expected none or ", count,
                      ": pass the results of the op for the statistics");
  for (Value statistic : statistics)
    if (failed(check.hasType("(C7)", {"statistics", statistic},
                             statisticOf(input), "a number for each row")))
      return failure();
  return success();
}

static LogicalResult inferGradInput(Checker check, Value input, Value gamma,
                                    Value dy, double eps, ValueRange statistics,
                                    unsigned count,
                                    SmallVectorImpl<Type> &types) {
  types.push_back(input.getType());
  if (failed(checkNorm(check, input, {{"gamma", gamma}}, eps)) ||
      failed(
          check.hasType("(C5)", {"dy", dy}, input.getType(), "that of input")))
    return failure();
  return checkStatistics(check, input, statistics, count);
}

static LogicalResult inferGradScale(Checker check, Value input, Value dy,
                                    Value init, double eps,
                                    ValueRange statistics, unsigned count,
                                    SmallVectorImpl<Type> &types) {
  if (failed(checkNorm(check, input, {}, eps)) ||
      failed(
          check.hasType("(C5)", {"dy", dy}, input.getType(), "that of input")))
    return failure();
  auto inputType = tensorType(input);
  Type row = tensorOf(inputType.getShape().take_back(1),
                      accumulationType(inputType.getElementType(), init));
  types.push_back(row);
  if (failed(check.hasType("(C6)", {"init", init}, row, "a row of input")))
    return failure();
  return checkStatistics(check, input, statistics, count);
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

INFER(LayerNormStatisticsOp) {
  return inferStatistics({location, getOperationName()}, adaptor.getInput(),
                         adaptor.getEps().convertToDouble(), 2, types);
}

INFER(RMSNormStatisticsOp) {
  return inferStatistics({location, getOperationName()}, adaptor.getInput(),
                         adaptor.getEps().convertToDouble(), 1, types);
}

INFER(LayerNormGradInputOp) {
  return inferGradInput({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getGamma(), adaptor.getDy(),
                        adaptor.getEps().convertToDouble(),
                        adaptor.getStatistics(), 2, types);
}

INFER(RMSNormGradInputOp) {
  return inferGradInput({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getGamma(), adaptor.getDy(),
                        adaptor.getEps().convertToDouble(),
                        adaptor.getStatistics(), 1, types);
}

INFER(LayerNormGradScaleOp) {
  return inferGradScale({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getDy(), adaptor.getInit(),
                        adaptor.getEps().convertToDouble(),
                        adaptor.getStatistics(), 2, types);
}

INFER(RMSNormGradScaleOp) {
  return inferGradScale({location, getOperationName()}, adaptor.getInput(),
                        adaptor.getDy(), adaptor.getInit(),
                        adaptor.getEps().convertToDouble(),
                        adaptor.getStatistics(), 1, types);
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
/// `own`, and `forStatistics` where an adjoint computes those itself.
template <typename OpTy>
static uint64_t flopsOfAdjoint(OpTy op, uint64_t own, uint64_t forStatistics) {
  return (own + (op.getStatistics().empty() ? forStatistics : 0)) *
         elements(op.getInput());
}
uint64_t LayerNormOp::getFlops() { return (4 + 3) * elements(getInput()); }
uint64_t LayerNormStatisticsOp::getFlops() { return 4 * elements(getInput()); }
uint64_t LayerNormGradInputOp::getFlops() {
  return flopsOfAdjoint(*this, 9, 4);
}
uint64_t LayerNormGradScaleOp::getFlops() {
  return flopsOfAdjoint(*this, 3, 4);
}
uint64_t RMSNormOp::getFlops() { return (2 + 2) * elements(getInput()); }
uint64_t RMSNormStatisticsOp::getFlops() { return 2 * elements(getInput()); }
uint64_t RMSNormGradInputOp::getFlops() { return flopsOfAdjoint(*this, 6, 2); }
uint64_t RMSNormGradScaleOp::getFlops() { return flopsOfAdjoint(*this, 3, 2); }
