//===- NNElementwise.cpp - One scalar at a time ---------------------------===//
//
// Types, folds and scalar bodies of elementwise ops. Bodies of activations
// compute bf16 in f32 and round once at the end: the formulas cancel where a
// bf16 intermediate would lose most of its bits.
//
//===----------------------------------------------------------------------===//

#include "Checker.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// The NumPy broadcast of two operands.
static LogicalResult inferBroadcast(Checker check, Value lhs, Value rhs,
                                    SmallVectorImpl<Type> &types) {
  if (failed(check.sameElementType("(C1)", {{"lhs", lhs}, {"rhs", rhs}})))
    return failure();
  ArrayRef<int64_t> a = tensorType(lhs).getShape();
  ArrayRef<int64_t> b = tensorType(rhs).getShape();
  int64_t rankA = a.size(), rankB = b.size();
  int64_t rank = std::max(rankA, rankB);
  SmallVector<int64_t> shape(rank);
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t inA = dim - (rank - rankA), inB = dim - (rank - rankB);
    int64_t sizeA = inA < 0 ? 1 : a[inA], sizeB = inB < 0 ? 1 : b[inB];
    if (sizeA != sizeB && sizeA != 1 && sizeB != 1)
      return check.fail("(C2) dimension ", inA, " of lhs is ", sizeA,
                        ", dimension ", inB, " of rhs is ", sizeB,
                        ", expected equal sizes or 1: insert dimensions of "
                        "size 1 with nn.reshape where one should repeat");
    shape[dim] = sizeA == 1 ? sizeB : sizeA;
  }
  types.push_back(tensorOf(shape, tensorType(lhs).getElementType()));
  return success();
}

static LogicalResult checkApproximate(Checker check, StringRef approximate) {
  if (approximate == "none" || approximate == "tanh")
    return success();
  return check.fail("(C1) approximate is \"", approximate,
                    "\", expected \"none\" or \"tanh\": choose one");
}

static LogicalResult inferActivationGrad(Checker check, Value input, Value dy,
                                         SmallVectorImpl<Type> &types) {
  types.push_back(input.getType());
  return check.hasType("(C2)", {"dy", dy}, input.getType(), "that of input");
}

#define INFER(OP)                                                              \
  LogicalResult OP::inferReturnTypes(                                          \
      MLIRContext *, std::optional<Location> location, Adaptor adaptor,        \
      SmallVectorImpl<Type> &types)

#define INFER_BROADCAST(OP)                                                    \
  INFER(OP) {                                                                  \
    return inferBroadcast({location, getOperationName()}, adaptor.getLhs(),    \
                          adaptor.getRhs(), types);                            \
  }
INFER_BROADCAST(AddOp)
INFER_BROADCAST(SubOp)
INFER_BROADCAST(MulOp)
INFER_BROADCAST(DivOp)
#undef INFER_BROADCAST

INFER(SiluOp) {
  types.push_back(adaptor.getInput().getType());
  return success();
}
INFER(ReluOp) {
  types.push_back(adaptor.getInput().getType());
  return success();
}
INFER(GeluOp) {
  types.push_back(adaptor.getInput().getType());
  return checkApproximate({location, getOperationName()},
                          adaptor.getApproximate());
}
INFER(SiluGradOp) {
  return inferActivationGrad({location, getOperationName()}, adaptor.getInput(),
                             adaptor.getDy(), types);
}
INFER(ReluGradOp) {
  return inferActivationGrad({location, getOperationName()}, adaptor.getInput(),
                             adaptor.getDy(), types);
}
INFER(GeluGradOp) {
  Checker check{location, getOperationName()};
  if (failed(checkApproximate(check, adaptor.getApproximate())))
    return failure();
  return inferActivationGrad(check, adaptor.getInput(), adaptor.getDy(), types);
}
#undef INFER

LogicalResult CastOp::verify() {
  ArrayRef<int64_t> input = getInput().getType().getShape();
  ArrayRef<int64_t> result = getType().getShape();
  if (input != result)
    return emitOpError() << "(C1) result has shape " << shapeText(result)
                         << ", expected " << shapeText(input)
                         << " as input: change the shape with nn.reshape";
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  // There and back: exact where the type between holds every value of the
  // outer one, which among our types is any wider one of the same kind.
  auto producer = getInput().getDefiningOp<CastOp>();
  if (!producer || producer.getInput().getType() != getType())
    return {};
  Type outer = getType().getElementType();
  Type between = getInput().getType().getElementType();
  bool wider = between.getIntOrFloatBitWidth() > outer.getIntOrFloatBitWidth();
  if (wider && isa<FloatType>(outer) == isa<FloatType>(between))
    return producer.getInput();
  return {};
}

