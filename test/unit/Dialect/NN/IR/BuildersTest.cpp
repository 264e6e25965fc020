//===- BuildersTest.cpp - Ops built without result types ------------------===//

#include "Support.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace pp::nn;

namespace {
using BuildersTest = NNTest;

TEST_F(BuildersTest, InferResultTypes) {
  auto matmul = MatmulOp::create(builder, loc(), value(f32({2, 4, 3})),
                                 value(f32({2, 5, 4})), true, true);
  EXPECT_EQ(matmul.getType(), f32({2, 3, 5}));
  EXPECT_FALSE(matmul.getInit());
  auto sum = ReduceSumOp::create(builder, loc(), matmul, {0, 2});
  EXPECT_EQ(sum.getType(), f32({3}));
  auto kept = ReduceSumOp::create(builder, loc(), matmul, {0, 2}, true);
  EXPECT_EQ(kept.getType(), f32({1, 3, 1}));
  for (Operation *op :
       {matmul.getOperation(), sum.getOperation(), kept.getOperation()})
    EXPECT_TRUE(succeeded(verify(op)));
}

TEST_F(BuildersTest, AccumulateInto) {
  auto matmul =
      MatmulOp::create(builder, loc(), value(f32({3, 4})), value(f32({4, 5})));
  auto accumulating = cast<pp::AccumulatingOpInterface>(*matmul);
  Value init = value(f32({3, 5}));
  accumulating.getInitMutable().assign(init);
  EXPECT_EQ(matmul.getInit(), init);
  EXPECT_TRUE(succeeded(verify(matmul)));
}

// Inference in a builder reports what is wrong at the location of the op to be,
// and leaves the caller a failure.
TEST_F(BuildersTest, InferenceFails) {
  std::string message;
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  SmallVector<Type> types;
  Value operands[] = {value(f32({3, 4})), value(f32({5, 5}))};
  EXPECT_TRUE(failed(MatmulOp::inferReturnTypes(&context, loc(), operands,
                                                DictionaryAttr::get(&context),
                                                nullptr, {}, types)));
  EXPECT_NE(message.find("'nn.matmul' op (C3)"), std::string::npos) << message;

  // Without a location it says nothing.
  message.clear();
  EXPECT_TRUE(failed(MatmulOp::inferReturnTypes(
      &context, std::nullopt, operands, DictionaryAttr::get(&context), nullptr,
      {}, types)));
  EXPECT_EQ(message, "");
}

TEST_F(BuildersTest, AttentionShapes) {
  Value query = value(f32({2, 3, 4, 16})), key = value(f32({2, 5, 2, 16}));
  auto attention =
      AttentionOp::create(builder, loc(), query, key, key,
                          /*documents=*/Value(), true, FloatAttr());
  EXPECT_EQ(attention.getLse().getType(), f32({2, 4, 3}));
  EXPECT_EQ(attention.getEffectiveScale(), 0.25);
  EXPECT_EQ(attention.getQueryLength(), 3);
  EXPECT_EQ(attention.getKeyLength(), 5);
  EXPECT_EQ(attention.getHeads(), 4);
  EXPECT_EQ(attention.getKeyHeads(), 2);
  // Queries 0, 1, 2 see 3, 4, 5 keys.
  EXPECT_EQ(attention.getVisiblePairs(), 12u);
  attention.setCausal(false);
  EXPECT_EQ(attention.getVisiblePairs(), 15u);
}
} // namespace
