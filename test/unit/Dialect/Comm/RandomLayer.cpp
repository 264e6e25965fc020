//===- RandomLayer.cpp - Layers that are right by construction ------------===//
//
// Both texts grow together. Of each value the distribution is known; an op is
// chosen, its operands are brought to a distribution that it takes, and the
// result has the one that sharding by hand would give it. Half of the layers
// also have parts of the batch over the axis "data".
//
//===----------------------------------------------------------------------===//

#include "RandomLayer.h"

#include <random>

using namespace pp::commtest;

namespace {

using Shape = std::vector<int64_t>;

/// A value of both layers. `kind` is I, R, V (parts of `dim`) or P.
struct Item {
  std::string whole, sharded;
  Shape shape;
  char kind = 'I';
  int64_t dim = -1;
};

class Generator {
public:
  Generator(uint64_t seed, int64_t n)
      : random(seed * 2 + 1), n(n), hasData(seed % 2 == 1) {}
  Layer run(const std::string &name);

private:
  bool flip() { return random() % 2 == 0; }
  uint64_t below(uint64_t end) { return random() % end; }
  std::string fresh() { return "%v" + std::to_string(next++); }
  std::string over() { return " over [\"tensor\"]"; }

  static std::string type(const Shape &shape) {
    std::string text = "tensor<";
    for (int64_t size : shape)
      text += std::to_string(size) + "x";
    return text + "f64>";
  }
  /// Values have a batch, weights none.
  bool isCutOnData(const Item &item) {
    return hasData && item.shape.size() > 2;
  }
  int64_t batch() const { return hasData ? 2 * n : 2; }
  Shape local(const Item &item) {
    Shape shape = item.shape;
    if (isCutOnData(item))
      shape[0] /= n;
    if (item.kind == 'V')
      shape[item.dim] /= n;
    return shape;
  }
  std::string distribution(const Item &item, bool isReplicated = false) {
    std::string text;
    if (isCutOnData(item))
      text = "\"data\" = varying(0)";
    else if (isReplicated)
      text = "\"data\" = replicated";
    if (item.kind != 'I') {
      text += text.empty() ? "" : ", ";
      text +=
          std::string("\"tensor\" = ") +
          (item.kind == 'R'   ? "replicated"
           : item.kind == 'P' ? "partial"
                              : "varying(" + std::to_string(item.dim) + ")");
    }
    if (text.empty())
      return "";
    return " {comm.distribution = #comm.distribution<{" + text + "}>}";
  }

  Item argument(Shape shape, char kind, int64_t dim = -1);
  /// `op` with $0, $1 for operands and their types at the end.
  Item emit(const std::string &op, std::vector<Item> operands, Item result,
            bool hasFunctionType = true);
  Item collective(const std::string &op, const Item &item, char kind,
                  int64_t dim = -1);
  Item convert(Item item, char kind, int64_t dim = -1);
  /// A weight beside a value: invariant beside invariant ones, else replicated,
  /// by declaration or by comm.vary.
  Item weight(Shape shape, const Item &beside);
  Item pick();

  Item unary(const Item &item);
  Item binary(Item a, Item b);
  Item norm(Item item);
  Item linear(Item item);
  Item attention(Item item);
  Item scaleByRowSums(Item item);
  Item transposed(Item item);
  Item softmax(Item item);
  Item dropout(Item item);
  Item moved(Item item);

