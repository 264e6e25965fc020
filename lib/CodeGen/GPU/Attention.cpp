//===- Attention.cpp - Kernels for attention where no library is ----------===//
//
// A warp for each query, or for the adjoint of keys and values for each key. It
// walks the other side in chunks of 32: each lane computes one score, then the
// lanes share the columns of the sum over the chunk. Nothing of the size of all
// scores is stored: the forward pass keeps a running maximum and scales what it
// has when that grows, the adjoints compute probabilities again from lse. Sums
// have a fixed order.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <limits>

using namespace mlir;
using namespace pp::device;

namespace {
constexpr int64_t kWarps = 4; ///< of a block

/// A matrix argument of a kernel: rows of positions, heads side by side.
struct Matrix {
  Value memory;
  int64_t leading = 0;
  int64_t lanes = 1; ///< elements of a row that are loaded at once
};

class AttentionKernel {
public:
  template <typename OpTy>
  AttentionKernel(KernelModule &kernels, OpTy op)
      : kernel(kernels, op.getLoc()), b(kernel.b), loc(op.getLoc()),
        batch(op.getBatch()), heads(op.getHeads()), groups(op.getKvHeads()),
        scale(op.getScale().convertToDouble()), causal(op.getCausal()) {
    auto query = cast<MemRefType>(op.getQuery().getType());
    auto key = cast<MemRefType>(op.getKey().getType());
    t = query.getDimSize(0) / batch;
    s = key.getDimSize(0) / batch;
    d = query.getDimSize(1) / heads;
    kernel.setBlock(32 * kWarps);
    lane = kernel.rem(kernel.threadX(), 32);
    warp = kernel.div(kernel.threadX(), 32);
  }

  void forward(pp::kernel::AttentionOp op);
  void gradQuery(pp::kernel::AttentionGradOp op);
  void gradKey(pp::kernel::AttentionGradOp op);

private:
  using Values = SmallVector<Value>;

  Matrix matrix(Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    (void)type.getStridesAndOffset(strides, offset);
    Matrix result;
    result.leading = strides[0];
    result.memory = kernel.addBuffer((type.getDimSize(0) - 1) * strides[0] +
                                         type.getDimSize(1),
                                     type.getElementType());
    int64_t lanes = 4;
    while (d % lanes != 0 || strides[0] % lanes != 0 || offset % lanes != 0)
      lanes /= 2;
    result.lanes = lanes;
    return result;
  }
  Value vector(Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    return kernel.addBuffer(type.getNumElements(), type.getElementType());
  }
  /// Documents of all positions, behind all other buffers; null without.
  Value documentsOf(Value buffer) { return buffer ? vector(buffer) : Value(); }
  /// `isSeen`, and only where positions `x` and `y` are of one document.
  Value inDocument(Value isSeen, Value documents, Value x, Value y) {
    if (!documents)
      return isSeen;
    return arith::AndIOp::create(
        b, loc, isSeen,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                              kernel.load(documents, x),
                              kernel.load(documents, y)));
  }
  void addUnused(Value buffer) { (void)vector(buffer); }

