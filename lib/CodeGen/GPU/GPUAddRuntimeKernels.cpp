//===- GPUAddRuntimeKernels.cpp - Kernels that the runtime launches -------===//

#include "pp/CodeGen/GPU/Passes.h"

#include "mlir/IR/SymbolTable.h"
#include "mlir/Parser/Parser.h"

namespace pp {
#define GEN_PASS_DEF_GPUADDRUNTIMEKERNELS
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// RuntimeKernels.mlir.
static constexpr char runtimeKernels[] = {
#include "RuntimeKernels.inc"
    , 0};

namespace {
struct GPUAddRuntimeKernels
    : pp::impl::GPUAddRuntimeKernelsBase<GPUAddRuntimeKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(
        runtimeKernels, ParserConfig(module.getContext()));
    if (!source)
      return signalPassFailure();
    auto kernels = *source->getOps<gpu::GPUModuleOp>().begin();
    auto target = module.lookupSymbol<gpu::GPUModuleOp>(kernels.getName());
    if (!target) {
      // A program of library calls only has no kernels of its own.
      kernels->moveBefore(module.getBody(), module.getBody()->begin());
      module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      UnitAttr::get(module.getContext()));
      return;
    }
    for (Operation &op : llvm::make_early_inc_range(*kernels.getBody()))
      op.moveBefore(target.getBody(), target.getBody()->end());
  }
};
} // namespace
