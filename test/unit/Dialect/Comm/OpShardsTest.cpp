//===- OpShardsTest.cpp - Every cut of every op ---------------------------===//
//
// A layer of one op is cut along each of its loops, whole, in blocks and with
// padding, and runs on summands, by pp-partition-shards: the result is proven,
// and computes the results and gradients of the layer of one device. What may
// be cut is read off the rule a second time here: pp-shard has to offer it.
//
//===----------------------------------------------------------------------===//

#include "OpExamples.h"
#include "Support.h"

#include "LayerSharding.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/Comm/Transforms/Passes.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Transforms/Passes.h"
#include "pp/Interfaces/AccumulatingOpInterface.h"
#include "pp/Interfaces/DifferentiableOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>
#include <set>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;
using comm::Distribution;
using Kind = comm::Distribution::Kind;

namespace {

using Forms = SmallVector<Distribution>;

/// How an op takes its operands, and what its results are then.
struct Way {
  Forms takes, gives;
  bool isOf(Kind kind) const {
    return llvm::any_of(gives,
                        [&](Distribution form) { return form.is(kind); });
  }
};

/// What became of a way: empty where it is right, else what is wrong with it.
struct Outcome {
  std::string wrong;
  bool isProven = true;
};

/// What became of the ways of all examples.
struct Tally {
  unsigned cuts = 0, inBlocks = 0, padded = 0, summands = 0, gradients = 0;
  unsigned left = 0; ///< parts of size 1 that are not told apart
};

/// An example on one device and over `n` coordinates.
class Checker {
public:
  Checker(const OpExample &example, int64_t n, Tally &count);
  void run();

private:
  Operation *getOp(ModuleOp module) {
    return &module.lookupSymbol<LayerOp>("f").getBody().front().front();
  }
  llvm::Error evaluate();
  std::optional<Way> wayOf(LoopCut cut);
  bool isOffered(const Way &way);
  bool mayPad(unsigned loop);
  void checkCut(LoopCut cut, bool isPadded);
  void checkSummands();
  Outcome compareWith(ModuleOp part);
  Outcome cutAndCompare(const Way &way);
  Outcome sumAndCompare(const Way &way);
  std::string nameOf(const Way &way);

