//===- ShardModelsTest.cpp - Layers that pp-shard has cut -----------------===//
//
// Random models written for one device go through pp-shard and
// pp-partition-shards. The layer of a coordinate is proven, differentiated,
// proven again and run on all coordinates: results and gradients are those of
// the layer of one device. Of small layers the sharding found is no dearer than
// any other, and of models that of what goes between layers.
//
//===----------------------------------------------------------------------===//

#include "RandomModel.h"
#include "Support.h"

#include "LayerSharding.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/Comm/Transforms/Passes.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;
using comm::Distribution;

namespace {

/// What became of models.
struct Count {
  unsigned models = 0, refused = 0, collectives = 0;
};

void check(uint64_t seed, int64_t n, Count &count) {
  const std::string text =
      makeRandomModel(seed, n, /*maxOps=*/5, /*pinsResults=*/seed % 8 >= 4);
  std::mt19937_64 random(seed);
  PPShardOptions shard;
  shard.tensors = n;
  const char *sequences[] = {"auto", "auto", "on", "off"};
  shard.sequence = sequences[random() % 4];
  // Machines on which other things are dear.
  shard.flops = std::pow(10, 3 + random() % 7);
  shard.transfer = std::pow(10, 3 + random() % 9);
  shard.bandwidth = std::pow(10, 3 + random() % 8);
  PPPartitionShardsOptions partition;
  partition.tensors = n;
  SCOPED_TRACE("seed " + std::to_string(seed) + ", sequence " + shard.sequence +
               "\n" + text);
  World world;
  OwningOpRef<ModuleOp> whole = world.parse(text), cut = world.parse(text);
  ASSERT_TRUE(whole && cut) << world.takeErrors();
  func::FuncOp function = keepLayer(*whole, kVocabulary);
  Reference reference = evaluateWhole(function, seed);
  PassManager passes(&world.getContext());
  passes.addPass(createPPShard(shard));
  passes.addPass(createPPPartitionShards(partition));
  passes.addPass(comm::createCommVerifyDistribution());
  ++count.models;
  if (failed(passes.run(*cut))) {
    const std::string errors = world.takeErrors();
    ASSERT_NE(errors.find("found nothing that"), std::string::npos) << errors;
    ++count.refused;
    return;
  }
  func::FuncOp part = keepLayer(*cut, kVocabulary);
  part.walk([&](comm::CollectiveOpInterface) { ++count.collectives; });
  auto derivative = differentiate(*cut);
  ASSERT_TRUE(succeeded(derivative)) << world.takeErrors();
  ASSERT_TRUE(world.isProven(*cut)) << world.takeErrors();
  ASSERT_EQ(compare(part, *derivative, reference, seed + 1), "");
}

void checkAll(int64_t n) {
  Count count;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    check(seed * 4 + n, n, count);
    if (::testing::Test::HasFatalFailure())
      return;
  }
  llvm::outs() << count.models << " models, " << count.refused
               << " with nothing to cut, " << count.collectives
               << " collectives\n";
  EXPECT_LT(count.refused * 3, count.models);
  EXPECT_GT(count.collectives, count.models);
}

//===----------------------------------------------------------------------===//
// The cheapest
//===----------------------------------------------------------------------===//

using Forms = SmallVector<Distribution>;

/// All ways to choose for the ops of a layer, and for its parameters.
class BruteForce {
public:
  BruteForce(LayerOp layer, const LayerShardings &shardings,
             const ShardingAxis &axis, const LayerBorder &border)
      : layer(layer), shardings(shardings), axis(axis), border(border) {
    for (Operation &op : layer.getBody().front().without_terminator())
      ops.push_back(&op);
  }
  /// Seconds of the cheapest; nothing if nothing fits.
  std::optional<double> run() {
    DenseMap<Value, Forms> forms;
    for (auto [argument, decided] :
         llvm::zip_equal(layer.getBody().getArguments(), border.arguments))
      if (decided)
        forms[argument] = {asWhole(argument.getType(), *decided)};
    visitOp(0, forms, 0);
    return best;
  }

private:
  /// Each way to have a value as `to`, by at most two steps.
  void take(Value value, Distribution to, DenseMap<Value, Forms> forms,
            double seconds,
            llvm::function_ref<void(DenseMap<Value, Forms>, double)> then);
  std::optional<double> step(Value value, Distribution to, Forms &from);
  void visitOperand(unsigned op, const OpSharding &way, unsigned operand,
                    DenseMap<Value, Forms> forms, double seconds);
  void visitOp(unsigned op, DenseMap<Value, Forms> forms, double seconds);
  void visitResult(unsigned i, DenseMap<Value, Forms> forms, double seconds);

