//===- PlaceTemporaries.cpp - Temporaries in the workspace ----------------===//
//
// The body of a layer function is one block, so a lifetime is a range of the
// ops of that block: from the first to the last that touches the buffer, itself
// or through views. The planner turns lifetimes into offsets.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Interfaces/ElementBytes.h"
#include "pp/MemoryPlanning/MemoryPlanning.h"

#include "mlir/Interfaces/ViewLikeInterface.h"

namespace pp {
#define GEN_PASS_DEF_PLACETEMPORARIES
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// Ops of `block` (or ops around them) that touch `buffer`, as a range of
/// positions.
static void extendLifetime(Value buffer, Block &block,
                           const DenseMap<Operation *, uint32_t> &positions,
                           pp::memory::Interval &interval) {
  for (Operation *user : buffer.getUsers()) {
    if (isa<ViewLikeOpInterface>(user)) {
      for (Value view : user->getResults())
        extendLifetime(view, block, positions, interval);
      continue;
    }
    uint32_t position = positions.lookup(block.findAncestorOpInBlock(*user));
    interval.begin = std::min(interval.begin, position);
    interval.end = std::max(interval.end, position + 1);
  }
}

namespace {
struct PlaceTemporaries : pp::impl::PlaceTemporariesBase<PlaceTemporaries> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    Block &block = function.front();
    SmallVector<memref::AllocOp> allocs;
    function.walk([&](memref::AllocOp op) { allocs.push_back(op); });
    for (memref::AllocOp op : allocs) {
      if (!op.getType().hasStaticShape()) {
        op.emitError("found a temporary of type ")
            << op.getType() << ", expected a static shape";
        return signalPassFailure();
      }
      op->moveBefore(block.findAncestorOpInBlock(*op));
    }

    DenseMap<Operation *, uint32_t> positions;
    for (auto [i, op] : llvm::enumerate(block))
      positions[&op] = i;
    SmallVector<memref::AllocOp> used;
    std::vector<pp::memory::Interval> intervals;
    for (memref::AllocOp op : allocs) {
      uint64_t bytes = op.getType().getNumElements() *
                       pp::getElementBytes(op.getType().getElementType());
      pp::memory::Interval interval{bytes, UINT32_MAX, 0};
      extendLifetime(op, block, positions, interval);
      if (interval.begin == UINT32_MAX) {
        op.erase();
        continue;
      }
      used.push_back(op);
      intervals.push_back(interval);
    }
    pp::memory::Plan plan = pp::memory::planMemory(intervals);

    OpBuilder builder = OpBuilder::atBlockBegin(&block);
    auto type = MemRefType::get({static_cast<int64_t>(plan.bytes)},
                                builder.getI8Type());
    unsigned argument = function.getNumArguments();
    if (failed(function.insertArgument(argument, type, {}, function.getLoc())))
      return signalPassFailure();
    function->setAttr("pp.workspace", builder.getI64IntegerAttr(plan.bytes));
    for (auto [op, offset] : llvm::zip(used, plan.offsets)) {
      builder.setInsertionPoint(op);
      Value start =
          arith::ConstantIndexOp::create(builder, op.getLoc(), offset);
      op.replaceAllUsesWith(memref::ViewOp::create(
                                builder, op.getLoc(), op.getType(),
                                function.getArgument(argument), start,
                                ValueRange())
                                .getResult());
      op.erase();
    }
  }
};
} // namespace
