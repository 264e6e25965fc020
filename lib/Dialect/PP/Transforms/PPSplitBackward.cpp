//===- PPSplitBackward.cpp - Slice backward functions into B and W -------===//
//
// B is everything that the results with `pp.grad = "input"` depend on, W the
// rest. Layer functions go first; a call to one becomes a call to its B and a
// call to its W right behind it. On the calls of a stage function the same
// slice then separates the stage, for nothing but use-def chains counts.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/NN/Transforms/SavedValues.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace pp {
#define GEN_PASS_DEF_PPSPLITBACKWARD
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {

/// One half of a split function and how it connects.
struct Half {
  func::FuncOp function; ///< null if this half has nothing to do
  /// Arguments: of the original function, or values handed over by B.
  SmallVector<Value> arguments;
  /// Results: results of the original function, then values handed over.
  SmallVector<Value> results;
  SmallVector<unsigned> numbers; ///< of the leading results in the original
};

struct Halves {
  Half input, weight;
};

class SplitBackward : public pp::impl::PPSplitBackwardBase<SplitBackward> {
public:
  using PPSplitBackwardBase::PPSplitBackwardBase;
  void runOnOperation() override;

private:
  LogicalResult splitLayers();
  LogicalResult splitStages();
};

/// The result numbers of `function`, of inputs and of parameters.
FailureOr<std::pair<SmallVector<unsigned>, SmallVector<unsigned>>>
sortResults(func::FuncOp function) {
  SmallVector<unsigned> inputs, params;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto kind = function.getResultAttrOfType<StringAttr>(i, attr::kGrad);
    if (!kind)
      return function.emitError()
             << "result " << i << " of @" << function.getSymName()
             << ": found no pp.grad, expected it on every result of a backward "
                "function: mark the result \"input\" or \"param\"";
    (kind.getValue() == "input" ? inputs : params).push_back(i);
  }
  return std::make_pair(inputs, params);
}

bool isBackward(func::FuncOp function) {
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (function.getResultAttr(i, attr::kGrad))
      return true;
  return false;
}

bool isStage(func::FuncOp function) {
  return !function.getBody().getOps<func::CallOp>().empty();
}

/// Writes `half` as function `name` from `ops`, with the attributes of the
/// original arguments and results; `handed` are the names of values that go
/// from B to W.
void emit(func::FuncOp original, StringRef name, Half &half,
          ArrayRef<Operation *> ops, const DenseMap<Value, StringAttr> &handed,
          const DenseMap<Value, comm::DistributionAttr> &distributions) {
  OpBuilder builder(original);
  ValueRange arguments(half.arguments), results(half.results);
  half.function = func::FuncOp::create(
      builder, original.getLoc(), name,
      builder.getFunctionType(arguments.getTypes(), results.getTypes()));
  half.function.setPrivate();
  if (Attribute mark = original->getAttr(attr::kLayerFunction))
    half.function->setAttr(attr::kLayerFunction, mark);
  Block *body = half.function.addEntryBlock();
  IRMapping mapping;
  mapping.map(arguments, body->getArguments());
  OpBuilder inner = OpBuilder::atBlockEnd(body);
  for (Operation *op : ops)
    inner.clone(*op, mapping);
  SmallVector<Value> mapped;
  for (Value result : results)
    mapped.push_back(mapping.lookup(result));
  func::ReturnOp::create(inner, original.getLoc(), mapped);

  auto nameAttribute = [&](Value value) {
    NamedAttrList attributes;
    if (StringAttr name = handed.lookup(value))
      attributes.set(attr::kValue, name);
    if (comm::DistributionAttr distribution = distributions.lookup(value))
      attributes.set(comm::CommDialect::getDistributionName(), distribution);
    return attributes.getDictionary(builder.getContext());
  };
  // All at once: each call would leave an array of all attributes behind.
  DenseMap<unsigned, unsigned> positions;
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  for (auto [i, value] : llvm::enumerate(half.arguments)) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument)
      positions[argument.getArgNumber()] = i;
    DictionaryAttr own = argument
                             ? original.getArgAttrDict(argument.getArgNumber())
                             : nameAttribute(value);
    argumentAttributes.push_back(own ? own : builder.getDictionaryAttr({}));
  }
  for (unsigned i = 0; i < half.results.size(); ++i) {
    if (i >= half.numbers.size()) {
      resultAttributes.push_back(nameAttribute(half.results[i]));
      continue;
    }
    NamedAttrList attributes(original.getResultAttrDict(half.numbers[i]));
    attributes.erase(attr::kGrad);
    if (auto number =
            dyn_cast_or_null<IntegerAttr>(attributes.get(attr::kAccumulates)))
      attributes.set(attr::kAccumulates,
                     builder.getI64IntegerAttr(positions.at(number.getInt())));
    resultAttributes.push_back(attributes.getDictionary(original.getContext()));
  }
  half.function.setAllArgAttrs(argumentAttributes);
  half.function.setAllResultAttrs(resultAttributes);
}

