//===- Pipelines.cpp - The order of the passes ----------------------------===//
//
// The whole compilation in one place: which pass runs when, and why there.
// `pp-opt --dump-pass-pipeline` prints it with all options, so that each pass
// can be run and looked at alone.
//
//===----------------------------------------------------------------------===//

#include "pp/Pipelines/Pipelines.h"

#include "pp/Pipelines/Targets.h"

#include "pp/CodeGen/GPU/Chip.h"
#include "pp/CodeGen/GPU/Passes.h"
#include "pp/CodeGen/Native.h"
#include "pp/CodeGen/Passes.h"
#include "pp/Conversion/ProgramToLLVM/Passes.h"
#include "pp/Dialect/Comm/Transforms/Passes.h"
#include "pp/Dialect/PP/Annotate/Passes.h"
#include "pp/Dialect/PP/Memory/Passes.h"
#include "pp/Dialect/PP/Transforms/Passes.h"
#include "pp/Schedule/Load.h"

#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace pp;

static LogicalResult fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs()) << message << "\n";
  return failure();
}

static FailureOr<Target> targetOf(const PipelineOptions &options) {
  if (auto target = findTarget(options.target, options.chip, options.precision))
    return *target;
  if (options.target == "cuda")
    return fail(unknownChip(options.chip));
  return fail("found target=" + options.target + ", expected " +
              llvm::join(targetNames(), " or "));
}

/// How many stages there are is the schedule's business. One that is searched
/// takes any number: it comes after the stages that it is for. A file says how
/// many ranks and micro-batches it has.
static FailureOr<int64_t> countStages(const PipelineOptions &options) {
  if (options.schedule == "search")
    return options.ranks * std::max<int64_t>(options.virtualStages, 1);
  schedule::Setting setting;
  setting.ranks = options.ranks;
  setting.microbatches = options.microbatches;
  setting.virtualStages = options.virtualStages;
  schedule::Result<schedule::Schedule> schedule =
      schedule::load(options.schedule, setting);
  if (!schedule)
    return fail(schedule.error());
  return schedule->stages;
}

LogicalResult pp::buildPlanPipeline(OpPassManager &manager,
                                    const PipelineOptions &options) {
  FailureOr<int64_t> stages = countStages(options);
  FailureOr<Target> target = targetOf(options);
  if (failed(stages) || failed(target))
    return failure();
  auto orLimit = [&](uint64_t memory) {
    return memory ? memory : options.memoryLimit;
  };
  // With the model, so that a plan says what it was made with.
  PPRecordOptionsOptions record;
  record.fingerprint = options.fingerprint;
  record.schedule = options.schedule;
  record.partitionMemory = options.partitionMemory;
  record.searchMemory = options.searchMemory;
  record.searchAs = options.searchAs;
  manager.addPass(createPPRecordOptions(record));
  // Before precision and sharding, which lower what it adds with the rest.
  manager.addPass(createPPWeighLoss());
  // Before all that looks at bytes or derives types.
  if (options.precision != "f32") {
    PPLowerPrecisionOptions precision;
    precision.type = options.precision;
    manager.addPass(createPPLowerPrecision(precision));
  }
  // Before stages: these are of layers as a coordinate has them. Collectives
  // have adjoints, so all that is derived comes later.
  if (options.numParts() > 1) {
    PPShardOptions shard;
    shard.tensors = options.numParts();
    shard.sequence = options.sequence;
    shard.flops = target->rates.flops;
    shard.bandwidth = target->rates.bytes;
    shard.transfer = target->rates.transfer;
    // Whatever is gathered again or recomputed in the end: how layers are cut
    // decides their bits, which do not depend on that.
    shard.again = true;
    manager.addPass(createPPShard(shard));
    PPPartitionShardsOptions shards;
    shards.tensors = options.numParts();
    shards.order = options.meshOrder;
    shards.again = options.gatherAgain == "on" && options.recompute != "full";
    manager.addPass(createPPPartitionShards(shards));
    manager.addPass(comm::createCommVerifyDistribution());
  }
  // Where to cut comes first: all that follows is made for each stage.
  PPPartitionOptions partition;
  partition.stages = *stages;
  partition.recompute = options.recompute;
  partition.memory = orLimit(options.partitionMemory);
  partition.microbatches = options.microbatches;
  // Replicas that have all states have them all.
  const int64_t shares = options.zero == "0" ? 1 : options.replicas;
  partition.replicas = shares;
  partition.schedule = options.schedule;
  partition.searchAs = options.searchAs;
  partition.virtualStages = options.virtualStages;
  partition.profile = options.profile;
  partition.flops = target->rates.flops;
  partition.bandwidth = target->rates.bytes;
  partition.transfer = target->rates.transfer;
  partition.latency = target->rates.latency;
  manager.addPass(createPPPartition(partition));
  // Layer functions and stage functions. Residuals are chosen here, so common
  // subexpressions of the backward are gone before their values are counted.
  // Partition and differentiation must agree on what is computed twice.
  PPDifferentiateOptions differentiate;
  differentiate.recompute = options.recompute;
  manager.addPass(createPPDifferentiate(differentiate));
  // Always: the backward of a layer is its two halves, one after the other,
  // whether the schedule separates them or not, and so has the same bits.
  manager.addPass(createPPSplitBackward());
  // Functions are as they will run; on a mesh whose axes have size 1 there is
  // nothing to prove.
  manager.addPass(comm::createCommVerifyDistribution());
  PPScheduleOptions schedule;
  schedule.schedule = options.schedule;
  schedule.virtualStages = options.virtualStages;
  schedule.microbatches = options.microbatches;
  schedule.split = options.split;
  schedule.memory = orLimit(options.searchMemory);
  schedule.replicas = options.replicas;
  schedule.zero = options.zero == "1";
  schedule.profile = options.profile;
  schedule.flops = target->rates.flops;
  schedule.bandwidth = target->rates.bytes;
  schedule.transfer = target->rates.transfer;
  schedule.latency = target->rates.latency;
  manager.addPass(createPPSchedule(schedule));
  PPAddMeshOptions mesh;
  mesh.replicas = options.replicas;
  mesh.tensors = options.numParts();
  mesh.perProcess = options.ranksPerProcess();
  mesh.groups = options.groups;
  mesh.order = options.meshOrder;
  manager.addPass(createPPAddMesh(mesh));
  // Behind schedule and mesh, which say how many losses a step has.
  PPAddOptimizerOptions optimizer;
  optimizer.zero = options.zero == "1";
  for (StringRef name : llvm::split(options.optimizers, ','))
    if (!name.empty())
      optimizer.optimizers.push_back(name.str());
  manager.addPass(createPPAddOptimizer(optimizer));
  manager.addPass(createPPVerifyPlan());
  return success();
}

