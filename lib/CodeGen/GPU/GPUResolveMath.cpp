//===- GPUResolveMath.cpp - Calls of libdevice as instructions ------------===//

#include "pp/CodeGen/GPU/Passes.h"

#include "llvm/ADT/StringSwitch.h"

namespace pp {
#define GEN_PASS_DEF_GPURESOLVEMATH
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// The intrinsic for a function of libdevice, without its prefix and the f of
/// its single precision; empty if there is none.
static StringRef intrinsicFor(StringRef function) {
  function.consume_back("f");
  return llvm::StringSwitch<StringRef>(function)
      .Case("fma", LLVM::FMAOp::getOperationName())
      .Case("floor", LLVM::FFloorOp::getOperationName())
      .Case("ceil", LLVM::FCeilOp::getOperationName())
      .Case("fabs", LLVM::FAbsOp::getOperationName())
      .Case("copysign", LLVM::CopySignOp::getOperationName())
      .Case("sqrt", LLVM::SqrtOp::getOperationName())
      .Case("round", LLVM::RoundOp::getOperationName())
      .Case("rint", LLVM::RoundEvenOp::getOperationName())
      .Case("trunc", LLVM::FTruncOp::getOperationName())
      .Case("fmax", LLVM::MaxNumOp::getOperationName())
      .Case("fmin", LLVM::MinNumOp::getOperationName())
      .Case("fmod", LLVM::FRemOp::getOperationName())
      .Default("");
}

namespace {
struct GPUResolveMath : pp::impl::GPUResolveMathBase<GPUResolveMath> {
  void runOnOperation() override {
    SmallVector<LLVM::CallOp> calls;
    getOperation().walk([&](LLVM::CallOp call) {
      if (call.getCallee() && call.getCallee()->starts_with("__nv_"))
        calls.push_back(call);
    });
    for (LLVM::CallOp call : calls) {
      StringRef name = intrinsicFor(call.getCallee()->drop_front(5));
      if (name.empty()) {
        call.emitError("found a call of '")
            << *call.getCallee()
            << "' in a kernel for a GPU, expected what has instructions: there "
               "is no mathematical library";
        return signalPassFailure();
      }
      OpBuilder builder(call);
      OperationState state(call.getLoc(), name, call.getArgOperands(),
                           call.getResultTypes());
      call->replaceAllUsesWith(builder.create(state));
      call.erase();
    }
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<LLVM::LLVMFuncOp>()))
      if (function.getName().starts_with("__nv_"))
        function.erase();
  }
};
} // namespace
