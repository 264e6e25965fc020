//===- RulesElementwise.cpp - Elementwise ops of nn -----------------------===//

#include "Rules.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

namespace {

/// result = function(lhs, rhs) with broadcasting.
template <typename Op, typename Function>
void addBinary(RuleTable &rules, Function function) {
  rules.add<Op>([function](Op, Operands in, Results out) {
    std::vector<int64_t> lhs = broadcastMap(in[0]->shape, out[0].shape);
    std::vector<int64_t> rhs = broadcastMap(in[1]->shape, out[0].shape);
    for (size_t i = 0; i < lhs.size(); ++i)
      out[0].reals[i] = function(in[0]->reals[lhs[i]], in[1]->reals[rhs[i]]);
  });
}

template <typename Op, typename Function>
void addActivation(RuleTable &rules, Function function) {
  rules.add<Op>([function](Op op, Operands in, Results out) {
    for (size_t i = 0; i < out[0].reals.size(); ++i)
      out[0].reals[i] = function(op, in[0]->reals[i]);
  });
}

Real evaluateGelu(nn::GeluOp op, Real x) {
  if (op.getApproximate() == "tanh") {
    Real inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    return 0.5 * x * (1 + tanh(inner));
  }
  return 0.5 * x * (1 + erf(x / std::sqrt(2.0)));
}

void evaluateCast(nn::CastOp, Operands in, Results out) {
  for (int64_t i = 0; i < out[0].count(); ++i) {
    if (in[0]->isFloat() && out[0].isFloat())
      out[0].reals[i] = in[0]->reals[i];
    else if (in[0]->isFloat())
      out[0].integers[i] =
          wrap(static_cast<int64_t>(in[0]->reals[i].value), out[0].element());
    else if (out[0].isFloat())
      out[0].reals[i] = static_cast<double>(in[0]->integers[i]);
    else
      out[0].integers[i] = wrap(in[0]->integers[i], out[0].element());
  }
}

} // namespace

void pp::interpreter::addElementwiseRules(RuleTable &rules) {
  addBinary<nn::AddOp>(rules, [](Real a, Real b) { return a + b; });
  addBinary<nn::SubOp>(rules, [](Real a, Real b) { return a - b; });
  addBinary<nn::MulOp>(rules, [](Real a, Real b) { return a * b; });
  addBinary<nn::DivOp>(rules, [](Real a, Real b) { return a / b; });
  addActivation<nn::GeluOp>(rules, evaluateGelu);
  addActivation<nn::SiluOp>(
      rules, [](nn::SiluOp, Real x) { return x / (1 + exp(-x)); });
  // The derivative at 0 is 0.
  addActivation<nn::ReluOp>(
      rules, [](nn::ReluOp, Real x) { return x.value > 0 ? x : Real(0); });
  rules.add<nn::CastOp>(evaluateCast);
}
