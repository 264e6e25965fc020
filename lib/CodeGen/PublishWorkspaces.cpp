//===- PublishWorkspaces.cpp - Workspace sizes where callers look ---------===//
//
// Temporaries are placed in the nested module of the layers; stage functions
// see declarations, and plan their own workspace from what stands on these.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"

namespace pp {
#define GEN_PASS_DEF_PUBLISHWORKSPACES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

static constexpr StringLiteral workspace = "pp.workspace";

namespace {
struct PublishWorkspaces
    : pp::impl::PublishWorkspacesBase<PublishWorkspaces> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable declarations(module);
    for (ModuleOp layers : module.getOps<ModuleOp>())
      for (auto layer : layers.getOps<LLVM::LLVMFuncOp>())
        if (Attribute bytes = layer->getAttr(workspace))
          if (auto declaration =
                  declarations.lookup<func::FuncOp>(layer.getName()))
            declaration->setAttr(workspace, bytes);
  }
};
} // namespace
