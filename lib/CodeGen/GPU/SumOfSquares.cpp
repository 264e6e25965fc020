//===- SumOfSquares.cpp - Square norms ------------------------------------===//
//
// Two kernels: blocks sum what is theirs, then one block sums what they have
// left. Which thread takes which elements is the contract of the op: its bits
// do not follow from the device. Neighbouring threads have neighbouring
// elements, so that loads of a warp are contiguous.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace pp::device;

namespace {
class BlockSums {
public:
  BlockSums(KernelModule &kernels, Location loc)
      : kernel(kernels, loc), b(kernel.b), loc(loc) {
    kernel.setBlock(kThreads);
  }

  /// Sums what `term` makes of the elements of `input` and stores the sum of
  /// each block in `sums`.
  void outline(OpBuilder &outside, Access input, Access sums, int64_t blocks,
               llvm::function_ref<Value(Value)> term) {
    const int64_t elements = input.rootType().getNumElements();
    Value thread = kernel.threadX();
    Value first =
        blocks == 1 ? thread
                    : kernel.add(kernel.mul(kernel.blockX(), kThreads), thread);
    Value zero = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(0));
    auto mine = scf::ForOp::create(
        b, loc, first, kernel.index(elements), kernel.index(blocks * kThreads),
        zero, [&](OpBuilder &builder, Location, Value i, ValueRange sum) {
          inside(builder, [&]() -> SmallVector<Value> {
            Value x = term(kernel.load(input.root, kernel.position(input, i)));
            return {arith::AddFOp::create(b, loc, sum[0], x)};
          });
        });
    Value shared = kernel.makeShared(kThreads, b.getF64Type());
    memref::StoreOp::create(b, loc, mine.getResult(0), shared, thread);
    Group group{Group::Block, kThreads, thread};
    kernel.synchronize(group);
    for (int64_t half = kThreads / 2; half > 0; half /= 2) {
      scf::IfOp::create(
          b, loc, kernel.less(thread, kernel.index(half)),
          [&](OpBuilder &builder, Location) {
            inside(builder, [&]() -> SmallVector<Value> {
              Value other = kernel.add(thread, kernel.index(half));
              Value sum = arith::AddFOp::create(
                  b, loc, memref::LoadOp::create(b, loc, shared, thread),
                  memref::LoadOp::create(b, loc, shared, other));
              memref::StoreOp::create(b, loc, sum, shared, thread);
              return {};
            });
          });
      kernel.synchronize(group);
    }
    scf::IfOp::create(
        b, loc, kernel.isZero(thread), [&](OpBuilder &builder, Location) {
          inside(builder, [&]() -> SmallVector<Value> {
            Value sum = memref::LoadOp::create(b, loc, shared, kernel.index(0));
            Value at = sums.strides.empty()
                           ? kernel.position(sums, {})
                           : kernel.position(sums, kernel.blockX());
            kernel.store(sum, sums.root, at);
            return {};
          });
        });
    kernel.launch(outside, "sum_of_squares", blocks);
  }

  /// In f64.
  Value square(Value x) {
    Value wide = arith::ExtFOp::create(b, loc, b.getF64Type(), x);
    return arith::MulFOp::create(b, loc, wide, wide);
  }

private:
  static constexpr int64_t kThreads = pp::kernel::SumOfSquaresOp::kThreads;

  void inside(OpBuilder &builder,
              llvm::function_ref<SmallVector<Value>()> body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(builder.getInsertionBlock());
    SmallVector<Value> results = body();
    scf::YieldOp::create(b, loc, results);
  }

  KernelBuilder kernel;
  OpBuilder &b;
  Location loc;
};
} // namespace

static LogicalResult outlineSumOfSquares(KernelModule &kernels,
                                         pp::kernel::SumOfSquaresOp op) {
  FailureOr<Access> input = accessOf(op.getInput(), op),
                    sum = accessOf(op.getSum(), op),
                    partials = accessOf(op.getPartials(), op);
  if (failed(input) || failed(sum) || failed(partials))
    return failure();
  Location loc = op.getLoc();
  OpBuilder outside(op);
  BlockSums squares(kernels, loc);
  const int64_t blocks = partials->rootType().getNumElements();
  squares.outline(outside, *input, *partials, blocks,
                  [&](Value x) { return squares.square(x); });
  BlockSums(kernels, loc).outline(outside, *partials, *sum, 1, [](Value x) {
    return x;
  });
  op.erase();
  return success();
}

namespace {
struct SumOfSquaresKernels
    : DeviceKernelOpInterface::ExternalModel<SumOfSquaresKernels,
                                             pp::kernel::SumOfSquaresOp> {
  LogicalResult outlineKernels(Operation *op, KernelModule &kernels) const {
    return outlineSumOfSquares(kernels, cast<pp::kernel::SumOfSquaresOp>(op));
  }
};
} // namespace

void pp::device::attachSumOfSquaresKernels(MLIRContext &context) {
  pp::kernel::SumOfSquaresOp::attachInterface<SumOfSquaresKernels>(context);
}
