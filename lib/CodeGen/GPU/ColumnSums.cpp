//===- ColumnSums.cpp - Sums over distant elements ------------------------===//
//
// Neighbouring threads have neighbouring results, up to four each, so that
// loads of a warp are contiguous; the threads of a column of the block share
// the terms of a result, each adds every 16th in order, and the parts are added
// in order. Four terms are loaded at once: a device needs about 2 MB on their
// way to use its memory fully. With too few results for all multiprocessors the
// terms are split among blocks as well, and a second kernel adds the parts.
//
//===----------------------------------------------------------------------===//

#include "KernelTraffic.h"
#include "Kernels.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace pp::device;

namespace {
constexpr int64_t kThreads = 32, kWorkers = 16;
constexpr int64_t kLanes = 4;   ///< results of a thread, at most
constexpr int64_t kAtOnce = 4;  ///< terms that a thread loads before it adds
constexpr int64_t kSplits = 64; ///< parts of a result, at most

/// Builds the kernels of one op.
class ColumnSums {
public:
  ColumnSums(KernelModule &kernels, LoopNest nest)
      : kernels(kernels), nest(std::move(nest)) {
    for (auto [loop, extent] : llvm::enumerate(this->nest.extents)) {
      bool isReduced = this->nest.reduced[loop];
      kept.push_back(isReduced ? 1 : extent);
      summed.push_back(isReduced ? extent : 1);
      results *= kept.back();
      terms *= summed.back();
      if (!isReduced)
        inner = loop;
    }
    length = terms;
    // What is not just a sum is computed as it is written.
    if (!this->nest.canReduce())
      return;
    if (results > 1)
      lanes = std::min(kLanes, this->nest.lanesAlong(inner));
    // Few results: rather all threads than wide loads.
    while (lanes > 1 && results < kThreads * lanes)
      lanes /= 2;
    kept[inner] /= lanes;
    workers = std::clamp<int64_t>(terms / kAtOnce, 1, kWorkers);
    int64_t blocks = llvm::divideCeil(results, kThreads * lanes);
    int64_t wanted = std::clamp<int64_t>(
        std::min<int64_t>(llvm::divideCeil(4 * kMultiprocessors, blocks),
                          terms / (workers * kAtOnce)),
        1, kSplits);
    length = llvm::alignTo(llvm::divideCeil(terms, wanted), workers * kAtOnce);
    splits = llvm::divideCeil(terms, length);
    if (splits == 1)
      length = terms;
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
  static Value load(KernelBuilder &kernel, const LoopNest::Operand &operand,
                    Value at) {
    return kernel.load(operand.access.root, at);
  }

  /// The loops' places of the first result of `item`.
  SmallVector<Value> placeOf(KernelBuilder &kernel, Value item) {
    SmallVector<Value> place = kernel.delinearize(item, kept);
    place[inner] = kernel.mul(place[inner], lanes);
    return place;
  }

  /// Values of the outputs at `place`: all lanes of the first, and so on.
  SmallVector<Value> formerAt(KernelBuilder &kernel, ValueRange place) {
    SmallVector<Value> former;
    for (const LoopNest::Operand &output : nest.outputs()) {
      if (lanes > 1 && nest.strideAlong(output, inner) == 1) {
        llvm::append_range(
            former,
            kernel.loadLanes(output.access.root,
                             nest.position(kernel, output, place), lanes));
        continue;
      }
      SmallVector<Value> shifted(place);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        if (lane != 0)
          shifted[inner] = kernel.add(place[inner], kernel.index(lane));
        former.push_back(
            load(kernel, output, nest.position(kernel, output, shifted)));
      }
    }
    return former;
  }

