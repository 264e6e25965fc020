//===- ConvertKernelToLLVM.cpp - Library calls on pointers ----------------===//
//
// Each op is one call; its shape is arguments, or a struct on the stack. Public
// functions get the runtime's context first, whatever they call, so that their
// callers need not know.
//
//===----------------------------------------------------------------------===//

#include "pp/Conversion/Passes.h"
#include "pp/Dialect/Kernel/IR/CallBuilder.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

namespace pp {
#define GEN_PASS_DEF_CONVERTKERNELTOLLVM
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
struct ConvertKernelToLLVM
    : pp::impl::ConvertKernelToLLVMBase<ConvertKernelToLLVM> {
  void runOnOperation() override {
    kernel::numberCollectives(getOperation());
    addContexts(getOperation());
    SmallVector<kernel::LibraryCallOpInterface> found;
    getOperation().walk(
        [&](kernel::LibraryCallOpInterface call) { found.push_back(call); });
    for (kernel::LibraryCallOpInterface call : found) {
      CallBuilder calls(call);
      if (failed(call.lowerToHostCall(calls)))
        return signalPassFailure();
    }
  }
};
} // namespace
