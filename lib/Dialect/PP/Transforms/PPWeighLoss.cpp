//===- PPWeighLoss.cpp - What the loss of a micro-batch counts ------------===//
//
// A cross entropy that ignores targets is a mean over the others, so a mean of
// micro-batches would weigh a target by how few there are beside it. Layers
// with cross entropies get one more result, the number of targets that count,
// and the model their part of all, by which the end of the step weighs losses
// and gradients. The ops are those that models have, so that all passes behind
// this one take them as they come.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/MapVector.h"

namespace pp {
#define GEN_PASS_DEF_PPWEIGHLOSS
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
class LossWeighing {
public:
  explicit LossWeighing(ModelOp model)
      : model(model), module(model->getParentOfType<ModuleOp>()),
        lossType(cast<RankedTensorType>(model.getResultTypes().front())),
        builder(model) {}
  LogicalResult run();

private:
  struct Layer {
    SmallVector<ApplyOp> applies;
    SmallVector<nn::CrossEntropyOp> losses;
    int64_t targets = 0; ///< of its losses, on all coordinates together
  };

  void collect();
  bool isData(Value value);
  bool mayIgnore(nn::CrossEntropyOp loss);
  LogicalResult findParts(LayerOp op, Layer &layer);
  Value sumOf(Value value);
  Value divide(Value count, int64_t all);
  void addCount(LayerOp op, Layer &layer, bool isOnly);
  Value addResult(ApplyOp apply);
  Value addWeight(ArrayRef<Value> counts, int64_t all);

  ModelOp model;
  ModuleOp module;
  RankedTensorType lossType;
  OpBuilder builder;
  bool hasDocuments = false;              ///< among the data
  llvm::MapVector<LayerOp, Layer> layers; ///< that the model applies
  DenseMap<Value, bool> known;
  /// Of a loss, the axes over whose coordinates its targets are cut.
  DenseMap<Operation *, SmallVector<StringAttr>> partsOver;
};
} // namespace

void LossWeighing::collect() {
  for (unsigned i = 0; i < model.getNumArguments(); ++i)
    hasDocuments |= model.getDataName(i) == kDocuments;
  for (auto apply : model.getBody().getOps<ApplyOp>()) {
    auto op = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
        apply, apply.getCalleeAttr());
    Layer &layer = layers[op];
    layer.applies.push_back(apply);
    if (layer.applies.size() == 1)
      llvm::append_range(layer.losses,
                         op.getBody().getOps<nn::CrossEntropyOp>());
  }
}

/// Whether all elements of a value are elements of the data.
bool LossWeighing::isData(Value value) {
  // What is being followed counts as computed.
  auto [found, isNew] = known.try_emplace(value, false);
  if (!isNew)
    return found->second;
  bool result = false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto layer = dyn_cast<LayerOp>(argument.getOwner()->getParentOp());
    result = !layer || llvm::all_of(layers[layer].applies, [&](ApplyOp apply) {
      return isData(apply.getOperand(argument.getArgNumber()));
    });
  } else if (auto apply = value.getDefiningOp<ApplyOp>()) {
    auto layer = SymbolTable::lookupNearestSymbolFrom<LayerOp>(
        apply, apply.getCalleeAttr());
    result = isData(layer.getBody().front().getTerminator()->getOperand(
        cast<OpResult>(value).getResultNumber()));
  } else if (isa_and_nonnull<nn::ReshapeOp, nn::SliceOp, nn::TransposeOp,
                             nn::SplitOp, nn::ConcatenateOp, nn::BroadcastOp>(
                 value.getDefiningOp())) {
    result = llvm::all_of(value.getDefiningOp()->getOperands(),
                          [&](Value operand) { return isData(operand); });
  }
  return known[value] = result;
}

/// Ids of data are not negative, but at the ends of documents.
bool LossWeighing::mayIgnore(nn::CrossEntropyOp loss) {
  return hasDocuments || int64_t(loss.getIgnoreIndex()) >= 0 ||
         !isData(loss.getTargets());
}

