//===- AttentionPlan.h - A plan of cuDNN for attention --------------------===//
#ifndef PPRT_GPU_ATTENTIONPLAN_H
#define PPRT_GPU_ATTENTIONPLAN_H

#include "AttentionGraph.h"
#include "PlanCache.h"

#include <memory>
#include <string>

namespace pprt::cuda {

/// What plans are made for: the device of a handle, or a chip that is only
/// described, by a descriptor of device properties (cuDNN plans without one).
struct PlanTarget {
  const CudnnLibrary &library;
  int64_t version; ///< 91900 for 9.19.0
  int capability;  ///< 90 for sm_90
  CudnnHandle handle = nullptr;
  const Descriptor *properties = nullptr;
  PlanCache *cache = nullptr; ///< where plans are looked for first
};

struct AttentionPlan {
  // In the order in which one refers to the other; a plan from a file has
  // neither graph nor config.
  std::unique_ptr<OperationGraph> graph;
  std::unique_ptr<Descriptor> config, plan;
  int64_t engine = -1;    ///< number of cuDNN's engine
  bool hasDqSums = false; ///< whether attentionDqSums is one of the tensors
  int64_t bytes = 0;      ///< of the workspace, with the runtime's parts of it
  std::string whyNot;     ///< where there is no plan
};

/// The plan of `shape`, of bf16, within its workspace. It depends on these
/// alone: one from the cache is the one that would be made. Throws CudnnError
/// where cuDNN fails, not where it only has no plan.
AttentionPlan planAttention(const PlanTarget &target,
                            const pprt_gpu_attention &shape, bool isBackward);

/// "9.19.0".
std::string cudnnVersionText(int64_t version);

} // namespace pprt::cuda

#endif // PPRT_GPU_ATTENTIONPLAN_H
