//===- ColumnSums.cpp - Sums over distant elements ------------------------===//
//
// Neighbouring threads have neighbouring results, so that loads of a warp are
// contiguous; the threads of a column of the block share the terms of a result,
// each adds every 16th in order, and the parts are added in order. With too few
// results for all multiprocessors the terms are split among blocks as well, and
// a second kernel adds the parts.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace pp::device;

namespace {
constexpr int64_t kColumns = 32, kWorkers = 16;

/// Builds the kernels of one op.
class ColumnSums {
public:
  ColumnSums(KernelModule &kernels, LoopNest nest)
      : kernels(kernels), nest(std::move(nest)) {
    for (auto [extent, reduced] :
         llvm::zip(this->nest.extents, this->nest.reduced)) {
      kept.push_back(reduced ? 1 : extent);
      summed.push_back(reduced ? extent : 1);
      results *= kept.back();
      terms *= summed.back();
    }
    // What is not just a sum is computed as it is written.
    if (!this->nest.canReduce()) {
      workers = 1;
      return;
    }
    workers = std::min(kWorkers, terms);
    int64_t blocks = llvm::divideCeil(results, kColumns);
    splits = std::clamp<int64_t>(
        std::min<int64_t>(llvm::divideCeil(2 * kMultiprocessors, blocks),
                          terms / 64),
        1, 64);
  }

  void outline() {
    OpBuilder outside(nest.op);
    SmallVector<Value> parts;
    if (splits > 1)
      for (const LoopNest::Operand &output : nest.outputs())
        parts.push_back(memref::AllocOp::create(
            outside, nest.op.getLoc(),
            MemRefType::get({splits * results},
                            output.access.rootType().getElementType())));
    outlineSums(outside, parts);
    if (splits > 1)
      outlineTotals(outside, parts);
    nest.op->erase();
  }

private:
  Value load(KernelBuilder &kernel, const LoopNest::Operand &operand,
             Value at) {
    return kernel.load(operand.access.root, at);
  }

  /// Values of the outputs at `place`.
  SmallVector<Value> formerAt(KernelBuilder &kernel, ValueRange place) {
    SmallVector<Value> former;
    for (const LoopNest::Operand &output : nest.outputs())
      former.push_back(
          load(kernel, output, nest.position(kernel, output, place)));
    return former;
  }

  void storeAt(KernelBuilder &kernel, ValueRange place, ValueRange values) {
    for (auto [output, value] : llvm::zip(nest.outputs(), values))
      kernel.store(value, output.access.root,
                   nest.position(kernel, output, place));
  }

  void ifTrue(KernelBuilder &kernel, Value condition,
              llvm::function_ref<void()> body) {
    scf::IfOp::create(
        kernel.b, kernel.loc, condition, [&](OpBuilder &builder, Location loc) {
          OpBuilder::InsertionGuard guard(kernel.b);
          kernel.b.setInsertionPointToEnd(builder.getInsertionBlock());
          body();
          scf::YieldOp::create(kernel.b, loc);
        });
  }

