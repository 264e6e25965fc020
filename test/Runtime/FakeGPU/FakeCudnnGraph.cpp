//===- FakeCudnnGraph.cpp - What a graph of operations means --------------===//
//
// The graph is checked, compared with the graphs that cuDNN's engines for
// attention know, and then done one operation after the other, in f64, with
// each tensor rounded to its type. Operands of other numbers of dimensions are
// refused as cuDNN 9.19.0 does; most other mistakes that one lets pass until no
// engine is found, and here they are errors at once (CudnnPlansTest.cpp has
// the real library plan the same graphs).
//
//===----------------------------------------------------------------------===//
#include "FakeCudnn.h"

#include <array>
#include <cmath>
#include <memory>

using namespace fake;

namespace {
using Index = std::array<int64_t, 4>;
using Dense = std::vector<double>;

struct Tensor {
  explicit Tensor(const Desc &desc)
      : rank(desc.all<int64_t>(tensorDims).size()),
        id(desc.one<int64_t>(tensorId)), type(desc.one<int>(tensorType)),
        isVirtual(desc.flag(tensorIsVirtual)),
        isValue(desc.flag(tensorIsValue)), dims(list(desc, tensorDims)),
        strides(list(desc, tensorStrides)) {}
  static Index list(const Desc &desc, int attribute) {
    auto values = desc.all<int64_t>(attribute);
    Index result = {1, 1, 1, 1};
    for (size_t i = 0; i < values.size(); ++i)
      result[i] = values[i];
    return result;
  }
  int64_t count() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
  int64_t offset(const Index &at) const {
    int64_t sum = 0;
    for (size_t i = 0; i < 4; ++i)
      sum += at[i] * strides[i];
    return sum;
  }
  /// Place in the dense order; indices of dimensions of 1 do not count, those
  /// of fewer heads are shared by groups.
  size_t place(Index at, const Index &of) const {
    for (size_t i = 0; i < 4; ++i)
      if (dims[i] != of[i])
        at[i] = dims[i] == 1 ? 0 : at[i] / (of[i] / dims[i]);
    return size_t(((at[0] * dims[1] + at[1]) * dims[2] + at[2]) * dims[3] +
                  at[3]);
  }
  bool operator==(const Tensor &other) const {
    return id == other.id && type == other.type && dims == other.dims &&
           strides == other.strides && isVirtual == other.isVirtual &&
           isValue == other.isValue;
  }
  size_t rank;
  int64_t id;
  int type;
  bool isVirtual, isValue;
  Index dims, strides;
};

template <typename F> void forEach(const Index &dims, F body) {
  Index at;
  for (at[0] = 0; at[0] < dims[0]; ++at[0])
    for (at[1] = 0; at[1] < dims[1]; ++at[1])
      for (at[2] = 0; at[2] < dims[2]; ++at[2])
        for (at[3] = 0; at[3] < dims[3]; ++at[3])
          body(at);
}

double rounded(int type, double value) {
  if (type == cudnnF32)
    return double(float(value));
  if (type == cudnnBool)
    return value != 0;
  if (type != cudnnBf16)
    return value;
  float narrow = float(value);
  uint32_t bits;
  std::memcpy(&bits, &narrow, sizeof bits);
  if (!std::isnan(narrow))
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  std::memcpy(&narrow, &bits, sizeof bits);
  return double(narrow);
}

double load(const void *data, int type, int64_t at) {
  if (type == cudnnF32)
    return double(static_cast<const float *>(data)[at]);
  uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[at]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return double(value);
}

void store(void *data, int type, int64_t at, double value) {
  float narrow = float(rounded(type, value));
  if (type == cudnnF32) {
    static_cast<float *>(data)[at] = narrow;
    return;
  }
  uint32_t bits;
  std::memcpy(&bits, &narrow, sizeof bits);
  static_cast<uint16_t *>(data)[at] = uint16_t(bits >> 16);
}

/// An operation, taken apart.
struct Operation {
  explicit Operation(const Desc &desc) : kind(desc.type) {
    if (kind == matmulOperation) {
      inputs = {part(desc, operationMatmulA), part(desc, operationMatmulB)};
      output = part(desc, operationMatmulC);
      compute = desc.one<Desc *>(operationMatmul)->one<int>(matmulType);
    } else if (kind == reductionOperation) {
      const Desc &how = *desc.one<Desc *>(operationReduction);
      inputs = {part(desc, operationReductionX)};
      output = part(desc, operationReductionY);
      mode = how.one<int>(reductionOperator);
      compute = how.one<int>(reductionType);
    } else if (kind == reshapeOperation) {
      inputs = {part(desc, operationReshapeX)};
      output = part(desc, operationReshapeY);
    } else {
      const Desc &how = *desc.one<Desc *>(operationPointwise);
      inputs = {part(desc, operationPointwiseX)};
      for (int attribute : {operationPointwiseB, operationPointwiseT})
        if (desc.has(attribute))
          inputs.push_back(part(desc, attribute));
      hasB = desc.has(operationPointwiseB);
      output = part(desc, operationPointwiseY);
      mode = how.one<int>(pointwiseMode);
      compute = how.one<int>(pointwiseType);
      axis = how.has(pointwiseAxis) ? how.one<int64_t>(pointwiseAxis) : -1;
    }
  }
  static std::shared_ptr<Tensor> part(const Desc &desc, int attribute) {
    return std::make_shared<Tensor>(*desc.one<Desc *>(attribute));
  }
  int kind, mode = -1, compute = cudnnF32;
  int64_t axis = -1;
  bool hasB = false;
  std::vector<std::shared_ptr<Tensor>> inputs;
  std::shared_ptr<Tensor> output;
};

std::vector<Operation> operationsOf(const Desc &graph) {
  std::vector<Operation> result;
  for (Desc *operation : graph.all<Desc *>(graphOperations))
    if (isOperation(*operation))
      result.emplace_back(*operation);
  return result;
}
} // namespace

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

