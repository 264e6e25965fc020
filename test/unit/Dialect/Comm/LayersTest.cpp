//===- LayersTest.cpp - Layers by hand are proven and right ---------------===//

#include "Layers.h"

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Transforms/Passes.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "mlir/Pass/PassManager.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace pp::commtest;

static void check(const Layer &layer) {
  SCOPED_TRACE(layer.name);
  World world;
  OwningOpRef<ModuleOp> whole = world.parse(layer.whole);
  OwningOpRef<ModuleOp> sharded = world.parse(layer.sharded);
  ASSERT_TRUE(whole && sharded) << world.takeErrors();
  ASSERT_TRUE(world.isProven(*sharded)) << world.takeErrors();
  auto derivative = differentiate(*sharded);
  ASSERT_TRUE(succeeded(derivative)) << world.takeErrors();
  EXPECT_TRUE(world.isProven(*sharded)) << world.takeErrors();
  Reference reference =
      evaluateWhole(whole->lookupSymbol<func::FuncOp>("f"), 1);
  EXPECT_EQ(compare(sharded->lookupSymbol<func::FuncOp>("f"), *derivative,
                    reference, 2),
            "");
}

TEST(Layers, AxesOfTwo) {
  for (const Layer &layer : makeLayers(2))
    check(layer);
  check(makeRing(2));
}

TEST(Layers, AxesOfFour) {
  for (const Layer &layer : makeLayers(4))
    check(layer);
  check(makeRing(4));
}

static unsigned countCollectives(ModuleOp module, StringRef name) {
  unsigned count = 0;
  if (auto function = module.lookupSymbol<func::FuncOp>(name))
    function.walk([&](Operation *op) { count += pp::communicates(op); });
  return count;
}

// Both halves of a backward are proven as the whole is, and between them send
// what it sends.
TEST(Layers, SplitBackward) {
  for (const Layer &layer : makeLayers(2)) {
    SCOPED_TRACE(layer.name);
    World world;
    OwningOpRef<ModuleOp> module = world.parse(layer.sharded);
    auto derivative = differentiate(*module);
    ASSERT_TRUE(succeeded(derivative)) << world.takeErrors();
    func::FuncOp backward = derivative->backward;
    Builder builder(module->getContext());
    for (unsigned i = 0; i < backward.getNumResults(); ++i)
      backward.setResultAttr(
          i, pp::attr::kGrad,
          builder.getStringAttr(derivative->cotangents[i] == 0 ? "input"
                                                               : "param"));
    unsigned sent = countCollectives(*module, "f.backward");
    pp::PPSplitBackwardOptions options;
    options.stages = false;
    PassManager passes(module->getContext());
    passes.addPass(pp::createPPSplitBackward(options));
    ASSERT_TRUE(succeeded(passes.run(*module))) << world.takeErrors();
    EXPECT_TRUE(world.isProven(*module)) << world.takeErrors();
    EXPECT_EQ(countCollectives(*module, "f.backward_input") +
                  countCollectives(*module, "f.backward_weight"),
              sent);
  }
}
