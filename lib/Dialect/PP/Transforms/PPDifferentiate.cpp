//===- PPDifferentiate.cpp - Forward and backward of layers and stages ---===//
//
// Two sweeps over the applies of the model. The first goes backwards, decides
// which values have a cotangent at all, and has the layers differentiated for
// it. The second writes the functions of each stage. The backward functions
// come first: what they read by name is what the forward functions return.
//
// The uses of a value contribute to its cotangent in descending order of
// (apply, operand), as a left fold, wherever the stages are cut: each stage
// with uses takes the partial sum of the stages behind it and adds its own.
//
//===----------------------------------------------------------------------===//

#include "LayerDifferentiation.h"
#include "StageBuilder.h"
#include "pp/Analysis/Cost.h"
#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/NN/IR/NNDialect.h"
#include "pp/Dialect/PP/IR/ConfigAttribute.h"
#include "pp/Dialect/PP/Transforms/Passes.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace pp {
#define GEN_PASS_DEF_PPDIFFERENTIATE
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {

/// An apply of the model with what is decided about it.
struct Application {
  ApplyOp op;
  int64_t number = 0, stage = 0;
  bool recompute = false;
  const LayerFunctions *layer = nullptr;
  SmallVector<int64_t> uses; ///< number of the use, for each parameter
};

/// Replaces one model by its plan.
class Differentiation {
public:
  Differentiation(ModelOp model, StringRef recompute)
      : model(model), module(model->getParentOfType<ModuleOp>()),
        recompute(recompute), moduleBuilder(model) {}
  LogicalResult run();

private:
  LogicalResult collect();
  LogicalResult differentiateLayers(LayerDifferentiation &layers);
  std::string nameOf(Value value);
  comm::DistributionAttr distributionOf(Value value) {
    return distributions.lookup(value);
  }
  Value getModelValue(StageBuilder &builder, Value value);
  SmallVector<Value> getLayerArguments(StageBuilder &builder,
                                       Application &application);
  std::optional<int64_t> nextStageWithCotangent(Value value, int64_t stage);
  Value incomingCotangent(StageBuilder &builder, Value value, int64_t stage);
  Value addCotangents(StageBuilder &builder, Value value, Value sum, Value term,
                      int64_t apply);
  void callBackward(StageBuilder &builder, Application &application,
                    DenseMap<Value, Value> &cotangents,
                    SmallVectorImpl<std::pair<Value, Value>> &sums);
  func::FuncOp buildBackward(int64_t stage);
  func::FuncOp buildForward(int64_t stage);
  ArrayAttr describeLayers();
  void emitPlan();

  ModelOp model;
  ModuleOp module;
  StringRef recompute; ///< of layers that do not say themselves
  /// Inserts before the model.
  OpBuilder moduleBuilder;
  Value loss, weight; ///< null: all micro-batches count alike
  SmallVector<Application> applications;
  DenseMap<Operation *, int64_t> numbers;
  /// What is declared of data, of what a layer makes, and of a parameter by the
  /// first layer that it is given to: all others declare the same.
  DenseMap<Value, comm::DistributionAttr> distributions;
  int64_t numStages = 0;
  /// The stages which contribute to the cotangent of a value.
  DenseMap<Value, llvm::SmallSetVector<int64_t, 2>> contributors;
  /// Names that some function takes by `pp.value`.
  llvm::StringSet<> read;
  llvm::MapVector<std::pair<Type, Attribute>, func::FuncOp> adders;
  func::FuncOp one;
  FreeNames names;
};

/// A small function that stands among those of the layers, still empty.
func::FuncOp createFunction(OpBuilder &builder, Location loc, StringRef name,
                            TypeRange arguments, TypeRange results) {
  auto function = func::FuncOp::create(
      builder, loc, name, builder.getFunctionType(arguments, results));
  function.setPrivate();
  function->setAttr(attr::kLayerFunction, builder.getUnitAttr());
  function.addEntryBlock();
  return function;
}

} // namespace

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

