//===- Random.cpp - Dropout and its keys ----------------------------------===//
//
// Philox4x32-10 (Salmon et al., 2011) of the counter (e / 4, site, 0) under the
// key gives four words; word e mod 4 decides on element e. Nothing but the key
// is kept between forward and backward. Under the key 0 all elements stay as
// they are: threshold and factor follow from it.
//
// A loop over counters writes a byte for each of its four elements, and the
// dropout itself is a select that fuses with its neighbours. Drawing inside
// that loop would compute each set of four words four times.
//
// The elements of a part of a tensor are runs of the whole's elements. Where
// the length of a run is a multiple of four, so is the number of its first
// element, and the loop is the same one, over other counters; else each element
// draws the four words of its counter.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/NN/IR/Dropout.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Interfaces/MeshOpInterface.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;

namespace {
/// Arithmetic on 32-bit and 64-bit integers.
class Integers {
public:
  Integers(Emitter &emitter) : emitter(emitter), builder(emitter.builder) {}

  Value i32(uint32_t value) {
    return emitter.integer(builder.getI32Type(), static_cast<int32_t>(value));
  }
  Value i64(uint64_t value) {
    return emitter.integer(builder.getI64Type(), static_cast<int64_t>(value));
  }
  Value low(Value wide) {
    return arith::TruncIOp::create(builder, emitter.loc, builder.getI32Type(),
                                   wide);
  }
  Value high(Value wide) {
    return low(arith::ShRUIOp::create(builder, emitter.loc, wide, i64(32)));
  }
  Value wide(Value narrow) {
    return arith::ExtUIOp::create(builder, emitter.loc, builder.getI64Type(),
                                  narrow);
  }
  Value times(Value a, Value b) {
    return arith::MulIOp::create(builder, emitter.loc, a, b);
  }
  Value plus(Value a, Value b) {
    return arith::AddIOp::create(builder, emitter.loc, a, b);
  }
  Value quotient(Value a, uint64_t b) {
    return arith::DivUIOp::create(builder, emitter.loc, a, i64(b));
  }
  Value exclusiveOr(Value a, Value b) {
    return arith::XOrIOp::create(builder, emitter.loc, a, b);
  }
  Value shiftRight(Value a, uint64_t bits) {
    return arith::ShRUIOp::create(builder, emitter.loc, a, i64(bits));
  }

  /// Four words for a counter and a key of two words.
  std::array<Value, 4> philox(std::array<Value, 4> c, Value k0, Value k1) {
    for (int round = 0; round < 10; ++round) {
      Value p0 = times(wide(c[0]), i64(0xd2511f53));
      Value p1 = times(wide(c[2]), i64(0xcd9e8d57));
      c = {exclusiveOr(exclusiveOr(high(p1), c[1]), k0), low(p1),
           exclusiveOr(exclusiveOr(high(p0), c[3]), k1), low(p0)};
      k0 = plus(k0, i32(0x9e3779b9));
      k1 = plus(k1, i32(0xbb67ae85));
    }
    return c;
  }

private:
  Emitter &emitter;
  OpBuilder &builder;
};

/// Where the elements of an operand are among those of the whole tensor: runs
/// of `part` of them, each within a run of `whole`.
struct Runs {
  explicit Runs(DropoutOp op) : part(op.getType().getNumElements()) {
    if (!op.getAxes())
      return;
    part = 1;
    for (int64_t size : op.getType().getShape().drop_front(*op.getDim()))
      part *= size;
    whole = part * *findMesh(op).getGroupSize(*op.getAxes());
    count = op.getType().getNumElements() / part;
  }

  /// The number in the whole tensor of group `index`, of so many elements that
  /// begin together with runs. `coordinate`: i64.
  Value number(Integers &ints, Value index, Value coordinate,
               int64_t elements) const {
    const int64_t own = part / elements;
    Value number = index;
    if (count > 1)
      number = ints.plus(number, ints.times(ints.quotient(index, own),
                                            ints.i64(whole / elements - own)));
    return ints.plus(number, ints.times(coordinate, ints.i64(own)));
  }

  int64_t part, whole = 0, count = 1;
};

struct LowerDropout : OpRewritePattern<DropoutOp> {
  LowerDropout(MLIRContext *context, bool parallel)
      : OpRewritePattern(context), parallel(parallel) {}

