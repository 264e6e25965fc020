//===- RulesLayers.cpp - Products, attention, tables, loss, dropout -------===//

#include "Random.h"
#include "Rules.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

namespace {

void evaluateLinear(nn::LinearOp op, Operands in, Results out) {
  int64_t inner = in[0]->shape.back(), outer = out[0].shape.back();
  int64_t rows = in[0]->count() / inner;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t n = 0; n < outer; ++n) {
      Real sum;
      for (int64_t k = 0; k < inner; ++k)
        sum += in[0]->reals[row * inner + k] *
               in[1]->reals[op.getTransposed() ? n * inner + k : k * outer + n];
      if (op.getBias())
        sum += in[2]->reals[n];
      out[0].reals[row * outer + n] = sum;
    }
  }
}

void evaluateMatmul(nn::MatmulOp op, Operands in, Results out) {
  int64_t rank = in[0]->rank();
  int64_t rows = out[0].shape[rank - 2], columns = out[0].shape[rank - 1];
  int64_t inner = in[0]->shape[op.getTransposeA() ? rank - 2 : rank - 1];
  int64_t batches = out[0].count() / (rows * columns);
  for (int64_t batch = 0; batch < batches; ++batch) {
    auto a = [&](int64_t m, int64_t k) {
      return in[0]->reals[batch * rows * inner +
                          (op.getTransposeA() ? k * rows + m : m * inner + k)];
    };
    auto b = [&](int64_t k, int64_t n) {
      return in[1]
          ->reals[batch * inner * columns +
                  (op.getTransposeB() ? n * inner + k : k * columns + n)];
    };
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t n = 0; n < columns; ++n) {
        int64_t place = (batch * rows + m) * columns + n;
        Real sum = op.getInit() ? in[2]->reals[place] : Real();
        for (int64_t k = 0; k < inner; ++k)
          sum += a(m, k) * b(k, n);
        out[0].reals[place] = sum;
      }
    }
  }
}

/// log sum exp of a list.
Real logSumExp(ArrayRef<Real> list) {
  double shift = -INFINITY;
  for (Real x : list)
    shift = std::max(shift, x.value);
  Real sum;
  for (Real x : list)
    sum += exp(x - shift);
  return log(sum) + shift;
}

void evaluateAttention(nn::AttentionOp op, Operands in, Results out) {
  const Tensor &q = *in[0], &k = *in[1], &v = *in[2];
  int64_t batches = q.shape[0], queries = q.shape[1], heads = q.shape[2],
          size = q.shape[3], keys = k.shape[1], keyHeads = k.shape[2];
  double scale = op.getScale() ? op.getScale()->convertToDouble()
                               : 1 / std::sqrt(static_cast<double>(size));
  auto at = [](const Tensor &x, int64_t b, int64_t t, int64_t h, int64_t d) {
    return linearize(x.shape, {b, t, h, d});
  };
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t h = 0; h < heads; ++h) {
      int64_t g = h / (heads / keyHeads);
      for (int64_t t = 0; t < queries; ++t) {
        int64_t end = op.getCausal() ? t + keys - queries + 1 : keys;
        SmallVector<int64_t> seen;
        for (int64_t j = 0; j < end; ++j)
          if (!op.getDocuments() ||
              in[3]->integers[b * keys + j] == in[3]->integers[b * keys + t])
            seen.push_back(j);
        SmallVector<Real> scores;
        for (int64_t j : seen) {
          Real score;
          for (int64_t d = 0; d < size; ++d)
            score += q.reals[at(q, b, t, h, d)] * k.reals[at(k, b, j, g, d)];
          scores.push_back(score * scale);
        }
        Real lse = logSumExp(scores);
        out[1].reals[linearize(out[1].shape, {b, h, t})] = lse;
        for (Real &score : scores)
          score = exp(score - lse);
        for (int64_t d = 0; d < size; ++d) {
          Real sum;
          for (auto [score, j] : llvm::zip_equal(scores, seen))
            sum += score * v.reals[at(v, b, j, g, d)];
          out[0].reals[at(out[0], b, t, h, d)] = sum;
        }
      }
    }
  }
}

