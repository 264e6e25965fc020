//===- PPShard.cpp - Which parts of a model each coordinate computes ------===//
//
// What crosses the borders of layers is decided for the model: values of one
// type are cut alike wherever they go between layers, and a parameter that
// several layers use is cut alike in all of them. Each assignment of these has
// a cost, the sum over the applies of what the cheapest sharding of the layer
// within its borders costs; the cheapest assignment is taken.
//
// Layers stay whole here; what was chosen is written on them, for
// pp-partition-shards to carry out.
//
//===----------------------------------------------------------------------===//

#include "ExposeParallelism.h"
#include "LayerSharding.h"
#include "Options.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

namespace pp {
#define GEN_PASS_DEF_PPSHARD
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;
using comm::Distribution;

/// As many assignments are tried one by one; beyond, one choice after the
/// other is improved until none can be.
static constexpr uint64_t kExhaustive = 4096;
/// A share of the operations that all coordinates do, in percent, of which the
/// user is told.
static constexpr double kMuch = 25;

/// Whether anything crosses dimension `dim` in a part of its own.
static bool isOfDim(Distribution form, int64_t dim) {
  return form.isSharded() && form.dim == dim;
}

namespace {
/// What is decided once for several arguments or results of layers.
struct Decision {
  SmallVector<Distribution> options;
  unsigned chosen = 0;
  Distribution get() const { return options[chosen]; }
};

/// A result of an apply that the user pinned.
struct Pin {
  ApplyOp apply;
  unsigned result;
  Distribution form;
  RankedTensorType getType() {
    return cast<RankedTensorType>(apply.getResult(result).getType());
  }
  InFlightDiagnostic emitError() {
    return apply.emitOpError()
           << "found result #" << result << " pinned " << form.str();
  }
};

/// A pin in the search: its decision has one option instead of several.
struct DecidedPin {
  Pin pin;
  unsigned decision;
  SmallVector<Distribution> options; ///< without it
};

/// A distinct layer with its place in the model.
struct Layer {
  LayerOp op;
  std::unique_ptr<LayerShardings> shardings;
  SmallVector<ApplyOp> applies;
  /// Numbers of decisions; none where the layer decides, or nothing is.
  SmallVector<std::optional<unsigned>> arguments, results;
  llvm::StringMap<std::optional<LayerSharding>> known;
};

class ModelSharding {
public:
  ModelSharding(ModelOp model, const ShardingAxis &axis, StringRef sequence,
                StringAttr name)
      : model(model), axis(axis), sequence(sequence), name(name) {}
  LogicalResult run();

private:
  LogicalResult collectPins();
  LogicalResult collectLayers();
  LogicalResult
  collectBlocks(Layer &layer,
                SmallVectorImpl<std::pair<Value, Distribution>> &pinned);
  LogicalResult decideValues();
  LogicalResult decideParameters();
  unsigned decide(SmallVector<Distribution> options) {
    decisions.push_back({std::move(options), 0});
    return decisions.size() - 1;
  }
  std::optional<LayerSharding> shard(Layer &layer);
  double cost();
  bool search();
  LogicalResult explain();
  LogicalResult blame();
  ShardingAttr toSharding(RankedTensorType type, Distribution form);
  void annotate();