  LogicalResult matchAndRewrite(DropoutOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getKey())
      return op.emitOpError("has no key to draw from: differentiate the "
                            "function first, or pass a key");
    if (op.getAxes() && !findMesh(op))
      return op.emitOpError("found no mesh in the module, expected one");
    Emitter emitter(rewriter, op.getLoc());
    Value input = emitter.rows(emitter.widen(op.getInput()));
    Type element = elementOf(input);
    Value factor = byKey(emitter, op, [&](bool isNone) {
      return emitter.number(
          element, isNone ? 1 : keptFactor(op.getP().convertToDouble()));
    });
    Value result = emitter.generic(
        2, {},
        {{input, {0, 1}},
         {emitter.reshape(keptElements(emitter, op), shapeOf(input)), {0, 1}}},
        {{emitter.empty(shapeOf(input), element), {0, 1}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value kept = arith::CmpIOp::create(
              inner.builder, inner.loc, arith::CmpIPredicate::ne, scalars[1],
              inner.integer(scalars[1].getType(), 0));
          Value scaled = inner.mul(scalars[0], factor);
          return {inner.select(kept, scaled, inner.number(element, 0))};
        })[0];
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }

  /// `number(true)` under the key with which nothing is dropped, else
  /// `number(false)`; right behind the key, wherever loops will stand.
  static Value byKey(Emitter &emitter, DropoutOp op,
                     llvm::function_ref<Value(bool)> number) {
    OpBuilder::InsertionGuard guard(emitter.builder);
    emitter.builder.setInsertionPointAfterValue(op.getKey());
    Value isNone = arith::CmpIOp::create(emitter.builder, emitter.loc,
                                         arith::CmpIPredicate::eq, op.getKey(),
                                         Integers(emitter).i64(0));
    Value none = number(true);
    return emitter.select(isNone, none, number(false));
  }

  /// 1 for each element that stays, else 0, as bytes: [N].
  Value keptElements(Emitter &emitter, DropoutOp op) const {
    OpBuilder &builder = emitter.builder;
    const int64_t count = op.getType().getNumElements();
    const int64_t counters = llvm::divideCeil(count, 4);
    const Runs runs(op);
    const auto dropped =
        static_cast<uint32_t>(droppedWords(op.getP().convertToDouble()));
    Value threshold = byKey(emitter, op, [&](bool isNone) {
      return Integers(emitter).i32(isNone ? 0 : dropped);
    });
    Type byte = builder.getI8Type();
    auto number = [&](OpBuilder &at, int64_t value) -> Value {
      return arith::ConstantIndexOp::create(at, emitter.loc, value);
    };
    auto toI64 = [&](Emitter &inner, Value index) -> Value {
      return arith::IndexCastOp::create(inner.builder, inner.loc,
                                        builder.getI64Type(), index);
    };
    /// The words of a counter: of the whole tensor, i64.
    auto draw = [&](Emitter &inner, Value counter) {
      Integers ints(inner);
      return ints.philox({ints.low(counter), ints.high(counter),
                          ints.i32(static_cast<uint32_t>(op.getSite())),
                          ints.i32(0)},
                         ints.low(op.getKey()), ints.high(op.getKey()));
    };
    /// The counter of four elements of the operand. `coordinate` is nothing
    /// where that is the whole tensor.
    auto counterOf = [&](Emitter &inner, Value index, ValueRange coordinate) {
      Integers ints(inner);
      Value counter = toI64(inner, index);
      return coordinate.empty()
                 ? counter
                 : runs.number(ints, counter, coordinate.front(), 4);
    };
    auto keeps = [&](Emitter &inner, Value word) -> Value {
      Value kept = arith::CmpIOp::create(
          inner.builder, inner.loc, arith::CmpIPredicate::uge, word, threshold);
      return arith::ExtUIOp::create(inner.builder, inner.loc, byte, kept);
    };
    /// Word `lane` of four; `lane` is of the type of `lanes`.
    auto select = [&](Emitter &inner, ArrayRef<Value> words, Value lane,
                      llvm::function_ref<Value(int64_t)> lanes) {
      Value word = words[3];
      for (int64_t i = 2; i >= 0; --i)
        word = inner.select(arith::CmpIOp::create(inner.builder, inner.loc,
                                                  arith::CmpIPredicate::eq,
                                                  lane, lanes(i)),
                            words[i], word);
      return word;
    };
    SmallVector<Input> coordinate;
    if (op.getAxes())
      coordinate.push_back({emitter.coordinate(*op.getAxes()), {}});
    if (op.getAxes() && runs.part % 4 != 0)
      return emitter.generic(
          1, {}, coordinate, {{emitter.empty({count}, byte), {0}}},
          [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
            Integers ints(inner);
            Value element = runs.number(ints, toI64(inner, inner.index(0)),
                                        scalars.front(), 1);
            std::array<Value, 4> words =
                draw(inner, ints.shiftRight(element, 2));
            Value lane = ints.low(element);
            lane = arith::AndIOp::create(inner.builder, inner.loc, lane,
                                         ints.i32(3));
            return {keeps(inner, select(inner, words, lane, [&](int64_t i) {
                            return ints.i32(static_cast<uint32_t>(i));
                          }))};
          })[0];
    if (parallel) {
      // Each element takes its word of four: who computes four neighbours
      // finds the words equal and draws once.
      Value whole = emitter.generic(
          2, {}, coordinate, {{emitter.empty({counters, 4}, byte), {0, 1}}},
          [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
            std::array<Value, 4> words = draw(
                inner, counterOf(inner, inner.index(0), scalars.drop_back()));
            return {keeps(inner,
                          select(inner, words, inner.index(1), [&](int64_t i) {
                            return number(inner.builder, i);
                          }))};
          })[0];
      return firstOf(emitter, whole, count);
    }
    SmallVector<Value> own;
    for (const Input &input : coordinate)
      own.push_back(tensor::ExtractOp::create(builder, emitter.loc,
                                              input.tensor, ValueRange()));
    auto loop = scf::ForOp::create(
        builder, emitter.loc, number(builder, 0), number(builder, counters),
        number(builder, 1), emitter.empty({counters, 4}, byte),
        [&](OpBuilder &inside, Location loc, Value index, ValueRange carried) {
          Emitter inner(inside, loc);
          std::array<Value, 4> words =
              draw(inner, counterOf(inner, index, own));
          Value bytes = carried[0];
          for (auto [lane, word] : llvm::enumerate(words))
            bytes = tensor::InsertOp::create(
                inside, loc, keeps(inner, word), bytes,
                ValueRange{index, number(inside, lane)});
          scf::YieldOp::create(inside, loc, bytes);
        });
    return firstOf(emitter, loop.getResult(0), count);
  }

