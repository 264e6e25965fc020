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
    auto perItem = [&](Value item, ValueRange carried) {
      SmallVector<Value> ivs = kernel.delinearize(item, summed);
      ivs[inner] = kernel.mul(ivs[inner], lanes);
      for (auto [loop, iv] : llvm::enumerate(ivs))
        if (!nest.reduced[loop])
          iv = place[loop];
      return nest.computeSums(kernel, ivs, inner, lanes, carried, load);
    };
    sumRow(
        kernel, group, nest,
        [&](const LoopNest::Operand &output) {
          return load(output, nest.position(kernel, output, place));
        },
        [&](ValueRange init) {
          return forItems(kernel, group, items, init, perItem);
        },
        [&](const LoopNest::Operand &output, Value result) {
          Value at = nest.position(kernel, output, place);
          // Some thread may still be about to load the former value.
          if (output.isUsed && group.kind != Group::Thread)
            kernel.synchronize(group);
          storeOnce(kernel, group, result, output.access.root, at);
        });
  });
  OpBuilder outside(nest.op);
  kernel.launch(outside, "row_sums", grid);
  nest.op->erase();
}