  void storeAt(KernelBuilder &kernel, ValueRange place, ValueRange values) {
    for (auto [i, output] : llvm::enumerate(nest.outputs()))
      nest.store(kernel, output, values.slice(i * lanes, lanes), place, inner);
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

  /// Adds a term to `sums`.
  SmallVector<Value> addTerm(KernelBuilder &kernel, ValueRange place,
                             Value term, ValueRange sums) {
    SmallVector<Value> ivs = kernel.delinearize(term, summed);
    for (auto [number, iv] : llvm::enumerate(ivs))
      if (!nest.reduced[number])
        iv = place[number];
    SmallVector<Value> values;
    for (SmallVector<Value> &results :
         nest.compute(kernel, ivs, inner, lanes, sums,
                      [&](const LoopNest::Operand &operand, Value at) {
                        return load(kernel, operand, at);
                      }))
      llvm::append_range(values, results);
    return values;
  }

  /// Adds the terms from `first` on, in steps of `step`, `count` at a time,
  /// while the last of them is below `end`. `carried` is the next term and the
  /// sums; `trips` says how often that is where a part has all its terms.
  SmallVector<Value> sumWhile(KernelBuilder &kernel, ValueRange place,
                              ValueRange carried, Value end, int64_t step,
                              int64_t count, int64_t trips) {
    Value ahead = kernel.index((count - 1) * step);
    Value some = arith::MaxUIOp::create(kernel.b, kernel.loc, end, ahead);
    Value limit = arith::SubIOp::create(kernel.b, kernel.loc, some, ahead);
    auto loop = scf::ForOp::create(
        kernel.b, kernel.loc, carried[0], limit, kernel.index(step * count),
        carried,
        [&](OpBuilder &builder, Location loc, Value term, ValueRange before) {
          OpBuilder::InsertionGuard guard(kernel.b);
          kernel.b.setInsertionPointToEnd(builder.getInsertionBlock());
          SmallVector<Value> sums(before.drop_front());
          Value next = term;
          for (int64_t i = 0; i < count; ++i) {
            sums = addTerm(kernel, place, next, sums);
            next = kernel.add(term, kernel.index((i + 1) * step));
          }
          sums.insert(sums.begin(), next);
          scf::YieldOp::create(kernel.b, loc, sums);
        });
    loop->setAttr(kTrips, kernel.b.getF64FloatAttr(double(trips)));
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// The terms from `first` in steps of `step` below `end`, from `init`.
  SmallVector<Value> sumTerms(KernelBuilder &kernel, ValueRange place,
                              Value first, Value end, int64_t step,
                              ValueRange init) {
    SmallVector<Value> carried(init);
    carried.insert(carried.begin(), first);
    int64_t atOnce = nest.canReduce() ? kAtOnce : 1;
    int64_t left = length / step % atOnce;
    if (atOnce > 1)
      carried = sumWhile(kernel, place, carried, end, step, atOnce,
                         length / step / atOnce);
    bool isEven = length % (step * atOnce) == 0 && terms % length == 0;
    if (atOnce == 1 || !isEven)
      carried = sumWhile(kernel, place, carried, end, step, 1,
                         atOnce == 1 ? length / step : left);
    carried.erase(carried.begin());
    return carried;
  }

  void outlineSums(OpBuilder &outside, ArrayRef<Value> parts) {
    KernelBuilder kernel(kernels, nest.op.getLoc());
    int64_t threads = workers == 1 ? 128 : kThreads;
    kernel.setBlock(threads, workers);
    int64_t items = results / lanes;
    int64_t grid = llvm::divideCeil(items, threads);
    Value item =
        kernel.add(kernel.mul(kernel.blockX(), threads), kernel.threadX());
    // Threads beyond the end compute the last result and do not store it: they
    // must come to the barrier.
    Value isItem = kernel.less(item, kernel.index(items));
    if (items % threads != 0)
      item = arith::MinUIOp::create(kernel.b, kernel.loc, item,
                                    kernel.index(items - 1));
    SmallVector<Value> place = placeOf(kernel, item);
    if (workers == 1) {
      SmallVector<Value> sums =
          sumTerms(kernel, place, kernel.index(0), kernel.index(terms), 1,
                   formerAt(kernel, place));
      ifTrue(kernel, isItem, [&] { storeAt(kernel, place, sums); });
      kernel.launch(outside, "column_sums", grid);
      return;
    }
    // The terms of this block.
    Value first = kernel.threadY(), end = kernel.index(terms);
    if (splits > 1) {
      Value begin = kernel.mul(kernel.blockY(), length);
      first = kernel.add(first, begin);
      Value last = kernel.add(begin, kernel.index(length));
      end = terms % length == 0
                ? last
                : arith::MinUIOp::create(kernel.b, kernel.loc, end, last);
    }
    SmallVector<Value> init;
    for (unsigned i = 0; i < nest.numOutputs(); ++i)
      init.append(lanes, kernel.neutral(nest.combinerOf(i)));
    SmallVector<Value> sums =
        sumTerms(kernel, place, first, end, workers, init);
    Value mine = kernel.mul(
        kernel.add(kernel.mul(kernel.threadY(), threads), kernel.threadX()),
        lanes);
    SmallVector<Value> shared;
    for (unsigned i = 0; i < nest.numOutputs(); ++i) {
      ValueRange values = ValueRange(sums).slice(i * lanes, lanes);
      shared.push_back(
          kernel.makeShared(threads * workers * lanes, values[0].getType()));
      kernel.setLocal(shared.back(), shared.back(), Value());
      kernel.storeLanes(values, shared.back(), mine);
    }
    mlir::gpu::BarrierOp::create(kernel.b, kernel.loc);
    Value isFirst = kernel.isZero(kernel.threadY());
    Value isLast = arith::AndIOp::create(kernel.b, kernel.loc, isFirst, isItem);
    ifTrue(kernel, isLast, [&] {
      SmallVector<Value> totals;
      for (auto [i, memory] : llvm::enumerate(shared)) {
        SmallVector<Value> total;
        for (int64_t worker = 0; worker < workers; ++worker) {
          Value at = kernel.mul(
              kernel.add(kernel.threadX(), kernel.index(worker * threads)),
              lanes);
          add(kernel, i, total, kernel.loadLanes(memory, at, lanes));
        }
        llvm::append_range(totals, total);
      }
      if (splits > 1) {
        Value at = kernel.add(kernel.mul(kernel.blockY(), results),
                              kernel.mul(item, lanes));
        for (auto [i, part] : llvm::enumerate(parts))
          kernel.storeLanes(ValueRange(totals).slice(i * lanes, lanes), part,
                            at);
        return;
      }
      SmallVector<Value> former = formerAt(kernel, place);
      for (auto [i, total] : llvm::enumerate(totals))
        total = kernel.combine(nest.combinerOf(i / lanes), former[i], total);
      storeAt(kernel, place, totals);
    });
    kernel.launch(outside, "column_sums", grid, splits);
  }

  /// Combines `values` of output `i` into `total`, which may be empty.
  void add(KernelBuilder &kernel, unsigned i, SmallVector<Value> &total,
           ArrayRef<Value> values) {
    if (total.empty()) {
      total.assign(values.begin(), values.end());
      return;
    }
    for (auto [sum, value] : llvm::zip(total, values))
      sum = kernel.combine(nest.combinerOf(i), sum, value);
  }

  void outlineTotals(OpBuilder &outside, ArrayRef<Value> parts) {
    KernelBuilder kernel(kernels, nest.op.getLoc());
    constexpr int64_t threads = 32;
    kernel.setBlock(threads);
    int64_t items = results / lanes;
    Value item =
        kernel.add(kernel.mul(kernel.blockX(), threads), kernel.threadX());
    ifTrue(kernel, kernel.less(item, kernel.index(items)), [&] {
      SmallVector<Value> place = placeOf(kernel, item);
      SmallVector<Value> former = formerAt(kernel, place), totals;
      Value begin = kernel.mul(item, lanes);
      for (auto [i, part] : llvm::enumerate(parts)) {
        SmallVector<Value> total(
            ArrayRef<Value>(former).slice(i * lanes, lanes));
        for (int64_t split = 0; split < splits; ++split)
          add(kernel, i, total,
              kernel.loadLanes(part,
                               kernel.add(begin, kernel.index(split * results)),
                               lanes));
        llvm::append_range(totals, total);
      }
      storeAt(kernel, place, totals);
    });
    kernel.launch(outside, "column_totals", llvm::divideCeil(items, threads));
  }

  KernelModule &kernels;
  LoopNest nest;
  /// Extents, 1 for the other loops; `kept` in steps of `lanes`.
  SmallVector<int64_t> kept, summed;
  unsigned inner = 0; ///< the last loop that is kept
  int64_t results = 1, terms = 1, lanes = 1, workers = 1;
  int64_t splits = 1, length = 1; ///< parts of a result, terms of each
};
} // namespace

void pp::device::outlineColumnSums(KernelModule &kernels, LoopNest nest) {
  ColumnSums(kernels, std::move(nest)).outline();
}