LogicalResult pp::buildRankPipeline(OpPassManager &manager,
                                    const PipelineOptions &options) {
  FailureOr<Target> target = targetOf(options);
  if (failed(target))
    return failure();
  // What is proven has to hold on the transport that runs it.
  std::string semantics = options.semantics;
  if (semantics.empty())
    semantics = target->semantics.front().str();
  // What repeats is loops from here on, so that no pass sees every micro-batch
  // as ops.
  PPProjectRanksOptions projection;
  projection.loops = !options.unroll;
  projection.evaluation = options.evaluation == "on";
  manager.addPass(createPPProjectRanks(projection));
  // Moves are made under the proof that they are safe; the proof of what
  // results is then made once more from nothing.
  PPPlaceCommunicationOptions placement;
  placement.semantics = semantics;
  manager.addPass(createPPPlaceCommunication(placement));
  PPVerifyCommunicationOptions communication;
  communication.semantics = semantics;
  manager.addPass(createPPVerifyCommunication(communication));
  // Behind the proof that what is received has been sent.
  manager.addPass(comm::createCommVerifyDistribution());
  // Last moment at which layers still say what they compute.
  manager.addPass(createPPAnnotateInputs());
  PPAnnotateTimesOptions times;
  times.profile = options.profile;
  times.flops = target->rates.flops;
  times.bandwidth = target->rates.bytes;
  times.transfer = target->rates.transfer;
  times.latency = target->rates.latency;
  manager.addPass(createPPAnnotateTimes(times));
  return success();
}

/// Layers to native code for the target.
static LogicalResult addLayers(OpPassManager &manager,
                               const PipelineOptions &options) {
  if (std::string error = checkTarget(options.cpu, options.features);
      !error.empty())
    return fail(error);
  if (options.target == "cpu") {
    LowerLayersOptions layers;
    layers.cpu = options.cpu;
    layers.features = options.features;
    layers.overlap = options.overlap == "on";
    addLowerLayers(manager, layers);
    return success();
  }
  LowerLayersGPUOptions layers;
  layers.overlap = options.overlap == "on";
  layers.chip = options.chip.empty() ? kUsualChip.str() : options.chip;
  layers.cubin = !options.chip.empty();
  layers.emulate = options.emulate;
  layers.cpu = options.cpu;
  layers.features = options.features;
  // Names that the table of options allows.
  if (failed(layers.parseFromString("epilogues=" + options.epilogues +
                                    " deterministic=" + options.deterministic)))
    return failure();
  std::optional<int64_t> cudnn = readCudnnVersion(options.cudnn);
  if (!cudnn)
    return fail("found cudnn=" + options.cudnn +
                ", expected a version 9, such as 9.19");
  layers.cudnn = *cudnn;
  addLowerLayersGPU(manager, layers);
  return success();
}

LogicalResult pp::buildMemoryPipeline(OpPassManager &manager,
                                      const PipelineOptions &options) {
  // A layer's temporaries are known once it is native, a stage's workspace
  // once its layers are, an arena once its stages are.
  if (failed(addLayers(manager, options)))
    return failure();
  PPPlanMemoryOptions memory;
  memory.limit = options.memoryLimit;
  manager.addPass(createPPPlanMemory(memory));
  manager.addPass(createPPVerifyMemory());
  return success();
}

LogicalResult pp::buildLLVMPipeline(OpPassManager &manager,
                                    const PipelineOptions &options) {
  manager.addPass(createPPLowerPrograms());
  return success();
}

using PipelineBuilder = LogicalResult (*)(OpPassManager &,
                                          const PipelineOptions &);

/// Not by PassPipelineRegistration, whose builders cannot fail.
static void registerUpTo(unsigned count, StringRef name, StringRef summary) {
  static constexpr PipelineBuilder builders[] = {
      buildPlanPipeline, buildRankPipeline, buildMemoryPipeline,
      buildLLVMPipeline};
  registerPassPipeline(
      name, summary,
      [count](OpPassManager &manager, StringRef text,
              llvm::function_ref<LogicalResult(const llvm::Twine &)>)
          -> LogicalResult {
        FailureOr<PipelineOptions> options = parsePipelineOptions(text);
        if (failed(options))
          return failure();
        for (PipelineBuilder build : ArrayRef(builders).take_front(count))
          if (failed(build(manager, *options)))
            return failure();
        return success();
      },
      visitPipelineOptions);
}

void pp::registerPipelines() {
  registerUpTo(1, "pp-to-plan", "from a model to stages and their schedule");
  registerUpTo(2, "pp-to-rank", "from a model to a program for each rank");
  registerUpTo(3, "pp-to-memory", "from a model to programs with their memory");
  registerUpTo(4, "pp-to-llvm", "from a model to LLVM");
}