/// The distributions over the mesh of the values that a function with
/// distributions computes, where they are not invariant.
FailureOr<DenseMap<Value, comm::DistributionAttr>>
inferDistributions(func::FuncOp function) {
  DenseMap<Value, comm::DistributionAttr> distributions;
  if (!comm::hasDistributions(function))
    return distributions;
  MeshOpInterface mesh = findMesh(function);
  if (!mesh)
    return distributions;
  comm::DistributionInference inference(mesh);
  if (failed(inference.inferFunction(function)))
    return failure();
  for (Operation &op : function.getBody().front())
    for (Value result : op.getResults())
      distributions[result] = inference.getAttribute(result);
  return distributions;
}

/// The arguments of `block` that `ops` and `results` read, in order.
SmallVector<Value> argumentsOf(Block &block, ArrayRef<Operation *> ops,
                               ValueRange results) {
  DenseSet<Value> used(results.begin(), results.end());
  for (Operation *op : ops)
    used.insert_range(op->getOperands());
  SmallVector<Value> arguments;
  for (BlockArgument argument : block.getArguments())
    if (used.contains(argument))
      arguments.push_back(argument);
  return arguments;
}

/// A half takes the accumulators that its results add to.
LogicalResult verifyAccumulators(func::FuncOp function, const Half &half) {
  for (unsigned i : half.numbers) {
    auto number =
        function.getResultAttrOfType<IntegerAttr>(i, attr::kAccumulates);
    if (!number || llvm::is_contained(half.arguments,
                                      function.getArgument(number.getInt())))
      continue;
    return function.emitError()
           << "result " << i << " of @" << function.getSymName()
           << ": found pp.accumulates = " << number.getInt()
           << ", an argument that its half of the function does not read, "
              "expected the accumulator that the result adds to";
  }
  return success();
}

/// Splits `function`, which stays. `prefix` begins the names of values that go
/// from one half to the other, if they are to have names.
FailureOr<Halves> split(func::FuncOp function, SymbolTable &symbols,
                        StringRef prefix) {
  auto sorted = sortResults(function);
  if (failed(sorted))
    return failure();
  auto &[inputs, params] = *sorted;
  Block &block = function.getBody().front();
  Operation *terminator = block.getTerminator();

  // Input gradients first, for the cut; and back afterwards.
  SmallVector<Value> original(terminator->getOperands()), reordered;
  for (unsigned i : inputs)
    reordered.push_back(original[i]);
  for (unsigned i : params)
    reordered.push_back(original[i]);
  terminator->setOperands(reordered);
  nn::SavedValues cut(block, block.getNumArguments(), inputs.size());
  terminator->setOperands(original);

  Halves halves;
  SmallVector<Operation *> inputOps, weightOps(cut.getRepeated());
  for (Operation &op : block.without_terminator())
    (cut.isFirst(&op) ? inputOps : weightOps).push_back(&op);
  halves.input.numbers = inputs;
  for (unsigned i : inputs)
    halves.input.results.push_back(original[i]);
  halves.weight.numbers = params;
  for (unsigned i : params)
    halves.weight.results.push_back(original[i]);

  DenseMap<Value, StringAttr> handed;
  SmallVector<Value> crossing;
  for (Value value : cut.getSaved()) {
    if (isa<BlockArgument>(value))
      continue;
    crossing.push_back(value);
    auto result = llvm::find(halves.input.results, value);
    if (result != halves.input.results.end()) {
      // Already returned, under the name of that result if it has one.
      unsigned index = result - halves.input.results.begin();
      if (index < inputs.size())
        if (auto name = function.getResultAttrOfType<StringAttr>(inputs[index],
                                                                 attr::kValue))
          handed[value] = name;
      continue;
    }
    if (!prefix.empty())
      handed[value] = StringAttr::get(
          function.getContext(),
          prefix + Twine(halves.input.results.size() - inputs.size()));
    halves.input.results.push_back(value);
  }
  halves.input.arguments = argumentsOf(block, inputOps, halves.input.results);
  halves.weight.arguments =
      argumentsOf(block, weightOps, halves.weight.results);
  llvm::append_range(halves.weight.arguments, crossing);
  if (failed(verifyAccumulators(function, halves.input)) ||
      failed(verifyAccumulators(function, halves.weight)))
    return failure();

  auto distributions = inferDistributions(function);
  if (failed(distributions))
    return failure();
  StringRef name = function.getSymName();
  if (!inputs.empty()) {
    emit(function, (name + "_input").str(), halves.input, inputOps, handed,
         *distributions);
    symbols.insert(halves.input.function);
  }
  if (!params.empty()) {
    emit(function, (name + "_weight").str(), halves.weight, weightOps, handed,
         *distributions);
    symbols.insert(halves.weight.function);
  }
  return halves;
}

