//===- RulesUpstream.cpp - arith and math ops -----------------------------===//
//
// All of them work on each element alone, so each rule is a function of
// numbers.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace pp::interpreter;

namespace {

/// Floats from floats: `function(Real...)`.
template <typename Op, typename Function>
void addFunction(RuleTable &rules, Function function) {
  rules.add<Op>([function](Op, Operands in, Results out) {
    for (size_t i = 0; i < out[0].reals.size(); ++i) {
      if constexpr (std::is_invocable_v<Function, Real>)
        out[0].reals[i] = function(in[0]->reals[i]);
      else if constexpr (std::is_invocable_v<Function, Real, Real>)
        out[0].reals[i] = function(in[0]->reals[i], in[1]->reals[i]);
      else
        out[0].reals[i] =
            function(in[0]->reals[i], in[1]->reals[i], in[2]->reals[i]);
    }
  });
}

/// Floats whose derivative is zero everywhere.
template <typename Op>
void addStep(RuleTable &rules, double (*function)(double)) {
  addFunction<Op>(rules, [function](Real x) { return function(x.value); });
}

/// Integers from integers: `function(int64_t...)`, cut to the result's width.
template <typename Op, typename Function>
void addIntegerFunction(RuleTable &rules, Function function) {
  rules.add<Op>([function](Op, Operands in, Results out) {
    Type type = out[0].element();
    for (size_t i = 0; i < out[0].integers.size(); ++i) {
      int64_t value;
      if constexpr (std::is_invocable_v<Function, int64_t>)
        value = function(in[0]->integers[i]);
      else
        value = function(in[0]->integers[i], in[1]->integers[i]);
      out[0].integers[i] = wrap(value, type);
    }
  });
}

/// The bits of a sign-extended number of `type` without a sign.
uint64_t withoutSign(int64_t value, Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  uint64_t mask = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
  return static_cast<uint64_t>(value) & mask;
}

bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("every predicate has a case");
}

bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b, Type type) {
  using P = arith::CmpIPredicate;
  // The one bit of an i1 is its sign.
  if (type.isInteger(1)) {
    a = -a;
    b = -b;
  }
  uint64_t ua = withoutSign(a, type), ub = withoutSign(b, type);
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  llvm_unreachable("every predicate has a case");
}

LogicalResult evaluateConstant(arith::ConstantOp op, Operands, Results out) {
  auto set = [&](size_t i, Attribute value) {
    if (auto number = dyn_cast<FloatAttr>(value))
      out[0].reals[i] = number.getValueAsDouble();
    else
      out[0].integers[i] =
          wrap(cast<IntegerAttr>(value).getInt(), out[0].element());
  };
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements && !isa<FloatAttr, IntegerAttr>(op.getValue()))
    return op.emitOpError("found a constant that is no list of numbers, "
                          "expected dense<...>");
  if (!elements) {
    set(0, op.getValue());
    return success();
  }
  for (auto [i, value] : llvm::enumerate(elements.getValues<Attribute>()))
    set(i, value);
  return success();
}

void evaluateSelect(arith::SelectOp, Operands in, Results out) {
  bool each = in[0]->count() > 1 || out[0].count() == 1;
  for (int64_t i = 0; i < out[0].count(); ++i) {
    const Tensor &chosen = in[0]->integers[each ? i : 0] ? *in[1] : *in[2];
    if (out[0].isFloat())
      out[0].reals[i] = chosen.reals[i];
    else
      out[0].integers[i] = chosen.integers[i];
  }
}

/// Integers from floats, rounded towards zero.
template <typename Op> void addToInteger(RuleTable &rules) {
  rules.add<Op>([](Op, Operands in, Results out) {
    for (size_t i = 0; i < out[0].integers.size(); ++i)
      out[0].integers[i] =
          wrap(static_cast<int64_t>(in[0]->reals[i].value), out[0].element());
  });
}

} // namespace

