//===- ScatterAdd.cpp - Rows added to the rows that ids name --------------===//
//
// A block for each id. Only that of the first of equal ids goes on: it adds the
// rows of all of them in order, so that each row of the table is written by one
// block and the sums are those of a loop over ids. All threads of a block look
// for an id before, each warp at 128 ids at a time for those behind.
//
//===----------------------------------------------------------------------===//

#include "KernelTraffic.h"
#include "Kernels.h"
#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace pp::device;

namespace {
constexpr int64_t kChunks = 4; ///< of 32 ids, that a warp looks at at once

class ScatterAdd {
public:
  ScatterAdd(KernelModule &kernels, Location loc, Access ids, Access rows,
             Access table, int64_t count, int64_t columns)
      : kernel(kernels, loc), b(kernel.b), loc(loc), ids(std::move(ids)),
        rows(std::move(rows)), table(std::move(table)), count(count),
        columns(columns) {}

  void outline(OpBuilder &outside) {
    bool isContiguous = rows.strides[1] == 1 && table.strides[1] == 1 &&
                        columns % 4 == 0 && rows.strides[0] % 4 == 0 &&
                        table.strides[0] % 4 == 0 && rows.offset % 4 == 0 &&
                        table.offset % 4 == 0;
    lanes = isContiguous ? 4 : 1;
    int64_t items = columns / lanes;
    int64_t threads = std::min<int64_t>(256, llvm::alignTo(items, 32));
    kernel.setBlock(threads);
    group = {Group::Block, threads, kernel.threadX()};
    Value mine = kernel.blockX();
    Value id = idAt(mine);
    Value lane = kernel.rem(kernel.threadX(), 32);

    // Whether an id before is equal.
    Value found =
        scf::ForOp::create(
            b, loc, kernel.threadX(), mine, kernel.index(threads), zero(),
            [&](OpBuilder &builder, Location, Value other, ValueRange carried) {
              inside(builder, [&]() -> SmallVector<Value> {
                Value equal = arith::ExtUIOp::create(b, loc, b.getI32Type(),
                                                     isEqual(other, id));
                return {arith::OrIOp::create(b, loc, carried[0], equal)};
              });
            })
            .getResult(0);
    Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          overBlock(found, lane), zero());
    scf::IfOp::create(b, loc, isFirst, [&](OpBuilder &builder, Location) {
      inside(builder, [&]() -> SmallVector<Value> {
        addAll(mine, id, lane, items);
        return {};
      });
    });
    kernel.launch(outside, "scatter_add", count);
  }

private:
  Value zero() { return arith::ConstantIntOp::create(b, loc, 0, 32); }

  Value idAt(Value number) {
    return kernel.load(ids.root, kernel.position(ids, number));
  }

