//===- RankOpCalls.cpp - What rank ops become -----------------------------===//
//
// The runtime calls (pprt.h) that each op of a rank program stands for.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/StepFunctions.h"

#include "pp/Interfaces/ElementBytes.h"

using namespace mlir;
using namespace pp;

static uint64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getNumElements() * getElementBytes(type.getElementType());
}

static LogicalResult requireF32(Operation *op, Value value) {
  if (cast<RankedTensorType>(value.getType()).getElementType().isF32())
    return success();
  return op->emitOpError("found ")
         << value.getType()
         << ", expected elements of f32: the runtime sums losses and "
            "gradients and updates parameters in f32; cast in the layer";
}

//===----------------------------------------------------------------------===//
// Loops, actions, losses
//===----------------------------------------------------------------------===//

LogicalResult BeginLoopOp::lowerToCalls(StepCalls &calls) {
  calls.beginLoop(getRounds(), getStep());
  return success();
}

LogicalResult EndLoopOp::lowerToCalls(StepCalls &calls) {
  calls.endLoop();
  return success();
}

std::optional<TracedAction> RunOp::getTracedAction(SymbolTableCollection &) {
  return TracedAction{stringifyActionKind(getKind()).str(), int64_t(getStage()),
                      int64_t(getMicrobatch()), -1, getCallee().str()};
}

LogicalResult RunOp::lowerToCalls(StepCalls &calls) {
  return calls.callStage(*this);
}

LogicalResult LossOp::lowerToCalls(StepCalls &calls) {
  if (failed(requireF32(*this, getValue())))
    return failure();
  calls.callChecked("pprt_loss",
                    {calls.context(), calls.growing(getMicrobatch()),
                     calls.address(getValue())});
  return success();
}

