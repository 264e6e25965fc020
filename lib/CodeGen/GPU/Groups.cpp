//===- Groups.cpp - Which threads share the work of a row -----------------===//
//
// A row of a few elements is a thread's, a short one a warp's, whose sums need
// no shared memory, a long one a block's. Devices have to be filled: where
// there are few rows, more threads take each.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace mlir;
using namespace pp::device;

int64_t pp::device::chooseGroup(KernelBuilder &kernel, int64_t rows,
                                int64_t columns, Group &group, Value &row) {
  constexpr int64_t warpsOfBlock = 8;
  // Few rows: rather more threads for each.
  bool fillsDevice = rows >= kMultiprocessors * 8;
  if (columns <= (fillsDevice ? 4 : 2)) {
    int64_t block = std::min<int64_t>(128, llvm::alignTo(rows, 32));
    kernel.setBlock(block);
    group = {Group::Thread, 1, kernel.index(0)};
    row = kernel.add(kernel.mul(kernel.blockX(), block), kernel.threadX());
    return llvm::divideCeil(rows, block);
  }
  if (columns <= (fillsDevice ? 128 : 64)) {
    int64_t warps = std::min<int64_t>(warpsOfBlock, rows);
    kernel.setBlock(32, warps);
    group = {Group::Warp, 32, kernel.threadX()};
    row = kernel.add(kernel.mul(kernel.blockX(), warps), kernel.threadY());
    return llvm::divideCeil(rows, warps);
  }
  int64_t most = columns >= 8192 ? 1024 : columns >= 2048 ? 512 : 256;
  int64_t block = std::clamp<int64_t>(
      llvm::alignTo(llvm::divideCeil(columns, 2), 32), 64, most);
  kernel.setBlock(block);
  group = {Group::Block, block, kernel.threadX()};
  row = kernel.blockX();
  return rows;
}

int64_t pp::device::rowsOfBlock(const Group &group, int64_t rows) {
  switch (group.kind) {
  case Group::Thread:
    return std::min<int64_t>(128, llvm::alignTo(rows, 32));
  case Group::Warp:
    return std::min<int64_t>(8, rows);
  case Group::Block:
    return 1;
  }
  llvm_unreachable("unknown group");
}

void pp::device::guardRow(KernelBuilder &kernel, const Group &group,
                          int64_t rows, Value row,
                          llvm::function_ref<void()> body) {
  if (rows % rowsOfBlock(group, rows) == 0)
    return body();
  scf::IfOp::create(kernel.b, kernel.loc, kernel.less(row, kernel.index(rows)),
                    [&](OpBuilder &builder, Location loc) {
                      OpBuilder::InsertionGuard guard(kernel.b);
                      kernel.b.setInsertionPointToEnd(
                          builder.getInsertionBlock());
                      body();
                      scf::YieldOp::create(kernel.b, loc);
                    });
}

SmallVector<Value> pp::device::forItems(KernelBuilder &kernel,
                                        const Group &group, int64_t count,
                                        ValueRange init, Items body) {
  OpBuilder &b = kernel.b;
  if (count == group.size)
    return body(group.index, init);
  // With a constant number of steps, so that LLVM can unroll.
  bool isEven = count % group.size == 0;
  auto loop = scf::ForOp::create(
      b, kernel.loc, isEven ? kernel.index(0) : group.index,
      kernel.index(isEven ? count / group.size : count),
      kernel.index(isEven ? 1 : group.size), init,
      [&](OpBuilder &builder, Location loc, Value iv, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(builder.getInsertionBlock());
        Value item =
            isEven ? kernel.add(kernel.mul(iv, group.size), group.index) : iv;
        SmallVector<Value> results = body(item, carried);
        scf::YieldOp::create(b, loc, results);
      });
  return llvm::to_vector_of<Value>(loop.getResults());
}

void pp::device::sumRow(
    KernelBuilder &kernel, const Group &group, const LoopNest &nest,
    llvm::function_ref<Value(const LoopNest::Operand &)> loadFormer,
    llvm::function_ref<SmallVector<Value>(ValueRange)> steps,
    llvm::function_ref<void(const LoopNest::Operand &, Value)> store) {
  SmallVector<Value> init, former;
  for (auto [i, output] : llvm::enumerate(nest.outputs())) {
    former.push_back(loadFormer(output));
    init.push_back(kernel.neutral(nest.combinerOf(i)));
  }
  SmallVector<Value> sums = steps(init);
  for (auto [i, output] : llvm::enumerate(nest.outputs())) {
    Operation *combiner = nest.combinerOf(i);
    Value sum = kernel.reduce(group, sums[i], combiner);
    store(output, kernel.combine(combiner, former[i], sum));
  }
}

void pp::device::storeOnce(KernelBuilder &kernel, const Group &group,
                           Value value, Value root, Value at) {
  if (group.kind == Group::Thread)
    return kernel.store(value, root, at);
  scf::IfOp::create(kernel.b, kernel.loc, kernel.isZero(group.index),
                    [&](OpBuilder &builder, Location loc) {
                      OpBuilder::InsertionGuard guard(kernel.b);
                      kernel.b.setInsertionPointToEnd(
                          builder.getInsertionBlock());
                      kernel.store(value, root, at);
                      scf::YieldOp::create(kernel.b, loc);
                    });
}
