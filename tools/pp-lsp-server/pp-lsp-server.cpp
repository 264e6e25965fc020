//===- pp-lsp-server.cpp - Language server for model files ----------------===//
//
// Speaks LSP on stdin and stdout: diagnostics of the verifiers while typing,
// definitions and uses, hovers. Editors take it wherever they would take
// upstream's mlir-lsp-server.
//
//===----------------------------------------------------------------------===//

#include "pp/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  pp::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
