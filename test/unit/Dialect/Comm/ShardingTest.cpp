//===- ShardingTest.cpp - Parts of tensors --------------------------------===//

#include "Support.h"

#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/IR/Diagnostics.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;

namespace {
struct Sharding : ::testing::Test {
  World world;
  OwningOpRef<ModuleOp> module = world.parse(
      R"(pp.mesh @mesh <["pipe" = 2, "data" = 3, "tensor" = 4]>
         func.func private @f() attributes {
           test.both = #pp.sharding<[{"data", "tensor"}, {}]>,
           test.each = #pp.sharding<[{"tensor"}, {"data"}]>,
           test.blocks = #pp.sharding<[{}, {"tensor"} blocks(3)]>,
           test.other = #pp.sharding<[{"context"}, {}]>})");
  MeshOp mesh = *module->getOps<MeshOp>().begin();

  ShardingAttr get(StringRef name) {
    return module->lookupSymbol("f")->getAttrOfType<ShardingAttr>(name);
  }
  RankedTensorType type(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, Float32Type::get(module->getContext()));
  }
  std::string verify(StringRef name, ArrayRef<int64_t> shape) {
    bool isValid = succeeded(get(name).verifyFor(
        [&] { return mlir::emitError(module->getLoc()); }, type(shape), mesh));
    std::string errors = world.takeErrors();
    EXPECT_EQ(isValid, errors.empty());
    return errors;
  }
};
} // namespace

TEST_F(Sharding, MeshKnowsItsGroups) {
  Builder builder(module->getContext());
  EXPECT_EQ(mesh.getSize("data"), 3);
  EXPECT_EQ(mesh.getSize("context"), std::nullopt);
  EXPECT_EQ(mesh.getGroupSize(builder.getStrArrayAttr({"pipe", "tensor"})), 8);
  EXPECT_EQ(mesh.getGroupSize(builder.getStrArrayAttr({})), 1);
  EXPECT_EQ(mesh.getGroupSize(builder.getStrArrayAttr({"pipe", "context"})),
            std::nullopt);
  EXPECT_EQ(findMesh(module->lookupSymbol("f")), MeshOpInterface(mesh));
}

TEST_F(Sharding, TypesOfParts) {
  EXPECT_EQ(verify("test.both", {24, 5}), "");
  EXPECT_EQ(get("test.both").getLocalType(type({24, 5}), mesh), type({2, 5}));
  EXPECT_EQ(get("test.both").getGlobalType(type({2, 5}), mesh), type({24, 5}));
  EXPECT_EQ(verify("test.each", {8, 9}), "");
  EXPECT_EQ(get("test.each").getLocalType(type({8, 9}), mesh), type({2, 3}));
  EXPECT_EQ(get("test.each").getGlobalType(type({2, 3}), mesh), type({8, 9}));
}

TEST_F(Sharding, PartsOfBlocks) {
  EXPECT_EQ(verify("test.blocks", {5, 24}), "");
  EXPECT_EQ(get("test.blocks").getLocalType(type({5, 24}), mesh), type({5, 6}));
  EXPECT_EQ(get("test.blocks").getGlobalType(type({5, 6}), mesh),
            type({5, 24}));
  EXPECT_EQ(verify("test.blocks", {5, 16}),
            "(C4) found dimension 1 of size 16 in 12 parts, expected a "
            "multiple of 12: the nearest are 12 and 24\n");
}

TEST_F(Sharding, WhatDoesNotFit) {
  EXPECT_EQ(verify("test.both", {24}),
            "(C2) found a sharding of 2 dimensions for 'tensor<24xf32>', "
            "expected 1: write {} for one that is whole\n");
  EXPECT_EQ(verify("test.other", {24, 5}),
            "(C3) found axis \"context\", expected one of the mesh, [\"pipe\", "
            "\"data\", \"tensor\"]: correct the name or add the axis\n");
  EXPECT_EQ(verify("test.both", {30, 5}),
            "(C4) found dimension 0 of size 30 in 12 parts, expected a "
            "multiple of 12: the nearest are 24 and 36\n");
  EXPECT_EQ(verify("test.both", {5, 5}),
            "(C4) found dimension 0 of size 5 in 12 parts, expected a "
            "multiple of 12: the nearest is 12\n");
  EXPECT_EQ(verify("test.both", {ShapedType::kDynamic, 5}),
            "(C4) found a dynamic dimension 0, expected a static size\n");
}