  ModelOp model;
  ShardingAxis axis;
  StringRef sequence;
  StringAttr name;
  llvm::MapVector<Operation *, Layer> layers;
  std::vector<Decision> decisions;
  llvm::MapVector<Type, Pin> pinnedTypes;
  SmallVector<DecidedPin> pins; ///< of values, in the order of types
};

struct Shard : pp::impl::PPShardBase<Shard> {
  using PPShardBase::PPShardBase;
  void runOnOperation() override;
};
} // namespace

/// What the user pinned of a value of `type`. Fails, with an error at `op`,
/// where layers are not cut over its axes, or not into equal parts.
static FailureOr<Distribution> readPin(Operation *op, ShardingAttr sharding,
                                       Type type, StringAttr axis,
                                       int64_t size) {
  Distribution pin = Distribution::invariant();
  for (auto [dim, axes, blocks] :
       llvm::enumerate(sharding.getDims(), sharding.getBlocks())) {
    for (auto other : axes.getAsRange<StringAttr>())
      if (other != axis)
        return op->emitOpError()
               << "found a sharding over axis " << other << ", expected "
               << axis << ", over which layers are sharded: correct it, or "
               << "write the layers of coordinates, and pp.mesh, by hand";
    if (axes.empty())
      continue;
    pin = Distribution::varying(int64_t(dim), blocks);
    if (!sharding.getPadded()[dim] && !canCut(type, pin, size))
      return op->emitOpError()
             << "found dimension " << dim << " of " << type << " pinned in "
             << size << " parts" << (blocks > 1 ? " of each block" : "")
             << ", expected a multiple of " << size * blocks;
  }
  return pin;
}

/// Of each type of values between layers what the user pinned, in the order of
/// applies.
LogicalResult ModelSharding::collectPins() {
  for (auto apply : model.getBody().getOps<ApplyOp>())
    for (unsigned i = 0; i < apply.getNumResults(); ++i) {
      Type type = apply.getResult(i).getType();
      ShardingAttr sharding = apply.getResultSharding(i);
      if (!sharding || !holdsFloats(type))
        continue;
      auto form = readPin(apply, sharding, type, name, axis.size);
      if (failed(form))
        return failure();
      Pin pin{apply, i, *form};
      auto [first, isNew] = pinnedTypes.try_emplace(type, pin);
      if (isNew || first->second.form == *form)
        continue;
      InFlightDiagnostic error =
          pin.emitError() << ", expected " << first->second.form.str()
                          << " as another result of the same type: values of "
                             "one type are cut alike between layers; pin them "
                             "alike, or leave one of them open";
      error.attachNote(first->second.apply.getLoc()) << "the other one is here";
      return failure();
    }
  return success();
}

/// Of what a layer takes and gives the pins that are in blocks.
LogicalResult ModelSharding::collectBlocks(
    Layer &layer, SmallVectorImpl<std::pair<Value, Distribution>> &pinned) {
  Block &body = layer.op.getBody().front();
  auto addOfType = [&](Value value) {
    auto pin = pinnedTypes.find(value.getType());
    if (pin != pinnedTypes.end() && pin->second.form.blocks > 1)
      pinned.emplace_back(value, pin->second.form);
  };
  llvm::for_each(body.getArguments().take_front(layer.op.getNumInputs()),
                 addOfType);
  llvm::for_each(body.getTerminator()->getOperands(), addOfType);
  for (ApplyOp apply : layer.applies)
    for (auto [value, argument] : llvm::zip_equal(
             apply.getParams(),
             body.getArguments().take_back(layer.op.getNumParams()))) {
      auto param = value.getDefiningOp<ParamOp>();
      ShardingAttr sharding = param.getShardingAttr();
      if (!sharding)
        continue;
      auto form = readPin(param, sharding, param.getType(), name, axis.size);
      if (failed(form))
        return failure();
      if (form->blocks > 1)
        pinned.emplace_back(argument, *form);
    }
  return success();
}

LogicalResult ModelSharding::collectLayers() {
  for (auto apply : model.getBody().getOps<ApplyOp>()) {
    auto op = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
        apply, apply.getCalleeAttr());
    Layer &layer = layers[op];
    layer.op = op;
    layer.applies.push_back(apply);
  }
  for (auto &[op, layer] : layers) {
    for (Operation &inner : layer.op.getBody().front())
      if (inner.getNumRegions() != 0)
        return inner.emitOpError(
            "found regions in a layer, expected an op without: a layer is a "
            "list of ops on tensors");
    exposeParallelism(layer.op, axis.size);
    SmallVector<std::pair<Value, Distribution>> pinned;
    if (failed(collectBlocks(layer, pinned)))
      return failure();
    layer.shardings = std::make_unique<LayerShardings>(layer.op, axis, pinned);
    layer.arguments.resize(layer.op.getNumArguments());
    layer.results.resize(layer.op.getNumResults());
  }
  return success();
}

