//===- AttachHostTarget.cpp - Triple, data layout, CPU features -----------===//
//
// The vectoriser believes the attributes of a function, not those of the
// target machine. Vectors as wide as the machine has are asked for by
// "prefer-vector-width": LLVM itself prefers half of AVX-512.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Native.h"
#include "pp/CodeGen/Passes.h"

#include "llvm/Target/TargetMachine.h"

namespace pp {
#define GEN_PASS_DEF_ATTACHHOSTTARGET
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

namespace {
struct AttachHostTarget : pp::impl::AttachHostTargetBase<AttachHostTarget> {
  using AttachHostTargetBase::AttachHostTargetBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (std::string error = pp::checkTarget(cpu, features); !error.empty()) {
      module.emitError() << error;
      return signalPassFailure();
    }
    std::unique_ptr<llvm::TargetMachine> machine =
        pp::createTargetMachine(cpu, features);
    MLIRContext *context = &getContext();
    auto string = [&](llvm::StringRef text) {
      return StringAttr::get(context, text);
    };
    module->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(),
                    string(machine->getTargetTriple().str()));
    module->setAttr(
        LLVM::LLVMDialect::getDataLayoutAttrName(),
        string(machine->createDataLayout().getStringRepresentation()));
    auto targetFeatures = LLVM::TargetFeaturesAttr::get(
        context, machine->getTargetFeatureString());
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      if (function.isExternal())
        continue;
      function.setTargetCpu(machine->getTargetCPU());
      function.setTargetFeaturesAttr(targetFeatures);
      function.setPreferVectorWidth("512");
      if (function->hasAttr("pp.kernel")) {
        function.setNoInline(true);
        // Internal, not private: a profiler wants to see its name.
        function.setLinkage(LLVM::Linkage::Internal);
      }
    }
  }
};
} // namespace