  LayerOp layer;
  const LayerShardings &shardings;
  ShardingAxis axis;
  LayerBorder border;
  std::vector<Operation *> ops;
  std::optional<double> best;
};

std::optional<double> BruteForce::step(Value value, Distribution to,
                                       Forms &from) {
  std::optional<double> least;
  for (Distribution form : from)
    if (auto seconds = costOfStep(value.getType(), form, to, axis))
      least = least ? std::min(*least, *seconds) : *seconds;
  if (least && !llvm::is_contained(from, to))
    from.push_back(to);
  return least;
}

void BruteForce::take(
    Value value, Distribution to, DenseMap<Value, Forms> forms, double seconds,
    llvm::function_ref<void(DenseMap<Value, Forms>, double)> then) {
  if (forms[value].empty()) {
    // A parameter is held as it is taken first, or whole.
    SmallVector<Distribution> all{Distribution::invariant()};
    if (to.isSharded())
      all.push_back(to);
    for (Distribution form : all) {
      DenseMap<Value, Forms> next = forms;
      next[value] = {asWhole(value.getType(), form)};
      take(value, to, next,
           seconds + priceOfHolding(value.getType(), form, axis), then);
    }
    return;
  }
  if (auto cost = step(value, to, forms[value])) {
    then(forms, seconds + *cost);
    return;
  }
  auto first = step(value, Distribution::invariant(), forms[value]);
  auto second = step(value, to, forms[value]);
  if (first && second)
    then(forms, seconds + *first + *second);
}

void BruteForce::visitOperand(unsigned op, const OpSharding &way,
                              unsigned operand, DenseMap<Value, Forms> forms,
                              double seconds) {
  if (operand < ops[op]->getNumOperands()) {
    take(ops[op]->getOperand(operand), way.operands[operand], forms, seconds,
         [&](DenseMap<Value, Forms> next, double sum) {
           visitOperand(op, way, operand + 1, next, sum);
         });
    return;
  }
  for (auto [result, form] :
       llvm::zip_equal(ops[op]->getResults(), way.results))
    forms[result] = {form};
  visitOp(op + 1, forms, seconds);
}

void BruteForce::visitOp(unsigned op, DenseMap<Value, Forms> forms,
                         double seconds) {
  if (best && seconds >= *best)
    return;
  if (op == ops.size()) {
    visitResult(0, forms, seconds);
    return;
  }
  for (const OpSharding &way : shardings.getChoices(op))
    visitOperand(op, way, 0, forms, seconds + way.seconds);
}

void BruteForce::visitResult(unsigned i, DenseMap<Value, Forms> forms,
                             double seconds) {
  Operation *yield = layer.getBody().front().getTerminator();
  if (i == yield->getNumOperands()) {
    if (!best || seconds < *best)
      best = seconds;
    return;
  }
  Value value = yield->getOperand(i);
  take(value, asWhole(value.getType(), border.results[i]), forms, seconds,
       [&](DenseMap<Value, Forms> next, double sum) {
         visitResult(i + 1, next, sum);
       });
}

} // namespace

TEST(ShardModels, OverTwo) { checkAll(2); }
TEST(ShardModels, OverThree) { checkAll(3); }
TEST(ShardModels, OverFour) { checkAll(4); }

