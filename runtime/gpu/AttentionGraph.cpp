//===- AttentionGraph.cpp - Attention as a graph of operations ------------===//
//
// cuDNN has no call for attention: its engines know certain graphs of products,
// pointwise operations and reductions, and run them as one kernel that keeps
// the scores on the chip. These are the graphs that NVIDIA's cudnn-frontend
// builds for all versions 9, operation by operation: an engine that does not
// find what it knows refuses it. Tensors have dimensions batch, head, row,
// column; ours lie with the heads of a row side by side.
//
// Of the backward there are two forms. One has f32 sums of dq in memory, to
// which its engines add in no fixed order, and is what other frameworks run.
// The other one, which the frontend builds where results have to be the same
// each time, has none: dq is a product of dS, which its engines keep in the
// workspace, the square of the positions.
//
//===----------------------------------------------------------------------===//
#include "AttentionGraph.h"

using namespace pprt;
using namespace pprt::cuda;

using Tensor = OperationGraph::Tensor;

namespace {
class Builder {
public:
  Builder(OperationGraph &graph, const pprt_gpu_attention &shape)
      : graph(graph), s(shape) {}

  void forward();
  void backward(bool hasDqSums);

private:
  Tensor queries(AttentionTensor id, int64_t ld) {
    return graph.memory(id, {s.batch, s.heads, s.t, s.d},
                        {s.t * ld, s.d, ld, 1}, cudnnBf16);
  }
  Tensor keys(AttentionTensor id, int64_t ld) {
    return graph.memory(id, {s.batch, s.kv_heads, s.s, s.d},
                        {s.s * ld, s.d, ld, 1}, cudnnBf16);
  }
  Tensor keysTransposed(AttentionTensor id, int64_t ld) {
    return graph.memory(id, {s.batch, s.kv_heads, s.d, s.s},
                        {s.s * ld, s.d, 1, ld}, cudnnBf16);
  }
  /// A number for each row: {batch, heads, t, 1}.
  Tensor rows(AttentionTensor id) {
    return graph.memory(id, perRow(), packed(perRow()), cudnnF32);
  }
  Dims perRow() const { return {s.batch, s.heads, s.t, 1}; }
  Dims scores() const { return {s.batch, s.heads, s.t, s.s}; }

  Tensor scaled(const Tensor &q, const Tensor &kTransposed,
                const Tensor &scale) {
    Tensor score = graph.between(scores());
    graph.matmul(q, kTransposed, score);
    return graph.pointwise(pointwiseMul, score, scale);
  }
  Tensor masked(const Tensor &score);
  /// grad = left right, summed over the query heads of each head of `grad`.
  void keyGradient(const Tensor &left, const Tensor &right, const Tensor &grad);

  OperationGraph &graph;
  const pprt_gpu_attention &s;
};
} // namespace

Tensor Builder::masked(const Tensor &score) {
  if (!s.causal)
    return score;
  Tensor row = graph.between(scores(), cudnnI32);
  graph.index(score, 2, row);
  Tensor column = graph.between(scores(), cudnnI32);
  graph.index(score, 3, column);
  Tensor isSeen = graph.between(scores(), cudnnBool);
  graph.pointwise(pointwiseGreaterEqual, row, &column, nullptr, isSeen,
                  cudnnBool);
  Tensor hidden = graph.scalar(attentionMasked);
  Tensor result = graph.between(scores());
  graph.pointwise(pointwiseSelect, score, &hidden, &isSeen, result);
  return result;
}

void Builder::forward() {
  Tensor q = queries(attentionQ, s.ldq);
  Tensor k = keysTransposed(attentionK, s.ldk);
  Tensor score = masked(scaled(q, k, graph.scalar(attentionScale)));

  Tensor largest = graph.between(perRow());
  graph.reduce(reduceMax, score, largest);
  Tensor power = graph.pointwise(pointwiseExp,
                                 graph.pointwise(pointwiseSub, score, largest));
  Tensor sum = graph.between(perRow());
  graph.reduce(reduceAdd, power, sum);
  Tensor lse = rows(attentionLse);
  Tensor log = graph.pointwise(pointwiseLog, sum);
  graph.pointwise(pointwiseAdd, largest, &log, nullptr, lse);
  Tensor p = graph.between(scores(), cudnnBf16);
  graph.pointwise(pointwiseDiv, power, &sum, nullptr, p);

  graph.matmul(p, keys(attentionV, s.ldv), queries(attentionOut, s.ldo));
}

void Builder::keyGradient(const Tensor &left, const Tensor &right,
                          const Tensor &grad) {
  if (s.heads == s.kv_heads)
    return graph.matmul(left, right, grad);
  Tensor apart = graph.between({s.batch, s.heads, s.s, s.d}, cudnnBf16);
  graph.matmul(left, right, apart);
  graph.reduce(reduceAdd, apart, grad);
}

void Builder::backward(bool hasDqSums) {
  Tensor q = queries(attentionQ, s.ldq);
  Tensor k = keysTransposed(attentionK, s.ldk);
  Tensor v = keysTransposed(attentionV, s.ldv);
  Tensor out = queries(attentionOut, s.ldo);
  Tensor dout = queries(attentionDout, s.lddo);
  Tensor lse = rows(attentionLse);
  Tensor scale = graph.scalar(attentionScale);

  // What dP is centered by: a sum for each row.
  Tensor both = graph.pointwise(pointwiseMul, dout, out);
  Tensor sum = graph.between(perRow());
  graph.reduce(reduceAdd, both, sum);
  Tensor one = graph.scalar(attentionOne);
  Tensor sums = rows(attentionSums);
  graph.pointwise(pointwiseMul, sum, &one, nullptr, sums);

  // P again, from the statistics; dv = P^T dout.
  Tensor score = graph.pointwise(pointwiseSub, scaled(q, k, scale), lse);
  Tensor p = graph.pointwise(pointwiseExp, masked(score));
  keyGradient(graph.transposedTo(cudnnBf16, p), dout,
              keys(attentionDv, s.lddv));

  // dS = (dout V^T - sums) P scale; dk = dS^T q; dq = dS k.
  Tensor dp = graph.between(scores());
  graph.matmul(dout, v, dp);
  Tensor ds = graph.pointwise(pointwiseSub, dp, sums);
  ds = graph.pointwise(pointwiseMul, ds, p);
  ds = graph.pointwise(pointwiseMul, ds, scale);
  keyGradient(graph.transposedTo(cudnnBf16, ds), q, keys(attentionDk, s.lddk));
  Tensor keyRows = graph.transposedTo(cudnnBf16, k);
  Tensor dq = queries(attentionDq, s.lddq);
  if (!hasDqSums)
    return graph.matmul(ds, keyRows, dq);
  const Dims dims = {s.batch, s.heads, s.t, s.d};
  Tensor dqSums = graph.memory(attentionDqSums, dims, packed(dims), cudnnF32);
  graph.matmul(ds, keyRows, dqSums);
  graph.pointwise(pointwiseIdentity, dqSums, nullptr, nullptr, dq);
}

void pprt::cuda::buildForward(OperationGraph &graph,
                              const pprt_gpu_attention &shape) {
  Builder(graph, shape).forward();
}

void pprt::cuda::buildBackward(OperationGraph &graph,
                               const pprt_gpu_attention &shape,
                               bool hasDqSums) {
  Builder(graph, shape).backward(hasDqSums);
}
