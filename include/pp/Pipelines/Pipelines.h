//===- Pipelines.h - The order of the passes --------------------*- C++ -*-===//

#ifndef PP_PIPELINES_PIPELINES_H
#define PP_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace pp {

/// What the pipelines can be asked for; pp-compile fills it from its options,
/// pp-opt from `--pp-to-plan="ranks=4 ..."`.
struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  Option<int64_t> ranks{*this, "ranks", llvm::cl::desc("pipeline ranks"),
                        llvm::cl::init(1)};
  Option<std::string> meshOrder{
      *this, "mesh-order",
      llvm::cl::desc("axes of the mesh of ranks, the slowest first"),
      llvm::cl::init("pipe,data,tensor")};
  Option<int64_t> microbatches{*this, "microbatches",
                               llvm::cl::desc("micro-batches of a step"),
                               llvm::cl::init(8)};
  Option<std::string> schedule{*this, "schedule",
                               llvm::cl::desc("name of a schedule, search, "
                                              "or a CSV file"),
                               llvm::cl::init("1f1b")};
  Option<int64_t> virtualStages{
      *this, "virtual", llvm::cl::desc("stages a rank; 0: as the schedule has"),
      llvm::cl::init(0)};
  Option<bool> split{*this, "split",
                     llvm::cl::desc("backward as two actions, I and W"),
                     llvm::cl::init(false)};
  Option<std::string> recompute{
      *this, "recompute",
      llvm::cl::desc("none, full, or empty: as the layers say"),
      llvm::cl::init("")};
  Option<std::string> precision{
      *this, "precision", llvm::cl::desc("what to compute in: f32 or bf16"),
      llvm::cl::init("f32")};
  Option<std::string> semantics{
      *this, "semantics",
      llvm::cl::desc("what a send may rely on: buffered, rendezvous or "
                     "fifo-per-edge; empty: what the target's transports "
                     "give"),
      llvm::cl::init("")};
  Option<bool> unroll{*this, "unroll", llvm::cl::desc("programs without loops"),
                      llvm::cl::init(false)};
  Option<uint64_t> memoryLimit{*this, "memory-limit",
                               llvm::cl::desc("bytes of a rank, 0: no limit"),
                               llvm::cl::init(0)};
  // Partitioning and search rely on estimates of memory: pp/Planner tries again
  // with smaller budgets where the exact plan exceeds the limit, and says which
  // one it took.
  Option<uint64_t> partitionMemory{
      *this, "partition-memory",
      llvm::cl::desc("bytes that a partition counts on, 0: memory-limit"),
      llvm::cl::init(0)};
  Option<uint64_t> searchMemory{
      *this, "search-memory",
      llvm::cl::desc("bytes that a search counts on, 0: memory-limit"),
      llvm::cl::init(0)};
  Option<std::string> searchAs{*this, "search-as",
                               llvm::cl::desc("see pp-partition"),
                               llvm::cl::init("")};
  Option<std::string> fingerprint{
      *this, "fingerprint",
      llvm::cl::desc("digest of the model's text, for the program's reports"),
      llvm::cl::init("")};
  Option<std::string> profile{
      *this, "profile",
      llvm::cl::desc("measured times of the layers, from --profile-out of a "
                     "program"),
      llvm::cl::init("")};
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("cpu or cuda: where layers run"),
                             llvm::cl::init("cpu")};
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("chip of kernels, as sm_80; empty: "
                                          "sm_90a and no cubin"),
                           llvm::cl::init("")};
  Option<std::string> epilogues{*this, "epilogues",
                                llvm::cl::desc("fused into products on GPUs: "
                                               "all, bias or none"),
                                llvm::cl::init("all")};
  Option<std::string> deterministic{
      *this, "deterministic",
      llvm::cl::desc("what has the same bits in each run on GPUs: all, or "
                     "attention-off"),
      llvm::cl::init("all")};
  Option<std::string> cudnn{
      *this, "cudnn",
      llvm::cl::desc("the oldest cuDNN that workspaces are planned for"),
      llvm::cl::init("9.19")};
  Option<bool> emulate{*this, "emulate",
                       llvm::cl::desc("kernels for the host, too"),
                       llvm::cl::init(false)};
  Option<std::string> cpu{*this, "cpu",
                          llvm::cl::desc("CPU; empty: the host's"),
                          llvm::cl::init("")};
  Option<std::string> features{*this, "features",
                               llvm::cl::desc("CPU features; empty: the "
                                              "host's"),
                               llvm::cl::init("")};
};

// Each fails with a message where an option is wrong; what only the model can
// tell is found by the passes.

/// Model level to plan level.
mlir::LogicalResult buildPlanPipeline(mlir::OpPassManager &manager,
                                      const PipelineOptions &options);
/// Plan level to rank level, proven free of deadlock.
mlir::LogicalResult buildRankPipeline(mlir::OpPassManager &manager,
                                      const PipelineOptions &options);
/// Layers to native code, then a place for every buffer.
mlir::LogicalResult buildMemoryPipeline(mlir::OpPassManager &manager,
                                        const PipelineOptions &options);
/// What is left to LLVM.
mlir::LogicalResult buildLLVMPipeline(mlir::OpPassManager &manager,
                                      const PipelineOptions &options);

/// Registers them as --pp-to-plan, --pp-to-rank, --pp-to-memory and
/// --pp-to-llvm, each after the ones before it.
void registerPipelines();

} // namespace pp

#endif // PP_PIPELINES_PIPELINES_H
