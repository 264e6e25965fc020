//===- StepFunctionsTest.cpp - Norms, sums and updates as compiled --------===//
//
// The functions that pp-add-optimizer makes, for parameters around the widths
// of vectors and a long one, as native code: against formulas in f64, and bit
// by bit against the same formulas written as loops over f32.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/JIT.h"
#include "pp/CodeGen/Passes.h"
#include "pp/Dialect/PP/Transforms/Passes.h"
#include "pp/InitAll.h"

#include "pprt_scalars.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;

namespace {

constexpr size_t kSizes[] = {1, 7, 15, 16, 17, 33, 1000};
constexpr size_t kMost = 1000;
constexpr int kMicrobatches = 3;
constexpr size_t kParameters = 2 * std::size(kSizes);

struct alignas(64) Row {
  float values[1024] = {};
};

Row draw(unsigned seed) {
  Row row;
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float &value : row.values)
    value = uniform(random);
  return row;
}

class Library {
public:
  explicit Library(bool hasWeights = false)
      : context(makeRegistry(), MLIRContext::Threading::DISABLED) {
    // Parameters that decay, and as many of bf16, which do not; all have a
    // second use.
    std::string text, uses;
    for (size_t size : kSizes) {
      const std::string n = std::to_string(size);
      text += "pp.parameter @w" + n + " : tensor<1x" + n +
              "xf32> init(#nn.zeros)\npp.parameter @b" + n + " : tensor<" + n +
              "xbf16> init(#nn.zeros)\n";
      uses += (uses.empty() ? "" : ", ") + std::string("tensor<1x") + n +
              "xf32> {pp.grad = \"w" + n + "\", pp.use = 1 : i64}";
    }
    text += "func.func private @uses(" + uses + ")\n" +
            "pp.schedule \"1f1b\" microbatches(" +
            std::to_string(kMicrobatches) + ") placement [0] rows [\"\"]\n";
    if (hasWeights)
      text += "func.func private @loss() -> "
              "(tensor<f32> {pp.value = \"w\", pp.loss_weight})\n";
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      llvm::report_fatal_error("the module cannot be read");
    PassManager first(&context);
    first.addPass(pp::createPPAddOptimizer());
    if (failed(first.run(*module)))
      llvm::report_fatal_error("there is no optimizer");
    for (Operation &op : llvm::make_early_inc_range(*module->getBody())) {
      auto function = dyn_cast<func::FuncOp>(op);
      if (function && !function.isExternal())
        function.setPublic();
      else
        op.erase();
    }
    PassManager second(&context);
    pp::buildLowerLayersPipeline(second, pp::LowerLayersOptions());
    if (failed(second.run(*module)))
      llvm::report_fatal_error("the functions do not lower");
    engine = llvm::cantFail(pp::createJIT(*module));
  }