  OpExample example;
  int64_t n;
  Tally &count;
  World world;
  OwningOpRef<ModuleOp> whole;
  Operation *op;
  ShardingRule rule;
  std::unique_ptr<LayerShardings> shardings;
  Reference reference;
  bool hasGradient = false;
  SmallVector<bool> seeded; ///< by result
};

Checker::Checker(const OpExample &example, int64_t n, Tally &count)
    : example(example), n(n), count(count), whole(world.parse(example.text)) {
  if (!whole) {
    ADD_FAILURE() << world.takeErrors();
    return;
  }
  op = getOp(*whole);
  std::optional<ShardingRule> found = getRuleOfWhole(op);
  if (!found) {
    ADD_FAILURE() << "no rule";
    whole = {};
    return;
  }
  rule = *found;
  ShardingAxis axis;
  axis.size = n;
  shardings =
      std::make_unique<LayerShardings>(whole->lookupSymbol<LayerOp>("f"), axis);
  auto isOfFloats = [](TypeRange types) {
    return llvm::any_of(types, holdsFloats);
  };
  hasGradient = isa<DifferentiableOpInterface>(op) &&
                isOfFloats(op->getOperandTypes()) &&
                isOfFloats(op->getResultTypes());
  // A log-sum-exp is for the backward alone.
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    seeded.push_back(i == 0 || !isa<nn::AttentionOp, nn::CrossEntropyOp>(op));
}

/// The results of the whole op, and where it has them its gradients.
llvm::Error Checker::evaluate() {
  OwningOpRef<ModuleOp> one = world.parse("pp.mesh @mesh <[\"tensor\" = 1]>");
  OwningOpRef<ModuleOp> copy = whole->clone();
  func::FuncOp function = keepLayer(*copy, example.bound);
  std::mt19937_64 random(1);
  for (Type type : function.getArgumentTypes()) {
    interpreter::Numbers numbers = draw(type, random, example.bound);
    for (double &number : numbers)
      number =
          holdsFloats(type)
              ? example.low + (number + 1) / 2 * (example.high - example.low)
              : number + std::max(0.0, example.low);
    reference.arguments.push_back(numbers);
    reference.argumentTypes.push_back(cast<RankedTensorType>(type));
  }
  for (Type type : function.getResultTypes()) {
    reference.weights.push_back(draw(type, random, 1));
    if (!seeded[reference.resultTypes.size()])
      llvm::fill(reference.weights.back(), 0.0);
    reference.resultTypes.push_back(cast<RankedTensorType>(type));
  }
  Block &body = function.getBody().front();
  std::vector<interpreter::RankNumbers> arguments;
  for (const interpreter::Numbers &numbers : reference.arguments)
    arguments.push_back({numbers});
  if (hasGradient) {
    auto result =
        interpreter::evaluate(body, reference.arguments, reference.weights);
    if (!result)
      return result.takeError();
    reference.result = *result;
    return llvm::Error::success();
  }
  auto results = interpreter::evaluateSpmd(body, findMesh(*one), arguments);
  if (!results)
    return results.takeError();
  for (const interpreter::RankNumbers &result : *results)
    reference.result.results.push_back(result.front());
  return llvm::Error::success();
}

std::string Checker::nameOf(const Way &way) {
  std::string name = example.op + " over " + std::to_string(n) + ":";
  for (Distribution form : way.takes)
    name += " " + form.str();
  name += " ->";
  for (Distribution form : way.gives)
    name += " " + form.str();
  return name;
}

/// An op may be cut along a loop that an operand has; a result has it too, or
/// is a sum or a maximum over it. Of a sum of terms each is cut, by a factor or
/// by a coefficient, which what is added to has not: it would count once a
/// coordinate. Means of parts are not the mean, and what an op counts is of one
/// block.
std::optional<Way> Checker::wayOf(LoopCut cut) {
  const LoopKind kind = rule.loops[cut.loop].kind;
  auto shardable = dyn_cast<ShardableOpInterface>(op);
  const bool isCounted = shardable && shardable.getCountedLoop() == cut.loop;
  if (kind == LoopKind::Mean || (isCounted && cut.blocks != 1))
    return std::nullopt;
  Way way;
  std::set<unsigned> parts, factors;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    std::optional<Distribution> form = cutOf(rule, rule.operands[i], cut);
    if (form)
      parts.insert(i);
    way.takes.push_back(
        form ? *form : asWhole(operand.getType(), Distribution::replicated()));
  }
  for (ArrayRef<unsigned> term : rule.terms)
    factors.insert(term.begin(), term.end());
  const bool isCoefficientCut =
      llvm::any_of(parts, [&](unsigned i) { return !factors.count(i); });
  auto accumulating = dyn_cast<AccumulatingOpInterface>(op);
  auto isTermCut = [&](ArrayRef<unsigned> term) {
    const bool isInit = accumulating && accumulating.getInit() &&
                        op->getOperand(term.front()) == accumulating.getInit();
    return (isCoefficientCut && !isInit) ||
           llvm::any_of(term, [&](unsigned i) { return parts.count(i); });
  };
  if (parts.empty())
    return std::nullopt;
  for (const DimLoops &dims : rule.results) {
    if (auto form = cutOf(rule, dims, cut))
      way.gives.push_back(*form);
    else if (kind == LoopKind::Sum && llvm::all_of(rule.terms, isTermCut))
      way.gives.push_back(Distribution::partial());
    else if (kind == LoopKind::Max)
      way.gives.push_back(Distribution::partialMax());
    else
      return std::nullopt;
  }
  return way;
}

bool Checker::isOffered(const Way &way) {
  return llvm::any_of(shardings->getChoices(0), [&](const OpSharding &choice) {
    return choice.operands == way.takes && choice.results == way.gives;
  });
}

/// Rows of a table and classes, which ops count, and the outer dimension of
/// a product that gives such.
bool Checker::mayPad(unsigned loop) {
  auto shardable = dyn_cast<ShardableOpInterface>(op);
  if (shardable && shardable.getCountedLoop() == loop)
    return true;
  auto product = dyn_cast<nn::LinearOp>(op);
  return product && !product.getBias() &&
         rule.results[0].back().front() == loop;
}

