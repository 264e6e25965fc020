//===- CommDialect.cpp - The comm dialect ---------------------------------===//

#include "pp/Dialect/Comm/IR/CommDialect.h"

#include "pp/Dialect/Comm/IR/CommOps.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace pp::comm;

#include "pp/Dialect/Comm/IR/CommDialect.cpp.inc"

void CommDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "pp/Dialect/Comm/IR/CommOps.cpp.inc"
      >();
}

/// The attribute of one argument or result, which is of type `type`.
static LogicalResult verifyDistribution(Operation *op, const Twine &place,
                                        Type type, NamedAttribute attribute) {
  if (attribute.getName() != CommDialect::getDistributionName())
    return op->emitOpError()
           << "found unknown attribute " << attribute.getName().getValue()
           << " on " << place << ", expected comm.distribution";
  auto distribution = dyn_cast<DistributionAttr>(attribute.getValue());
  if (!distribution)
    return op->emitOpError()
           << "found comm.distribution = " << attribute.getValue() << " on "
           << place
           << ", expected axes and distributions: write "
              "#comm.distribution<{\"tensor\" = varying(1)}>";
  auto tensor = dyn_cast<RankedTensorType>(type);
  int64_t rank = tensor ? tensor.getRank() : 0;
  for (auto [axis, value] : llvm::zip_equal(distribution.getAxes(),
                                            distribution.getDistributions())) {
    if (value.isSharded() && value.dim < rank &&
        tensor.getDimSize(value.dim) % value.blocks != 0)
      return op->emitOpError()
             << "(C3) found " << value.str() << " on axis " << axis << " on "
             << place << " of type " << type
             << ", expected a number of blocks that divides the dimension";
    if (value.isSharded() && value.dim >= rank)
      return op->emitOpError()
             << "(C2) found " << value.str() << " on axis " << axis << " on "
             << place << " of type " << type << ", which has " << rank
             << " dimensions: count them from 0, or write varying";
  }
  return success();
}

LogicalResult CommDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  if (op->getNumResults() == 1)
    return verifyDistribution(op, "the result", op->getResult(0).getType(),
                              attribute);
  return op->emitOpError() << "found " << attribute.getName().getValue()
                           << " on an op of " << op->getNumResults()
                           << " results, expected it on one that makes a value";
}

LogicalResult CommDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                    unsigned argument,
                                                    NamedAttribute attribute) {
  auto function = cast<FunctionOpInterface>(op);
  return verifyDistribution(op, "argument #" + Twine(argument),
                            function.getArgumentTypes()[argument], attribute);
}

LogicalResult CommDialect::verifyRegionResultAttribute(
    Operation *op, unsigned, unsigned result, NamedAttribute attribute) {
  auto function = cast<FunctionOpInterface>(op);
  return verifyDistribution(op, "result #" + Twine(result),
                            function.getResultTypes()[result], attribute);
}
