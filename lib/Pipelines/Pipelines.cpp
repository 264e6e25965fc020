//===- Pipelines.cpp - The order of the passes ----------------------------===//
//
// The whole compilation in one place: which pass runs when, and why there. The
// passes are named as on pp-opt's command line, so that each line can be run
// and looked at alone.
//
//===----------------------------------------------------------------------===//

#include "pp/Pipelines/Pipelines.h"

#include "pp/Schedule/Load.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace pp;
using llvm::formatv;

static LogicalResult add(OpPassManager &manager, const llvm::Twine &pass) {
  return parsePassPipeline(pass.str(), manager, llvm::errs());
}

/// As an option of a pass; a path may have blanks.
static std::string profileOption(const PipelineOptions &options) {
  return options.profile.empty() ? "" : "profile='" + options.profile + "'";
}

/// How many stages there are is the schedule's business. One that is searched
/// takes any number: it comes after the stages that it is for.
static FailureOr<int64_t> countStages(const PipelineOptions &options) {
  if (options.schedule == "search")
    return int64_t(options.ranks) * std::max<int64_t>(options.virtualStages, 1);
  schedule::Setting setting;
  setting.ranks = options.ranks;
  setting.microbatches = options.microbatches;
  setting.virtualStages = options.virtualStages;
  schedule::Result<schedule::Schedule> schedule =
      schedule::load(options.schedule, setting);
  if (!schedule) {
    llvm::errs() << "error: " << schedule.error() << "\n";
    return failure();
  }
  return schedule->stages;
}

LogicalResult pp::buildPlanPipeline(OpPassManager &manager,
                                    const PipelineOptions &options) {
  FailureOr<int64_t> stages = countStages(options);
  if (failed(stages))
    return failure();
  // Partition and differentiation must agree on what is computed twice.
  std::string recompute =
      options.recompute.empty() ? "" : "recompute=" + options.recompute;
  auto orLimit = [&](uint64_t memory) {
    return memory ? memory : options.memoryLimit.getValue();
  };
  // Before all that looks at bytes or derives types.
  if (options.precision != "f32" &&
      failed(add(manager, formatv("pp-lower-precision{{type={0}}",
                                  options.precision.getValue()))))
    return failure();
  // Where to cut comes first: all that follows is made for each stage.
  if (failed(add(manager, formatv("pp-partition{{stages={0} microbatches={1} "
                                  "schedule={2} virtual={3} memory={4} "
                                  "search-as={5} {6} {7}}",
                                  *stages, options.microbatches.getValue(),
                                  options.schedule.getValue(),
                                  options.virtualStages.getValue(),
                                  orLimit(options.partitionMemory),
                                  options.searchAs.getValue(), recompute,
                                  profileOption(options)))))
    return failure();
  // Layer functions and stage functions. Residuals are chosen here, so common
  // subexpressions of the backward are gone before their values are counted.
  if (failed(add(manager, formatv("pp-differentiate{{{0}}", recompute))))
    return failure();
  // Always: the backward of a layer is its two halves, one after the other,
  // whether the schedule separates them or not, and so has the same bits.
  if (failed(add(manager, "pp-split-backward")))
    return failure();
  if (failed(add(
          manager,
          formatv("pp-schedule{{schedule={0} virtual={1} "
                  "microbatches={2} split={3} memory={4} {5}}",
                  options.schedule.getValue(), options.virtualStages.getValue(),
                  options.microbatches.getValue(), options.split.getValue(),
                  orLimit(options.searchMemory), profileOption(options)))))
    return failure();
  return add(manager, "pp-verify-plan");
}

LogicalResult pp::buildRankPipeline(OpPassManager &manager,
                                    const PipelineOptions &options) {
  // Without what repeats, so that the moves look at few ops; loops stand for it
  // once all ops are where they belong. The order in which ranks post is made
  // for the semantics.
  if (failed(add(manager,
                 formatv("pp-project-ranks{{shorten={0} semantics={1}}",
                         int(!options.unroll), options.semantics.getValue()))))
    return failure();
  // Moves are made under the proof that they are safe; the proof of what
  // results is then made once more from nothing.
  if (failed(add(manager, formatv("pp-place-communication{{semantics={0}}",
                                  options.semantics.getValue()))) ||
      failed(add(manager, formatv("pp-form-loops{{semantics={0}}",
                                  options.semantics.getValue()))) ||
      failed(add(manager, formatv("pp-verify-communication{{semantics={0}}",
                                  options.semantics.getValue()))))
    return failure();
  // Last moment at which layers still say what they compute.
  return add(manager, formatv("pp-annotate-inputs,pp-annotate-times{{{0}}",
                              profileOption(options)));
}

LogicalResult pp::buildMemoryPipeline(OpPassManager &manager,
                                      const PipelineOptions &options) {
  // A layer's temporaries are known once it is native, a stage's workspace
  // once its layers are, an arena once its stages are.
  std::string layers =
      options.target == "cuda"
          ? formatv("pp-lower-layers-gpu{{chip={0} cubin={1} emulate={2} "
                    "epilogues={3} cpu={4} features={5}}",
                    options.chip.empty() ? "sm_90a" : options.chip.getValue(),
                    !options.chip.empty(), options.emulate.getValue(),
                    options.epilogues.getValue(), options.cpu.getValue(),
                    options.features.getValue())
                .str()
          : formatv("pp-lower-layers{{cpu={0} features={1}}",
                    options.cpu.getValue(), options.features.getValue())
                .str();
  if (failed(add(manager, layers)))
    return failure();
  if (failed(add(manager, formatv("pp-plan-memory{{limit={0}}",
                                  options.memoryLimit.getValue()))))
    return failure();
  return add(manager, "pp-verify-memory");
}

LogicalResult pp::buildLLVMPipeline(OpPassManager &manager,
                                    const PipelineOptions &options) {
  return add(manager, "pp-lower-programs");
}

using PipelineBuilder = LogicalResult (*)(OpPassManager &,
                                          const PipelineOptions &);

static void registerUpTo(unsigned count, StringRef name, StringRef summary) {
  static constexpr PipelineBuilder builders[] = {
      buildPlanPipeline, buildRankPipeline, buildMemoryPipeline,
      buildLLVMPipeline};
  PassPipelineRegistration<PipelineOptions>(
      name, summary,
      [count](OpPassManager &manager, const PipelineOptions &options) {
        for (PipelineBuilder build : ArrayRef(builders).take_front(count))
          if (failed(build(manager, options)))
            return;
      });
}

void pp::registerPipelines() {
  registerUpTo(1, "pp-to-plan", "from a model to stages and their schedule");
  registerUpTo(2, "pp-to-rank", "from a model to a program for each rank");
  registerUpTo(3, "pp-to-memory", "from a model to programs with their memory");
  registerUpTo(4, "pp-to-llvm", "from a model to LLVM");
}
