//===- CommVerifyDistribution.cpp - No reduction missing, none twice ------===//
//
// The proof of a function is the inference of its values, with results checked
// against what was declared of them.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/Transforms/Passes.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/Comm/Transforms/DistributionInference.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace pp::comm {
#define GEN_PASS_DEF_COMMVERIFYDISTRIBUTION
#include "pp/Dialect/Comm/Transforms/Passes.h.inc"
} // namespace pp::comm

using namespace mlir;
using namespace pp::comm;

/// Every axis of the attribute is one of the mesh.
static LogicalResult verifyAxes(FunctionOpInterface function,
                                DistributionAttr distribution,
                                MeshOpInterface mesh, const Twine &place) {
  if (!distribution)
    return success();
  for (StringAttr axis : distribution.getAxes())
    if (!mesh.findAxis(axis)) {
      InFlightDiagnostic error = function.emitError()
                                 << "found axis " << axis << " on " << place
                                 << ", expected one of the mesh, "
                                 << mesh.getAxes()
                                 << ": correct the name or add the axis";
      error.attachNote(mesh.getLoc()) << "the mesh is here";
      return error;
    }
  return success();
}

static LogicalResult verify(FunctionOpInterface function,
                            MeshOpInterface mesh) {
  Region &body = function.getFunctionBody();
  if (body.empty())
    return success();
  if (!llvm::hasSingleElement(body))
    return function.emitError("found a function of ")
           << body.getBlocks().size()
           << " blocks beside a mesh, expected one: distributions know no "
              "control flow";
  DistributionInference inference(mesh);
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (failed(verifyAxes(function, getArgumentDistribution(function, i), mesh,
                          "argument #" + Twine(i))))
      return failure();
  if (failed(inference.inferFunction(function)))
    return failure();
  Operation *terminator = body.front().getTerminator();
  for (auto [i, result] : llvm::enumerate(terminator->getOperands())) {
    DistributionAttr declared = getResultDistribution(function, i);
    if (failed(verifyAxes(function, declared, mesh, "result #" + Twine(i))) ||
        failed(inference.check(result, declared, terminator,
                               "result #" + Twine(i))))
      return failure();
  }
  return success();
}

namespace {
struct CommVerifyDistribution
    : pp::comm::impl::CommVerifyDistributionBase<CommVerifyDistribution> {
  void runOnOperation() override {
    MeshOpInterface mesh = findMesh(getOperation());
    if (!mesh)
      return;
    // All functions are read, so that one run names every one that is wrong.
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (failed(verify(function, mesh)))
        signalPassFailure();
  }
};
} // namespace
