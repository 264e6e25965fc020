//===- PPPartitionShards.cpp - Layers of one coordinate -------------------===//
//
// Every layer becomes what one coordinate computes: types are those of parts,
// and where an op takes a value in another distribution than the value has, a
// collective makes the step. A step is made once for all that need it. Nothing
// is decided here: pp-shard has.
//
//===----------------------------------------------------------------------===//

#include "LayerSharding.h"
#include "Mesh.h"
#include "Options.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

namespace pp {
#define GEN_PASS_DEF_PPPARTITIONSHARDS
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;
using comm::Distribution;
using Kind = comm::Distribution::Kind;

namespace {
/// The layer of one coordinate, built in place of the whole one.
class LayerPartition {
public:
  LayerPartition(LayerOp layer, StringAttr axis, int64_t size, bool again)
      : layer(layer), axis(axis), size(size), again(again),
        builder(layer.getContext()), axes(builder.getArrayAttr(axis)) {
    costs.size = size;
    costs.gathersAgain = again;
  }
  LogicalResult run();

private:
  Distribution lookup(Attribute attribute) const {
    auto distribution = dyn_cast_or_null<comm::DistributionAttr>(attribute);
    return distribution ? distribution.lookup(axis) : Distribution::invariant();
  }
  Type localType(Type type, Distribution form) const;
  Value get(Value whole, Distribution form, Location loc);
  Value step(Value from, Type whole, Distribution before, Distribution after,
             Location loc);
  LogicalResult partition(Operation *op);
  void number(ShardableOpInterface part, int64_t count);
  LogicalResult declare();
  void joinBiases();
  void annotate(ArrayRef<Attribute> results);

  /// The forms of a value of the whole layer, the one it was made in first.
  using Forms = SmallVector<std::pair<Distribution, Value>, 3>;

