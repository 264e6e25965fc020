//===- CommVerifyDistribution.cpp - No reduction missing, none twice ------===//
//
// The proof of a function is the inference of its values, with results checked
// against what was declared of them. What a module has beside functions is
// proven by the dialects that it is of.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/Transforms/Passes.h"

#include "pp/Dialect/Comm/Analysis/DistributionDialectInterface.h"
#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace pp::comm {
#define GEN_PASS_DEF_COMMVERIFYDISTRIBUTION
#include "pp/Dialect/Comm/Transforms/Passes.h.inc"
} // namespace pp::comm

using namespace mlir;
using namespace pp;
using namespace pp::comm;

/// Each of `axes`, which `place` names, is one of the mesh on which values have
/// distributions.
static LogicalResult verifyAxes(Operation *op, ArrayRef<StringAttr> axes,
                                MeshOpInterface mesh, const Twine &place) {
  for (StringAttr axis : axes) {
    if (mesh.findAxis(axis) && mesh.isSpmd(axis))
      continue;
    InFlightDiagnostic error = op->emitError()
                               << "found axis " << axis << " on " << place;
    if (mesh.findAxis(axis))
      error << ", on which functions have no distributions, expected another "
               "axis of the mesh, "
            << mesh.getAxes() << ": values cross it between functions only";
    else
      error << ", expected one of the mesh, " << mesh.getAxes()
            << ": correct the name or add the axis";
    error.attachNote(mesh.getLoc()) << "the mesh is here";
    return error;
  }
  return success();
}

static LogicalResult verifyAxes(FunctionOpInterface function,
                                DistributionAttr distribution,
                                MeshOpInterface mesh, const Twine &place) {
  return distribution
             ? verifyAxes(function, distribution.getAxes(), mesh, place)
             : success();
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
  for (auto collective : body.getOps<CollectiveOpInterface>())
    if (failed(verifyAxes(
            collective,
            llvm::to_vector(collective.getAxes().getAsRange<StringAttr>()),
            mesh, "a collective")))
      return failure();
  for (Operation &op : body.front())
    if (std::optional<ShardingRule> rule = getShardingRule(&op))
      for (const ShardingRule::Loop &loop : rule->loops)
        if (loop.axes &&
            failed(verifyAxes(
                &op, llvm::to_vector(loop.axes.getAsRange<StringAttr>()), mesh,
                "an op of a part")))
          return failure();
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
    bool isProven = true;
    if (!DistributionInference(mesh).getAxes().empty())
      for (auto function : getOperation().getOps<FunctionOpInterface>())
        isProven &= succeeded(verify(function, mesh));
    // Programs may have something to prove on axes that functions do not know.
    for (Dialect *dialect : getContext().getLoadedDialects())
      if (auto *own =
              dialect->getRegisteredInterface<DistributionDialectInterface>())
        isProven &= succeeded(own->verifyDistributions(getOperation(), mesh));
    if (!isProven)
      signalPassFailure();
  }
};
} // namespace