/// Of each type of values between layers: whole, or cut along a dimension. Data
/// come whole, so what has the type of data that a layer takes stays so.
LogicalResult ModelSharding::decideValues() {
  llvm::MapVector<Type, SmallVector<std::optional<unsigned> *>> places;
  DenseMap<Type, ApplyOp> ofData; ///< what takes some
  for (auto &[op, layer] : layers) {
    for (unsigned i = 0; i < layer.op.getNumInputs(); ++i)
      if (holdsFloats(layer.op.getArgumentTypes()[i]))
        places[layer.op.getArgumentTypes()[i]].push_back(&layer.arguments[i]);
    for (unsigned i = 0; i < layer.op.getNumResults(); ++i)
      if (holdsFloats(layer.op.getResultTypes()[i]))
        places[layer.op.getResultTypes()[i]].push_back(&layer.results[i]);
    for (ApplyOp apply : layer.applies)
      for (Value input : apply.getInputs())
        if (isa<BlockArgument>(input))
          ofData.try_emplace(input.getType(), apply);
  }
  for (auto &[type, all] : places) {
    SmallVector<Distribution> options;
    auto tensor = cast<RankedTensorType>(type);
    // Positions before batches: what is learned for each is cut with them.
    SmallVector<int64_t> dims;
    for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
      if (canCut(tensor, Distribution::varying(dim), axis.size))
        dims.push_back(dim);
    if (dims.size() > 1 && tensor.getRank() > 2 && dims.front() == 0)
      std::rotate(dims.begin(), dims.begin() + 1, dims.end());
    const bool mayCut = sequence != "off" && !ofData.contains(type);
    if (mayCut)
      for (int64_t dim : dims)
        options.push_back(Distribution::varying(dim));
    // The last dimension is the features': only positions are a sequence.
    const bool mustCut =
        sequence == "on" && llvm::any_of(options, [&](Distribution form) {
          return !isOfDim(form, tensor.getRank() - 1);
        });
    if (mustCut)
      llvm::erase_if(options, [&](Distribution form) {
        return isOfDim(form, tensor.getRank() - 1);
      });
    else
      options.push_back(Distribution::invariant());
    auto pin = pinnedTypes.find(type);
    if (pin == pinnedTypes.end()) {
      const unsigned number = decide(options);
      for (std::optional<unsigned> *place : all)
        *place = number;
      continue;
    }
    Distribution form = pin->second.form;
    if (ApplyOp taker = ofData.lookup(type); taker && form.isSharded()) {
      InFlightDiagnostic error =
          pin->second.emitError()
          << ", expected " << toSharding(tensor, Distribution::invariant())
          << ", as data have the same type, which come whole: pin it so, or "
             "have the layer give another type";
      error.attachNote(taker.getLoc()) << "the data are taken here";
      return failure();
    }
    const unsigned number = decide({form});
    pins.push_back({pin->second, number, options});
    for (std::optional<unsigned> *place : all)
      *place = number;
  }
  return success();
}

