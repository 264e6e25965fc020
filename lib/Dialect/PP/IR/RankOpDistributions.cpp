//===- RankOpDistributions.cpp - What rank ops do to distributions --------===//
//
// An action takes and makes what its function declares, a transfer keeps what a
// value is, and only a collective changes it. What enters the optimizer is a
// whole gradient, in the parts that the parameter has.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/ProgramDistributions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace pp;
using comm::Distribution;

//===----------------------------------------------------------------------===//
// Actions
//===----------------------------------------------------------------------===//

LogicalResult RunOp::inferDistributions(ProgramDistributions &distributions) {
  auto callee =
      distributions.getSymbols().lookupNearestSymbolFrom<func::FuncOp>(
          *this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "found " << getCalleeAttr()
                         << ", which is no func.func, expected a function of "
                            "tensors: prove distributions before layers are "
                            "lowered";
  unsigned next = 0;
  for (unsigned i = 0; i < callee.getNumArguments(); ++i) {
    auto name = callee.getArgAttrOfType<StringAttr>(i, attr::kValue);
    if (!name)
      continue;
    if (failed(distributions.checkDeclared(
            getOperands()[next],
            distributions.onReplicas(comm::getArgumentDistribution(callee, i),
                                     Distribution::varying()),
            *this,
            "operand #" + Twine(next) + ", value \"" + name.getValue() +
                "\",")))
      return failure();
    ++next;
  }
  next = 0;
  for (unsigned i = 0; i < callee.getNumResults(); ++i)
    if (callee.getResultAttr(i, attr::kValue))
      distributions.setDeclared(
          getResult(next++),
          distributions.onReplicas(comm::getResultDistribution(callee, i),
                                   Distribution::varying()));
  return success();
}

LogicalResult LossOp::inferDistributions(ProgramDistributions &distributions) {
  return distributions.checkLoss(getValue(), *this);
}
LogicalResult
LossWeightOp::inferDistributions(ProgramDistributions &distributions) {
  return distributions.checkLoss(getValue(), *this);
}

//===----------------------------------------------------------------------===//
// Transfers and collectives
//===----------------------------------------------------------------------===//

LogicalResult ISendOp::inferDistributions(ProgramDistributions &distributions) {
  return distributions.send(*this, *getCommunication());
}

LogicalResult WaitOp::inferDistributions(ProgramDistributions &distributions) {
  auto receive = getToken().getDefiningOp<IRecvOp>();
  return distributions.receive(getResult(), *receive.getCommunication());
}

LogicalResult StartOp::inferDistributions(ProgramDistributions &distributions) {
  if (failed(distributions.infer(*this)))
    return failure();
  if (auto *origin = distributions.getOrigin(getOperand()))
    distributions.setOrigin(getBuffer(), ProgramDistributions::Origin(*origin));
  return success();
}

LogicalResult
FinishOp::inferDistributions(ProgramDistributions &distributions) {
  distributions.setLike(getResult(), getBuffer());
  return success();
}

/// The dimension that an all-to-all puts together; the other one is cut.
static int64_t getConcat(StartOp start) {
  auto type = cast<RankedTensorType>(start.getOperand().getType());
  return type.getDimSize(0) == start.getGroupSize() ? 1 : 0;
}

std::optional<Distribution> StartOp::getTransition(Distribution operand) {
  switch (getKind()) {
  case CollectiveKind::AllReduce:
    if (operand.is(Distribution::Kind::Partial))
      return Distribution::invariant();
    break;
  case CollectiveKind::ReduceScatter:
    if (operand.is(Distribution::Kind::Partial))
      return Distribution::varying(0);
    break;
  case CollectiveKind::AllGather:
    if (operand == Distribution::varying(0))
      return Distribution::invariant();
    break;
  case CollectiveKind::AllToAll:
    if (operand == Distribution::varying(getConcat(*this)))
      return Distribution::varying(1 - getConcat(*this));
    break;
  }
  return std::nullopt;
}

std::string StartOp::getExpected() {
  if (getKind() == CollectiveKind::AllToAll)
    return Distribution::varying(getConcat(*this)).str();
  return (isSum() ? Distribution::partial() : Distribution::varying(0)).str();
}

/// Pieces of replicas are of the elements that a rank has, whatever part of a
/// parameter they are: other axes may cut the same dimension.
static bool isOfReplicas(StartOp start) {
  auto mesh = dyn_cast_if_present<MeshOp>(
      findMesh(start) ? findMesh(start).getOperation() : nullptr);
  return mesh && mesh.getReplicas() && start.getAxes().size() == 1 &&
         start.getAxes()[0] == mesh.getReplicasAttr();
}

SmallVector<int64_t> StartOp::getExchangedDims() {
  if (getKind() == CollectiveKind::AllReduce || isOfReplicas(*this))
    return {};
  if (getKind() == CollectiveKind::AllToAll)
    return {0, 1};
  return {0};
}

//===----------------------------------------------------------------------===//
// Parameters and gradients
//===----------------------------------------------------------------------===//

LogicalResult
LoadGradientOp::inferDistributions(ProgramDistributions &distributions) {
  distributions.setDeclared(
      getResult(), distributions.onReplicas(
                       distributions.getGradient(getParameterAttr().getAttr()),
                       Distribution::partial()));
  distributions.setOrigin(getResult(), {getParameterAttr().getAttr(),
                                        /*isGradient=*/true,
                                        {int64_t(getUse())}});
  return success();
}

LogicalResult
ReduceGradientsOp::inferDistributions(ProgramDistributions &distributions) {
  StringAttr name = getParameterAttr().getAttr();
  Value first = getGradients().front();
  SmallVector<int64_t, 2> uses;
  for (auto [i, gradient] : llvm::enumerate(getGradients())) {
    if (failed(distributions.check(
            gradient, distributions.getAttribute(first), *this,
            "gradient #" + Twine(i) + " beside gradient #0")) ||
        failed(distributions.checkIsGradientOf(name, gradient,
                                               /*isWhole=*/false, *this)))
      return failure();
    uses.append(distributions.getOrigin(gradient)->uses);
  }
  // Of one use: sums of groups of micro-batches.
  if (llvm::all_equal(uses))
    uses.truncate(1);
  for (size_t i = 1; i < uses.size(); ++i)
    if (uses[i] <= uses[i - 1])
      return emitOpError() << "found the gradient of use " << uses[i]
                           << " behind that of use " << uses[i - 1]
                           << ", expected each use once, in their order, which "
                              "the bits of the sum depend on";
  distributions.setLike(getResult(), first);
  distributions.setOrigin(getResult(), {name, /*isGradient=*/true, uses});
  return success();
}

LogicalResult
CopyGradientOp::inferDistributions(ProgramDistributions &distributions) {
  distributions.setLike(getResult(), getGradient());
  return success();
}

/// A gradient is summed, and all of it or the replica's piece.
static LogicalResult checkSummed(Value gradient, bool isPiece,
                                 FlatSymbolRefAttr parameter, Operation *user,
                                 ProgramDistributions &distributions) {
  StringAttr name = parameter.getAttr();
  if (failed(distributions.checkIsGradientOf(name, gradient, /*isWhole=*/true,
                                             user)))
    return failure();
  return distributions.checkDeclared(gradient,
                                     isPiece ? distributions.getPiece(name)
                                             : distributions.getParameter(name),
                                     user, "the gradient");
}

static ParameterOp getParameter(Operation *user, FlatSymbolRefAttr name,
                                ProgramDistributions &distributions) {
  return distributions.getSymbols().lookupNearestSymbolFrom<ParameterOp>(user,
                                                                         name);
}

LogicalResult
GradNormOp::inferDistributions(ProgramDistributions &distributions) {
  ParameterOp parameter =
      ::getParameter(*this, getParameterAttr(), distributions);
  return checkSummed(getGradient(), parameter.getPiece().has_value(),
                     getParameterAttr(), *this, distributions);
}

LogicalResult
UpdateOp::inferDistributions(ProgramDistributions &distributions) {
  ParameterOp parameter =
      ::getParameter(*this, getParameterAttr(), distributions);
  return checkSummed(getGradient(), parameter.getCut(), getParameterAttr(),
                     *this, distributions);
}

LogicalResult
LoadPieceOp::inferDistributions(ProgramDistributions &distributions) {
  distributions.setDeclared(
      getResult(), distributions.getPiece(getParameterAttr().getAttr()));
  distributions.setOrigin(getResult(), {getParameterAttr().getAttr()});
  return success();
}

LogicalResult
StorePieceOp::inferDistributions(ProgramDistributions &distributions) {
  if (failed(distributions.checkDeclared(
          getValue(), distributions.getPiece(getParameterAttr().getAttr()),
          *this, "the new piece")))
    return failure();
  return distributions.checkIsOf(getParameterAttr().getAttr(), getValue(),
                                 *this);
}

LogicalResult
LoadParameterOp::inferDistributions(ProgramDistributions &distributions) {
  distributions.setDeclared(
      getResult(), distributions.getParameter(getParameterAttr().getAttr()));
  distributions.setOrigin(getResult(), {getParameterAttr().getAttr()});
  return success();
}

LogicalResult
StoreParameterOp::inferDistributions(ProgramDistributions &distributions) {
  if (failed(distributions.checkDeclared(
          getValue(), distributions.getParameter(getParameterAttr().getAttr()),
          *this, "the new value")))
    return failure();
  return distributions.checkIsOf(getParameterAttr().getAttr(), getValue(),
                                 *this);
}
