//===- Interpreter.cpp - A training step in double precision -------------===//
//
// A micro-batch is a tape: the parameters come first, then all that the applies
// compute from them, last the loss. Losses and gradients of micro-batches are
// added in double precision, each as many times as it weighs: by the model's
// second result, or by the part of its targets that cross entropies count; and
// divided by the sum of the weights.
//
//===----------------------------------------------------------------------===//

#include "pp/Interpreter/Interpreter.h"

#include "Evaluation.h"
#include "Random.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

static llvm::Error failure(const Twine &message) {
  return llvm::createStringError(message.str());
}

namespace {

/// The step of a model on a tape.
class StepEvaluation {
public:
  StepEvaluation(ModelOp model, const TokenFile &file, const Step &step,
                 const Noise &noise, StringRef distorted)
      : model(model), file(file), step(step), noise(noise),
        tape(noise.scalar, noise.seed), evaluation(tape, noise, distorted) {}

  llvm::Error setParameters(ArrayRef<ParamOp> params,
                            const std::vector<Numbers> &values);
  llvm::Expected<StepResult> run();

private:
  llvm::Error runMicrobatch(int64_t microbatch, StepResult &result);
  llvm::Expected<Tensor> input(unsigned argument, int64_t microbatch);
  llvm::Error apply(ApplyOp op, Values &values, const Surroundings &around);

  ModelOp model;
  const TokenFile &file;
  const Step &step;
  const Noise &noise;
  Tape tape;
  Evaluation evaluation;
  Values parameters;
  /// Targets of the cross entropies of a micro-batch, and those not ignored.
  int64_t allTargets = 0, countedTargets = 0;
  double weights = 0; ///< of all micro-batches
  /// Nodes of the parameters' elements, by parameter.
  std::vector<std::vector<uint32_t>> nodes;
};

} // namespace

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

