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

FailureOr<nn::DifferentiatedFunction>
pp::commtest::differentiate(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("f");
  nn::DifferentiationRequest request;
  request.forwardName = "f.forward";
  request.backwardName = "f.backward";
  request.wanted.assign(function.getNumArguments(), true);
  request.accumulated.assign(function.getNumArguments(), false);
  request.seeded.assign(function.getNumResults(), true);
  return nn::differentiate(function, request);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

static bool isFloat(Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type));
}

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
int64_t Placement::numberOf(int64_t element, int64_t rank,
                            RankedTensorType local,
                            DistributionAttr distribution) {
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
  int64_t number = 0;
  for (auto [i, extent] : llvm::zip_equal(place, size))
    number = number * extent + i;
  return number;
}

RankNumbers Placement::scatter(const Numbers &whole, RankedTensorType local,
                               DistributionAttr distribution) {
  RankNumbers parts(ranks, Numbers(local.getNumElements()));
  for (int64_t rank = 0; rank < ranks; ++rank)
    for (int64_t i = 0; i < local.getNumElements(); ++i)
      parts[rank][i] = whole[numberOf(i, rank, local, distribution)];
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
                             const Numbers &whole, double tolerance) {
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
      int64_t number = numberOf(i, rank, local, distribution);
      if (number >= int64_t(whole.size()))
        return "is larger than the whole";
      double expected = whole[number], found = sums[rank][i];
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
        comm::getArgumentDistribution(function, i)));
  func::FuncOp forward = derivative.forward, backward = derivative.backward;
  auto results = evaluate(forward, arguments);
  if (!results)
    return toString(results.takeError());
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    std::string wrong = placement.check(
        (*results)[i], cast<RankedTensorType>(function.getResultTypes()[i]),
        comm::getResultDistribution(function, i), reference.result.results[i],
        tolerance);
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
        comm::getDual(comm::getResultDistribution(function, i))));
  auto gradients = evaluate(backward, inputs);
  if (!gradients)
    return toString(gradients.takeError());
  for (auto [i, argument] : llvm::enumerate(derivative.cotangents)) {
    std::string wrong = placement.check(
        (*gradients)[i],
        cast<RankedTensorType>(function.getArgumentTypes()[argument]),
        comm::getDual(comm::getArgumentDistribution(function, argument)),
        reference.result.gradients[argument], tolerance);
    if (!wrong.empty())
      return "gradient of argument " + std::to_string(argument) + " " + wrong;
  }
  return "";
}
