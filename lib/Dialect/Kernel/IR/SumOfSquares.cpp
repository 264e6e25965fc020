//===- SumOfSquares.cpp - Sum of the squares of a vector ------------------===//
//
// As rows that are added to a table: kernels on GPUs, a loop from the beginning
// on CPUs.
//
//===----------------------------------------------------------------------===//

#include "Operands.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace pp::kernel;

/// A thread has four elements, or more where there are many.
int64_t SumOfSquaresOp::countBlocks(int64_t elements) {
  constexpr int64_t most = 1024;
  return std::clamp<int64_t>(llvm::divideCeil(elements, 4 * kThreads), 1, most);
}

LogicalResult SumOfSquaresOp::verify() {
  auto hasElements = [](Value value, unsigned bits) {
    Type element = getElementTypeOrSelf(value.getType());
    return element.isFloat(bits) && !element.isBF16();
  };
  if (shapeOf(getInput()).size() != 1 || !hasElements(getInput(), 32) ||
      !shapeOf(getSum()).empty() || !hasElements(getSum(), 64)) // C1
    return emitOpError("found operands of type ")
           << getInput().getType() << " and " << getSum().getType()
           << ", expected a vector of f32 and a sum of f64 without dimensions";
  const int64_t blocks = countBlocks(shapeOf(getInput())[0]);
  if (shapeOf(getPartials()) != ArrayRef<int64_t>(blocks) ||
      !hasElements(getPartials(), 64)) // C2
    return emitOpError("found partials of type ")
           << getPartials().getType() << ", expected " << blocks
           << " elements of f64";
  return success();
}
