//===- CommOps.cpp - Ops of the comm dialect ------------------------------===//
//
// Verifiers and steps between distributions. What an op says by itself is
// verified with the op; what takes the sizes of axes, where the module verifies
// its symbols.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/IR/CommOps.h"

#include "pp/Dialect/Comm/IR/DistributionOpInterface.h"
#include "pp/Limits.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace pp;
using namespace pp::comm;

#include "pp/Dialect/Comm/IR/CollectiveOpInterface.cpp.inc"
#include "pp/Dialect/Comm/IR/CommEnums.cpp.inc"
#include "pp/Dialect/Comm/IR/DistributionOpInterface.cpp.inc"

//===----------------------------------------------------------------------===//
// Constraints
//===----------------------------------------------------------------------===//

/// A tensor that the dialect's arithmetic on sizes is safe for.
static LogicalResult verifyTensor(Operation *op, Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  int64_t elements = 1;
  for (int64_t size : tensor.getShape()) {
    if (size == 0)
      return op->emitOpError("found ")
             << type << ", expected no empty dimension";
    if (size > pp::limits::kElements / elements)
      return op->emitOpError("found ")
             << type << " of more than 2^48 elements, which no machine holds";
    elements *= size;
  }
  return success();
}

/// What all collectives have in common: tensors that exist, attributes of the
/// op or of a dialect, and axes.
LogicalResult pp::comm::verifyAxes(Operation *op, ArrayAttr axes) {
  for (Type type : op->getOperandTypes())
    if (failed(verifyTensor(op, type)))
      return failure();
  for (Type type : op->getResultTypes())
    if (failed(verifyTensor(op, type)))
      return failure();
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (!attribute.getName().getValue().contains('.'))
      return op->emitOpError("has an unknown attribute ")
             << attribute.getName()
             << ": drop it or give it the prefix of a dialect";
  return verifyAxisNames(op, axes, "C1");
}

/// The size of the op's group.
FailureOr<int64_t> pp::comm::verifyGroup(Operation *op, ArrayAttr axes) {
  return findGroupSize(op, axes, "C2");
}

/// `dim`, which is called `name`, is a dimension of `type`.
static LogicalResult verifyDim(Operation *op, StringRef name, int64_t dim,
                               RankedTensorType type) {
  if (dim >= 0 && dim < type.getRank())
    return success();
  InFlightDiagnostic error = op->emitOpError("(C3) found ")
                             << name << "(" << dim << ")";
  if (type.getRank() == 0)
    return error << " of " << type
                 << ", which has no dimensions: give it one with nn.reshape";
  return error << ", expected 0 to " << type.getRank() - 1
               << ", a dimension of " << type
               << ": count dimensions from the front";
}

/// `group` divides dimension `dim` of `type`.
static LogicalResult verifyDivides(Operation *op, StringRef name, int64_t dim,
                                   RankedTensorType type, int64_t group) {
  int64_t size = type.getDimSize(dim);
  if (size % group == 0)
    return success();
  return op->emitOpError("(C4) found ")
         << name << "(" << dim << ") of size " << size << " for a group of "
         << group << ", expected a multiple of " << group
         << ": the nearest are " << size / group * group << " and "
         << (size / group + 1) * group;
}

static LogicalResult verifyResult(Operation *op, RankedTensorType expected) {
  if (op->getResult(0).getType() == expected)
    return success();
  return op->emitOpError("(C4) found result type ")
         << op->getResult(0).getType() << ", expected " << expected
         << " from the operand and the mesh: declare that type";
}

/// `type` with dimension `dim` times `factor`, or nothing where that is no
/// tensor of at most 2^48 elements.
static FailureOr<RankedTensorType>
multiply(Operation *op, RankedTensorType type, int64_t dim, int64_t factor) {
  SmallVector<int64_t> shape(type.getShape());
  if (type.getNumElements() > pp::limits::kElements / factor)
    return op->emitOpError("(C4) found ")
           << type << " from " << factor
           << " ranks, which together are more than 2^48 elements: correct the "
              "shape or the mesh";
  shape[dim] *= factor;
  return type.clone(shape);
}

static RankedTensorType divide(RankedTensorType type, int64_t dim,
                               int64_t factor) {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] /= factor;
  return type.clone(shape);
}

