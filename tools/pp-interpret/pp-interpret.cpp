//===- pp-interpret.cpp - A training step in double precision ------------===//
//
// Prints what a compiled program of the model should compute in a step, and how
// much of it rounding may change: a JSON object with the loss and the norm of
// each gradient.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/InitAll.h"
#include "pp/Interpreter/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace pp::interpreter;

namespace {
struct Options {
  llvm::cl::OptionCategory category{"pp-interpret"};
  template <typename T> using Option = llvm::cl::opt<T>;

  Option<std::string> file{llvm::cl::Positional, llvm::cl::desc("<model>"),
                           llvm::cl::cat(category)};
  Option<std::string> data{"data", llvm::cl::desc("file of tokens"),
                           llvm::cl::cat(category)};
  Option<unsigned> width{"token-bytes", llvm::cl::init(1),
                         llvm::cl::desc("bytes a token (default 1)"),
                         llvm::cl::cat(category)};
  Option<int64_t> microbatches{"microbatches", llvm::cl::init(8),
                               llvm::cl::desc("micro-batches (default 8)"),
                               llvm::cl::cat(category)};
  Option<int64_t> step{"step", llvm::cl::init(0),
                       llvm::cl::desc("number of the step, from 0"),
                       llvm::cl::cat(category)};
  Option<uint64_t> seed{"seed", llvm::cl::init(1),
                        llvm::cl::desc("the program's --seed (default 1)"),
                        llvm::cl::cat(category)};
  Option<int64_t> documentEnd{
      "document-end", llvm::cl::init(-1),
      llvm::cl::desc("the token that ends each document, for models that keep "
                     "them apart"),
      llvm::cl::cat(category)};
  Option<std::string> load{
      "load",
      llvm::cl::desc("weights, as --load of programs has them: a "
                     "directory (default: first values by the seed)"),
      llvm::cl::cat(category)};
  Option<std::string> saveGradient{
      "save-gradient", llvm::cl::desc("write the gradient as safetensors, F64"),
      llvm::cl::cat(category)};
  Option<std::string> after{
      "after",
      llvm::cl::desc("weights that a program saved after this step of SGD "
                     "without clipping and decay: print how far its gradient "
                     "is from this one as \"distance\""),
      llvm::cl::cat(category)};
  Option<double> rate{"lr", llvm::cl::init(1),
                      llvm::cl::desc("that program's --lr (default 1)"),
                      llvm::cl::cat(category)};
  Option<unsigned> noiseRuns{
      "noise-runs", llvm::cl::init(0),
      llvm::cl::desc("compute again N times with rounding errors, and print "
                     "what they change as \"noise\""),
      llvm::cl::cat(category)};
  Option<double> scalarNoise{
      "scalar-noise", llvm::cl::init(0x1p-24),
      llvm::cl::desc("largest relative error of an operation on two numbers "
                     "(default: f32's)"),
      llvm::cl::cat(category)};
  Option<double> tensorNoise{
      "tensor-noise", llvm::cl::init(0),
      llvm::cl::desc("that of each element of an op's result (2^-9 for bf16)"),
      llvm::cl::cat(category)};
  Option<uint64_t> noiseSeed{"noise-seed", llvm::cl::init(1),
                             llvm::cl::desc("seed of the errors"),
                             llvm::cl::cat(category)};
  Option<bool> ops{
      "ops",
      llvm::cl::desc("list the ops that the compiler can differentiate, and "
                     "whether the interpreter knows them"),
      llvm::cl::cat(category)};
  Option<std::string> distort{
      "distort", llvm::cl::Hidden,
      llvm::cl::desc("make the results of this op wrong by 1/64"),
      llvm::cl::cat(category)};
};
} // namespace

static double norm(const Numbers &numbers) {
  double sum = 0;
  for (double number : numbers)
    sum += number * number;
  return std::sqrt(sum);
}

