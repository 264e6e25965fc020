//===- Evaluation.cpp - The ops of a block, one after the other -----------===//

#include "Evaluation.h"

#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace pp::interpreter;

RuleTable::RuleTable() {
  addArithRules(*this);
  addElementwiseRules(*this);
  addLayerRules(*this);
  addMathRules(*this);
  addReductionRules(*this);
  addShapeRules(*this);
}

static llvm::Error failure(StringRef what, Operation &op) {
  return llvm::createStringError(
      (what + " '" + op.getName().getStringRef() + "'").str());
}

double pp::interpreter::roundToBF16(double value) {
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.convertToDouble();
}

/// What happens to every result: values of bf16 are rounded, as the types say;
/// then come the errors that were asked for.
void Evaluation::finish(Operation *op, Tensor &result) {
  bool isRounded = result.element().isBF16();
  double factor = op->getName().getStringRef() == distorted ? 1 + 0x1p-6 : 1;
  // What is bf16 in the model has its errors whatever was asked for; its own
  // rounding does not tell of those of its cotangent.
  double errors = isRounded && noise.scalar != 0
                      ? std::max(noise.tensor, 0x1p-8)
                      : noise.tensor;
  if (op->getNumOperands() == 0)
    errors = 0;
  for (Real &element : result.reals) {
    if (factor != 1)
      element = element * factor;
    if (errors != 0)
      element = tape.record(element.value, element, 1, {}, 0, errors);
    if (isRounded && std::isfinite(element.value))
      element.value = roundToBF16(element.value);
  }
}

llvm::Error Evaluation::run(Block &block, Values &values,
                            const Surroundings &around) {
  for (Operation &op : block.without_terminator()) {
    const Rule *rule = rules.lookup(op.getName());
    if (!rule) {
      op.emitOpError("found an op that the interpreter has no rule for, "
                     "expected one of nn, arith or math: add its rule to "
                     "lib/Interpreter");
      return failure("no rule for", op);
    }
    SmallVector<const Tensor *> operands;
    for (Value operand : op.getOperands())
      operands.push_back(&values.find(operand)->second);
    SmallVector<Tensor> results;
    for (Type type : op.getResultTypes())
      results.emplace_back(type);
    if (failed((*rule)(&op, operands, results, around)))
      return failure("cannot compute", op);
    for (auto [value, result] : llvm::zip_equal(op.getResults(), results)) {
      finish(&op, result);
      values[value] = std::move(result);
    }
  }
  return llvm::Error::success();
}