//===----------------------------------------------------------------------===//
// comm.all_reduce, comm.vary
//===----------------------------------------------------------------------===//

LogicalResult AllReduceOp::verify() { return verifyAxes(*this, getAxes()); }
LogicalResult AllReduceOp::verifySymbolUses(SymbolTableCollection &) {
  return verifyGroup(*this, getAxes());
}
std::optional<Distribution> AllReduceOp::getTransition(Distribution operand) {
  bool isSum = getReduction() == Reduction::Sum;
  if (operand.is(isSum ? Distribution::Kind::Partial
                       : Distribution::Kind::PartialMax))
    return Distribution::invariant();
  return std::nullopt;
}
std::string AllReduceOp::getExpected() {
  return getReduction() == Reduction::Sum ? "partial" : "partial(max)";
}
SmallVector<int64_t> AllReduceOp::getExchangedDims() { return {}; }

LogicalResult VaryOp::verify() { return verifyAxes(*this, getAxes()); }
LogicalResult VaryOp::verifySymbolUses(SymbolTableCollection &) {
  return verifyGroup(*this, getAxes());
}
std::optional<Distribution> VaryOp::getTransition(Distribution operand) {
  if (operand.is(Distribution::Kind::Constant))
    return operand;
  if (operand.is(Distribution::Kind::Invariant))
    return Distribution::replicated();
  return std::nullopt;
}
std::string VaryOp::getExpected() { return "invariant"; }
SmallVector<int64_t> VaryOp::getExchangedDims() { return {}; }

//===----------------------------------------------------------------------===//
// comm.all_gather, comm.reduce_scatter, comm.slice
//===----------------------------------------------------------------------===//

LogicalResult AllGatherOp::verify() {
  if (failed(verifyAxes(*this, getAxes())))
    return failure();
  return verifyDim(*this, "dim", getDim(), getInput().getType());
}
LogicalResult AllGatherOp::verifySymbolUses(SymbolTableCollection &) {
  FailureOr<int64_t> group = verifyGroup(*this, getAxes());
  if (failed(group))
    return failure();
  auto expected = multiply(*this, getInput().getType(), getDim(), *group);
  return failed(expected) ? failure() : verifyResult(*this, *expected);
}
std::optional<Distribution> AllGatherOp::getTransition(Distribution operand) {
  if (operand != Distribution::varying(getDim()))
    return std::nullopt;
  return getInvariant() ? Distribution::invariant()
                        : Distribution::replicated();
}
std::string AllGatherOp::getExpected() {
  return Distribution::varying(getDim()).str();
}
SmallVector<int64_t> AllGatherOp::getExchangedDims() {
  return {static_cast<int64_t>(getDim())};
}

/// A part of `dim` of the operand is the result.
template <typename Op> static LogicalResult verifyPart(Op op) {
  FailureOr<int64_t> group = verifyGroup(op, op.getAxes());
  int64_t dim = op.getDim();
  if (failed(group) ||
      failed(verifyDivides(op, "dim", dim, op.getInput().getType(), *group)))
    return failure();
  return verifyResult(op, divide(op.getInput().getType(), dim, *group));
}

LogicalResult ReduceScatterOp::verify() {
  if (failed(verifyAxes(*this, getAxes())))
    return failure();
  return verifyDim(*this, "dim", getDim(), getInput().getType());
}
LogicalResult ReduceScatterOp::verifySymbolUses(SymbolTableCollection &) {
  return verifyPart(*this);
}
std::optional<Distribution>
ReduceScatterOp::getTransition(Distribution operand) {
  if (!operand.is(Distribution::Kind::Partial))
    return std::nullopt;
  return Distribution::varying(getDim());
}
std::string ReduceScatterOp::getExpected() { return "partial"; }
SmallVector<int64_t> ReduceScatterOp::getExchangedDims() {
  return {static_cast<int64_t>(getDim())};
}

LogicalResult SliceOp::verify() {
  if (failed(verifyAxes(*this, getAxes())))
    return failure();
  return verifyDim(*this, "dim", getDim(), getInput().getType());
}
LogicalResult SliceOp::verifySymbolUses(SymbolTableCollection &) {
  return verifyPart(*this);
}
std::optional<Distribution> SliceOp::getTransition(Distribution operand) {
  if (!operand.is(Distribution::Kind::Invariant) &&
      !operand.is(Distribution::Kind::Constant))
    return std::nullopt;
  return Distribution::varying(getDim());
}
std::string SliceOp::getExpected() { return "invariant"; }
SmallVector<int64_t> SliceOp::getExchangedDims() {
  return {static_cast<int64_t>(getDim())};
}

