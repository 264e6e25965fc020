//===- IsolateLayers.cpp - Layer functions into a module of their own -----===//
//
// Calls of layer functions must verify while the functions are already LLVM's:
// so the bodies move into a nested module and declarations stay for the calls.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/IR/SymbolTable.h"

namespace pp {
#define GEN_PASS_DEF_ISOLATELAYERS
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

static constexpr StringLiteral layerFunction = "pp.layer_function";

/// The functions with the attribute; in a module without any, those that call
/// nothing.
static SmallVector<func::FuncOp> findLayerFunctions(ModuleOp module) {
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  bool marked = llvm::any_of(functions, [](func::FuncOp function) {
    return function->hasAttr(layerFunction);
  });
  llvm::erase_if(functions, [&](func::FuncOp function) {
    if (function.isExternal())
      return true;
    if (marked)
      return !function->hasAttr(layerFunction);
    auto calls = function.getOps<func::CallOp>();
    return calls.begin() != calls.end();
  });
  return functions;
}

namespace {
struct IsolateLayers : pp::impl::IsolateLayersBase<IsolateLayers> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Those of stages, too.
    for (auto function : module.getOps<func::FuncOp>())
      if (function.getSymName().contains('\0')) {
        function.emitOpError(
            "found a name with a character of code 0, at which names of "
            "symbols end, expected none: rename the layer");
        return signalPassFailure();
      } else if (function.getSymName().starts_with("pprt_")) {
        function.emitOpError("found the name '")
            << function.getSymName()
            << "', expected one that does not begin with 'pprt_', as functions "
               "of the runtime do: rename the function";
        return signalPassFailure();
      }
    SmallVector<func::FuncOp> layers = findLayerFunctions(module);
    if (layers.empty())
      return;
    for (func::FuncOp layer : layers)
      if (layer.getSymName().starts_with("llvm.")) {
        layer.emitOpError("found the name '")
            << layer.getSymName()
            << "', expected one that does not begin with 'llvm.', which LLVM "
               "keeps for itself: rename the function";
        return signalPassFailure();
      }
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto nested = ModuleOp::create(builder, module.getLoc(), "layers");
    // A parameter may have this name.
    SymbolTable(module).insert(nested);
    for (func::FuncOp layer : layers) {
      builder.setInsertionPoint(layer);
      auto declaration =
          cast<func::FuncOp>(builder.insert(layer->cloneWithoutRegions()));
      declaration.setPrivate();
      layer->moveBefore(nested.getBody(), nested.getBody()->end());
      layer.setPublic();
    }
  }
};
} // namespace
