//===- RulesReduction.cpp - Reductions, softmax and norms -----------------===//

#include "Rules.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

namespace {

/// For each element of a tensor of `shape` the number of the sum over `axes`
/// that it belongs to.
std::vector<int64_t> groupMap(Shape shape, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> kept(shape);
  for (int64_t axis : axes)
    kept[axis] = 1;
  return broadcastMap(kept, shape);
}

Tensor sumOver(const Tensor &in, ArrayRef<int64_t> axes, Type type) {
  Tensor sum(type);
  for (auto [i, group] : llvm::enumerate(groupMap(in.shape, axes)))
    sum.reals[group] += in.reals[i];
  return sum;
}

void evaluateReduceSum(nn::ReduceSumOp op, Operands in, Results out) {
  out[0] = sumOver(*in[0], op.getAxes(), out[0].type);
  if (op.getInit())
    for (size_t i = 0; i < out[0].reals.size(); ++i)
      out[0].reals[i] += in[1]->reals[i];
}

void evaluateReduceMean(nn::ReduceMeanOp op, Operands in, Results out) {
  out[0] = sumOver(*in[0], op.getAxes(), out[0].type);
  double number = static_cast<double>(in[0]->count()) / out[0].count();
  for (Real &element : out[0].reals)
    element = element / number;
}

/// Elements that tie for a maximum share its derivative equally.
void evaluateReduceMax(nn::ReduceMaxOp op, Operands in, Results out) {
  std::vector<SmallVector<Real>> best(out[0].count());
  for (auto [i, group] :
       llvm::enumerate(groupMap(in[0]->shape, op.getAxes()))) {
    Real x = in[0]->reals[i];
    SmallVector<Real> &list = best[group];
    if (!list.empty() && x.value > list.front().value)
      list.clear();
    if (list.empty() || x.value == list.front().value)
      list.push_back(x);
  }
  for (auto [result, list] : llvm::zip_equal(out[0].reals, best)) {
    result = list.front();
    if (list.size() == 1)
      continue;
    Real sum;
    for (Real x : list)
      sum += x;
    result = sum / static_cast<double>(list.size());
  }
}

/// Calls `visit` with the numbers of the elements of each group along `axis`.
template <typename Visitor>
void forEachRow(Shape shape, int64_t axis, Visitor visit) {
  std::vector<std::vector<int64_t>> rows(countElements(shape) / shape[axis]);
  for (auto [i, row] : llvm::enumerate(groupMap(shape, axis)))
    rows[row].push_back(i);
  for (const std::vector<int64_t> &row : rows)
    visit(ArrayRef<int64_t>(row));
}

void evaluateSoftmax(nn::SoftmaxOp op, Operands in, Results out) {
  forEachRow(in[0]->shape, op.getAxis(), [&](ArrayRef<int64_t> row) {
    // A constant shift does not change the function, nor its derivative.
    double shift = -INFINITY;
    for (int64_t i : row)
      shift = std::max(shift, in[0]->reals[i].value);
    Real sum;
    for (int64_t i : row)
      sum += out[0].reals[i] = exp(in[0]->reals[i] - shift);
    for (int64_t i : row)
      out[0].reals[i] = out[0].reals[i] / sum;
  });
}

/// Mean and 1 / sqrt(variance + eps) of the elements of a row.
std::pair<Real, Real> momentsOf(const Tensor &x, ArrayRef<int64_t> row,
                                double eps) {
  double size = row.size();
  Real mean, variance;
  for (int64_t i : row)
    mean += x.reals[i];
  mean = mean / size;
  for (int64_t i : row) {
    Real distance = x.reals[i] - mean;
    variance += distance * distance;
  }
  return {mean, rsqrt(variance / size + eps)};
}

/// 1 / sqrt(mean of squares + eps) of the elements of a row.
Real scaleOf(const Tensor &x, ArrayRef<int64_t> row, double eps) {
  Real squares;
  for (int64_t i : row)
    squares += x.reals[i] * x.reals[i];
  return rsqrt(squares / static_cast<double>(row.size()) + eps);
}

void evaluateLayerNorm(nn::LayerNormOp op, Operands in, Results out) {
  double eps = op.getEps().convertToDouble();
  forEachRow(in[0]->shape, in[0]->rank() - 1, [&](ArrayRef<int64_t> row) {
    auto [mean, scale] = momentsOf(*in[0], row, eps);
    for (auto [c, i] : llvm::enumerate(row))
      out[0].reals[i] = in[1]->reals[c] * ((in[0]->reals[i] - mean) * scale) +
                        in[2]->reals[c];
  });
}

void evaluateRmsNorm(nn::RMSNormOp op, Operands in, Results out) {
  double eps = op.getEps().convertToDouble();
  forEachRow(in[0]->shape, in[0]->rank() - 1, [&](ArrayRef<int64_t> row) {
    Real scale = scaleOf(*in[0], row, eps);
    for (auto [c, i] : llvm::enumerate(row))
      out[0].reals[i] = in[1]->reals[c] * (in[0]->reals[i] * scale);
  });
}

/// Rows in order: a row begins at its number times its length.
void evaluateLayerNormStatistics(nn::LayerNormStatisticsOp op, Operands in,
                                 Results out) {
  double eps = op.getEps().convertToDouble();
  forEachRow(in[0]->shape, in[0]->rank() - 1, [&](ArrayRef<int64_t> row) {
    int64_t number = row.front() / int64_t(row.size());
    std::tie(out[0].reals[number], out[1].reals[number]) =
        momentsOf(*in[0], row, eps);
  });
}

void evaluateRmsNormStatistics(nn::RMSNormStatisticsOp op, Operands in,
                               Results out) {
  double eps = op.getEps().convertToDouble();
  forEachRow(in[0]->shape, in[0]->rank() - 1, [&](ArrayRef<int64_t> row) {
    out[0].reals[row.front() / int64_t(row.size())] = scaleOf(*in[0], row, eps);
  });
}

} // namespace

void pp::interpreter::addReductionRules(RuleTable &rules) {
  rules.add<nn::ReduceSumOp>(evaluateReduceSum);
  rules.add<nn::ReduceMeanOp>(evaluateReduceMean);
  rules.add<nn::ReduceMaxOp>(evaluateReduceMax);
  rules.add<nn::SumOfSquaresOp>(
      [](nn::SumOfSquaresOp, Operands in, Results out) {
        for (Real element : in[0]->reals)
          out[0].reals[0] += element * element;
      });
  rules.add<nn::SoftmaxOp>(evaluateSoftmax);
  rules.add<nn::LayerNormOp>(evaluateLayerNorm);
  rules.add<nn::RMSNormOp>(evaluateRmsNorm);
  rules.add<nn::LayerNormStatisticsOp>(evaluateLayerNormStatistics);
  rules.add<nn::RMSNormStatisticsOp>(evaluateRmsNormStatistics);
}
