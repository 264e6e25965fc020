//===- ElementwiseTest.cpp - Scalar bodies against their formulas ---------===//
//
// A scalar body is built on constants and folded; what remains must be the
// number that the formula of the op's documentation gives in double.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <cmath>

using namespace mlir;
using namespace pp::nn;

namespace {
class ElementwiseTest : public NNTest {
protected:
  Value constant(Type type, double number) {
    TypedAttr attribute;
    if (isa<FloatType>(type))
      attribute = builder.getFloatAttr(type, number);
    else
      attribute = builder.getIntegerAttr(type, static_cast<int64_t>(number));
    return arith::ConstantOp::create(builder, loc(), attribute);
  }

  /// Folds what defines `value` down to an attribute.
  Attribute evaluate(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      return constant.getValue();
    SmallVector<Attribute> operands;
    for (Value operand : op->getOperands())
      operands.push_back(evaluate(operand));
    // arith folds this one only where it is exact.
    if (isa<arith::TruncFOp>(op)) {
      auto type = cast<FloatType>(value.getType());
      APFloat number = cast<FloatAttr>(operands[0]).getValue();
      bool inexact;
      number.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                     &inexact);
      return FloatAttr::get(type, number);
    }
    SmallVector<OpFoldResult> results;
    if (failed(op->fold(operands, results)) || results.size() != 1) {
      ADD_FAILURE() << "no constant: " << op->getName().getStringRef().str();
      return {};
    }
    if (auto folded = dyn_cast<Value>(results[0]))
      return evaluate(folded);
    return cast<Attribute>(results[0]);
  }

  /// The body of `op` on numbers of the types of its operands.
  Attribute run(pp::ElementwiseOpInterface op, ArrayRef<double> numbers) {
    SmallVector<Value> scalars;
    for (auto [type, number] : llvm::zip_equal(op->getOperandTypes(), numbers))
      scalars.push_back(
          constant(cast<RankedTensorType>(type).getElementType(), number));
    Value result = op.buildScalar(builder, loc(), scalars);
    EXPECT_EQ(
        result.getType(),
        cast<RankedTensorType>(op->getResult(0).getType()).getElementType());
    return evaluate(result);
  }

  double runFloat(pp::ElementwiseOpInterface op, ArrayRef<double> numbers) {
    auto number = dyn_cast_or_null<FloatAttr>(run(op, numbers));
    EXPECT_TRUE(number) << "the body does not fold";
    return number ? number.getValueAsDouble() : NAN;
  }

  Type f64() { return builder.getF64Type(); }
  Value vector(Type element) { return value(tensor({3}, element)); }
};

const double kPoints[] = {-30.0, -3.25, -1.0, -1e-3, 0.0, 0.5, 1.0, 2.75, 30.0};

double normalCdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double normalPdf(double x) {
  return std::exp(-x * x / 2) / std::sqrt(2.0 * M_PI);
}
double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double geluTanh(double x) {
  return 0.5 * x *
         (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

TEST_F(ElementwiseTest, Arithmetic) {
  Value x = vector(f64());
  auto add = AddOp::create(builder, loc(), x, x);
  auto sub = SubOp::create(builder, loc(), x, x);
  auto mul = MulOp::create(builder, loc(), x, x);
  auto div = DivOp::create(builder, loc(), x, x);
  EXPECT_EQ(runFloat(add, {3.5, -1.25}), 2.25);
  EXPECT_EQ(runFloat(sub, {3.5, -1.25}), 4.75);
  EXPECT_EQ(runFloat(mul, {3.5, -1.25}), -4.375);
  EXPECT_EQ(runFloat(div, {3.5, -1.25}), -2.8);
}

TEST_F(ElementwiseTest, Activations) {
  Value x = vector(f64());
  auto gelu = GeluOp::create(builder, loc(), x, "none");
  auto tanh = GeluOp::create(builder, loc(), x, "tanh");
  auto silu = SiluOp::create(builder, loc(), x);
  auto relu = ReluOp::create(builder, loc(), x);
  for (double p : kPoints) {
    EXPECT_NEAR(runFloat(gelu, p), p * normalCdf(p), 1e-13) << p;
    EXPECT_NEAR(runFloat(tanh, p), geluTanh(p), 1e-13) << p;
    EXPECT_NEAR(runFloat(silu, p), p * sigmoid(p), 1e-13) << p;
    EXPECT_EQ(runFloat(relu, p), p > 0 ? p : 0.0) << p;
  }
  EXPECT_TRUE(std::isnan(runFloat(relu, NAN)));
}

TEST_F(ElementwiseTest, Gradients) {
  Value x = vector(f64());
  auto gelu = GeluGradOp::create(builder, loc(), x, x, "none");
  auto tanh = GeluGradOp::create(builder, loc(), x, x, "tanh");
  auto silu = SiluGradOp::create(builder, loc(), x, x);
  auto relu = ReluGradOp::create(builder, loc(), x, x);
  const double dy = -1.75, h = 1e-5;
  for (double p : kPoints) {
    EXPECT_NEAR(runFloat(gelu, {p, dy}), dy * (normalCdf(p) + p * normalPdf(p)),
                1e-13)
        << p;
    double slope = (geluTanh(p + h) - geluTanh(p - h)) / (2 * h);
    EXPECT_NEAR(runFloat(tanh, {p, dy}), dy * slope, 1e-8) << p;
    double s = sigmoid(p);
    EXPECT_NEAR(runFloat(silu, {p, dy}), dy * (s + p * s * (1 - s)), 1e-13)
        << p;
    EXPECT_EQ(runFloat(relu, {p, dy}), p > 0 ? dy : 0.0) << p;
  }
}

// bf16 bodies compute in f32 and round once: the error is at most half a unit
// in the last of 8 bits.
TEST_F(ElementwiseTest, RoundsBF16Once) {
  Value x = vector(builder.getBF16Type());
  auto silu = SiluOp::create(builder, loc(), x);
  auto gelu = GeluOp::create(builder, loc(), x, "none");
  for (double p : {-3.25, -1.0, 0.5, 2.75}) {
    double expected = p * sigmoid(p);
    EXPECT_NEAR(runFloat(silu, p), expected, std::abs(expected) / 256) << p;
    expected = p * normalCdf(p);
    EXPECT_NEAR(runFloat(gelu, p), expected, std::abs(expected) / 256) << p;
  }
}

TEST_F(ElementwiseTest, Casts) {
  Type bf16 = builder.getBF16Type(), f32 = builder.getF32Type();
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto cast = [&](Type from, Type to, double number) {
    auto op = CastOp::create(builder, loc(), tensor({3}, to), vector(from));
    return run(op, number);
  };
  auto asFloat = [](Attribute a) {
    return ::cast<FloatAttr>(a).getValueAsDouble();
  };
  auto asInt = [](Attribute a) { return ::cast<IntegerAttr>(a).getInt(); };
  EXPECT_EQ(asFloat(cast(f64(), f32, 0.1)), static_cast<double>(0.1f));
  EXPECT_EQ(asFloat(cast(bf16, f64(), 1.5)), 1.5);
  // 257 lies between 256 and 258: round to even.
  EXPECT_EQ(asFloat(cast(f32, bf16, 257.0)), 256.0);
  EXPECT_EQ(asInt(cast(f32, i32, -2.75)), -2);
  EXPECT_EQ(asInt(cast(f64(), i64, 2.75)), 2);
  EXPECT_EQ(asFloat(cast(i32, bf16, 259.0)), 260.0);
  EXPECT_EQ(asInt(cast(i32, i64, -5)), -5);
  EXPECT_EQ(asInt(cast(i64, i32, 4294967297.0)), 1);
}

TEST_F(ElementwiseTest, BroadcastIndexingMaps) {
  auto add =
      AddOp::create(builder, loc(), value(f32({4, 1, 6})), value(f32({5, 1})));
  EXPECT_EQ(add.getType(), f32({4, 5, 6}));
  AffineExpr d0, d1, d2;
  bindDims(&context, d0, d1, d2);
  AffineExpr zero = getAffineConstantExpr(0, &context);
  SmallVector<AffineMap> maps =
      cast<pp::ElementwiseOpInterface>(*add).getElementwiseIndexingMaps();
  ASSERT_EQ(maps.size(), 3u);
  EXPECT_EQ(maps[0], AffineMap::get(3, 0, {d0, zero, d2}, &context));
  EXPECT_EQ(maps[1], AffineMap::get(3, 0, {d1, zero}, &context));
  EXPECT_EQ(maps[2], AffineMap::getMultiDimIdentityMap(3, &context));
}
} // namespace
