//===- AttentionGraph.h - Attention as a graph of operations --------------===//
#ifndef PPRT_GPU_ATTENTIONGRAPH_H
#define PPRT_GPU_ATTENTIONGRAPH_H

#include "OperationGraph.h"
#include "pprt_gpu.h"

namespace pprt::cuda {

/// Tensors of the graphs that are in memory or come as values.
enum AttentionTensor : int64_t {
  attentionQ = 1,
  attentionK,
  attentionV,
  attentionOut,
  attentionLse,
  attentionDout,
  attentionDq,
  attentionDk,
  attentionDv,
  attentionSums,   ///< f32, batch x heads x t: scratch of the backward
  attentionDqSums, ///< f32, batch x heads x t x d: scratch of one form
  attentionScale,  ///< value
  attentionMasked, ///< value: the score of a key that is not seen
  attentionOne,    ///< value
};

/// As pprt_gpu_attention_forward, of bf16; causal where t equals s.
void buildForward(OperationGraph &graph, const pprt_gpu_attention &shape);
/// As pprt_gpu_attention_backward, in the form with f32 sums of dq in memory or
/// in the one without.
void buildBackward(OperationGraph &graph, const pprt_gpu_attention &shape,
                   bool hasDqSums);

} // namespace pprt::cuda

#endif // PPRT_GPU_ATTENTIONGRAPH_H
