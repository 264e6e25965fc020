//===- RankOpBuffers.cpp - What rank ops need of memory -------------------===//
//
// Which results of an op get a buffer of their own, and which lie in that of an
// operand, a parameter or a gradient accumulator.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/StepFunctions.h"

#include "pp/Interfaces/ElementBytes.h"
#include "pprt_collectives.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace pp;

LogicalResult RunOp::declareBuffers(BufferDeclarations &buffers) {
  auto callee = buffers.getSymbols().lookupNearestSymbolFrom<func::FuncOp>(
      *this, getCalleeAttr());
  if (!callee)
    return emitOpError("found no function '")
           << getCallee() << "', expected a stage function of the module";
  for (unsigned i = 0; i < callee.getNumArguments(); ++i) {
    Type type = callee.getArgumentTypes()[i];
    if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kParam))
      if (failed(buffers.addParameter(*this, name, type)))
        return failure();
    if (auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kGrad)) {
      auto use = callee.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
      if (failed(buffers.addGradient(*this, name, use.getInt(), type)))
        return failure();
    }
  }
  SmallVector<StringAttr> names;
  for (unsigned i = 0; i < callee.getNumResults(); ++i)
    if (auto name = callee.getResultAttrOfType<StringAttr>(i, attr::kValue))
      names.push_back(name);
  for (auto [i, result] : llvm::enumerate(getResults())) {
    // A value that this rank sends and does not read exists for the transfer.
    bool onlySent = !result.use_empty() &&
                    llvm::all_of(result.getUsers(), [](Operation *user) {
                      return isa<ISendOp, WaitSendOp>(user);
                    });
    if (failed(buffers.addValue(result,
                                onlySent ? BufferKind::Communication
                                         : BufferKind::Activation,
                                i < names.size() ? names[i] : StringAttr())))
      return failure();
  }
  auto workspace = callee->getAttrOfType<IntegerAttr>(attr::kWorkspace);
  if (!workspace)
    return emitOpError("found stage function '")
           << getCallee()
           << "' without pp.workspace, expected the bytes of its workspace; "
              "run pp-plan-memory on the module";
  if (workspace.getInt() > 0)
    buffers.addWorkspace(*this, callee.getSymNameAttr(), workspace.getInt());
  return success();
}

LogicalResult IRecvOp::declareBuffers(BufferDeclarations &buffers) {
  return buffers.addReceived(getBuffer(),
                             getMicrobatch() ? getValueAttr() : StringAttr());
}

LogicalResult WaitOp::declareBuffers(BufferDeclarations &buffers) {
  buffers.share(getResult(), getBuffer());
  return success();
}

LogicalResult StartOp::declareBuffers(BufferDeclarations &buffers) {
  StringAttr series = getMicrobatch() ? getValueAttr() : StringAttr();
  const bool isAlone = getGroupSize() == 1;
  // One rank alone has its piece already.
  if (isAlone && getKind() == CollectiveKind::ReduceScatter)
    buffers.share(getBuffer(), getOperand());
  else if (failed(buffers.addReceived(getBuffer(), series)))
    return failure();
  Type element =
      cast<RankedTensorType>(getOperand().getType()).getElementType();
  const uint64_t width = getElementBytes(element);
  const uint64_t members = getGroupSize(), part = getPartElements();
  // All parts have room in the whole.
  if (getKind() == CollectiveKind::ReduceScatter)
    buffers.reserve(getOperand(), members * part * width);
  if (getKind() == CollectiveKind::AllGather)
    buffers.reserve(getBuffer(), members * part * width);
  if (uint64_t bytes =
          pprt_collective_workspace(int32_t(getKind()), part, width, members)) {
    if (series)
      series =
          StringAttr::get(getContext(), "workspace of " + series.getValue());
    buffers.addWorkspace(*this, series, bytes);
    buffers.keepWorkspace(*this, getToken());
  }
  return success();
}

LogicalResult FinishOp::declareBuffers(BufferDeclarations &buffers) {
  buffers.share(getResult(), getBuffer());
  return success();
}

