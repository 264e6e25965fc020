//===- ProgramDistributions.cpp - Distributions in programs ---------------===//
//
// Functions are proven one by one; here is what holds them together. Each says
// of a parameter, an accumulator or data what it takes it for, and all must say
// the same. Programs then hand values from one function to the next.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/ProgramDistributions.h"

#include "pp/Dialect/Comm/Analysis/DistributionDialectInterface.h"

using namespace mlir;
using namespace pp;
using comm::Distribution;
using comm::DistributionAttr;
using Kind = Distribution::Kind;

static Distribution onAxis(DistributionAttr attribute, StringAttr axis) {
  return attribute ? attribute.lookup(axis) : Distribution::invariant();
}

static bool isEqual(Distribution distribution) {
  return distribution.is(Kind::Invariant) ||
         distribution.is(Kind::Replicated) || distribution.is(Kind::Constant);
}

/// A loss is seeded with 1 on each coordinate: it is one that all have, or a
/// loss of each. Emits an error at `user`.
static LogicalResult verifyLoss(Operation *user, StringAttr axis,
                                Distribution found) {
  if (!found.is(Kind::Partial) && !found.is(Kind::PartialMax))
    return success();
  return user->emitError() << "the loss on axis " << axis << ": found "
                           << found.str()
                           << ", expected it whole on each coordinate: sum it "
                              "in its layer with comm.all_reduce sum over ["
                           << axis << "]";
}

ProgramDistributions::ProgramDistributions(ModuleOp module,
                                           MeshOpInterface mesh)
    : DistributionInference(mesh), module(module), mesh(mesh) {
  auto own = dyn_cast<MeshOp>(mesh.getOperation());
  if (!own || !own.getReplicas() || *own.getSize(*own.getReplicas()) == 1)
    return;
  replicas = own.getReplicasAttr();
  axes.push_back(replicas);
}

//===----------------------------------------------------------------------===//
// What functions declare
//===----------------------------------------------------------------------===//

DistributionAttr ProgramDistributions::Declaration::get() const {
  return isResult ? comm::getResultDistribution(function, number)
                  : comm::getArgumentDistribution(function, number);
}

std::string ProgramDistributions::Declaration::str() const {
  StringRef name = SymbolTable::getSymbolName(function).getValue();
  return ((isResult ? "result #" : "argument #") + Twine(number) + " of @" +
          name)
      .str();
}

void ProgramDistributions::collect() {
  for (auto function : module.getOps<FunctionOpInterface>()) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      Declaration argument{function, /*isResult=*/false, i};
      auto add = [&](StringRef binding,
                     llvm::MapVector<StringAttr, Declarations> &all) {
        if (auto name = function.getArgAttrOfType<StringAttr>(i, binding))
          all[name].push_back(argument);
      };
      add(attr::kParam, readers);
      add(attr::kGrad, accumulators);
      auto use = function.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
      if (auto name = function.getArgAttrOfType<StringAttr>(i, attr::kGrad);
          name && use && !llvm::is_contained(usesOf[name], use.getInt()))
        usesOf[name].push_back(use.getInt());
      add(attr::kValue, consumers);
      if (!isa<ModelOp>(function))
        add(attr::kData, data);
    }
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      Declaration result{function, /*isResult=*/true, i};
      if (auto name = function.getResultAttrOfType<StringAttr>(i, attr::kValue))
        producers[name].push_back(result);
      if (function.getResultAttr(i, attr::kAccumulates))
        sums.push_back(result);
      if (isa<ModelOp>(function) || function.getResultAttr(i, attr::kLoss) ||
          function.getResultAttr(i, attr::kLossWeight))
        losses.push_back(result);
    }
  }
}

/// A declaration is what is expected of it, and why; `other` (may be null) is
/// where that comes from.
LogicalResult ProgramDistributions::expect(const Declaration &found,
                                           DistributionAttr expected,
                                           const Twine &why, Operation *other) {
  for (StringAttr axis : axes) {
    Distribution is = onAxis(found.get(), axis);
    Distribution should = onAxis(expected, axis);
    if (is == should)
      continue;
    FunctionOpInterface function = found.function;
    InFlightDiagnostic error = function.emitError()
                               << found.str() << " on axis " << axis
                               << ": found " << is.str() << ", expected "
                               << should.str() << ", " << why
                               << ": declare it so, or change the other";
    if (other)
      error.attachNote(other->getLoc()) << "that is here";
    return error;
  }
  return success();
}