  /// The terms from `first` in steps of `step` below `end`, from `init`.
  SmallVector<Value> sumTerms(KernelBuilder &kernel, ValueRange place,
                              Value first, Value end, int64_t step,
                              ValueRange init) {
    auto loop = scf::ForOp::create(
        kernel.b, kernel.loc, first, end, kernel.index(step), init,
        [&](OpBuilder &builder, Location loc, Value term, ValueRange carried) {
          OpBuilder::InsertionGuard guard(kernel.b);
          kernel.b.setInsertionPointToEnd(builder.getInsertionBlock());
          SmallVector<Value> ivs = kernel.delinearize(term, summed);
          for (auto [number, iv] : llvm::enumerate(ivs))
            if (!nest.reduced[number])
              iv = place[number];
          SmallVector<Value> values;
          for (SmallVector<Value> &lanes :
               nest.compute(kernel, ivs, 0, 1, carried,
                            [&](const LoopNest::Operand &operand, Value at) {
                              return load(kernel, operand, at);
                            }))
            values.push_back(lanes[0]);
          scf::YieldOp::create(kernel.b, loc, values);
        });
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  void outlineSums(OpBuilder &outside, ArrayRef<Value> parts) {
    KernelBuilder kernel(kernels, nest.op.getLoc());
    int64_t columns = workers == 1 ? 128 : kColumns;
    kernel.setBlock(columns, workers);
    int64_t grid = llvm::divideCeil(results, columns);
    Value result =
        kernel.add(kernel.mul(kernel.blockX(), columns), kernel.threadX());
    // Threads beyond the end compute the last result and do not store it: they
    // must come to the barrier.
    Value isResult = kernel.less(result, kernel.index(results));
    if (results % columns != 0)
      result = arith::MinUIOp::create(kernel.b, kernel.loc, result,
                                      kernel.index(results - 1));
    SmallVector<Value> place = kernel.delinearize(result, kept);
    if (workers == 1) {
      SmallVector<Value> sums =
          sumTerms(kernel, place, kernel.index(0), kernel.index(terms), 1,
                   formerAt(kernel, place));
      ifTrue(kernel, isResult, [&] { storeAt(kernel, place, sums); });
      kernel.launch(outside, "column_sums", grid);
      return;
    }
    // The terms of this block.
    Value first = kernel.threadY(), end = kernel.index(terms);
    if (splits > 1) {
      int64_t length = llvm::divideCeil(terms, splits);
      Value begin = kernel.mul(kernel.blockY(), length);
      first = kernel.add(first, begin);
      end = arith::MinUIOp::create(kernel.b, kernel.loc, end,
                                   kernel.add(begin, kernel.index(length)));
    }
    SmallVector<Value> init;
    for (unsigned i = 0; i < nest.numOutputs(); ++i)
      init.push_back(kernel.neutral(nest.combinerOf(i)));
    SmallVector<Value> sums =
        sumTerms(kernel, place, first, end, workers, init);
    Value mine =
        kernel.add(kernel.mul(kernel.threadY(), columns), kernel.threadX());
    SmallVector<Value> shared;
    for (Value sum : sums) {
      shared.push_back(kernel.makeShared(columns * workers, sum.getType()));
      memref::StoreOp::create(kernel.b, kernel.loc, sum, shared.back(), mine);
    }
    mlir::gpu::BarrierOp::create(kernel.b, kernel.loc);
    Value isFirst = kernel.isZero(kernel.threadY());
    Value isLast =
        arith::AndIOp::create(kernel.b, kernel.loc, isFirst, isResult);
    ifTrue(kernel, isLast, [&] {
      SmallVector<Value> totals;
      for (auto [i, memory] : llvm::enumerate(shared)) {
        Value total;
        for (int64_t worker = 0; worker < workers; ++worker) {
          Value part = memref::LoadOp::create(
              kernel.b, kernel.loc, memory,
              kernel.add(kernel.threadX(), kernel.index(worker * columns)));
          total =
              total ? kernel.combine(nest.combinerOf(i), total, part) : part;
        }
        totals.push_back(total);
      }
      if (splits > 1) {
        Value at = kernel.add(kernel.mul(kernel.blockY(), results), result);
        for (auto [part, total] : llvm::zip(parts, totals))
          kernel.store(total, part, at);
        return;
      }
      SmallVector<Value> former = formerAt(kernel, place);
      for (auto [i, total] : llvm::enumerate(totals))
        total = kernel.combine(nest.combinerOf(i), former[i], total);
      storeAt(kernel, place, totals);
    });
    kernel.launch(outside, "column_sums", grid, splits);
  }

  void outlineTotals(OpBuilder &outside, ArrayRef<Value> parts) {
    KernelBuilder kernel(kernels, nest.op.getLoc());
    constexpr int64_t threads = 128;
    kernel.setBlock(threads);
    Value result =
        kernel.add(kernel.mul(kernel.blockX(), threads), kernel.threadX());
    ifTrue(kernel, kernel.less(result, kernel.index(results)), [&] {
      SmallVector<Value> place = kernel.delinearize(result, kept);
      SmallVector<Value> totals = formerAt(kernel, place);
      for (int64_t split = 0; split < splits; ++split)
        for (auto [i, part] : llvm::enumerate(parts))
          totals[i] = kernel.combine(
              nest.combinerOf(i), totals[i],
              kernel.load(part,
                          kernel.add(result, kernel.index(split * results))));
      storeAt(kernel, place, totals);
    });
    kernel.launch(outside, "column_totals", llvm::divideCeil(results, threads));
  }

  KernelModule &kernels;
  LoopNest nest;
  SmallVector<int64_t> kept, summed; ///< extents, 1 for the other loops
  int64_t results = 1, terms = 1, workers = 1, splits = 1;
};
} // namespace

void pp::device::outlineColumnSums(KernelModule &kernels, LoopNest nest) {
  ColumnSums(kernels, std::move(nest)).outline();
}