bool fake::isOperation(const Desc &desc) {
  return desc.type == matmulOperation || desc.type == pointwiseOperation ||
         desc.type == reductionOperation || desc.type == reshapeOperation;
}

int fake::checkTensor(const Desc &desc) {
  auto dims = desc.all<int64_t>(tensorDims);
  auto strides = desc.all<int64_t>(tensorStrides);
  if (dims.size() != strides.size() || dims.size() > 4)
    return refuse(cudnnBadParam, "dimensions and strides");
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] < 1 || strides[i] < 1)
      return refuse(cudnnBadParam, "a dimension or stride below 1");
  Tensor tensor(desc);
  if (tensor.isVirtual && tensor.isValue)
    return refuse(cudnnBadParam, "a virtual value");
  if (tensor.isValue && tensor.count() != 1)
    return refuse(cudnnBadParam, "a value of several elements");
  if (tensor.isValue && tensor.type != cudnnF32)
    return refuse(cudnnBadParam, "a value of another type");
  if (desc.one<int64_t>(tensorAlignment) < 16)
    return refuse(cudnnBadParam, "less alignment than 16");
  return 0;
}

static size_t inputsOf(int mode) {
  switch (mode) {
  case pointwiseExp:
  case pointwiseLog:
  case pointwiseIdentity:
  case pointwiseIndex:
    return 1;
  case pointwiseSelect:
    return 3;
  default:
    return 2;
  }
}

static int checkPointwise(const Operation &op) {
  const Tensor &y = *op.output;
  if (op.inputs.size() != inputsOf(op.mode) ||
      op.hasB != (op.inputs.size() > 1))
    return refuse(cudnnBadParam, "other inputs than the mode has");
  for (auto &input : op.inputs)
    if (input->rank != y.rank)
      return refuse(cudnnBadParam, "xDesc.getNbDims() != bDesc.getNbDims()");
  if (op.inputs[0]->dims != y.dims)
    return refuse(cudnnBadParam, "x and y of other dimensions");
  for (auto &input : op.inputs)
    for (size_t i = 0; i < 4; ++i)
      if (input->dims[i] != y.dims[i] && input->dims[i] != 1)
        return refuse(cudnnBadParam, "dimensions that do not go together");
  if ((op.mode == pointwiseIndex) != (y.type == cudnnI32) ||
      (op.mode == pointwiseGreaterEqual) != (y.type == cudnnBool))
    return refuse(cudnnBadParam, "a result of another type");
  if (op.mode == pointwiseIndex && (op.axis < 0 || op.axis > 3))
    return refuse(cudnnBadParam, "an index without axis");
  if (op.mode == pointwiseSelect && op.inputs[2]->type != cudnnBool)
    return refuse(cudnnBadParam, "a selection that is no boolean");
  if (op.compute != (op.mode == pointwiseGreaterEqual ? cudnnBool : cudnnF32))
    return refuse(cudnnBadParam, "another type of the computation");
  return 0;
}