  std::mt19937_64 random;
  int64_t n;
  bool hasData;
  unsigned next = 0;
  std::string wholeArguments, shardedArguments, wholeBody, shardedBody;
  std::vector<Item> pool;
};

Item Generator::argument(Shape shape, char kind, int64_t dim) {
  Item item{"", "", shape, kind, dim};
  item.whole = item.sharded = fresh();
  if (!wholeArguments.empty()) {
    wholeArguments += ", ";
    shardedArguments += ", ";
  }
  wholeArguments += item.whole + ": " + type(shape);
  bool isWeight = hasData && !isCutOnData(item), isReplicated = flip();
  shardedArguments +=
      item.sharded + ": " + type(local(item)) +
      distribution(item, /*isReplicated=*/isWeight && isReplicated);
  if (isWeight && !isReplicated) {
    std::string varied = fresh();
    shardedBody += "  " + varied + " = comm.vary " + item.sharded +
                   " over [\"data\"] : " + type(local(item)) + "\n";
    item.sharded = varied;
  }
  return item;
}

Item Generator::emit(const std::string &op, std::vector<Item> operands,
                     Item result, bool hasFunctionType) {
  auto write = [&](bool isWhole) {
    std::string text = op, types;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      std::string name = "$" + std::to_string(i);
      for (size_t at; (at = text.find(name)) != std::string::npos;)
        text.replace(at, name.size(),
                     isWhole ? operand.whole : operand.sharded);
      types += (i ? ", " : "") + type(isWhole ? operand.shape : local(operand));
    }
    std::string to = type(isWhole ? result.shape : local(result));
    return text + " : " + (hasFunctionType ? "(" + types + ") -> " + to : to) +
           "\n";
  };
  result.whole = result.sharded = fresh();
  wholeBody += "  " + result.whole + " = " + write(true);
  shardedBody += "  " + result.sharded + " = " + write(false);
  return result;
}

Item Generator::collective(const std::string &op, const Item &item, char kind,
                           int64_t dim) {
  Item result = item;
  result.kind = kind;
  result.dim = kind == 'V' ? dim : -1;
  result.sharded = fresh();
  std::string text = op;
  text.replace(text.find("$0"), 2, item.sharded);
  shardedBody +=
      "  " + result.sharded + " = " + text + " : " + type(local(item));
  if (local(item) != local(result) || op.find("dim(") != std::string::npos ||
      op.find("split(") != std::string::npos)
    shardedBody += " -> " + type(local(result));
  shardedBody += "\n";
  return result;
}

Item Generator::convert(Item item, char kind, int64_t dim) {
  if (item.kind == kind && (kind != 'V' || item.dim == dim))
    return item;
  std::string at = " dim(" + std::to_string(dim) + ")";
  if (item.kind == 'P') {
    if (kind == 'V')
      return collective("comm.reduce_scatter sum $0" + over() + at, item, 'V',
                        dim);
    item = collective("comm.all_reduce sum $0" + over(), item, 'I');
    return convert(item, kind, dim);
  }
  if (item.kind == 'I') {
    if (kind == 'R')
      return collective("comm.vary $0" + over(), item, 'R');
    return collective("comm.slice $0" + over() + at, item, 'V', dim);
  }
  std::string own = " dim(" + std::to_string(item.dim) + ")";
  if (kind == 'R')
    return collective("comm.all_gather $0" + over() + own, item, 'R');
  if (kind == 'I')
    return collective("comm.all_gather $0" + over() + own + " invariant", item,
                      'I');
  return collective("comm.all_to_all $0" + over() + " split(" +
                        std::to_string(dim) + ") concat(" +
                        std::to_string(item.dim) + ")",
                    item, 'V', dim);
}

Item Generator::weight(Shape shape, const Item &beside) {
  if (beside.kind == 'I')
    return argument(shape, 'I');
  if (flip())
    return argument(shape, 'R');
  return convert(argument(shape, 'I'), 'R');
}

Item Generator::pick() { return pool[below(pool.size())]; }

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Item Generator::unary(const Item &item) {
  // Partial sums pass what is linear.
  if (item.kind == 'P')
    return emit("arith.negf $0", {item}, item, /*hasFunctionType=*/false);
  switch (below(4)) {
  case 0:
    return emit("nn.gelu $0", {item}, item);
  case 1:
    return emit("nn.silu $0", {item}, item);
  case 2:
    return emit("math.sin $0", {item}, item, /*hasFunctionType=*/false);
  default:
    return emit("math.tanh $0", {item}, item, /*hasFunctionType=*/false);
  }
}

