//===- Elementwise.cpp - Kernels that compute each element alone ----------===//
//
// A thread computes up to 16 bytes of neighbours at a time and goes on by the
// size of the grid.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace mlir;
using namespace pp::device;

void pp::device::outlineElementwise(KernelModule &kernels, LoopNest nest) {
  nest.flatten();
  KernelBuilder kernel(kernels, nest.op.getLoc());
  OpBuilder &b = kernel.b;
  unsigned inner = nest.extents.empty() ? 0 : nest.extents.size() - 1;
  int64_t lanes = nest.extents.empty() ? 1 : nest.lanesAlong(inner);
  SmallVector<int64_t> extents = nest.extents;
  if (!extents.empty())
    extents.back() /= lanes;
  int64_t items = nest.size() / lanes;
  constexpr int64_t threads = 256;
  int64_t block = std::min<int64_t>(threads, llvm::alignTo(items, 32));
  int64_t grid =
      std::min<int64_t>(llvm::divideCeil(items, block), kMultiprocessors * 32);
  kernel.setBlock(block);
  Value first =
      kernel.add(kernel.mul(kernel.blockX(), block), kernel.threadX());

  auto loadOne = [&](const LoopNest::Operand &operand, Value at) {
    return kernel.load(operand.access.root, at);
  };
  auto body = [&](Value item) {
    SmallVector<Value> ivs = kernel.delinearize(item, extents);
    if (!ivs.empty())
      ivs.back() = kernel.mul(ivs.back(), lanes);
    auto results = nest.compute(kernel, ivs, inner, lanes, {}, loadOne);
    for (auto [output, values] : llvm::zip(nest.outputs(), results))
      nest.store(kernel, output, values, ivs, inner);
  };
  auto within = [&](OpBuilder &builder, Location loc, Value item) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(builder.getInsertionBlock());
    body(item);
    scf::YieldOp::create(b, loc);
  };
  if (grid * block == items) {
    body(first);
  } else if (grid * block >= items) {
    scf::IfOp::create(
        b, kernel.loc, kernel.less(first, kernel.index(items)),
        [&](OpBuilder &builder, Location loc) { within(builder, loc, first); });
  } else {
    scf::ForOp::create(b, kernel.loc, first, kernel.index(items),
                       kernel.index(grid * block), ValueRange(),
                       [&](OpBuilder &builder, Location loc, Value item,
                           ValueRange) { within(builder, loc, item); });
  }
  OpBuilder outside(nest.op);
  kernel.launch(outside, "elementwise", grid);
  nest.op->erase();
}
