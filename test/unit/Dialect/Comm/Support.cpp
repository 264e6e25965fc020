//===- Support.cpp - Sharded layers on numbers ----------------------------===//

#include "Support.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/Comm/Transforms/Passes.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/NN/Transforms/UpstreamAdjoints.h"
#include "pp/Dialect/NN/Transforms/UpstreamSharding.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;
using comm::Distribution;
using comm::DistributionAttr;
using interpreter::Numbers;
using interpreter::RankNumbers;

//===----------------------------------------------------------------------===//
// IR
//===----------------------------------------------------------------------===//

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registry.insert<arith::ArithDialect, comm::CommDialect, func::FuncDialect,
                  math::MathDialect, nn::NNDialect, PPDialect,
                  tensor::TensorDialect>();
  nn::registerUpstreamAdjoints(registry);
  nn::registerUpstreamSharding(registry);
  return registry;
}

World::World()
    : context(makeRegistry(), MLIRContext::Threading::DISABLED),
      handler(&context, [this](Diagnostic &diagnostic) {
        errors += diagnostic.str() + "\n";
        return success();
      }) {
  context.loadAllAvailableDialects();
}

std::string World::takeErrors() {
  std::string taken;
  std::swap(taken, errors);
  return taken;
}

OwningOpRef<ModuleOp> World::parse(StringRef text) {
  return parseSourceString<ModuleOp>(text, &context);
}

bool World::isProven(ModuleOp module) {
  if (failed(verify(module)))
    return false;
  PassManager passes(&context);
  passes.addPass(comm::createCommVerifyDistribution());
  return succeeded(passes.run(module));
}

static bool isFloat(Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type));
}

FailureOr<nn::DifferentiatedFunction>
pp::commtest::differentiate(ModuleOp module, ArrayRef<bool> seeded) {
  auto function = module.lookupSymbol<func::FuncOp>("f");
  nn::DifferentiationRequest request;
  request.forwardName = "f.forward";
  request.backwardName = "f.backward";
  request.wanted.assign(function.getNumArguments(), true);
  request.accumulated.assign(function.getNumArguments(), false);
  request.seeded.assign(seeded.begin(), seeded.end());
  request.seeded.resize(function.getNumResults(), true);
  return nn::differentiate(function, request);
}

func::FuncOp pp::commtest::keepLayer(ModuleOp module, int64_t bound) {
  auto layer = module.lookupSymbol<LayerOp>("f");
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function =
      func::FuncOp::create(builder, layer.getLoc(), "f.function",
                           builder.getFunctionType(layer.getArgumentTypes(),
                                                   layer.getResultTypes()));
  const StringRef name = comm::CommDialect::getDistributionName();
  Block *body = function.addEntryBlock();
  IRMapping mapping;
  for (auto [i, argument] : llvm::enumerate(layer.getBody().getArguments())) {
    mapping.map(argument, body->getArgument(i));
    if (Attribute attribute = layer.getArgAttr(i, name))
      function.setArgAttr(i, name, attribute);
    if (!isFloat(argument.getType()))
      function.setArgAttr(i, "test.bound", builder.getI64IntegerAttr(bound));
  }
  for (unsigned i = 0; i < layer.getNumResults(); ++i)
    if (Attribute attribute = layer.getResultAttr(i, name))
      function.setResultAttr(i, name, attribute);
  builder.setInsertionPointToStart(body);
  for (Operation &op : layer.getBody().front().without_terminator())
    builder.clone(op, mapping);
  SmallVector<Value> results;
  for (Value result : layer.getBody().front().getTerminator()->getOperands())
    results.push_back(mapping.lookup(result));
  func::ReturnOp::create(builder, layer.getLoc(), results);
  for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (isa<ModelOp, LayerOp>(op))
      op.erase();
  function.setName("f");
  return function;
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Numbers pp::commtest::draw(Type type, std::mt19937_64 &random, int64_t bound) {
  Numbers numbers(cast<RankedTensorType>(type).getNumElements());
  for (double &number : numbers)
    number = isFloat(type)
                 ? std::uniform_real_distribution<double>(-1, 1)(random)
                 : double(random() % bound);
  return numbers;
}

Reference pp::commtest::evaluateWhole(func::FuncOp function, uint64_t seed) {
  std::mt19937_64 random(seed);
  Reference reference;
  for (Type type : function.getArgumentTypes())
    reference.argumentTypes.push_back(cast<RankedTensorType>(type));
  for (Type type : function.getResultTypes())
    reference.resultTypes.push_back(cast<RankedTensorType>(type));
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto bound = function.getArgAttrOfType<IntegerAttr>(i, "test.bound");
    reference.arguments.push_back(draw(function.getArgumentTypes()[i], random,
                                       bound ? bound.getInt() : 1));
  }
  for (Type type : function.getResultTypes())
    reference.weights.push_back(draw(type, random, 1));
  reference.result = llvm::cantFail(interpreter::evaluate(
      function.getBody().front(), reference.arguments, reference.weights));
  return reference;
}

