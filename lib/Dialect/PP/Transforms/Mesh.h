//===- Mesh.h - The mesh of a plan ------------------------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_MESH_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_MESH_H

#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {

/// What the mesh of a new plan is like; see pp-add-mesh.
struct MeshShape {
  int64_t pipe = 1, replicas = 1, tensors = 1;
  llvm::StringRef order = "pipe,data,tensor";
};

/// The mesh of a module: its own, which must have a coordinate on `pipe` for
/// each rank of the schedule, or a new one of `shape`.
mlir::FailureOr<MeshOp> findOrAddMesh(mlir::ModuleOp module,
                                      const MeshShape &shape);

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_MESH_H