/// A step costs what its collectives do, in forward and backward, by the
/// formula of the ops.
TEST(ShardModels, StepsCostWhatCollectivesDo) {
  World world;
  OwningOpRef<ModuleOp> module = world.parse(R"mlir(
    pp.mesh @mesh <["tensor" = 4]>
    func.func @all_reduce(%x: tensor<8x12xf32>) {
      %y = comm.all_reduce sum %x over ["tensor"] : tensor<8x12xf32>
      return
    }
    func.func @all_reduce_max(%x: tensor<8x12xf32>) {
      %y = comm.all_reduce max %x over ["tensor"] : tensor<8x12xf32>
      return
    }
    func.func @all_gather(%x: tensor<2x12xf32>) {
      %y = comm.all_gather %x over ["tensor"] dim(0) again : tensor<2x12xf32> -> tensor<8x12xf32>
      return
    }
    func.func @reduce_scatter(%x: tensor<8x12xf32>) {
      %y = comm.reduce_scatter sum %x over ["tensor"] dim(0) : tensor<8x12xf32> -> tensor<2x12xf32>
      return
    }
    func.func @all_to_all(%x: tensor<2x12xf32>) {
      %y = comm.all_to_all %x over ["tensor"] split(1) concat(0) : tensor<2x12xf32> -> tensor<8x3xf32>
      return
    })mlir");
  ASSERT_TRUE(module) << world.takeErrors();
  ShardingAxis axis;
  axis.size = 4;
  axis.rates = {1e30, 1e30, 1e3, 0.25};
  axis.latency = 0.75; // three messages
  auto cost = [&](StringRef name) {
    auto function = module->lookupSymbol<func::FuncOp>(name);
    return costOf(function.getBody(), axis.rates);
  };
  auto seconds = [&](std::initializer_list<StringRef> names) {
    double sum = 0;
    for (StringRef name : names)
      sum += cost(name).collectiveSeconds;
    return sum;
  };
  auto type =
      RankedTensorType::get({8, 12}, Float32Type::get(&world.getContext()));
  auto step = [&](Distribution from, Distribution to) {
    return costOfStep(type, from, to, axis).value_or(-1);
  };
  const auto whole = Distribution::invariant(),
             all = Distribution::replicated(), sum = Distribution::partial(),
             part = Distribution::varying(0), other = Distribution::varying(1);
  EXPECT_DOUBLE_EQ(step(whole, all), seconds({"all_reduce"}));
  EXPECT_DOUBLE_EQ(step(whole, part), seconds({"all_gather"}));
  EXPECT_DOUBLE_EQ(step(sum, whole), seconds({"all_reduce"}));
  EXPECT_DOUBLE_EQ(step(sum, part), seconds({"reduce_scatter", "all_gather"}));
  EXPECT_DOUBLE_EQ(step(part, whole), seconds({"all_gather"}));
  EXPECT_DOUBLE_EQ(step(part, other), seconds({"all_to_all", "all_to_all"}));
  EXPECT_DOUBLE_EQ(step(Distribution::partialMax(), whole),
                   seconds({"all_reduce_max"}));
  EXPECT_DOUBLE_EQ(step(part, all),
                   seconds({"all_gather", "reduce_scatter", "all_gather"}));
  axis.gathersAgain = false;
  EXPECT_DOUBLE_EQ(step(part, all), seconds({"all_gather", "reduce_scatter"}));
  EXPECT_EQ(cost("all_gather").madeAgainSeconds, seconds({"all_gather"}));
  EXPECT_EQ(cost("reduce_scatter").madeAgainSeconds, 0);
}

/// What a value between layers may be cut as.
static Forms formsBetweenLayers(Type type, int64_t n) {
  Forms forms{Distribution::invariant()};
  for (int64_t dim = 0; dim < cast<RankedTensorType>(type).getRank(); ++dim)
    if (holdsFloats(type) && canCut(type, Distribution::varying(dim), n))
      forms.push_back(Distribution::varying(dim));
  return forms;
}

/// A machine on which other things are dear.
static ShardingAxis drawAxis(std::mt19937_64 &random, int64_t n) {
  ShardingAxis axis;
  axis.size = n;
  axis.rates.flops = std::pow(10, 3 + random() % 7);
  axis.rates.bytes = std::pow(10, 3 + random() % 8);
  axis.rates.transfer = std::pow(10, 3 + random() % 9);
  return axis;
}