LogicalResult Differentiation::collect() {
  for (BlockArgument argument : model.getBody().getArguments())
    distributions[argument] =
        comm::getArgumentDistribution(model, argument.getArgNumber());
  llvm::StringMap<int64_t> useCounts;
  ApplyOp previous;
  for (ApplyOp apply : model.getBody().getOps<ApplyOp>()) {
    Application application;
    application.op = apply;
    application.number = applications.size();
    if (!apply.getStage())
      return apply.emitOpError(
          "found no stage, expected `stage` on every apply: run pp-partition "
          "first");
    application.stage = *apply.getStage();
    int64_t last = previous ? *previous.getStage() : 0;
    if (application.stage < last) {
      InFlightDiagnostic diagnostic =
          apply.emitOpError("found stage ")
          << application.stage << " after stage " << last
          << ", expected stages in ascending order: move the pins";
      diagnostic.attachNote(previous.getLoc()) << "the apply before it";
      return diagnostic;
    }
    if (application.stage > (previous ? last + 1 : 0))
      return apply.emitOpError("found stage ")
             << application.stage << " with nothing in stage "
             << (previous ? last + 1 : 0)
             << ", expected no empty stage: number stages without gaps";
    previous = apply;
    for (Value input : apply.getInputs())
      if (auto param = input.getDefiningOp<ParamOp>())
        return apply.emitOpError("found parameter \"")
               << param.getName()
               << "\" among the inputs, expected it after `params`: an input "
                  "has no gradient to train it by";

    auto layer = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
        apply, apply.getCalleeAttr());
    StringRef policy = recompute;
    if (std::optional<StringRef> own = layer.getRecompute())
      policy = *own;
    if (std::optional<StringRef> own = apply.getRecompute())
      policy = *own;
    application.recompute = policy == "full";
    for (Value param : apply.getParams())
      application.uses.push_back(
          useCounts[param.getDefiningOp<ParamOp>().getName()]++);
    for (OpOperand &operand : apply->getOpOperands())
      distributions.try_emplace(
          operand.get(),
          comm::getArgumentDistribution(layer, operand.getOperandNumber()));
    for (OpResult result : apply->getResults())
      distributions[result] =
          comm::getResultDistribution(layer, result.getResultNumber());
    numbers[apply] = application.number;
    applications.push_back(application);
  }
  if (applications.empty())
    return model.emitOpError("found no apply, expected at least one layer");
  numStages = applications.back().stage + 1;
  return success();
}

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

LogicalResult
Differentiation::differentiateLayers(LayerDifferentiation &layers) {
  // What depends on a parameter.
  DenseSet<Value> active;
  for (Application &application : applications) {
    ApplyOp apply = application.op;
    bool depends = !apply.getParams().empty() ||
                   llvm::any_of(apply.getInputs(), [&](Value input) {
                     return active.contains(input);
                   });
    if (depends)
      active.insert_range(llvm::make_filter_range(apply.getResults(), isFloat));
  }

  DenseSet<Value> hasCotangent = {loss};
  for (Application &application : llvm::reverse(applications)) {
    ApplyOp apply = application.op;
    SmallVector<bool> wanted, seeded;
    for (Value input : apply.getInputs())
      wanted.push_back(active.contains(input));
    for (Value result : apply.getResults())
      seeded.push_back(hasCotangent.contains(result));
    auto layer = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
        apply, apply.getCalleeAttr());
    application.layer = layers.get(layer, wanted, seeded);
    if (!application.layer)
      return failure();
    for (unsigned input : application.layer->functions.cotangents) {
      Value value = apply.getInputs()[input];
      hasCotangent.insert(value);
      contributors[value].insert(application.stage);
    }
  }
  return success();
}

/// x<apply>, or x<apply>.<result> if there are several.
std::string Differentiation::nameOf(Value value) {
  auto apply = value.getDefiningOp<ApplyOp>();
  std::string name = "x" + std::to_string(numbers.lookup(apply));
  if (apply.getNumResults() == 1)
    return name;
  return name + "." + std::to_string(cast<OpResult>(value).getResultNumber());
}

