//===- MutationTest.cpp - No wrong collective passes ----------------------===//
//
// Each layer is proven; each mutant of it, or of its backward function, is
// named by the verifier or by comm-verify-distribution, or it computes the
// same. What computes the same and is named is no fault: a collective that does
// nothing is an error as well. That the comparison of numbers can fail is seen
// on the mutants that are named.
//
//===----------------------------------------------------------------------===//

#include "Layers.h"
#include "Mutations.h"
#include "RandomLayer.h"

#include "mlir/IR/Verifier.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;

namespace {

struct Count {
  unsigned mutants = 0, named = 0, equal = 0;
  unsigned different = 0; ///< of the named ones, as far as they were run
};

/// Mutants of @f, differentiated like @f.
void mutateForward(const Layer &layer, const Reference &reference,
                   Count &count) {
  World world;
  for (unsigned number = 0;; ++number) {
    OwningOpRef<ModuleOp> module = world.parse(layer.sharded);
    auto function = module->lookupSymbol<func::FuncOp>("f");
    std::string done = mutate(function, number);
    if (done.empty())
      return;
    ++count.mutants;
    SCOPED_TRACE(layer.name + " " + std::to_string(number) + ": " + done);
    if (!world.isProven(*module)) {
      EXPECT_NE(world.takeErrors(), "");
      ++count.named;
      continue;
    }
    auto derivative = differentiate(*module);
    if (failed(derivative) || !world.isProven(*module)) {
      EXPECT_NE(world.takeErrors(), "");
      ++count.named;
      continue;
    }
    EXPECT_EQ(compare(function, *derivative, reference, 2), "");
    ++count.equal;
  }
}

/// Mutants of @f.backward.
void mutateBackward(const Layer &layer, const Reference &reference,
                    Count &count) {
  World world;
  for (unsigned number = 0;; ++number) {
    OwningOpRef<ModuleOp> module = world.parse(layer.sharded);
    auto derivative = differentiate(*module);
    ASSERT_TRUE(succeeded(derivative)) << world.takeErrors();
    std::string done = mutate(derivative->backward, number);
    if (done.empty())
      return;
    ++count.mutants;
    SCOPED_TRACE(layer.name + ".backward " + std::to_string(number) + ": " +
                 done);
    bool isValid = succeeded(verify(*module));
    bool isProven = isValid && world.isProven(*module);
    EXPECT_EQ(isProven, world.takeErrors().empty());
    std::string wrong;
    if (isValid)
      wrong = compare(module->lookupSymbol<func::FuncOp>("f"), *derivative,
                      reference, 2);
    if (isProven) {
      EXPECT_EQ(wrong, "");
      ++count.equal;
    } else {
      ++count.named;
      count.different += !wrong.empty();
    }
  }
}

Count mutateAll(const Layer &layer) {
  Count count;
  World world;
  OwningOpRef<ModuleOp> whole = world.parse(layer.whole);
  Reference reference =
      evaluateWhole(whole->lookupSymbol<func::FuncOp>("f"), 1);
  mutateForward(layer, reference, count);
  mutateBackward(layer, reference, count);
  EXPECT_EQ(count.mutants, count.named + count.equal) << layer.name;
  return count;
}

void report(const std::string &name, const Count &count) {
  llvm::outs() << name << ": " << count.mutants << " mutants, " << count.named
               << " named, " << count.equal << " equal; of those named "
               << count.different << " backwards were seen to be wrong\n";
}

void mutateLayers(int64_t n) {
  Count sum;
  for (const Layer &layer : makeLayers(n)) {
    Count count = mutateAll(layer);
    report(layer.name, count);
    sum.mutants += count.mutants;
    sum.named += count.named;
    sum.different += count.different;
  }
  EXPECT_GT(sum.different, 300u);
  // Nearly all mutants are wrong; a proof that passes everything is none.
  EXPECT_GT(sum.named * 10, sum.mutants * 9);
}

} // namespace

TEST(Mutation, LayersOnAxesOfTwo) { mutateLayers(2); }
TEST(Mutation, LayersOnAxesOfFour) { mutateLayers(4); }

TEST(Mutation, RandomLayers) {
  Count sum;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    Count count = mutateAll(makeRandomLayer(seed, 2));
    sum.mutants += count.mutants;
    sum.named += count.named;
    sum.equal += count.equal;
    sum.different += count.different;
  }
  EXPECT_GT(sum.different, 300u);
  report("random layers", sum);
  EXPECT_GT(sum.named * 10, sum.mutants * 9);
}