OpFoldResult ReluOp::fold(FoldAdaptor) {
  return getInput().getDefiningOp<ReluOp>() ? getInput() : Value();
}

//===----------------------------------------------------------------------===//
// Scalar bodies
//===----------------------------------------------------------------------===//

namespace {
/// Arithmetic on scalars of one type, written as formulas.
struct Formula {
  OpBuilder &builder;
  Location loc;
  Type type;

  Value constant(double value) {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getFloatAttr(type, value));
  }
  Value add(Value a, Value b) {
    return arith::AddFOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(builder, loc, a, b);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(builder, loc, a, b);
  }
  Value div(Value a, Value b) {
    return arith::DivFOp::create(builder, loc, a, b);
  }
  Value exp(Value a) { return math::ExpOp::create(builder, loc, a); }
  Value erf(Value a) { return math::ErfOp::create(builder, loc, a); }
  Value tanh(Value a) { return math::TanhOp::create(builder, loc, a); }

  /// 1 / (1 + exp(-x)).
  Value sigmoid(Value x) {
    Value one = constant(1.0);
    Value negated = arith::NegFOp::create(builder, loc, x);
    return div(one, add(one, exp(negated)));
  }
};
} // namespace

/// Calls `body` with scalars of at least f32 and rounds its value to the type
/// of the scalars.
static Value
computeWide(OpBuilder &builder, Location loc, ValueRange scalars,
            llvm::function_ref<Value(Formula &, ValueRange)> body) {
  Type type = scalars.front().getType();
  Type wide = statisticsType(type);
  Formula formula{builder, loc, wide};
  if (type == wide)
    return body(formula, scalars);
  SmallVector<Value> extended;
  for (Value scalar : scalars)
    extended.push_back(arith::ExtFOp::create(builder, loc, wide, scalar));
  return arith::TruncFOp::create(builder, loc, type, body(formula, extended));
}

Value AddOp::buildScalar(OpBuilder &builder, Location loc, ValueRange scalars) {
  return arith::AddFOp::create(builder, loc, scalars[0], scalars[1]);
}
Value SubOp::buildScalar(OpBuilder &builder, Location loc, ValueRange scalars) {
  return arith::SubFOp::create(builder, loc, scalars[0], scalars[1]);
}
Value MulOp::buildScalar(OpBuilder &builder, Location loc, ValueRange scalars) {
  return arith::MulFOp::create(builder, loc, scalars[0], scalars[1]);
}
Value DivOp::buildScalar(OpBuilder &builder, Location loc, ValueRange scalars) {
  return arith::DivFOp::create(builder, loc, scalars[0], scalars[1]);
}

/// sqrt(2 / pi) and the coefficient of the cubic term in gelu's tanh form.
static constexpr double kGeluTanhScale = 0.7978845608028654;
static constexpr double kGeluTanhCubic = 0.044715;
/// 1 / sqrt(2) and 1 / sqrt(2 pi).
static constexpr double kInverseSqrt2 = 0.7071067811865476;
static constexpr double kInverseSqrt2Pi = 0.3989422804014327;

Value GeluOp::buildScalar(OpBuilder &builder, Location loc,
                          ValueRange scalars) {
  return computeWide(builder, loc, scalars, [&](Formula &f, ValueRange in) {
    Value x = in[0], one = f.constant(1.0), half = f.constant(0.5);
    Value inner;
    if (getApproximate() == "tanh") {
      Value cubic = f.mul(f.constant(kGeluTanhCubic), f.mul(x, f.mul(x, x)));
      inner = f.tanh(f.mul(f.constant(kGeluTanhScale), f.add(x, cubic)));
    } else {
      inner = f.erf(f.mul(x, f.constant(kInverseSqrt2)));
    }
    return f.mul(f.mul(half, x), f.add(one, inner));
  });
}