/// Data, parameter or activation as an argument of a stage function.
Value Differentiation::getModelValue(StageBuilder &builder, Value value) {
  comm::DistributionAttr distribution = distributionOf(value);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return builder.getData(model.getDataName(argument.getArgNumber()),
                           value.getType(), distribution);
  if (auto param = value.getDefiningOp<ParamOp>())
    return builder.getParam(param.getName(), param.getLocalType(),
                            distribution);
  std::string name = nameOf(value);
  read.insert(name);
  return builder.getValue(name, value.getType(), distribution);
}

//===----------------------------------------------------------------------===//
// Backward of a stage
//===----------------------------------------------------------------------===//

SmallVector<Value>
Differentiation::getLayerArguments(StageBuilder &builder,
                                   Application &application) {
  SmallVector<Value> arguments;
  for (Value operand : application.op.getOperands())
    arguments.push_back(getModelValue(builder, operand));
  if (application.layer->takesKey)
    arguments.push_back(builder.getKey(application.number));
  return arguments;
}

/// The stage behind `stage` that adds to the cotangent of `value` just before
/// it does.
std::optional<int64_t> Differentiation::nextStageWithCotangent(Value value,
                                                               int64_t stage) {
  std::optional<int64_t> next;
  for (int64_t other : contributors[value])
    if (other > stage && (!next || other < *next))
      next = other;
  return next;
}

/// What later stages contribute to the cotangent of `value`, null if nothing.
Value Differentiation::incomingCotangent(StageBuilder &builder, Value value,
                                         int64_t stage) {
  if (std::optional<int64_t> next = nextStageWithCotangent(value, stage)) {
    std::string name = nameOf(value) + ".grad.stage" + std::to_string(*next);
    return builder.getValue(name, value.getType(),
                            comm::getDual(distributionOf(value)));
  }
  if (value != loss)
    return {};
  // The sum of gradients is one of weighted losses; the end of the step divides
  // it by the sum of the weights.
  if (weight)
    return getModelValue(builder, weight);
  if (!one) {
    Type type = loss.getType();
    one = createFunction(moduleBuilder, loss.getLoc(), names.take("one"), {},
                         type);
    OpBuilder inner = OpBuilder::atBlockBegin(&one.getBody().front());
    Attribute number = inner.getFloatAttr(getElementTypeOrSelf(type), 1.0);
    Value constant = arith::ConstantOp::create(
        inner, loss.getLoc(),
        DenseElementsAttr::get(cast<ShapedType>(type), number));
    func::ReturnOp::create(inner, loss.getLoc(), constant);
    // 1 on each coordinate, whatever the losses of all are together.
    if (comm::DistributionAttr distribution = distributionOf(loss)) {
      SmallVector<comm::Distribution> constants(distribution.getAxes().size(),
                                                comm::Distribution::constant());
      one.setResultAttr(0, comm::CommDialect::getDistributionName(),
                        comm::DistributionAttr::get(loss.getContext(),
                                                    distribution.getAxes(),
                                                    constants));
    }
  }
  return builder.call(one, {}).getResult(0);
}

/// `apply` contributes `term` to the cotangent of `value`, and has the time of
/// the sum as well.
Value Differentiation::addCotangents(StageBuilder &builder, Value value,
                                     Value sum, Value term, int64_t apply) {
  if (!sum)
    return term;
  Type type = sum.getType();
  comm::DistributionAttr distribution = comm::getDual(distributionOf(value));
  func::FuncOp &adder = adders[{type, distribution}];
  if (!adder) {
    std::string name = "add";
    llvm::raw_string_ostream stream(name);
    for (int64_t dim : cast<ShapedType>(type).getShape())
      stream << (name == "add" ? "." : "x") << dim;
    stream << "." << getElementTypeOrSelf(type);
    adder = createFunction(moduleBuilder, builder.loc, names.take(name),
                           {type, type}, type);
    OpBuilder inner = OpBuilder::atBlockBegin(&adder.getBody().front());
    Value result = arith::AddFOp::create(
        inner, builder.loc, adder.getArgument(0), adder.getArgument(1));
    func::ReturnOp::create(inner, builder.loc, result);
    if (distribution) {
      StringRef attribute = comm::CommDialect::getDistributionName();
      adder.setArgAttr(0, attribute, distribution);
      adder.setArgAttr(1, attribute, distribution);
      adder.setResultAttr(0, attribute, distribution);
    }
  }
  return builder.call(adder, {sum, term}, apply, 'I').getResult(0);
}

