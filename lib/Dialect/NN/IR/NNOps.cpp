//===- NNOps.cpp - Ops of the nn dialect ----------------------------------===//
//
// The generated definitions and the checks that all ops share. What is special
// to a family of ops lies in NN<Family>.cpp: inference of types (which checks
// the numbered constraints), costs, folds and scalar bodies.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;

static LogicalResult verifyStaticTensor(Operation *op, StringRef kind,
                                        unsigned number, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  auto fail = [&]() {
    return op->emitOpError()
           << kind << " #" << number << " has type " << type << ": ";
  };
  if (tensor.getEncoding())
    return fail() << "expected no encoding: drop it";
  if (tensor.getRank() > 8)
    return fail() << "rank is " << tensor.getRank()
                  << ", expected at most 8: merge dimensions with nn.reshape";
  for (auto [dim, size] : llvm::enumerate(tensor.getShape())) {
    if (ShapedType::isDynamic(size))
      return fail() << "dimension " << dim
                    << " is dynamic, expected a static size: write the sizes "
                       "of one micro-batch";
    if (size == 0)
      return fail() << "dimension " << dim
                    << " is empty, expected a size of at least 1: drop the op "
                       "or correct the size";
  }
  return success();
}

LogicalResult pp::nn::detail::verifyStaticTensors(Operation *op) {
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes()))
    if (failed(verifyStaticTensor(op, "operand", i, type)))
      return failure();
  for (auto [i, type] : llvm::enumerate(op->getResultTypes()))
    if (failed(verifyStaticTensor(op, "result", i, type)))
      return failure();
  return success();
}

LogicalResult pp::nn::detail::verifyInferredResults(Operation *op) {
  auto inferable = cast<InferTypeOpInterface>(op);
  SmallVector<Type> inferred;
  if (failed(inferable.inferReturnTypes(
          op->getContext(), op->getLoc(), op->getOperands(),
          op->getRawDictionaryAttrs(), op->getPropertiesStorage(),
          op->getRegions(), inferred)))
    return failure();
  if (inferred.size() != op->getNumResults())
    return op->emitOpError()
           << "has " << op->getNumResults() << " results, expected "
           << inferred.size() << ": declare one type for each";
  for (auto [i, expected, found] :
       llvm::enumerate(inferred, op->getResultTypes()))
    if (expected != found)
      return op->emitOpError()
             << "result #" << i << " has type " << found << ", expected "
             << expected << " from the operands: declare that type";
  return success();
}

#define GET_OP_CLASSES
#include "pp/Dialect/NN/IR/NNOps.cpp.inc"
