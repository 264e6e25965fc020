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
#include "pp/Interfaces/ElementBytes.h"

namespace pp {
#define GEN_PASS_DEF_CONVERTKERNELTOLLVM
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

/// Equal collectives have one number, by which the runtime has prepared them.
static void numberCollectives(ModuleOp module) {
  Builder builder(module.getContext());
  llvm::MapVector<Attribute, int32_t> numbers;
  module.walk([&](kernel::CollectiveOp op) {
    Type element = cast<ShapedType>(op.getInput().getType()).getElementType();
    const int64_t bytes = op.isSum() ? 1 : getElementBytes(element);
    auto described = builder.getDictionaryAttr(
        {builder.getNamedAttr(
             "kind",
             builder.getStringAttr(stringifyCollectiveKind(op.getKind()))),
         builder.getNamedAttr("axes", op.getAxes()),
         builder.getNamedAttr("type",
                              builder.getStringAttr(!op.isSum()       ? "bytes"
                                                    : element.isF64() ? "f64"
                                                                      : "f32")),
         builder.getNamedAttr("elements", builder.getI64IntegerAttr(
                                              op.getPartElements() * bytes))});
    op.setNumber(
        numbers.try_emplace(described, int32_t(numbers.size())).first->second);
  });
  if (numbers.empty())
    return;
  SmallVector<Attribute> all;
  for (auto &[described, number] : numbers)
    all.push_back(described);
  module->setAttr(kernel::kCollectives, builder.getArrayAttr(all));
}

namespace {
struct ConvertKernelToLLVM
    : pp::impl::ConvertKernelToLLVMBase<ConvertKernelToLLVM> {
  void runOnOperation() override {
    numberCollectives(getOperation());
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
