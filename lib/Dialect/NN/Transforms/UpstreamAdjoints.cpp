//===- UpstreamAdjoints.cpp - Adjoints of arith and math ops -------------===//
//
// Each adjoint is one expression in the operands, the result and the cotangent
// of the result. Where an op is not differentiable at a point the convention is
// PyTorch's: ties of maximum and minimum share the cotangent equally, the
// derivative of |x| is zero at zero, that of a rounding function everywhere.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/Transforms/UpstreamAdjoints.h"

#include "pp/Interfaces/DifferentiableOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace {

/// Builds expressions on values of one type, scalars or tensors.
struct Expression {
  Expression(OpBuilder &builder, Operation *op)
      : builder(builder), loc(op->getLoc()) {}

  Value constant(Value like, double value) {
    Type type = like.getType();
    TypedAttr attribute =
        builder.getFloatAttr(getElementTypeOrSelf(type), value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      attribute = DenseElementsAttr::get(shaped, Attribute(attribute));
    return arith::ConstantOp::create(builder, loc, attribute);
  }
  template <typename Op>
  Value unary(Value a) {
    return Op::create(builder, loc, a);
  }
  template <typename Op>
  Value binary(Value a, Value b) {
    return Op::create(builder, loc, a, b);
  }
  Value neg(Value a) { return unary<arith::NegFOp>(a); }
  Value add(Value a, Value b) { return binary<arith::AddFOp>(a, b); }
  Value sub(Value a, Value b) { return binary<arith::SubFOp>(a, b); }
  Value mul(Value a, Value b) { return binary<arith::MulFOp>(a, b); }
  Value div(Value a, Value b) { return binary<arith::DivFOp>(a, b); }
  Value scale(Value a, double factor) { return mul(a, constant(a, factor)); }
  Value shift(Value a, double summand) { return add(a, constant(a, summand)); }
  Value sqrt(Value a) { return unary<math::SqrtOp>(a); }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(builder, loc, predicate, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  }
  /// `a` where the condition holds, else zero.
  Value mask(Value condition, Value a) {
    return select(condition, a, constant(a, 0.0));
  }

  OpBuilder &builder;
  Location loc;
};

/// The model of `Op`, whose adjoint is the function
///   void build(Expression &e, Op op, Value dy, ArrayRef<bool> needed,
///              MutableArrayRef<Value> cotangents)
template <typename Op, auto build>
struct Model
    : pp::DifferentiableOpInterface::ExternalModel<Model<Op, build>, Op> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder,
                             ValueRange cotangents, ArrayRef<bool> needed,
                             SmallVectorImpl<Value> &operandCotangents) const {
    Expression e(builder, op);
    build(e, cast<Op>(op), cotangents[0], needed, operandCotangents);
    return success();
  }
};

using Needed = ArrayRef<bool>;
using Cotangents = MutableArrayRef<Value>;

//===----------------------------------------------------------------------===//
// arith
//===----------------------------------------------------------------------===//

void addf(Expression &e, arith::AddFOp op, Value dy, Needed, Cotangents d) {
  d[0] = d[1] = dy;
}
void subf(Expression &e, arith::SubFOp op, Value dy, Needed n, Cotangents d) {
  d[0] = dy;
  if (n[1])
    d[1] = e.neg(dy);
}
void mulf(Expression &e, arith::MulFOp op, Value dy, Needed n, Cotangents d) {
  if (n[0])
    d[0] = e.mul(dy, op.getRhs());
  if (n[1])
    d[1] = e.mul(dy, op.getLhs());
}
void divf(Expression &e, arith::DivFOp op, Value dy, Needed n, Cotangents d) {
  Value scaled = e.div(dy, op.getRhs());
  if (n[0])
    d[0] = scaled;
  if (n[1])
    d[1] = e.neg(e.mul(scaled, op.getResult()));
}
/// a - trunc(a / b) b: the quotient is constant almost everywhere.
void remf(Expression &e, arith::RemFOp op, Value dy, Needed n, Cotangents d) {
  d[0] = dy;
  if (n[1]) {
    Value quotient =
        e.unary<math::TruncOp>(e.div(op.getLhs(), op.getRhs()));
    d[1] = e.neg(e.mul(dy, quotient));
  }
}
void negf(Expression &e, arith::NegFOp op, Value dy, Needed, Cotangents d) {
  d[0] = e.neg(dy);
}