llvm::Error StepEvaluation::apply(ApplyOp op, Values &values,
                                  const Surroundings &around) {
  auto layer =
      SymbolTable::lookupNearestSymbolFrom<LayerOp>(op, op.getCalleeAttr());
  Values inside;
  for (auto [operand, argument] :
       llvm::zip_equal(op.getOperands(), layer.getBody().getArguments()))
    inside[argument] = values.find(operand)->second;
  Block &body = layer.getBody().front();
  if (llvm::Error error = evaluation.run(body, inside, around))
    return error;
  for (auto loss : body.getOps<nn::CrossEntropyOp>()) {
    const std::vector<int64_t> &targets =
        inside.find(loss.getTargets())->second.integers;
    allTargets += targets.size();
    countedTargets +=
        targets.size() - llvm::count(targets, int64_t(loss.getIgnoreIndex()));
  }
  Operation *yield = body.getTerminator();
  for (auto [result, operand] :
       llvm::zip_equal(op.getResults(), yield->getOperands()))
    values[result] = inside.find(operand)->second;
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

llvm::Error StepEvaluation::setParameters(ArrayRef<ParamOp> params,
                                          const std::vector<Numbers> &values) {
  for (auto [op, numbers] : llvm::zip_equal(params, values)) {
    ParamOp param = op;
    Tensor tensor(param.getType());
    std::vector<uint32_t> &list = nodes.emplace_back();
    for (auto [element, number] : llvm::zip_equal(tensor.reals, numbers)) {
      element = tape.variable(number);
      list.push_back(element.node);
      if (noise.tensor != 0)
        element = tape.record(element.value, element, 1, {}, 0, noise.tensor);
      if (tensor.element().isBF16())
        element.value = roundToBF16(element.value);
    }
    parameters[param.getResult()] = std::move(tensor);
  }
  return llvm::Error::success();
}

/// What the first cross entropy ignores.
static std::optional<int64_t> findIgnored(ModelOp model) {
  std::optional<int64_t> ignored;
  model->getParentOp()->walk([&](nn::CrossEntropyOp loss) {
    ignored = int64_t(loss.getIgnoreIndex());
    return WalkResult::interrupt();
  });
  return ignored;
}

/// Sample i of a run is a window at an offset drawn from (seed, i); targets are
/// the window shifted by one, those in other documents ignored; documents have
/// numbers from 0 on in each window.
llvm::Expected<Tensor> StepEvaluation::input(unsigned argument,
                                             int64_t microbatch) {
  Tensor tensor(model.getArgumentTypes()[argument]);
  StringRef name = model.getDataName(argument);
  const bool isTargets = name == "targets", isDocuments = name == kDocuments;
  if ((name != "tokens" && !isTargets && !isDocuments) || tensor.rank() != 2 ||
      tensor.isFloat())
    return failure("found data '" + name +
                   "', expected tokens, targets or documents of [batch, "
                   "sequence]");
  const bool hasDocuments =
      llvm::any_of(llvm::seq(model.getNumArguments()), [&](unsigned i) {
        return model.getDataName(i) == kDocuments;
      });
  if (hasDocuments && step.documentEnd < 0)
    return failure("found a model with documents, expected the token that ends "
                   "each: give --document-end");
  std::optional<int64_t> ignored =
      isTargets && hasDocuments ? findIgnored(model) : std::nullopt;
  uint64_t batch = tensor.shape[0], sequence = tensor.shape[1];
  if (file.size() <= sequence)
    return failure("found " + Twine(file.size()) +
                   " tokens, expected more than a sequence of " +
                   Twine(sequence));
  uint64_t windows = file.size() - sequence;
  uint64_t key = keyOfStream(step.seed, "order of the data");
  for (uint64_t row = 0; row < batch; ++row) {
    uint64_t number = step.number * step.microbatches + microbatch;
    uint64_t random = philox64(key, number * batch + row);
    // 64 random bits taken to [0, windows).
    uint64_t offset = static_cast<uint64_t>(
        static_cast<unsigned __int128>(random) * windows >> 64);
    int64_t document = 0;
    for (uint64_t i = 0; i < sequence; ++i) {
      const bool isEnd = hasDocuments && file[offset + i] == step.documentEnd;
      int64_t &element = tensor.integers[row * sequence + i];
      element = isDocuments ? document : file[offset + i + (isTargets ? 1 : 0)];
      if (isEnd && ignored)
        element = *ignored;
      document += isEnd;
    }
  }
  return tensor;
}

llvm::Error StepEvaluation::runMicrobatch(int64_t microbatch,
                                          StepResult &result) {
  Values values = parameters;
  for (BlockArgument argument : model.getBody().getArguments()) {
    auto tensor = input(argument.getArgNumber(), microbatch);
    if (!tensor)
      return tensor.takeError();
    values[argument] = std::move(*tensor);
  }
  uint64_t key = philox64(keyOfStream(step.seed, "dropout"),
                          step.number * step.microbatches + microbatch);
  uint64_t number = 0;
  allTargets = countedTargets = 0;
  for (ApplyOp op : model.getBody().getOps<ApplyOp>())
    if (llvm::Error error = apply(op, values, {mixKey(key, number++)}))
      return error;
  OperandRange results = model.getBody().front().getTerminator()->getOperands();
  double weight = 1;
  if (results.size() > 1)
    weight = values.find(results[1])->second.reals[0].value;
  else if (allTargets > 0)
    weight =
        static_cast<double>(countedTargets) / static_cast<double>(allTargets);
  weights += weight;
  Real total = values.find(results[0])->second.reals[0];
  result.loss += weight * total.value;
  std::vector<double> adjoint = tape.differentiate(total);
  for (auto [gradient, list] : llvm::zip_equal(result.gradient, nodes))
    for (auto [sum, node] : llvm::zip_equal(gradient, list))
      sum += weight * adjoint[node];
  return llvm::Error::success();
}

llvm::Expected<StepResult> StepEvaluation::run() {
  StepResult result;
  for (const std::vector<uint32_t> &list : nodes)
    result.gradient.emplace_back(list.size());
  ActiveTape active(tape);
  size_t start = tape.size();
  llvm::Error error = llvm::Error::success();
  for (int64_t i = 0; i < step.microbatches && !error; ++i) {
    tape.truncate(start);
    error = runMicrobatch(i, result);
  }
  if (error)
    return std::move(error);
  if (weights == 0)
    return result; // nothing counts
  result.loss /= weights;
  for (std::vector<double> &gradient : result.gradient)
    for (double &sum : gradient)
      sum /= weights;
  return result;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

llvm::Expected<BlockResult>
pp::interpreter::evaluate(Block &block, const std::vector<Numbers> &arguments,
                          const std::vector<Numbers> &weights) {
  Noise none;
  Tape tape(none.scalar, none.seed);
  ActiveTape active(tape);
  Values values;
  for (auto [argument, numbers] :
       llvm::zip_equal(block.getArguments(), arguments)) {
    Tensor tensor(argument.getType());
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (tensor.isFloat())
        tensor.reals[i] = tape.variable(numbers[i]);
      else
        tensor.integers[i] = static_cast<int64_t>(numbers[i]);
    }
    values[argument] = std::move(tensor);
  }
  Values variables = values;
  if (llvm::Error error = Evaluation(tape, none, "").run(block, values, {}))
    return std::move(error);
  BlockResult result;
  Real sum;
  for (auto [operand, list] :
       llvm::zip_equal(block.getTerminator()->getOperands(), weights)) {
    const Tensor &tensor = values.find(operand)->second;
    Numbers &numbers = result.results.emplace_back();
    for (int64_t i = 0; i < tensor.count(); ++i) {
      numbers.push_back(tensor.isFloat()
                            ? tensor.reals[i].value
                            : static_cast<double>(tensor.integers[i]));
      if (tensor.isFloat() && list[i] != 0)
        sum += list[i] * tensor.reals[i];
    }
  }
  std::vector<double> adjoint = tape.differentiate(sum);
  for (BlockArgument argument : block.getArguments()) {
    Numbers &gradient = result.gradients.emplace_back();
    for (Real variable : variables.find(argument)->second.reals)
      gradient.push_back(adjoint[variable.node]);
  }
  return result;
}

bool pp::interpreter::hasRule(OperationName name) {
  return RuleTable().lookup(name) != nullptr;
}

//===----------------------------------------------------------------------===//
// Interpreter
//===----------------------------------------------------------------------===//

llvm::Expected<Interpreter> Interpreter::create(ModelOp model) {
  Interpreter interpreter(model);
  llvm::append_range(interpreter.params, model.getBody().getOps<ParamOp>());
  return interpreter;
}

llvm::Expected<StepResult> Interpreter::run(const std::vector<Numbers> &values,
                                            const TokenFile &file,
                                            const Step &step,
                                            const Noise &noise,
                                            StringRef distorted) const {
  StepEvaluation evaluation(model, file, step, noise, distorted);
  if (llvm::Error error = evaluation.setParameters(params, values))
    return std::move(error);
  return evaluation.run();
}
