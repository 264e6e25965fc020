//===- PPAddMesh.cpp - The mesh that a plan is for ------------------------===//
//
// The schedule says how many coordinates the axis of stages has; how many
// replicas of the pipeline stand side by side, and in which order ranks have
// their coordinates, is the user's to say.
//
//===----------------------------------------------------------------------===//

#include "Mesh.h"
#include "Options.h"
#include "pp/Dialect/PP/Transforms/Passes.h"

namespace pp {
#define GEN_PASS_DEF_PPADDMESH
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

/// Fails, with an error, on an order that has not each axis once.
static FailureOr<MeshOp> addMesh(ModuleOp module, const MeshShape &shape) {
  SmallVector<StringRef> axes;
  shape.order.split(axes, ',');
  SmallVector<StringRef> sorted(axes);
  llvm::sort(sorted);
  if (sorted != SmallVector<StringRef>({"data", "pipe", "tensor"}))
    return module.emitError()
           << "found order=" << shape.order
           << ", expected pipe, data and tensor, each once, in any order";
  SmallVector<int64_t> sizes;
  for (StringRef axis : axes)
    sizes.push_back(axis == MeshOp::kStages     ? shape.pipe
                    : axis == MeshOp::kReplicas ? shape.replicas
                                                : shape.tensors);
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  return MeshOp::create(builder, module.getLoc(), "mesh",
                        builder.getStrArrayAttr(axes), sizes,
                        builder.getStringAttr(MeshOp::kReplicas),
                        /*per_process=*/IntegerAttr());
}

/// A model whose layers are sharded has a mesh of its own, and leaves it to the
/// options how often it stands side by side and behind itself.
static void resize(MeshOp mesh, const MeshShape &shape) {
  SmallVector<int64_t> sizes(mesh.getSizes());
  for (auto [axis, size] : {std::pair{MeshOp::kStages, shape.pipe},
                            std::pair{MeshOp::kReplicas, shape.replicas}})
    if (std::optional<unsigned> number = mesh.findAxis(axis);
        number && sizes[*number] == 1) {
      sizes[*number] = size;
      if (axis == MeshOp::kReplicas)
        mesh.setReplicas(axis);
    }
  mesh.setSizes(sizes);
}

FailureOr<MeshOp> pp::findOrAddMesh(ModuleOp module, const MeshShape &shape) {
  auto meshes = module.getOps<MeshOp>();
  if (meshes.empty())
    return addMesh(module, shape);
  MeshOp mesh = *meshes.begin();
  resize(mesh, shape);
  const std::optional<int64_t> found = mesh.getSize(MeshOp::kStages);
  if (found == shape.pipe)
    return mesh;
  if (!found)
    return mesh.emitOpError() << "found no axis 'pipe', expected one of size "
                              << shape.pipe << " as the schedule has rows";
  return mesh.emitOpError()
         << "found " << *found << " coordinates on the axis 'pipe', expected "
         << shape.pipe << " as the schedule has rows";
}

namespace {
struct AddMesh : pp::impl::PPAddMeshBase<AddMesh> {
  using PPAddMeshBase::PPAddMeshBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(checkOption(module, "replicas", replicas, 1, limits::kRanks)) ||
        failed(checkOption(module, "tensors", tensors, 0, limits::kRanks)) ||
        failed(checkOption(module, "per-process", perProcess, 1,
                           limits::kRanks)) ||
        failed(checkOption(module, "groups", groups, 0, limits::kMicrobatches)))
      return signalPassFailure();
    auto schedules = module.getOps<ScheduleOp>();
    if (schedules.empty()) {
      module.emitError()
          << "found no pp.schedule, expected one, whose rows are "
             "the coordinates on 'pipe'; run pp-schedule";
      return signalPassFailure();
    }
    ScheduleOp schedule = *schedules.begin();
    FailureOr<MeshOp> mesh =
        findOrAddMesh(module, {int64_t(schedule.getRows().size()), replicas,
                               /*tensors=*/1, order});
    if (failed(mesh))
      return signalPassFailure();
    if (const int64_t found = (*mesh).getSize(MeshOp::kTensors).value_or(1);
        tensors && found != tensors) {
      (*mesh).emitOpError()
          << "found " << found << " coordinates on the axis 'tensor', expected "
          << "the option's " << int64_t(tensors)
          << ": layers are sharded in the model, whose pp.mesh says over how "
             "many; leave the mesh out where pp-shard is to shard them";
      return signalPassFailure();
    }
    if (replicas > 1 && !(*mesh).findAxis(MeshOp::kReplicas)) {
      (*mesh).emitOpError()
          << "found no axis '" << MeshOp::kReplicas
          << "', expected one for the option's " << int64_t(replicas)
          << " replicas: add it with one coordinate, which becomes as many";
      return signalPassFailure();
    }
    if ((*mesh).getNumReplicas() != replicas) {
      (*mesh).emitOpError()
          << "found " << (*mesh).getNumReplicas()
          << " replicas, expected the option's " << int64_t(replicas)
          << ": leave the mesh to the options";
      return signalPassFailure();
    }
    if (groups)
      schedule.setGroups(groups);
    if (perProcess > 1)
      (*mesh).setPerProcess(perProcess);
    // The mesh changed what the schedule means.
    if (failed((*mesh).verify()) || failed(schedule.verify()))
      signalPassFailure();
  }
};
} // namespace
