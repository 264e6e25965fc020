//===- Collectives.cpp - Collectives of layers ----------------------------===//
//
// The runtime moves parts that lie one behind the other, along a first
// dimension that counts members. So a collective along another dimension is one
// along the first, with that dimension cut in two and its outer half brought to
// the front, before or behind. Where only dimensions of one element stand
// before it, that is a reshape.
//
// Sums of bf16 are taken in f32. A maximum is that of what has been gathered.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include <numeric>

using namespace mlir;
using namespace pp;
using kernel::CollectiveKind;

using Shape = SmallVector<int64_t>;

namespace {
/// A collective over some axes, and where its parts are in tensors.
class Group {
public:
  Group(Emitter &emitter, comm::CollectiveOpInterface op)
      : emitter(emitter), axes(op.getAxes()),
        members(*findMesh(op).getGroupSize(op.getAxes())) {}

  int64_t size() const { return members; }

  Value collective(CollectiveKind kind, Value input, ArrayRef<int64_t> shape) {
    OpBuilder &builder = emitter.builder;
    Value out = emitter.empty(shape, elementOf(input));
    Value scratch = emitter.empty({0}, builder.getF32Type());
    auto call = kernel::CollectiveOp::create(
        builder, emitter.loc, TypeRange{out.getType(), scratch.getType()},
        kernel::CollectivePhaseAttr(), kind, input, out, scratch, axes, members,
        /*slot=*/IntegerAttr(), /*number=*/IntegerAttr());
    return emitter.addWorkspace(call)->getResult(0);
  }

  /// A dimension of members in front, in place of a part of dimension `dim`.
  Value split(Value value, int64_t dim) {
    Shape shape(shapeOf(value));
    Shape cut = shape;
    cut[dim] /= members;
    cut.insert(cut.begin() + dim, members);
    value = emitter.reshape(value, cut);
    return move(value, dim, 0);
  }

  /// The first dimension, of members, in front of the following `dim`, with
  /// which it becomes one.
  Value join(Value value, int64_t dim) {
    value = move(value, 0, dim);
    Shape shape(shapeOf(value));
    shape[dim] *= shape[dim + 1];
    shape.erase(shape.begin() + dim + 1);
    return emitter.reshape(value, shape);
  }

  /// The number of this rank in the group.
  Value coordinate() { return emitter.coordinate(axes); }

private:
  /// The dimension `from` at the place `to`.
  Value move(Value value, int64_t from, int64_t to) {
    Shape order(shapeOf(value).size());
    std::iota(order.begin(), order.end(), 0);
    order.erase(order.begin() + from);
    order.insert(order.begin() + to, from);
    Shape shape;
    bool passesElements = false;
    for (int64_t dim : order)
      shape.push_back(shapeOf(value)[dim]);
    for (int64_t dim = std::min(from, to); dim < std::max(from, to); ++dim)
      passesElements |= shapeOf(value)[dim + (from < to)] != 1;
    if (!passesElements)
      return emitter.reshape(value, shape);
    Shape loops(order.size());
    std::iota(loops.begin(), loops.end(), 0);
    // Loops are those of the result; the operand has them in its own order.
    Shape ofValue(order.size());
    for (auto [place, dim] : llvm::enumerate(order))
      ofValue[dim] = int64_t(place);
    return emitter.generic(
        int64_t(order.size()), {}, {{value, ofValue}},
        {{emitter.empty(shape, elementOf(value)), loops}},
        [](Emitter &, ValueRange scalars) -> SmallVector<Value> {
          return {scalars[0]};
        })[0];
  }

  Emitter &emitter;
  ArrayAttr axes;
  int64_t members;
};

template <typename OpT> struct Lower : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    if (!findMesh(op))
      return op.emitOpError("found no mesh in the module, expected one");
    Emitter emitter(rewriter, op.getLoc());
    Group group(emitter, op);
    rewriter.replaceOp(op, lower(op, emitter, group));
    return success();
  }

