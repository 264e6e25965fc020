//===- Embedding.cpp - Rows of a table and their gradient -----------------===//
//
// The gradient adds rows to a table in the order of positions, one after the
// other: two positions may hold the same id.
// Where a part of the table has not a row, -0.0 stands for it, which changes no
// sum.
//
//===----------------------------------------------------------------------===//

#include "CheckIds.h"
#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;

/// An element of a row that the part has, or what changes no sum.
static Value orNothing(Emitter &emitter, PartOfIds::Row row, Value element) {
  return row.isOwn ? emitter.select(row.isOwn, element,
                                    emitter.number(element.getType(), -0.0))
                   : element;
}

namespace {
struct LowerEmbedding : OpRewritePattern<EmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(EmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value table = op.getTable();
    const PartOfIds part(op.getNumbers(), op.getCount(), shapeOf(table)[0]);
    Value ids = checkIds(emitter, op, emitter.flat(op.getIds()),
                         part.getCount(), std::nullopt);
    Value init =
        emitter.empty({shapeOf(ids)[0], shapeOf(table)[1]}, elementOf(table));
    Value result = emitter.generic(
        2, {}, {{ids, {0}}}, {{init, {0, 1}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          PartOfIds::Row row = part.find(inner, scalars[0]);
          Value element =
              tensor::ExtractOp::create(inner.builder, inner.loc, table,
                                        ValueRange{row.index, inner.index(1)});
          return {orNothing(inner, row, element)};
        })[0];
    rewriter.replaceOp(op, emitter.reshape(result, op.getType()));
    return success();
  }
};

struct LowerEmbeddingGrad : OpRewritePattern<EmbeddingGradOp> {
  LowerEmbeddingGrad(MLIRContext *context, bool parallel)
      : OpRewritePattern(context), parallel(parallel) {}
  LogicalResult matchAndRewrite(EmbeddingGradOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Emitter emitter(rewriter, loc);
    const PartOfIds part(op.getNumbers(), op.getCount(),
                         shapeOf(op.getResult())[0]);
    Value ids = checkIds(emitter, op, emitter.flat(op.getIds()),
                         part.getCount(), std::nullopt);
    Value dy = emitter.rows(op.getDy());
    Type sumType = emitter.widenType(elementOf(dy));
    Value table = op.getInit()
                      ? emitter.widen(op.getInit())
                      : emitter.filled(shapeOf(op.getResult()), sumType, 0);
    if (parallel) {
      if (!part.isWhole())
        std::tie(ids, dy) = keepOwn(emitter, part, ids, dy);
      // The kernel sums in the type of the table.
      auto sum = kernel::ScatterAddOp::create(rewriter, loc, table.getType(),
                                              ids, dy, table);
      rewriter.replaceOp(op, emitter.finish(sum.getResult(0), op.getType()));
      return success();
    }
    int64_t positions = shapeOf(dy)[0], columns = shapeOf(dy)[1];
    auto rowType = RankedTensorType::get({columns}, elementOf(dy));
    auto sumRowType = RankedTensorType::get({columns}, sumType);
    auto index = [&](int64_t value) {
      return arith::ConstantIndexOp::create(rewriter, loc, value).getResult();
    };
    auto loop = scf::ForOp::create(
        rewriter, loc, index(0), index(positions), index(1), table,
        [&](OpBuilder &builder, Location, Value position, ValueRange carried) {
          Emitter inner(builder, loc);
          auto number = [&](int64_t value) -> OpFoldResult {
            return builder.getIndexAttr(value);
          };
          Value id = tensor::ExtractOp::create(builder, loc, ids, position);
          SmallVector<OpFoldResult> sizes{number(1), number(columns)};
          SmallVector<OpFoldResult> strides{number(1), number(1)};
          SmallVector<OpFoldResult> from{position, number(0)};
          PartOfIds::Row row = part.find(inner, id);
          SmallVector<OpFoldResult> to{row.index, number(0)};
          Value source = tensor::ExtractSliceOp::create(
              builder, loc, rowType, dy, from, sizes, strides);
          Value target = tensor::ExtractSliceOp::create(
              builder, loc, sumRowType, carried[0], to, sizes, strides);
          Value sum = inner.generic(
              1, {}, {{source, {0}}}, {{target, {0}}},
              [&](Emitter &body, ValueRange scalars) -> SmallVector<Value> {
                return {body.add(
                    scalars[1],
                    orNothing(body, row, body.widenScalar(scalars[0])))};
              })[0];
          Value updated = tensor::InsertSliceOp::create(
              builder, loc, sum, carried[0], to, sizes, strides);
          scf::YieldOp::create(builder, loc, updated);
        });
    rewriter.replaceOp(op, emitter.finish(loop.getResult(0), op.getType()));
    return success();
  }

  /// Rows of the part for ids, and for others row 0 with nothing to add.
  static std::pair<Value, Value>
  keepOwn(Emitter &emitter, const PartOfIds &part, Value ids, Value dy) {
    Value rows = emitter.generic(
        1, {}, {{ids, {0}}},
        {{emitter.empty(shapeOf(ids), elementOf(ids)), {0}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value index = part.find(inner, scalars[0]).index;
          return {arith::IndexCastOp::create(inner.builder, inner.loc,
                                             scalars[0].getType(), index)};
        })[0];
    Value kept = emitter.generic(
        2, {}, {{ids, {0}}, {dy, {0, 1}}},
        {{emitter.empty(shapeOf(dy), elementOf(dy)), {0, 1}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {orNothing(inner, part.find(inner, scalars[0]), scalars[1])};
        })[0];
    return {rows, kept};
  }

  bool parallel;
};
} // namespace

void pp::populateEmbeddingPatterns(RewritePatternSet &patterns, bool parallel) {
  patterns.add<LowerEmbedding>(patterns.getContext());
  patterns.add<LowerEmbeddingGrad>(patterns.getContext(), parallel);
}
