//===- RulesGradients.cpp - Gradient ops ----------------------------------===//
//
// A gradient op is what the tape says of the op whose adjoint it is: the rule
// of that op runs on a tape of its own, and nothing is written twice. No model
// has these ops; backward functions have.
//
//===----------------------------------------------------------------------===//

#include "Rules.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

namespace {

/// The op whose gradient is asked for, on values of a block of its own.
class Forward {
public:
  Forward(const RuleTable &rules, Operation *op)
      : rules(rules), builder(op->getContext()), loc(op->getLoc()) {
    builder.setInsertionPointToStart(&block);
  }

  /// An operand with the numbers of `tensor`.
  Value operand(const Tensor &tensor) {
    tensors.push_back(tensor);
    return block.addArgument(tensor.type, loc);
  }
  /// An operand of which only the derivative counts.
  Value operand(Type type, double value) {
    Tensor tensor(type);
    llvm::fill(tensor.reals, Real(value));
    return operand(tensor);
  }

  /// Sets `out` to the derivative by operand `i` of the sum of all elements of
  /// result `result` of `op` times `cotangent`.
  LogicalResult differentiate(Operation *op, const Tensor &cotangent,
                              ArrayRef<std::pair<unsigned, Tensor *>> out,
                              unsigned result = 0) {
    Tape tape(0, 0);
    ActiveTape active(tape);
    std::vector<Tensor> inputs = tensors;
    for (Tensor &tensor : inputs)
      for (Real &element : tensor.reals)
        element = tape.variable(element.value);
    SmallVector<const Tensor *> operands;
    for (const Tensor &tensor : inputs)
      operands.push_back(&tensor);
    SmallVector<Tensor> results;
    for (Type type : op->getResultTypes())
      results.emplace_back(type);
    if (failed((*rules.lookup(op->getName()))(op, operands, results, {})))
      return failure();
    Real sum;
    for (auto [element, weight] :
         llvm::zip_equal(results[result].reals, cotangent.reals))
      sum += element * Real(weight.value);
    std::vector<double> adjoint = tape.differentiate(sum);
    for (auto [i, tensor] : out)
      for (auto [element, variable] :
           llvm::zip_equal(tensor->reals, inputs[i].reals))
        element = adjoint[variable.node];
    return success();
  }

private:
  const RuleTable &rules;

public:
  OpBuilder builder;
  Location loc;

private:
  Block block;
  std::vector<Tensor> tensors;
};

void addInit(Operands in, unsigned number, Tensor &out) {
  if (in.size() > number)
    for (auto [element, init] : llvm::zip_equal(out.reals, in[number]->reals))
      element = Real(element.value + init.value);
}

/// f'(x) dy; `build(forward, op, x)` builds f.
template <typename Op, typename Build>
void addActivationGradient(RuleTable &rules, Build build) {
  rules.add<Op>([&rules, build](Op op, Operands in, Results out) {
    Forward forward(rules, op);
    Value x = forward.operand(*in[0]);
    Operation *built = build(forward, op, x);
    return forward.differentiate(built, *in[1], {{0, &out[0]}});
  });
}

/// Gradients of a norm; `build(forward, op, x, gamma, beta)`.
template <typename GradInput, typename GradScale, typename Build>
void addNormGradients(RuleTable &rules, Build build) {
  rules.add<GradInput>([&rules, build](GradInput op, Operands in, Results out) {
    Forward forward(rules, op);
    Value x = forward.operand(*in[0]), gamma = forward.operand(*in[1]);
    Value beta = forward.operand(in[1]->type, 0);
    Operation *built = build(forward, op, x, gamma, beta);
    return forward.differentiate(built, *in[2], {{0, &out[0]}});
  });
  rules.add<GradScale>([&rules, build](GradScale op, Operands in, Results out) {
    Forward forward(rules, op);
    Value x = forward.operand(*in[0]);
    auto row = RankedTensorType::get({in[0]->shape.back()}, in[0]->element());
    Value gamma = forward.operand(row, 1), beta = forward.operand(row, 0);
    Operation *built = build(forward, op, x, gamma, beta);
    if (failed(forward.differentiate(built, *in[1], {{1, &out[0]}})))
      return failure();
    // Statistics, which follow from x, stand before it.
    addInit(in, 2 + op.getStatistics().size(), out[0]);
    return success();
  });
}

} // namespace