/// Calls the backward of a layer. `cotangents` holds the partial sums of this
/// stage; `sums` gets pairs of an updated and the old accumulator.
void Differentiation::callBackward(
    StageBuilder &builder, Application &application,
    DenseMap<Value, Value> &cotangents,
    SmallVectorImpl<std::pair<Value, Value>> &sums) {
  const LayerFunctions &layer = *application.layer;
  const nn::DifferentiatedFunction &functions = layer.functions;
  ApplyOp apply = application.op;
  builder.loc = apply.getLoc();

  auto needsForward = [](const nn::SavedValue &saved) {
    return saved.kind != nn::SavedValue::Kind::Argument;
  };
  func::CallOp again;
  if (application.recompute && llvm::any_of(functions.saved, needsForward))
    again =
        builder.call(functions.forward, getLayerArguments(builder, application),
                     application.number, 'R');

  SmallVector<Value> operands;
  for (const nn::SavedValue &saved : functions.saved) {
    unsigned index = saved.index;
    switch (saved.kind) {
    case nn::SavedValue::Kind::Argument:
      operands.push_back(index < apply.getNumOperands()
                             ? getModelValue(builder, apply.getOperand(index))
                             : builder.getKey(application.number));
      break;
    case nn::SavedValue::Kind::Output:
      operands.push_back(again
                             ? again.getResult(index)
                             : getModelValue(builder, apply.getResult(index)));
      break;
    case nn::SavedValue::Kind::Residual: {
      unsigned result = functions.numOutputs + index;
      if (again) {
        operands.push_back(again.getResult(result));
        break;
      }
      std::string name =
          ("x" + Twine(application.number) + ".residual" + Twine(index)).str();
      read.insert(name);
      func::FuncOp forward = functions.forward;
      operands.push_back(
          builder.getValue(name, forward.getResultTypes()[result],
                           comm::getResultDistribution(forward, result)));
      break;
    }
    }
  }
  for (unsigned seed : functions.seeds)
    operands.push_back(cotangents.lookup(apply.getResult(seed)));
  for (unsigned accumulated : functions.accumulators) {
    unsigned param = accumulated - layer.numInputs;
    auto op = apply.getParams()[param].getDefiningOp<ParamOp>();
    operands.push_back(builder.addAccumulator(
        op.getName(), application.uses[param],
        getGradientType(op.getLocalType()), comm::getDual(distributionOf(op))));
  }

  func::CallOp call =
      builder.call(functions.backward, operands, application.number, 'B');
  for (unsigned result = functions.cotangents.size(); result-- > 0;) {
    Value value = apply.getInputs()[functions.cotangents[result]];
    auto [entry, isNew] = cotangents.try_emplace(value);
    if (isNew)
      entry->second = incomingCotangent(builder, value, application.stage);
    entry->second = addCotangents(builder, value, entry->second,
                                  call.getResult(result), application.number);
  }
  for (unsigned i = 0; i < functions.accumulators.size(); ++i)
    sums.push_back({call.getResult(functions.firstSum() + i),
                    operands[functions.firstAccumulator() + i]});
}

