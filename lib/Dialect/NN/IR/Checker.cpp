//===- Checker.cpp - Checks of operands in type inference -----------------===//

#include "Checker.h"

using namespace mlir;
using namespace pp::nn::detail;

Type pp::nn::detail::statisticsType(Type elementType) {
  return elementType.isBF16() ? Float32Type::get(elementType.getContext())
                              : elementType;
}

Type pp::nn::detail::accumulationType(Type elementType, Value init) {
  Type statistics = statisticsType(elementType);
  return init && tensorType(init).getElementType() == statistics ? statistics
                                                                 : elementType;
}

std::string pp::nn::detail::shapeText(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "()";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, "x");
  return text;
}

LogicalResult Checker::sameElementType(StringRef constraint,
                                       ArrayRef<Operand> operands) const {
  Type expected = tensorType(operands.front().value).getElementType();
  for (Operand operand : operands.drop_front()) {
    if (!operand.value)
      continue;
    Type found = tensorType(operand.value).getElementType();
    if (found != expected)
      return fail(constraint, " ", operand.name, " holds ", found,
                  ", expected ", expected, " as in ", operands.front().name,
                  ": convert one with nn.cast");
  }
  return success();
}

LogicalResult Checker::hasType(StringRef constraint, Operand operand,
                               Type expected, StringRef source) const {
  if (!operand.value || operand.value.getType() == expected)
    return success();
  return fail(constraint, " ", operand.name, " has type ",
              operand.value.getType(), ", expected ", expected, ", ", source,
              ": pass a tensor of that type");
}

LogicalResult Checker::hasRank(StringRef constraint, Operand operand,
                               int64_t rank, StringRef remedy) const {
  int64_t found = tensorType(operand.value).getRank();
  if (found == rank)
    return success();
  return fail(constraint, " ", operand.name, " has rank ", found, ", expected ",
              rank, ": ", remedy);
}

/// `number` in the type in which ops on `elementType` compute.
static double inComputation(double number, Type elementType) {
  return statisticsType(elementType).isF64() ? number
                                             : static_cast<float>(number);
}

LogicalResult Checker::areNumbers(const NumbersOf &part, Value numbers,
                                  std::optional<int64_t> count) const {
  if (!numbers != !count)
    return fail(part.ofCount, " found ", numbers ? "numbers" : "a count",
                " alone, expected both: write numbers(%n) of V");
  if (!numbers)
    return success();
  Type expected = tensorOf({part.size}, tensorType(part.ids).getElementType());
  if (numbers.getType() != expected)
    return fail(part.ofVector, " numbers has type ", numbers.getType(),
                ", expected ", expected,
                ": pass the number of each row or class of the part");
  if (*count < part.size)
    return fail(part.ofCount, " found ", *count, " in all, expected at least ",
                part.size, ", those of the part: count the whole");
  return success();
}

LogicalResult Checker::hasRankAtLeast(StringRef constraint, Operand operand,
                                      int64_t rank, StringRef remedy) const {
  int64_t found = tensorType(operand.value).getRank();
  if (found >= rank)
    return success();
  return fail(constraint, " ", operand.name, " has rank ", found,
              ", expected at least ", rank, ": ", remedy);
}

LogicalResult Checker::isAxis(StringRef constraint, int64_t axis,
                              Operand operand) const {
  int64_t rank = tensorType(operand.value).getRank();
  if (axis >= 0 && axis < rank)
    return success();
  if (rank == 0)
    return fail(constraint, " axis is ", axis, ", but ", operand.name,
                " has no dimensions: give it one with nn.reshape");
  return fail(constraint, " axis is ", axis, ", expected 0 to ", rank - 1,
              ", a dimension of ", operand.name, ": count axes from the front");
}

LogicalResult Checker::isFinite(StringRef constraint, StringRef name,
                                double number, Type elementType) const {
  if (!std::isfinite(number))
    return fail(constraint, " ", name, " is not finite: write a finite number");
  if (std::isfinite(inComputation(number, elementType)))
    return success();
  return fail(constraint, " ", name, " is ", number, ", which is infinite in ",
              statisticsType(elementType),
              ", in which the op computes: write a smaller number");
}

LogicalResult Checker::isNotRoundedToZero(StringRef constraint, StringRef name,
                                          double number,
                                          Type elementType) const {
  if (number == 0 || inComputation(number, elementType) != 0)
    return success();
  return fail(constraint, " ", name, " is ", number, ", which is 0 in ",
              statisticsType(elementType),
              ", in which the op computes: write a larger number");
}
