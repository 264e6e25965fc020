//===- GPUAddRuntimeKernels.cpp - Kernels that the runtime launches -------===//
//
// What they move for each element is counted here, and left on the module for
// the roofline (`pp.runtime_kernels`): later they are code.
//
//===----------------------------------------------------------------------===//

#include "KernelTraffic.h"

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

/// The counts of a module's kernels by name.
static DictionaryAttr countTraffic(gpu::GPUModuleOp kernels) {
  Builder builder(kernels.getContext());
  SmallVector<NamedAttribute> counts;
  for (auto kernel : kernels.getOps<gpu::GPUFuncOp>()) {
    pp::device::ElementTraffic traffic = pp::device::elementTrafficOf(kernel);
    auto field = [&](StringRef name, int64_t bytes) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(bytes));
    };
    counts.push_back(builder.getNamedAttr(
        kernel.getName(),
        builder.getDictionaryAttr({field("bytes", traffic.bytes),
                                   field("fixed", traffic.fixed),
                                   field("least", traffic.least),
                                   field("optional", traffic.optional)})));
    for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
      kernel.removeArgAttr(i,
                           builder.getStringAttr(pp::device::kOptional.str()));
  }
  return builder.getDictionaryAttr(counts);
}

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
    module->setAttr("pp.runtime_kernels", countTraffic(kernels));
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