  LayerOp layer;
  StringAttr axis;
  int64_t size;
  bool again; ///< gathers in the backward
  OpBuilder builder;
  ArrayAttr axes;
  ShardingAxis costs;
  DenseMap<Value, Forms> forms;
  /// What ops of the coordinate make.
  SmallVector<std::pair<Value, Distribution>> made;
};

struct PartitionShards : pp::impl::PPPartitionShardsBase<PartitionShards> {
  using PPPartitionShardsBase::PPPartitionShardsBase;
  void runOnOperation() override;
};
} // namespace

Type LayerPartition::localType(Type type, Distribution form) const {
  if (!form.isSharded())
    return type;
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[form.dim] = llvm::divideCeil(shape[form.dim], size);
  return tensor.clone(shape);
}

/// One collective; null where there is none for the step.
Value LayerPartition::step(Value from, Type whole, Distribution before,
                           Distribution after, Location loc) {
  const bool isCut = before.isSharded() && before.blocks == 1;
  const bool becomesCut = after.isSharded() && after.blocks == 1;
  const bool becomesWhole =
      after.is(Kind::Invariant) || after.is(Kind::Constant);
  if (before.is(Kind::Constant) && !after.isVarying() &&
      !after.is(Kind::Partial))
    return from;
  if (before.is(Kind::Constant) && becomesCut) {
    // Of what repeats each has a smaller one.
    DenseElementsAttr elements;
    if (matchPattern(from, m_Constant(&elements)) && elements.isSplat())
      return arith::ConstantOp::create(
          builder, loc,
          cast<TypedAttr>(
              elements.resizeSplat(cast<ShapedType>(localType(whole, after)))));
    return comm::SliceOp::create(builder, loc, localType(whole, after), from,
                                 axes, after.dim);
  }
  if (before.is(Kind::Invariant) && after.is(Kind::Replicated))
    return comm::VaryOp::create(builder, loc, from, axes);
  if (before.is(Kind::Invariant) && becomesCut)
    return comm::SliceOp::create(builder, loc, localType(whole, after), from,
                                 axes, after.dim);
  if (before.is(Kind::PartialMax) && after.is(Kind::Invariant))
    return comm::AllReduceOp::create(builder, loc, from.getType(),
                                     comm::Reduction::Max, from, axes);
  if (before.is(Kind::Partial) && after.is(Kind::Invariant))
    return comm::AllReduceOp::create(builder, loc, from.getType(),
                                     comm::Reduction::Sum, from, axes);
  if (before.is(Kind::Partial) && becomesCut)
    return comm::ReduceScatterOp::create(builder, loc, localType(whole, after),
                                         from, axes, after.dim);
  if (isCut && (becomesWhole || after.is(Kind::Replicated)))
    return comm::AllGatherOp::create(
        builder, loc, whole, from, axes, before.dim,
        /*invariant=*/becomesWhole && holdsFloats(whole),
        /*again=*/again && after.is(Kind::Replicated));
  if (isCut && becomesCut)
    return comm::AllToAllOp::create(builder, loc, localType(whole, after), from,
                                    axes, after.dim, before.dim);
  return {};
}

Value LayerPartition::get(Value whole, Distribution form, Location loc) {
  Forms &own = forms[whole];
  for (auto &[known, value] : own)
    if (known == form)
      return value;
  // The cheapest step.
  std::optional<double> least;
  std::pair<Distribution, Value> best;
  for (auto &each : own)
    if (auto cost = costOfStep(whole.getType(), each.first, form, costs);
        cost && (!least || *cost < *least)) {
      least = cost;
      best = each;
    }
  if (least) {
    Value made = step(best.second, whole.getType(), best.first, form, loc);
    forms[whole].push_back({form, made});
    return made;
  }
  if (form.is(Kind::Replicated))
    if (Value first = get(whole, Distribution::invariant(), loc)) {
      Value made =
          step(first, whole.getType(), Distribution::invariant(), form, loc);
      forms[whole].push_back({form, made});
      return made;
    }
  return {};
}

LogicalResult LayerPartition::partition(Operation *op) {
  auto takes = op->getAttrOfType<ArrayAttr>(attr::kTakes);
  SmallVector<Distribution> wanted;
  if (takes && takes.size() == op->getNumOperands()) {
    for (Attribute attribute : takes)
      wanted.push_back(lookup(attribute));
  } else if (op->getNumOperands() == 0) {
    // A constant.
  } else {
    return op->emitOpError("found no ")
           << attr::kTakes
           << " for each operand, expected those of pp-shard: run it first";
  }
  std::optional<ShardingRule> rule = getRuleOfWhole(op);
  // The loop that all parts are parts of.
  std::optional<SmallVector<LoopCut>> cuts;
  bool isPartial = false, isReplicated = false;
  for (auto [i, form] : llvm::enumerate(wanted)) {
    isPartial |= form.is(Kind::Partial);
    isReplicated |= form.is(Kind::Replicated);
    if (!form.isSharded())
      continue;
    SmallVector<LoopCut> own;
    if (rule && form.dim < int64_t(rule->operands[i].size()))
      own = rule->findCuts(rule->operands[i][form.dim], form.blocks);
    if (cuts)
      llvm::erase_if(
          own, [&](LoopCut one) { return !llvm::is_contained(*cuts, one); });
    // Loops of size 1 are counted by the same dimension. Where no loop has
    // equal parts, it is with padding.
    llvm::erase_if(own, [&](LoopCut one) {
      return rule->loops[one.loop].kind == LoopKind::Whole;
    });
    auto isUneven = [&](LoopCut one) { return !canCut(*rule, one, size); };
    if (!llvm::all_of(own, isUneven))
      llvm::erase_if(own, isUneven);
    cuts = own;
    if (own.empty())
      return op->emitOpError("found operand #")
             << i << " wanted " << form.str()
             << ", expected a dimension that the op can be cut along, and the "
                "same for all operands";
  }
  std::optional<LoopCut> cut;
  if (cuts)
    cut = cuts->front();
  SmallVector<Value> operands;
  for (auto [operand, form] : llvm::zip_equal(op->getOperands(), wanted)) {
    Value value = get(operand, form, op->getLoc());
    if (!value)
      return op->emitOpError("found an operand wanted ")
             << form.str() << " that is " << forms[operand].front().first.str()
             << ", expected one that a collective can make of it";
    operands.push_back(value);
  }
  SmallVector<Distribution> results;
  SmallVector<Type> types;
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    Type type = op->getResult(i).getType();
    Distribution form = Distribution::invariant();
    if (isPartial) {
      form = Distribution::partial();
    } else if (cut) {
      form = rule->loops[cut->loop].kind == LoopKind::Max
                 ? Distribution::partialMax()
                 : Distribution::partial();
      for (auto [dim, loops] : llvm::enumerate(rule->results[i]))
        if (auto blocks = rule->blocksOf(loops, *cut))
          form = Distribution::varying(int64_t(dim), *blocks);
    } else if (op->getNumOperands() == 0 || !holdsFloats(type) ||
               (rule && rule->stopsGradient) ||
               llvm::none_of(op->getOperandTypes(), holdsFloats)) {
      form = Distribution::constant();
    } else if (isReplicated) {
      form = Distribution::replicated();
    }
    results.push_back(form);
    types.push_back(localType(type, form));
  }
  Operation *part = builder.clone(*op);
  part->removeAttr(attr::kTakes);
  part->setOperands(operands);
  for (auto [result, type] : llvm::zip_equal(part->getResults(), types))
    result.setType(type);
  if (auto shardable = dyn_cast<ShardableOpInterface>(part); shardable && cut) {
    std::optional<int64_t> dim;
    if (results.front().isSharded())
      dim = results.front().dim;
    shardable.resizeToPart(axis, dim);
    if (std::optional<unsigned> counted = shardable.getCountedLoop();
        counted && *counted == cut->loop)
      number(shardable, rule->loops[*counted].size);
  }
  for (auto [whole, form, result] :
       llvm::zip_equal(op->getResults(), results, part->getResults())) {
    forms[whole].push_back({form, result});
    made.push_back({result, form});
  }
  return success();
}