TEST(ShardModels, CheapestOfAll) {
  unsigned compared = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    World world;
    OwningOpRef<ModuleOp> module =
        world.parse(makeRandomModel(seed, 2, /*maxOps=*/3));
    auto layer = module->lookupSymbol<LayerOp>("f");
    if (llvm::range_size(layer.getBody().front().without_terminator()) > 5)
      continue;
    std::mt19937_64 random(seed);
    ShardingAxis axis = drawAxis(random, 2);
    auto draw = [&](Type type) {
      Forms forms = formsBetweenLayers(type, axis.size);
      return forms[random() % forms.size()];
    };
    LayerBorder border;
    for (auto [i, type] : llvm::enumerate(layer.getArgumentTypes()))
      border.arguments.push_back(
          i < layer.getNumInputs() ? std::optional(draw(type)) : std::nullopt);
    for (Type type : layer.getResultTypes())
      border.results.push_back(draw(type));
    LayerShardings shardings(layer, axis);
    auto found = shardings.findCheapest(border);
    auto expected = BruteForce(layer, shardings, axis, border).run();
    ASSERT_TRUE(found && expected) << seed;
    EXPECT_NEAR(found->seconds, *expected, 1e-9 * *expected)
        << "seed " << seed << "\n"
        << makeRandomModel(seed, 2, 3);
    ++compared;
  }
  EXPECT_GT(compared, 50u);
}

//===----------------------------------------------------------------------===//
// Between layers
//===----------------------------------------------------------------------===//

namespace {
/// Seconds of the layers of a model for each way to cut what goes between them,
/// values of one type alike.
class ModelCosts {
public:
  using Assignment = llvm::MapVector<Type, Distribution>;

