//===- MathFunctionsTest.cpp - Errors of functions of f32 -----------------===//
//
// Every function that layers compute in f32, over all of f32: 128 numbers of
// each sign and exponent, denormals, zeros, infinities and NaN among them,
// against the C library in f64. The bounds are those of docs/Rationale.md.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/JIT.h"
#include "pp/CodeGen/Passes.h"
#include "pp/InitAll.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

using namespace mlir;

namespace {

constexpr size_t kCount = 65536;
using Numbers = std::vector<float>;

struct Function {
  const char *name;
  double (*exact)(double);
  /// Units in the last place of the exact result.
  double bound;
  /// Results below the least normal number may be zero.
  bool flushes = false;
};

const Function kFunctions[] = {
    {"acos", [](double x) { return std::acos(x); }, 0.51},
    {"acosh", [](double x) { return std::acosh(x); }, 0.51},
    {"asin", [](double x) { return std::asin(x); }, 0.51},
    {"asinh", [](double x) { return std::asinh(x); }, 0.51},
    {"atan", [](double x) { return std::atan(x); }, 0.51},
    {"atanh", [](double x) { return std::atanh(x); }, 0.51},
    {"cbrt", [](double x) { return std::cbrt(x); }, 0.51},
    {"ceil", [](double x) { return std::ceil(x); }, 0},
    {"cos", [](double x) { return std::cos(x); }, 0.51},
    {"cosh", [](double x) { return std::cosh(x); }, 0.51},
    {"erf", [](double x) { return std::erf(x); }, 5},
    {"erfc", [](double x) { return std::erfc(x); }, 3, true},
    {"exp", [](double x) { return std::exp(x); }, 5, true},
    {"exp2", [](double x) { return std::exp2(x); }, 0.51},
    {"expm1", [](double x) { return std::expm1(x); }, 5},
    {"floor", [](double x) { return std::floor(x); }, 0},
    {"log", [](double x) { return std::log(x); }, 1},
    {"log10", [](double x) { return std::log10(x); }, 0.51},
    {"log1p", [](double x) { return std::log1p(x); }, 2.5},
    {"log2", [](double x) { return std::log2(x); }, 0.51},
    {"round", [](double x) { return std::round(x); }, 0},
    {"roundeven", [](double x) { return std::nearbyint(x); }, 0},
    {"rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1.5},
    {"sin", [](double x) { return std::sin(x); }, 0.51},
    {"sinh", [](double x) { return std::sinh(x); }, 0.51},
    {"sqrt", [](double x) { return std::sqrt(x); }, 0.51},
    {"tan", [](double x) { return std::tan(x); }, 0.51},
    {"tanh", [](double x) { return std::tanh(x); }, 5},
};

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// The distance of the numbers of f32 around `value`.
double unitOf(double value) {
  int exponent;
  std::frexp(std::min(std::fabs(value), double(FLT_MAX)), &exponent);
  return std::ldexp(1.0, std::max(exponent - 24, -149));
}

/// How far `found` is from `exact` in units; infinity for another kind of
/// number.
double errorOf(float found, double exact, const Function &function) {
  float rounded = float(exact);
  if (std::isnan(rounded) || std::isnan(found))
    return std::isnan(rounded) && std::isnan(found) ? 0 : INFINITY;
  // Just below and above what rounds to infinity.
  if (std::isinf(rounded) || std::isinf(found))
    return rounded == found ||
                   std::nextafter(std::isinf(found) ? rounded : found,
                                  INFINITY) == INFINITY
               ? 0
               : INFINITY;
  if (function.flushes && found == 0 && std::fabs(exact) < FLT_MIN)
    return 0;
  return std::fabs(found - exact) / unitOf(exact);
}

/// Functions @f_NAME on tensors of kCount elements, compiled.
class Library {
public:
  Library() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {
    std::string text;
    const std::string type = "tensor<" + std::to_string(kCount) + "xf32>";
    for (const Function &function : kFunctions)
      text += "func.func @f_" + std::string(function.name) + "(%x: " + type +
              ") -> " + type + " {\n  %y = math." + function.name +
              " %x : " + type + "\n  return %y : " + type + "\n}\n";
    for (const char *name : {"atan2", "powf"})
      text += "func.func @f_" + std::string(name) + "(%x: " + type +
              ", %z: " + type + ") -> " + type + " {\n  %y = math." + name +
              " %x, %z : " + type + "\n  return %y : " + type + "\n}\n";
    module = parseSourceString<ModuleOp>(text, &context);
    PassManager manager(&context);
    pp::LowerLayersOptions options;
    pp::buildLowerLayersPipeline(manager, options);
    if (!module || failed(manager.run(*module)))
      llvm::report_fatal_error("the functions do not lower");
    engine = llvm::cantFail(pp::createJIT(*module));
  }

  Numbers run(StringRef name, const Numbers &x) {
    Numbers y(kCount);
    auto function =
        reinterpret_cast<void (*)(void *, const float *, float *, void *)>(
            llvm::cantFail(engine->lookup(("f_" + name).str())));
    function(nullptr, aligned(x, 0), aligned(y, 1), nullptr);
    return result(1);
  }
  Numbers run(StringRef name, const Numbers &x, const Numbers &z) {
    Numbers y(kCount);
    auto function = reinterpret_cast<void (*)(void *, const float *,
                                              const float *, float *, void *)>(
        llvm::cantFail(engine->lookup(("f_" + name).str())));
    function(nullptr, aligned(x, 0), aligned(z, 1), aligned(y, 2), nullptr);
    return result(2);
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    pp::registerAllDialects(registry);
    return registry;
  }
  float *aligned(const Numbers &numbers, int slot) {
    std::memcpy(memory[slot], numbers.data(), sizeof memory[slot]);
    return memory[slot];
  }
  Numbers result(int slot) {
    return Numbers(memory[slot], memory[slot] + kCount);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<ExecutionEngine> engine;
  alignas(64) float memory[3][kCount];
};

/// The library lives as long as the tests: an engine compiles what ends it, and
/// must not do so when the program's own static objects go.
class MathFunctions : public ::testing::Test {
protected:
  static void SetUpTestSuite() { shared = std::make_unique<Library>(); }
  static void TearDownTestSuite() { shared.reset(); }
  static Library &library() { return *shared; }

private:
  static std::unique_ptr<Library> shared;
};
std::unique_ptr<Library> MathFunctions::shared;

/// Numbers of every sign and exponent.
Numbers everywhere() {
  Numbers numbers;
  std::mt19937 random(1);
  for (uint32_t upper = 0; upper < 512; ++upper)
    for (uint32_t i = 0; i < 128; ++i) {
      uint32_t ends[] = {0, 1, 0x7fffff};
      numbers.push_back(
          fromBits(upper << 23 | (i < 3 ? ends[i] : random() & 0x7fffff)));
    }
  return numbers;
}

TEST_F(MathFunctions, KeepTheirBoundsForAllNumbers) {
  Numbers x = everywhere();
  for (const Function &function : kFunctions) {
    Numbers y = library().run(function.name, x);
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < kCount; ++i) {
      double error = errorOf(y[i], function.exact(x[i]), function);
      if (error > worst) {
        worst = error;
        at = i;
      }
    }
    EXPECT_LE(worst, function.bound)
        << function.name << "(" << x[at] << ") = " << y[at] << ", expected "
        << function.exact(x[at]);
    RecordProperty(function.name, std::to_string(worst));
  }
}

TEST_F(MathFunctions, SinAndCosAreAtMostOne) {
  Numbers x = everywhere();
  for (const char *name : {"sin", "cos"})
    for (float y : library().run(name, x))
      EXPECT_FALSE(std::fabs(y) > 1) << name;
}

/// Positions of a sinusoidal embedding, and neighbours of multiples of pi/2,
/// where almost all digits cancel.
TEST_F(MathFunctions, SinAndCosNearTheirZeros) {
  Numbers x;
  for (int i = 0; i < 8192; ++i)
    x.push_back(float(i));
  for (int i = 1; x.size() < kCount; i = i * 1.001 + 1) {
    float zero = float(i * (M_PI / 2));
    for (float number : {zero, std::nextafter(zero, 0.f), -zero})
      if (x.size() < kCount)
        x.push_back(number);
    if (i > 2000000000 / 2)
      i = 1;
  }
  // The number of f32 that is closest to a multiple of pi/2.
  x[0] = 16367173.0f * 0x1p72f;
  Function any{"", nullptr, 0};
  Numbers sines = library().run("sin", x), cosines = library().run("cos", x);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_LE(errorOf(sines[i], std::sin(double(x[i])), any), 0.51) << x[i];
    ASSERT_LE(errorOf(cosines[i], std::cos(double(x[i])), any), 0.51) << x[i];
  }
}

/// Pairs of special numbers, then random ones.
std::pair<Numbers, Numbers> pairs() {
  const float special[] = {0.f,       -0.f,     1,        -1,        INFINITY,
                           -INFINITY, NAN,      0.5f,     -0.5f,     2,
                           -2,        3,        -3,       1e-40f,    -1e-40f,
                           FLT_MAX,   -FLT_MAX, 16777215, 16777216,  33,
                           -33,       2.5f,     -2.5f,    1.0000001f};
  Numbers a, b;
  for (float x : special)
    for (float z : special) {
      a.push_back(x);
      b.push_back(z);
    }
  std::mt19937 random(1);
  std::uniform_real_distribution<float> size(0, 4), exponent(-30, 30);
  while (a.size() < kCount) {
    bool any = a.size() % 2;
    a.push_back(any ? fromBits(uint32_t(random())) : size(random));
    b.push_back(any ? fromBits(uint32_t(random())) : exponent(random));
  }
  return {a, b};
}

TEST_F(MathFunctions, OfTwoNumbers) {
  auto [a, b] = pairs();
  Function any{"", nullptr, 0};
  Numbers angles = library().run("atan2", a, b);
  Numbers powers = library().run("powf", a, b);
  for (size_t i = 0; i < kCount; ++i) {
    double x = a[i], z = b[i];
    EXPECT_LE(errorOf(angles[i], std::atan2(x, z), any), 0.51)
        << "atan2(" << x << ", " << z << ") = " << angles[i];
    // Zeros have signs, NaN has none.
    if (!std::isnan(angles[i]))
      EXPECT_EQ(std::signbit(angles[i]), std::signbit(std::atan2(x, z)))
          << "atan2(" << x << ", " << z << ")";
    EXPECT_LE(errorOf(powers[i], std::pow(x, z), any), 0.51)
        << x << " to the " << z << " = " << powers[i];
  }
}

} // namespace
