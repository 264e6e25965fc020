//===- GPUOutlineKernels.cpp - Ops on memrefs to launches of kernels ------===//
//
// The host function stays a list of calls in the same order: what the device
// does is enqueued. Arithmetic on scalars that nobody but kernels needs goes
// into these.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h"

#include "pp/CodeGen/GPU/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace pp {
#define GEN_PASS_DEF_GPUOUTLINEKERNELS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp::device;

/// True if the elements that are summed lie side by side: along the innermost
/// loop of the largest operand.
static bool sumsNeighbours(const LoopNest &nest) {
  const LoopNest::Operand *largest = nullptr;
  int64_t elements = 0;
  for (auto [operand, map] :
       llvm::zip(nest.operands, nest.op.getIndexingMapsArray())) {
    int64_t count = 1;
    for (auto [loop, extent] : llvm::enumerate(nest.extents))
      if (map.isFunctionOfDim(loop))
        count *= extent;
    if (operand.isBuffer && count > elements) {
      elements = count;
      largest = &operand;
    }
  }
  if (!largest)
    return true;
  for (unsigned loop = 0; loop < nest.extents.size(); ++loop)
    if (nest.extents[loop] > 1 && nest.strideAlong(*largest, loop) == 1)
      return nest.reduced[loop];
  return false;
}

static void outline(KernelModule &kernels, const LoopNest &nest) {
  if (nest.isParallel())
    return outlineElementwise(kernels, nest);
  if (nest.canReduce() && sumsNeighbours(nest))
    return outlineRowSums(kernels, nest);
  outlineColumnSums(kernels, nest);
}

namespace {
struct GPUOutlineKernels : pp::impl::GPUOutlineKernelsBase<GPUOutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    KernelModule kernels(module);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && failed(run(kernels, function)))
        return signalPassFailure();
    kernels.finish();
  }

  LogicalResult run(KernelModule &kernels, func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(function.front())) {
      if (isa<scf::ForOp, linalg::LinalgOp, DeviceKernelOpInterface>(op) &&
          failed(verifySizes(&op)))
        return failure();
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        if (!loop->hasAttr("pp.rows"))
          return loop.emitOpError("found without pp.rows, expected loops whose "
                                  "iterations are independent only");
        if (failed(outlineRows(kernels, loop)))
          return failure();
      } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
        FailureOr<LoopNest> nest = LoopNest::get(linalgOp);
        if (failed(nest))
          return failure();
        outline(kernels, *nest);
      } else if (auto own = dyn_cast<DeviceKernelOpInterface>(op)) {
        if (failed(own.outlineKernels(kernels)))
          return failure();
      }
    }
    // Scalars that only kernels used.
    SmallVector<Operation *> left;
    for (Operation &op : function.front().without_terminator())
      left.push_back(&op);
    for (Operation *op : llvm::reverse(left))
      if (isOpTriviallyDead(op))
        op->erase();
    return success();
  }
};
} // namespace
