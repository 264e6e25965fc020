//===- pp-check-layers.cpp - Run lowered functions, f32 against f64 -------===//
//
// Lowers and runs every function of a file twice: as it stands, and with f64 in
// the place of f32. The two share the formulas, but f64 goes through plain
// loops and libm where f32 goes through library kernels, polynomials and fused
// vector code; so a difference beyond rounding is a wrong lowering. Results and
// workspace start as NaN: what is never written, or read before, shows.
//
// Inputs are random numbers in [-1, 1), ids in [0, 5), masks 0 or 1, keys are
// 42.
// With --gpu it is the kernels for GPUs that run in f32, on an emulated device.
// With --emit nothing runs here: both become object files of a program that
// does the same on a GPU (runtime/check).
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "EmulatedDevice.h"

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/CodeGen/JIT.h"
#include "pp/CodeGen/Native.h"
#include "pp/CodeGen/Passes.h"
#include "pp/InitAll.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Target/TargetMachine.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <random>

using namespace mlir;
namespace cl = llvm::cl;

static cl::opt<std::string> inputFile(cl::Positional, cl::init("-"),
                                      cl::desc("<file>"));
static cl::opt<double> tolerance("tolerance", cl::init(2e-5),
                                 cl::desc("error allowed, relative to the "
                                          "largest number of a result"));
static cl::opt<bool> print("print", cl::desc("print the f64 results"));
static cl::opt<bool> checkGPU("gpu",
                              cl::desc("check the kernels for GPUs, on an "
                                       "emulated device"));
static cl::opt<bool>
    sameTypes("same-types",
              cl::desc("compare with the host's code in the same types, not "
                       "in f64 (with --gpu)"));
static cl::opt<std::string>
    emitPrefix("emit", cl::value_desc("prefix"),
               cl::desc("write PREFIX.device.o and PREFIX.reference.o, which "
                        "are a program with libpprt_check.a (with --gpu)"));
static cl::opt<std::string> chip("chip", cl::init("sm_90a"),
                                 cl::desc("chip of the GPU (with --emit)"));
static cl::opt<std::string>
    cpu("cpu", cl::desc("CPU to generate code for (with --emit; default: this "
                        "one)"));
static cl::opt<bool> emulate("emulate-device",
                             cl::desc("kernels for the host, too (with "
                                      "--emit)"));
static cl::opt<bool> wideBF16("wide-bf16",
                              cl::desc("f64 in the place of bf16, too"));
static cl::opt<unsigned> repeat("time", cl::init(0),
                                cl::desc("run the f32 function N times and "
                                         "print the shortest, in ms"));

namespace {
/// 64-byte aligned memory for one tensor.
class Buffer {
public:
  Buffer(size_t bytes, int fill)
      : data(std::aligned_alloc(64, (bytes + 64) / 64 * 64)) {
    std::memset(data, fill, bytes);
  }
  Buffer(Buffer &&other) : data(std::exchange(other.data, nullptr)) {}
  ~Buffer() { std::free(data); }
  void *data;
};

/// One lowered function with its buffers.
struct Run {
  std::vector<Buffer> buffers;
  std::vector<void *> arguments; ///< pointers, or keys by value
  std::vector<std::pair<void *, RankedTensorType>> results;
};

/// A module lowered and compiled.
struct Compiled {
  OwningOpRef<ModuleOp> source, lowered;
  std::unique_ptr<ExecutionEngine> engine;
  void *context = nullptr; ///< of its functions
};
} // namespace

static double valueAt(const void *data, Type element, int64_t i) {
  if (element.isF32())
    return static_cast<const float *>(data)[i];
  if (element.isF64())
    return static_cast<const double *>(data)[i];
  if (element.isInteger(32))
    return static_cast<const int32_t *>(data)[i];
  if (element.isInteger(64))
    return static_cast<const int64_t *>(data)[i];
  if (element.isInteger()) // of fewer bits, masks
    return static_cast<const int8_t *>(data)[i];
  uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t *>(data)[i])
                  << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

static void setValue(void *data, Type element, int64_t i, double value) {
  if (element.isF32()) {
    static_cast<float *>(data)[i] = value;
  } else if (element.isF64()) {
    // Numbers that f32 has too.
    static_cast<double *>(data)[i] = static_cast<float>(value);
  } else if (element.isInteger(32)) {
    static_cast<int32_t *>(data)[i] = std::floor(value);
  } else if (element.isInteger(64)) {
    static_cast<int64_t *>(data)[i] = std::floor(value);
  } else if (element.isInteger()) {
    static_cast<int8_t *>(data)[i] = std::floor(value);
  } else {
    float narrow = value;
    uint32_t bits;
    std::memcpy(&bits, &narrow, 4);
    static_cast<uint16_t *>(data)[i] = bits >> 16;
  }
}

