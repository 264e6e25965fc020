//===- pp-gradcheck.cpp - Gradients against finite differences -----------===//
//
// For each public function and each layer of a file: numbers are drawn for the
// arguments and for the cotangents of the results. In f64, the backward function must then
// agree with central differences of the forward function, element by element,
// and both functions with the interpreter; in f32 both must agree with f64.
// Inputs are numbers that f32 can hold, so that ties and kinks are at the same
// places in both.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"

#include "pp/CodeGen/Passes.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/InitAll.h"
#include "pp/Interpreter/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/TargetSelect.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace pp::gradcheck;

namespace {

struct Options {
  llvm::cl::OptionCategory category{"pp-gradcheck"};
  llvm::cl::opt<std::string> file{llvm::cl::Positional, llvm::cl::init("-"),
                                  llvm::cl::desc("<file>"),
                                  llvm::cl::cat(category)};
  llvm::cl::opt<unsigned> seed{"seed", llvm::cl::init(1),
                               llvm::cl::desc("seed of the random inputs"),
                               llvm::cl::cat(category)};
  llvm::cl::opt<size_t> elements{
      "elements", llvm::cl::init(1000),
      llvm::cl::desc("check at most about so many elements of an argument, "
                     "spread evenly"),
      llvm::cl::cat(category)};
  llvm::cl::opt<double> tolerance{
      "tolerance", llvm::cl::init(1e-7),
      llvm::cl::desc("largest error of a gradient in f64, relative to the "
                     "largest element of the gradient"),
      llvm::cl::cat(category)};
  llvm::cl::opt<double> f32Tolerance{
      "f32-tolerance", llvm::cl::init(1e-4),
      llvm::cl::desc("the same for results and gradients in f32 against f64"),
      llvm::cl::cat(category)};
};

/// Checks one function and prints a line for each argument.
class Check {
public:
  Check(const Options &options, func::FuncOp function)
      : options(options), function(function), random(options.seed) {}
  /// Whether all gradients are right; an error where they could not be computed.
  llvm::Expected<bool> run();

private:
  Numbers draw(unsigned argument, Type type);
  llvm::Expected<double> weightedSum(const std::vector<Numbers> &arguments);
  size_t strideOf(unsigned argument) const {
    return std::max<size_t>(1, arguments[argument].size() / options.elements);
  }
  llvm::Expected<Numbers> differences(unsigned argument);
  llvm::Error drawAll();
  llvm::Expected<bool> checkF64();
  llvm::Expected<bool> checkInterpreter();
  llvm::Expected<bool> checkF32();
  bool report(StringRef what, double error, double scale, double tolerance);

  const Options &options;
  func::FuncOp function;
  std::mt19937_64 random;
  std::unique_ptr<Compiled> f64;
  std::vector<Numbers> arguments, cotangents, accumulators, results, gradients;
};

double largest(const Numbers &numbers) {
  double maximum = 0;
  for (double number : numbers)
    // A NaN must not get lost in a comparison.
    maximum = std::isnan(number) ? number : std::max(maximum, std::abs(number));
  return maximum;
}

/// Largest difference of two equally long lists, NaN if there is one.
double distance(const Numbers &a, const Numbers &b) {
  Numbers difference(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    difference[i] = a[i] - b[i];
  for (double number : difference)
    if (std::isnan(number))
      return number;
  return largest(difference);
}

bool isFloat(Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type));
}

} // namespace

/// Uniform in `nn.range = [low, high]`, by default [-1, 1] for floats and
/// [0, 1] for integers, ends included.
Numbers Check::draw(unsigned argument, Type type) {
  double low = isFloat(type) ? -1 : 0, high = 1;
  auto range = function.getArgAttrOfType<ArrayAttr>(argument, "nn.range");
  if (range && range.size() == 2) {
    auto number = [](Attribute attribute) {
      if (auto integer = dyn_cast<IntegerAttr>(attribute))
        return double(integer.getInt());
      return cast<FloatAttr>(attribute).getValueAsDouble();
    };
    low = number(range[0]);
    high = number(range[1]);
  }
  auto shaped = dyn_cast<ShapedType>(type);
  Numbers numbers(shaped ? shaped.getNumElements() : 1);
  std::uniform_real_distribution<double> real(low, high);
  std::uniform_int_distribution<int64_t> integer{
      static_cast<int64_t>(low), static_cast<int64_t>(high)};
  for (double &number : numbers)
    number = isFloat(type) ? double(float(real(random)))
                           : double(integer(random));
  return numbers;
}