/// Null if the stage has nothing to do.
func::FuncOp Differentiation::buildBackward(int64_t stage) {
  StageBuilder builder(moduleBuilder, model.getLoc(),
                       names.take("stage" + Twine(stage) + ".backward"));
  DenseMap<Value, Value> cotangents;
  SmallVector<std::pair<Value, Value>> sums;
  for (Application &application : llvm::reverse(applications)) {
    if (application.stage != stage || !application.layer->hasBackward())
      continue;
    for (unsigned seed : application.layer->functions.seeds) {
      Value result = application.op.getResult(seed);
      if (auto [entry, isNew] = cotangents.try_emplace(result); isNew)
        entry->second = incomingCotangent(builder, result, stage);
    }
    callBackward(builder, application, cotangents, sums);
  }

  NamedAttribute isInput = builder.builder.getNamedAttr(
      attr::kGrad, builder.builder.getStringAttr("input"));
  for (Application &application : applications)
    for (Value value : application.op.getResults())
      if (application.stage < stage && contributors[value].contains(stage))
        builder.addValue(cotangents.lookup(value),
                         nameOf(value) + ".grad.stage" + std::to_string(stage),
                         comm::getDual(distributionOf(value)), isInput);
  for (auto [sum, accumulator] : sums)
    builder.addSum(sum, accumulator);
  if (builder.hasResults())
    return builder.finish();
  builder.erase();
  return {};
}

//===----------------------------------------------------------------------===//
// Forward of a stage
//===----------------------------------------------------------------------===//

/// To be called when all that is read by name is known.
func::FuncOp Differentiation::buildForward(int64_t stage) {
  StageBuilder builder(moduleBuilder, model.getLoc(),
                       names.take("stage" + Twine(stage) + ".forward"));
  DenseMap<Value, Value> values;
  SmallVector<std::tuple<Value, std::string, comm::DistributionAttr>> residuals;
  for (Application &application : applications) {
    if (application.stage != stage)
      continue;
    ApplyOp apply = application.op;
    builder.loc = apply.getLoc();
    SmallVector<Value> operands;
    for (Value operand : apply.getOperands()) {
      Value value = values.lookup(operand);
      operands.push_back(value ? value : getModelValue(builder, operand));
    }
    if (application.layer->takesKey)
      operands.push_back(builder.getKey(application.number));
    const nn::DifferentiatedFunction &functions = application.layer->functions;
    func::CallOp call =
        builder.call(functions.forward, operands, application.number, 'F');
    for (auto [result, value] :
         llvm::zip_first(apply.getResults(), call.getResults()))
      values[result] = value;
    for (unsigned i = 0; i < functions.numResiduals; ++i) {
      std::string name =
          ("x" + Twine(application.number) + ".residual" + Twine(i)).str();
      if (!read.contains(name))
        continue;
      unsigned number = functions.numOutputs + i;
      func::FuncOp forward = functions.forward;
      residuals.push_back({call.getResult(number), name,
                           comm::getResultDistribution(forward, number)});
    }
  }

  auto mark = [&](StringRef name) {
    return builder.builder.getNamedAttr(name, builder.builder.getUnitAttr());
  };
  for (Application &application : applications)
    for (Value value : application.op.getResults()) {
      if (application.stage != stage)
        continue;
      std::string name = nameOf(value);
      if (value == loss)
        builder.addValue(values.lookup(value), name, distributionOf(value),
                         mark(attr::kLoss));
      else if (value == weight)
        builder.addValue(values.lookup(value), name, distributionOf(value),
                         mark(attr::kLossWeight));
      else if (read.contains(name))
        builder.addValue(values.lookup(value), name, distributionOf(value));
    }
  for (auto &[value, name, distribution] : residuals)
    builder.addValue(value, name, distribution);
  return builder.finish();
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// See kLayers.
ArrayAttr Differentiation::describeLayers() {
  Builder builder(module.getContext());
  DenseSet<Value> used;
  SmallVector<Attribute> layers;
  for (Application &application : applications) {
    ApplyOp apply = application.op;
    auto layer = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
        apply, apply.getCalleeAttr());
    int64_t parameterBytes = 0;
    for (Value param : apply.getParams())
      if (used.insert(param).second)
        parameterBytes += pp::detail::sumOfBytes(param.getType());
    auto number = [&](StringRef name, int64_t value) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
    };
    layers.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("layer",
                              builder.getStringAttr(apply.getCallee())),
         number("flops", costOf(layer.getBody(), {}).wholeFlops()),
         number("output_bytes", pp::detail::sumOfBytes(apply.getResultTypes())),
         number("parameter_bytes", parameterBytes)}));
  }
  return builder.getArrayAttr(layers);
}

