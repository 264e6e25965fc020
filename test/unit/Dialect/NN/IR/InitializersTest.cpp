//===- InitializersTest.cpp - Kinds and numbers of initialisers -----------===//

#include "Support.h"

#include "mlir/AsmParser/AsmParser.h"

using namespace mlir;
using namespace pp::nn;

namespace {
using Numbers = SmallVector<std::pair<StringRef, double>>;

class InitializersTest : public NNTest {
protected:
  InitializerAttrInterface parse(StringRef text) {
    return cast<InitializerAttrInterface>(parseAttribute(text, &context));
  }
};

TEST_F(InitializersTest, KindsAndNumbers) {
  auto normal = parse("#nn.normal<std = 0.02>");
  EXPECT_EQ(normal.getKind(), "normal");
  EXPECT_EQ(normal.getNumbers(), (Numbers{{"mean", 0.0}, {"std", 0.02}}));
  auto uniform = parse("#nn.uniform<high = 0.5, low = -0.25>");
  EXPECT_EQ(uniform.getKind(), "uniform");
  EXPECT_EQ(uniform.getNumbers(), (Numbers{{"low", -0.25}, {"high", 0.5}}));
  auto constant = parse("#nn.constant<value = 3.0>");
  EXPECT_EQ(constant.getKind(), "constant");
  EXPECT_EQ(constant.getNumbers(), (Numbers{{"value", 3.0}}));
  EXPECT_EQ(parse("#nn.zeros").getKind(), "zeros");
  EXPECT_EQ(parse("#nn.ones").getKind(), "ones");
  EXPECT_TRUE(parse("#nn.ones").getNumbers().empty());
}

// Two spellings of one initialiser are one attribute, so layers that differ in
// the spelling alone are compiled once.
TEST_F(InitializersTest, Unique) {
  EXPECT_EQ(parse("#nn.normal<std = 0.02, mean = 0.0>"),
            parse("#nn.normal<std = 2.0e-2>"));
  EXPECT_NE(parse("#nn.constant<value = 0.0>"),
            parse("#nn.constant<value = -0.0>"));
}
} // namespace
