//===- PPDialect.cpp - The pp dialect -------------------------------------===//
//
// Registration, and the shape of the attributes that bind the arguments and
// results of stage functions. That the bindings are complete and name things
// that exist is checked by pp.stage, which sees the whole module.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/PPDialect.h"

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/IR/ProgramDistributions.h"
#include "pp/Limits.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "pp/Dialect/PP/IR/PPDialect.cpp.inc"
#include "pp/Dialect/PP/IR/PPEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "pp/Dialect/PP/IR/PPAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "pp/Dialect/PP/IR/PPTypes.cpp.inc"

void pp::PPDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "pp/Dialect/PP/IR/PPAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "pp/Dialect/PP/IR/PPTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "pp/Dialect/PP/IR/PPOps.cpp.inc"
      >();
  addInterface(createDistributionProof(this));
}

static LogicalResult expectString(Operation *op, NamedAttribute attribute) {
  if (isa<StringAttr>(attribute.getValue()))
    return success();
  return op->emitOpError() << "found " << attribute.getName().getValue()
                           << " = " << attribute.getValue()
                           << ", expected a name: write "
                           << attribute.getName().getValue() << " = \"...\"";
}

static LogicalResult expectDistribution(Operation *op,
                                        NamedAttribute attribute) {
  if (isa<comm::DistributionAttr>(attribute.getValue()))
    return success();
  return op->emitOpError() << "found " << attribute.getName().getValue()
                           << " = " << attribute.getValue()
                           << ", expected a #comm.distribution";
}

static LogicalResult expectUnit(Operation *op, NamedAttribute attribute) {
  if (isa<UnitAttr>(attribute.getValue()))
    return success();
  return op->emitOpError() << "found " << attribute.getName().getValue()
                           << " = " << attribute.getValue()
                           << ", expected a unit attribute: write only "
                           << attribute.getName().getValue();
}

/// A number from 0 to `end` - 1.
static LogicalResult expectNumber(Operation *op, NamedAttribute attribute,
                                  int64_t end) {
  auto number = dyn_cast<IntegerAttr>(attribute.getValue());
  if (number && number.getType().isInteger(64) && number.getInt() >= 0 &&
      number.getInt() < end)
    return success();
  return op->emitOpError() << "found " << attribute.getName().getValue()
                           << " = " << attribute.getValue()
                           << ", expected an i64 from 0 to " << end - 1;
}

/// The number of an argument of the result's type.
static LogicalResult expectAccumulator(Operation *op, unsigned result,
                                       NamedAttribute attribute) {
  auto function = cast<FunctionOpInterface>(op);
  if (function.getNumArguments() == 0)
    return op->emitOpError() << "found " << attribute.getName().getValue()
                             << " on a result of a function without arguments, "
                                "expected the accumulator among them";
  if (failed(expectNumber(op, attribute, function.getNumArguments())))
    return failure();
  int64_t argument = cast<IntegerAttr>(attribute.getValue()).getInt();
  Type type = function.getArgumentTypes()[argument];
  if (type == function.getResultTypes()[result])
    return success();
  return op->emitOpError() << "found " << attribute.getName().getValue()
                           << " = " << argument << ", an argument of type "
                           << type << ", expected "
                           << function.getResultTypes()[result]
                           << " as of the result";
}

LogicalResult
pp::PPDialect::verifyRegionArgAttribute(Operation *op, unsigned region,
                                        unsigned argument,
                                        NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == attr::kValue || name == attr::kParam || name == attr::kGrad ||
      name == attr::kData)
    return expectString(op, attribute);
  if (name == attr::kKey)
    return expectUnit(op, attribute);
  if (name == attr::kShard)
    return expectDistribution(op, attribute);
  if (name == attr::kUse)
    return expectNumber(op, attribute, limits::kUses);
  return op->emitOpError() << "found unknown argument attribute " << name
                           << ", expected pp.value, pp.param, pp.grad, pp.use, "
                              "pp.data, pp.key or pp.shard";
}

LogicalResult pp::PPDialect::verifyRegionResultAttribute(
    Operation *op, unsigned region, unsigned result, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == attr::kValue)
    return expectString(op, attribute);
  if (name == attr::kLoss || name == attr::kLossWeight)
    return expectUnit(op, attribute);
  if (name == attr::kShard)
    return expectDistribution(op, attribute);
  if (name == attr::kAccumulates)
    return expectAccumulator(op, result, attribute);
  if (name == attr::kGrad) {
    auto half = dyn_cast<StringAttr>(attribute.getValue());
    if (half && (half == "input" || half == "param"))
      return success();
    return op->emitOpError()
           << "found result attribute pp.grad = " << attribute.getValue()
           << ", expected \"input\" or \"param\"";
  }
  return op->emitOpError() << "found unknown result attribute " << name
                           << ", expected pp.value, pp.accumulates, pp.grad, "
                              "pp.loss, pp.loss_weight or pp.shard";
}