Value GeluGradOp::buildScalar(OpBuilder &builder, Location loc,
                              ValueRange scalars) {
  return computeWide(builder, loc, scalars, [&](Formula &f, ValueRange in) {
    Value x = in[0], dy = in[1];
    Value one = f.constant(1.0), half = f.constant(0.5);
    Value square = f.mul(x, x);
    if (getApproximate() == "tanh") {
      // u = c (x + a x^3), t = tanh u:
      // f' = (1 + t) / 2 + x (1 - t^2) u' / 2 with u' = c (1 + 3 a x^2).
      Value scale = f.constant(kGeluTanhScale);
      Value cubic = f.mul(f.constant(kGeluTanhCubic), f.mul(x, square));
      Value t = f.tanh(f.mul(scale, f.add(x, cubic)));
      Value slope = f.mul(
          scale, f.add(one, f.mul(f.constant(3.0 * kGeluTanhCubic), square)));
      Value left = f.mul(half, f.add(one, t));
      Value right =
          f.mul(f.mul(f.mul(half, x), f.sub(one, f.mul(t, t))), slope);
      return f.mul(dy, f.add(left, right));
    }
    Value cdf =
        f.mul(half, f.add(one, f.erf(f.mul(x, f.constant(kInverseSqrt2)))));
    Value pdf = f.mul(f.constant(kInverseSqrt2Pi),
                      f.exp(f.mul(f.constant(-0.5), square)));
    return f.mul(dy, f.add(cdf, f.mul(x, pdf)));
  });
}

Value SiluOp::buildScalar(OpBuilder &builder, Location loc,
                          ValueRange scalars) {
  return computeWide(builder, loc, scalars, [](Formula &f, ValueRange in) {
    return f.mul(in[0], f.sigmoid(in[0]));
  });
}

Value SiluGradOp::buildScalar(OpBuilder &builder, Location loc,
                              ValueRange scalars) {
  return computeWide(builder, loc, scalars, [](Formula &f, ValueRange in) {
    Value x = in[0], dy = in[1], one = f.constant(1.0);
    Value s = f.sigmoid(x);
    Value slope = f.mul(s, f.add(one, f.mul(x, f.sub(one, s))));
    return f.mul(dy, slope);
  });
}

static Value zero(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

Value ReluOp::buildScalar(OpBuilder &builder, Location loc,
                          ValueRange scalars) {
  // maximumf, not maxnumf: NaN must stay NaN.
  return arith::MaximumFOp::create(builder, loc, scalars[0],
                                   zero(builder, loc, scalars[0].getType()));
}

Value ReluGradOp::buildScalar(OpBuilder &builder, Location loc,
                              ValueRange scalars) {
  Value none = zero(builder, loc, scalars[0].getType());
  Value positive = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OGT, scalars[0], none);
  return arith::SelectOp::create(builder, loc, positive, scalars[1], none);
}

Value CastOp::buildScalar(OpBuilder &builder, Location loc,
                          ValueRange scalars) {
  Value scalar = scalars[0];
  Type from = scalar.getType(), to = getType().getElementType();
  if (from == to)
    return scalar;
  unsigned fromBits = from.getIntOrFloatBitWidth();
  unsigned toBits = to.getIntOrFloatBitWidth();
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  if (fromFloat && toFloat) {
    if (fromBits < toBits)
      return arith::ExtFOp::create(builder, loc, to, scalar);
    return arith::TruncFOp::create(builder, loc, to, scalar);
  }
  if (fromFloat)
    return arith::FPToSIOp::create(builder, loc, to, scalar);
  if (toFloat)
    return arith::SIToFPOp::create(builder, loc, to, scalar);
  if (fromBits < toBits)
    return arith::ExtSIOp::create(builder, loc, to, scalar);
  return arith::TruncIOp::create(builder, loc, to, scalar);
}

uint64_t AddOp::getFlopsPerElement() { return 1; }
uint64_t SubOp::getFlopsPerElement() { return 1; }
uint64_t MulOp::getFlopsPerElement() { return 1; }
uint64_t DivOp::getFlopsPerElement() { return 1; }
uint64_t GeluOp::getFlopsPerElement() {
  return getApproximate() == "tanh" ? 9 : 5;
}
uint64_t GeluGradOp::getFlopsPerElement() {
  return getApproximate() == "tanh" ? 18 : 11;
}
uint64_t SiluOp::getFlopsPerElement() { return 5; }
uint64_t SiluGradOp::getFlopsPerElement() { return 9; }
uint64_t ReluOp::getFlopsPerElement() { return 1; }
uint64_t ReluGradOp::getFlopsPerElement() { return 1; }
uint64_t CastOp::getFlopsPerElement() { return 1; }