Item Generator::binary(Item a, Item b) {
  if (a.kind == 'P' && b.kind == 'P' && flip())
    return emit("nn.add $0, $1", {a, b}, a);
  if (a.kind == 'P' && b.kind == 'R' && flip())
    return emit("nn.mul $0, $1", {a, b}, a);
  char kind = "IRV"[below(3)];
  int64_t dim = 1 + below(2);
  if (a.kind == 'R' || b.kind == 'R')
    kind = 'R';
  a = convert(a, kind, dim);
  b = convert(b, kind, dim);
  const char *ops[] = {"nn.add $0, $1", "nn.sub $0, $1", "nn.mul $0, $1"};
  return emit(ops[below(3)], {a, b}, a);
}

Item Generator::norm(Item item) {
  if (item.kind == 'P' || item.dim == 2)
    item = flip() ? convert(item, 'V', 1) : convert(item, 'I');
  Item gamma = weight({8}, item);
  if (flip())
    return emit("nn.rms_norm $0, $1 {eps = 1.0e-2}", {item, gamma}, item);
  return emit("nn.layer_norm $0, $1, $2 {eps = 1.0e-2}",
              {item, gamma, weight({8}, item)}, item);
}

Item Generator::linear(Item item) {
  if (item.kind == 'P')
    item = convert(item, "IRV"[below(3)], 1);
  // Row-parallel.
  if (item.dim == 2) {
    Item result = item;
    result.kind = 'P';
    result.dim = -1;
    bool isTransposed = flip();
    Item w = argument({8, 8}, 'V', isTransposed ? 1 : 0);
    return emit(isTransposed ? "nn.linear $0, $1 {transposed}"
                             : "nn.linear $0, $1",
                {item, w}, result);
  }
  // Column-parallel.
  if (item.kind == 'R' || (item.kind == 'I' && flip())) {
    item = convert(item, 'R');
    Item result = item;
    result.kind = 'V';
    result.dim = 2;
    Item w = argument({8, 8}, 'V', 1);
    if (flip())
      return emit("nn.linear $0, $1", {item, w}, result);
    return emit("nn.linear $0, $1, $2", {item, w, argument({8}, 'V', 0)},
                result);
  }
  // Rows of a coordinate, or everything everywhere.
  Item w = weight({8, 8}, item);
  if (flip())
    return emit("nn.linear $0, $1", {item, w}, item);
  return emit("nn.linear $0, $1, $2", {item, w, weight({8}, item)}, item);
}

/// Heads of 2 features; the value is query, key and value at once.
Item Generator::attention(Item item) {
  if (item.kind == 'P' || item.dim == 1)
    item = flip() ? convert(item, 'V', 2) : convert(item, 'I');
  Item heads = item;
  heads.shape = {batch(), 4, 4, 2};
  heads = emit("nn.reshape $0", {item}, heads);
  Item turned = flip() ? emit("nn.rotary $0", {heads}, heads) : heads;
  Item lse = heads;
  lse.shape = {batch(), 4, 4};
  lse.dim = heads.kind == 'V' ? 1 : -1;
  Item result = heads;
  result.whole = result.sharded = fresh();
  std::string causal = flip() ? " {causal}" : "";
  auto write = [&](bool isWhole) {
    std::string t = type(isWhole ? heads.shape : local(heads));
    auto name = [&](const Item &i) { return isWhole ? i.whole : i.sharded; };
    return "  " + name(result) + ", " + name(result) + "l = nn.attention " +
           name(turned) + ", " + name(turned) + ", " + name(heads) + causal +
           " : (" + t + ", " + t + ", " + t + ") -> (" + t + ", " +
           type(isWhole ? lse.shape : local(lse)) + ")\n";
  };
  wholeBody += write(true);
  shardedBody += write(false);
  return emit("nn.reshape $0", {result}, item);
}

Item Generator::scaleByRowSums(Item item) {
  if (item.kind == 'P')
    item = convert(item, 'V', 2);
  Item sums = item;
  sums.shape[2] = 1;
  if (item.dim == 2) {
    sums.kind = 'P';
    sums.dim = -1;
  }
  sums = emit("nn.reduce_sum $0 axes = [2] {keepdims}", {item}, sums);
  if (sums.kind == 'P')
    sums = convert(sums, 'R');
  return emit("nn.mul $0, $1", {item, sums}, item);
}

