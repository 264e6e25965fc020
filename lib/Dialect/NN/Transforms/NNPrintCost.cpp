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

  uint64_t sent = 0; ///< by each rank, over the wire

  void remarkAt(Operation *op) const {
    InFlightDiagnostic remark = op->emitRemark()
                                << "flops = " << flops << ", read = " << read
                                << ", written = " << written;
    if (sent != 0)
      remark << ", sent = " << sent;
  }
};

struct NNPrintCost : pp::nn::impl::NNPrintCostBase<NNPrintCost> {
  void runOnOperation() override {
    getOperation()->walk([](FunctionOpInterface function) {
      Cost sum;
      function->walk([&](pp::CostOpInterface op) {
        Cost cost{op.getFlops(), op.getBytesRead(), op.getBytesWritten()};
        if (auto communication = op.getCommunication())
          cost.sent = communication->bytes;
        cost.remarkAt(op);
        sum.flops += cost.flops;
        sum.read += cost.read;
        sum.written += cost.written;
        sum.sent += cost.sent;
      });
      sum.remarkAt(function);
    });
    markAllAnalysesPreserved();
  }
};
} // namespace