/// Where the sharding cuts, the parameter varies; null if it cuts nothing.
static DistributionAttr distributionOf(ShardingAttr sharding,
                                       MLIRContext *context) {
  if (!sharding)
    return {};
  SmallVector<StringAttr> axes;
  SmallVector<Distribution> distributions;
  for (auto [dim, names, blocks] :
       llvm::enumerate(sharding.getDims(), sharding.getBlocks()))
    for (auto axis : names.getAsRange<StringAttr>()) {
      axes.push_back(axis);
      distributions.push_back(Distribution::varying(int64_t(dim), blocks));
    }
  return DistributionAttr::get(context, axes, distributions);
}

DistributionAttr ProgramDistributions::getSharding(StringAttr name) {
  auto parameter = symbols.lookupSymbolIn<ParameterOp>(module, name);
  return parameter
             ? distributionOf(parameter.getShardingAttr(), module.getContext())
             : DistributionAttr();
}

DistributionAttr ProgramDistributions::getParameter(StringAttr name) {
  auto it = readers.find(name);
  return it != readers.end() ? it->second.front().get() : getSharding(name);
}

DistributionAttr ProgramDistributions::getGradient(StringAttr name) {
  return comm::getDual(getParameter(name));
}

DistributionAttr ProgramDistributions::replace(DistributionAttr declared,
                                               StringAttr axis,
                                               Distribution with) const {
  SmallVector<Distribution> all;
  for (StringAttr each : axes)
    all.push_back(each == axis ? with : onAxis(declared, each));
  return DistributionAttr::get(axis.getContext(), axes, all);
}

DistributionAttr ProgramDistributions::onReplicas(DistributionAttr declared,
                                                  Distribution own) {
  return replicas ? replace(declared, replicas, own) : declared;
}

DistributionAttr ProgramDistributions::getPiece(StringAttr name) {
  return replace(getParameter(name),
                 StringAttr::get(module.getContext(), MeshOp::kReplicas),
                 Distribution::varying(0));
}

LogicalResult
ProgramDistributions::verifyParameter(StringAttr name,
                                      const Declarations &readers) {
  Operation *parameter = symbols.lookupSymbolIn(module, name);
  DistributionAttr sharding = getSharding(name);
  const Declaration &first = readers.front();
  for (StringAttr axis : axes) {
    Distribution found = onAxis(first.get(), axis);
    Distribution cut = onAxis(sharding, axis);
    if (cut.isSharded() ? found == cut : isEqual(found))
      continue;
    FunctionOpInterface function = first.function;
    InFlightDiagnostic error =
        function.emitError()
        << first.str() << " on axis " << axis << ": found " << found.str()
        << ", expected "
        << (cut.isSharded() ? cut.str() : "invariant or replicated")
        << " of parameter @" << name.getValue()
        << ": declare it so, or change the sharding";
    if (parameter)
      error.attachNote(parameter->getLoc()) << "the parameter is here";
    return error;
  }
  for (const Declaration &reader : ArrayRef(readers).drop_front())
    if (failed(expect(reader, first.get(),
                      "as " + first.str() + " says of parameter @" +
                          name.getValue() +
                          ", whose gradients would not add up otherwise",
                      first.function)))
      return failure();
  return success();
}

LogicalResult ProgramDistributions::verifyGradients() {
  bool isProven = true;
  for (auto &[name, declarations] : accumulators)
    for (const Declaration &accumulator : declarations)
      isProven &=
          succeeded(expect(accumulator, getGradient(name),
                           "the gradient of parameter @" + name.getValue(),
                           symbols.lookupSymbolIn(module, name)));
  for (const Declaration &sum : sums) {
    FunctionOpInterface function = sum.function;
    auto number = function.getResultAttrOfType<IntegerAttr>(sum.number,
                                                            attr::kAccumulates);
    // pp.stage verifies the number.
    if (!number || number.getInt() >= function.getNumArguments())
      continue;
    Declaration accumulator{function, /*isResult=*/false,
                            unsigned(number.getInt())};
    isProven &= succeeded(
        expect(sum, accumulator.get(),
               "as " + accumulator.str() + ", which it adds to", nullptr));
  }
  return success(isProven);
}