  Value number(double value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Value plus(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value minus(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value times(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value smaller(Value x, Value y) {
    return arith::MinSIOp::create(b, loc, x, y);
  }
  Value larger(Value x, Value y) {
    return arith::MaxSIOp::create(b, loc, x, y);
  }
  Value isLess(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
  }
  Value widen(Value x) {
    return x.getType().isF32()
               ? x
               : Value(arith::ExtFOp::create(b, loc, b.getF32Type(), x));
  }
  Value narrow(Value x, Type type) {
    return type.isF32() ? x : Value(arith::TruncFOp::create(b, loc, type, x));
  }

  /// Where row `row` of head `head` starts.
  Value start(const Matrix &matrix, Value row, Value head) {
    return kernel.add(kernel.mul(row, matrix.leading), kernel.mul(head, d));
  }
  Values loop(Value from, Value to, int64_t step, ValueRange init,
              llvm::function_ref<Values(Value, ValueRange)> body) {
    auto created = scf::ForOp::create(
        b, loc, from, to, kernel.index(step), init,
        [&](OpBuilder &builder, Location, Value iv, ValueRange carried) {
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToEnd(builder.getInsertionBlock());
          Values results = body(iv, carried);
          scf::YieldOp::create(b, loc, results);
        });
    return llvm::to_vector_of<Value>(created.getResults());
  }
  void ifTrue(Value condition, llvm::function_ref<void()> body) {
    scf::IfOp::create(b, loc, condition, [&](OpBuilder &builder, Location) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(builder.getInsertionBlock());
      body();
      scf::YieldOp::create(b, loc);
    });
  }

  /// Sum of products of two rows.
  Value dot(const Matrix &x, Value xStart, const Matrix &y, Value yStart) {
    int64_t lanes = std::min(x.lanes, y.lanes);
    return loop(kernel.index(0), kernel.index(d), lanes, number(0),
                [&](Value column, ValueRange carried) -> Values {
                  Values xs = kernel.loadLanes(
                      x.memory, kernel.add(xStart, column), lanes);
                  Values ys = kernel.loadLanes(
                      y.memory, kernel.add(yStart, column), lanes);
                  Value sum = carried[0];
                  for (auto [xValue, yValue] : llvm::zip(xs, ys))
                    sum = plus(sum, times(widen(xValue), widen(yValue)));
                  return {sum};
                })[0];
  }

  /// The columns of this lane, those beyond the end repeating the last.
  Values columns() {
    Values result;
    for (int64_t first = 0; first < d; first += 32) {
      Value column = kernel.add(lane, kernel.index(first));
      result.push_back(first + 32 <= d ? column
                                       : smaller(column, kernel.index(d - 1)));
    }
    return result;
  }
  Values zeros() { return Values(llvm::divideCeil(d, 32), number(0)); }

  /// Sums + factor * row, on the columns of this lane.
  Values addRow(ValueRange sums, Value factor, const Matrix &matrix, Value row,
                Value head) {
    Value from = start(matrix, row, head);
    Values results;
    for (auto [sum, column] : llvm::zip(sums, columns()))
      results.push_back(plus(
          sum, times(factor, widen(kernel.load(matrix.memory,
                                               kernel.add(from, column))))));
    return results;
  }

  void storeRow(ValueRange values, const Matrix &matrix, Value row,
                Value head) {
    Value from = start(matrix, row, head);
    Type element = cast<MemRefType>(matrix.memory.getType()).getElementType();
    for (auto [i, value] : llvm::enumerate(values)) {
      Value column = kernel.add(lane, kernel.index(32 * i));
      Value at = kernel.add(from, column);
      Value stored = narrow(value, element);
      auto store = [&, stored = stored] {
        kernel.store(stored, matrix.memory, at);
      };
      if (32 * int64_t(i + 1) <= d)
        store();
      else
        ifTrue(kernel.less(column, kernel.index(d)), store);
    }
  }

  template <typename OpTy> Value overWarp(Value value) {
    for (int64_t step = 16; step > 0; step /= 2)
      value = OpTy::create(b, loc, value, kernel.shuffleXor(value, step));
    return value;
  }

  /// A place for one number of each lane.
  Value makeExchange() {
    return kernel.makeShared(32 * kWarps, b.getF32Type());
  }
  Value exchangeAt(Value memory, Value index) {
    return memref::LoadOp::create(
        b, loc, memory, ValueRange{kernel.add(kernel.mul(warp, 32), index)});
  }
  void setExchange(Value memory, Value value) {
    memref::StoreOp::create(b, loc, value, memory,
                            ValueRange{kernel.threadX()});
  }
  void syncWarp() { kernel.synchronize({Group::Warp, 32, lane}); }

  /// Builds `body` for the warps that have one of `count` items.
  void forWarp(int64_t count, llvm::function_ref<void(Value)> body) {
    Value item = kernel.add(kernel.mul(kernel.blockX(), kWarps), warp);
    grid = llvm::divideCeil(count, kWarps);
    if (count % kWarps == 0)
      return body(item);
    ifTrue(kernel.less(item, kernel.index(count)), [&] { body(item); });
  }

  /// Number of keys that query `i` sees, from the first on.
  Value visibleKeys(Value i) {
    if (!causal)
      return kernel.index(s);
    return smaller(
        larger(kernel.add(i, kernel.index(s - t + 1)), kernel.index(0)),
        kernel.index(s));
  }
  Value chunkEnd(Value chunk, Value limit) {
    return smaller(arith::SubIOp::create(b, loc, limit, chunk).getResult(),
                   kernel.index(32));
  }

  void finish(Operation *op, StringRef name, StringRef attribute) {
    mlir::gpu::GPUFuncOp made = kernel.finish(name);
    op->setAttr(attribute,
                b.getDictionaryAttr(
                    {b.getNamedAttr("kernel", made.getNameAttr()),
                     b.getNamedAttr("sizes", b.getDenseI64ArrayAttr(
                                                 {grid, 1, 1, 32 * kWarps}))}));
  }

  KernelBuilder kernel;
  OpBuilder &b;
  Location loc;
  int64_t batch, heads, groups, t = 0, s = 0, d = 0;
  double scale;
  bool causal;
  int64_t grid = 1;
  Value lane, warp;
};
} // namespace

void AttentionKernel::forward(pp::kernel::AttentionOp op) {
  Matrix q = matrix(op.getQuery()), k = matrix(op.getKey()),
         v = matrix(op.getValue()), out = matrix(op.getOut());
  Value lse = vector(op.getLse());
  addUnused(op.getWorkspace());
  Value documents = documentsOf(op.getDocuments());
  Value shared = makeExchange();
  constexpr double lowest = -1e30;
  forWarp(batch * heads * t, [&](Value item) {
    Values place = kernel.delinearize(item, {batch, heads, t});
    Value row = kernel.add(kernel.mul(place[0], t), place[2]);
    Value group = kernel.div(place[1], heads / groups);
    Value firstKey = kernel.mul(place[0], s);
    Value limit = visibleKeys(place[2]);
    Value from = start(q, row, place[1]);
    Values init = zeros();
    init.append({number(lowest), number(0)});
    Values state =
        loop(kernel.index(0), limit, 32, init,
             [&](Value chunk, ValueRange carried) -> Values {
               Value key = kernel.add(chunk, lane);
               Value isSeen = isLess(key, limit);
               Value keyRow =
                   kernel.add(firstKey, smaller(key, kernel.index(s - 1)));
               isSeen = inDocument(isSeen, documents, row, keyRow);
               Value score = times(dot(q, from, k, start(k, keyRow, group)),
                                   number(scale));
               score = select(isSeen, score, number(lowest));
               Value before = carried[carried.size() - 2], sum = carried.back();
               Value top = arith::MaximumFOp::create(
                   b, loc, before, overWarp<arith::MaximumFOp>(score));
               Value power = select(isSeen, exp(minus(score, top)), number(0));
               Value shrink = exp(minus(before, top));
               sum = plus(times(sum, shrink), overWarp<arith::AddFOp>(power));
               setExchange(shared, power);
               syncWarp();
               Values sums;
               for (Value value : carried.drop_back(2))
                 sums.push_back(times(value, shrink));
               sums = loop(kernel.index(0), chunkEnd(chunk, limit), 1, sums,
                           [&](Value other, ValueRange inner) -> Values {
                             Value otherRow =
                                 kernel.add(firstKey, kernel.add(chunk, other));
                             return addRow(inner, exchangeAt(shared, other), v,
                                           otherRow, group);
                           });
               syncWarp();
               sums.append({top, sum});
               return sums;
             });
    Value top = state[state.size() - 2], sum = state.back();
    state.truncate(state.size() - 2);
    // A row that sees no key is 0, its lse -infinity.
    Value isSome = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, sum,
                                         number(0));
    for (Value &value : state)
      value =
          select(isSome, arith::DivFOp::create(b, loc, value, sum).getResult(),
                 number(0));
    storeRow(state, out, row, place[1]);
    Value log =
        plus(top, math::LogOp::create(b, loc, select(isSome, sum, number(1))));
    Value result =
        select(isSome, log, number(-std::numeric_limits<double>::infinity()));
    Type lseType = cast<MemRefType>(lse.getType()).getElementType();
    ifTrue(kernel.isZero(lane),
           [&] { kernel.store(narrow(result, lseType), lse, item); });
  });
  finish(op, "attention", "pp.fallback");
}

void AttentionKernel::gradQuery(pp::kernel::AttentionGradOp op) {
  Matrix q = matrix(op.getQuery()), k = matrix(op.getKey()),
         v = matrix(op.getValue()), out = matrix(op.getOut());
  Value lse = vector(op.getLse());
  Matrix dout = matrix(op.getDout()), dq = matrix(op.getDquery());
  (void)matrix(op.getDkey());
  (void)matrix(op.getDvalue());
  // For the second kernel: a number for each query.
  Value deltas = kernel.addBuffer(batch * heads * t, b.getF32Type());
  Value documents = documentsOf(op.getDocuments());
  Value shared = makeExchange();
  forWarp(batch * heads * t, [&](Value item) {
    Values place = kernel.delinearize(item, {batch, heads, t});
    Value row = kernel.add(kernel.mul(place[0], t), place[2]);
    Value group = kernel.div(place[1], heads / groups);
    Value firstKey = kernel.mul(place[0], s);
    Value limit = visibleKeys(place[2]);
    Value from = start(q, row, place[1]);
    Value doutFrom = start(dout, row, place[1]);
    // All lanes the same, in the order of columns.
    Value delta = dot(dout, doutFrom, out, start(out, row, place[1]));
    Value top = widen(kernel.load(lse, item));
    Values sums =
        loop(kernel.index(0), limit, 32, zeros(),
             [&](Value chunk, ValueRange carried) -> Values {
               Value key = kernel.add(chunk, lane);
               Value isSeen = isLess(key, limit);
               Value keyRow =
                   kernel.add(firstKey, smaller(key, kernel.index(s - 1)));
               isSeen = inDocument(isSeen, documents, row, keyRow);
               Value keyFrom = start(k, keyRow, group);
               Value score = times(dot(q, from, k, keyFrom), number(scale));
               Value p = exp(minus(score, top));
               Value dp = dot(dout, doutFrom, v, start(v, keyRow, group));
               Value ds = times(times(p, minus(dp, delta)), number(scale));
               setExchange(shared, select(isSeen, ds, number(0)));
               syncWarp();
               Values next =
                   loop(kernel.index(0), chunkEnd(chunk, limit), 1, carried,
                        [&](Value other, ValueRange inner) -> Values {
                          Value otherRow =
                              kernel.add(firstKey, kernel.add(chunk, other));
                          return addRow(inner, exchangeAt(shared, other), k,
                                        otherRow, group);
                        });
               syncWarp();
               return next;
             });
    storeRow(sums, dq, row, place[1]);
    ifTrue(kernel.isZero(lane), [&] { kernel.store(delta, deltas, item); });
  });
  finish(op, "attention_grad_query", "pp.fallback");
}

void AttentionKernel::gradKey(pp::kernel::AttentionGradOp op) {
  Matrix q = matrix(op.getQuery()), k = matrix(op.getKey()),
         v = matrix(op.getValue());
  (void)matrix(op.getOut());
  Value lse = vector(op.getLse());
  Matrix dout = matrix(op.getDout());
  (void)matrix(op.getDquery());
  Matrix dk = matrix(op.getDkey()), dv = matrix(op.getDvalue());
  Value deltas = kernel.addBuffer(batch * heads * t, b.getF32Type());
  Value documents = documentsOf(op.getDocuments());
  Value sharedP = makeExchange(), sharedDs = makeExchange();
  int64_t perGroup = heads / groups;
  forWarp(batch * groups * s, [&](Value item) {
    Values place = kernel.delinearize(item, {batch, groups, s});
    Value keyRow = kernel.add(kernel.mul(place[0], s), place[2]);
    Value keyFrom = start(k, keyRow, place[1]);
    Value valueFrom = start(v, keyRow, place[1]);
    Value firstQuery = kernel.mul(place[0], t);
    // The first query that sees this key, and the chunk that it is in.
    Value first = kernel.index(0);
    if (causal)
      first =
          larger(arith::SubIOp::create(b, loc, place[2], kernel.index(s - t)),
                 kernel.index(0));
    Value firstChunk = kernel.mul(kernel.div(first, 32), 32);
    Values init = zeros();
    init.append(zeros());
    Values sums = loop(
        kernel.index(0), kernel.index(perGroup), 1, init,
        [&](Value number_, ValueRange overHeads) -> Values {
          Value head = kernel.add(kernel.mul(place[1], perGroup), number_);
          Value firstRow =
              kernel.mul(kernel.add(kernel.mul(place[0], heads), head), t);
          return loop(
              firstChunk, kernel.index(t), 32, overHeads,
              [&](Value chunk, ValueRange carried) -> Values {
                Value query = kernel.add(chunk, lane);
                Value isSeen = arith::AndIOp::create(
                    b, loc, isLess(query, kernel.index(t)),
                    arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                          query, first));
                Value safe = smaller(query, kernel.index(t - 1));
                Value row = kernel.add(firstQuery, safe);
                isSeen = inDocument(isSeen, documents, row, keyRow);
                Value number = kernel.add(firstRow, safe);
                Value score = times(dot(q, start(q, row, head), k, keyFrom),
                                    this->number(scale));
                Value p = exp(minus(score, widen(kernel.load(lse, number))));
                Value dp = dot(dout, start(dout, row, head), v, valueFrom);
                Value ds =
                    times(times(p, minus(dp, kernel.load(deltas, number))),
                          this->number(scale));
                Value zero = this->number(0);
                setExchange(sharedP, select(isSeen, p, zero));
                setExchange(sharedDs, select(isSeen, ds, zero));
                syncWarp();
                Values next =
                    loop(kernel.index(0), chunkEnd(chunk, kernel.index(t)), 1,
                         carried, [&](Value other, ValueRange inner) -> Values {
                           Value otherRow =
                               kernel.add(firstQuery, kernel.add(chunk, other));
                           size_t half = inner.size() / 2;
                           Values results = addRow(inner.take_front(half),
                                                   exchangeAt(sharedDs, other),
                                                   q, otherRow, head);
                           results.append(addRow(inner.drop_front(half),
                                                 exchangeAt(sharedP, other),
                                                 dout, otherRow, head));
                           return results;
                         });
                syncWarp();
                return next;
              });
        });
    ArrayRef<Value> all = sums;
    storeRow(all.take_front(all.size() / 2), dk, keyRow, place[1]);
    storeRow(all.drop_front(all.size() / 2), dv, keyRow, place[1]);
  });
  finish(op, "attention_grad_key", "pp.fallback2");
}