void pp::interpreter::addArithRules(RuleTable &rules) {
  rules.add<arith::ConstantOp>(evaluateConstant);
  rules.add<arith::SelectOp>(evaluateSelect);

  addFunction<arith::AddFOp>(rules, [](Real a, Real b) { return a + b; });
  addFunction<arith::SubFOp>(rules, [](Real a, Real b) { return a - b; });
  addFunction<arith::MulFOp>(rules, [](Real a, Real b) { return a * b; });
  addFunction<arith::DivFOp>(rules, [](Real a, Real b) { return a / b; });
  addFunction<arith::RemFOp>(rules, floatRemainder);
  addFunction<arith::NegFOp>(rules, [](Real a) { return -a; });
  addFunction<arith::MaximumFOp>(rules, maximum);
  addFunction<arith::MaxNumFOp>(rules, maximum);
  addFunction<arith::MinimumFOp>(rules, minimum);
  addFunction<arith::MinNumFOp>(rules, minimum);
  addFunction<arith::ExtFOp>(rules, [](Real a) { return a; });
  addFunction<arith::TruncFOp>(rules, [](Real a) { return a; });
  rules.add<arith::CmpFOp>([](arith::CmpFOp op, Operands in, Results out) {
    for (size_t i = 0; i < out[0].integers.size(); ++i)
      out[0].integers[i] = compare(op.getPredicate(), in[0]->reals[i].value,
                                   in[1]->reals[i].value);
  });

  using U = uint64_t;
  addIntegerFunction<arith::AddIOp>(
      rules, [](int64_t a, int64_t b) -> int64_t { return U(a) + U(b); });
  addIntegerFunction<arith::SubIOp>(
      rules, [](int64_t a, int64_t b) -> int64_t { return U(a) - U(b); });
  addIntegerFunction<arith::MulIOp>(
      rules, [](int64_t a, int64_t b) -> int64_t { return U(a) * U(b); });
  // What division by zero gives is not defined: anything but a trap will do.
  addIntegerFunction<arith::DivSIOp>(
      rules, [](int64_t a, int64_t b) { return b == 0 ? 0 : a / b; });
  addIntegerFunction<arith::RemSIOp>(
      rules, [](int64_t a, int64_t b) { return b == 0 ? 0 : a % b; });
  addIntegerFunction<arith::AndIOp>(rules,
                                    [](int64_t a, int64_t b) { return a & b; });
  addIntegerFunction<arith::OrIOp>(rules,
                                   [](int64_t a, int64_t b) { return a | b; });
  addIntegerFunction<arith::XOrIOp>(rules,
                                    [](int64_t a, int64_t b) { return a ^ b; });
  addIntegerFunction<arith::MaxSIOp>(
      rules, [](int64_t a, int64_t b) { return std::max(a, b); });
  addIntegerFunction<arith::MinSIOp>(
      rules, [](int64_t a, int64_t b) { return std::min(a, b); });
  addIntegerFunction<arith::TruncIOp>(rules, [](int64_t a) { return a; });
  rules.add<arith::ExtSIOp>([](arith::ExtSIOp, Operands in, Results out) {
    bool isBit = in[0]->element().isInteger(1);
    for (size_t i = 0; i < out[0].integers.size(); ++i)
      out[0].integers[i] = isBit ? -in[0]->integers[i] : in[0]->integers[i];
  });
  rules.add<arith::ExtUIOp>([](arith::ExtUIOp, Operands in, Results out) {
    for (size_t i = 0; i < out[0].integers.size(); ++i)
      out[0].integers[i] = withoutSign(in[0]->integers[i], in[0]->element());
  });
  rules.add<arith::CmpIOp>([](arith::CmpIOp op, Operands in, Results out) {
    for (size_t i = 0; i < out[0].integers.size(); ++i)
      out[0].integers[i] = compare(op.getPredicate(), in[0]->integers[i],
                                   in[1]->integers[i], in[0]->element());
  });

  addToInteger<arith::FPToSIOp>(rules);
  addToInteger<arith::FPToUIOp>(rules);
  rules.add<arith::SIToFPOp>([](arith::SIToFPOp, Operands in, Results out) {
    bool isBit = in[0]->element().isInteger(1);
    for (size_t i = 0; i < out[0].reals.size(); ++i)
      out[0].reals[i] =
          static_cast<double>(isBit ? -in[0]->integers[i] : in[0]->integers[i]);
  });
  rules.add<arith::UIToFPOp>([](arith::UIToFPOp, Operands in, Results out) {
    for (size_t i = 0; i < out[0].reals.size(); ++i)
      out[0].reals[i] = static_cast<double>(
          withoutSign(in[0]->integers[i], in[0]->element()));
  });
}