  /// Calls a function with the addresses of its operands.
  template <typename... Operands>
  void call(const std::string &name, Operands *...operands) {
    alignas(64) static char workspace[4096];
    auto function = reinterpret_cast<void (*)(void *, Operands *..., void *)>(
        llvm::cantFail(engine->lookup(name)));
    function(nullptr, operands..., workspace);
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    pp::registerAllDialects(registry);
    return registry;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<ExecutionEngine> engine;
};

/// The library lives as long as the tests, as that of MathFunctionsTest.
class StepFunctions : public ::testing::Test {
protected:
  static void SetUpTestSuite() { shared = std::make_unique<Library>(); }
  static void TearDownTestSuite() { shared.reset(); }
  static Library &library() { return *shared; }

private:
  static std::unique_ptr<Library> shared;
};
std::unique_ptr<Library> StepFunctions::shared;

struct alignas(64) Scalars : pprt_scalars {};

constexpr double kRate = 0.01, kBeta1 = 0.9, kBeta2 = 0.95, kEpsilon = 1e-8,
                 kDecay = 0.1, kScale = 0.25;

Scalars scalarsOf(int t) {
  Scalars s;
  s.gradient_scale = float(kScale);
  s.is_finite = 1;
  s.learning_rate = float(kRate);
  s.weight_decay = float(kDecay);
  s.beta1 = float(kBeta1);
  s.beta2 = float(kBeta2);
  s.epsilon = float(kEpsilon);
  s.correction1 = float(1 - std::pow(kBeta1, t));
  s.correction2 = float(1 - std::pow(kBeta2, t));
  return s;
}

std::string named(const char *name, size_t size, const char *end = "") {
  return name + std::to_string(size) + end;
}

TEST_F(StepFunctions, SumsOfSquaresHaveTheDocumentedOrder) {
  for (size_t size : kSizes) {
    Row data = draw(1);
    double lanes[16] = {};
    for (size_t i = 0; i < size; ++i)
      lanes[i % 16] += double(data.values[i]) * double(data.values[i]);
    for (int half = 8; half > 0; half /= 2)
      for (int lane = 0; lane < half; ++lane)
        lanes[lane] += lanes[lane + half];
    double sum = -1;
    library().call(named("sum_of_squares.f32_", size), data.values, &sum);
    EXPECT_EQ(sum, lanes[0]) << size;
  }
}

TEST_F(StepFunctions, GradientsAreAdded) {
  for (size_t size : kSizes) {
    Row a = draw(1), b = draw(2), sum = a;
    library().call(named("add.f32_", size), sum.values, b.values);
    for (size_t i = 0; i < kMost; ++i)
      EXPECT_EQ(sum.values[i],
                i < size ? a.values[i] + b.values[i] : a.values[i]);
  }
}

TEST_F(StepFunctions, AdamWFollowsTheFormula) {
  for (size_t size : kSizes) {
    Row p = draw(1), m, v, p32 = p, m32, v32;
    std::vector<double> p64(p.values, p.values + size), m64(size), v64(size);
    for (int t = 1; t <= 5; ++t) {
      Row g = draw(10 + t);
      Scalars s = scalarsOf(t);
      library().call(named("adamw.f32_", size, ".decay"), p.values, g.values,
                     m.values, v.values, static_cast<pprt_scalars *>(&s));
      for (size_t i = 0; i < size; ++i) {
        double gradient = g.values[i] * kScale;
        m64[i] = kBeta1 * m64[i] + (1 - kBeta1) * gradient;
        v64[i] = kBeta2 * v64[i] + (1 - kBeta2) * gradient * gradient;
        double mHat = m64[i] / (1 - std::pow(kBeta1, t));
        double vHat = v64[i] / (1 - std::pow(kBeta2, t));
        p64[i] -= kRate * kDecay * p64[i];
        p64[i] -= kRate * mHat / (std::sqrt(vHat) + kEpsilon);
        // The same in f32, each operation rounded.
        volatile float scaled = g.values[i] * s.gradient_scale;
        volatile float m1 = s.beta1 * m32.values[i],
                       m2 = (1 - s.beta1) * scaled;
        volatile float square = scaled * scaled;
        volatile float v1 = s.beta2 * v32.values[i],
                       v2 = (1 - s.beta2) * square;
        m32.values[i] = m1 + m2;
        v32.values[i] = v1 + v2;
        volatile float decay = s.learning_rate * s.weight_decay;
        volatile float kept = p32.values[i] * (1 - decay);
        volatile float rate = s.learning_rate / s.correction1;
        volatile float scale2 = 1 / s.correction2;
        volatile float unbiased = v32.values[i] * scale2;
        volatile float root = std::sqrt(unbiased);
        volatile float step = rate * m32.values[i];
        volatile float move = step / (root + s.epsilon);
        p32.values[i] = kept - move;
      }
    }
    for (size_t i = 0; i < kMost; ++i) {
      EXPECT_EQ(p.values[i], p32.values[i]);
      EXPECT_EQ(m.values[i], m32.values[i]);
      EXPECT_EQ(v.values[i], v32.values[i]);
    }
    for (size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(p.values[i], p64[i], 2e-6);
      EXPECT_NEAR(m.values[i], m64[i], 1e-6);
      EXPECT_NEAR(v.values[i], v64[i], 1e-6);
    }
  }
}

uint16_t roundedToBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

TEST_F(StepFunctions, AMasterIsUpdatedAndRounded) {
  for (size_t size : kSizes) {
    Row p = draw(1), g = draw(2), before = p;
    alignas(64) uint16_t copy[1024] = {};
    Scalars s = scalarsOf(1);
    library().call(named("sgd.bf16_", size), p.values, g.values,
                   static_cast<pprt_scalars *>(&s), copy);
    for (size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(p.values[i], before.values[i] - kRate * kScale * g.values[i],
                  1e-6);
      EXPECT_EQ(copy[i], roundedToBF16(p.values[i]));
    }
    EXPECT_EQ(copy[size], 0);
    // Not finite: what was there stays, and its copy.
    s.is_finite = 0;
    Row nan;
    for (float &value : nan.values)
      value = NAN;
    Row after = p;
    library().call(named("sgd.bf16_", size), p.values, nan.values,
                   static_cast<pprt_scalars *>(&s), copy);
    for (size_t i = 0; i < size; ++i) {
      EXPECT_EQ(p.values[i], after.values[i]);
      EXPECT_EQ(copy[i], roundedToBF16(p.values[i]));
    }
  }
}

TEST_F(StepFunctions, WeightsDecayUnderSgd) {
  for (size_t size : kSizes) {
    Row p = draw(1), g = draw(2), before = p;
    Scalars s = scalarsOf(1);
    library().call(named("sgd.f32_", size, ".decay"), p.values, g.values,
                   static_cast<pprt_scalars *>(&s));
    for (size_t i = 0; i < size; ++i)
      EXPECT_NEAR(p.values[i],
                  before.values[i] * (1 - kRate * kDecay) -
                      kRate * kScale * g.values[i],
                  1e-6);
  }
}

TEST_F(StepFunctions, LionFollowsTheFormula) {
  for (size_t size : kSizes) {
    Row p = draw(1), m, p32 = p, m32;
    std::vector<double> p64(p.values, p.values + size), m64(size);
    for (int t = 1; t <= 5; ++t) {
      Row g = draw(10 + t);
      // Neither sign: nothing but the decay in the first step.
      g.values[0] = t == 1 ? 0.f : -1.f;
      Scalars s = scalarsOf(t);
      library().call(named("lion.f32_", size, ".decay"), p.values, g.values,
                     m.values, static_cast<pprt_scalars *>(&s));
      for (size_t i = 0; i < size; ++i) {
        const double gradient = g.values[i] * kScale;
        const double mean = kBeta1 * m64[i] + (1 - kBeta1) * gradient;
        const int sign = (mean > 0) - (mean < 0);
        p64[i] -= kRate * kDecay * p64[i] + kRate * sign;
        m64[i] = kBeta2 * m64[i] + (1 - kBeta2) * gradient;
        // The same in f32, each operation rounded.
        volatile float scaled = g.values[i] * s.gradient_scale;
        volatile float kept = s.beta2 * m32.values[i],
                       come = (1 - s.beta2) * scaled;
        m32.values[i] = kept + come;
        volatile float decay = s.learning_rate * s.weight_decay;
        volatile float rest = p32.values[i] * (1 - decay);
        p32.values[i] = rest - s.learning_rate * float(sign);
      }
    }
    for (size_t i = 0; i < kMost; ++i) {
      EXPECT_EQ(p.values[i], p32.values[i]);
      EXPECT_EQ(m.values[i], m32.values[i]);
    }
    for (size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(p.values[i], p64[i], 1e-6);
      EXPECT_NEAR(m.values[i], m64[i], 1e-6);
    }
  }
}

TEST_F(StepFunctions, TheEndOfAStepFollowsFromLossesAndNorms) {
  struct alignas(64) {
    double values[kMicrobatches + kParameters + 1];
  } all = {};
  double losses = 0, squares = 0;
  for (int m = 0; m < kMicrobatches; ++m)
    losses += all.values[m] = 1.1 + m;
  for (size_t i = 0; i < kParameters; ++i)
    squares += all.values[kMicrobatches + i] = 0.3 * double(i);
  const double norm = std::sqrt(squares) / kMicrobatches;
  alignas(16) double summary[PPRT_NUM_SUMMARY];
  Scalars s;
  auto conclude = [&](double clip) {
    library().call("conclude", all.values, &clip, summary, &s.gradient_scale);
  };
  conclude(0);
  EXPECT_EQ(summary[PPRT_SUMMARY_LOSS], losses / kMicrobatches);
  EXPECT_EQ(summary[PPRT_SUMMARY_NORM], norm);
  EXPECT_EQ(s.gradient_scale, float(1.0 / kMicrobatches));
  EXPECT_EQ(s.is_finite, 1);
  conclude(norm / 2);
  EXPECT_EQ(s.gradient_scale, float(norm / 2 / norm / kMicrobatches));
  conclude(2 * norm);
  EXPECT_EQ(s.gradient_scale, float(1.0 / kMicrobatches));
  // A loss or a norm that is not finite, and an id out of range.
  for (size_t i :
       {size_t(0), size_t(kMicrobatches), std::size(all.values) - 1}) {
    const double before = all.values[i];
    all.values[i] = i == 0 ? NAN : i == kMicrobatches ? INFINITY : 1;
    conclude(1);
    EXPECT_EQ(s.is_finite, 0) << i;
    all.values[i] = before;
  }
  conclude(1);
  EXPECT_EQ(s.is_finite, 1);
}

TEST_F(StepFunctions, LossesHaveWeights) {
  Library weighted(/*hasWeights=*/true);
  struct alignas(64) {
    double losses[kMicrobatches] = {1.5, 2.5, 100};
    double weights[kMicrobatches] = {0.5, 1, 0};
    double squares[kParameters] = {9};
    double idsOutOfRange = 0;
  } all;
  alignas(16) double summary[PPRT_NUM_SUMMARY];
  Scalars s;
  auto conclude = [&](double clip) {
    weighted.call("conclude", all.losses, &clip, summary, &s.gradient_scale);
  };
  conclude(0);
  EXPECT_EQ(summary[PPRT_SUMMARY_LOSS], (0.5 * 1.5 + 2.5) / 1.5);
  EXPECT_EQ(summary[PPRT_SUMMARY_NORM], 2);
  EXPECT_EQ(s.gradient_scale, float(1 / 1.5));
  EXPECT_EQ(s.is_finite, 1);
  conclude(1);
  EXPECT_EQ(s.gradient_scale, float(0.5 / 1.5));
  // As if there were none where all are 1.
  all.weights[0] = all.weights[2] = 1;
  conclude(0);
  EXPECT_EQ(summary[PPRT_SUMMARY_LOSS], (1.5 + 2.5 + 100) / kMicrobatches);
  EXPECT_EQ(s.gradient_scale, float(1.0 / kMicrobatches));
  // Weights that are none.
  for (double weight : {-0.5, double(INFINITY), double(NAN)}) {
    all.weights[1] = weight;
    conclude(0);
    EXPECT_EQ(s.is_finite, 0) << weight;
  }
  // Nothing counts.
  std::fill_n(all.weights, kMicrobatches, 0.0);
  all.squares[0] = 0;
  conclude(1);
  EXPECT_EQ(summary[PPRT_SUMMARY_LOSS], 0);
  EXPECT_EQ(summary[PPRT_SUMMARY_NORM], 0);
  EXPECT_EQ(s.gradient_scale, 1);
  EXPECT_EQ(s.is_finite, 1);
}

} // namespace