/// How many targets a layer has, and where only parts of them.
LogicalResult LossWeighing::findParts(LayerOp op, Layer &layer) {
  MeshOpInterface mesh = findMesh(op);
  std::optional<comm::DistributionInference> inference;
  if (mesh && comm::hasDistributions(op)) {
    inference.emplace(mesh);
    if (failed(inference->inferFunction(op)))
      return failure();
  }
  for (nn::CrossEntropyOp loss : layer.losses) {
    auto type = cast<RankedTensorType>(loss.getTargets().getType());
    int64_t targets = type.getNumElements();
    for (auto [number, axis] : llvm::enumerate(
             inference ? inference->getAxes() : ArrayRef<StringAttr>()))
      if (inference->lookup(loss.getTargets(), number).isVarying()) {
        partsOver[loss].push_back(axis);
        targets *= *mesh.getSize(axis);
      }
    layer.targets += targets;
  }
  return success();
}

Value LossWeighing::sumOf(Value value) {
  const int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  if (rank == 0)
    return value;
  return nn::ReduceSumOp::create(
      builder, value.getLoc(), lossType, value, /*init=*/Value(),
      llvm::to_vector(llvm::seq<int64_t>(0, rank)), /*keepdims=*/false);
}

Value LossWeighing::divide(Value count, int64_t all) {
  Location loc = count.getLoc();
  Attribute number =
      builder.getFloatAttr(lossType.getElementType(), double(all));
  Value divisor = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(lossType, number));
  return arith::DivFOp::create(builder, loc, count, divisor);
}

/// One more dictionary behind those of results that have some.
static ArrayAttr withOneMore(Builder &builder, ArrayAttr attributes,
                             Attribute last) {
  if (!attributes)
    return {};
  SmallVector<Attribute> all(attributes.begin(), attributes.end());
  all.push_back(last);
  return builder.getArrayAttr(all);
}

/// Makes the number of targets that count a result of the layer; if it has all
/// of the model, their part.
void LossWeighing::addCount(LayerOp op, Layer &layer, bool isOnly) {
  Operation *yield = op.getBody().front().getTerminator();
  builder.setInsertionPoint(yield);
  Value count;
  for (nn::CrossEntropyOp loss : layer.losses) {
    Location loc = loss.getLoc();
    auto ids = cast<RankedTensorType>(loss.getTargets().getType());
    Attribute ignored = builder.getIntegerAttr(ids.getElementType(),
                                               int64_t(loss.getIgnoreIndex()));
    Value counts = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ne, loss.getTargets(),
        arith::ConstantOp::create(builder, loc,
                                  DenseElementsAttr::get(ids, ignored)));
    Value sum = sumOf(arith::UIToFPOp::create(
        builder, loc, ids.clone(lossType.getElementType()), counts));
    if (auto axes = partsOver.find(loss); axes != partsOver.end()) {
      SmallVector<Attribute> names(axes->second.begin(), axes->second.end());
      sum = comm::AllReduceOp::create(builder, loc, lossType,
                                      comm::Reduction::Sum, sum,
                                      builder.getArrayAttr(names));
    }
    count = count ? arith::AddFOp::create(builder, loc, count, sum).getResult()
                  : sum;
  }
  if (isOnly)
    count = divide(count, layer.targets);
  yield->insertOperands(yield->getNumOperands(), count);
  SmallVector<Type> results(op.getResultTypes());
  results.push_back(lossType);
  op.setFunctionType(builder.getFunctionType(op.getArgumentTypes(), results));
  if (ArrayAttr attributes = withOneMore(builder, op.getResAttrsAttr(),
                                         builder.getDictionaryAttr({})))
    op.setResAttrsAttr(attributes);
}

