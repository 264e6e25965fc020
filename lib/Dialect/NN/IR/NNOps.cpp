//===- NNOps.cpp - Ops of the nn dialect ----------------------------------===//
//
// The generated definitions and the checks that all ops share. What is special
// to a family of ops lies in NN<Family>.cpp: inference of types (which checks
// the numbered constraints), costs, folds and scalar bodies.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Limits.h"

#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

LogicalResult pp::nn::detail::verifyElements(Operation *op, StringRef kind,
                                             unsigned number, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  int64_t elements = 1;
  for (auto [dim, size] : llvm::enumerate(tensor.getShape())) {
    if (ShapedType::isDynamic(size) || size == 0)
      return success();
    if (size > limits::kElements / elements)
      return op->emitOpError()
             << kind << " #" << number << " has type " << type
             << ": it has more than 2^48 elements, which no machine holds: "
                "correct dimension "
             << dim;
    elements *= size;
  }
  return success();
}

static LogicalResult verifyTensor(Operation *op, StringRef kind,
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
  return pp::nn::detail::verifyElements(op, kind, number, type);
}

LogicalResult pp::nn::detail::verifyAttributes(Operation *op,
                                               ArrayRef<StringAttr> known) {
  for (NamedAttribute attribute : op->getDiscardableAttrs()) {
    StringRef found = attribute.getName();
    // Discardable attributes of dialects (`dialect.name`) and of passes are
    // allowed, and the visibility of a symbol.
    if (found.contains('.') || found.starts_with("__") ||
        found == SymbolTable::getVisibilityAttrName())
      continue;
    InFlightDiagnostic error = op->emitOpError()
                               << "has an unknown attribute '" << found << "'";
    if (known.empty())
      return error << ", expected none: drop it or give it the prefix of a "
                      "dialect";
    auto closest = llvm::min_element(known, [&](StringAttr a, StringAttr b) {
      return found.edit_distance(a) < found.edit_distance(b);
    });
    error << ", expected ";
    llvm::interleaveComma(known, error, [&](StringAttr name) {
      error << "'" << name.getValue() << "'";
    });
    if (found.edit_distance(*closest) <= 3)
      return error << ": did you mean '" << closest->getValue() << "'?";
    return error << ": drop it or give it the prefix of a dialect";
  }
  return success();
}

LogicalResult pp::nn::detail::verifyWellFormed(Operation *op) {
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes()))
    if (failed(verifyTensor(op, "operand", i, type)))
      return failure();
  for (auto [i, type] : llvm::enumerate(op->getResultTypes()))
    if (failed(verifyTensor(op, "result", i, type)))
      return failure();
  return verifyAttributes(op, op->getName().getAttributeNames());
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

//===----------------------------------------------------------------------===//
// Arrays that may be left out of the text where they are trivial
//===----------------------------------------------------------------------===//

/// ::= (keyword `=` array)?, by default `value` for each entry of `like`.
static ParseResult parseArray(OpAsmParser &parser, StringRef keyword,
                              DenseI64ArrayAttr &array, DenseI64ArrayAttr like,
                              int64_t value) {
  if (succeeded(parser.parseOptionalKeyword(keyword))) {
    if (parser.parseEqual())
      return failure();
    array = dyn_cast_or_null<DenseI64ArrayAttr>(
        DenseI64ArrayAttr::parse(parser, Type()));
    return success(array != nullptr);
  }
  SmallVector<int64_t> values(like.size(), value);
  array = parser.getBuilder().getDenseI64ArrayAttr(values);
  return success();
}

static void printArray(OpAsmPrinter &printer, StringRef keyword,
                       DenseI64ArrayAttr array, DenseI64ArrayAttr like,
                       int64_t value) {
  ArrayRef<int64_t> values = array;
  if (array.size() == like.size() && llvm::all_equal(values) &&
      (values.empty() || values.front() == value))
    return;
  printer << keyword << " = ";
  array.print(printer);
}

static ParseResult parseStrides(OpAsmParser &parser, DenseI64ArrayAttr &strides,
                                DenseI64ArrayAttr sizes) {
  return parseArray(parser, "strides", strides, sizes, 1);
}
static void printStrides(OpAsmPrinter &printer, Operation *,
                         DenseI64ArrayAttr strides, DenseI64ArrayAttr sizes) {
  printArray(printer, "strides", strides, sizes, 1);
}
static ParseResult parseInterior(OpAsmParser &parser,
                                 DenseI64ArrayAttr &interior,
                                 DenseI64ArrayAttr low) {
  return parseArray(parser, "interior", interior, low, 0);
}
static void printInterior(OpAsmPrinter &printer, Operation *,
                          DenseI64ArrayAttr interior, DenseI64ArrayAttr low) {
  printArray(printer, "interior", interior, low, 0);
}

#define GET_OP_CLASSES
#include "pp/Dialect/NN/IR/NNOps.cpp.inc"