/// The norm of the difference; infinite where either is no number.
static double distance(const Numbers &a, const Numbers &b) {
  Numbers difference(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    difference[i] = a[i] - b[i];
  double result = norm(difference);
  return std::isfinite(result) ? result : INFINITY;
}

/// JSON has no infinity.
static llvm::json::Value toJSON(double number) {
  return std::isfinite(number) ? llvm::json::Value(number) : nullptr;
}

static llvm::Error run(const Options &options, pp::ModelOp model) {
  auto interpreter = Interpreter::create(model);
  if (!interpreter)
    return interpreter.takeError();
  auto file = TokenFile::read(options.data, options.width);
  if (!file)
    return file.takeError();
  std::vector<Numbers> values = interpreter->initialize(options.seed);
  if (!options.load.empty()) {
    auto loaded = interpreter->load(options.load + "/model.safetensors");
    if (!loaded)
      return loaded.takeError();
    values = std::move(*loaded);
  }
  Step step{options.microbatches, options.step, options.seed,
            options.documentEnd};
  auto exact = interpreter->run(values, *file, step, Noise(), options.distort);
  if (!exact)
    return exact.takeError();

  double lossNoise = 0;
  std::vector<double> noise(exact->gradient.size());
  for (unsigned i = 0; i < options.noiseRuns; ++i) {
    Noise errors{options.scalarNoise, options.tensorNoise,
                 options.noiseSeed + i};
    auto noisy = interpreter->run(values, *file, step, errors, options.distort);
    if (!noisy)
      return noisy.takeError();
    lossNoise = std::max(lossNoise, std::abs(noisy->loss - exact->loss));
    for (size_t p = 0; p < noise.size(); ++p)
      noise[p] =
          std::max(noise[p], distance(noisy->gradient[p], exact->gradient[p]));
  }

  std::vector<Numbers> applied = exact->gradient;
  if (!options.after.empty()) {
    auto after = interpreter->load(options.after + "/model.safetensors");
    if (!after)
      return after.takeError();
    for (size_t p = 0; p < applied.size(); ++p)
      for (size_t i = 0; i < applied[p].size(); ++i)
        applied[p][i] = (values[p][i] - (*after)[p][i]) / options.rate;
  }

  llvm::json::Array parameters;
  for (auto [op, gradient, error, value, found] :
       llvm::zip_equal(interpreter->parameters(), exact->gradient, noise,
                       values, applied)) {
    pp::ParamOp param = op;
    llvm::json::Object entry{{"name", param.getName()},
                             {"norm", toJSON(norm(gradient))},
                             {"weight_norm", toJSON(norm(value))}};
    if (options.noiseRuns != 0)
      entry["noise"] = toJSON(error);
    if (!options.after.empty())
      entry["distance"] = toJSON(distance(found, gradient));
    parameters.push_back(std::move(entry));
  }
  llvm::json::Object result{{"loss", toJSON(exact->loss)},
                            {"parameters", std::move(parameters)}};
  if (options.noiseRuns != 0)
    result["loss_noise"] = toJSON(lossNoise);
  llvm::outs() << llvm::formatv("{0:2}\n",
                                llvm::json::Value(std::move(result)));
  if (!options.saveGradient.empty())
    return interpreter->save(options.saveGradient, exact->gradient);
  return llvm::Error::success();
}

static void listOps(MLIRContext &context) {
  context
      .loadDialect<arith::ArithDialect, math::MathDialect, pp::nn::NNDialect>();
  std::vector<std::string> lines;
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.hasInterface<pp::DifferentiableOpInterface>())
      lines.push_back(
          (name.getStringRef() + (hasRule(name) ? "" : " has no rule")).str());
  llvm::sort(lines);
  for (const std::string &line : lines)
    llvm::outs() << line << "\n";
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  llvm::cl::HideUnrelatedOptions(options.category);
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "pp-interpret: a training step in double precision\n\n"
      "Loss and gradients of the first step of a program of <model>, computed "
      "from the\nmodel without differentiation of tensors, code generation or "
      "runtime.\n");
  mlir::DialectRegistry registry;
  pp::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  if (options.ops) {
    listOps(context);
    return 0;
  }
  if (options.file.empty() || options.data.empty()) {
    llvm::errs() << "pp-interpret: found no model or no --data, expected both: "
                    "pp-interpret MODEL --data=FILE\n";
    return 1;
  }
  auto module = parseSourceFile<ModuleOp>(options.file, &context);
  if (!module)
    return 1;
  auto models = module->getOps<pp::ModelOp>();
  if (!llvm::hasSingleElement(models)) {
    llvm::errs() << "pp-interpret: found "
                 << std::distance(models.begin(), models.end()) << " models in "
                 << options.file << ", expected one\n";
    return 1;
  }
  if (llvm::Error error = run(options, *models.begin())) {
    llvm::errs() << "pp-interpret: " << toString(std::move(error)) << "\n";
    return 1;
  }
  return 0;
}
