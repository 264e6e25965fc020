//===- pp-opt.cpp - Run passes on a file ----------------------------------===//

#include "pp/InitAll.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/PrettyStackTrace.h"

/// An error on a model or a program would print all of it once more.
static void printNoOpsOnDiagnostics() {
  mlir::registerMLIRContextCLOptions();
  auto &options = llvm::cl::getRegisteredOptions();
  if (auto it = options.find("mlir-print-op-on-diagnostic");
      it != options.end())
    static_cast<llvm::cl::opt<bool> *>(it->second)->setInitialValue(false);
}

int main(int argc, char **argv) {
  llvm::setBugReportMsg(pp::kBugReport);
  mlir::DialectRegistry registry;
  pp::registerAllDialects(registry);
  pp::registerAllPasses();
  printNoOpsOnDiagnostics();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "pp-opt: pp's passes, one at a time\n",
                        registry));
}