static size_t sizeOf(RankedTensorType type) {
  return type.getNumElements() * pp::getElementBytes(type.getElementType());
}

/// Buffers for a function of the source module; the same numbers whatever the
/// element type.
static Run prepare(func::FuncOp function, int64_t workspace, bool onDevice) {
  Run run;
  std::mt19937_64 random(7);
  auto newBuffer = [&](size_t bytes) {
    run.buffers.emplace_back(bytes, 0xff);
    return run.buffers.back().data;
  };
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type) {
      static int64_t key = 42;
      run.arguments.push_back(onDevice ? &key : reinterpret_cast<void *>(key));
      continue;
    }
    Type element = type.getElementType();
    double low = isa<FloatType>(element) ? -1 : 0;
    double high = low < 0 ? 1 : element.isInteger(1) ? 2 : 5;
    void *data = newBuffer(sizeOf(type));
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      setValue(data, element, i,
               low + (high - low) *
                         (static_cast<double>(random() >> 11) / (1ull << 53)));
    run.arguments.push_back(data);
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    auto tensor = cast<RankedTensorType>(type);
    if (auto index =
            function.getResultAttrOfType<IntegerAttr>(i, "pp.accumulates")) {
      run.results.push_back({run.arguments[index.getInt()], tensor});
      continue;
    }
    void *data = newBuffer(sizeOf(tensor));
    run.arguments.push_back(data);
    run.results.push_back({data, tensor});
  }
  run.arguments.push_back(newBuffer(workspace + 64));
  return run;
}

/// The features of --cpu; empty means the host's.
static std::string features() {
  if (cpu.empty())
    return "";
  std::unique_ptr<llvm::TargetMachine> machine = pp::createTargetMachine();
  return machine ? pp::featuresOf(cpu, *machine) : "";
}

/// The module with f64 in the place of f32, and of bf16 with --wide-bf16; its
/// constants are the same numbers.
static llvm::Expected<OwningOpRef<ModuleOp>> widen(ModuleOp module) {
  OwningOpRef<ModuleOp> wide = module.clone();
  Type f64 = Float64Type::get(module.getContext());
  auto isNarrow = [](Type type) {
    return type.isF32() || (wideBF16 && type.isBF16());
  };
  auto convert = [](APFloat value) {
    bool losesInfo;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    return value;
  };
  using Replaced = std::optional<std::pair<Attribute, WalkResult>>;
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](FloatType type) -> std::optional<Type> {
    return isNarrow(type) ? f64 : Type(type);
  });
  replacer.addReplacement([&](FloatAttr number) -> Replaced {
    if (!isNarrow(number.getType()))
      return std::nullopt;
    return {
        {FloatAttr::get(f64, convert(number.getValue())), WalkResult::skip()}};
  });
  replacer.addReplacement([&](DenseFPElementsAttr numbers) -> Replaced {
    if (!isNarrow(numbers.getElementType()))
      return std::nullopt;
    return {{numbers.mapValues(f64,
                               [&](const APFloat &value) {
                                 return convert(value).bitcastToAPInt();
                               }),
             WalkResult::skip()}};
  });
  replacer.recursivelyReplaceElementsIn(*wide, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  if (failed(verify(*wide)))
    return llvm::createStringError("the input has no form in f64");
  return wide;
}

static llvm::Expected<Compiled> compile(ModuleOp source,
                                        bool onDevice = false) {
  Compiled result;
  result.source = source.clone();
  result.lowered = source.clone();
  PassManager manager(source.getContext());
  if (onDevice) {
    pp::LowerLayersGPUOptions options;
    options.emulate = emitPrefix.empty() || emulate;
    options.chip = chip.getValue();
    options.cubin = !emitPrefix.empty();
    options.cpu = cpu.getValue();
    options.features = features();
    pp::buildLowerLayersGPUPipeline(manager, options);
  } else {
    pp::LowerLayersOptions options;
    options.cpu = cpu.getValue();
    options.features = features();
    pp::buildLowerLayersPipeline(manager, options);
  }
  if (failed(manager.run(*result.lowered)))
    return llvm::createStringError("the input does not lower");
  if (!emitPrefix.empty())
    return result;
  auto engine = pp::createJIT(
      *result.lowered, onDevice ? pp::emulatedDeviceSymbols()
                                : ArrayRef<std::pair<StringRef, void *>>());
  if (!engine)
    return engine.takeError();
  if (onDevice)
    result.context = llvm::cantFail((*engine)->lookup("pprt_gpu_program_code"));
  result.engine = std::move(*engine);
  return result;
}

static Run prepare(Compiled &compiled, StringRef name, bool onDevice) {
  auto lowered = compiled.lowered->lookupSymbol<LLVM::LLVMFuncOp>(name);
  int64_t workspace =
      lowered->getAttrOfType<IntegerAttr>("pp.workspace").getInt();
  return prepare(compiled.source->lookupSymbol<func::FuncOp>(name), workspace,
                 onDevice);
}

