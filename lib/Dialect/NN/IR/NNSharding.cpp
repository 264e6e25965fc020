//===- NNSharding.cpp - How ops of layers may be cut ----------------------===//
//
// The rules of all ops that are neither elementwise nor move elements: their
// loops, what is summed, and where they are linear. A gradient op is linear in
// the cotangents that it takes.
//
//===----------------------------------------------------------------------===//

#include "Checker.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;
using pp::nn::detail::shapeOf;

/// `dims` without its last one.
static DimLoops rowsOf(const DimLoops &dims) {
  return DimLoops(dims.begin(), std::prev(dims.end()));
}

/// Makes `loop` a sum where it is cut and a result lacks it.
static void sumOver(ShardingRule &rule, const DimLoops &dims) {
  for (const auto &loops : dims)
    for (unsigned loop : loops)
      rule.loops[loop].kind = LoopKind::Sum;
}

//===----------------------------------------------------------------------===//
// Products and tables
//===----------------------------------------------------------------------===//

/// Rows, the inner dimension k, which is summed, and the outer one n.
ShardingRule LinearOp::getShardingRule() {
  ShardingRule rule;
  DimLoops input = rule.addLoops(shapeOf(getInput()));
  unsigned k = input.back().front();
  rule.loops[k].kind = LoopKind::Sum;
  unsigned n = rule.addLoop(getType().getShape().back());
  DimLoops weight{{k}, {n}}, result = rowsOf(input);
  if (getTransposed())
    std::swap(weight[0], weight[1]);
  result.push_back({n});
  rule.operands = {input, weight};
  rule.terms = {{0, 1}};
  if (getBias()) {
    rule.operands.push_back({{n}});
    rule.terms.push_back({2});
  }
  rule.results = {result};
  return rule;
}

/// Batch dimensions, m and n; k is summed.
ShardingRule MatmulOp::getShardingRule() {
  ShardingRule rule;
  DimLoops result = rule.addLoops(getType().getShape());
  unsigned last = result.size() - 1;
  ArrayRef<int64_t> shape = shapeOf(getLhs());
  unsigned k =
      rule.addLoop(shape[getTransposeA() ? last - 1 : last], LoopKind::Sum);
  DimLoops lhs = result, rhs = result;
  lhs[last] = {k};
  rhs[last - 1] = {k};
  if (getTransposeA())
    std::swap(lhs[last - 1], lhs[last]);
  if (getTransposeB())
    std::swap(rhs[last - 1], rhs[last]);
  rule.operands = {lhs, rhs};
  rule.terms = {{0, 1}};
  if (getInit()) {
    rule.operands.push_back(result);
    rule.terms.push_back({2});
  }
  rule.results = {result};
  return rule;
}

/// What a part of an op may do with a loop that it counts: without numbers it
/// would count wrong.
static LoopKind countedKind(Value numbers, LoopKind kind) {
  return numbers ? kind : LoopKind::Whole;
}

/// The rule with the counted loop as it is for parts, which have numbers.
template <typename Op> static ShardingRule ruleOfWhole(Op op, LoopKind kind) {
  ShardingRule rule = op.getShardingRule();
  if (std::optional<unsigned> loop = op.getCountedLoop())
    rule.loops[*loop].kind = kind;
  return rule;
}

/// Positions and columns. Rows of the table are counted by the ids; with
/// numbers the result is the sum over rows.
ShardingRule EmbeddingOp::getShardingRule() {
  ShardingRule rule;
  DimLoops ids = rule.addLoops(shapeOf(getIds()));
  unsigned row = rule.addLoop(shapeOf(getTable())[0],
                              countedKind(getNumbers(), LoopKind::Sum));
  unsigned column = rule.addLoop(shapeOf(getTable())[1]);
  DimLoops result = ids;
  result.push_back({column});
  rule.operands = {ids, {{row}, {column}}};
  if (getNumbers())
    rule.operands.push_back({{row}});
  rule.results = {result};
  rule.terms = {{1}};
  return rule;
}
std::optional<ShardingRule> EmbeddingOp::getRuleOfWhole() {
  return ruleOfWhole(*this, LoopKind::Sum);
}
std::optional<unsigned> EmbeddingOp::getCountedLoop() {
  return unsigned(shapeOf(getIds()).size());
}