//===----------------------------------------------------------------------===//
// comm.all_to_all, comm.permute
//===----------------------------------------------------------------------===//

LogicalResult AllToAllOp::verify() {
  if (failed(verifyAxes(*this, getAxes())) ||
      failed(verifyDim(*this, "split", getSplit(), getInput().getType())) ||
      failed(verifyDim(*this, "concat", getConcat(), getInput().getType())))
    return failure();
  if (getSplit() == getConcat())
    return emitOpError("(C3) found split and concat along dimension ")
           << getSplit()
           << ", expected two: along one dimension it is comm.permute";
  return success();
}
LogicalResult AllToAllOp::verifySymbolUses(SymbolTableCollection &) {
  FailureOr<int64_t> group = verifyGroup(*this, getAxes());
  RankedTensorType type = getInput().getType();
  int64_t split = getSplit();
  if (failed(group) ||
      failed(verifyDivides(*this, "split", split, type, *group)))
    return failure();
  auto expected =
      multiply(*this, divide(type, split, *group), getConcat(), *group);
  return failed(expected) ? failure() : verifyResult(*this, *expected);
}
std::optional<Distribution> AllToAllOp::getTransition(Distribution operand) {
  if (operand != Distribution::varying(getConcat()))
    return std::nullopt;
  return Distribution::varying(getSplit());
}
std::string AllToAllOp::getExpected() {
  return Distribution::varying(getConcat()).str();
}
SmallVector<int64_t> AllToAllOp::getExchangedDims() {
  return {static_cast<int64_t>(getSplit()), static_cast<int64_t>(getConcat())};
}

LogicalResult PermuteOp::verify() { return verifyAxes(*this, getAxes()); }
LogicalResult PermuteOp::verifySymbolUses(SymbolTableCollection &) {
  FailureOr<int64_t> group = verifyGroup(*this, getAxes());
  if (failed(group))
    return failure();
  int64_t by = getBy();
  if (by > -*group && by < *group)
    return success();
  return emitOpError("(C3) found by(")
         << by << ") in a group of " << *group << ", expected less: it is by("
         << by % *group << ")";
}
std::optional<Distribution> PermuteOp::getTransition(Distribution operand) {
  if (!operand.isVarying())
    return std::nullopt;
  return operand;
}
std::string PermuteOp::getExpected() { return "varying"; }
SmallVector<int64_t> PermuteOp::getExchangedDims() { return {}; }

//===----------------------------------------------------------------------===//
// comm.iota, comm.detach
//===----------------------------------------------------------------------===//

LogicalResult IotaOp::verify() {
  if (failed(verifyAxes(*this, getAxes())))
    return failure();
  return verifyDim(*this, "dim", getDim(), getType());
}
LogicalResult IotaOp::verifySymbolUses(SymbolTableCollection &) {
  FailureOr<int64_t> group = verifyGroup(*this, getAxes());
  if (failed(group))
    return failure();
  int64_t size = getType().getDimSize(getDim());
  int64_t most = getType().getElementType().isInteger(32)
                     ? std::numeric_limits<int32_t>::max()
                     : pp::limits::kElements;
  if (size - 1 <= most && size <= most / *group)
    return success();
  return emitOpError("(C4) found ")
         << size << " numbers on each of " << *group
         << " coordinates, which do not fit " << getType().getElementType()
         << ": use i64 or a smaller dimension";
}
std::optional<Distribution> IotaOp::getTransition(Distribution) {
  return Distribution::varying(getDim());
}
std::string IotaOp::getExpected() { return "no operand"; }
SmallVector<int64_t> IotaOp::getExchangedDims() {
  return {static_cast<int64_t>(getDim())};
}

pp::ShardingRule DetachOp::getShardingRule() {
  ShardingRule rule = elementwiseRule(*this, {{0}});
  rule.stopsGradient = true;
  return rule;
}

#define GET_OP_CLASSES
#include "pp/Dialect/Comm/IR/CommOps.cpp.inc"