/// The number in the whole tensor of an element of a rank's part.
std::optional<int64_t> Placement::numberOf(int64_t element, int64_t rank,
                                           RankedTensorType local,
                                           DistributionAttr distribution,
                                           RankedTensorType type) {
  SmallVector<int64_t> place(local.getRank());
  for (int64_t dim = local.getRank(); dim-- > 0;) {
    place[dim] = element % local.getDimSize(dim);
    element /= local.getDimSize(dim);
  }
  // The first axis counts slowest: parts of parts are found from the last.
  SmallVector<int64_t> size(local.getShape());
  for (auto axis : llvm::reverse(mesh.getAxes().getAsRange<StringAttr>())) {
    Distribution one = lookup(distribution, axis);
    if (!one.isSharded())
      continue;
    int64_t &index = place[one.dim], part = size[one.dim] / one.blocks;
    int64_t ranksOfAxis = *mesh.getSize(axis);
    index = index / part * part * ranksOfAxis +
            interpreter::getCoordinate(mesh, rank, axis) * part + index % part;
    size[one.dim] *= ranksOfAxis;
  }
  if (type)
    size.assign(type.getShape().begin(), type.getShape().end());
  int64_t number = 0;
  for (auto [i, extent] : llvm::zip_equal(place, size)) {
    if (i >= extent)
      return std::nullopt;
    number = number * extent + i;
  }
  return number;
}

RankNumbers Placement::scatter(const Numbers &whole, RankedTensorType local,
                               DistributionAttr distribution,
                               RankedTensorType type) {
  RankNumbers parts(ranks, Numbers(local.getNumElements()));
  for (int64_t rank = 0; rank < ranks; ++rank)
    for (int64_t i = 0; i < local.getNumElements(); ++i)
      if (auto number = numberOf(i, rank, local, distribution, type))
        parts[rank][i] = whole[*number];
  // Summands that add up: what is random at first cancels at the last.
  for (auto axis : mesh.getAxes().getAsRange<StringAttr>()) {
    if (!lookup(distribution, axis).is(Distribution::Kind::Partial))
      continue;
    int64_t size = *mesh.getSize(axis), stride = 1;
    for (int64_t inner : mesh.getSizes().drop_front(*mesh.findAxis(axis) + 1))
      stride *= inner;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      if (interpreter::getCoordinate(mesh, rank, axis) != 0)
        continue;
      for (int64_t i = 0; i < local.getNumElements(); ++i) {
        double rest = parts[rank][i];
        for (int64_t c = 1; c < size; ++c) {
          double share = std::uniform_real_distribution<double>(-1, 1)(random);
          parts[rank + c * stride][i] = share;
          rest -= share;
        }
        parts[rank][i] = rest;
      }
    }
  }
  return parts;
}

