//===- Compile.cpp - One compilation from file to file --------------------===//
//
// Reads the model, runs the pipelines up to the level that was asked for, and
// writes it. Everything that can be wrong with the request (paths, tools) is
// checked before the work starts.
//
//===----------------------------------------------------------------------===//

#include "pp/Driver/Compile.h"
#include "Link.h"
#include "Native.h"
#include "OutputFile.h"
#include "RankTable.h"
#include "Roofline.h"

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/InitAll.h"
#include "pp/Pipelines/Pipelines.h"
#include "pp/Planner/Planner.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Pass.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace mlir;
using namespace pp::driver;

namespace {

class Compilation {
public:
  Compilation(const CompileOptions &options, const char *toolPath,
              MLIRContext &context)
      : options(options), toolPath(toolPath), context(context) {}

  LogicalResult run();

private:
  using Build = LogicalResult (*)(OpPassManager &, const pp::PipelineOptions &);

  LogicalResult fail(llvm::Error error) {
    llvm::WithColor::error(llvm::errs(), "pp-compile")
        << llvm::toString(std::move(error)) << "\n";
    return failure();
  }
  LogicalResult read();
  LogicalResult runPasses(ModuleOp module, StringRef phase, Build build);
  LogicalResult plan();
  LogicalResult planToMemory(ModuleOp planned);
  void printPipeline();
  LogicalResult writeText(StringRef path,
                          llvm::function_ref<void(raw_ostream &)>);
  LogicalResult finishNative();
  /// With --save-temps: keeps the module beside the output.
  LogicalResult saveTemporary(StringRef extension);
  void printModule(raw_ostream &os);
  void finished(StringRef phase);

