//===- KernelBufferization.cpp - Library calls on memrefs -----------------===//
//
// The op is created again on the buffers of its operands, without results. What
// a destination holds matters only to a product that accumulates: for the
// others the analysis need not keep it.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace pp::kernel;

namespace {
template <typename OpTy>
struct KernelBufferization
    : DstBufferizableOpInterfaceExternalModel<KernelBufferization<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    if (auto gemm = dyn_cast<GemmOp>(op))
      if (gemm.getAccumulate() && operand.get() == gemm.getOut())
        return true;
    if (auto gemm = dyn_cast<FusedGemmOp>(op))
      if (gemm.getAccumulate() && operand.get() == gemm.getOut())
        return true;
    return isa<ScatterAddOp>(op) ||
           !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    OperationState created(op->getLoc(), op->getName(), buffers, TypeRange(),
                           op->getAttrs());
    rewriter.create(created);
    auto inits = cast<DestinationStyleOpInterface>(op).getDpsInitsMutable();
    unsigned first = inits.begin()->getOperandNumber();
    replaceOpWithBufferizedValues(
        rewriter, op,
        ArrayRef<Value>(buffers).slice(first, op->getNumResults()));
    return success();
  }
};

/// Reads its operand and has no results.
struct CheckIdsBufferization
    : BufferizableOpInterface::ExternalModel<CheckIdsBufferization,
                                             CheckIdsOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    FailureOr<Value> buffer =
        getBuffer(rewriter, op->getOperand(0), options, state);
    if (failed(buffer))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperand(0, *buffer); });
    return success();
  }
};
} // namespace

void pp::kernel::registerBufferizationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernelDialect *) {
    GemmOp::attachInterface<KernelBufferization<GemmOp>>(*context);
    FusedGemmOp::attachInterface<KernelBufferization<FusedGemmOp>>(*context);
    ScatterAddOp::attachInterface<KernelBufferization<ScatterAddOp>>(*context);
    SumOfSquaresOp::attachInterface<KernelBufferization<SumOfSquaresOp>>(
        *context);
    CheckIdsOp::attachInterface<CheckIdsBufferization>(*context);
    AttentionOp::attachInterface<KernelBufferization<AttentionOp>>(*context);
    AttentionGradOp::attachInterface<KernelBufferization<AttentionGradOp>>(
        *context);
  });
}
