//===- RandomLayersTest.cpp - No right layer is refused -------------------===//

#include "RandomLayer.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace pp::commtest;

static void check(uint64_t seed, int64_t n) {
  Layer layer = makeRandomLayer(seed, n);
  SCOPED_TRACE(layer.sharded);
  World world;
  OwningOpRef<ModuleOp> whole = world.parse(layer.whole);
  OwningOpRef<ModuleOp> sharded = world.parse(layer.sharded);
  ASSERT_TRUE(whole && sharded) << world.takeErrors();
  ASSERT_TRUE(world.isProven(*sharded)) << world.takeErrors();
  auto derivative = differentiate(*sharded);
  ASSERT_TRUE(succeeded(derivative)) << world.takeErrors();
  ASSERT_TRUE(world.isProven(*sharded)) << world.takeErrors();
  Reference reference =
      evaluateWhole(whole->lookupSymbol<func::FuncOp>("f"), seed);
  ASSERT_EQ(compare(sharded->lookupSymbol<func::FuncOp>("f"), *derivative,
                    reference, seed + 1),
            "");
}

TEST(RandomLayers, AreProvenAndRight) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    check(seed, seed % 3 == 2 ? 4 : 2);
    if (HasFatalFailure())
      return;
  }
}