//===----------------------------------------------------------------------===//
// Parameters and gradients
//===----------------------------------------------------------------------===//

/// The workspace of an op that runs one of these functions.
static void addWorkspace(Operation *op, ArrayRef<func::FuncOp> functions,
                         BufferDeclarations &buffers) {
  if (int64_t most = getMostWorkspace(functions); most > 0)
    buffers.addWorkspace(op, /*series=*/{}, most);
}

LogicalResult ZeroGradientOp::declareBuffers(BufferDeclarations &buffers) {
  auto parameter = buffers.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  return buffers.addGradient(*this, getParameterAttr().getAttr(), getUse(),
                             parameter.getGradientType());
}

LogicalResult LoadGradientOp::declareBuffers(BufferDeclarations &buffers) {
  StringAttr name = getParameterAttr().getAttr();
  if (failed(buffers.addGradient(*this, name, getUse(), getResult().getType())))
    return failure();
  buffers.shareGradient(getResult(), name, getUse());
  return success();
}

LogicalResult ReduceGradientsOp::declareBuffers(BufferDeclarations &buffers) {
  auto parameter = buffers.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  addWorkspace(*this,
               buffers.getFunctions().forGradient(
                   role::kAdd, parameter.getGradientPieceType()),
               buffers);
  buffers.share(getResult(), getGradients().front());
  return success();
}

LogicalResult CopyGradientOp::declareBuffers(BufferDeclarations &buffers) {
  if (failed(buffers.addValue(getResult(), BufferKind::Activation)))
    return failure();
  auto parameter = buffers.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  buffers.reserve(getResult(), parameter.getPaddedGradientBytes());
  return success();
}

LogicalResult GradNormOp::declareBuffers(BufferDeclarations &buffers) {
  addWorkspace(*this, buffers.getFunctions().forNorm(getGradient().getType()),
               buffers);
  return success();
}

LogicalResult AllReduceReportOp::declareBuffers(BufferDeclarations &buffers) {
  addWorkspace(*this, buffers.getFunctions().conclude(), buffers);
  return success();
}

LogicalResult UpdateOp::declareBuffers(BufferDeclarations &buffers) {
  StringAttr name = getParameterAttr().getAttr();
  auto parameter = buffers.getSymbols().lookupNearestSymbolFrom<ParameterOp>(
      *this, getParameterAttr());
  addWorkspace(
      *this,
      buffers.getFunctions().forUpdates(parameter, getGradient().getType()),
      buffers);
  if (failed(buffers.addOwned(*this, name)))
    return failure();
  return buffers.addParameter(*this, name, parameter.getLocalType());
}

LogicalResult LoadParameterOp::declareBuffers(BufferDeclarations &buffers) {
  StringAttr name = getParameterAttr().getAttr();
  if (failed(buffers.addParameter(*this, name, getResult().getType())))
    return failure();
  buffers.shareParameter(getResult(), name);
  return success();
}

/// The buffer of a parameter of which a piece is read or written.
static LogicalResult addParameterOfPiece(Operation *op, FlatSymbolRefAttr name,
                                         BufferDeclarations &buffers) {
  auto parameter =
      buffers.getSymbols().lookupNearestSymbolFrom<ParameterOp>(op, name);
  return buffers.addParameter(op, name.getAttr(), parameter.getLocalType());
}

LogicalResult LoadPieceOp::declareBuffers(BufferDeclarations &buffers) {
  if (failed(addParameterOfPiece(*this, getParameterAttr(), buffers)))
    return failure();
  buffers.shareParameter(getResult(), getParameterAttr().getAttr());
  return success();
}

LogicalResult StorePieceOp::declareBuffers(BufferDeclarations &buffers) {
  return addParameterOfPiece(*this, getParameterAttr(), buffers);
}

LogicalResult StoreParameterOp::declareBuffers(BufferDeclarations &buffers) {
  return buffers.addParameter(*this, getParameterAttr().getAttr(),
                              getValue().getType());
}