/// A parameter is cut alike by all that use it. Where that is one argument of
/// one layer, the layer decides.
LogicalResult ModelSharding::decideParameters() {
  using Place = std::pair<Operation *, unsigned>;
  llvm::EquivalenceClasses<Place> classes;
  llvm::MapVector<Place, SmallVector<ParamOp>> users;
  for (auto param : model.getBody().getOps<ParamOp>()) {
    std::optional<Place> first;
    for (OpOperand &use : param->getUses()) {
      auto apply = cast<ApplyOp>(use.getOwner());
      Place place{SymbolTable::lookupNearestSymbolFrom<LayerOp>(
                      apply, apply.getCalleeAttr()),
                  use.getOperandNumber()};
      classes.insert(place);
      users[place].push_back(param);
      if (first)
        classes.unionSets(*first, place);
      first = place;
    }
  }
  llvm::MapVector<Place, SmallVector<Place>> members;
  for (auto &[place, params] : users)
    members[classes.getLeaderValue(place)].push_back(place);
  for (auto &[leader, places] : members) {
    std::optional<Distribution> pin;
    ParamOp pinned;
    for (Place place : places)
      for (ParamOp param : users[place]) {
        ShardingAttr sharding = param.getShardingAttr();
        if (!sharding)
          continue;
        auto own = readPin(param, sharding, param.getType(), name, axis.size);
        if (failed(own))
          return failure();
        if (pin && *own != *pin) {
          InFlightDiagnostic error =
              param.emitOpError()
              << "found it pinned " << own->str() << ", expected " << pin->str()
              << " as another parameter of the same argument of a layer: pin "
                 "them alike, or write the layer twice";
          error.attachNote(pinned.getLoc()) << "the other one is here";
          return failure();
        }
        pin = *own;
        pinned = param;
      }
    if (places.size() == 1 && !pin)
      continue;
    SmallVector<Distribution> options;
    if (pin) {
      options.push_back(*pin);
    } else {
      options.push_back(Distribution::invariant());
      for (Place place : places)
        for (Distribution form :
             layers[place.first].shardings->getForms(place.second))
          if (!llvm::is_contained(options, form))
            options.push_back(form);
    }
    const unsigned number = decide(options);
    for (Place place : places)
      layers[place.first].arguments[place.second] = number;
  }
  return success();
}

std::optional<LayerSharding> ModelSharding::shard(Layer &layer) {
  LayerBorder border;
  std::string key;
  auto get = [&](std::optional<unsigned> decision) {
    Distribution form =
        decision ? decisions[*decision].get() : Distribution::invariant();
    key += form.str() + " ";
    return form;
  };
  for (auto [i, decision] : llvm::enumerate(layer.arguments)) {
    const bool isOpen = !decision && i >= layer.op.getNumInputs();
    border.arguments.push_back(isOpen ? std::nullopt
                                      : std::optional(get(decision)));
  }
  for (std::optional<unsigned> decision : layer.results)
    border.results.push_back(get(decision));
  auto [known, isNew] = layer.known.try_emplace(key);
  if (isNew)
    known->second = layer.shardings->findCheapest(border);
  return known->second;
}

/// Of all applies; infinite if a layer has no sharding.
double ModelSharding::cost() {
  double sum = 0;
  for (auto &[op, layer] : layers) {
    std::optional<LayerSharding> sharding = shard(layer);
    if (!sharding)
      return std::numeric_limits<double>::infinity();
    sum += double(layer.applies.size()) * sharding->seconds;
  }
  return sum;
}