/// An apply with the results that its layer has now; returns the last one.
Value LossWeighing::addResult(ApplyOp apply) {
  builder.setInsertionPoint(apply);
  SmallVector<Type> results(apply.getResultTypes());
  results.push_back(lossType);
  auto replacement = ApplyOp::create(
      builder, apply.getLoc(), results, apply.getCalleeAttr(),
      apply.getInputs(), apply.getParams(), apply.getStageAttr(),
      apply.getRecomputeAttr(),
      withOneMore(builder, apply.getShardingsAttr(), builder.getUnitAttr()));
  apply->replaceAllUsesWith(replacement.getResults().drop_back());
  apply.erase();
  return replacement.getResults().back();
}

/// The part of all targets that count, of counts of several applies.
Value LossWeighing::addWeight(ArrayRef<Value> counts, int64_t all) {
  OpBuilder::InsertionGuard guard(builder);
  Location loc = model.getLoc();
  SmallVector<Type> inputs(counts.size(), lossType);
  builder.setInsertionPoint(model);
  std::string name = "loss_weight";
  for (unsigned i = 0; SymbolTable::lookupSymbolIn(module, name); ++i)
    name = "loss_weight." + std::to_string(i);
  auto layer = LayerOp::create(
      builder, loc, name, builder.getFunctionType(inputs, TypeRange(lossType)),
      /*num_params=*/0, /*recompute=*/StringAttr(), /*arg_attrs=*/ArrayAttr(),
      /*res_attrs=*/ArrayAttr());
  Block &body = layer.getBody().emplaceBlock();
  for (Type type : inputs)
    body.addArgument(type, loc);
  builder.setInsertionPointToStart(&body);
  Value sum = body.getArgument(0);
  for (Value count : body.getArguments().drop_front())
    sum = arith::AddFOp::create(builder, loc, sum, count);
  YieldOp::create(builder, loc, divide(sum, all));
  builder.setInsertionPoint(model.getBody().front().getTerminator());
  return ApplyOp::create(builder, loc, TypeRange(lossType),
                         FlatSymbolRefAttr::get(layer.getSymNameAttr()), counts,
                         ValueRange(), IntegerAttr(), StringAttr(), ArrayAttr())
      .getResult(0);
}

LogicalResult LossWeighing::run() {
  if (model.getNumResults() > 1)
    return success();
  collect();
  bool mayIgnoreAny = false;
  for (auto &[op, layer] : layers)
    mayIgnoreAny |= llvm::any_of(
        layer.losses, [&](nn::CrossEntropyOp loss) { return mayIgnore(loss); });
  if (!mayIgnoreAny)
    return success();
  size_t applies = 0;
  int64_t all = 0;
  for (auto &[op, layer] : layers) {
    if (failed(findParts(op, layer)))
      return failure();
    if (layer.losses.empty())
      continue;
    applies += layer.applies.size();
    all += layer.targets * int64_t(layer.applies.size());
  }
  SmallVector<Value> counts;
  for (auto &[op, layer] : layers) {
    if (layer.losses.empty())
      continue;
    addCount(op, layer, /*isOnly=*/applies == 1);
    for (ApplyOp apply : layer.applies)
      counts.push_back(addResult(apply));
  }
  Value weight = applies == 1 ? counts.front() : addWeight(counts, all);
  Operation *end = model.getBody().front().getTerminator();
  end->insertOperands(1, weight);
  model.setFunctionType(
      builder.getFunctionType(model.getArgumentTypes(), {lossType, lossType}));
  if (ArrayAttr attributes = withOneMore(builder, model.getResAttrsAttr(),
                                         builder.getDictionaryAttr({})))
    model.setResAttrsAttr(attributes);
  return success();
}

namespace {
struct WeighLoss : pp::impl::PPWeighLossBase<WeighLoss> {
  void runOnOperation() override {
    for (ModelOp model : getOperation().getOps<ModelOp>())
      if (failed(LossWeighing(model).run()))
        return signalPassFailure();
  }
};
} // namespace