void Differentiation::emitPlan() {
  SmallVector<func::FuncOp> backwards;
  for (int64_t stage = 0; stage < numStages; ++stage)
    backwards.push_back(buildBackward(stage));
  // The forward of a later stage may read what no backward does.
  SmallVector<func::FuncOp> forwards(numStages);
  for (int64_t stage = numStages; stage-- > 0;)
    forwards[stage] = buildForward(stage);

  OpBuilder builder(model);
  for (BlockArgument argument : model.getBody().getArguments())
    InputOp::create(builder, argument.getLoc(),
                    model.getDataName(argument.getArgNumber()),
                    argument.getType(), distributionOf(argument));
  for (ParamOp param : model.getBody().getOps<ParamOp>())
    ParameterOp::create(builder, param.getLoc(), param.getName(),
                        param.getType(), param.getInit(), param.getDecayAttr(),
                        param.getShardingAttr(), /*piece=*/IntegerAttr(),
                        /*cut=*/false);
  for (int64_t stage = 0; stage < numStages; ++stage) {
    SmallVector<StringRef> applies;
    for (Application &application : applications)
      if (application.stage == stage)
        applies.push_back(application.op.getCallee());
    func::FuncOp backward = backwards[stage];
    forwards[stage]->moveBefore(model);
    if (backward)
      backward->moveBefore(model);
    StageOp::create(
        builder, model.getLoc(), stage, forwards[stage].getSymName(),
        backward ? FlatSymbolRefAttr::get(backward) : FlatSymbolRefAttr(),
        FlatSymbolRefAttr(), FlatSymbolRefAttr(),
        builder.getStrArrayAttr(applies));
  }
}

LogicalResult Differentiation::run() {
  OperandRange results = model.getBody().front().getTerminator()->getOperands();
  loss = results[0];
  if (results.size() > 1)
    weight = results[1];
  if (!loss.getDefiningOp<ApplyOp>() ||
      (weight && !weight.getDefiningOp<ApplyOp>()))
    return model.emitOpError("found a loss that no layer computes, or such a "
                             "weight, expected the result of a pp.apply");
  if (weight == loss)
    return model.emitOpError("found the loss as its own weight, expected a "
                             "value of its own, which has no gradient");
  for (Operation &op : *module.getBody())
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      names.reserve(symbol.getName());
  for (BlockArgument argument : model.getBody().getArguments())
    names.reserve(model.getDataName(argument.getArgNumber()));
  for (ParamOp param : model.getBody().getOps<ParamOp>())
    names.reserve(param.getName());

  if (failed(collect()))
    return failure();
  LayerDifferentiation layers(names);
  if (failed(differentiateLayers(layers)))
    return failure();
  emitPlan();
  module->setAttr(attr::kLayers, describeLayers());

  module.setSymName(model.getSymName());
  if (Attribute config = model->getAttr(attr::kConfig))
    module->setAttr(attr::kConfig, config);
  model.erase();
  for (LayerOp layer : llvm::make_early_inc_range(module.getOps<LayerOp>()))
    layer.erase();
  return success();
}

namespace {
struct Differentiate : pp::impl::PPDifferentiateBase<Differentiate> {
  using PPDifferentiateBase::PPDifferentiateBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!recompute.empty() && recompute != "none" && recompute != "full") {
      module.emitError("found recompute policy '")
          << recompute << "', expected none or full";
      return signalPassFailure();
    }
    // What the user asked for, for the description of the program.
    if (!recompute.empty())
      module->setAttr(attr::kRecompute,
                      StringAttr::get(module.getContext(), recompute));
    SmallVector<ModelOp> models(module.getOps<ModelOp>());
    if (models.size() != 1) {
      module.emitError("found ")
          << models.size() << " models, expected one pp.model in the module";
      return signalPassFailure();
    }
    if (failed(Differentiation(models.front(), recompute).run()))
      signalPassFailure();
  }
};
} // namespace
