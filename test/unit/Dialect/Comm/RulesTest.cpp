//===- RulesTest.cpp - The rule of each op is true ------------------------===//
//
// Each function of test/Dialect/Comm/Transforms/rules.mlir has one op on parts.
// The op is run on the parts and on the whole: what the rule says of the
// results must hold of the numbers.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;
using comm::Distribution;
using comm::DistributionAttr;

/// Whether the distribution has a meaning for a whole tensor.
static bool hasWhole(DistributionAttr distribution) {
  return !distribution ||
         llvm::none_of(distribution.getDistributions(), [](Distribution one) {
           return one == Distribution::varying();
         });
}

static Type wholeType(Type type, DistributionAttr distribution,
                      MeshOpInterface mesh) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !distribution)
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  for (auto [axis, one] :
       llvm::zip_equal(distribution.getAxes(), distribution.getDistributions()))
    if (one.isSharded())
      shape[one.dim] *= *mesh.getSize(axis);
  return tensor.clone(shape);
}

/// The function on whole tensors.
static func::FuncOp makeWhole(func::FuncOp function, ModuleOp into,
                              MeshOpInterface mesh) {
  OpBuilder builder(into.getBodyRegion());
  auto whole = cast<func::FuncOp>(builder.clone(*function));
  Block &body = whole.getBody().front();
  for (BlockArgument argument : body.getArguments())
    argument.setType(wholeType(
        argument.getType(),
        comm::getArgumentDistribution(function, argument.getArgNumber()),
        mesh));
  Operation &op = body.front();
  for (OpResult result : op.getResults())
    result.setType(wholeType(
        result.getType(),
        comm::getResultDistribution(function, result.getResultNumber()), mesh));
  // A whole op is of no part.
  if (auto dropout = dyn_cast<nn::DropoutOp>(op)) {
    dropout.removeAxesAttr();
    dropout.removeDimAttr();
  }
  // A slice names the sizes of dimensions that it leaves as they are.
  if (auto slice = dyn_cast<nn::SliceOp>(op))
    slice.setSizes(slice.getType().getShape());
  return whole;
}

/// Empty if the rule is true. Nothing where the numbers cannot say it.
static std::optional<std::string> check(func::FuncOp function,
                                        MeshOpInterface mesh, ModuleOp one) {
  Block &body = function.getBody().front();
  if (!llvm::hasNItems(body, 2) ||
      llvm::any_of(function.getArgumentTypes(), llvm::IsaPred<IntegerType>) ||
      !isa<arith::ArithDialect, comm::CommDialect, math::MathDialect,
           nn::NNDialect>(body.front().getDialect()))
    return std::nullopt;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (!hasWhole(comm::getArgumentDistribution(function, i)))
      return std::nullopt;
  func::FuncOp whole = makeWhole(function, one, mesh);
  std::mt19937_64 random(1);
  Placement placement(mesh, 2);
  std::vector<interpreter::RankNumbers> parts, wholes;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    Type type = whole.getBody().front().getArgument(i).getType();
    bool isBit = getElementTypeOrSelf(type).isInteger(1);
    interpreter::Numbers numbers = draw(type, random, isBit ? 2 : 5);
    // What is divided by is not near 0.
    for (double &number : numbers)
      if (isa<FloatType>(getElementTypeOrSelf(type)))
        number += number < 0 ? -0.25 : 0.25;
    wholes.push_back({numbers});
    parts.push_back(placement.scatter(
        numbers, cast<RankedTensorType>(function.getArgumentTypes()[i]),
        comm::getArgumentDistribution(function, i)));
  }
  MeshOpInterface alone = findMesh(one);
  auto expected =
      interpreter::evaluateSpmd(whole.getBody().front(), alone, wholes);
  auto found = interpreter::evaluateSpmd(body, mesh, parts);
  if (!expected)
    return toString(expected.takeError());
  if (!found)
    return toString(found.takeError());
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    DistributionAttr distribution = comm::getResultDistribution(function, i);
    if (!hasWhole(distribution))
      continue;
    std::string wrong = placement.check(
        (*found)[i], cast<RankedTensorType>(function.getResultTypes()[i]),
        distribution, (*expected)[i][0]);
    if (!wrong.empty())
      return "result " + std::to_string(i) + " " + wrong;
    // Summands are not the sum, or this test says nothing.
    bool isPartial = distribution && distribution.lookup("tensor").is(
                                         Distribution::Kind::Partial);
    if (isPartial &&
        placement
            .check((*found)[i],
                   cast<RankedTensorType>(function.getResultTypes()[i]), {},
                   (*expected)[i][0])
            .empty())
      return "result " + std::to_string(i) + " is whole, declared partial";
  }
  return "";
}

TEST(Rules, AreTrue) {
  World world;
  auto module = parseSourceFile<ModuleOp>(PP_RULES, &world.getContext());
  ASSERT_TRUE(module) << world.takeErrors();
  auto one = world.parse("pp.mesh @mesh <[\"data\" = 1, \"tensor\" = 1]>");
  unsigned checked = 0, skipped = 0;
  for (auto function : module->getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    auto wrong = check(function, findMesh(*module), *one);
    checked += wrong.has_value();
    skipped += !wrong.has_value();
    if (wrong)
      EXPECT_EQ(*wrong, "") << function.getName().str();
  }
  // Keys, losses of a coordinate's own, calls.
  EXPECT_GT(checked, 8 * skipped);
}