/// Calls B, then W.
void replaceCall(func::CallOp call, Block &callee, const Halves &halves) {
  OpBuilder builder(call);
  IRMapping mapping;
  mapping.map(callee.getArguments(), call.getOperands());
  for (const Half *half : {&halves.input, &halves.weight}) {
    if (!half->function)
      continue;
    SmallVector<Value> operands;
    for (Value argument : half->arguments)
      operands.push_back(mapping.lookup(argument));
    auto part =
        func::CallOp::create(builder, call.getLoc(), half->function, operands);
    if (auto name = call->getAttrOfType<StringAttr>(attr::kPart)) {
      StringRef apply = name.getValue().drop_back();
      part->setAttr(attr::kPart,
                    builder.getStringAttr(
                        apply + Twine(half == &halves.input ? 'I' : 'W')));
    }
    mapping.map(half->results, part.getResults());
    for (auto [number, result] :
         llvm::zip_first(half->numbers, part.getResults()))
      call.getResult(number).replaceAllUsesWith(result);
  }
  call.erase();
}

} // namespace

LogicalResult SplitBackward::splitLayers() {
  SymbolTable symbols(getOperation());
  llvm::MapVector<Operation *, Halves> done;
  SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
  for (func::FuncOp function : functions) {
    if (function.isExternal() || isStage(function) || !isBackward(function))
      continue;
    FailureOr<Halves> halves = split(function, symbols, "");
    if (failed(halves))
      return failure();
    done.insert({function, *halves});
  }
  for (func::FuncOp function : functions) {
    if (function.isExternal() || !isStage(function))
      continue;
    for (auto call : llvm::make_early_inc_range(
             function.getBody().getOps<func::CallOp>())) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (auto it = done.find(callee); callee && it != done.end())
        replaceCall(call, callee.getBody().front(), it->second);
    }
  }
  for (auto &[function, halves] : done)
    if (SymbolTable::symbolKnownUseEmpty(function, getOperation()))
      symbols.erase(function);
  return success();
}

LogicalResult SplitBackward::splitStages() {
  SymbolTable symbols(getOperation());
  for (StageOp stage : getOperation().getOps<StageOp>()) {
    if (!stage.getBackward() || stage.getBackwardInput() ||
        stage.getBackwardWeight())
      continue;
    auto backward = symbols.lookup<func::FuncOp>(*stage.getBackward());
    std::string prefix = ("stage" + Twine(stage.getIndex()) + ".handed").str();
    FailureOr<Halves> halves = split(backward, symbols, prefix);
    if (failed(halves))
      return failure();
    if (halves->input.function)
      stage.setBackwardInput(halves->input.function.getSymName());
    if (halves->weight.function)
      stage.setBackwardWeight(halves->weight.function.getSymName());
  }
  return success();
}

void SplitBackward::runOnOperation() {
  if (failed(splitLayers()) || (stages && failed(splitStages())))
    signalPassFailure();
}