/// The operand that `wins` over the other gets the cotangent, equal operands
/// half of it each.
template <typename Op, arith::CmpFPredicate wins>
void extremum(Expression &e, Op op, Value dy, Needed n, Cotangents d) {
  Value a = op.getLhs(), b = op.getRhs();
  Value tie = e.compare(arith::CmpFPredicate::OEQ, a, b);
  Value shared = e.select(tie, e.scale(dy, 0.5), dy);
  if (n[0])
    d[0] = e.select(e.compare(wins, b, a), e.constant(dy, 0.0), shared);
  if (n[1])
    d[1] = e.select(e.compare(wins, a, b), e.constant(dy, 0.0), shared);
}

void select(Expression &e, arith::SelectOp op, Value dy, Needed n,
            Cotangents d) {
  if (n[1])
    d[1] = e.mask(op.getCondition(), dy);
  if (n[2])
    d[2] = e.select(op.getCondition(), e.constant(dy, 0.0), dy);
}
void extf(Expression &e, arith::ExtFOp op, Value dy, Needed, Cotangents d) {
  d[0] = arith::TruncFOp::create(e.builder, e.loc, op.getIn().getType(), dy);
}
void truncf(Expression &e, arith::TruncFOp op, Value dy, Needed,
            Cotangents d) {
  d[0] = arith::ExtFOp::create(e.builder, e.loc, op.getIn().getType(), dy);
}

//===----------------------------------------------------------------------===//
// math, one operand: the derivative as a function of x and y = f(x)
//===----------------------------------------------------------------------===//

/// The model of a unary op: cotangent = build(e, x, y, dy).
template <typename Op, Value (*build)(Expression &, Value, Value, Value)>
void unary(Expression &e, Op op, Value dy, Needed, Cotangents d) {
  d[0] = build(e, op->getOperand(0), op->getResult(0), dy);
}

Value exp(Expression &e, Value x, Value y, Value dy) { return e.mul(dy, y); }
Value exp2(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.scale(y, M_LN2));
}
Value expm1(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.shift(y, 1.0));
}
Value log(Expression &e, Value x, Value y, Value dy) { return e.div(dy, x); }
Value log2(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.scale(x, M_LN2));
}
Value log10(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.scale(x, M_LN10));
}
Value log1p(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.shift(x, 1.0));
}
Value sqrt(Expression &e, Value x, Value y, Value dy) {
  return e.div(e.scale(dy, 0.5), y);
}
Value rsqrt(Expression &e, Value x, Value y, Value dy) {
  return e.mul(e.scale(dy, -0.5), e.mul(y, e.mul(y, y)));
}
Value cbrt(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.scale(e.mul(y, y), 3.0));
}
Value absf(Expression &e, Value x, Value y, Value dy) {
  Value zero = e.constant(x, 0.0);
  Value positive = e.compare(arith::CmpFPredicate::OGT, x, zero);
  Value negative = e.compare(arith::CmpFPredicate::OLT, x, zero);
  return e.select(positive, dy, e.mask(negative, e.neg(dy)));
}
Value sin(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.unary<math::CosOp>(x));
}
Value cos(Expression &e, Value x, Value y, Value dy) {
  return e.neg(e.mul(dy, e.unary<math::SinOp>(x)));
}
Value tan(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.shift(e.mul(y, y), 1.0));
}
Value sinh(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.unary<math::CoshOp>(x));
}
Value cosh(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.unary<math::SinhOp>(x));
}
Value tanh(Expression &e, Value x, Value y, Value dy) {
  return e.mul(dy, e.sub(e.constant(y, 1.0), e.mul(y, y)));
}
Value asin(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.sqrt(e.sub(e.constant(x, 1.0), e.mul(x, x))));
}
Value acos(Expression &e, Value x, Value y, Value dy) {
  return e.neg(asin(e, x, y, dy));
}
Value atan(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.shift(e.mul(x, x), 1.0));
}
Value asinh(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.sqrt(e.shift(e.mul(x, x), 1.0)));
}
Value acosh(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.sqrt(e.shift(e.mul(x, x), -1.0)));
}
Value atanh(Expression &e, Value x, Value y, Value dy) {
  return e.div(dy, e.sub(e.constant(x, 1.0), e.mul(x, x)));
}
/// 2 / sqrt(pi) exp(-x^2)
Value erf(Expression &e, Value x, Value y, Value dy) {
  Value bell = e.unary<math::ExpOp>(e.neg(e.mul(x, x)));
  return e.mul(dy, e.scale(bell, M_2_SQRTPI));
}
Value erfc(Expression &e, Value x, Value y, Value dy) {
  return e.neg(erf(e, x, y, dy));
}
/// Piecewise constant: no cotangent.
Value zero(Expression &, Value, Value, Value) { return Value(); }