/// Compares the results of one function; false if they differ.
static bool check(StringRef name, Compiled &narrow, Compiled &wide) {
  Run a = prepare(narrow, name, checkGPU), b = prepare(wide, name, false);
  if (a.arguments.size() > 31) {
    llvm::errs() << name << ": found " << a.arguments.size()
                 << " arguments, expected at most 31\n";
    return false;
  }
  void *functionA = llvm::cantFail(narrow.engine->lookup(name));
  void *functionB = llvm::cantFail(wide.engine->lookup(name));
  pp::callWithContext(functionA, narrow.context, a.arguments);
  pp::callWithContext(functionB, wide.context, b.arguments);
  bool good = true;
  for (size_t i = 0; i < a.results.size(); ++i) {
    auto [dataA, typeA] = a.results[i];
    auto [dataB, typeB] = b.results[i];
    double error = 0, largest = 0;
    for (int64_t j = 0; j < typeA.getNumElements(); ++j) {
      double x = valueAt(dataA, typeA.getElementType(), j);
      double y = valueAt(dataB, typeB.getElementType(), j);
      error = std::isnan(x) || std::isnan(y)
                  ? INFINITY
                  : std::max(error, std::fabs(x - y));
      largest = std::max(largest, std::fabs(y));
      if (std::isinf(error))
        break;
    }
    // Infinities that are equal differ by nothing.
    bool within = error == 0 || error <= tolerance * std::max(largest, 1.0);
    good &= within;
    llvm::outs()
        << name << " result " << i << ": " << (within ? "equal" : "DIFFERENT")
        << (within ? ""
                   : llvm::formatv(", error {0} of {1}", error, largest).str())
        << "\n";
    if (print) {
      for (int64_t j = 0; j < typeB.getNumElements(); ++j)
        llvm::outs() << (j ? " " : "  ")
                     << llvm::format("%.6g",
                                     valueAt(dataB, typeB.getElementType(), j));
      llvm::outs() << "\n";
    }
  }
  double shortest = INFINITY;
  for (unsigned i = 0; i < repeat; ++i) {
    auto start = std::chrono::steady_clock::now();
    pp::callWithContext(functionA, narrow.context, a.arguments);
    std::chrono::duration<double, std::milli> time =
        std::chrono::steady_clock::now() - start;
    shortest = std::min(shortest, time.count());
  }
  if (repeat)
    llvm::outs() << name << ": " << llvm::format("%.3f ms\n", shortest);
  return good;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(
      argc, argv, "runs lowered functions in f32 and in f64 and compares\n");
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(inputFile, /*IsText=*/true);
  if (!file) {
    llvm::errs() << inputFile << ": " << file.getError().message() << "\n";
    return 1;
  }
  DialectRegistry registry;
  pp::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> source =
      parseSourceString<ModuleOp>((*file)->getBuffer(), &context);
  if (!source) {
    llvm::errs() << "the input does not parse\n";
    return 1;
  }
  if (!emitPrefix.empty() && (!checkGPU || sameTypes)) {
    llvm::errs() << "found --emit "
                 << (checkGPU ? "with --same-types" : "without --gpu")
                 << ", expected kernels for GPUs against f64: write --gpu "
                    "--emit=PREFIX\n";
    return 1;
  }
  auto functions = source->getOps<func::FuncOp>();
  if (functions.empty()) {
    llvm::errs() << "found no function in the input, expected at least one to "
                    "check\n";
    return 1;
  }
  for (auto function : functions)
    if (function.isExternal()) {
      function.emitError("found a declaration, expected a function with a "
                         "body: give it one");
      return 1;
    }
  PassManager resources(&context);
  resources.addPass(pp::createReadResources());
  if (failed(resources.run(*source)))
    return 1;
  auto narrow = compile(*source, checkGPU);
  if (!narrow) {
    llvm::errs() << llvm::toString(narrow.takeError()) << "\n";
    return 1;
  }
  if (!sameTypes) {
    auto widened = widen(*source);
    if (!widened) {
      llvm::errs() << llvm::toString(widened.takeError()) << "\n";
      return 1;
    }
    source = std::move(*widened);
  }
  auto wide = compile(*source);
  if (!wide) {
    llvm::errs() << llvm::toString(wide.takeError()) << "\n";
    return 1;
  }
  if (!emitPrefix.empty()) {
    if (llvm::Error error =
            pp::emitCheck(emitPrefix, {*narrow->source, *narrow->lowered},
                          {*wide->source, *wide->lowered}, cpu, features())) {
      llvm::errs() << llvm::toString(std::move(error)) << "\n";
      return 1;
    }
    return 0;
  }
  bool good = true;
  for (auto function : narrow->source->getOps<func::FuncOp>())
    good &= check(function.getName(), *narrow, *wide);
  return good ? 0 : 1;
}