llvm::Error Check::drawAll() {
  for (auto [i, type] : llvm::enumerate(f64->argumentTypes)) {
    arguments.push_back(draw(i, type));
    Numbers accumulator(arguments.back().size());
    std::uniform_real_distribution<double> real(-1, 1);
    for (double &number : accumulator)
      number = float(real(random));
    accumulators.push_back(accumulator);
  }
  auto values = f64->evaluate(arguments);
  if (!values)
    return values.takeError();
  results = *values;
  for (auto [i, result] : llvm::enumerate(results)) {
    Numbers cotangent(result.size());
    std::uniform_real_distribution<double> real(-1, 1);
    for (double &number : cotangent)
      number = isFloat(f64->resultTypes[i]) &&
                       !function.getResultAttr(i, "nn.constant")
                   ? float(real(random))
                   : 0;
    cotangents.push_back(cotangent);
  }
  return llvm::Error::success();
}

/// The scalar whose gradient the backward function computes: the results
/// weighted by their cotangents. Values near the point are subtracted before
/// the sum so that large results cost no accuracy.
llvm::Expected<double>
Check::weightedSum(const std::vector<Numbers> &at) {
  auto values = f64->evaluate(at);
  if (!values)
    return values.takeError();
  double sum = 0;
  for (size_t i = 0; i < values->size(); ++i)
    for (size_t j = 0; j < (*values)[i].size(); ++j)
      if (cotangents[i][j] != 0)
        sum += cotangents[i][j] * ((*values)[i][j] - results[i][j]);
  return sum;
}

/// Central differences of fourth order: the error is that of the arithmetic,
/// about 1e-13 of the result, not that of the formula. Only every
/// strideOf(argument)-th element, the others are left out.
llvm::Expected<Numbers> Check::differences(unsigned argument) {
  Numbers gradient;
  std::vector<Numbers> at = arguments;
  size_t stride = strideOf(argument);
  for (size_t i = 0; i < arguments[argument].size(); i += stride) {
    double x = arguments[argument][i], step = 1.0 / 1024;
    double values[4];
    const int offsets[4] = {-2, -1, 1, 2};
    for (unsigned k = 0; k < 4; ++k) {
      at[argument][i] = x + offsets[k] * step;
      auto value = weightedSum(at);
      if (!value)
        return value.takeError();
      values[k] = *value;
    }
    at[argument][i] = x;
    gradient.push_back(
        (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step));
  }
  return gradient;
}

bool Check::report(StringRef what, double error, double scale,
                   double tolerance) {
  // Gradients that are zero everywhere are compared with the inputs' size, 1.
  double relative = error / (scale > 1e-6 ? scale : 1.0);
  bool good = relative <= tolerance; // false for NaN
  llvm::outs() << "@" << function.getSymName() << " " << what << ": error "
               << llvm::format("%.1e", relative) << (good ? "" : " TOO LARGE")
               << "\n";
  return good;
}

llvm::Expected<bool> Check::checkF64() {
  auto analytic = f64->differentiate(arguments, cotangents, accumulators);
  if (!analytic)
    return analytic.takeError();
  gradients = *analytic;
  bool good = true;
  for (auto [i, type] : llvm::enumerate(f64->argumentTypes)) {
    if (!isFloat(type) || function.getArgAttr(i, "nn.constant"))
      continue;
    auto numeric = differences(i);
    if (!numeric)
      return numeric.takeError();
    // No result stands for a gradient of zero.
    Numbers gradient(numeric->size(), 0.0);
    for (size_t j = 0; j < gradient.size() && !gradients[i].empty(); ++j) {
      size_t element = j * strideOf(i);
      gradient[j] = gradients[i][element];
      if (f64->accumulated[i])
        gradient[j] -= accumulators[i][element];
    }
    good &= report(("argument " + Twine(i)).str(),
                   distance(gradient, *numeric), largest(*numeric),
                   options.tolerance);
  }
  return good;
}

/// The interpreter, which differentiates in its own way. The function may hold
/// f32, which it computes in double precision all the same.
llvm::Expected<bool> Check::checkInterpreter() {
  auto found = pp::interpreter::evaluate(function.getBody().front(), arguments,
                                         cotangents);
  if (!found)
    return found.takeError();
  bool good = true;
  for (size_t i = 0; i < results.size(); ++i)
    good &= report(("interpreted result " + Twine(i)).str(),
                   distance(found->results[i], results[i]), largest(results[i]),
                   options.tolerance);
  for (size_t i = 0; i < gradients.size(); ++i) {
    Numbers gradient = gradients[i];
    if (gradient.empty())
      continue;
    for (size_t j = 0; j < gradient.size() && f64->accumulated[i]; ++j)
      gradient[j] -= accumulators[i][j];
    good &= report(("interpreted gradient " + Twine(i)).str(),
                   distance(found->gradients[i], gradient), largest(gradient),
                   options.tolerance);
  }
  return good;
}

