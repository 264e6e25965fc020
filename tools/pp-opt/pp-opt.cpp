//===- pp-opt.cpp - Run passes on a file ----------------------------------===//

#include "pp/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  pp::registerAllDialects(registry);
  pp::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "pp-opt: pp's passes, one at a time\n",
                        registry));
}