/// Empty where `part`, in which @f is a function by now, computes the same.
Outcome Checker::compareWith(ModuleOp part) {
  auto function = part.lookupSymbol<func::FuncOp>("f");
  if (!world.isProven(part))
    return {world.takeErrors(), false};
  const bool hasMaxima = function
                             .walk([](comm::AllReduceOp op) {
                               return op.getReduction() == comm::Reduction::Max
                                          ? WalkResult::interrupt()
                                          : WalkResult::advance();
                             })
                             .wasInterrupted();
  if (hasGradient && !hasMaxima) {
    auto derivative = differentiate(part, seeded);
    if (failed(derivative) || !world.isProven(part))
      return {world.takeErrors(), false};
    ++count.gradients;
    return {compare(function, *derivative, reference, 2)};
  }
  Placement placement(findMesh(part), 2);
  std::vector<interpreter::RankNumbers> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    arguments.push_back(placement.scatter(
        reference.arguments[i],
        cast<RankedTensorType>(function.getArgumentTypes()[i]),
        comm::getArgumentDistribution(function, i),
        reference.argumentTypes[i]));
  auto results = interpret(function, arguments);
  if (!results)
    return {toString(results.takeError())};
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    std::string wrong = placement.check(
        (*results)[i], cast<RankedTensorType>(function.getResultTypes()[i]),
        comm::getResultDistribution(function, i), reference.result.results[i],
        1e-9, reference.resultTypes[i]);
    if (!wrong.empty())
      return {"result " + std::to_string(i) + " " + wrong};
  }
  return {};
}

/// By pp-partition-shards, as pp-shard would have written it down.
Outcome Checker::cutAndCompare(const Way &way) {
  OwningOpRef<ModuleOp> part = whole->clone();
  auto layer = part->lookupSymbol<LayerOp>("f");
  Builder builder(&world.getContext());
  auto toAttribute = [&](Distribution form) {
    return comm::DistributionAttr::get(builder.getContext(),
                                       builder.getStringAttr("tensor"), form);
  };
  SmallVector<Attribute> takes;
  for (auto [i, form] : llvm::enumerate(way.takes)) {
    takes.push_back(toAttribute(form));
    if (form.isSharded())
      layer.setArgAttr(example.arguments[i], attr::kShard, toAttribute(form));
  }
  getOp(*part)->setAttr(attr::kTakes, builder.getArrayAttr(takes));
  for (auto [i, form] : llvm::enumerate(way.gives))
    if (form.isSharded())
      layer.setResultAttr(i, attr::kShard, toAttribute(form));
  PPPartitionShardsOptions options;
  options.tensors = n;
  PassManager passes(&world.getContext());
  passes.addPass(createPPPartitionShards(options));
  if (failed(passes.run(*part)))
    return {world.takeErrors(), false};
  keepLayer(*part, example.bound);
  return compareWith(*part);
}

/// Of whole operands, some of which are summands: so is the result.
Outcome Checker::sumAndCompare(const Way &way) {
  OwningOpRef<ModuleOp> part = whole->clone();
  func::FuncOp function = keepLayer(*part, example.bound);
  OpBuilder builder = OpBuilder::atBlockBegin(part->getBody());
  MeshOp::create(builder, part->getLoc(), "mesh",
                 builder.getStrArrayAttr({"tensor"}), ArrayRef<int64_t>{n},
                 StringAttr(), IntegerAttr());
  auto toAttribute = [&](Distribution form) {
    return comm::DistributionAttr::get(builder.getContext(),
                                       builder.getStringAttr("tensor"), form);
  };
  const StringRef name = comm::CommDialect::getDistributionName();
  for (auto [i, form] : llvm::enumerate(way.takes))
    if (!form.is(Kind::Constant))
      function.setArgAttr(example.arguments[i], name, toAttribute(form));
  for (auto [i, form] : llvm::enumerate(way.gives))
    function.setResultAttr(i, name, toAttribute(form));
  return compareWith(*part);
}

void Checker::checkCut(LoopCut cut, bool isPadded) {
  std::optional<Way> way = wayOf(cut);
  if (!way)
    return;
  SCOPED_TRACE(nameOf(*way));
  // A maximum is offered where no cotangent comes back, blocks where another op
  // has them, and what is padded where parameters alone are.
  const bool mustOffer =
      cut.blocks == 1 && !way->isOf(Kind::PartialMax) &&
      (!isPadded || isa<nn::EmbeddingOp, nn::ClassSumsOp>(op));
  // Parts of size 1 are taken for others in places; each is as it should be
  // where it is offered.
  const bool isOfOnes = rule.loops[cut.loop].size == n;
  const bool offered = isOffered(*way);
  if (mustOffer && !isOfOnes)
    EXPECT_TRUE(offered);
  const Outcome outcome = cutAndCompare(*way);
  if (isOfOnes && !offered && !outcome.isProven) {
    ++count.left;
    return;
  }
  EXPECT_EQ(outcome.wrong, "");
  ++count.cuts;
  count.inBlocks += llvm::any_of(
      llvm::concat<Distribution>(way->takes, way->gives),
      [](Distribution form) { return form.isSharded() && form.blocks > 1; });
  count.padded += isPadded;
}