/// Tells a part of an op which of the indices that it counts it has.
void LayerPartition::number(ShardableOpInterface part, int64_t count) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(part);
  // Of the type of ids, where the op has some.
  Type element = builder.getI32Type();
  for (Type type : part->getOperandTypes())
    if (getElementTypeOrSelf(type).isInteger())
      element = getElementTypeOrSelf(type);
  part.setNumbers(
      comm::IotaOp::create(builder, part.getLoc(),
                           RankedTensorType::get(
                               int64_t(llvm::divideCeil(count, size)), element),
                           axes, 0),
      count);
}

/// Types of a coordinate do not always tell which dimension of a view is cut:
/// where others are likelier, the op says it.
LogicalResult LayerPartition::declare() {
  comm::DistributionInference inference(findMesh(layer));
  DenseMap<Value, Distribution> formOf(made.begin(), made.end());
  Block &body = layer.getBody().back();
  for (BlockArgument argument : body.getArguments())
    inference.set(argument, comm::getArgumentDistribution(
                                layer, argument.getArgNumber()));
  for (Operation &op : body) {
    if (failed(inference.infer(&op)))
      return failure();
    auto form =
        op.getNumResults() == 1 ? formOf.find(op.getResult(0)) : formOf.end();
    if (form == formOf.end() || !form->second.isSharded())
      continue;
    if (comm::DistributionAttr parts =
            inference.declareParts(op.getResult(0), form->second))
      op.setAttr(comm::CommDialect::getDistributionName(), parts);
  }
  return success();
}

/// A bias that is added to a product at once is part of the product again.
void LayerPartition::joinBiases() {
  for (Operation &op : llvm::make_early_inc_range(
           layer.getBody().front().without_terminator())) {
    auto add = dyn_cast<nn::AddOp>(op);
    if (!add || !add->hasAttr(attr::kBias))
      continue;
    add->removeAttr(attr::kBias);
    auto product = add.getLhs().getDefiningOp<nn::LinearOp>();
    if (!product || product.getBias() || !product->hasOneUse())
      continue;
    builder.setInsertionPoint(add);
    Value joined = nn::LinearOp::create(
        builder, product.getLoc(), product.getType(), product.getInput(),
        product.getWeight(), add.getRhs(), product.getTransposed());
    add.replaceAllUsesWith(joined);
    add.erase();
    product.erase();
  }
}