  /// `whole` as it was given to pp-shard, with what is pinned, `sharded` as it
  /// came back: layers are rewritten first.
  ModelCosts(ModuleOp whole, ModuleOp sharded, const ShardingAxis &axis);
  /// What pp-shard has written down.
  Assignment getChosen();
  double costOf(const Assignment &assignment);
  /// The least of all that keep to the pins of results.
  double findLeast();

private:
  struct Applied {
    ApplyOp apply; ///< in `whole`
    LayerOp layer; ///< in `sharded`
    std::unique_ptr<LayerShardings> shardings;
  };
  static Distribution read(ShardingAttr sharding) {
    for (auto [dim, axes] : llvm::enumerate(sharding.getDims()))
      if (!axes.empty())
        return Distribution::varying(int64_t(dim));
    return Distribution::invariant();
  }
  ShardingAxis axis;
  std::vector<Applied> all;
};

ModelCosts::ModelCosts(ModuleOp whole, ModuleOp sharded,
                       const ShardingAxis &axis)
    : axis(axis) {
  for (ModelOp model : whole.getOps<ModelOp>())
    for (auto apply : model.getBody().getOps<ApplyOp>()) {
      auto layer = sharded.lookupSymbol<LayerOp>(apply.getCallee());
      all.push_back(
          {apply, layer, std::make_unique<LayerShardings>(layer, axis)});
    }
}

ModelCosts::Assignment ModelCosts::getChosen() {
  Assignment chosen;
  auto add = [&](Type type, Attribute attribute) {
    auto distribution = dyn_cast_or_null<comm::DistributionAttr>(attribute);
    Distribution form = distribution ? distribution.lookup("tensor")
                                     : Distribution::invariant();
    auto [known, isNew] = chosen.try_emplace(type, form);
    EXPECT_EQ(known->second.str(), form.str()) << "of one type";
  };
  for (Applied &each : all) {
    for (unsigned i = 0; i < each.layer.getNumInputs(); ++i)
      add(each.layer.getArgumentTypes()[i],
          each.layer.getArgAttr(i, attr::kShard));
    for (unsigned i = 0; i < each.layer.getNumResults(); ++i)
      add(each.layer.getResultTypes()[i],
          each.layer.getResultAttr(i, attr::kShard));
  }
  return chosen;
}

double ModelCosts::costOf(const Assignment &assignment) {
  double sum = 0;
  for (Applied &each : all) {
    LayerBorder border;
    for (Type type : each.layer.getInputTypes())
      border.arguments.push_back(assignment.lookup(type));
    for (Value param : each.apply.getParams()) {
      ShardingAttr pin = param.getDefiningOp<ParamOp>().getShardingAttr();
      border.arguments.push_back(pin ? std::optional(read(pin)) : std::nullopt);
    }
    for (Type type : each.layer.getResultTypes())
      border.results.push_back(assignment.lookup(type));
    auto found = each.shardings->findCheapest(border);
    if (!found)
      return std::numeric_limits<double>::infinity();
    sum += found->seconds;
  }
  return sum;
}

double ModelCosts::findLeast() {
  // Every type with what it may be.
  llvm::MapVector<Type, Forms> options;
  for (Applied &each : all) {
    for (Type type : llvm::concat<const Type>(each.layer.getInputTypes(),
                                              each.layer.getResultTypes()))
      options.try_emplace(type, formsBetweenLayers(type, axis.size));
    for (unsigned i = 0; i < each.apply.getNumResults(); ++i)
      if (ShardingAttr pin = each.apply.getResultSharding(i))
        options[each.apply.getResult(i).getType()] = {read(pin)};
  }
  std::vector<Assignment> assignments(1);
  for (auto &[type, forms] : options) {
    std::vector<Assignment> longer;
    for (const Assignment &assignment : assignments)
      for (Distribution form : forms) {
        longer.push_back(assignment);
        longer.back().insert({type, form});
      }
    assignments = std::move(longer);
  }
  double least = std::numeric_limits<double>::infinity();
  for (const Assignment &assignment : assignments)
    least = std::min(least, costOf(assignment));
  return least;
}

/// Seconds of the sharding that pp-shard finds for a random model, which are
/// the least; nothing where it finds nothing to cut.
std::optional<double> findAndCompare(uint64_t seed, int64_t n,
                                     bool pinsResults) {
  const std::string text = makeRandomModel(seed, n, /*maxOps=*/3, pinsResults);
  SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
  std::mt19937_64 random(seed);
  ShardingAxis axis = drawAxis(random, n);
  PPShardOptions options;
  options.tensors = n;
  options.flops = axis.rates.flops;
  options.bandwidth = axis.rates.bytes;
  options.transfer = axis.rates.transfer;
  World world;
  OwningOpRef<ModuleOp> whole = world.parse(text), sharded = world.parse(text);
  PassManager passes(&world.getContext());
  passes.addPass(createPPShard(options));
  if (failed(passes.run(*sharded))) {
    EXPECT_NE(world.takeErrors().find("found nothing that"), std::string::npos);
    return std::nullopt;
  }
  ModelCosts costs(*whole, *sharded, axis);
  const double found = costs.costOf(costs.getChosen());
  EXPECT_NEAR(found, costs.findLeast(), 1e-9 * found);
  return found;
}
} // namespace

// A pin takes choices away, so that it never makes a model cheaper, and some
// that it takes away were the cheapest.
TEST(ShardModels, PinsOfResults) {
  unsigned compared = 0, dearer = 0;
  for (int64_t n : {2, 3})
    for (uint64_t seed = 0; seed < 60; ++seed) {
      auto open = findAndCompare(seed, n, /*pinsResults=*/false);
      auto pinned = findAndCompare(seed, n, /*pinsResults=*/true);
      if (!open || !pinned)
        continue;
      ++compared;
      EXPECT_GE(*pinned, *open * (1 - 1e-12)) << "seed " << seed;
      dearer += *pinned > *open * (1 + 1e-12);
    }
  llvm::outs() << compared << " models, " << dearer << " dearer with pins\n";
  EXPECT_GT(compared, 60u);
  EXPECT_GT(dearer * 8, compared);
}