/// Sums over positions.
ShardingRule EmbeddingGradOp::getShardingRule() {
  ShardingRule rule;
  DimLoops ids = rule.addLoops(shapeOf(getIds()));
  sumOver(rule, ids);
  unsigned row = rule.addLoop(shapeOf(getResult())[0],
                              countedKind(getNumbers(), LoopKind::Parallel));
  unsigned column = rule.addLoop(shapeOf(getResult())[1]);
  DimLoops dy = ids;
  dy.push_back({column});
  DimLoops table{{row}, {column}};
  rule.operands = {ids, dy};
  rule.terms = {{1}};
  if (getInit()) {
    rule.operands.push_back(table);
    rule.terms.push_back({2});
  }
  if (getNumbers())
    rule.operands.push_back({{row}});
  rule.results = {table};
  return rule;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// Rows are independent; the normalised dimension is needed whole.
static ShardingRule normRule(Value input, unsigned weights) {
  ShardingRule rule;
  ArrayRef<int64_t> shape = shapeOf(input);
  DimLoops rows = rule.addLoops(shape, /*whole=*/int64_t(shape.size()) - 1);
  rule.operands = {rows};
  for (unsigned i = 0; i < weights; ++i)
    rule.operands.push_back({rows.back()});
  rule.results = {rows};
  return rule;
}

ShardingRule LayerNormOp::getShardingRule() {
  ShardingRule rule = normRule(getInput(), 2);
  rule.terms = {{1}, {2}};
  return rule;
}
ShardingRule RMSNormOp::getShardingRule() {
  ShardingRule rule = normRule(getInput(), 1);
  rule.terms = {{1}};
  return rule;
}

/// The rows of a norm as one dimension, in order.
static DimLoops statisticsOf(const DimLoops &input) {
  DimLoops merged(1);
  for (const auto &loops : rowsOf(input))
    merged[0].append(loops);
  return merged;
}

/// Statistics are not linear in the input.
static ShardingRule normStatisticsRule(Value input, unsigned results) {
  ShardingRule rule = normRule(input, 0);
  rule.results.assign(results, statisticsOf(rule.operands[0]));
  return rule;
}
ShardingRule LayerNormStatisticsOp::getShardingRule() {
  return normStatisticsRule(getInput(), 2);
}
ShardingRule RMSNormStatisticsOp::getShardingRule() {
  return normStatisticsRule(getInput(), 1);
}

static ShardingRule normGradInputRule(Value input, unsigned statistics) {
  ShardingRule rule = normRule(input, 1);
  const DimLoops whole = rule.operands[0];
  rule.operands.push_back(whole);
  rule.operands.append(statistics, statisticsOf(whole));
  rule.terms = {{1, 2}};
  return rule;
}
ShardingRule LayerNormGradInputOp::getShardingRule() {
  return normGradInputRule(getInput(), getStatistics().size());
}
ShardingRule RMSNormGradInputOp::getShardingRule() {
  return normGradInputRule(getInput(), getStatistics().size());
}

/// Sums over rows.
static ShardingRule normGradScaleRule(Value input, unsigned statistics,
                                      Value init) {
  ShardingRule rule = normRule(input, 0);
  DimLoops whole = rule.operands[0];
  sumOver(rule, rowsOf(whole));
  rule.operands.push_back(whole);
  rule.operands.append(statistics, statisticsOf(whole));
  rule.terms = {{1}};
  DimLoops row{whole.back()};
  if (init) {
    rule.terms.push_back({unsigned(rule.operands.size())});
    rule.operands.push_back(row);
  }
  rule.results = {row};
  return rule;
}
ShardingRule LayerNormGradScaleOp::getShardingRule() {
  return normGradScaleRule(getInput(), getStatistics().size(), getInit());
}
ShardingRule RMSNormGradScaleOp::getShardingRule() {
  return normGradScaleRule(getInput(), getStatistics().size(), getInit());
}

//===----------------------------------------------------------------------===//
// Reductions, softmax, losses
//===----------------------------------------------------------------------===//

/// Dimensions of `axes` are loops of `kind`, which the result lacks.
template <typename Op> static ShardingRule reductionRule(Op op, LoopKind kind) {
  ShardingRule rule;
  DimLoops input = rule.addLoops(shapeOf(op.getInput())), result;
  for (auto [dim, loops] : llvm::enumerate(input)) {
    if (!llvm::is_contained(op.getAxes(), int64_t(dim))) {
      result.push_back(loops);
      continue;
    }
    rule.loops[loops.front()].kind = kind;
    if (op.getKeepdims())
      result.push_back({});
  }
  rule.operands = {input};
  rule.results = {result};
  return rule;
}

ShardingRule ReduceSumOp::getShardingRule() {
  ShardingRule rule = reductionRule(*this, LoopKind::Sum);
  rule.terms = {{0}};
  if (getInit()) {
    rule.operands.push_back(rule.results[0]);
    rule.terms.push_back({1});
  }
  return rule;
}
ShardingRule ReduceMeanOp::getShardingRule() {
  ShardingRule rule = reductionRule(*this, LoopKind::Mean);
  rule.terms = {{0}};
  return rule;
}
ShardingRule ReduceMaxOp::getShardingRule() {
  return reductionRule(*this, LoopKind::Max);
}
/// Squares: not linear.
ShardingRule SumOfSquaresOp::getShardingRule() {
  ShardingRule rule;
  DimLoops input = rule.addLoops(shapeOf(getInput()));
  sumOver(rule, input);
  rule.operands = {input};
  rule.results = {{}};
  return rule;
}

ShardingRule SoftmaxOp::getShardingRule() {
  ShardingRule rule;
  DimLoops input = rule.addLoops(shapeOf(getInput()), int64_t(getAxis()));
  rule.operands = {input};
  rule.results = {input};
  return rule;
}

/// Positions, over which the loss is a mean, and classes, which targets count.
static ShardingRule lossRule(Value logits) {
  ShardingRule rule;
  ArrayRef<int64_t> shape = shapeOf(logits);
  DimLoops whole = rule.addLoops(shape, int64_t(shape.size()) - 1);
  DimLoops positions = rowsOf(whole);
  for (const auto &loops : positions)
    rule.loops[loops.front()].kind = LoopKind::Mean;
  rule.operands = {whole, positions};
  rule.results = {DimLoops(), positions};
  return rule;
}
ShardingRule CrossEntropyOp::getShardingRule() { return lossRule(getLogits()); }
ShardingRule CrossEntropyGradOp::getShardingRule() {
  ShardingRule rule = lossRule(getLogits());
  rule.operands.push_back(rule.operands[1]);
  rule.operands.push_back({});
  rule.results = {rule.operands[0]};
  rule.terms = {{3}};
  return rule;
}

/// Rows, and classes, which targets count: with numbers a sum. The logits come
/// first, then `rows` operands of one number a row.
static ShardingRule classesRule(Value logits, unsigned rows, Value numbers,
                                LoopKind kind) {
  ShardingRule rule;
  DimLoops whole = rule.addLoops(shapeOf(logits));
  const unsigned classes = whole.back().front();
  rule.loops[classes].kind = countedKind(numbers, kind);
  rule.operands = {whole};
  rule.operands.append(rows, rowsOf(whole));
  if (numbers)
    rule.operands.push_back({{classes}});
  return rule;
}

ShardingRule ClassMaxOp::getShardingRule() {
  ShardingRule rule = classesRule(getLogits(), 0, getNumbers(), LoopKind::Max);
  rule.results = {rowsOf(rule.operands[0])};
  return rule;
}
std::optional<ShardingRule> ClassMaxOp::getRuleOfWhole() {
  return ruleOfWhole(*this, LoopKind::Max);
}
std::optional<unsigned> ClassMaxOp::getCountedLoop() {
  return unsigned(shapeOf(getLogits()).size() - 1);
}

/// An exponential and a shift: linear in nothing.
ShardingRule ClassSumsOp::getShardingRule() {
  ShardingRule rule = classesRule(getLogits(), 2, getNumbers(), LoopKind::Sum);
  rule.results.assign(2, rule.operands[1]);
  return rule;
}
std::optional<ShardingRule> ClassSumsOp::getRuleOfWhole() {
  return ruleOfWhole(*this, LoopKind::Sum);
}
std::optional<unsigned> ClassSumsOp::getCountedLoop() {
  return unsigned(shapeOf(getLogits()).size() - 1);
}
ShardingRule ClassSumsGradOp::getShardingRule() {
  ShardingRule rule =
      classesRule(getLogits(), 4, getNumbers(), LoopKind::Parallel);
  rule.results = {rule.operands[0]};
  rule.terms = {{3}, {4}};
  return rule;
}
std::optional<ShardingRule> ClassSumsGradOp::getRuleOfWhole() {
  return ruleOfWhole(*this, LoopKind::Parallel);
}
std::optional<unsigned> ClassSumsGradOp::getCountedLoop() {
  return unsigned(shapeOf(getLogits()).size() - 1);
}

//===----------------------------------------------------------------------===//
// Attention, positions, dropout
//===----------------------------------------------------------------------===//

namespace {
/// The loops of attention. Query heads are counted by the key heads and, within
/// one, by the query heads that share it.
struct AttentionLoops {
  template <typename Op> AttentionLoops(Op op, ShardingRule &rule) {
    // A causal mask counts positions, and documents are of all of them.
    LoopKind positions =
        op.getCausal() || op.getDocuments() ? LoopKind::Whole : LoopKind::Sum;
    unsigned batch = rule.addLoop(op.getBatch());
    unsigned query = rule.addLoop(op.getQueryLength(), positions);
    unsigned key = rule.addLoop(op.getKeyLength(), LoopKind::Whole);
    unsigned keyHead = rule.addLoop(op.getKeyHeads());
    unsigned shared =
        rule.addLoop(op.getHeads() / op.getKeyHeads(), LoopKind::Sum);
    unsigned size = rule.addLoop(op.getHeadSize(), LoopKind::Whole);
    queries = {{batch}, {query}, {keyHead, shared}, {size}};
    keys = {{batch}, {key}, {keyHead}, {size}};
    statistics = {{batch}, {keyHead, shared}, {query}};
    documents = {{batch}, {key}};
  }
  DimLoops queries, keys, statistics, documents;
};
} // namespace

ShardingRule AttentionOp::getShardingRule() {
  ShardingRule rule;
  AttentionLoops loops(*this, rule);
  rule.operands = {loops.queries, loops.keys, loops.keys};
  if (getDocuments())
    rule.operands.push_back(loops.documents);
  rule.results = {loops.queries, loops.statistics};
  return rule;
}

/// Gradients of keys and values sum over queries and over heads that share one.
ShardingRule AttentionGradOp::getShardingRule() {
  ShardingRule rule;
  AttentionLoops loops(*this, rule);
  rule.operands = {loops.queries, loops.keys,       loops.keys,
                   loops.queries, loops.statistics, loops.queries};
  if (getDocuments())
    rule.operands.push_back(loops.documents);
  rule.results = {loops.queries, loops.keys, loops.keys};
  rule.terms = {{5}};
  return rule;
}

/// Positions turn by their number, and the elements of a head in pairs.
ShardingRule RotaryOp::getShardingRule() {
  ShardingRule rule;
  DimLoops input = rule.addLoops(shapeOf(getInput()), {1, 3});
  rule.operands = {input};
  rule.results = {input};
  rule.terms = {{0}};
  return rule;
}

/// Elements are dropped by their number in the whole tensor. A part knows where
/// it begins along one dimension, and is whole along the others.
ShardingRule DropoutOp::getShardingRule() {
  ShardingRule rule;
  DimLoops input = rule.addLoops(getType().getShape());
  for (auto [dim, loop] : llvm::enumerate(rule.loops)) {
    const bool isPart = getDim() && *getDim() == dim;
    loop.kind = isPart || !getAxes() ? LoopKind::Indexed : LoopKind::Whole;
    if (isPart)
      loop.axes = getAxesAttr();
  }
  rule.operands = {input};
  if (getKey())
    rule.operands.push_back({});
  rule.results = {input};
  rule.terms = {{0}};
  return rule;
}

void DropoutOp::resizeToPart(StringAttr axis, std::optional<int64_t> dim) {
  Builder builder(getContext());
  setAxesAttr(builder.getArrayAttr(axis));
  setDimAttr(builder.getI64IntegerAttr(dim.value()));
}

//===----------------------------------------------------------------------===//
// Change of type
//===----------------------------------------------------------------------===//

/// Linear between floats, up to their rounding; not to integers.
ShardingRule CastOp::getShardingRule() {
  if (isa<FloatType>(getInput().getType().getElementType()) &&
      isa<FloatType>(getType().getElementType()))
    return elementwiseRule(*this, {{0}});
  return elementwiseRule(*this, {});
}