LogicalResult LayerPartition::run() {
  Block &old = layer.getBody().front();
  auto *block = new Block;
  layer.getBody().push_back(block);
  builder.setInsertionPointToStart(block);
  auto toAttribute = [&](Distribution form) {
    return comm::DistributionAttr::get(layer.getContext(), axis, form);
  };
  for (BlockArgument argument : old.getArguments()) {
    const unsigned i = argument.getArgNumber();
    Distribution form = lookup(layer.getArgAttr(i, attr::kShard));
    if (!form.isVarying())
      form = holdsFloats(argument.getType()) ? Distribution::invariant()
                                             : Distribution::constant();
    Value part = block->addArgument(localType(argument.getType(), form),
                                    argument.getLoc());
    forms[argument].push_back({form, part});
    layer.removeArgAttr(i, attr::kShard);
    if (form.isVarying())
      layer.setArgAttr(i, comm::CommDialect::getDistributionName(),
                       toAttribute(form));
  }
  for (Operation &op : old.without_terminator())
    if (failed(partition(&op)))
      return failure();
  auto yield = cast<YieldOp>(old.getTerminator());
  SmallVector<Value> results;
  for (auto [i, value] : llvm::enumerate(yield.getResults())) {
    Distribution form = lookup(layer.getResultAttr(i, attr::kShard));
    if (!form.isVarying())
      form = holdsFloats(value.getType()) ? Distribution::invariant()
                                          : Distribution::constant();
    Value result = get(value, form, yield.getLoc());
    if (!result)
      return yield.emitOpError("found result #")
             << i << " wanted " << form.str() << " that is "
             << forms[value].front().first.str()
             << ", expected one that a collective can make of it";
    results.push_back(result);
    layer.removeResultAttr(i,
                           StringAttr::get(layer.getContext(), attr::kShard));
    if (form.isVarying())
      layer.setResultAttr(i, comm::CommDialect::getDistributionName(),
                          toAttribute(form));
  }
  if (failed(declare()))
    return failure();
  YieldOp::create(builder, yield.getLoc(), results);
  old.dropAllReferences();
  old.erase();
  SmallVector<Type> types;
  for (Value result : results)
    types.push_back(result.getType());
  layer.setFunctionType(
      builder.getFunctionType(block->getArgumentTypes(), types));
  joinBiases();
  // Constants of which only parts are used, and what an op made beside.
  for (Operation *op = block->getTerminator()->getPrevNode(); op;) {
    Operation *before = op->getPrevNode();
    if (isOpTriviallyDead(op))
      op->erase();
    op = before;
  }
  return success();
}

void PartitionShards::runOnOperation() {
  ModuleOp module = getOperation();
  if (failed(checkOption(module, "tensors", tensors, 1, limits::kRanks)))
    return signalPassFailure();
  if (tensors == 1 || !module.getOps<MeshOp>().empty())
    return;
  MeshShape shape;
  shape.order = order;
  shape.tensors = tensors;
  FailureOr<MeshOp> mesh = findOrAddMesh(module, shape);
  if (failed(mesh))
    return signalPassFailure();
  auto name = StringAttr::get(&getContext(), MeshOp::kTensors);
  for (LayerOp layer : module.getOps<LayerOp>())
    if (!SymbolTable::symbolKnownUseEmpty(layer, module) &&
        failed(LayerPartition(layer, name, tensors,
                              again && layer.getRecompute() != "full")
                   .run()))
      return signalPassFailure();
  for (ModelOp model : module.getOps<ModelOp>())
    for (auto apply : model.getBody().getOps<ApplyOp>()) {
      auto layer = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
          apply, apply.getCalleeAttr());
      for (auto [result, type] :
           llvm::zip_equal(apply.getResults(), layer.getResultTypes()))
        result.setType(type);
    }
}