/// By wavelengths, as Llama's reference code has it.
double scaledFrequency(nn::RotaryScalingAttr scaling, double frequency) {
  double factor = scaling.getFactor().convertToDouble();
  double low = scaling.getLow().convertToDouble();
  double high = scaling.getHigh().convertToDouble();
  double original = scaling.getOriginal().convertToDouble();
  double wavelength = 2 * std::acos(-1.0) / frequency;
  if (original == 0 || low * wavelength > original)
    return frequency / factor;
  if (high * wavelength < original)
    return frequency;
  double smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

void evaluateRotary(nn::RotaryOp op, Operands in, Results out) {
  int64_t size = in[0]->shape[3], half = size / 2;
  double base = op.getBase().convertToDouble();
  forEachIndex(in[0]->shape, [&](ArrayRef<int64_t> index) {
    int64_t i = index[3];
    if (i >= half)
      return;
    SmallVector<int64_t> first(index), second(index);
    first[3] = op.getInterleaved() ? 2 * i : i;
    second[3] = op.getInterleaved() ? 2 * i + 1 : i + half;
    int64_t p = linearize(in[0]->shape, first);
    int64_t q = linearize(in[0]->shape, second);
    double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(size);
    double frequency = std::pow(base, exponent);
    if (nn::RotaryScalingAttr scaling = op.getScalingAttr())
      frequency = scaledFrequency(scaling, frequency);
    double angle = static_cast<double>(index[1]) * frequency;
    if (op.getInverse())
      angle = -angle;
    Real a = in[0]->reals[p], b = in[0]->reals[q];
    out[0].reals[p] = a * std::cos(angle) - b * std::sin(angle);
    out[0].reals[q] = a * std::sin(angle) + b * std::cos(angle);
  });
}

LogicalResult checkId(Operation *op, int64_t id, int64_t limit) {
  if (id >= 0 && id < limit)
    return success();
  return op->emitOpError("found id ") << id << ", expected 0 to " << limit - 1
                                      << ": the data does not fit the model";
}

LogicalResult evaluateEmbedding(nn::EmbeddingOp op, Operands in, Results out) {
  int64_t rows = in[1]->shape[0], width = in[1]->shape[1];
  const int64_t first = op.getNumbers() ? in[2]->integers[0] : 0;
  for (auto [position, id] : llvm::enumerate(in[0]->integers)) {
    if (failed(checkId(op, id, int64_t(op.getCount().value_or(rows)))))
      return failure();
    if (id < first || id >= first + rows)
      continue;
    for (int64_t c = 0; c < width; ++c)
      out[0].reals[position * width + c] =
          in[1]->reals[(id - first) * width + c];
  }
  return success();
}

void evaluateClassMax(nn::ClassMaxOp op, Operands in, Results out) {
  int64_t classes = in[0]->shape.back();
  const int64_t first = op.getNumbers() ? in[1]->integers[0] : 0;
  const auto count = int64_t(op.getCount().value_or(classes));
  for (auto [i, highest] : llvm::enumerate(out[0].reals)) {
    highest = Real(-INFINITY);
    for (int64_t v = 0; v < classes && first + v < count; ++v)
      if (Real logit = in[0]->reals[i * classes + v];
          logit.value > highest.value)
        highest = logit;
  }
}

/// Sums over classes, but of no padding.
LogicalResult evaluateClassSums(nn::ClassSumsOp op, Operands in, Results out) {
  int64_t classes = in[0]->shape.back();
  const int64_t first = op.getNumbers() ? in[3]->integers[0] : 0;
  const auto count = int64_t(op.getCount().value_or(classes));
  for (auto [i, target] : llvm::enumerate(in[2]->integers)) {
    const Real *row = in[0]->reals.data() + i * classes;
    const double shift = in[1]->reals[i].value;
    for (int64_t v = 0; v < classes && first + v < count; ++v)
      out[0].reals[i] += exp(row[v] - shift);
    if (target == int64_t(op.getIgnoreIndex()))
      continue;
    if (failed(checkId(op, target, count)))
      return failure();
    if (target >= first && target < first + classes)
      out[1].reals[i] = row[target - first] - shift;
  }
  return success();
}

LogicalResult evaluateCrossEntropy(nn::CrossEntropyOp op, Operands in,
                                   Results out) {
  int64_t classes = in[0]->shape.back();
  int64_t ignored = op.getIgnoreIndex();
  Real sum;
  double number = 0;
  for (auto [i, target] : llvm::enumerate(in[1]->integers)) {
    ArrayRef<Real> row =
        ArrayRef<Real>(in[0]->reals).slice(i * classes, classes);
    Real lse = logSumExp(row);
    out[1].reals[i] = lse;
    if (target == ignored)
      continue;
    if (failed(checkId(op, target, classes)))
      return failure();
    sum += lse - row[target];
    ++number;
  }
  out[0].reals[0] = number == 0 ? Real() : sum / number;
  return success();
}

LogicalResult evaluateDropout(nn::DropoutOp op, Operands in, Results out,
                              const Surroundings &around) {
  double p = op.getP().convertToDouble();
  uint64_t key = op.getKey() ? static_cast<uint64_t>(in[1]->integers[0])
                             : around.dropoutKey;
  double threshold = std::min(std::nearbyint(p * 0x1p32), 0x1p32 - 1);
  // What is cut along `dim` is counted in the whole tensor.
  SmallVector<int64_t> whole(in[0]->shape);
  int64_t dim = op.getDim().value_or(0), begin = 0;
  if (op.getAxes()) {
    if (!around.findMember)
      return op.emitOpError("found a part of a tensor, expected the whole: "
                            "interpret the model without a mesh");
    Member member = around.findMember(*op.getAxes());
    begin = member.number * whole[dim];
    whole[dim] *= member.size;
  }
  size_t i = 0;
  forEachIndex(in[0]->shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> place(index);
    if (begin != 0)
      place[dim] += begin;
    uint64_t e = linearize(whole, place);
    Words words = philox(key, e / 4, op.getSite());
    if (key == 0)
      out[0].reals[i] = in[0]->reals[i];
    else if (words[e % 4] >= threshold)
      out[0].reals[i] = in[0]->reals[i] / (1 - p);
    ++i;
  });
  return success();
}

} // namespace

void pp::interpreter::addLayerRules(RuleTable &rules) {
  rules.add<nn::LinearOp>(evaluateLinear);
  rules.add<nn::MatmulOp>(evaluateMatmul);
  rules.add<nn::AttentionOp>(evaluateAttention);
  rules.add<nn::RotaryOp>(evaluateRotary);
  rules.add<nn::EmbeddingOp>(evaluateEmbedding);
  rules.add<nn::CrossEntropyOp>(evaluateCrossEntropy);
  rules.add<nn::ClassMaxOp>(evaluateClassMax);
  rules.add<nn::ClassSumsOp>(evaluateClassSums);
  rules.add<nn::DropoutOp>(evaluateDropout);
  rules.add<nn::MixKeyOp>([](nn::MixKeyOp op, Operands in, Results out) {
    out[0].integers[0] = static_cast<int64_t>(
        mixKey(static_cast<uint64_t>(in[0]->integers[0]), op.getSalt()));
  });
}