LogicalResult LossWeightOp::lowerToCalls(StepCalls &calls) {
  if (failed(requireF32(*this, getValue())))
    return failure();
  calls.callChecked("pprt_loss_weight",
                    {calls.context(), calls.growing(getMicrobatch()),
                     calls.address(getValue())});
  return success();
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

template <typename OpT>
static TracedAction traceTransfer(OpT op, SymbolTableCollection &symbols,
                                  StringRef kind, bool isSend) {
  auto channel =
      symbols.lookupNearestSymbolFrom<ChannelOp>(op, op.getChannelAttr());
  return {kind.str(), -1, int64_t(op.getMicrobatch().value_or(-1)),
          isSend ? int64_t(channel.getDestination())
                 : int64_t(channel.getSource()),
          op.getValue().str()};
}

template <typename OpT>
static LogicalResult lowerTransfer(OpT op, StepCalls &calls,
                                   StringRef function) {
  // The place of a piece is the answer of the call before.
  CallOperand buffer = calls.address(op.getBuffer());
  calls.callChecked(
      function,
      {calls.context(), calls.channelIndex(op.getChannelAttr().getAttr()),
       calls.growing(op.getTag()), buffer,
       calls.number(bytesOf(op.getBuffer())), calls.startRequest(op)});
  return success();
}

std::optional<TracedAction>
ISendOp::getTracedAction(SymbolTableCollection &symbols) {
  return traceTransfer(*this, symbols, "send", /*isSend=*/true);
}
LogicalResult ISendOp::lowerToCalls(StepCalls &calls) {
  return lowerTransfer(*this, calls, "pprt_isend");
}

std::optional<TracedAction>
IRecvOp::getTracedAction(SymbolTableCollection &symbols) {
  return traceTransfer(*this, symbols, "recv", /*isSend=*/false);
}
LogicalResult IRecvOp::lowerToCalls(StepCalls &calls) {
  return lowerTransfer(*this, calls, "pprt_irecv");
}

static LogicalResult lowerWait(Value token, StepCalls &calls) {
  calls.callChecked("pprt_wait",
                    {calls.context(), calls.endRequest(token.getDefiningOp())});
  return success();
}

LogicalResult WaitOp::lowerToCalls(StepCalls &calls) {
  return lowerWait(getToken(), calls);
}

LogicalResult WaitSendOp::lowerToCalls(StepCalls &calls) {
  return lowerWait(getToken(), calls);
}

std::optional<TracedAction> StartOp::getTracedAction(SymbolTableCollection &) {
  return TracedAction{
      "collective", -1, int64_t(getMicrobatch().value_or(-1)), -1,
      (stringifyCollectiveKind(getKind()) + " " + getValue()).str()};
}

LogicalResult StartOp::lowerToCalls(StepCalls &calls) {
  Type element =
      cast<RankedTensorType>(getOperand().getType()).getElementType();
  if (isSum() && !element.isF32() && !element.isF64())
    return emitOpError() << "found a sum of " << element
                         << " over ranks, expected f32 or f64, in which the "
                            "runtime sums; cast in the layer";
  // The place of a piece is the answer of the call before.
  CallOperand operand = calls.address(getOperand());
  calls.callChecked("pprt_start", {calls.context(), calls.startRequest(*this),
                                   operand, calls.address(getBuffer()),
                                   calls.workspaceAddress(*this)});
  return success();
}

LogicalResult FinishOp::lowerToCalls(StepCalls &calls) {
  calls.callChecked(
      "pprt_finish",
      {calls.context(), calls.endRequest(getToken().getDefiningOp())});
  return success();
}

/// The functions that the runtime calls for an op are there.
static LogicalResult requireFunctions(Operation *op,
                                      ArrayRef<func::FuncOp> functions,
                                      StringRef what) {
  if (!functions.empty() && llvm::all_of(functions, [](func::FuncOp function) {
        return bool(function);
      }))
    return success();
  return op->emitOpError("found no function that ")
         << what << ", expected one of the module; run pp-add-optimizer";
}

LogicalResult AllReduceReportOp::lowerToCalls(StepCalls &calls) {
  if (failed(requireFunctions(*this, calls.getFunctions().conclude(),
                              "concludes a step")))
    return failure();
  calls.callChecked("pprt_all_reduce_report",
                    {calls.context(), calls.workspaceAddress(*this)});
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients and parameters
//===----------------------------------------------------------------------===//

static TracedAction parameterAction(StringRef kind, StringRef parameter) {
  return {kind.str(), -1, -1, -1, parameter.str()};
}

LogicalResult ZeroGradientOp::lowerToCalls(StepCalls &calls) {
  calls.clearGradient(getParameterAttr().getAttr(), getUse());
  return success();
}

std::optional<TracedAction>
ReduceGradientsOp::getTracedAction(SymbolTableCollection &) {
  return parameterAction("reduce", getParameter());
}
LogicalResult ReduceGradientsOp::lowerToCalls(StepCalls &calls) {
  Value sum = getGradients().front();
  if (failed(requireF32(*this, sum)))
    return failure();
  if (getGradients().size() == 1)
    return success();
  auto parameter = calls.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  if (failed(requireFunctions(*this,
                              calls.getFunctions().forGradient(
                                  role::kAdd, parameter.getGradientPieceType()),
                              "adds gradients")))
    return failure();
  const int64_t pieces = getPieces(parameter);
  for (Value gradient : getGradients().drop_front())
    calls.callChecked("pprt_add_gradient",
                      {calls.context(),
                       calls.parameterIndex(getParameterAttr().getAttr()),
                       calls.address(sum), calls.address(gradient),
                       calls.number32(pieces), calls.workspaceAddress(*this)});
  return success();
}

LogicalResult CopyGradientOp::lowerToCalls(StepCalls &calls) {
  auto parameter = calls.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  calls.copy(calls.address(getResult()), calls.address(getGradient()),
             calls.number(parameter.getPaddedGradientBytes()));
  return success();
}

std::optional<TracedAction>
GradNormOp::getTracedAction(SymbolTableCollection &) {
  return parameterAction("update", getParameter());
}
LogicalResult GradNormOp::lowerToCalls(StepCalls &calls) {
  if (failed(requireF32(*this, getGradient())))
    return failure();
  if (failed(requireFunctions(
          *this, calls.getFunctions().forNorm(getGradient().getType()),
          "sums the squares of gradients")))
    return failure();
  calls.callChecked(
      "pprt_square_norm",
      {calls.context(), calls.parameterIndex(getParameterAttr().getAttr()),
       calls.address(getGradient()), calls.workspaceAddress(*this)});
  return success();
}

std::optional<TracedAction> UpdateOp::getTracedAction(SymbolTableCollection &) {
  return parameterAction("update", getParameter());
}
LogicalResult UpdateOp::lowerToCalls(StepCalls &calls) {
  if (failed(requireF32(*this, getGradient())))
    return failure();
  auto parameter = calls.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  if (failed(requireFunctions(
          *this,
          calls.getFunctions().forUpdates(parameter, getGradient().getType()),
          "updates the parameter")))
    return failure();
  StringAttr name = getParameterAttr().getAttr();
  calls.callChecked("pprt_update",
                    {calls.context(), calls.parameterIndex(name),
                     calls.parameterAddress(name), calls.address(getGradient()),
                     calls.workspaceAddress(*this)});
  return success();
}

LogicalResult StorePieceOp::lowerToCalls(StepCalls &calls) {
  const uint64_t bytes = bytesOf(getValue());
  CallOperand source = calls.address(getValue());
  CallOperand target = calls.pieceAddress(getParameterAttr().getAttr(), bytes);
  calls.copy(target, source, calls.number(bytes));
  return success();
}

LogicalResult StoreParameterOp::lowerToCalls(StepCalls &calls) {
  CallOperand target = calls.parameterAddress(getParameterAttr().getAttr());
  CallOperand source = calls.address(getValue());
  // Received in place.
  if (source.numbers == target.numbers && source.cycle == target.cycle)
    return success();
  calls.copy(target, source, calls.number(bytesOf(getValue())));
  return success();
}