LogicalResult ProgramDistributions::verifyData() {
  bool isProven = true;
  for (auto &[name, declarations] : data) {
    auto input = symbols.lookupSymbolIn<InputOp>(module, name);
    if (!input)
      continue;
    for (const Declaration &reader : declarations)
      isProven &= succeeded(
          expect(reader, input.getDistribution().value_or(DistributionAttr()),
                 "as pp.input @" + name.getValue(), input));
  }
  return success(isProven);
}

/// A value that moves by name is taken for what it was made as.
LogicalResult ProgramDistributions::verifyValues() {
  bool isProven = true;
  for (auto &[name, declarations] : consumers) {
    auto made = producers.find(name);
    if (made == producers.end())
      continue;
    const Declaration &first = made->second.front();
    for (const Declaration &consumer : declarations)
      isProven &= succeeded(expect(consumer, first.get(),
                                   "as " + first.str() + " makes value \"" +
                                       name.getValue() + "\"",
                                   first.function));
    for (const Declaration &other : ArrayRef(made->second).drop_front())
      isProven &= succeeded(expect(other, first.get(),
                                   "as " + first.str() + " makes value \"" +
                                       name.getValue() + "\"",
                                   first.function));
  }
  return success(isProven);
}

LogicalResult ProgramDistributions::verifyFunctions() {
  collect();
  for (auto &[name, uses] : usesOf)
    llvm::sort(uses);
  if (axes.empty())
    return success();
  bool isProven = true;
  for (auto &[name, declarations] : readers)
    isProven &= succeeded(verifyParameter(name, declarations));
  if (!isProven)
    return failure();
  isProven &= succeeded(verifyGradients());
  isProven &= succeeded(verifyData());
  for (const Declaration &loss : losses)
    for (StringAttr axis : axes)
      isProven &=
          succeeded(verifyLoss(loss.function, axis, onAxis(loss.get(), axis)));
  // Programs may have collectives between functions, and prove what they pass.
  if (module.getOps<ProgramOp>().empty())
    isProven &= succeeded(verifyValues());
  return success(isProven);
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

void ProgramDistributions::setDeclared(Value value, DistributionAttr declared) {
  SmallVector<Distribution, 3> state;
  for (StringAttr axis : axes) {
    Distribution distribution = onAxis(declared, axis);
    state.push_back(isEqual(distribution) ? Distribution::invariant()
                                          : distribution);
  }
  states[value] = state;
}

void ProgramDistributions::setLike(Value value, Value other) {
  SmallVector<Distribution, 3> state = states.find(other)->second;
  states[value] = state;
  if (const Origin *origin = getOrigin(other))
    setOrigin(value, Origin(*origin));
}

LogicalResult ProgramDistributions::checkDeclared(Value value,
                                                  DistributionAttr declared,
                                                  Operation *user,
                                                  const Twine &what) {
  if (!declared)
    return check(value, declared, user, what);
  SmallVector<Distribution> expected;
  for (Distribution distribution : declared.getDistributions())
    expected.push_back(isEqual(distribution) ? Distribution::invariant()
                                             : distribution);
  return check(
      value,
      DistributionAttr::get(module.getContext(), declared.getAxes(), expected),
      user, what);
}

LogicalResult ProgramDistributions::checkLoss(Value value, Operation *user) {
  for (auto [number, axis] : llvm::enumerate(axes))
    if (failed(verifyLoss(user, axis, lookup(value, number))))
      return failure();
  return success();
}

void ProgramDistributions::setOrigin(Value value, Origin origin) {
  origins[value] = std::move(origin);
}

const ProgramDistributions::Origin *
ProgramDistributions::getOrigin(Value value) const {
  auto it = origins.find(value);
  return it == origins.end() ? nullptr : &it->second;
}

std::string ProgramDistributions::describe(const Origin *origin) const {
  if (!origin)
    return "a value of no parameter";
  std::string name = "@" + origin->parameter.str();
  if (!origin->isGradient)
    return name + " itself";
  std::string text = "the gradient of " + name + ", of ";
  text += origin->uses.size() == 1 ? "use " : "uses ";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(origin->uses, stream);
  return text;
}

LogicalResult ProgramDistributions::checkIsOf(StringAttr parameter, Value value,
                                              Operation *user) {
  const Origin *origin = getOrigin(value);
  if (origin && !origin->isGradient && origin->parameter == parameter)
    return success();
  return user->emitOpError()
         << "found " << describe(origin) << ", expected @"
         << parameter.getValue() << ": store what was loaded of that one";
}

LogicalResult ProgramDistributions::checkIsGradientOf(StringAttr parameter,
                                                      Value value, bool isWhole,
                                                      Operation *user) {
  const Origin *origin = getOrigin(value);
  auto known = usesOf.find(parameter);
  if (origin && origin->isGradient && origin->parameter == parameter &&
      (!isWhole || known == usesOf.end() || origin->uses == known->second))
    return success();
  Origin expected{parameter, /*isGradient=*/true};
  if (isWhole && known != usesOf.end())
    expected.uses = known->second;
  InFlightDiagnostic error = user->emitOpError()
                             << "found " << describe(origin) << ", expected ";
  if (expected.uses.empty())
    error << "a gradient of @" << parameter.getValue();
  else
    error << describe(&expected);
  if (isWhole && origin && origin->parameter == parameter && origin->isGradient)
    return error << ": add them up with pp.reduce_gradients";
  return error << ": begin with its pp.load_gradient";
}

LogicalResult ProgramDistributions::send(Operation *op,
                                         const CommunicationEvent &event) {
  auto [it, isFirst] = sent.try_emplace({event.channel, event.value}, op);
  if (isFirst)
    return success();
  auto first = *cast<RankOpInterface>(it->second).getCommunication();
  return check(event.buffer, getAttribute(first.buffer), op,
               "the buffer, of which another micro-batch is sent before it,");
}

LogicalResult ProgramDistributions::receive(Value value,
                                            const CommunicationEvent &event) {
  auto it = sent.find({event.channel, event.value});
  if (it == sent.end())
    return value.getDefiningOp()->emitOpError()
           << "found value " << event.value
           << " received, which nothing sends on channel @"
           << event.channel.getValue()
           << " before, expected a pp.isend of it: see "
              "pp-verify-communication";
  setLike(value, cast<RankOpInterface>(it->second).getCommunication()->buffer);
  return success();
}

std::string ProgramDistributions::getRemedy(Distribution found,
                                            Distribution expected,
                                            StringAttr axis) const {
  std::string over = " over [\"" + axis.str() + "\"]";
  if (found.is(Kind::Partial) && expected.is(Kind::Invariant))
    return "sum it with pp.start all_reduce" + over;
  if (found.is(Kind::Partial) && expected == Distribution::varying(0))
    return "sum it with pp.start reduce_scatter" + over;
  if (found == Distribution::varying(0) && expected.is(Kind::Invariant))
    return "gather it with pp.start all_gather" + over;
  if ((found == Distribution::varying(0) &&
       expected == Distribution::varying(1)) ||
      (found == Distribution::varying(1) &&
       expected == Distribution::varying(0)))
    return "exchange its dimensions with pp.start all_to_all" + over;
  if (expected.is(Kind::Partial))
    return "a sum over" + over.substr(5) +
           " would count it too often: drop a reduction";
  return "pass what is " + expected.str() + ", or declare the argument " +
         found.str();
}

/// Whether what the op waits for has been sent.
bool ProgramDistributions::isReady(Operation *op) const {
  auto eventOf = [](Operation *op) {
    auto rankOp = dyn_cast_if_present<RankOpInterface>(op);
    return rankOp ? rankOp.getCommunication() : std::nullopt;
  };
  auto wait = eventOf(op);
  if (!wait || wait->kind != CommunicationEvent::Kind::Wait)
    return true;
  auto posted = eventOf(wait->posted);
  return !posted || posted->kind != CommunicationEvent::Kind::Receive ||
         sent.contains({posted->channel, posted->value});
}

/// Of a loop one round is enough: values of other micro-batches are alike. The
/// first round of each comes in the order of the text, so the programs get on
/// as they would when they run.
LogicalResult ProgramDistributions::verifyPrograms(ProgramKind kind) {
  sent.clear();
  SmallVector<std::pair<Block::iterator, Block::iterator>> rest;
  for (ProgramOp program : getPrograms(module, kind))
    rest.push_back(
        {program.getBody().front().begin(), program.getBody().front().end()});
  auto infer = [&](Operation &op) {
    auto rankOp = dyn_cast<RankOpInterface>(op);
    return rankOp ? rankOp.inferDistributions(*this)
                  : DistributionInference::infer(&op);
  };
  for (bool progress = true; progress;) {
    progress = false;
    for (auto &[next, end] : rest)
      for (; next != end && isReady(&*next); ++next) {
        if (failed(infer(*next)))
          return failure();
        progress = true;
      }
  }
  // What still waits is received from nowhere.
  for (auto &[next, end] : rest)
    if (next != end)
      return infer(*next);
  return success();
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

LogicalResult
ParamOp::inferDistributions(comm::DistributionInference &inference) {
  DistributionAttr sharding = distributionOf(getShardingAttr(), getContext());
  SmallVector<StringAttr> axes;
  SmallVector<Distribution> distributions;
  // Elsewhere it is what the layers say: the numbers are the same.
  for (StringAttr axis : inference.getAxes()) {
    Distribution cut = onAxis(sharding, axis);
    axes.push_back(axis);
    distributions.push_back(cut.isSharded() ? cut : Distribution::constant());
  }
  inference.set(getResult(),
                DistributionAttr::get(getContext(), axes, distributions));
  return success();
}

LogicalResult
ApplyOp::inferDistributions(comm::DistributionInference &inference) {
  auto layer = SymbolTable::lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getCalleeAttr());
  return inference.inferCall(*this, layer, getOperands());
}

/// All applies take a parameter for the same, or its gradients would not add
/// up.
static LogicalResult verifyUses(ParamOp param, ArrayRef<StringAttr> axes) {
  auto declared = [](OpOperand &use) {
    auto apply = cast<ApplyOp>(use.getOwner());
    auto layer = SymbolTable::lookupNearestSymbolFrom<FunctionOpInterface>(
        apply, apply.getCalleeAttr());
    return comm::getArgumentDistribution(layer, use.getOperandNumber());
  };
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : param->getUses())
    if (isa<ApplyOp>(use.getOwner()))
      uses.push_back(&use);
  // The list of uses begins with the last one.
  for (OpOperand *use : llvm::reverse(uses))
    for (StringAttr axis : axes) {
      Distribution first = onAxis(declared(*uses.back()), axis);
      Distribution found = onAxis(declared(*use), axis);
      if (found == first)
        continue;
      InFlightDiagnostic error =
          use->getOwner()->emitOpError()
          << "parameter \"" << param.getName() << "\" on axis " << axis
          << ": found it taken for " << found.str() << ", expected "
          << first.str()
          << " as at its first use, or its gradients would not add up: declare "
             "it so in the layer, with comm.vary where it has to be replicated";
      error.attachNote(uses.back()->getOwner()->getLoc())
          << "the first use is here";
      return error;
    }
  return success();
}

namespace {
class DistributionProof : public comm::DistributionDialectInterface {
public:
  using DistributionDialectInterface::DistributionDialectInterface;

  LogicalResult verifyDistributions(ModuleOp module,
                                    MeshOpInterface mesh) const override {
    // On a mesh whose axes have size 1 origins are left to prove.
    ProgramDistributions distributions(module, mesh);
    bool isProven = true;
    for (auto model : module.getOps<ModelOp>())
      for (auto param : model.getBody().getOps<ParamOp>())
        isProven &= succeeded(verifyUses(param, distributions.getAxes()));
    if (failed(distributions.verifyFunctions()) || !isProven)
      return failure();
    for (ProgramKind kind : {ProgramKind::Step, ProgramKind::Evaluation})
      if (failed(distributions.verifyPrograms(kind)))
        return failure();
    return success();
  }
};
} // namespace

std::unique_ptr<DialectInterface>
pp::createDistributionProof(Dialect *dialect) {
  return std::make_unique<DistributionProof>(dialect);
}