void Checker::checkSummands() {
  if (rule.terms.empty())
    return;
  std::vector<SmallVector<unsigned>> picks(1);
  for (ArrayRef<unsigned> term : rule.terms) {
    std::vector<SmallVector<unsigned>> longer;
    for (const auto &pick : picks)
      for (unsigned i : term) {
        longer.push_back(pick);
        longer.back().push_back(i);
      }
    picks = std::move(longer);
  }
  for (const auto &pick : picks) {
    Way way;
    bool isOfFloats = true;
    for (auto [i, type] : llvm::enumerate(op->getOperandTypes())) {
      const bool isSummand = llvm::is_contained(pick, unsigned(i));
      isOfFloats &= !isSummand || holdsFloats(type);
      way.takes.push_back(isSummand
                              ? Distribution::partial()
                              : asWhole(type, Distribution::replicated()));
    }
    if (!isOfFloats)
      continue;
    way.gives.assign(op->getNumResults(), Distribution::partial());
    SCOPED_TRACE(nameOf(way));
    EXPECT_TRUE(op->getNumResults() > 1 || isOffered(way));
    EXPECT_EQ(sumAndCompare(way).wrong, "");
    ++count.summands;
  }
}

void Checker::run() {
  if (!whole)
    return;
  SCOPED_TRACE(example.text);
  if (llvm::Error error = evaluate()) {
    ADD_FAILURE() << toString(std::move(error));
    return;
  }
  for (auto [number, loop] : llvm::enumerate(rule.loops))
    for (int64_t blocks : {1, 2, 3}) {
      const LoopCut cut{unsigned(number), blocks};
      const bool isEven = loop.size > 1 && canCut(rule, cut, n);
      const bool isPadded = blocks == 1 && !isEven && mayPad(number);
      if (isEven || isPadded)
        checkCut(cut, isPadded);
    }
  checkSummands();
}

void checkExamples(int64_t n) {
  Tally count;
  for (const OpExample &example : makeOpExamples(n))
    Checker(example, n, count).run();
  llvm::outs() << count.cuts << " cuts, " << count.inBlocks << " in blocks, "
               << count.padded << " padded, " << count.summands
               << " ways with summands; " << count.gradients
               << " with gradients; " << count.left << " left\n";
  EXPECT_GT(count.cuts, 300u);
  EXPECT_GT(count.inBlocks, 50u);
  EXPECT_GT(count.padded, 5u);
  // Reshapes that put dimensions of size 1 beside.
  EXPECT_LE(count.left, 3u);
}
} // namespace

TEST(OpShards, OverTwo) { checkExamples(2); }
TEST(OpShards, OverThree) { checkExamples(3); }
TEST(OpShards, OverFour) { checkExamples(4); }

// Upstream's ops that the interpreter does not know have none: nothing could be
// compared.
TEST(OpShards, EachOpHasAnExample) {
  World world;
  std::set<std::string> known;
  for (const OpExample &example : makeOpExamples(2))
    known.insert(example.op);
  unsigned count = 0;
  for (RegisteredOperationName name :
       world.getContext().getRegisteredOperations()) {
    const StringRef dialect = name.getDialectNamespace();
    const bool isUpstream = dialect == "arith" || dialect == "math";
    const bool hasRule = name.hasInterface<ShardableOpInterface>() ||
                         name.hasTrait<OpTrait::Elementwise>();
    if (!hasRule || !(isUpstream || dialect == "nn") ||
        (isUpstream && !interpreter::hasRule(name)))
      continue;
    // A key: no tensor.
    if (name.getStringRef() == nn::MixKeyOp::getOperationName())
      continue;
    ++count;
    EXPECT_TRUE(known.count(name.getStringRef().str()))
        << name.getStringRef().str()
        << " has a sharding rule and no example: add one to OpExamples.cpp";
  }
  EXPECT_GT(count, 90u);
}
