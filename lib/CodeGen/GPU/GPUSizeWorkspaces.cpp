//===- GPUSizeWorkspaces.cpp - Scratch memory of GPU libraries ------------===//
//
// How much that is stands in pprt_gpu_workspace.h, which the runtime shares.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "pprt_gpu_workspace.h"

namespace pp {
#define GEN_PASS_DEF_GPUSIZEWORKSPACES
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

static constexpr int kNewestChip = 129;

/// The chips that code for `chip` runs on, as numbers: that one for "sm_90a",
/// and all newer ones for "sm_90".
static std::pair<int, int> chipsOf(StringRef chip) {
  int number = 0;
  chip.consume_front("sm_");
  bool isOne = chip.consume_back("a");
  if (chip.getAsInteger(10, number))
    number = 80;
  return {number, isOne ? number : kNewestChip};
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

/// What the shape of attention says about its workspace.
template <typename OpTy> static pprt_gpu_attention shapeOf(OpTy op) {
  auto q = cast<MemRefType>(op.getQuery().getType());
  auto k = cast<MemRefType>(op.getKey().getType());
  pprt_gpu_attention shape = {};
  shape.batch = op.getBatch();
  shape.heads = op.getHeads();
  shape.kv_heads = op.getKvHeads();
  shape.t = q.getDimSize(0) / shape.batch;
  shape.s = k.getDimSize(0) / shape.batch;
  shape.d = q.getDimSize(1) / shape.heads;
  shape.type = q.getElementType().isBF16() ? PPRT_GPU_BF16 : PPRT_GPU_F32;
  return shape;
}

namespace {
struct GPUSizeWorkspaces : pp::impl::GPUSizeWorkspacesBase<GPUSizeWorkspaces> {
  using Base::Base;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    for (Operation &op : getOperation().front()) {
      if (auto gemm = dyn_cast<pp::kernel::GemmOp>(op))
        resize(gemm, gemm.getWorkspaceMutable(), PPRT_GPU_GEMM_WORKSPACE);
      else if (auto fused = dyn_cast<pp::kernel::FusedGemmOp>(op))
        resize(fused, fused.getWorkspaceMutable(), PPRT_GPU_GEMM_WORKSPACE);
      else if (auto attention = dyn_cast<pp::kernel::AttentionOp>(op))
        resize(attention, attention.getWorkspaceMutable(),
               attentionBytes(shapeOf(attention), /*isAdjoint=*/false));
      else if (auto grad = dyn_cast<pp::kernel::AttentionGradOp>(op))
        sizeAdjoint(grad);
    }
  }

private:
  int64_t attentionBytes(const pprt_gpu_attention &shape, bool isAdjoint) {
    auto [least, most] = chipsOf(chip);
    return pprt_gpu_attention_workspace(&shape, isAdjoint, least, most, cudnn);
  }

  /// Says beside the op in which order it may sum, and what each order needs.
  void sizeAdjoint(pp::kernel::AttentionGradOp op) {
    pprt_gpu_attention shape = shapeOf(op);
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
};
} // namespace