private:
  static Value lower(comm::AllReduceOp op, Emitter &emitter, Group &group) {
    auto type = cast<RankedTensorType>(op.getType());
    if (op.getReduction() == comm::Reduction::Sum)
      return emitter.finish(group.collective(CollectiveKind::AllReduce,
                                             emitter.widen(op.getInput()),
                                             type.getShape()),
                            type);
    Value input = op.getInput();
    Shape gathered(shapeOf(input));
    gathered.insert(gathered.begin(), group.size());
    Value all = group.collective(CollectiveKind::AllGather, input, gathered);
    // Members in order, the first as the begin.
    const int64_t rank = type.getRank();
    Shape loops(rank + 1), ofOut(rank);
    std::iota(loops.begin(), loops.end(), 0);
    std::iota(ofOut.begin(), ofOut.end(), 1);
    Value least = emitter.filled(type.getShape(), type.getElementType(),
                                 -std::numeric_limits<double>::infinity());
    return emitter.generic(
        rank + 1, {0}, {{all, loops}}, {{least, ofOut}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.maximum(scalars[0], scalars[1])};
        })[0];
  }

  static Value lower(comm::AllGatherOp op, Emitter &, Group &group) {
    Shape gathered(shapeOf(op.getInput()));
    gathered.insert(gathered.begin(), group.size());
    return group.join(
        group.collective(CollectiveKind::AllGather, op.getInput(), gathered),
        static_cast<int64_t>(op.getDim()));
  }

  static Value lower(comm::ReduceScatterOp op, Emitter &emitter, Group &group) {
    auto type = cast<RankedTensorType>(op.getType());
    Value parts = group.split(emitter.widen(op.getInput()),
                              static_cast<int64_t>(op.getDim()));
    return emitter.finish(
        group.collective(CollectiveKind::ReduceScatter, parts, type.getShape()),
        type);
  }

  static Value lower(comm::AllToAllOp op, Emitter &, Group &group) {
    Value parts =
        group.split(op.getInput(), static_cast<int64_t>(op.getSplit()));
    Shape shape(shapeOf(parts));
    return group.join(group.collective(CollectiveKind::AllToAll, parts, shape),
                      static_cast<int64_t>(op.getConcat()));
  }

  static Value lower(comm::VaryOp op, Emitter &, Group &) {
    return op.getInput();
  }

  static Value lower(comm::SliceOp op, Emitter &emitter, Group &group) {
    Value coordinate = group.coordinate(), input = op.getInput();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
    const auto dim = static_cast<int64_t>(op.getDim());
    Shape loops(shape.size());
    std::iota(loops.begin(), loops.end(), 0);
    return emitter.generic(
        int64_t(shape.size()), {}, {{coordinate, {}}},
        {{emitter.empty(shape, elementOf(input)), loops}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          SmallVector<Value> indices;
          for (size_t i = 0; i < shape.size(); ++i)
            indices.push_back(inner.index(int64_t(i)));
          indices[dim] = offset(inner, indices[dim], scalars[0], shape[dim]);
          return {tensor::ExtractOp::create(inner.builder, inner.loc, input,
                                            indices)};
        })[0];
  }

  static Value lower(comm::IotaOp op, Emitter &emitter, Group &group) {
    auto type = cast<RankedTensorType>(op.getType());
    Value coordinate = group.coordinate();
    const auto dim = static_cast<int64_t>(op.getDim());
    Shape loops(type.getRank());
    std::iota(loops.begin(), loops.end(), 0);
    return emitter.generic(
        type.getRank(), {}, {{coordinate, {}}},
        {{emitter.empty(type.getShape(), type.getElementType()), loops}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value index =
              offset(inner, inner.index(dim), scalars[0], type.getDimSize(dim));
          return {arith::IndexCastOp::create(inner.builder, inner.loc,
                                             type.getElementType(), index)};
        })[0];
  }

  /// Where element `index` of this rank's part of so many is in the whole.
  static Value offset(Emitter &emitter, Value index, Value coordinate,
                      int64_t part) {
    OpBuilder &builder = emitter.builder;
    Value begin = arith::MulIOp::create(
        builder, emitter.loc, emitter.toIndex(coordinate),
        arith::ConstantIndexOp::create(builder, emitter.loc, part));
    return arith::AddIOp::create(builder, emitter.loc, begin, index);
  }
};

struct LowerDetach : OpRewritePattern<comm::DetachOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(comm::DetachOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};
} // namespace

void pp::populateCollectivePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerDetach, Lower<comm::AllReduceOp>, Lower<comm::AllGatherOp>,
               Lower<comm::ReduceScatterOp>, Lower<comm::AllToAllOp>,
               Lower<comm::VaryOp>, Lower<comm::SliceOp>, Lower<comm::IotaOp>>(
      patterns.getContext());
}