llvm::Expected<bool> Check::checkF32() {
  auto f32 = Compiled::create(function, 32);
  if (!f32)
    return f32.takeError();
  auto values = (*f32)->evaluate(arguments);
  if (!values)
    return values.takeError();
  auto narrow = (*f32)->differentiate(arguments, cotangents, accumulators);
  if (!narrow)
    return narrow.takeError();
  bool good = true;
  for (size_t i = 0; i < results.size(); ++i)
    good &= report(("f32 result " + Twine(i)).str(),
                   distance((*values)[i], results[i]), largest(results[i]),
                   options.f32Tolerance);
  for (size_t i = 0; i < gradients.size(); ++i)
    if (!gradients[i].empty())
      good &= report(("f32 gradient " + Twine(i)).str(),
                     distance((*narrow)[i], gradients[i]),
                     largest(gradients[i]), options.f32Tolerance);
  return good;
}

llvm::Expected<bool> Check::run() {
  auto compiled = Compiled::create(function, 64);
  if (!compiled)
    return compiled.takeError();
  f64 = std::move(*compiled);
  if (llvm::Error failure = drawAll())
    return std::move(failure);
  auto wide = checkF64();
  if (!wide)
    return wide;
  auto interpreted = checkInterpreter();
  if (!interpreted)
    return interpreted;
  auto narrow = checkF32();
  if (!narrow)
    return narrow;
  return *wide && *interpreted && *narrow;
}

/// A copy of `layer` as a function whose parameters have accumulators.
static void addFunction(pp::LayerOp layer) {
  OpBuilder builder(layer);
  auto function = func::FuncOp::create(
      builder, layer.getLoc(), (layer.getSymName() + ".layer").str(),
      builder.getFunctionType(layer.getArgumentTypes(),
                              layer.getResultTypes()));
  IRMapping mapping;
  layer.getBody().cloneInto(&function.getBody(), mapping);
  Operation *yield = function.getBody().front().getTerminator();
  builder.setInsertionPoint(yield);
  func::ReturnOp::create(builder, yield->getLoc(), yield->getOperands());
  yield->erase();
  for (unsigned i = layer.getNumInputs(); i < layer.getNumArguments(); ++i)
    function.setArgAttr(i, "nn.accumulate", builder.getUnitAttr());
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  Options options;
  llvm::cl::HideUnrelatedOptions(options.category);
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "pp-gradcheck: derivatives of functions against finite differences and\n"
      "the interpreter\n\n"
      "Checks each public func.func of nn, arith and math ops in <file>, and "
      "each pp.layer.\n"
      "Attributes of arguments: nn.range = [low, high] bounds the random "
      "numbers,\nnn.constant asks for no gradient, nn.accumulate for one that "
      "is added to\nan accumulator. nn.constant on a result leaves its "
      "cotangent out.\n");

  DialectRegistry registry;
  pp::registerAllDialects(registry);
  registerAllToLLVMIRTranslations(registry);
  MLIRContext context(registry);
  context.loadDialect<arith::ArithDialect, func::FuncDialect>();
  auto module = parseSourceFile<ModuleOp>(options.file, &context);
  if (!module)
    return 1;
  PassManager resources(&context);
  resources.addPass(pp::createReadResources());
  if (failed(resources.run(*module)))
    return 1;
  for (auto layer : module->getOps<pp::LayerOp>())
    addFunction(layer);
  unsigned checked = 0;
  bool good = true;
  for (auto function : module->getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isExternal())
      continue;
    ++checked;
    auto result = Check(options, function).run();
    if (!result) {
      llvm::errs() << "pp-gradcheck: @" << function.getSymName() << ": "
                   << toString(result.takeError()) << "\n";
      good = false;
    } else {
      good &= *result;
    }
  }
  if (checked == 0) {
    llvm::errs() << "pp-gradcheck: found no public function in " << options.file
                 << ", expected at least one func.func or pp.layer\n";
    return 1;
  }
  llvm::outs() << (good ? "all gradients agree" : "gradients DIFFER") << "\n";
  return good ? 0 : 1;
}
