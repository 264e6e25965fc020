//===- GPUSizeWorkspaces.cpp - Scratch memory of GPU libraries ------------===//
//
// How much that is stands in pprt_gpu_workspace.h, which the runtime shares.
//
//===----------------------------------------------------------------------===//

#include "AttentionShape.h"

#include "pp/CodeGen/GPU/Chip.h"
#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "pprt_gpu_workspace.h"

namespace pp {
#define GEN_PASS_DEF_GPUSIZEWORKSPACES
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;
using pp::device::attentionShapeOf;

/// PTX runs on newer chips, too, of which this is the newest.
static constexpr int kNewestChip = 129;

/// Gives `op` a workspace of at least `bytes`.
static void resize(Operation *op, OpOperand &workspace, int64_t bytes) {
  auto type = cast<MemRefType>(workspace.get().getType());
  int64_t elements =
      std::max(type.getNumElements(),
               bytes / int64_t(type.getElementTypeBitWidth() / 8));
  OpBuilder builder(op);
  workspace.set(memref::AllocOp::create(
      builder, op->getLoc(),
      MemRefType::get({elements}, type.getElementType())));
}

namespace {
struct GPUSizeWorkspaces : pp::impl::GPUSizeWorkspacesBase<GPUSizeWorkspaces> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    std::optional<pp::Chip> found = pp::findChip(chip);
    if (!found)
      return emitError(UnknownLoc::get(context)) << pp::unknownChip(chip);
    if (!pp::isCudnnVersion(cudnn))
      return emitError(UnknownLoc::get(context))
             << "found cudnn=" << cudnn.getValue()
             << ", expected 90000 to 99999, such as 91900 for 9.19.0";
    least = found->number;
    most = found->isExact ? found->number : kNewestChip;
    return success();
  }

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    for (Operation &op : getOperation().front()) {
      if (auto gemm = dyn_cast<pp::kernel::GemmOp>(op))
        resize(gemm, gemm.getWorkspaceMutable(), PPRT_GPU_GEMM_WORKSPACE);
      else if (auto fused = dyn_cast<pp::kernel::FusedGemmOp>(op))
        resize(fused, fused.getWorkspaceMutable(), PPRT_GPU_GEMM_WORKSPACE);
      else if (auto attention = dyn_cast<pp::kernel::AttentionOp>(op))
        resize(
            attention, attention.getWorkspaceMutable(),
            attentionBytes(attentionShapeOf(attention), /*isAdjoint=*/false));
      else if (auto grad = dyn_cast<pp::kernel::AttentionGradOp>(op))
        sizeAdjoint(grad);
    }
  }

private:
  int64_t attentionBytes(const pprt_gpu_attention &shape, bool isAdjoint) {
    return pprt_gpu_attention_workspace(&shape, isAdjoint, least, most, cudnn);
  }

  /// Says beside the op in which order it may sum, and what each order needs.
  void sizeAdjoint(pp::kernel::AttentionGradOp op) {
    pprt_gpu_attention shape = attentionShapeOf(op);
    const int64_t least =
        4 * cast<MemRefType>(op.getWorkspace().getType()).getNumElements();
    int64_t bytes[2];
    for (int anyOrder : {0, 1}) {
      shape.any_order = anyOrder;
      bytes[anyOrder] =
          std::max(least, attentionBytes(shape, /*isAdjoint=*/true));
    }
    resize(op, op.getWorkspaceMutable(), bytes[anyOrder]);
    OpBuilder builder(op);
    op->setAttr(
        "pp.sums",
        builder.getDictionaryAttr(
            {builder.getNamedAttr("any_order", builder.getBoolAttr(anyOrder)),
             builder.getNamedAttr("workspaces",
                                  builder.getDenseI64ArrayAttr(bytes))}));
  }

  int least = 0, most = 0; ///< chips that the code runs on, 90 for sm_90
};
} // namespace
