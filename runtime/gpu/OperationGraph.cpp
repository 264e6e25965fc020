#include "OperationGraph.h"

#include <vector>

using namespace pprt;
using namespace pprt::cuda;

Dims pprt::cuda::packed(const Dims &dims) {
  return {dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1};
}

Dims pprt::cuda::transposed(Dims dims) {
  std::swap(dims[2], dims[3]);
  return dims;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

OperationGraph::Tensor OperationGraph::add(int64_t id, const Dims &dims,
                                           const Dims &strides,
                                           CudnnDataType type, bool isVirtual,
                                           bool isValue) {
  Descriptor tensor(library, tensorDescriptor);
  tensor.set(tensorType, typeDataType, type);
  // Values too: operands of an operation have the same number of dimensions.
  tensor.set(tensorDims, typeInt64, int64_t(dims.size()), dims.data());
  tensor.set(tensorStrides, typeInt64, int64_t(strides.size()), strides.data());
  tensor.set(tensorId, typeInt64, id);
  tensor.set(tensorAlignment, typeInt64, int64_t(16));
  if (isVirtual)
    tensor.set(tensorIsVirtual, typeBool, true);
  if (isValue)
    tensor.set(tensorIsValue, typeBool, true);
  tensor.finalize();
  parts.push_back(std::move(tensor));
  return {&parts.back(), dims, strides};
}

OperationGraph::Tensor OperationGraph::memory(int64_t id, const Dims &dims,
                                              const Dims &strides,
                                              CudnnDataType type) {
  return add(id, dims, strides, type, false, false);
}

OperationGraph::Tensor OperationGraph::scalar(int64_t id) {
  return add(id, {1, 1, 1, 1}, {1, 1, 1, 1}, cudnnF32, false, true);
}

OperationGraph::Tensor OperationGraph::between(const Dims &dims,
                                               CudnnDataType type) {
  return between(dims, packed(dims), type);
}

OperationGraph::Tensor OperationGraph::between(const Dims &dims,
                                               const Dims &strides,
                                               CudnnDataType type) {
  return add(nextId++, dims, strides, type, true, false);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

void OperationGraph::addOperation(Descriptor &&operation) {
  operation.finalize();
  operations.push_back(std::move(operation));
}

void OperationGraph::matmul(const Tensor &a, const Tensor &b, const Tensor &c) {
  Descriptor &kind = parts.emplace_back(library, matmulDescriptor);
  kind.set(matmulType, typeDataType, cudnnF32);
  kind.finalize();
  Descriptor operation(library, matmulOperation);
  operation.set(operationMatmulA, *a.descriptor);
  operation.set(operationMatmulB, *b.descriptor);
  operation.set(operationMatmulC, *c.descriptor);
  operation.set(operationMatmul, kind);
  addOperation(std::move(operation));
}

void OperationGraph::pointwise(PointwiseMode mode, const Tensor &x,
                               const Tensor *b, const Tensor *t,
                               const Tensor &y, CudnnDataType compute) {
  Descriptor &kind = parts.emplace_back(library, pointwiseDescriptor);
  kind.set(pointwiseMode, typePointwiseMode, mode);
  kind.set(pointwiseType, typeDataType, compute);
  kind.finalize();
  Descriptor operation(library, pointwiseOperation);
  operation.set(operationPointwise, kind);
  operation.set(operationPointwiseX, *x.descriptor);
  operation.set(operationPointwiseY, *y.descriptor);
  if (b)
    operation.set(operationPointwiseB, *b->descriptor);
  if (t)
    operation.set(operationPointwiseT, *t->descriptor);
  addOperation(std::move(operation));
}

OperationGraph::Tensor OperationGraph::pointwise(PointwiseMode mode,
                                                 const Tensor &x,
                                                 const Tensor *b) {
  Tensor y = between(x.dims);
  pointwise(mode, x, b, nullptr, y);
  return y;
}

void OperationGraph::index(const Tensor &x, int64_t axis, const Tensor &y) {
  Descriptor &kind = parts.emplace_back(library, pointwiseDescriptor);
  kind.set(pointwiseMode, typePointwiseMode, pointwiseIndex);
  kind.set(pointwiseType, typeDataType, cudnnF32);
  kind.set(pointwiseAxis, typeInt64, axis);
  kind.finalize();
  Descriptor operation(library, pointwiseOperation);
  operation.set(operationPointwise, kind);
  operation.set(operationPointwiseX, *x.descriptor);
  operation.set(operationPointwiseY, *y.descriptor);
  addOperation(std::move(operation));
}

void OperationGraph::reduce(ReductionOperator op, const Tensor &x,
                            const Tensor &y) {
  Descriptor &kind = parts.emplace_back(library, reductionDescriptor);
  kind.set(reductionType, typeDataType, cudnnF32);
  kind.set(reductionOperator, typeReductionOperator, op);
  kind.finalize();
  Descriptor operation(library, reductionOperation);
  operation.set(operationReduction, kind);
  operation.set(operationReductionX, *x.descriptor);
  operation.set(operationReductionY, *y.descriptor);
  addOperation(std::move(operation));
}

void OperationGraph::reshape(const Tensor &x, const Tensor &y) {
  Descriptor operation(library, reshapeOperation);
  operation.set(operationReshapeX, *x.descriptor);
  operation.set(operationReshapeY, *y.descriptor);
  addOperation(std::move(operation));
}

OperationGraph::Tensor OperationGraph::transposedTo(CudnnDataType type,
                                                    const Tensor &x) {
  Tensor y = between(transposed(x.dims), transposed(x.strides), type);
  reshape(x, y);
  return y;
}

const Descriptor &OperationGraph::finish() {
  if (graph)
    return *graph;
  std::vector<BackendDescriptor> list;
  for (const Descriptor &operation : operations)
    list.push_back(operation.get());
  graph.emplace(library, graphDescriptor);
  graph->set(graphOperations, typeDescriptor, int64_t(list.size()),
             list.data());
  if (handle)
    graph->set(graphHandle, typeHandle, handle);
  graph->finalize();
  return *graph;
}
