//===- OverlapCollectives.cpp - Collectives beside other work -------------===//
//
// The body of a layer function is one block of ops on buffers. The end of a
// collective sinks to the first op that could see whether it has ended. What an
// op does to a buffer is what its effects say, also of the ops in its regions;
// an op without effects of its own may do anything to the buffers it is given.
//
// Two buffers are the same if they are views of one allocation or argument:
// arguments of a layer function never overlap.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace pp {
#define GEN_PASS_DEF_OVERLAPCOLLECTIVES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;
using kernel::CollectiveOp;
using kernel::CollectivePhase;

/// The allocation or argument that a buffer is a view of.
static Value rootOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

/// Nothing that takes time.
static bool isFree(Operation *op) {
  return isa<ViewLikeOpInterface, memref::AllocOp>(op) ||
         (isMemoryEffectFree(op) && op->getNumRegions() == 0);
}

/// Whether an op, or one inside it, touches a buffer; `onlyWrites`: or may
/// change it.
static bool touches(Operation *op, Value root, bool onlyWrites) {
  WalkResult result = op->walk([&](Operation *inner) {
    if (isa<ViewLikeOpInterface, memref::AllocOp>(inner))
      return WalkResult::advance();
    for (Value operand : inner->getOperands()) {
      if (!isa<BaseMemRefType>(operand.getType()) || rootOf(operand) != root)
        continue;
      auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
      if (!effects && inner->hasTrait<OpTrait::HasRecursiveMemoryEffects>())
        continue; // the ops inside say
      SmallVector<MemoryEffects::EffectInstance> all;
      if (effects)
        effects.getEffectsOnValue(operand, all);
      const bool isRead = effects && llvm::all_of(all, [](auto &effect) {
                            return isa<MemoryEffects::Read>(effect.getEffect());
                          });
      if (!isRead || !onlyWrites)
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return result.wasInterrupted();
}

/// Whether an op has to wait for the end of a collective.
static bool needsEnd(Operation *op, CollectiveOp collective) {
  return op->hasTrait<OpTrait::IsTerminator>() ||
         touches(op, rootOf(collective.getOut()), /*onlyWrites=*/false) ||
         touches(op, rootOf(collective.getWorkspace()), /*onlyWrites=*/false) ||
         touches(op, rootOf(collective.getInput()), /*onlyWrites=*/true);
}

/// Whether the runtime takes two for one.
static bool areEqual(CollectiveOp a, CollectiveOp b) {
  return a.getKind() == b.getKind() && a.getAxes() == b.getAxes() &&
         a.getPartElements() == b.getPartElements() &&
         cast<ShapedType>(a.getInput().getType()).getElementType() ==
             cast<ShapedType>(b.getInput().getType()).getElementType();
}

namespace {
/// Makes halves of the collectives of one function, in their order.
class Halves {
public:
  explicit Halves(unsigned slots) : slots(slots) {}
  void split(CollectiveOp op);

private:
  struct UnderWay {
    CollectiveOp start, finish;
  };
  SmallVector<UnderWay> started;

  /// The lowest number that no equal one has that is under way; those that have
  /// ended before `op` are forgotten.
  unsigned findSlot(CollectiveOp op) {
    llvm::erase_if(started, [&](UnderWay &other) {
      return other.finish->isBeforeInBlock(op);
    });
    SmallVector<bool> isTaken(slots, false);
    for (UnderWay &other : started)
      if (areEqual(other.start, op))
        isTaken[other.start.getSlot().value_or(0)] = true;
    return llvm::find(isTaken, false) - isTaken.begin();
  }

  unsigned slots;
};
} // namespace

void Halves::split(CollectiveOp op) {
  bool hasWork = false;
  Operation *end = op->getNextNode();
  for (; !needsEnd(end, op); end = end->getNextNode())
    hasWork |= !isFree(end) && !isa<CollectiveOp>(end);
  unsigned slot = findSlot(op);
  if (slot == slots) {
    // The one that is under way longest gives its slot back.
    auto *first = llvm::find_if(
        started, [&](UnderWay &other) { return areEqual(other.start, op); });
    first->finish->moveBefore(op);
    slot = findSlot(op);
  }
  OpBuilder builder(op);
  if (slot)
    op.setSlot(slot);
  if (!hasWork)
    return;
  op.setPhase(CollectivePhase::Start);
  builder.setInsertionPoint(end);
  auto finish = cast<CollectiveOp>(builder.clone(*op));
  finish.setPhase(CollectivePhase::Finish);
  started.push_back({op, finish});
}

namespace {
struct OverlapCollectives
    : pp::impl::OverlapCollectivesBase<OverlapCollectives> {
  using OverlapCollectivesBase::OverlapCollectivesBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    SmallVector<CollectiveOp> all;
    for (CollectiveOp op : getOperation().front().getOps<CollectiveOp>())
      if (!op.getPhase() && isa<BaseMemRefType>(op.getInput().getType()))
        all.push_back(op);
    Halves halves(slots);
    for (CollectiveOp op : all)
      halves.split(op);
  }
};
} // namespace