void pp::interpreter::addMathRules(RuleTable &rules) {
  addFunction<math::ExpOp>(rules, [](Real x) { return exp(x); });
  addFunction<math::Exp2Op>(rules, [](Real x) { return exp2(x); });
  addFunction<math::ExpM1Op>(rules, [](Real x) { return expm1(x); });
  addFunction<math::LogOp>(rules, [](Real x) { return log(x); });
  addFunction<math::Log2Op>(rules, [](Real x) { return log2(x); });
  addFunction<math::Log10Op>(rules, [](Real x) { return log10(x); });
  addFunction<math::Log1pOp>(rules, [](Real x) { return log1p(x); });
  addFunction<math::SqrtOp>(rules, [](Real x) { return sqrt(x); });
  addFunction<math::RsqrtOp>(rules, [](Real x) { return rsqrt(x); });
  addFunction<math::CbrtOp>(rules, [](Real x) { return cbrt(x); });
  addFunction<math::AbsFOp>(rules, [](Real x) { return abs(x); });
  addFunction<math::SinOp>(rules, [](Real x) { return sin(x); });
  addFunction<math::CosOp>(rules, [](Real x) { return cos(x); });
  addFunction<math::TanOp>(rules, [](Real x) { return tan(x); });
  addFunction<math::SinhOp>(rules, [](Real x) { return sinh(x); });
  addFunction<math::CoshOp>(rules, [](Real x) { return cosh(x); });
  addFunction<math::TanhOp>(rules, [](Real x) { return tanh(x); });
  addFunction<math::AsinOp>(rules, [](Real x) { return asin(x); });
  addFunction<math::AcosOp>(rules, [](Real x) { return acos(x); });
  addFunction<math::AtanOp>(rules, [](Real x) { return atan(x); });
  addFunction<math::AsinhOp>(rules, [](Real x) { return asinh(x); });
  addFunction<math::AcoshOp>(rules, [](Real x) { return acosh(x); });
  addFunction<math::AtanhOp>(rules, [](Real x) { return atanh(x); });
  addFunction<math::ErfOp>(rules, [](Real x) { return erf(x); });
  addFunction<math::ErfcOp>(rules, [](Real x) { return erfc(x); });
  addStep<math::FloorOp>(rules, std::floor);
  addStep<math::CeilOp>(rules, std::ceil);
  addStep<math::RoundOp>(rules, std::round);
  addStep<math::RoundEvenOp>(rules, std::nearbyint);
  addStep<math::TruncOp>(rules, std::trunc);
  addFunction<math::PowFOp>(rules, [](Real a, Real b) { return pow(a, b); });
  addFunction<math::Atan2Op>(rules, [](Real a, Real b) { return atan2(a, b); });
  addFunction<math::CopySignOp>(rules,
                                [](Real a, Real b) { return copysign(a, b); });
  addFunction<math::FmaOp>(rules,
                           [](Real a, Real b, Real c) { return a * b + c; });
  addIntegerFunction<math::AbsIOp>(rules,
                                   [](int64_t a) { return a < 0 ? -a : a; });
}