/// False if nothing fits.
bool ModelSharding::search() {
  uint64_t assignments = 1;
  for (const Decision &decision : decisions)
    assignments =
        std::min(assignments * decision.options.size(), kExhaustive + 1);
  double best = std::numeric_limits<double>::infinity();
  std::vector<unsigned> taken(decisions.size());
  auto consider = [&] {
    const double found = cost();
    if (!(found < best))
      return false;
    best = found;
    for (auto [number, decision] : llvm::zip_equal(taken, decisions))
      number = decision.chosen;
    return true;
  };
  if (assignments <= kExhaustive) {
    for (bool isDone = false; !isDone;) {
      consider();
      isDone = true;
      for (Decision &decision : decisions) {
        if (++decision.chosen < decision.options.size()) {
          isDone = false;
          break;
        }
        decision.chosen = 0;
      }
    }
  } else {
    // From what is first, and from what is whole.
    for (bool isWhole : {false, true}) {
      for (Decision &decision : decisions) {
        auto whole = llvm::find(decision.options, Distribution::invariant());
        decision.chosen = isWhole && whole != decision.options.end()
                              ? whole - decision.options.begin()
                              : 0;
      }
      consider();
      for (bool hasImproved = true; std::exchange(hasImproved, false);)
        for (Decision &decision : decisions) {
          const unsigned before = decision.chosen;
          unsigned kept = before;
          double least = cost();
          for (unsigned i = 0; i < decision.options.size(); ++i) {
            decision.chosen = i;
            if (const double found = cost(); found < least) {
              least = found;
              kept = i;
            }
          }
          decision.chosen = kept;
          hasImproved |= kept != before;
          consider();
        }
    }
  }
  for (auto [number, decision] : llvm::zip_equal(taken, decisions))
    decision.chosen = number;
  return best < std::numeric_limits<double>::infinity();
}

/// Something has to be cut: else each coordinate would do the work of all.
/// Tells of what is not.
LogicalResult ModelSharding::explain() {
  double all = 0, whole = 0;
  for (auto &[op, layer] : layers) {
    LayerSharding sharding = *shard(layer);
    for (auto [inner, way] :
         llvm::zip(layer.op.getBody().front(), sharding.ops)) {
      const double flops = costOf(&inner, axis.rates).flops;
      all += flops;
      const bool isCut =
          llvm::any_of(llvm::concat<Distribution>(way.operands, way.results),
                       [](Distribution form) { return form.isVarying(); });
      if (isCut)
        continue;
      whole += flops;
      if (!getRuleOfWhole(&inner) && !inner.hasTrait<OpTrait::ConstantLike>())
        inner.emitRemark("found no sharding rule, so every coordinate of ")
            << name << " computes all of it: implement ShardableOpInterface";
    }
  }
  if (axis.size == 1 || all == 0)
    return success();
  if (whole < all) {
    if (const double percent = 100 * whole / all; percent > kMuch)
      model.emitWarning("found ")
          << int(percent + 0.5) << " % of the operations of its layers done by "
          << "each of the " << axis.size << " coordinates on axis " << name
          << ", expected them shared: " << axis.size
          << " divides too few dimensions (heads, widths, positions); take a "
             "number that does";
    return success();
  }
  // Cheaper whole, or impossible.
  for (auto &[op, layer] : layers)
    if (layer.shardings->canCutAny()) {
      model.emitWarning("found nothing that is cheaper in parts over ")
          << axis.size << " coordinates on axis " << name
          << ", expected a model that gains from them: each computes all of "
             "it; leave --tp out, or pin what is to be cut";
      return success();
    }
  // The sizes that could have been cut.
  int64_t nearest = 1;
  for (int64_t size = axis.size - 1; size > 1 && nearest == 1; --size)
    for (auto &[op, layer] : layers)
      for (Operation &inner : layer.op.getBody().front())
        for (Type type : inner.getResultTypes())
          if (auto tensor = dyn_cast<RankedTensorType>(type))
            if (tensor.getRank() > 1 && tensor.getShape().back() % size == 0)
              nearest = size;
  return model.emitOpError()
         << "found nothing that " << axis.size << " coordinates on axis "
         << name << " could share, as " << axis.size
         << " divides none of what may be cut (heads, widths, positions), "
            "expected another number: the nearest that divides some is "
         << nearest;
}

/// Names the pin without which there is a sharding: they are taken back one
/// after the other.
LogicalResult ModelSharding::blame() {
  for (DecidedPin &decided : pins) {
    Decision &decision = decisions[decided.decision];
    decision.options = decided.options;
    if (search())
      return decided.pin.emitError()
             << ", with which a layer that makes or takes it has no sharding, "
                "expected "
             << toSharding(decided.pin.getType(), decision.get())
             << ", the cheapest with which all have one: pin it so, or leave "
                "it open";
  }
  return model.emitOpError()
         << "found no way to cut its layers over axis " << name
         << " with what is pinned, expected one: pin less";
}

