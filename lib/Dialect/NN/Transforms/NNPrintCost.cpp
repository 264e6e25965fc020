//===- NNPrintCost.cpp - Remark the cost of ops ---------------------------===//
//
// What the partitioner and the schedules believe about a function, shown at
// the ops themselves, so that a surprising cut can be traced to its numbers.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/Transforms/Passes.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

namespace pp::nn {
#define GEN_PASS_DEF_NNPRINTCOST
#include "pp/Dialect/NN/Transforms/Passes.h.inc"
} // namespace pp::nn

using namespace mlir;

namespace {
struct Cost {
  uint64_t flops = 0, read = 0, written = 0;

  void remarkAt(Operation *op) const {
    op->emitRemark() << "flops = " << flops << ", read = " << read
                     << ", written = " << written;
  }
};

struct NNPrintCost : pp::nn::impl::NNPrintCostBase<NNPrintCost> {
  void runOnOperation() override {
    getOperation()->walk([](FunctionOpInterface function) {
      Cost sum;
      function->walk([&](pp::CostOpInterface op) {
        Cost cost{op.getFlops(), op.getBytesRead(), op.getBytesWritten()};
        cost.remarkAt(op);
        sum.flops += cost.flops;
        sum.read += cost.read;
        sum.written += cost.written;
      });
      sum.remarkAt(function);
    });
    markAllAnalysesPreserved();
  }
};
} // namespace
