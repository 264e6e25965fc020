//===- GPUSizeWorkspaces.cpp - Scratch memory of GPU libraries ------------===//
//
// How much that is the calls say (LibraryCallOpInterface).
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Chip.h"
#include "pp/CodeGen/GPU/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

namespace pp {
#define GEN_PASS_DEF_GPUSIZEWORKSPACES
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

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
    target.isDevice = true;
    target.least = found->number;
    target.most = found->isExact ? found->number : kNewestChip;
    target.cudnn = cudnn;
    return success();
  }

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    for (Operation &op : getOperation().front())
      if (auto call = dyn_cast<pp::kernel::LibraryCallOpInterface>(op))
        if (OpOperand *workspace = call.getWorkspaceOperand())
          size(call, *workspace);
  }

private:
  void size(pp::kernel::LibraryCallOpInterface call, OpOperand &workspace) {
    if (!call.hasChoiceOfOrder())
      return resize(call, workspace, call.getWorkspaceBytes(target));
    // Says beside the op in which order it may sum, and what each order needs.
    const int64_t least =
        4 * cast<MemRefType>(workspace.get().getType()).getNumElements();
    int64_t bytes[2];
    for (bool inAnyOrder : {false, true}) {
      target.anyOrder = inAnyOrder;
      bytes[inAnyOrder] = std::max(least, call.getWorkspaceBytes(target));
    }
    resize(call, workspace, bytes[anyOrder]);
    Builder builder(call.getContext());
    call->setAttr(
        "pp.sums",
        builder.getDictionaryAttr(
            {builder.getNamedAttr("any_order", builder.getBoolAttr(anyOrder)),
             builder.getNamedAttr("workspaces",
                                  builder.getDenseI64ArrayAttr(bytes))}));
  }

  pp::kernel::LibraryTarget target; ///< the chips that the code runs on
};
} // namespace
