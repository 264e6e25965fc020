//===- Remainder.cpp - Remainders of floats in kernels --------------------===//
//
// A remainder is always a float: the host computes it exactly. LLVM's code for
// GPUs is x - y trunc(x / y), which has few right bits where x is much larger
// than y, and may even be larger than y. So it is long division here: a float
// is a whole number m times a power of two, and m shifts by the difference of
// the exponents, some bits at a time, modulo the other number.
//
//===----------------------------------------------------------------------===//

#include "Remainder.h"

#include "pp/CodeGen/GPU/Passes.h"

using namespace mlir;

namespace {
/// Integers of 64 bits.
class Integers {
public:
  Integers(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  Value number(uint64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  }
  template <typename OpTy> Value make(Value a, Value b) {
    return OpTy::create(builder, loc, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }

  OpBuilder &builder;
  Location loc;
};

struct ExpandRemainder : OpRewritePattern<arith::RemFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::RemFOp op,
                                PatternRewriter &rewriter) const override;
};
} // namespace

/// The remainder of m 2^n and `divisor`.
static Value divide(Integers &b, Value m, Value n, Value divisor,
                    uint64_t bits) {
  m = b.make<arith::RemUIOp>(m, divisor);
  Type i64 = m.getType();
  auto loop = scf::WhileOp::create(
      b.builder, b.loc, TypeRange{i64, i64}, ValueRange{m, n},
      [&](OpBuilder &builder, Location loc, ValueRange carried) {
        Integers inside(builder, loc);
        Value more = inside.compare(arith::CmpIPredicate::sgt, carried[1],
                                    inside.number(0));
        scf::ConditionOp::create(builder, loc, more, carried);
      },
      [&](OpBuilder &builder, Location loc, ValueRange carried) {
        Integers inside(builder, loc);
        Value shift =
            inside.make<arith::MinSIOp>(carried[1], inside.number(bits));
        Value shifted = inside.make<arith::ShLIOp>(carried[0], shift);
        Value rest = inside.make<arith::RemUIOp>(shifted, divisor);
        Value left = inside.make<arith::SubIOp>(carried[1], shift);
        scf::YieldOp::create(builder, loc, ValueRange{rest, left});
      });
  return loop.getResult(0);
}

LogicalResult
ExpandRemainder::matchAndRewrite(arith::RemFOp op,
                                 PatternRewriter &rewriter) const {
  auto type = dyn_cast<FloatType>(op.getType());
  if (!type || !op->getParentOfType<gpu::GPUFuncOp>())
    return failure();
  Location loc = op.getLoc();
  if (type.getWidth() < 32) {
    auto widen = [&](Value value) -> Value {
      return arith::ExtFOp::create(rewriter, loc, rewriter.getF32Type(), value);
    };
    Value wide = arith::RemFOp::create(rewriter, loc, widen(op.getLhs()),
                                       widen(op.getRhs()));
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, wide);
    return success();
  }
  if (!type.isF32() && !type.isF64())
    return failure();

  const uint64_t mantissa = type.isF32() ? 23 : 52;
  const uint64_t implicit = uint64_t(1) << mantissa;
  const uint64_t sign = uint64_t(1) << (type.getWidth() - 1);
  const uint64_t infinity = sign - implicit;
  Type integer = rewriter.getIntegerType(type.getWidth());
  Integers b(rewriter, loc);
  auto bitsOf = [&](Value value) -> Value {
    Value bits = arith::BitcastOp::create(rewriter, loc, integer, value);
    return type.isF64() ? bits
                        : arith::ExtUIOp::create(rewriter, loc,
                                                 rewriter.getI64Type(), bits)
                              .getResult();
  };
  using Predicate = arith::CmpIPredicate;
  Value zero = b.number(0), one = b.number(1);
  Value xBits = bitsOf(op.getLhs());
  Value signOfX = b.make<arith::AndIOp>(xBits, b.number(sign));
  Value x = b.make<arith::AndIOp>(xBits, b.number(sign - 1));
  Value y = b.make<arith::AndIOp>(bitsOf(op.getRhs()), b.number(sign - 1));
  Value isNone = b.make<arith::OrIOp>(
      b.make<arith::OrIOp>(b.compare(Predicate::eq, y, zero),
                           b.compare(Predicate::uge, x, b.number(infinity))),
      b.compare(Predicate::ugt, y, b.number(infinity)));
  Value isItself = b.compare(Predicate::ult, x, y);
  Value isKnown = b.make<arith::OrIOp>(isNone, isItself);

  // |value| = m 2^(e + constant); those without the implicit bit have e = 1.
  auto split = [&](Value value) {
    Value raw = b.make<arith::ShRUIOp>(value, b.number(mantissa));
    Value low = b.make<arith::AndIOp>(value, b.number(implicit - 1));
    Value isTiny = b.compare(Predicate::eq, raw, zero);
    Value m =
        b.select(isTiny, low, b.make<arith::OrIOp>(low, b.number(implicit)));
    return std::pair(m, b.select(isTiny, one, raw));
  };
  auto [xNumber, xExponent] = split(x);
  auto [yNumber, yExponent] = split(y);
  Value steps =
      b.select(isKnown, zero, b.make<arith::SubIOp>(xExponent, yExponent));
  Value rest =
      divide(b, xNumber, steps, b.select(isKnown, one, yNumber), 62 - mantissa);

  // The highest bit goes where the implicit one is, but e stays positive.
  Value zeros = math::CountLeadingZerosOp::create(rewriter, loc, rest);
  Value shift = b.make<arith::MinSIOp>(
      b.make<arith::SubIOp>(zeros, b.number(63 - mantissa)),
      b.make<arith::SubIOp>(yExponent, one));
  Value exponent =
      b.make<arith::SubIOp>(b.make<arith::SubIOp>(yExponent, shift), one);
  Value bits =
      b.make<arith::AddIOp>(b.make<arith::ShLIOp>(exponent, b.number(mantissa)),
                            b.make<arith::ShLIOp>(rest, shift));
  bits = b.select(b.compare(Predicate::eq, rest, zero), zero, bits);
  bits = b.select(isItself, x, bits);
  bits = b.make<arith::OrIOp>(bits, signOfX);
  bits = b.select(isNone, b.number(infinity | implicit >> 1), bits);
  if (type.isF32())
    bits = arith::TruncIOp::create(rewriter, loc, integer, bits);
  rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, bits);
  return success();
}

void pp::device::populateRemainderPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandRemainder>(patterns.getContext());
}