ShardingAttr ModelSharding::toSharding(RankedTensorType type,
                                       Distribution form) {
  Builder builder(model.getContext());
  SmallVector<ArrayAttr> dims;
  SmallVector<int64_t> blocks;
  SmallVector<bool> padded;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    const bool isCut = isOfDim(form, dim);
    dims.push_back(builder.getArrayAttr(isCut ? ArrayRef<Attribute>(name)
                                              : ArrayRef<Attribute>()));
    blocks.push_back(isCut ? form.blocks : 1);
    padded.push_back(isCut && !canCut(type, form, axis.size));
  }
  return ShardingAttr::get(model.getContext(), dims, blocks, padded);
}

void ModelSharding::annotate() {
  MLIRContext *context = model.getContext();
  Builder builder(context);
  auto toAttribute = [&](Distribution form) {
    if (form.is(Distribution::Kind::Invariant))
      return comm::DistributionAttr::get(context, {}, {});
    return comm::DistributionAttr::get(context, name, form);
  };
  for (auto &entry : layers) {
    Layer &layer = entry.second;
    LayerSharding sharding = *shard(layer);
    for (auto [i, form] : llvm::enumerate(sharding.arguments))
      if (form.isVarying())
        layer.op.setArgAttr(i, attr::kShard, toAttribute(form));
    for (auto [i, decision] : llvm::enumerate(layer.results))
      if (decision && decisions[*decision].get().isVarying())
        layer.op.setResultAttr(i, attr::kShard,
                               toAttribute(decisions[*decision].get()));
    for (auto [inner, way] :
         llvm::zip(layer.op.getBody().front(), sharding.ops)) {
      SmallVector<Attribute> takes;
      for (Distribution form : way.operands)
        takes.push_back(toAttribute(form));
      if (!takes.empty())
        inner.setAttr(attr::kTakes, builder.getArrayAttr(takes));
    }
    for (ApplyOp apply : layer.applies)
      for (auto [i, value] : llvm::enumerate(apply.getParams())) {
        auto param = value.getDefiningOp<ParamOp>();
        Distribution form = sharding.arguments[layer.op.getNumInputs() + i];
        if (form.isSharded())
          param.setShardingAttr(toSharding(param.getType(), form));
        else
          param.removeShardingAttr();
      }
  }
}

LogicalResult ModelSharding::run() {
  if (failed(collectPins()) || failed(collectLayers()))
    return failure();
  if (failed(decideValues()) || failed(decideParameters()))
    return failure();
  if (!search())
    return blame();
  if (failed(explain()))
    return failure();
  annotate();
  return success();
}

void Shard::runOnOperation() {
  ModuleOp module = getOperation();
  if (failed(checkOption(module, "tensors", tensors, 1, limits::kRanks)))
    return signalPassFailure();
  if (sequence != "auto" && sequence != "on" && sequence != "off") {
    module.emitError() << "found sequence=" << sequence
                       << ", expected auto, on or off";
    return signalPassFailure();
  }
  // A model with a mesh has layers of coordinates already.
  if (tensors == 1 || !module.getOps<MeshOp>().empty())
    return;
  ShardingAxis axis;
  axis.size = tensors;
  axis.rates.flops = flops;
  axis.rates.bytes = bandwidth;
  axis.rates.transfer = transfer;
  axis.cutsPositions = sequence != "off";
  axis.gathersAgain = again;
  auto name = StringAttr::get(&getContext(), MeshOp::kTensors);
  for (ModelOp model : module.getOps<ModelOp>())
    if (failed(ModelSharding(model, axis, sequence, name).run()))
      return signalPassFailure();
}
