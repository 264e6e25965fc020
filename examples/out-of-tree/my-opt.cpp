//===- my-opt.cpp - pp-opt with one more pass -----------------------------===//

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/InitAll.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

namespace {
/// Says how many actions each program of a rank runs in a step, loops counted.
struct CountRuns
    : mlir::PassWrapper<CountRuns, mlir::OperationPass<mlir::ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CountRuns)

  llvm::StringRef getArgument() const final { return "count-runs"; }
  llvm::StringRef getDescription() const final {
    return "Says how many actions each program runs";
  }
  void runOnOperation() final {
    for (pp::ProgramOp program : getOperation().getOps<pp::ProgramOp>()) {
      int64_t runs = 0;
      program.walkSteps([&](mlir::Operation *op, int64_t) {
        runs += mlir::isa<pp::RunOp>(op);
      });
      program.emitRemark() << runs << " actions";
    }
  }
};
} // namespace

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  pp::registerAllDialects(registry);
  pp::registerAllPasses();
  mlir::PassRegistration<CountRuns>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "my-opt: pp's passes and one more\n", registry));
}