  Value isEqual(Value number, Value id) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, idAt(number),
                                 id);
  }

  void inside(OpBuilder &builder,
              llvm::function_ref<SmallVector<Value>()> body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(builder.getInsertionBlock());
    SmallVector<Value> results = body();
    scf::YieldOp::create(b, loc, results);
  }

  /// The bits of all lanes.
  Value overWarp(Value bits) {
    for (int64_t step = 16; step > 0; step /= 2)
      bits = arith::OrIOp::create(b, loc, bits, kernel.shuffleXor(bits, step));
    return bits;
  }

  /// The bits of all threads.
  Value overBlock(Value bits, Value lane) {
    bits = overWarp(bits);
    int64_t warps = group.size / 32;
    if (warps == 1)
      return bits;
    Value memory = kernel.makeShared(warps, b.getI32Type());
    scf::IfOp::create(b, loc, kernel.isZero(lane),
                      [&](OpBuilder &builder, Location) {
                        inside(builder, [&]() -> SmallVector<Value> {
                          memref::StoreOp::create(b, loc, bits, memory,
                                                  kernel.div(group.index, 32));
                          return {};
                        });
                      });
    mlir::gpu::BarrierOp::create(b, loc);
    Value all;
    for (int64_t warp = 0; warp < warps; ++warp) {
      Value part = memref::LoadOp::create(b, loc, memory, kernel.index(warp));
      all = all ? arith::OrIOp::create(b, loc, all, part) : part;
    }
    return all;
  }

  /// Chunks that a warp looks at, at most.
  double trips() const { return double(llvm::divideCeil(count, 32 * kChunks)); }

  /// Adds the rows of equal ids from `first` on.
  void addAll(Value first, Value id, Value lane, int64_t items) {
    // All threads take part in the search, also those without columns.
    int64_t steps = llvm::divideCeil(items, group.size);
    Value target = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
    scf::ForOp::create(
        b, loc, kernel.index(0), kernel.index(steps), kernel.index(1),
        ValueRange(),
        [&](OpBuilder &builder, Location, Value step, ValueRange) {
          inside(builder, [&]() -> SmallVector<Value> {
            Value item = kernel.add(kernel.mul(step, group.size), group.index);
            Value isItem = kernel.less(item, kernel.index(items));
            item =
                arith::MinUIOp::create(b, loc, item, kernel.index(items - 1));
            Value column = kernel.mul(item, lanes);
            Value at = kernel.position(table, {target, column});
            SmallVector<Value> sums = kernel.loadLanes(table.root, at, lanes);
            sums = addColumns(first, id, lane, column, sums);
            scf::IfOp::create(b, loc, isItem, [&](OpBuilder &then, Location) {
              inside(then, [&]() -> SmallVector<Value> {
                kernel.storeLanes(sums, table.root, at);
                return {};
              });
            });
            return {};
          });
        });
  }

  SmallVector<Value> addColumns(Value first, Value id, Value lane, Value column,
                                ValueRange sums) {
    Value lane32 = arith::IndexCastOp::create(b, loc, b.getI32Type(), lane);
    auto chunks = scf::ForOp::create(
        b, loc, first, kernel.index(count), kernel.index(32 * kChunks), sums,
        [&](OpBuilder &builder, Location, Value chunk, ValueRange carried) {
          inside(builder, [&] {
            SmallVector<Value> bits;
            Value any;
            for (int64_t part = 0; part < kChunks; ++part) {
              Value number =
                  kernel.add(kernel.add(chunk, lane), kernel.index(32 * part));
              Value isThere = kernel.less(number, kernel.index(count));
              Value safe = arith::MinUIOp::create(b, loc, number,
                                                  kernel.index(count - 1));
              Value hit =
                  arith::AndIOp::create(b, loc, isThere, isEqual(safe, id));
              bits.push_back(arith::ShLIOp::create(
                  b, loc, arith::ExtUIOp::create(b, loc, b.getI32Type(), hit),
                  lane32));
              any = any ? arith::OrIOp::create(b, loc, any, bits.back())
                        : bits.back();
            }
            // Most ids are others.
            Value isAny = arith::CmpIOp::create(
                b, loc, arith::CmpIPredicate::ne, overWarp(any), zero());
            auto added = scf::IfOp::create(
                b, loc, isAny,
                [&](OpBuilder &then, Location) {
                  inside(then, [&] {
                    SmallVector<Value> results(carried);
                    for (int64_t part = 0; part < kChunks; ++part)
                      results =
                          addHits(kernel.add(chunk, kernel.index(32 * part)),
                                  column, overWarp(bits[part]), results);
                    return results;
                  });
                },
                [&](OpBuilder &otherwise, Location) {
                  scf::YieldOp::create(otherwise, loc, carried);
                });
            return llvm::to_vector_of<Value>(added.getResults());
          });
        });
    chunks->setAttr(kTrips, b.getF64FloatAttr(trips()));
    return llvm::to_vector_of<Value>(chunks.getResults());
  }

  /// Adds the rows `chunk` + i for each bit i that is set, the lowest first.
  SmallVector<Value> addHits(Value chunk, Value column, Value bits,
                             ValueRange sums) {
    SmallVector<Value> init(sums);
    init.push_back(bits);
    auto loop = scf::WhileOp::create(
        b, loc, ValueRange(init).getTypes(), init,
        [&](OpBuilder &builder, Location, ValueRange carried) {
          Value more =
              arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                    carried.back(), zeroAt(builder));
          scf::ConditionOp::create(builder, loc, more, carried);
        },
        [&](OpBuilder &builder, Location, ValueRange carried) {
          inside(builder, [&] {
            Value left = carried.back();
            Value number = arith::IndexCastUIOp::create(
                b, loc, b.getIndexType(),
                math::CountTrailingZerosOp::create(b, loc, left));
            Value row = kernel.add(chunk, number);
            SmallVector<Value> values = kernel.loadLanes(
                rows.root, kernel.position(rows, {row, column}), lanes);
            SmallVector<Value> results;
            for (auto [sum, value] : llvm::zip(carried.drop_back(), values)) {
              if (value.getType() != sum.getType())
                value = arith::ExtFOp::create(b, loc, sum.getType(), value);
              results.push_back(arith::AddFOp::create(b, loc, sum, value));
            }
            Value one = arith::ConstantIntOp::create(b, loc, 1, 32);
            results.push_back(arith::AndIOp::create(
                b, loc, left, arith::SubIOp::create(b, loc, left, one)));
            return results;
          });
        });
    // Each row is added once, by some block and part of a chunk.
    loop->setAttr(kTrips, b.getF64FloatAttr(1 / (kChunks * trips())));
    return llvm::to_vector_of<Value>(loop.getResults().drop_back());
  }

  Value zeroAt(OpBuilder &builder) {
    return arith::ConstantIntOp::create(builder, loc, 0, 32);
  }

  KernelBuilder kernel;
  OpBuilder &b;
  Location loc;
  Access ids, rows, table;
  int64_t count, columns, lanes = 1;
  Group group;
};
} // namespace

static LogicalResult outlineScatterAdd(KernelModule &kernels,
                                       pp::kernel::ScatterAddOp op) {
  FailureOr<Access> ids = accessOf(op.getIds(), op);
  FailureOr<Access> rows = accessOf(op.getRows(), op);
  FailureOr<Access> table = accessOf(op.getTable(), op);
  if (failed(ids) || failed(rows) || failed(table))
    return failure();
  auto shape = cast<MemRefType>(op.getRows().getType()).getShape();
  OpBuilder outside(op);
  ScatterAdd(kernels, op.getLoc(), *ids, *rows, *table, shape[0], shape[1])
      .outline(outside);
  op.erase();
  return success();
}

namespace {
struct ScatterAddKernels
    : DeviceKernelOpInterface::ExternalModel<ScatterAddKernels,
                                             pp::kernel::ScatterAddOp> {
  LogicalResult outlineKernels(Operation *op, KernelModule &kernels) const {
    return outlineScatterAdd(kernels, cast<pp::kernel::ScatterAddOp>(op));
  }
};
} // namespace

void pp::device::attachScatterAddKernels(MLIRContext &context) {
  pp::kernel::ScatterAddOp::attachInterface<ScatterAddKernels>(context);
}
