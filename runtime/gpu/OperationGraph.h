//===- OperationGraph.h - A graph of cuDNN's operations -------------------===//
//
// Tensors, and operations on them in the order in which they are added. Virtual
// tensors are values between operations: the library fuses them away.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_OPERATIONGRAPH_H
#define PPRT_GPU_OPERATIONGRAPH_H

#include "Cudnn.h"

#include <array>
#include <deque>
#include <optional>

namespace pprt::cuda {

using Dims = std::array<int64_t, 4>;

/// Strides of a tensor without gaps.
Dims packed(const Dims &dims);
/// With the last two exchanged.
Dims transposed(Dims dims);

class OperationGraph {
public:
  /// `handle` is null where plans are made for a chip that is described.
  OperationGraph(const CudnnLibrary &library, CudnnHandle handle)
      : library(library), handle(handle) {}

  struct Tensor {
    Descriptor *descriptor;
    Dims dims, strides;
  };
  /// In memory; `id` is that of its address in the variant pack.
  Tensor memory(int64_t id, const Dims &dims, const Dims &strides,
                CudnnDataType type);
  /// An f32 that comes with each execution from memory of the host.
  Tensor scalar(int64_t id);
  Tensor between(const Dims &dims, CudnnDataType type = cudnnF32);
  Tensor between(const Dims &dims, const Dims &strides, CudnnDataType type);

  void matmul(const Tensor &a, const Tensor &b, const Tensor &c);
  /// y = mode(x, b), or what mode selects by t. Types of the computation are
  /// f32 unless said otherwise.
  void pointwise(PointwiseMode mode, const Tensor &x, const Tensor *b,
                 const Tensor *t, const Tensor &y,
                 CudnnDataType compute = cudnnF32);
  /// The index of each element along an axis.
  void index(const Tensor &x, int64_t axis, const Tensor &y);
  /// Over the dimensions that are less in `y`.
  void reduce(ReductionOperator op, const Tensor &x, const Tensor &y);
  /// The same elements with other dimensions and strides.
  void reshape(const Tensor &x, const Tensor &y);

  // The same with a result of x's dimensions.
  Tensor pointwise(PointwiseMode mode, const Tensor &x) {
    return pointwise(mode, x, nullptr);
  }
  Tensor pointwise(PointwiseMode mode, const Tensor &x, const Tensor &b) {
    return pointwise(mode, x, &b);
  }
  Tensor transposedTo(CudnnDataType type, const Tensor &x);

  /// Lets the library check it; nothing can be added any more.
  const Descriptor &finish();

private:
  Tensor add(int64_t id, const Dims &dims, const Dims &strides,
             CudnnDataType type, bool isVirtual, bool isValue);
  Tensor pointwise(PointwiseMode mode, const Tensor &x, const Tensor *b);
  void addOperation(Descriptor &&operation);

  const CudnnLibrary &library;
  CudnnHandle handle;
  std::deque<Descriptor> parts, operations;
  std::optional<Descriptor> graph;
  int64_t nextId = 1000;
};

} // namespace pprt::cuda

#endif // PPRT_GPU_OPERATIONGRAPH_H