//===----------------------------------------------------------------------===//
// math, several operands
//===----------------------------------------------------------------------===//

/// a^b. The derivative by a is zero where b is, and that by b where a is, as
/// the limits are; the plain formulas would say 0 * infinity.
void powf(Expression &e, math::PowFOp op, Value dy, Needed n, Cotangents d) {
  Value a = op.getLhs(), b = op.getRhs();
  if (n[0]) {
    Value power = e.binary<math::PowFOp>(a, e.shift(b, -1.0));
    Value isOne = e.compare(arith::CmpFPredicate::OEQ, b, e.constant(b, 0.0));
    d[0] = e.select(isOne, e.constant(dy, 0.0), e.mul(dy, e.mul(b, power)));
  }
  if (n[1]) {
    Value isZero = e.compare(arith::CmpFPredicate::OEQ, a, e.constant(a, 0.0));
    Value product = e.mul(op.getResult(), e.unary<math::LogOp>(a));
    d[1] = e.select(isZero, e.constant(dy, 0.0), e.mul(dy, product));
  }
}
/// atan(a / b)
void atan2(Expression &e, math::Atan2Op op, Value dy, Needed n, Cotangents d) {
  Value a = op.getLhs(), b = op.getRhs();
  Value scaled = e.div(dy, e.add(e.mul(a, a), e.mul(b, b)));
  if (n[0])
    d[0] = e.mul(scaled, b);
  if (n[1])
    d[1] = e.neg(e.mul(scaled, a));
}
/// The magnitude of a with the sign of b.
void copysign(Expression &e, math::CopySignOp op, Value dy, Needed n,
              Cotangents d) {
  if (!n[0])
    return;
  Value one = e.constant(dy, 1.0);
  Value sign = e.mul(e.binary<math::CopySignOp>(one, op.getLhs()),
                     e.binary<math::CopySignOp>(one, op.getRhs()));
  d[0] = e.mul(dy, sign);
}
void fma(Expression &e, math::FmaOp op, Value dy, Needed n, Cotangents d) {
  if (n[0])
    d[0] = e.mul(dy, op.getB());
  if (n[1])
    d[1] = e.mul(dy, op.getA());
  d[2] = dy;
}

template <typename Op, Value (*build)(Expression &, Value, Value, Value)>
void attachUnary(MLIRContext *context) {
  Op::template attachInterface<Model<Op, unary<Op, build>>>(*context);
}

