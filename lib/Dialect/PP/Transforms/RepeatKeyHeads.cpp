//===- RepeatKeyHeads.cpp - A key head for each coordinate ----------------===//
//
// Attention with fewer key heads than coordinates: each key head is there more
// than once, for some of its query heads each. What made the keys is made anew
// with as many heads more, up to the weights of the product, of which each
// column is there as often; so a coordinate computes its own head only. The
// weights themselves are whole on all coordinates.
//
//===----------------------------------------------------------------------===//

#include "ExposeParallelism.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include <numeric>

using namespace mlir;
using namespace pp;

namespace {
/// Makes a value anew in which each of `heads` heads is `times` times, one
/// behind the other. Null where more than views, rotations and a product made
/// it.
class Repetition {
public:
  Repetition(OpBuilder &builder, int64_t heads, int64_t times)
      : builder(builder), heads(heads), times(times) {}

  /// Dimension `dim` counts heads, or heads and what is in each.
  Value repeat(Value value, int64_t dim);

private:
  Value repeatWeights(Value value, int64_t dim);
  Value repeatBias(nn::AddOp add, int64_t dim);

  OpBuilder &builder;
  int64_t heads, times;
};
} // namespace

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static RankedTensorType withSize(RankedTensorType type, int64_t dim,
                                 int64_t size) {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = size;
  return type.clone(shape);
}

/// Of a parameter: by a broadcast.
Value Repetition::repeatWeights(Value value, int64_t dim) {
  RankedTensorType type = typeOf(value);
  Location loc = value.getLoc();
  const int64_t size = type.getDimSize(dim);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = size / heads;
  shape.insert(shape.begin() + dim, {heads, 1});
  value = nn::ReshapeOp::create(builder, loc, type.clone(shape), value);
  shape[dim + 1] = times;
  value = nn::BroadcastOp::create(builder, loc, type.clone(shape), value);
  return nn::ReshapeOp::create(builder, loc, withSize(type, dim, size * times),
                               value);
}

Value Repetition::repeatBias(nn::AddOp add, int64_t dim) {
  Value product = repeat(add.getLhs(), dim);
  if (!product)
    return {};
  auto sum = nn::AddOp::create(builder, add.getLoc(), product.getType(),
                               product, repeatWeights(add.getRhs(), 0));
  sum->setAttr(attr::kBias, builder.getUnitAttr());
  return sum;
}

Value Repetition::repeat(Value value, int64_t dim) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  RankedTensorType type = typeOf(value);
  RankedTensorType longer = withSize(type, dim, type.getDimSize(dim) * times);
  const bool isLast = dim == type.getRank() - 1;
  if (auto rotary = dyn_cast<nn::RotaryOp>(op)) {
    Value input = repeat(rotary.getInput(), dim);
    if (!input)
      return {};
    return nn::RotaryOp::create(builder, op->getLoc(), input,
                                rotary.getBaseAttr(), rotary.getScalingAttr(),
                                rotary.getInterleavedAttr(),
                                rotary.getInverseAttr());
  }
  if (auto reshape = dyn_cast<nn::ReshapeOp>(op)) {
    // [..., heads * size] as [..., heads, size].
    RankedTensorType from = typeOf(reshape.getInput());
    if (from.getRank() != type.getRank() - 1 || dim != from.getRank() - 1 ||
        from.getShape().drop_back() != type.getShape().take_front(dim))
      return {};
    Value input = repeat(reshape.getInput(), dim);
    if (!input)
      return {};
    return nn::ReshapeOp::create(builder, op->getLoc(), longer, input);
  }
  if (auto add = dyn_cast<nn::AddOp>(op);
      add && add->hasAttr(attr::kBias) && isLast)
    return repeatBias(add, dim);
  if (auto product = dyn_cast<nn::LinearOp>(op);
      product && !product.getBias() && isLast)
    return nn::LinearOp::create(
        builder, op->getLoc(), longer, product.getInput(),
        repeatWeights(product.getWeight(), product.getTransposed() ? 0 : 1),
        /*bias=*/Value(), product.getTransposed());
  return {};
}

static void eraseUnused(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !op->use_empty())
    return;
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  for (Value operand : operands)
    eraseUnused(operand);
}

/// In `attention`, where `size` coordinates could share the query heads but not
/// the key heads.
static void repeatKeyHeads(nn::AttentionOp attention, int64_t size) {
  const int64_t heads = attention.getKeyHeads();
  if (heads % size == 0 || attention.getHeads() % size != 0)
    return;
  // So often that each coordinate has whole ones.
  const int64_t times = std::lcm(heads, size) / heads;
  if ((attention.getHeads() / heads) % times != 0)
    return;
  Value key = attention.getKey(), value = attention.getValue();
  OpBuilder builder(attention);
  Repetition repetition(builder, heads, times);
  Value newKey = repetition.repeat(key, 2);
  Value newValue = newKey ? repetition.repeat(value, 2) : Value();
  if (!newValue) {
    if (newKey)
      eraseUnused(newKey);
    return;
  }
  attention.getKeyMutable().assign(newKey);
  attention.getValueMutable().assign(newValue);
  eraseUnused(key);
  if (value != key)
    eraseUnused(value);
}

void pp::repeatKeyHeads(LayerOp layer, int64_t size) {
  for (auto attention :
       llvm::to_vector(layer.getBody().front().getOps<nn::AttentionOp>()))
    ::repeatKeyHeads(attention, size);
}