Item Generator::transposed(Item item) {
  auto turn = [](Item item) {
    std::swap(item.shape[1], item.shape[2]);
    if (item.kind == 'V' && item.dim > 0)
      item.dim = 3 - item.dim;
    return item;
  };
  Item other =
      emit("nn.transpose $0 permutation = [0, 2, 1]", {item}, turn(item));
  other = unary(other);
  return emit("nn.transpose $0 permutation = [0, 2, 1]", {other}, turn(other));
}

Item Generator::softmax(Item item) {
  if (item.kind == 'P')
    item = convert(item, 'V', 1);
  int64_t axis = item.dim == 1 ? 2 : 1;
  return emit("nn.softmax $0 {axis = " + std::to_string(axis) + " : i64}",
              {item}, item);
}

/// Of a part along one dimension at most: what is cut on both axes becomes
/// whole on "tensor". Summands drop the same elements.
Item Generator::dropout(Item item) {
  if (isCutOnData(item) && item.kind == 'V')
    item = convert(item, "IR"[below(2)]);
  std::string part;
  if (isCutOnData(item))
    part = " over [\"data\"] dim(0)";
  else if (item.kind == 'V')
    part = over() + " dim(" + std::to_string(item.dim) + ")";
  std::string key = fresh();
  std::string draw = "  " + key + " = arith.constant " +
                     std::to_string(below(1000)) + " : i64\n";
  Item result = item;
  result.whole = result.sharded = fresh();
  auto write = [&](bool isWhole) {
    std::string t = type(isWhole ? item.shape : local(item));
    return draw + "  " + result.whole + " = nn.dropout " +
           (isWhole ? item.whole : item.sharded) + " key(" + key + ")" +
           (isWhole ? "" : part) + " {p = 0.25, site = 0 : i64} : (" + t +
           ", i64) -> " + t + "\n";
  };
  wholeBody += write(true);
  shardedBody += write(false);
  return result;
}

Item Generator::moved(Item item) {
  if (item.kind == 'R')
    return item;
  return convert(item, "IRV"[below(3)], 1 + below(2));
}

Layer Generator::run(const std::string &name) {
  pool.push_back(argument({batch(), 4, 8}, 'I'));
  pool.push_back(argument({batch(), 4, 8}, 'V', 1));
  pool.push_back(argument({batch(), 4, 8}, "RVP"[below(3)], 2));
  if (pool.back().kind != 'V')
    pool.back().dim = -1;
  for (unsigned count = 4 + below(8); count > 0; --count) {
    using Step = Item (Generator::*)(Item);
    static const Step steps[] = {
        &Generator::norm,       &Generator::linear,  &Generator::linear,
        &Generator::attention,  &Generator::softmax, &Generator::scaleByRowSums,
        &Generator::transposed, &Generator::moved,   &Generator::dropout};
    uint64_t step = below(13);
    if (step < 9)
      pool.push_back((this->*steps[step])(pick()));
    else if (step < 10)
      pool.push_back(unary(pick()));
    else
      pool.push_back(binary(pick(), pick()));
  }
  // The last values depend on the others.
  Item a = pool.back(), b = binary(pick(), pick());
  auto text = [&](bool isWhole) {
    auto result = [&](const Item &item) {
      return isWhole ? type(item.shape)
                     : type(local(item)) + distribution(item);
    };
    auto plain = [&](const Item &item) {
      return type(isWhole ? item.shape : local(item));
    };
    return "func.func @f(" + (isWhole ? wholeArguments : shardedArguments) +
           ") -> (" + result(a) + ", " + result(b) + ") {\n" +
           (isWhole ? wholeBody : shardedBody) + "  return " +
           (isWhole ? a.whole : a.sharded) + ", " +
           (isWhole ? b.whole : b.sharded) + " : " + plain(a) + ", " +
           plain(b) + "\n}\n";
  };
  std::string size = std::to_string(n);
  return {name, text(true),
          "pp.mesh @mesh <[\"data\" = " + size + ", \"tensor\" = " + size +
              "]>\n" + text(false)};
}

} // namespace

Layer pp::commtest::makeRandomLayer(uint64_t seed, int64_t n) {
  return Generator(seed, n).run("random " + std::to_string(seed));
}