  const CompileOptions &options;
  const char *toolPath;
  MLIRContext &context;
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module;
  Toolchain toolchain;
  std::unique_ptr<llvm::TargetMachine> machine;
  pp::PipelineOptions pipeline;
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

} // namespace

/// With -v: what has been done, and how long it took.
void Compilation::finished(StringRef phase) {
  auto now = std::chrono::steady_clock::now();
  if (options.verbose)
    llvm::errs() << llvm::formatv(
        "{0,8:f3} s  {1}\n", std::chrono::duration<double>(now - last).count(),
        phase);
  last = now;
}

LogicalResult Compilation::read() {
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> file =
      openInputFile(options.input, &message);
  if (!file)
    return fail(llvm::createStringError(
        message + ", expected the file of a model; check its path"));
  // The same text and options give the same program; another text another.
  pipeline.fingerprint =
      llvm::toHex(ArrayRef(llvm::SHA256::hash(
                               llvm::arrayRefFromStringRef(file->getBuffer())))
                      .take_front(16),
                  /*LowerCase=*/true);
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return failure();

  SmallVector<pp::ModelOp> models(module->getOps<pp::ModelOp>());
  if (models.size() != 1) {
    InFlightDiagnostic diagnostic = emitError(
        models.empty() ? module->getLoc() : models[1].getLoc(), "found ");
    if (models.empty())
      diagnostic << "no pp.model, expected one; the file must describe a "
                    "model, see examples/gpt.mlir";
    else
      diagnostic << models.size()
                 << " pp.model, expected one; put each into a file of its own";
    if (models.size() > 1)
      diagnostic.attachNote(models[0].getLoc()) << "the first one is here";
    return diagnostic;
  }
  finished("read");
  return success();
}

LogicalResult Compilation::runPasses(ModuleOp module, StringRef phase,
                                     Build build) {
  PassManager manager(&context);
  if (options.timePasses)
    manager.enableTiming();
  if (failed(build(manager, pipeline)) || failed(manager.run(module)))
    return failure();
  finished(phase);
  return success();
}

LogicalResult Compilation::planToMemory(ModuleOp planned) {
  return success(succeeded(runPasses(planned, "programs of the ranks",
                                     pp::buildRankPipeline)) &&
                 succeeded(runPasses(planned, "layers and memory",
                                     pp::buildMemoryPipeline)));
}

/// From the model to programs and their memory, or to the level asked for.
LogicalResult Compilation::plan() {
  auto toPlan = [&](ModuleOp model) {
    return runPasses(model, "partition, differentiate, schedule",
                     pp::buildPlanPipeline);
  };
  OwningOpRef<ModuleOp> withinLimit;
  if (pipeline.memoryLimit) {
    // Memory decides, so that also a plan is made of what was found.
    FailureOr<OwningOpRef<ModuleOp>> found = pp::planWithinLimit(
        *module, pipeline, [&](ModuleOp model, const pp::PipelineOptions &) {
          return success(succeeded(toPlan(model)) &&
                         succeeded(planToMemory(model)));
        });
    if (failed(found))
      return failure();
    withinLimit = std::move(*found);
    if (options.emit != EmitKind::Plan && !options.saveTemps) {
      module = std::move(withinLimit);
      return success();
    }
  }
  if (failed(toPlan(*module)))
    return failure();
  if (options.emit == EmitKind::Plan)
    return success();
  if (failed(saveTemporary(".plan.mlir")))
    return failure();
  if (!withinLimit)
    return planToMemory(*module);
  module = std::move(withinLimit);
  return success();
}

LogicalResult
Compilation::writeText(StringRef path,
                       llvm::function_ref<void(raw_ostream &)> write) {
  if (llvm::Error error = writeFile(path, write))
    return fail(std::move(error));
  return success();
}

/// With --print-pipeline: what pp-opt is asked for to get the same, with all
/// that planning has decided.
void Compilation::printPipeline() {
  (options.output == "-" ? llvm::errs() : llvm::outs())
      << "pp-opt '--pp-to-llvm=" << toText(pipeline) << "' '" << options.input
      << "'\n";
}

/// A level as text. Native code of layers is no part of plan and rank level.
void Compilation::printModule(raw_ostream &os) {
  OwningOpRef<ModuleOp> shown = module->clone();
  for (ModuleOp layers : llvm::make_early_inc_range(shown->getOps<ModuleOp>()))
    layers.erase();
  shown->print(os);
  os << "\n";
}

LogicalResult Compilation::saveTemporary(StringRef extension) {
  if (!options.saveTemps)
    return success();
  return writeText(options.output + extension.str(),
                   [&](raw_ostream &os) { printModule(os); });
}

LogicalResult Compilation::finishNative() {
  llvm::LLVMContext llvmContext;
  llvm::Expected<std::unique_ptr<llvm::Module>> native =
      translate(*module, llvmContext, *machine, options);
  if (!native)
    return fail(native.takeError());
  finished("translate and optimise");
  auto printIR = [&](raw_ostream &os) { (*native)->print(os, nullptr); };
  if (options.emit == EmitKind::LLVM)
    return writeText(options.output, printIR);
  if (options.saveTemps && failed(writeText(options.output + ".ll", printIR)))
    return failure();

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  if (llvm::Error error = emitObject(**native, *machine, stream))
    return fail(std::move(error));
  finished("native code");
  auto writeObject = [&](raw_ostream &os) {
    os.write(object.data(), object.size());
  };
  if (options.emit == EmitKind::Object)
    return writeText(options.output, writeObject);
  if (options.saveTemps &&
      failed(writeText(options.output + ".o", writeObject)))
    return failure();

  auto objectFile = TemporaryFile::createBeside(options.output, ".o");
  if (!objectFile)
    return fail(objectFile.takeError());
  auto program = TemporaryFile::createBeside(options.output, "");
  if (!program)
    return fail(program.takeError());
  std::error_code code;
  llvm::raw_fd_ostream os(objectFile->getPath(), code);
  if (code)
    return fail(llvm::createStringError(
        "cannot write '" + objectFile->getPath() + "': " + code.message()));
  writeObject(os);
  os.close();
  if (llvm::Error error = link(toolchain, objectFile->getPath(),
                               program->getPath(), options.verbose))
    return fail(std::move(error));
  if (llvm::Error error = program->renameTo(options.output))
    return fail(std::move(error));
  finished("link");
  return success();
}

LogicalResult Compilation::run() {
  if (llvm::Error error = checkWritable(options.output))
    return fail(std::move(error));
  if (options.emit == EmitKind::Program) {
    auto found = findToolchain(options, toolPath);
    if (!found)
      return fail(found.takeError());
    toolchain = std::move(*found);
  }
  MachineRates rates;
  if (options.emit == EmitKind::Roofline) {
    auto read = MachineRates::read(options.machine);
    if (!read)
      return fail(read.takeError());
    rates = *read;
  }
  auto created = createMachine(options);
  if (!created)
    return fail(created.takeError());
  machine = std::move(*created);

  pipeline = options.pipeline;
  pipeline.cpu = machine->getTargetCPU().str();
  pipeline.features = machine->getTargetFeatureString().str();

  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  if (failed(read()) || failed(plan()))
    return failure();
  if (options.printPipeline)
    printPipeline();
  if (options.emit == EmitKind::Plan)
    return writeText(options.output, [&](raw_ostream &os) { printModule(os); });
  if (!options.quiet)
    printRankTable(*module,
                   options.output == "-" ? llvm::errs() : llvm::outs());
  if (options.emit == EmitKind::Roofline)
    return writeText(options.output, [&](raw_ostream &os) {
      printRoofline(*module, rates, os);
    });
  if (options.emit == EmitKind::Rank)
    return writeText(options.output, [&](raw_ostream &os) { printModule(os); });
  if (failed(saveTemporary(".rank.mlir")) ||
      failed(runPasses(*module, "LLVM dialect", pp::buildLLVMPipeline)))
    return failure();
  if (options.emit == EmitKind::LLVMDialect)
    return writeText(options.output, [&](raw_ostream &os) { printModule(os); });
  return finishNative();
}

int pp::driver::compile(const CompileOptions &options, const char *toolPath) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerAllPasses();
  if (options.timePasses)
    llvm::TimePassesIsEnabled = true;
  MLIRContext context(registry);
  // A user wants the line of the model, not the IR that it has become.
  context.printOpOnDiagnostic(false);
  return failed(Compilation(options, toolPath, context).run());
}