/// A lane holds a number for each 32nd column of a head, twice in adjoints.
template <typename OpTy> static LogicalResult verifyHead(OpTy op) {
  constexpr int64_t most = 4096;
  int64_t columns =
      cast<MemRefType>(op.getQuery().getType()).getDimSize(1) / op.getHeads();
  if (columns <= most)
    return success();
  return op.emitOpError("found heads of ")
         << columns << " elements, expected at most " << most
         << " in a program for GPUs; use more heads";
}

namespace {
struct AttentionKernels
    : DeviceKernelOpInterface::ExternalModel<AttentionKernels,
                                             pp::kernel::AttentionOp> {
  LogicalResult outlineKernels(Operation *op, KernelModule &kernels) const {
    auto attention = cast<pp::kernel::AttentionOp>(op);
    if (failed(verifyHead(attention)))
      return failure();
    AttentionKernel(kernels, attention).forward(attention);
    return success();
  }
};

struct AttentionGradKernels
    : DeviceKernelOpInterface::ExternalModel<AttentionGradKernels,
                                             pp::kernel::AttentionGradOp> {
  LogicalResult outlineKernels(Operation *op, KernelModule &kernels) const {
    auto grad = cast<pp::kernel::AttentionGradOp>(op);
    if (failed(verifyHead(grad)))
      return failure();
    AttentionKernel(kernels, grad).gradQuery(grad);
    AttentionKernel(kernels, grad).gradKey(grad);
    return success();
  }
};
} // namespace

void pp::device::attachAttentionKernels(MLIRContext &context) {
  pp::kernel::AttentionOp::attachInterface<AttentionKernels>(context);
  pp::kernel::AttentionGradOp::attachInterface<AttentionGradKernels>(context);
}