void attachArith(MLIRContext *context, arith::ArithDialect *) {
  using P = arith::CmpFPredicate;
  arith::AddFOp::attachInterface<Model<arith::AddFOp, addf>>(*context);
  arith::SubFOp::attachInterface<Model<arith::SubFOp, subf>>(*context);
  arith::MulFOp::attachInterface<Model<arith::MulFOp, mulf>>(*context);
  arith::DivFOp::attachInterface<Model<arith::DivFOp, divf>>(*context);
  arith::RemFOp::attachInterface<Model<arith::RemFOp, remf>>(*context);
  arith::NegFOp::attachInterface<Model<arith::NegFOp, negf>>(*context);
  arith::MaximumFOp::attachInterface<
      Model<arith::MaximumFOp, extremum<arith::MaximumFOp, P::OGT>>>(*context);
  arith::MaxNumFOp::attachInterface<
      Model<arith::MaxNumFOp, extremum<arith::MaxNumFOp, P::OGT>>>(*context);
  arith::MinimumFOp::attachInterface<
      Model<arith::MinimumFOp, extremum<arith::MinimumFOp, P::OLT>>>(*context);
  arith::MinNumFOp::attachInterface<
      Model<arith::MinNumFOp, extremum<arith::MinNumFOp, P::OLT>>>(*context);
  arith::SelectOp::attachInterface<Model<arith::SelectOp, select>>(*context);
  arith::ExtFOp::attachInterface<Model<arith::ExtFOp, extf>>(*context);
  arith::TruncFOp::attachInterface<Model<arith::TruncFOp, truncf>>(*context);
}

void attachMath(MLIRContext *context, math::MathDialect *) {
  attachUnary<math::ExpOp, exp>(context);
  attachUnary<math::Exp2Op, exp2>(context);
  attachUnary<math::ExpM1Op, expm1>(context);
  attachUnary<math::LogOp, log>(context);
  attachUnary<math::Log2Op, log2>(context);
  attachUnary<math::Log10Op, log10>(context);
  attachUnary<math::Log1pOp, log1p>(context);
  attachUnary<math::SqrtOp, sqrt>(context);
  attachUnary<math::RsqrtOp, rsqrt>(context);
  attachUnary<math::CbrtOp, cbrt>(context);
  attachUnary<math::AbsFOp, absf>(context);
  attachUnary<math::SinOp, sin>(context);
  attachUnary<math::CosOp, cos>(context);
  attachUnary<math::TanOp, tan>(context);
  attachUnary<math::SinhOp, sinh>(context);
  attachUnary<math::CoshOp, cosh>(context);
  attachUnary<math::TanhOp, tanh>(context);
  attachUnary<math::AsinOp, asin>(context);
  attachUnary<math::AcosOp, acos>(context);
  attachUnary<math::AtanOp, atan>(context);
  attachUnary<math::AsinhOp, asinh>(context);
  attachUnary<math::AcoshOp, acosh>(context);
  attachUnary<math::AtanhOp, atanh>(context);
  attachUnary<math::ErfOp, erf>(context);
  attachUnary<math::ErfcOp, erfc>(context);
  attachUnary<math::FloorOp, zero>(context);
  attachUnary<math::CeilOp, zero>(context);
  attachUnary<math::RoundOp, zero>(context);
  attachUnary<math::RoundEvenOp, zero>(context);
  attachUnary<math::TruncOp, zero>(context);
  math::PowFOp::attachInterface<Model<math::PowFOp, powf>>(*context);
  math::Atan2Op::attachInterface<Model<math::Atan2Op, atan2>>(*context);
  math::CopySignOp::attachInterface<Model<math::CopySignOp, copysign>>(
      *context);
  math::FmaOp::attachInterface<Model<math::FmaOp, fma>>(*context);
}

} // namespace

void pp::nn::registerUpstreamAdjoints(DialectRegistry &registry) {
  registry.addExtension(attachArith);
  registry.addExtension(attachMath);
}
