//===- NNRandom.cpp - Replayable dropout ----------------------------------===//

#include "Checker.h"

#include "pp/Dialect/NN/IR/Dropout.h"
#include "pp/Interfaces/MeshOpInterface.h"
#include "pp/Limits.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

LogicalResult DropoutOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> location,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  types.push_back(adaptor.getInput().getType());
  double p = adaptor.getP().convertToDouble();
  // Written so that a NaN fails.
  if (!(p >= 0.0 && p < 1.0))
    return check.fail("(C1) p is ", p,
                      ", expected the probability to drop an element, from 0 "
                      "to below 1: correct it");
  if (droppedWords(p) > UINT32_MAX)
    return check.fail("(C1) p is ", p,
                      ", which is 1 in units of 2^-32, expected less: "
                      "correct it");
  int64_t site = adaptor.getSite();
  if (site < 0 || site > UINT32_MAX)
    return check.fail("(C2) site is ", site, ", expected 0 to ", UINT32_MAX,
                      ": number the dropouts of a layer from 0");
  return success();
}

/// What is said of a part, as far as it takes no mesh.
LogicalResult DropoutOp::verify() {
  if (getAxes().has_value() != getDim().has_value())
    return emitOpError("(C3) found ") << (getDim() ? "a dimension without axes"
                                                   : "axes without a dimension")
                                      << ", expected both or none: write the "
                                         "axes and the dimension of the "
                                         "part, over [\"tensor\"] dim(1)";
  if (!getAxes())
    return success();
  if (failed(verifyAxisNames(*this, *getAxes(), "C3")))
    return failure();
  int64_t dim = *getDim(), rank = getType().getRank();
  if (dim < 0 || dim >= rank) {
    InFlightDiagnostic error = emitOpError("(C5) found dim(") << dim << ")";
    if (rank == 0)
      return error << " of " << getType()
                   << ", which has no dimensions: drop the axes, it is whole";
    return error << ", expected 0 to " << rank - 1 << ", a dimension of "
                 << getType() << ": count dimensions from the front";
  }
  return success();
}

LogicalResult DropoutOp::verifySymbolUses(SymbolTableCollection &) {
  if (!getAxes())
    return success();
  FailureOr<int64_t> group = findGroupSize(*this, *getAxes(), "C4");
  if (failed(group))
    return failure();
  if (getType().getNumElements() > limits::kElements / *group)
    return emitOpError("(C6) found ")
           << getType() << " from " << *group
           << " ranks, which together are more than 2^48 elements: correct the "
              "shape or the mesh";
  return success();
}

OpFoldResult DropoutOp::fold(FoldAdaptor) {
  return getP().isZero() ? getInput() : Value();
}

LogicalResult MixKeyOp::verify() {
  int64_t salt = getSalt();
  if (salt < 0)
    return emitOpError() << "(C1) salt is " << salt
                         << ", expected 0 or more: number the applies from 0";
  return success();
}

/// The factor; the generator computes with integers.
uint64_t DropoutOp::getFlops() { return getType().getNumElements(); }