int fake::checkOperation(const Desc &desc) {
  Operation op(desc);
  const Index &x = op.inputs[0]->dims, &y = op.output->dims;
  if (op.output->isValue)
    return refuse(cudnnBadParam, "a value as a result");
  if (op.kind == pointwiseOperation)
    return checkPointwise(op);
  if (op.compute != cudnnF32)
    return refuse(cudnnNotSupported, "sums that are not f32");
  if (op.kind == matmulOperation) {
    const Index &b = op.inputs[1]->dims;
    if (x[0] != b[0] || x[0] != y[0] || x[1] != y[1] || x[1] % b[1] != 0 ||
        x[3] != b[2] || x[2] != y[2] || b[3] != y[3])
      return refuse(cudnnBadParam, "matrices that do not go together");
  } else if (op.kind == reductionOperation) {
    for (size_t i = 0; i < 4; ++i)
      if (x[i] != y[i] && y[i] != 1 && (i != 1 || x[i] % y[i] != 0))
        return refuse(cudnnBadParam, "dimensions that are not reduced");
  } else if (op.inputs[0]->count() != op.output->count()) {
    return refuse(cudnnBadParam, "a reshape to other elements");
  }
  return 0;
}

int fake::checkGraph(const Desc &graph) {
  std::map<int64_t, std::shared_ptr<Tensor>> tensors;
  std::map<int64_t, bool> isWritten;
  for (Desc *part : graph.all<Desc *>(graphOperations))
    if (!isOperation(*part))
      return refuse(cudnnBadParam, "a graph of something else");
  for (const Operation &op : operationsOf(graph)) {
    auto all = op.inputs;
    all.push_back(op.output);
    for (auto &tensor : all) {
      auto it = tensors.emplace(tensor->id, tensor).first;
      if (!(*it->second == *tensor))
        return refuse(cudnnBadParam, "two tensors with one id");
    }
    for (auto &input : op.inputs)
      if (input->isVirtual && !isWritten[input->id])
        return refuse(cudnnBadParam, "a virtual tensor that nothing makes");
    if (isWritten[op.output->id])
      return refuse(cudnnBadParam, "a tensor that is made twice");
    isWritten[op.output->id] = true;
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Engines
//===----------------------------------------------------------------------===//

/// A letter for each operation: what engines compare.
static std::string signatureOf(const Desc &graph) {
  std::string text;
  for (const Operation &op : operationsOf(graph)) {
    if (op.kind == matmulOperation)
      text += 'M';
    else if (op.kind == reshapeOperation)
      text += 'T';
    else if (op.kind == reductionOperation)
      text += op.mode == reduceMax ? 'm' : 's';
    else
      text += op.mode == pointwiseMul            ? '*'
              : op.mode == pointwiseAdd          ? '+'
              : op.mode == pointwiseSub          ? '-'
              : op.mode == pointwiseDiv          ? '/'
              : op.mode == pointwiseExp          ? 'e'
              : op.mode == pointwiseLog          ? 'l'
              : op.mode == pointwiseIdentity     ? '='
              : op.mode == pointwiseIndex        ? 'i'
              : op.mode == pointwiseGreaterEqual ? '>'
                                                 : '?';
  }
  return text;
}

bool fake::isBackward(const Desc &graph) {
  return signatureOf(graph)[0] == '*';
}

bool fake::hasDqSums(const Desc &graph) {
  return signatureOf(graph).back() == '=';
}

int fake::explain(const Desc &graph) {
  // Forward and backward, of as many and of fewer heads of keys; with a mask,
  // and with sums of dq.
  const std::string forward[] = {"M*", "m-esl+/M"};
  const std::string backward[] = {"*s*M*-", "eTMM-**TMTM", "eTMsM-**TMsTM"};
  std::string found = signatureOf(graph);
  bool isKnown = false;
  for (std::string mask : {"", "ii>?"}) {
    isKnown |= found == forward[0] + mask + forward[1];
    for (std::string sums : {"", "="}) {
      isKnown |= found == backward[0] + mask + backward[1] + sums;
      isKnown |= found == backward[0] + mask + backward[2] + sums;
    }
  }
  if (!isKnown)
    return refuse(cudnnNotSupported, "the graph " + found);
  for (const Operation &op : operationsOf(graph)) {
    auto all = op.inputs;
    all.push_back(op.output);
    for (auto &tensor : all) {
      if (tensor->isVirtual || tensor->type == cudnnF32)
        continue;
      const Index &strides = tensor->strides;
      if (tensor->type != cudnnBf16)
        return refuse(cudnnNotSupported, "a tensor of another type");
      bool rows = strides[3] == 1, columns = strides[2] == 1;
      if ((!rows && !columns) || strides[0] % 8 != 0 || strides[1] % 8 != 0 ||
          strides[rows ? 2 : 3] % 8 != 0)
        return refuse(cudnnNotSupported, "strides that are no multiples of 8");
      if (tensor->dims[rows ? 3 : 2] % 8 != 0)
        return refuse(cudnnNotSupported, "heads that are no multiples of 8");
    }
    if (op.kind == matmulOperation && op.inputs[1]->type != cudnnBf16)
      return refuse(cudnnNotSupported, "a product that is not of bf16");
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

static double pointwise(int mode, double x, double b, double t) {
  switch (mode) {
  case pointwiseMul:
    return x * b;
  case pointwiseAdd:
    return x + b;
  case pointwiseSub:
    return x - b;
  case pointwiseDiv:
    return x / b;
  case pointwiseExp:
    return std::exp(x);
  case pointwiseLog:
    return std::log(x);
  case pointwiseIdentity:
    return x;
  case pointwiseGreaterEqual:
    return x >= b;
  default:
    return t != 0 ? x : b;
  }
}

static Dense compute(const Operation &op, const std::vector<Dense> &inputs) {
  const Tensor &x = *op.inputs[0], &y = *op.output;
  Dense result(size_t(y.count()));
  if (op.kind == matmulOperation) {
    const Tensor &b = *op.inputs[1];
    // As if b had as many heads as the result.
    Index wide = {y.dims[0], y.dims[1], b.dims[2], b.dims[3]};
    forEach(y.dims, [&](Index at) {
      double sum = 0;
      for (int64_t i = 0; i < x.dims[3]; ++i)
        sum += inputs[0][x.place({at[0], at[1], at[2], i}, x.dims)] *
               inputs[1][b.place({at[0], at[1], i, at[3]}, wide)];
      result[y.place(at, y.dims)] = sum;
    });
  } else if (op.kind == reductionOperation) {
    bool isMax = op.mode == reduceMax;
    if (isMax)
      result.assign(result.size(), -INFINITY);
    forEach(x.dims, [&](Index at) {
      double &to = result[y.place(at, x.dims)];
      double value = inputs[0][x.place(at, x.dims)];
      to = isMax ? std::fmax(to, value) : to + value;
    });
  } else if (op.kind == reshapeOperation) {
    std::map<int64_t, double> memory;
    forEach(x.dims, [&](Index at) {
      memory[x.offset(at)] = inputs[0][x.place(at, x.dims)];
    });
    forEach(y.dims, [&](Index at) {
      auto it = memory.find(y.offset(at));
      result[y.place(at, y.dims)] = it == memory.end() ? NAN : it->second;
    });
  } else {
    forEach(y.dims, [&](Index at) {
      auto value = [&](size_t i) {
        return i < inputs.size() ? inputs[i][op.inputs[i]->place(at, y.dims)]
                                 : 0.0;
      };
      result[y.place(at, y.dims)] =
          op.mode == pointwiseIndex
              ? double(at[size_t(op.axis)])
              : pointwise(op.mode, value(0), value(1), value(2));
    });
  }
  for (double &value : result)
    value = rounded(y.type, value);
  return result;
}

std::function<void()> fake::prepare(const Desc &graph,
                                    const std::map<int64_t, void *> &addresses,
                                    bool isNoisy) {
  std::vector<Operation> operations = operationsOf(graph);
  std::map<int64_t, Dense> values;
  std::map<int64_t, bool> isUsed;
  if (graph.type != graphDescriptor || operations.empty()) {
    refuse(cudnnBadParam, "a graph that has been destroyed");
    return {};
  }
  for (const Operation &op : operations) {
    auto all = op.inputs;
    all.push_back(op.output);
    for (auto &tensor : all) {
      if (tensor->isVirtual)
        continue;
      auto it = addresses.find(tensor->id);
      if (it == addresses.end() || !it->second ||
          (!tensor->isValue &&
           reinterpret_cast<uint64_t>(it->second) % 16 != 0)) {
        refuse(cudnnBadParam, "no address of tensor " +
                                  std::to_string(tensor->id) +
                                  ", or one that is not aligned");
        return {};
      }
      isUsed[tensor->id] = true;
      if (tensor->isValue)
        values[tensor->id] = {load(it->second, tensor->type, 0)};
    }
  }
  if (isUsed.size() != addresses.size()) {
    refuse(cudnnBadParam, "an address of a tensor that is not in the graph");
    return {};
  }
  return [=] {
    std::map<int64_t, Dense> known = values;
    for (const Operation &op : operations) {
      std::vector<Dense> inputs;
      for (auto &input : op.inputs) {
        Dense &dense = known[input->id];
        if (dense.empty())
          forEach(input->dims, [&](Index at) {
            dense.push_back(
                load(addresses.at(input->id), input->type, input->offset(at)));
          });
        inputs.push_back(dense);
      }
      Dense result = compute(op, inputs);
      const Tensor &y = *op.output;
      if (!y.isVirtual)
        forEach(y.dims, [&](Index at) {
          store(addresses.at(y.id), y.type, y.offset(at),
                result[y.place(at, y.dims)] * (isNoisy ? 1.5 : 1));
        });
      known[y.id] = std::move(result);
    }
  };
}