std::string Placement::check(const RankNumbers &parts, RankedTensorType local,
                             DistributionAttr distribution,
                             const Numbers &whole, double tolerance,
                             RankedTensorType type, bool isPaddingZero) {
  // Sums over the axes where the value is partial, for every rank; or maxima.
  RankNumbers sums = parts;
  for (auto axis : mesh.getAxes().getAsRange<StringAttr>()) {
    Distribution one = lookup(distribution, axis);
    bool isMax = one.is(Distribution::Kind::PartialMax);
    if (!one.is(Distribution::Kind::Partial) && !isMax)
      continue;
    int64_t size = *mesh.getSize(axis), stride = 1;
    for (int64_t inner : mesh.getSizes().drop_front(*mesh.findAxis(axis) + 1))
      stride *= inner;
    RankNumbers next = sums;
    for (int64_t rank = 0; rank < ranks; ++rank)
      for (int64_t i = 0; i < local.getNumElements(); ++i) {
        double sum = isMax ? -INFINITY : 0;
        int64_t first =
            rank - interpreter::getCoordinate(mesh, rank, axis) * stride;
        for (int64_t c = 0; c < size; ++c)
          sum = isMax ? std::max(sum, sums[first + c * stride][i])
                      : sum + sums[first + c * stride][i];
        next[rank][i] = sum;
      }
    sums = next;
  }
  for (int64_t rank = 0; rank < ranks; ++rank)
    for (int64_t i = 0; i < local.getNumElements(); ++i) {
      auto number = numberOf(i, rank, local, distribution, type);
      if (number && *number >= int64_t(whole.size()))
        return "is larger than the whole";
      if (!number && !isPaddingZero)
        continue;
      double expected = number ? whole[*number] : 0, found = sums[rank][i];
      if (!(std::abs(found - expected) <= tolerance * (1 + std::abs(expected))))
        return "on rank " + std::to_string(rank) + " is " +
               std::to_string(found) + ", expected " + std::to_string(expected);
    }
  return "";
}

llvm::Expected<std::vector<RankNumbers>>
pp::commtest::interpret(func::FuncOp function,
                        const std::vector<RankNumbers> &arguments) {
  return interpreter::evaluateSpmd(function.getBody().front(),
                                   findMesh(function), arguments);
}

std::string pp::commtest::compare(func::FuncOp function,
                                  const nn::DifferentiatedFunction &derivative,
                                  const Reference &reference, uint64_t seed,
                                  const Evaluator &evaluate, double tolerance) {
  MeshOpInterface mesh = findMesh(function);
  Placement placement(mesh, seed);
  std::vector<RankNumbers> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    arguments.push_back(placement.scatter(
        reference.arguments[i],
        cast<RankedTensorType>(function.getArgumentTypes()[i]),
        comm::getArgumentDistribution(function, i),
        reference.argumentTypes[i]));
  func::FuncOp forward = derivative.forward, backward = derivative.backward;
  auto results = evaluate(forward, arguments);
  if (!results)
    return toString(results.takeError());
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    std::string wrong = placement.check(
        (*results)[i], cast<RankedTensorType>(function.getResultTypes()[i]),
        comm::getResultDistribution(function, i), reference.result.results[i],
        tolerance, reference.resultTypes[i]);
    if (!wrong.empty())
      return "result " + std::to_string(i) + " " + wrong;
  }
  std::vector<RankNumbers> inputs;
  for (nn::SavedValue saved : derivative.saved)
    inputs.push_back(saved.kind == nn::SavedValue::Kind::Argument
                         ? arguments[saved.index]
                     : saved.kind == nn::SavedValue::Kind::Output
                         ? (*results)[saved.index]
                         : (*results)[derivative.numOutputs + saved.index]);
  for (unsigned i : derivative.seeds)
    inputs.push_back(placement.scatter(
        reference.weights[i],
        cast<RankedTensorType>(function.getResultTypes()[i]),
        comm::getDual(comm::getResultDistribution(function, i)),
        reference.resultTypes[i]));
  auto gradients = evaluate(backward, inputs);
  if (!gradients)
    return toString(gradients.takeError());
  for (auto [i, argument] : llvm::enumerate(derivative.cotangents)) {
    std::string wrong = placement.check(
        (*gradients)[i],
        cast<RankedTensorType>(function.getArgumentTypes()[argument]),
        comm::getDual(comm::getArgumentDistribution(function, argument)),
        reference.result.gradients[argument], tolerance,
        reference.argumentTypes[argument], /*isPaddingZero=*/true);
    if (!wrong.empty())
      return "gradient of argument " + std::to_string(argument) + " " + wrong;
  }
  return "";
}
