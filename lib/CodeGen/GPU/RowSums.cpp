//===- RowSums.cpp - Sums over neighbouring elements ----------------------===//
//
// A group of threads for each result. A thread adds every so many terms in
// order, and the group adds what its threads have.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

using namespace mlir;
using namespace pp::device;

void pp::device::outlineRowSums(KernelModule &kernels, LoopNest nest) {
  KernelBuilder kernel(kernels, nest.op.getLoc());
  SmallVector<int64_t> kept, summed;
  int64_t rows = 1, columns = 1;
  for (auto [extent, reduced] : llvm::zip(nest.extents, nest.reduced)) {
    kept.push_back(reduced ? 1 : extent);
    summed.push_back(reduced ? extent : 1);
    rows *= kept.back();
    columns *= summed.back();
  }
  unsigned inner = nest.extents.size() - 1;
  int64_t lanes = nest.reduced[inner] ? nest.lanesAlong(inner) : 1;
  summed[inner] /= lanes;
  int64_t items = columns / lanes;
  Group group;
  Value row;
  int64_t grid = chooseGroup(kernel, rows, items, group, row);
  auto load = [&](const LoopNest::Operand &operand, Value at) {
    return kernel.load(operand.access.root, at);
  };
  guardRow(kernel, group, rows, row, [&] {
    SmallVector<Value> place = kernel.delinearize(row, kept);
    SmallVector<Value> init, former;
    for (auto [i, output] : llvm::enumerate(nest.outputs())) {
      former.push_back(load(output, nest.position(kernel, output, place)));
      init.push_back(kernel.neutral(nest.combinerOf(i)));
    }
    SmallVector<Value> sums =
        forItems(kernel, group, items, init,
                 [&](Value item, ValueRange carried) -> SmallVector<Value> {
                   SmallVector<Value> ivs = kernel.delinearize(item, summed);
                   ivs[inner] = kernel.mul(ivs[inner], lanes);
                   for (auto [loop, iv] : llvm::enumerate(ivs))
                     if (!nest.reduced[loop])
                       iv = place[loop];
                   auto results =
                       nest.compute(kernel, ivs, inner, lanes, carried, load);
                   SmallVector<Value> last;
                   for (SmallVector<Value> &values : results)
                     last.push_back(values.back());
                   return last;
                 });
    for (auto [i, output] : llvm::enumerate(nest.outputs())) {
      Operation *combiner = nest.combinerOf(i);
      Value sum = kernel.reduce(group, sums[i], combiner);
      Value result = kernel.combine(combiner, former[i], sum);
      Value at = nest.position(kernel, output, place);
      if (group.kind == Group::Thread) {
        kernel.store(result, output.access.root, at);
        continue;
      }
      // Some thread may still be about to load the former value.
      if (output.isUsed)
        kernel.synchronize(group);
      scf::IfOp::create(
          kernel.b, kernel.loc, kernel.isZero(group.index),
          [&, &output = output](OpBuilder &builder, Location loc) {
            OpBuilder::InsertionGuard guard(kernel.b);
            kernel.b.setInsertionPointToEnd(builder.getInsertionBlock());
            kernel.store(result, output.access.root, at);
            scf::YieldOp::create(kernel.b, loc);
          });
    }
  });
  OpBuilder outside(nest.op);
  kernel.launch(outside, "row_sums", grid);
  nest.op->erase();
}