void pp::interpreter::addGradientRules(RuleTable &rules) {
  addActivationGradient<nn::GeluGradOp>(
      rules, [](Forward &f, nn::GeluGradOp op, Value x) -> Operation * {
        return nn::GeluOp::create(f.builder, f.loc, x, op.getApproximate());
      });
  addActivationGradient<nn::SiluGradOp>(
      rules, [](Forward &f, nn::SiluGradOp, Value x) -> Operation * {
        return nn::SiluOp::create(f.builder, f.loc, x);
      });
  addActivationGradient<nn::ReluGradOp>(
      rules, [](Forward &f, nn::ReluGradOp, Value x) -> Operation * {
        return nn::ReluOp::create(f.builder, f.loc, x);
      });
  addNormGradients<nn::LayerNormGradInputOp, nn::LayerNormGradScaleOp>(
      rules,
      [](Forward &f, auto op, Value x, Value gamma, Value beta) -> Operation * {
        return nn::LayerNormOp::create(f.builder, f.loc, x, gamma, beta,
                                       op.getEpsAttr());
      });
  addNormGradients<nn::RMSNormGradInputOp, nn::RMSNormGradScaleOp>(
      rules,
      [](Forward &f, auto op, Value x, Value gamma, Value) -> Operation * {
        return nn::RMSNormOp::create(f.builder, f.loc, x, gamma,
                                     op.getEpsAttr());
      });
  rules.add<nn::EmbeddingGradOp>([&rules](nn::EmbeddingGradOp op, Operands in,
                                          Results out) {
    Forward forward(rules, op);
    Value ids = forward.operand(*in[0]);
    Value table = forward.operand(out[0].type, 0);
    Value numbers = op.getNumbers() ? forward.operand(*in.back()) : Value();
    Operation *built = nn::EmbeddingOp::create(
        forward.builder, forward.loc, ids, table, numbers, op.getCountAttr());
    if (failed(forward.differentiate(built, *in[1], {{1, &out[0]}})))
      return failure();
    if (op.getInit())
      addInit(in, 2, out[0]);
    return success();
  });
  rules.add<nn::AttentionGradOp>([&rules](nn::AttentionGradOp op, Operands in,
                                          Results out) {
    Forward forward(rules, op);
    Value q = forward.operand(*in[0]), k = forward.operand(*in[1]),
          v = forward.operand(*in[2]);
    Value documents = op.getDocuments() ? forward.operand(*in[6]) : Value();
    Operation *built = nn::AttentionOp::create(
        forward.builder, forward.loc, q, k, v, documents, op.getCausalAttr(),
        op.getScaleAttr());
    return forward.differentiate(built, *in[5],
                                 {{0, &out[0]}, {1, &out[1]}, {2, &out[2]}});
  });
  rules.add<nn::ClassSumsGradOp>([&rules](nn::ClassSumsGradOp op, Operands in,
                                          Results out) {
    // By each of the results.
    for (unsigned i : {0u, 1u}) {
      Forward forward(rules, op);
      Value logits = forward.operand(*in[0]), shift = forward.operand(*in[1]),
            targets = forward.operand(*in[2]);
      Value numbers = op.getNumbers() ? forward.operand(*in[5]) : Value();
      Operation *built = nn::ClassSumsOp::create(
          forward.builder, forward.loc, logits, shift, targets, numbers,
          op.getCountAttr(), op.getIgnoreIndexAttr());
      Tensor part(out[0].type);
      if (failed(forward.differentiate(built, *in[3 + i], {{0, &part}}, i)))
        return failure();
      for (auto [sum, element] : llvm::zip_equal(out[0].reals, part.reals))
        sum = Real(sum.value + element.value);
    }
    return success();
  });
  rules.add<nn::CrossEntropyGradOp>([&rules](nn::CrossEntropyGradOp op,
                                             Operands in, Results out) {
    Forward forward(rules, op);
    Value logits = forward.operand(*in[0]);
    Value targets = forward.operand(*in[1]);
    Operation *built = nn::CrossEntropyOp::create(
        forward.builder, forward.loc, logits, targets, op.getIgnoreIndexAttr());
    return forward.differentiate(built, *in[3], {{0, &out[0]}});
  });
}
