//===- NNLoss.cpp - Losses ------------------------------------------------===//

#include "Checker.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

/// Checks logits and targets; the types of loss and lse.
static LogicalResult inferCrossEntropy(Checker check, Value logits,
                                       Value targets,
                                       SmallVectorImpl<Type> &types) {
  if (failed(check.hasRankAtLeast("(C1)", {"logits", logits}, 1,
                                  "the last dimension counts the classes")))
    return failure();
  auto type = tensorType(logits);
  ArrayRef<int64_t> expected = type.getShape().drop_back();
  ArrayRef<int64_t> found = tensorType(targets).getShape();
  if (found != expected)
    return check.fail("(C2) targets has shape ", shapeText(found),
                      ", expected ", shapeText(expected),
                      " as logits without the last dimension: pass one target "
                      "a row of logits");
  Type statistics = statisticsType(type.getElementType());
  types.append({tensorOf({}, statistics), tensorOf(expected, statistics)});
  return success();
}

LogicalResult CrossEntropyOp::inferReturnTypes(MLIRContext *,
                                               std::optional<Location> location,
                                               Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  return inferCrossEntropy({location, getOperationName()}, adaptor.getLogits(),
                           adaptor.getTargets(), types);
}

LogicalResult CrossEntropyGradOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  SmallVector<Type> forward;
  if (failed(inferCrossEntropy(check, adaptor.getLogits(), adaptor.getTargets(),
                               forward)) ||
      failed(check.hasType("(C3)", {"lse", adaptor.getLse()}, forward[1],
                           "that of nn.cross_entropy")) ||
      failed(check.hasType("(C3)", {"dloss", adaptor.getDloss()}, forward[0],
                           "that of nn.cross_entropy")))
    return failure();
  types.push_back(adaptor.getLogits().getType());
  return success();
}

LogicalResult ClassMaxOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> location,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  if (failed(check.hasRankAtLeast("(C1)", {"logits", adaptor.getLogits()}, 1,
                                  "the last dimension counts the classes")))
    return failure();
  auto type = tensorType(adaptor.getLogits());
  Value ids = adaptor.getNumbers() ? adaptor.getNumbers() : Value();
  if (failed(check.areNumbers({"(C2)", "(C3)", type.getShape().back(), ids},
                              adaptor.getNumbers(), adaptor.getCount())))
    return failure();
  types.push_back(type.clone(type.getShape().drop_back()));
  return success();
}

void ClassMaxOp::setNumbers(Value numbers, int64_t count) {
  getNumbersMutable().assign(numbers);
  setCount(count);
}

/// Checks what both have; the type of a row's statistics.
template <typename Adaptor>
static FailureOr<Type> inferClassSums(Checker check, Adaptor adaptor) {
  if (failed(check.hasRankAtLeast("(C1)", {"logits", adaptor.getLogits()}, 1,
                                  "the last dimension counts the classes")))
    return failure();
  auto type = tensorType(adaptor.getLogits());
  ArrayRef<int64_t> rows = type.getShape().drop_back();
  ArrayRef<int64_t> found = tensorType(adaptor.getTargets()).getShape();
  if (found != rows)
    return check.fail("(C2) targets has shape ", shapeText(found),
                      ", expected ", shapeText(rows),
                      " as logits without the last dimension: pass one target "
                      "a row of logits");
  if (failed(check.hasType("(C2)", {"shift", adaptor.getShift()},
                           tensorOf(rows, type.getElementType()),
                           "one number a row of logits")) ||
      failed(check.areNumbers(
          {"(C3)", "(C4)", type.getShape().back(), adaptor.getTargets()},
          adaptor.getNumbers(), adaptor.getCount())))
    return failure();
  return Type(tensorOf(rows, statisticsType(type.getElementType())));
}

LogicalResult ClassSumsOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  FailureOr<Type> rows =
      inferClassSums(Checker{location, getOperationName()}, adaptor);
  if (failed(rows))
    return failure();
  types.assign(2, *rows);
  return success();
}

LogicalResult ClassSumsGradOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  FailureOr<Type> rows = inferClassSums(check, adaptor);
  if (failed(rows) ||
      failed(check.hasType("(C5)", {"dsum", adaptor.getDsum()}, *rows,
                           "that of nn.class_sums")) ||
      failed(check.hasType("(C5)", {"dlogit", adaptor.getDlogit()}, *rows,
                           "that of nn.class_sums")))
    return failure();
  types.push_back(adaptor.getLogits().getType());
  return success();
}

void ClassSumsOp::setNumbers(Value numbers, int64_t count) {
  getNumbersMutable().assign(numbers);
  setCount(count);
}
void ClassSumsGradOp::setNumbers(Value numbers, int64_t count) {
  getNumbersMutable().assign(numbers);
  setCount(count);
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

/// Maximum, difference, exponential and sum of each logit.
uint64_t CrossEntropyOp::getFlops() {
  return 4 * getLogits().getType().getNumElements();
}
/// Difference, exponential and sum of each logit.
uint64_t ClassSumsOp::getFlops() {
  return 3 * getLogits().getType().getNumElements();
}
/// Difference, exponential and factor of each logit.
uint64_t ClassSumsGradOp::getFlops() {
  return 3 * getLogits().getType().getNumElements();
}
/// Difference, exponential and factor of each logit.
uint64_t CrossEntropyGradOp::getFlops() {
  return 3 * getLogits().getType().getNumElements();
}
