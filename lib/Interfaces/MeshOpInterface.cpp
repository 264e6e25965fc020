//===- MeshOpInterface.cpp - Axes of ranks --------------------------------===//
//
// What ops that name axes have in common. The names are verified with the op;
// whether the mesh has them, where the module verifies its symbols.
//
//===----------------------------------------------------------------------===//

#include "pp/Interfaces/MeshOpInterface.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace pp;

#include "pp/Interfaces/MeshOpInterface.cpp.inc"

MeshOpInterface pp::findMesh(Operation *op) {
  for (; op; op = op->getParentOp())
    if (op->hasTrait<OpTrait::SymbolTable>())
      for (Operation &inner : op->getRegion(0).front())
        if (auto mesh = dyn_cast<MeshOpInterface>(inner))
          return mesh;
  return {};
}

static InFlightDiagnostic fail(Operation *op, StringRef constraint) {
  return op->emitOpError("(") << constraint << ") ";
}

LogicalResult pp::verifyAxisNames(Operation *op, ArrayAttr axes,
                                  StringRef constraint) {
  if (axes.empty())
    return fail(op, constraint)
           << "found no axes, expected at least one: write the axis it spans, "
              "over [\"tensor\"]";
  llvm::SmallSet<StringRef, 4> seen;
  for (auto axis : axes.getAsRange<StringAttr>()) {
    if (axis.empty())
      return fail(op, constraint) << "found an axis without a name, expected "
                                     "the name of an axis of the mesh";
    if (!seen.insert(axis).second)
      return fail(op, constraint)
             << "found axis " << axis << " twice, expected each once: drop one";
  }
  return success();
}

FailureOr<int64_t> pp::findGroupSize(Operation *op, ArrayAttr axes,
                                     StringRef constraint) {
  MeshOpInterface mesh = findMesh(op);
  if (!mesh)
    return fail(op, constraint)
           << "found no mesh in the module, expected one with the axes " << axes
           << ": add pp.mesh";
  for (auto axis : axes.getAsRange<StringAttr>())
    if (!mesh.findAxis(axis)) {
      InFlightDiagnostic error =
          fail(op, constraint)
          << "found axis " << axis << ", expected one of the mesh, "
          << mesh.getAxes() << ": correct the name or add the axis";
      error.attachNote(mesh.getLoc()) << "the mesh is here";
      return error;
    }
  auto numberOf = [&](Attribute axis) {
    return *mesh.findAxis(cast<StringAttr>(axis));
  };
  for (unsigned i = 1; i < axes.size(); ++i)
    if (numberOf(axes[i - 1]) > numberOf(axes[i]))
      return fail(op, constraint)
             << "found axis " << axes[i] << " behind " << axes[i - 1]
             << ", expected the order of the mesh, " << mesh.getAxes()
             << ": exchange them";
  return *mesh.getGroupSize(axes);
}
