//===- GPUSizeWorkspaces.cpp - Scratch memory of GPU libraries ------------===//

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "pprt_gpu.h"

namespace pp {
#define GEN_PASS_DEF_GPUSIZEWORKSPACES
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// Bytes that an adjoint of attention may need: sums of the rows, f32 gradients
/// of the queries, and gradients of keys and values for each query head.
static int64_t attentionGradBytes(pp::kernel::AttentionGradOp op) {
  auto q = cast<MemRefType>(op.getQuery().getType());
  auto k = cast<MemRefType>(op.getKey().getType());
  int64_t rows = q.getDimSize(0), heads = op.getHeads();
  int64_t keyElements = k.getNumElements() / op.getKvHeads() * heads;
  return 4 * (q.getNumElements() + 2 * rows * heads + 2 * keyElements) +
         (1 << 20);
}

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
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    for (Operation &op : getOperation().front()) {
      if (auto gemm = dyn_cast<pp::kernel::GemmOp>(op))
        resize(gemm, gemm.getWorkspaceMutable(), PPRT_GPU_GEMM_WORKSPACE);
      else if (auto fused = dyn_cast<pp::kernel::FusedGemmOp>(op))
        resize(fused, fused.getWorkspaceMutable(), PPRT_GPU_GEMM_WORKSPACE);
      else if (auto attention = dyn_cast<pp::kernel::AttentionOp>(op))
        resize(attention, attention.getWorkspaceMutable(), 1 << 20);
      else if (auto grad = dyn_cast<pp::kernel::AttentionGradOp>(op))
        resize(grad, grad.getWorkspaceMutable(), attentionGradBytes(grad));
    }
  }
};
} // namespace
