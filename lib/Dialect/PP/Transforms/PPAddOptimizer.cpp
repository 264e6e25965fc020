//===- PPAddOptimizer.cpp - States, and functions of a step's end ---------===//
//
// What a step does behind its last backward, as functions of the module. Their
// arguments are the elements of parameters in a row, so that one function
// serves all parameters of as many; only the end of the step itself is of the
// whole model: it reads the losses and norms of all ranks.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/NN/IR/NNAttributes.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/Analysis/Optimizers.h"
#include "pp/Dialect/PP/IR/StepFunctions.h"

#include "pprt_scalars.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"

namespace pp {
#define GEN_PASS_DEF_PPADDOPTIMIZER
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
/// Makes the functions; each but once.
class FunctionMaker {
public:
  explicit FunctionMaker(ModuleOp module)
      : module(module), symbols(module), builder(module.getContext()),
        f32(builder.getF32Type()), f64(builder.getF64Type()) {}

  void addSumOfSquares(int64_t elements);
  void addAdd(int64_t elements);
  void addUpdate(const Optimizer &optimizer, ParameterOp parameter,
                 int64_t elements);
  void addConclude(int64_t microbatches, bool hasWeights, int64_t norms);

private:
  RankedTensorType row(int64_t elements, Type element) {
    return RankedTensorType::get({elements}, element);
  }
  /// A function with a body to fill in; null if it is there.
  func::FuncOp begin(StringRef role, const Twine &suffix, ArrayRef<Type> inputs,
                     ArrayRef<Type> results);
  void setAccumulates(func::FuncOp function, unsigned result,
                      int64_t argument) {
    function.setResultAttr(result, attr::kAccumulates,
                           builder.getI64IntegerAttr(argument));
  }
  /// One loop over as many elements as `outputs` have, with all of them in
  /// turn.
  linalg::GenericOp
  loop(ValueRange inputs, ValueRange outputs,
       llvm::function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> body);

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder builder;
  Location loc = builder.getUnknownLoc();
  Type f32, f64;
  llvm::StringSet<> made;
};
} // namespace

