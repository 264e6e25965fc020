//===- RandomModel.cpp - Models written for one device --------------------===//
//
// The layer @f grows op by op from a pool of values. Its inputs come from
// layers that hold them as parameters, so that they may be cut between layers;
// its results are summed by a layer of the loss.
//
//===----------------------------------------------------------------------===//

#include "RandomModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

using namespace pp::commtest;

namespace {

using Shape = std::vector<int64_t>;

struct Tensor {
  std::string name;
  Shape shape;
};

std::string typeOf(const Shape &shape, const char *element = "f64") {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

std::string join(const std::vector<std::string> &words) {
  return llvm::join(words, ", ");
}

class ModelGenerator {
public:
  ModelGenerator(uint64_t seed, int64_t n)
      : random(seed * 2 + 1), n(n), batch(1 + below(4)),
        sequence(pickOf({n, 4, 6, 12})), width(pickOf({n, 6, 8, 12, 24})) {}
  std::string run(unsigned maxOps, bool pinsResults);

private:
  std::string pinOf(const Shape &shape, int64_t dim) const;
  bool flip() { return random() % 2 == 0; }
  int64_t below(int64_t end) { return random() % end; }
  int64_t pickOf(std::vector<int64_t> from) { return from[below(from.size())]; }
  std::string fresh() { return "%v" + std::to_string(next++); }
  const Tensor &pick() { return pool[below(pool.size())]; }
  Tensor stream();

  Tensor param(Shape shape) {
    params.push_back({fresh(), shape});
    return params.back();
  }
  /// `op` of nn; of others the type stands once.
  Tensor emit(const std::string &op, const std::vector<Tensor> &operands,
              const Shape &shape, const std::string &attributes = "");

  Tensor unary(const Tensor &x);
  Tensor binary(const Tensor &x);
  Tensor linear(const Tensor &x);
  Tensor norm(const Tensor &x);
  Tensor reduced(const Tensor &x);
  Tensor moved(const Tensor &x);
  Tensor softmax(const Tensor &x);
  Tensor product(const Tensor &x);
  Tensor selected(const Tensor &x);
  Tensor attention(const Tensor &x);
  Tensor embedding();

  std::mt19937_64 random;
  int64_t n, batch, sequence, width;
  unsigned next = 0;
  bool hasAttention = false;
  std::string body;
  std::vector<Tensor> inputs, params, pool;
};

Tensor ModelGenerator::emit(const std::string &op,
                            const std::vector<Tensor> &operands,
                            const Shape &shape, const std::string &attributes) {
  std::vector<std::string> names, types;
  for (const Tensor &operand : operands) {
    names.push_back(operand.name);
    types.push_back(typeOf(operand.shape));
  }
  Tensor result{fresh(), shape};
  body += "  " + result.name + " = " + op + " " + join(names) + " " +
          attributes + " : ";
  body += op.rfind("nn.", 0) == 0 ? "(" + join(types) + ") -> " + typeOf(shape)
                                  : typeOf(shape);
  body += "\n";
  return result;
}

/// A value of the shape of the residual stream.
Tensor ModelGenerator::stream() {
  const Tensor &x = pick();
  if (x.shape == Shape{batch, sequence, width})
    return x;
  return inputs.front();
}

Tensor ModelGenerator::unary(const Tensor &x) {
  const char *ops[] = {"nn.gelu",   "nn.silu",    "nn.relu",
                       "math.tanh", "arith.negf", "math.sin"};
  return emit(ops[below(6)], {x}, x.shape);
}

Tensor ModelGenerator::binary(const Tensor &x) {
  const char *ops[] = {"nn.add", "nn.sub", "nn.mul"};
  const char *op = ops[below(3)];
  if (flip())
    for (const Tensor &y : pool)
      if (y.shape == x.shape && flip())
        return emit(op, {x, y}, x.shape);
  if (below(4) == 0) {
    Tensor c{fresh(), x.shape};
    body += "  " + c.name +
            " = arith.constant dense<0.75> : " + typeOf(x.shape) + "\n";
    return emit(flip() ? "arith.mulf" : "arith.addf", {x, c}, x.shape);
  }
  // What repeats along some dimensions.
  Shape shape(x.shape.begin() + below(x.shape.size() + 1), x.shape.end());
  for (int64_t &size : shape)
    if (below(3) == 0)
      size = 1;
  return emit(op, {x, param(shape)}, x.shape);
}

Tensor ModelGenerator::linear(const Tensor &x) {
  if (x.shape.empty())
    return unary(x);
  const bool isTransposed = flip();
  const int64_t inner = x.shape.back();
  const int64_t outer = flip() ? inner : pickOf({n, 6, 8, 12, 24});
  std::vector<Tensor> operands{
      x, param(isTransposed ? Shape{outer, inner} : Shape{inner, outer})};
  if (flip())
    operands.push_back(param({outer}));
  Shape shape = x.shape;
  shape.back() = outer;
  return emit("nn.linear", operands, shape, isTransposed ? "{transposed}" : "");
}

Tensor ModelGenerator::norm(const Tensor &x) {
  if (x.shape.empty())
    return unary(x);
  Shape scale{x.shape.back()};
  if (flip())
    return emit("nn.rms_norm", {x, param(scale)}, x.shape, "{eps = 1.0e-1}");
  return emit("nn.layer_norm", {x, param(scale), param(scale)}, x.shape,
              "{eps = 1.0e-1}");
}

Tensor ModelGenerator::reduced(const Tensor &x) {
  if (x.shape.empty())
    return unary(x);
  const int64_t axis = below(x.shape.size());
  const char *ops[] = {"nn.reduce_sum", "nn.reduce_mean", "nn.reduce_max"};
  Shape shape = x.shape;
  shape[axis] = 1;
  // Of a maximum that several elements are the gradient is not one number.
  const bool isInput = x.name == inputs.front().name;
  Tensor y = emit(ops[below(isInput ? 3 : 2)], {x}, shape,
                  "axes = [" + std::to_string(axis) + "] {keepdims}");
  return flip() ? y : emit(flip() ? "nn.mul" : "nn.sub", {x, y}, x.shape);
}

Tensor ModelGenerator::moved(const Tensor &x) {
  const int64_t rank = x.shape.size();
  if (rank < 2)
    return unary(x);
  Shape shape = x.shape;
  const int64_t axis = below(rank);
  const std::string at = "{axis = " + std::to_string(axis) + " : i64}";
  switch (below(7)) {
  case 0: {
    std::vector<std::string> order;
    for (int64_t i = 0; i < rank; ++i) {
      order.push_back(std::to_string((i + 1) % rank));
      shape[i] = x.shape[(i + 1) % rank];
    }
    return emit("nn.transpose", {x}, shape,
                "permutation = [" + join(order) + "]");
  }
  case 1: {
    Shape merged(x.shape.begin() + 1, x.shape.end());
    merged.front() *= x.shape.front();
    return emit("nn.reshape", {x}, merged);
  }
  case 2:
    shape[axis] *= 2;
    return emit("nn.concatenate", {x, unary(x)}, shape, at);
  case 3: {
    std::vector<std::string> offsets(rank, "0"), sizes;
    offsets[axis] = std::to_string(x.shape[axis] / 2);
    shape[axis] -= x.shape[axis] / 2;
    for (int64_t size : shape)
      sizes.push_back(std::to_string(size));
    return emit("nn.slice", {x}, shape,
                "offsets = [" + join(offsets) + "] sizes = [" + join(sizes) +
                    "]");
  }
  case 4:
    shape.insert(shape.begin() + below(rank + 1), 1);
    return emit("nn.reshape", {x}, shape);
  case 5: {
    const Shape merged{std::accumulate(shape.begin(), shape.end(), int64_t(1),
                                       std::multiplies<>())};
    return emit("nn.reshape", {emit("nn.reshape", {x}, merged)}, shape);
  }
  default:
    if (x.shape[axis] % 2 != 0)
      return unary(x);
    shape[axis] /= 2;
    const std::string half = std::to_string(shape[axis]);
    Tensor a{fresh(), shape}, b{fresh(), shape};
    body += "  " + a.name + ", " + b.name + " = nn.split " + x.name +
            " sizes = [" + half + ", " + half + "] " + at + " : (" +
            typeOf(x.shape) + ") -> (" + typeOf(shape) + ", " + typeOf(shape) +
            ")\n";
    pool.push_back(b);
    return a;
  }
}

Tensor ModelGenerator::softmax(const Tensor &x) {
  if (x.shape.empty())
    return unary(x);
  return emit("nn.softmax", {x}, x.shape,
              "{axis = " + std::to_string(below(x.shape.size())) + " : i64}");
}

/// Scores of positions with each other.
Tensor ModelGenerator::product(const Tensor &x) {
  if (x.shape.size() < 2)
    return unary(x);
  Shape shape = x.shape;
  shape.back() = shape[shape.size() - 2];
  return emit("nn.matmul", {x, unary(x)}, shape, "{transpose_b}");
}

Tensor ModelGenerator::selected(const Tensor &x) {
  Tensor y = unary(x), result{fresh(), x.shape};
  const std::string mask = fresh();
  body += "  " + mask + " = arith.cmpf ogt, " + x.name + ", " + y.name + " : " +
          typeOf(x.shape) + "\n  " + result.name + " = arith.select " + mask +
          ", " + x.name + ", " + y.name + " : " + typeOf(x.shape, "i1") + ", " +
          typeOf(x.shape) + "\n";
  return result;
}

/// From one product, query heads by key heads.
Tensor ModelGenerator::attention(const Tensor &x) {
  const int64_t keyHeads = pickOf({1, 2, 3, 4}), size = pickOf({2, 4});
  const int64_t heads = keyHeads * pickOf({1, 2, 3});
  auto project = [&](int64_t number) {
    Tensor y = emit("nn.linear", {x, param({width, number * size})},
                    {batch, sequence, number * size});
    return emit("nn.reshape", {y}, {batch, sequence, number, size});
  };
  Tensor q, k, v;
  if (heads == keyHeads && flip()) {
    const int64_t all = heads * size;
    Tensor y = emit("nn.linear", {x, param({width, 3 * all})},
                    {batch, sequence, 3 * all});
    const std::string a = fresh(), b = fresh(), c = fresh();
    const std::string type = typeOf({batch, sequence, all});
    const std::string each = std::to_string(all);
    body += "  " + a + ", " + b + ", " + c + " = nn.split " + y.name +
            " sizes = [" + each + ", " + each + ", " + each +
            "] {axis = 2 : i64} : (" + typeOf(y.shape) + ") -> (" + type +
            ", " + type + ", " + type + ")\n";
    Shape shape{batch, sequence, heads, size};
    q = emit("nn.reshape", {{a, {batch, sequence, all}}}, shape);
    k = emit("nn.reshape", {{b, {batch, sequence, all}}}, shape);
    v = emit("nn.reshape", {{c, {batch, sequence, all}}}, shape);
  } else {
    q = project(heads);
    k = project(keyHeads);
    v = project(keyHeads);
  }
  if (flip()) {
    q = emit("nn.rotary", {q}, q.shape);
    k = emit("nn.rotary", {k}, k.shape);
  }
  Tensor result{fresh(), q.shape};
  const std::string keys = typeOf(k.shape);
  body += "  " + result.name + ", " + fresh() + " = nn.attention " + q.name +
          ", " + k.name + ", " + v.name + (flip() ? " {causal}" : "") + " : (" +
          typeOf(q.shape) + ", " + keys + ", " + keys + ") -> (" +
          typeOf(q.shape) + ", " + typeOf({batch, heads, sequence}) + ")\n";
  Tensor joined = emit("nn.reshape", {result}, {batch, sequence, heads * size});
  return emit("nn.linear", {joined, param({heads * size, width})},
              {batch, sequence, width});
}

Tensor ModelGenerator::embedding() {
  Tensor table = param({kVocabulary, width}),
         result{fresh(), {batch, sequence, width}};
  body += "  " + result.name + " = nn.embedding %ids, " + table.name + " : (" +
          typeOf({batch, sequence}, "i32") + ", " + typeOf(table.shape) +
          ") -> " + typeOf(result.shape) + "\n";
  return result;
}

/// A sharding over dimension `dim`, or of nothing. Cuts nothing if the
/// dimension has no equal parts.
std::string ModelGenerator::pinOf(const Shape &shape, int64_t dim) const {
  std::vector<std::string> dims(shape.size(), "{}");
  if (dim < int64_t(shape.size()) && shape[dim] % n == 0)
    dims[dim] = "{\"tensor\"}";
  return " sharding(#pp.sharding<[" + join(dims) + "]>)";
}

std::string ModelGenerator::run(unsigned maxOps, bool pinsResults) {
  for (int64_t count = 1 + below(2); count > 0; --count)
    inputs.push_back({fresh(), {batch, sequence, width}});
  pool = inputs;
  using Step = Tensor (ModelGenerator::*)(const Tensor &);
  static const Step steps[] = {
      &ModelGenerator::unary,    &ModelGenerator::binary,
      &ModelGenerator::binary,   &ModelGenerator::linear,
      &ModelGenerator::linear,   &ModelGenerator::norm,
      &ModelGenerator::reduced,  &ModelGenerator::moved,
      &ModelGenerator::softmax,  &ModelGenerator::product,
      &ModelGenerator::selected, &ModelGenerator::norm};
  for (unsigned count = 1 + below(maxOps); count > 0; --count) {
    const int64_t step = below(15);
    const Tensor x = flip() ? pool.back() : pick();
    if (step < 12)
      pool.push_back((this->*steps[step])(x));
    else if (step < 14 && maxOps > 3 && !std::exchange(hasAttention, true))
      pool.push_back(attention(stream()));
    else
      pool.push_back(embedding());
  }
  const Tensor result = pool.back();
  // Results of one type are pinned alike, some of them.
  std::mt19937_64 pinning(random());
  std::map<Shape, int64_t> pinned;
  auto resultPin = [&](const Shape &shape) {
    const int64_t rank = shape.size();
    const int64_t dim =
        pinned.try_emplace(shape, pinning() % (rank + 1)).first->second;
    return pinsResults && pinning() % 2 == 0 ? pinOf(shape, dim) : "";
  };

  std::string ids = "%ids: " + typeOf({batch, sequence}, "i32");
  std::string text, model = "pp.model @m(" + ids + ") -> tensor<f64> {\n";
  std::vector<std::string> arguments{ids},
      types{typeOf({batch, sequence}, "i32")}, names{"%ids"}, paramArguments,
      paramTypes, paramNames;
  for (const Tensor &input : inputs) {
    const std::string type = typeOf(input.shape);
    text += "pp.layer @hold" + input.name.substr(1) + "() params(%p: " + type +
            ") -> " + type + " {\n  pp.yield %p : " + type + "\n}\n";
    model += "  %p" + input.name.substr(1) + " = pp.param \"i" +
             input.name.substr(1) + "\" : " + type + " init(#nn.ones)\n  " +
             input.name + " = pp.apply @hold" + input.name.substr(1) +
             "() params(%p" + input.name.substr(1) + ")" +
             resultPin(input.shape) + " : () params(" + type + ") -> " + type +
             "\n";
    arguments.push_back(input.name + ": " + type);
    types.push_back(type);
    names.push_back(input.name);
  }
  for (const Tensor &param : params) {
    const std::string type = typeOf(param.shape);
    paramArguments.push_back(param.name + ": " + type);
    paramTypes.push_back(type);
    paramNames.push_back(param.name);
    std::string pin;
    const int64_t rank = param.shape.size(), dim = rank ? below(rank) : 0;
    if (rank && below(4) == 0)
      pin = pinOf(param.shape, dim);
    model += "  " + param.name + " = pp.param \"" + param.name.substr(1) +
             "\" : " + type + pin + " init(#nn.ones)\n";
  }
  const std::string type = typeOf(result.shape);
  auto group = [&](const std::vector<std::string> &words) {
    return params.empty() ? "" : " params(" + join(words) + ")";
  };
  text += "pp.layer @f(" + join(arguments) + ")" + group(paramArguments) +
          " -> " + type + " {\n" + body + "  pp.yield " + result.name + " : " +
          type + "\n}\n";
  std::vector<std::string> axes;
  for (size_t i = 0; i < result.shape.size(); ++i)
    axes.push_back(std::to_string(i));
  text += "pp.layer @loss(%x: " + type + ") -> tensor<f64> {\n";
  if (axes.empty())
    text += "  pp.yield %x : tensor<f64>\n}\n";
  else
    text += "  %l = nn.reduce_sum %x axes = [" + join(axes) + "] : (" + type +
            ") -> tensor<f64>\n  pp.yield %l : tensor<f64>\n}\n";
  model += "  %y = pp.apply @f(" + join(names) + ")" + group(paramNames) +
           resultPin(result.shape) + " : (" + join(types) + ")" +
           group(paramTypes) + " -> " + type + "\n  %l = pp.apply @loss(%y)" +
           resultPin({}) + " : (" + type +
           ") -> tensor<f64>\n  pp.return %l : tensor<f64>\n}\n";
  return text + model;
}

} // namespace

std::string pp::commtest::makeRandomModel(uint64_t seed, int64_t n,
                                          unsigned maxOps, bool pinsResults) {
  return ModelGenerator(seed, n).run(maxOps, pinsResults);
}
