//===- CommCosts.cpp - What collectives compute and send ------------------===//
//
// With n ranks in a group and an operand of b bytes, a ring (and any other
// algorithm that is optimal in bandwidth) makes each rank send
//   all-reduce       2 (n - 1) / n b   (reduce-scatter, then all-gather)
//     of maxima        (n - 1) b       (all operands are gathered)
//   reduce-scatter     (n - 1) / n b
//   all-gather         (n - 1) b       (the operand is the rank's part)
//   all-to-all         (n - 1) / n b
//   permute                      b
// in n - 1 messages one after another, an all-reduce in twice as many, a
// permute in one.
// Sources: Patarasuk, Yuan, 2009; Thakur, Rabenseifner, Gropp, 2005; the "bus
// bandwidth" of nccl-tests, doc/PERFORMANCE.md.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/IR/CommOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::comm;

/// Ranks of the group; 1 in a function that is in no module yet.
static int64_t groupOf(Operation *op, ArrayAttr axes) {
  MeshOpInterface mesh = findMesh(op);
  return mesh ? mesh.getGroupSize(axes).value_or(1) : 1;
}

/// The operand on a ring.
static Communication ring(Operation *op, ArrayAttr axes, int64_t times = 1) {
  return Communication::ring(
      op->getName().stripDialect(), axes, groupOf(op, axes),
      pp::detail::sumOfBytes(op->getOperandTypes()), times);
}

/// All get the operand of each.
static Communication gather(Operation *op, ArrayAttr axes) {
  const int64_t n = groupOf(op, axes);
  return Communication::ring(op->getName().stripDialect(), axes, n,
                             static_cast<uint64_t>(n) *
                                 pp::detail::sumOfBytes(op->getOperandTypes()));
}

/// Additions of a rank that reduces its n-th part of the operand.
static uint64_t additions(Operation *op, ArrayAttr axes) {
  uint64_t n = groupOf(op, axes);
  uint64_t elements =
      cast<RankedTensorType>(op->getOperand(0).getType()).getNumElements();
  return elements - elements / n;
}

uint64_t AllReduceOp::getFlops() {
  const uint64_t n = groupOf(*this, getAxes());
  return getReduction() == Reduction::Max
             ? (n - 1) * cast<RankedTensorType>(getType()).getNumElements()
             : additions(*this, getAxes());
}
std::optional<Communication> AllReduceOp::getCommunication() {
  return getReduction() == Reduction::Max ? gather(*this, getAxes())
                                          : ring(*this, getAxes(), 2);
}

uint64_t ReduceScatterOp::getFlops() { return additions(*this, getAxes()); }
std::optional<Communication> ReduceScatterOp::getCommunication() {
  return ring(*this, getAxes());
}

uint64_t AllGatherOp::getFlops() { return 0; }
std::optional<Communication> AllGatherOp::getCommunication() {
  return gather(*this, getAxes());
}

uint64_t AllToAllOp::getFlops() { return 0; }
std::optional<Communication> AllToAllOp::getCommunication() {
  return ring(*this, getAxes());
}

uint64_t PermuteOp::getFlops() { return 0; }
std::optional<Communication> PermuteOp::getCommunication() {
  int64_t n = groupOf(*this, getAxes());
  uint64_t bytes = pp::detail::sumOfBytes((*this)->getOperandTypes());
  bool stays = n == 1 || getBy() == 0;
  return Communication{"permute", getAxes(), n, stays ? 0 : bytes,
                       stays ? 0 : 1};
}

// Steps that send nothing, and move nothing but a part.
uint64_t VaryOp::getFlops() { return 0; }
uint64_t VaryOp::getBytesRead() { return 0; }
uint64_t VaryOp::getBytesWritten() { return 0; }
uint64_t SliceOp::getFlops() { return 0; }
uint64_t SliceOp::getBytesRead() { return getBytesWritten(); }
uint64_t IotaOp::getFlops() { return 0; }
uint64_t DetachOp::getFlops() { return 0; }
uint64_t DetachOp::getBytesRead() { return 0; }
uint64_t DetachOp::getBytesWritten() { return 0; }