func::FuncOp FunctionMaker::begin(StringRef role, const Twine &suffix,
                                  ArrayRef<Type> inputs,
                                  ArrayRef<Type> results) {
  std::string name = (role + suffix).str();
  if (!made.insert(name).second)
    return {};
  loc = module.getLoc();
  auto function =
      func::FuncOp::create(loc, name, builder.getFunctionType(inputs, results));
  function.setPrivate();
  function->setAttr(attr::kLayerFunction, builder.getUnitAttr());
  function->setAttr(attr::kRole, builder.getStringAttr(role));
  symbols.insert(function);
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

linalg::GenericOp FunctionMaker::loop(
    ValueRange inputs, ValueRange outputs,
    llvm::function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> body) {
  SmallVector<AffineMap> maps(inputs.size() + outputs.size(),
                              builder.getMultiDimIdentityMap(1));
  return linalg::GenericOp::create(
      builder, loc, TypeRange(outputs), inputs, outputs, maps,
      utils::IteratorType::parallel,
      [&](OpBuilder &inside, Location, ValueRange scalars) {
        linalg::YieldOp::create(inside, loc, body(inside, scalars));
      });
}

void FunctionMaker::addSumOfSquares(int64_t elements) {
  func::FuncOp function =
      begin(role::kSumOfSquares, ".f32_" + Twine(elements), row(elements, f32),
            RankedTensorType::get({}, f64));
  if (!function)
    return;
  Value sum = nn::SumOfSquaresOp::create(
      builder, loc, function.getResultTypes().front(), function.getArgument(0));
  func::ReturnOp::create(builder, loc, sum);
}

void FunctionMaker::addAdd(int64_t elements) {
  Type type = row(elements, f32);
  func::FuncOp function =
      begin(role::kAdd, ".f32_" + Twine(elements), {type, type}, type);
  if (!function)
    return;
  setAccumulates(function, 0, 0);
  auto sum = loop(function.getArgument(1), function.getArgument(0),
                  [&](OpBuilder &inside, ValueRange scalars) {
                    return SmallVector<Value>{arith::AddFOp::create(
                        inside, loc, scalars[1], scalars[0])};
                  });
  func::ReturnOp::create(builder, loc, sum.getResults());
}

/// Where something is not finite, all of an update's results are what was
/// there: no branch, so that it remains one loop.
void FunctionMaker::addUpdate(const Optimizer &optimizer, ParameterOp parameter,
                              int64_t elements) {
  const bool hasCopy = parameter.hasMaster(), decays = parameter.hasDecay();
  const unsigned states = optimizer.states.size();
  Type type = row(elements, f32);
  // Parameter or master, gradient, states, numbers.
  SmallVector<Type> inputs(2 + states, type), results(1 + states, type);
  inputs.push_back(row(PPRT_NUM_SCALARS, f32));
  if (hasCopy)
    results.push_back(row(elements, builder.getBF16Type()));
  func::FuncOp function = begin(optimizer.name,
                                (hasCopy ? ".bf16_" : ".f32_") +
                                    Twine(elements) + (decays ? ".decay" : ""),
                                inputs, results);
  if (!function)
    return;
  if (decays)
    function->setAttr(attr::kDecays, builder.getUnitAttr());
  auto arguments = function.getArguments();
  SmallVector<Value> outputs = {arguments[0]};
  setAccumulates(function, 0, 0);
  for (unsigned state = 0; state != states; ++state) {
    outputs.push_back(arguments[2 + state]);
    setAccumulates(function, 1 + state, 2 + state);
  }
  if (hasCopy)
    outputs.push_back(tensor::EmptyOp::create(builder, loc, ArrayRef(elements),
                                              builder.getBF16Type()));
  auto update =
      loop(arguments[1], outputs, [&](OpBuilder &inside, ValueRange scalars) {
        Value gradient = scalars[0];
        ValueRange former = scalars.slice(1, 1 + states);
        UpdateBuilder u(inside, loc, arguments.back(), decays);
        Value goes = arith::CmpFOp::create(
            inside, loc, arith::CmpFPredicate::UNE,
            u.scalar(offsetof(pprt_scalars, is_finite)), u.number(0));
        SmallVector<Value> values =
            optimizer.build(u, former[0], gradient, former.drop_front());
        for (auto [value, before] : llvm::zip_equal(values, former))
          value = arith::SelectOp::create(inside, loc, goes, value, before);
        if (hasCopy)
          values.push_back(arith::TruncFOp::create(
              inside, loc, builder.getBF16Type(), values[0]));
        return values;
      });
  func::ReturnOp::create(builder, loc, update.getResults());
}

namespace {
/// The body of the end of a step, on numbers of f64.
struct Conclusion {
  OpBuilder &b;
  Location loc;
  Value values, clip;
  int64_t microbatches, norms;
  bool hasWeights; ///< behind the losses

  Value number(double value) {
    return arith::ConstantOp::create(b, loc, b.getF64FloatAttr(value));
  }
  Value at(Value tensor, Value index) {
    return tensor::ExtractOp::create(b, loc, tensor, index);
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value is(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }

  /// The sum of values [from, to) in order, and of each less itself, which is 0
  /// for numbers alone.
  std::pair<Value, Value> sum(int64_t from, int64_t to) {
    Value zero = number(0);
    auto loop = scf::ForOp::create(
        b, loc, index(from), index(to), index(1), ValueRange{zero, zero},
        [&](OpBuilder &inside, Location, Value i, ValueRange sums) {
          Value x = tensor::ExtractOp::create(inside, loc, values, i);
          Value none = arith::SubFOp::create(inside, loc, x, x);
          scf::YieldOp::create(
              inside, loc,
              {arith::AddFOp::create(inside, loc, sums[0], x).getResult(),
               arith::AddFOp::create(inside, loc, sums[1], none).getResult()});
        });
    return {loop.getResult(0), loop.getResult(1)};
  }

  /// The sums of weighted losses and of the weights, in order, and a number
  /// that is 0 where all are finite and no weight is negative.
  std::array<Value, 3> sumWeighted() {
    Value zero = number(0);
    auto loop = scf::ForOp::create(
        b, loc, index(0), index(microbatches), index(1),
        ValueRange{zero, zero, zero},
        [&](OpBuilder &inside, Location, Value i, ValueRange sums) {
          Conclusion in{inside, loc, values, clip, microbatches, norms, true};
          auto add = [&](Value x, Value y) -> Value {
            return arith::AddFOp::create(inside, loc, x, y);
          };
          Value weight =
              in.at(values, arith::AddIOp::create(inside, loc, i,
                                                  in.index(microbatches)));
          Value x =
              arith::MulFOp::create(inside, loc, in.at(values, i), weight);
          Value none = add(arith::SubFOp::create(inside, loc, x, x),
                           arith::SubFOp::create(inside, loc, weight, weight));
          Value isBelow = in.is(arith::CmpFPredicate::OLT, weight, zero);
          Value below =
              arith::SelectOp::create(inside, loc, isBelow, in.number(1), zero);
          scf::YieldOp::create(inside, loc,
                               {add(sums[0], x), add(sums[1], weight),
                                add(add(sums[2], none), below)});
        });
    return {loop.getResult(0), loop.getResult(1), loop.getResult(2)};
  }

  /// The sum of losses, what it and gradients are divided by, and a number that
  /// is 0 where both are good.
  std::array<Value, 3> sumLosses() {
    if (!hasWeights) {
      auto [losses, bad] = sum(0, microbatches);
      return {losses, number(double(microbatches)), bad};
    }
    auto [losses, weights, bad] = sumWeighted();
    // Losses and gradients are 0 where nothing counts.
    Value isNothing = is(arith::CmpFPredicate::OEQ, weights, number(0));
    Value count =
        arith::SelectOp::create(b, loc, isNothing, number(1), weights);
    return {losses, count, bad};
  }

  /// Loss and norm, the factor of gradients, and whether they are to be used.
  SmallVector<Value> build() {
    auto [losses, count, badLosses] = sumLosses();
    const int64_t firstNorm = microbatches * (hasWeights ? 2 : 1);
    auto [squares, badSquares] = sum(firstNorm, firstNorm + norms);
    Value failures = at(values, index(firstNorm + norms + PPRT_FLAG_IDS));
    Value loss = arith::DivFOp::create(b, loc, losses, count);
    Value root = math::SqrtOp::create(b, loc, squares);
    Value norm = arith::DivFOp::create(b, loc, root, count);
    Value most = at(clip, index(0)), zero = number(0);
    using arith::CmpFPredicate;
    Value clips =
        arith::AndIOp::create(b, loc, is(CmpFPredicate::OGT, most, zero),
                              is(CmpFPredicate::OGT, norm, most));
    Value ratio = arith::DivFOp::create(b, loc, most, norm);
    Value factor = arith::SelectOp::create(b, loc, clips, ratio, number(1));
    Value scale = arith::TruncFOp::create(
        b, loc, b.getF32Type(), arith::DivFOp::create(b, loc, factor, count));
    Value bad = arith::AddFOp::create(b, loc, badLosses, badSquares);
    Value isGood =
        arith::AndIOp::create(b, loc, is(CmpFPredicate::OEQ, bad, zero),
                              is(CmpFPredicate::OEQ, failures, zero));
    Value finite = arith::UIToFPOp::create(b, loc, b.getF32Type(), isGood);
    return {loss, norm, scale, finite};
  }
};
} // namespace

static_assert(PPRT_SUMMARY_LOSS == 0 && PPRT_SUMMARY_NORM == 1 &&
              PPRT_NUM_SUMMARY == 2 && PPRT_NUM_CONCLUDED == 2 &&
              offsetof(pprt_scalars, gradient_scale) == 0);

/// Two numbers of the summary, two of the scalars: one loop, each round of
/// which computes all of them and keeps its own.
void FunctionMaker::addConclude(int64_t microbatches, bool hasWeights,
                                int64_t norms) {
  const int64_t losses = microbatches * (hasWeights ? 2 : 1);
  func::FuncOp function =
      begin(role::kConclude, "",
            {row(losses + norms + PPRT_FLAG_IDS + 1, f64), row(1, f64)},
            {row(PPRT_NUM_SUMMARY, f64), row(PPRT_NUM_CONCLUDED, f32)});
  SmallVector<Value> outputs = {
      tensor::EmptyOp::create(builder, loc, ArrayRef<int64_t>(PPRT_NUM_SUMMARY),
                              f64),
      tensor::EmptyOp::create(builder, loc,
                              ArrayRef<int64_t>(PPRT_NUM_CONCLUDED), f32)};
  auto numbers = loop({}, outputs, [&](OpBuilder &inside, ValueRange) {
    Conclusion conclusion{inside,
                          loc,
                          function.getArgument(0),
                          function.getArgument(1),
                          microbatches,
                          norms,
                          hasWeights};
    SmallVector<Value> all = conclusion.build();
    Value isFirst = arith::CmpIOp::create(
        inside, loc, arith::CmpIPredicate::eq,
        linalg::IndexOp::create(inside, loc, 0), conclusion.index(0));
    return SmallVector<Value>{
        arith::SelectOp::create(inside, loc, isFirst, all[0], all[1]),
        arith::SelectOp::create(inside, loc, isFirst, all[2], all[3])};
  });
  func::ReturnOp::create(builder, loc, numbers.getResults());
}

/// The parameters whose gradients several uses add to.
static llvm::DenseSet<StringAttr> findSeveralUses(ModuleOp module) {
  llvm::DenseSet<StringAttr> result;
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto name = function.getArgAttrOfType<StringAttr>(i, attr::kGrad);
      auto use = function.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
      if (name && use && use.getInt() > 0)
        result.insert(name);
    }
  return result;
}

namespace {
struct AddOptimizer : pp::impl::PPAddOptimizerBase<AddOptimizer> {
  using PPAddOptimizerBase::PPAddOptimizerBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<const Optimizer *> chosen;
    for (StringRef name : optimizers) {
      const Optimizer *optimizer = findOptimizer(name);
      if (!optimizer || llvm::is_contained(chosen, optimizer)) {
        module.emitError() << "found optimizers=" << name
                           << (optimizer ? " twice, expected it once"
                                         : ", expected " + listOptimizers());
        return signalPassFailure();
      }
      chosen.push_back(optimizer);
    }
    if (optimizers.empty())
      for (const Optimizer &optimizer : getOptimizers())
        chosen.push_back(&optimizer);
    auto schedules = module.getOps<ScheduleOp>();
    if (schedules.empty()) {
      module.emitError()
          << "found no pp.schedule, expected one, which says how "
             "many losses a step has; run pp-schedule";
      return signalPassFailure();
    }

    if (zero < 0 || zero > 1) {
      module.emitError() << "found zero=" << zero
                         << ", expected 0 or 1: gradients and parameters are "
                            "whole on each replica";
      return signalPassFailure();
    }

    ScheduleOp schedule = *schedules.begin();
    const int64_t groups = schedule.getNumGroups();
    const int64_t blocks = groups / schedule.getReplicas();
    SmallVector<ParameterOp> parameters(module.getOps<ParameterOp>());
    if (groups > 1)
      for (ParameterOp parameter : parameters) {
        parameter.setPiece(
            blocks * getPieceElements(
                         parameter.getGradientType().getNumElements(), groups));
        parameter.setCut(zero == 1);
      }
    addOps(module, parameters, chosen);
    FunctionMaker functions(module);
    const llvm::DenseSet<StringAttr> severalUses = findSeveralUses(module);
    for (ParameterOp parameter : parameters) {
      const int64_t piece = parameter.getGradientPieceType().getNumElements();
      functions.addSumOfSquares(piece / blocks);
      if (blocks > 1 || severalUses.contains(parameter.getSymNameAttr()))
        functions.addAdd(piece);
      for (const Optimizer *optimizer : chosen)
        functions.addUpdate(*optimizer, parameter,
                            parameter.getUpdatedType().getNumElements());
    }
    functions.addConclude(schedule.getAllMicrobatches(), hasLossWeights(module),
                          groups * int64_t(parameters.size()));
  }

  /// pp.optimizer and pp.state, behind the parameters.
  void addOps(ModuleOp module, ArrayRef<ParameterOp> parameters,
              ArrayRef<const Optimizer *> chosen) {
    OpBuilder builder(module.getBodyRegion());
    if (parameters.empty())
      builder.setInsertionPointToEnd(module.getBody());
    else
      builder.setInsertionPointAfter(parameters.back());
    SymbolTable symbols(module);
    auto addState = [&](ParameterOp parameter, StringRef kind, Attribute init) {
      auto op = StateOp::create(builder, parameter.getLoc(),
                                (parameter.getSymName() + "." + kind).str(),
                                kind, parameter.getSymName(),
                                parameter.getUpdatedType(), init);
      // Renamed where the model has taken the name.
      op->remove();
      symbols.insert(op, builder.getInsertionPoint());
    };
    llvm::SetVector<StringRef, SmallVector<StringRef>> kinds;
    for (const Optimizer *optimizer : chosen) {
      SmallVector<StringRef> states(optimizer->states.begin(),
                                    optimizer->states.end());
      kinds.insert_range(states);
      OptimizerOp::create(builder, module.getLoc(), optimizer->name,
                          builder.getStrArrayAttr(states));
    }
    auto zeros = nn::ZerosAttr::get(&getContext());
    for (ParameterOp parameter : parameters) {
      if (parameter.hasMaster())
        addState(parameter, StateOp::kMaster, {});
      for (StringRef kind : kinds)
        addState(parameter, kind, zeros);
    }
  }
};
} // namespace