  /// The first `count` elements of [counters, 4].
  static Value firstOf(Emitter &emitter, Value whole, int64_t count) {
    whole = emitter.flat(whole);
    if (count == cast<RankedTensorType>(whole.getType()).getNumElements())
      return whole;
    auto indices = [&](int64_t value) {
      return getAsIndexOpFoldResult(emitter.builder.getContext(),
                                    ArrayRef<int64_t>(value));
    };
    return tensor::ExtractSliceOp::create(emitter.builder, emitter.loc, whole,
                                          indices(0), indices(count),
                                          indices(1));
  }

  bool parallel;
};

struct LowerMixKey : OpRewritePattern<MixKeyOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MixKeyOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Integers ints(emitter);
    uint64_t step = (static_cast<uint64_t>(op.getSalt()) + 1) *
                    UINT64_C(0x9e3779b97f4a7c15);
    Value isNone = arith::CmpIOp::create(emitter.builder, emitter.loc,
                                         arith::CmpIPredicate::eq, op.getKey(),
                                         ints.i64(0));
    Value z = ints.plus(op.getKey(), ints.i64(step));
    z = ints.times(ints.exclusiveOr(z, ints.shiftRight(z, 30)),
                   ints.i64(UINT64_C(0xbf58476d1ce4e5b9)));
    z = ints.times(ints.exclusiveOr(z, ints.shiftRight(z, 27)),
                   ints.i64(UINT64_C(0x94d049bb133111eb)));
    z = ints.exclusiveOr(z, ints.shiftRight(z, 31));
    rewriter.replaceOp(op, emitter.select(isNone, op.getKey(), z));
    return success();
  }
};
} // namespace

void pp::populateRandomPatterns(RewritePatternSet &patterns, bool parallel) {
  patterns.add<LowerDropout>(patterns.getContext(), parallel);
  patterns.add<LowerMixKey>(patterns.getContext());
}
