//===- Optimizers.cpp - Optimizers, their states and formulas -------------===//
//
// A formula is that of one element, in the order in which it is written: no
// operation is moved or contracted, so the bits are the same on all targets.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Analysis/Optimizers.h"

#include "pprt_scalars.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace pp;

Value UpdateBuilder::number(double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getF32FloatAttr(float(value)));
}
Value UpdateBuilder::scalar(size_t offset) {
  Value index =
      arith::ConstantIndexOp::create(builder, loc, offset / sizeof(float));
  return tensor::ExtractOp::create(builder, loc, scalars, index);
}
Value UpdateBuilder::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b);
}
Value UpdateBuilder::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b);
}
Value UpdateBuilder::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b);
}
Value UpdateBuilder::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}
Value UpdateBuilder::sqrt(Value a) {
  return math::SqrtOp::create(builder, loc, a);
}

Value UpdateBuilder::sign(Value a) {
  auto is = [&](arith::CmpFPredicate predicate) -> Value {
    return arith::CmpFOp::create(builder, loc, predicate, a, number(0));
  };
  Value negative = arith::SelectOp::create(
      builder, loc, is(arith::CmpFPredicate::OLT), number(-1), number(0));
  return arith::SelectOp::create(builder, loc, is(arith::CmpFPredicate::OGT),
                                 number(1), negative);
}

#define SCALAR(name) u.scalar(offsetof(pprt_scalars, name))

Value UpdateBuilder::scaledGradient(Value gradient) {
  return mul(gradient, scalar(offsetof(pprt_scalars, gradient_scale)));
}
Value UpdateBuilder::decayed(Value parameter) {
  if (!decays)
    return parameter;
  Value part = mul(scalar(offsetof(pprt_scalars, learning_rate)),
                   scalar(offsetof(pprt_scalars, weight_decay)));
  return mul(parameter, sub(number(1), part));
}

/// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
/// p = p (1 - lr wd) - lr (m / c1) / (sqrt(v / c2) + eps)
static SmallVector<Value> buildAdamW(UpdateBuilder &u, Value p, Value gradient,
                                     ValueRange states) {
  Value g = u.scaledGradient(gradient);
  Value beta1 = SCALAR(beta1), beta2 = SCALAR(beta2);
  Value m = u.add(u.mul(beta1, states[0]), u.mul(u.sub(u.number(1), beta1), g));
  Value v = u.add(u.mul(beta2, states[1]),
                  u.mul(u.sub(u.number(1), beta2), u.mul(g, g)));
  Value rate = u.div(SCALAR(learning_rate), SCALAR(correction1));
  Value scale = u.div(u.number(1), SCALAR(correction2));
  Value size = u.add(u.sqrt(u.mul(v, scale)), SCALAR(epsilon));
  return {u.sub(u.decayed(p), u.div(u.mul(rate, m), size)), m, v};
}

/// p = p (1 - lr wd) - lr g
static SmallVector<Value> buildSgd(UpdateBuilder &u, Value p, Value gradient,
                                   ValueRange) {
  return {u.sub(u.decayed(p),
                u.mul(SCALAR(learning_rate), u.scaledGradient(gradient)))};
}

/// p = p (1 - lr wd) - lr sign(b1 m + (1 - b1) g);  m = b2 m + (1 - b2) g
static SmallVector<Value> buildLion(UpdateBuilder &u, Value p, Value gradient,
                                    ValueRange states) {
  Value g = u.scaledGradient(gradient);
  auto mean = [&](Value beta) {
    return u.add(u.mul(beta, states[0]), u.mul(u.sub(u.number(1), beta), g));
  };
  Value step = u.mul(SCALAR(learning_rate), u.sign(mean(SCALAR(beta1))));
  return {u.sub(u.decayed(p), step), mean(SCALAR(beta2))};
}

#undef SCALAR

static constexpr StringLiteral adamWStates[] = {"m", "v"};
static constexpr StringLiteral lionStates[] = {"m"};

static const Optimizer optimizers[] = {
    {"adamw", adamWStates, buildAdamW},
    {"sgd", {}, buildSgd},
    {"lion", lionStates, buildLion},
};

ArrayRef<Optimizer> pp::getOptimizers() { return optimizers; }

const Optimizer *pp::findOptimizer(StringRef name) {
  const Optimizer *found = llvm::find_if(
      optimizers, [&](const Optimizer &each) { return each.name == name; });
  return found == std::end(optimizers) ? nullptr : found;
}

std::string pp::listOptimizers() {
  std::string text = optimizers[0].name.str();
  for (size_t i = 1; i != std::size(optimizers); ++i)
    text += (i + 1 == std::size(optimizers) ? " or " : ", ") +
            optimizers[i].name.str();
  return text;
}

SmallVector<StringRef> pp::getKindsOfStates() {
  llvm::SetVector<StringRef, SmallVector<StringRef>> kinds;
  for (const Optimizer &each : optimizers)
    kinds.insert_range(each.states);
  return kinds.takeVector();
}
