//===- LayerShardingForms.cpp - What may be cut in a layer ----------------===//
//
// Into which parts each value of a layer may be cut, before anything is chosen:
// by the loops of the ops that it goes through, in as many blocks as these take
// it apart, with padding where all that touch it know how, and along positions
// only if these may be cut.
//
//===----------------------------------------------------------------------===//

#include "LayerSharding.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using comm::Distribution;

std::optional<Distribution> pp::cutOf(const ShardingRule &rule,
                                      const DimLoops &dims, LoopCut cut) {
  for (auto [dim, loops] : llvm::enumerate(dims))
    if (std::optional<int64_t> blocks = rule.blocksOf(loops, cut))
      return Distribution::varying(int64_t(dim), *blocks);
  return std::nullopt;
}

/// A dimension that ops count (rows of a table, classes) may be cut with
/// padding if all that touch it know how: those ops, which leave out what is
/// beyond their count, products that it is an outer dimension of, and
/// parameters, whose padding is zeros.
void LayerShardings::findPaddable() {
  struct Place {
    Value value;
    int64_t dim;
  };
  /// What an op has of one loop, in one dimension each.
  auto placesOf = [](Operation *op, const ShardingRule &rule, unsigned loop) {
    SmallVector<Place> places;
    auto add = [&](const DimLoops &dims, Value value) {
      for (auto [dim, loops] : llvm::enumerate(dims))
        if (loops.size() == 1 && loops.front() == loop)
          places.push_back({value, int64_t(dim)});
    };
    for (auto [dims, value] : llvm::zip_equal(rule.operands, op->getOperands()))
      add(dims, value);
    for (auto [dims, value] : llvm::zip_equal(rule.results, op->getResults()))
      add(dims, value);
    return places;
  };
  /// The loop of an op that may be padded.
  auto loopOf = [](Operation *op,
                   const ShardingRule &rule) -> std::optional<unsigned> {
    auto shardable = dyn_cast<ShardableOpInterface>(op);
    if (!shardable)
      return std::nullopt;
    if (std::optional<unsigned> counted = shardable.getCountedLoop())
      return counted;
    auto product = dyn_cast<nn::LinearOp>(op);
    if (!product || product.getBias())
      return std::nullopt;
    return rule.results[0].back().front();
  };
  for (bool isCounted : {true, false})
    for (Operation *op : ops) {
      std::optional<ShardingRule> rule = getRuleOfWhole(op);
      std::optional<unsigned> loop =
          rule ? loopOf(op, *rule) : std::optional<unsigned>();
      if (!loop)
        continue;
      SmallVector<Place> places = placesOf(op, *rule, *loop);
      const bool isKnown =
          !isa<nn::LinearOp>(op) || llvm::any_of(places, [&](Place place) {
            auto at = paddable.find(place.value);
            return at != paddable.end() && at->second == place.dim;
          });
      if (isCounted == !isa<nn::LinearOp>(op) && isKnown)
        for (Place place : places)
          paddable.try_emplace(place.value, place.dim);
    }
  auto mayStay = [&](Value value, int64_t dim) {
    if (auto argument = dyn_cast<BlockArgument>(value);
        argument && argument.getArgNumber() < layer.getNumInputs())
      return false;
    SmallVector<Operation *> touching(value.getUsers());
    if (Operation *op = value.getDefiningOp())
      touching.push_back(op);
    return llvm::all_of(touching, [&](Operation *op) {
      std::optional<ShardingRule> rule = getRuleOfWhole(op);
      std::optional<unsigned> loop =
          rule ? loopOf(op, *rule) : std::optional<unsigned>();
      if (!loop)
        return false;
      bool isThere = false;
      for (Place place : placesOf(op, *rule, *loop)) {
        auto at = paddable.find(place.value);
        if (at == paddable.end() || at->second != place.dim)
          return false;
        isThere |= place.value == value && place.dim == dim;
      }
      return isThere;
    });
  };
  for (bool hasChanged = true; std::exchange(hasChanged, false);)
    for (Value value : values)
      if (auto at = paddable.find(value);
          at != paddable.end() && !mayStay(value, at->second)) {
        paddable.erase(at);
        hasChanged = true;
      }
}

/// From what the layer takes they go through the ops by their rules.
void LayerShardings::findPositions() {
  llvm::DenseMap<Value, llvm::SmallDenseSet<unsigned>> dims;
  for (Value input : ArrayRef(values).take_front(layer.getNumInputs())) {
    auto type = cast<RankedTensorType>(input.getType());
    // Ids have no features.
    const unsigned last = holdsFloats(type) ? 1 : 0;
    for (unsigned dim = 0; dim + last < type.getRank(); ++dim)
      dims[input].insert(dim);
  }
  for (Operation *op : ops) {
    auto &own = positions.emplace_back();
    std::optional<ShardingRule> rule = getRuleOfWhole(op);
    if (!rule)
      continue;
    for (auto [counted, operand] :
         llvm::zip_equal(rule->operands, op->getOperands()))
      for (unsigned dim : dims.lookup(operand))
        own.insert(counted[dim].begin(), counted[dim].end());
    for (auto [counted, result] :
         llvm::zip_equal(rule->results, op->getResults()))
      for (auto [dim, loops] : llvm::enumerate(counted))
        if (llvm::any_of(loops,
                         [&](unsigned loop) { return own.contains(loop); }))
          dims[result].insert(unsigned(dim));
  }
}

/// Into equal parts, or with padding.
bool LayerShardings::mayCut(unsigned op, const ShardingRule &rule,
                            LoopCut cut) const {
  if (!axis.cutsPositions && positions[op].contains(cut.loop))
    return false;
  // The numbers of a part count on from its first one.
  if (auto shardable = dyn_cast<ShardableOpInterface>(ops[op]);
      shardable && shardable.getCountedLoop() == cut.loop && cut.blocks != 1)
    return false;
  if (canCut(rule, cut, axis.size))
    return true;
  if (cut.blocks != 1 || rule.loops[cut.loop].kind == LoopKind::Whole)
    return false;
  bool isPaddable = false;
  auto check = [&](const DimLoops &dims, Value value) {
    for (auto [dim, loops] : llvm::enumerate(dims)) {
      if (!llvm::is_contained(loops, cut.loop))
        continue;
      auto at = paddable.find(value);
      if (at == paddable.end() || at->second != int64_t(dim))
        return false;
      isPaddable = true;
    }
    return true;
  };
  for (auto [dims, value] :
       llvm::zip_equal(rule.operands, ops[op]->getOperands()))
    if (!check(dims, value))
      return false;
  for (auto [dims, value] :
       llvm::zip_equal(rule.results, ops[op]->getResults()))
    if (!check(dims, value))
      return false;
  return isPaddable;
}

/// In which blocks a dimension may be cut is known by the ops that take it
/// apart, and by the user; from op to op it spreads to all that could make such
/// parts.
void LayerShardings::findForms(Pins pinned) {
  forms.resize(values.size());
  std::vector<std::optional<ShardingRule>> rules;
  for (Operation *op : ops)
    rules.push_back(getRuleOfWhole(op));
  bool hasChanged = true;
  auto add = [&](Value value, Distribution form) {
    auto &own = forms[number(value)];
    auto padded = paddable.find(value);
    const bool mayPad = padded != paddable.end() &&
                        form == Distribution::varying(padded->second);
    if (llvm::is_contained(own, form) ||
        !(mayPad || canCut(value.getType(), form, axis.size)))
      return;
    own.push_back(form);
    hasChanged = true;
  };
  auto addCut = [&](unsigned i, LoopCut cut) {
    if (!mayCut(i, *rules[i], cut))
      return;
    for (auto [dims, value] :
         llvm::zip_equal(rules[i]->operands, ops[i]->getOperands()))
      if (auto form = cutOf(*rules[i], dims, cut))
        add(value, *form);
    for (auto [dims, value] :
         llvm::zip_equal(rules[i]->results, ops[i]->getResults()))
      if (auto form = cutOf(*rules[i], dims, cut))
        add(value, *form);
  };
  auto spread = [&](unsigned i, const DimLoops &dims, Value value) {
    for (Distribution form : SmallVector<Distribution>(forms[number(value)]))
      for (LoopCut cut : rules[i]->findCuts(dims[form.dim], form.blocks))
        addCut(i, cut);
  };
  for (unsigned i = 0; i < ops.size(); ++i)
    if (rules[i])
      for (unsigned loop = 0; loop < rules[i]->loops.size(); ++loop)
        addCut(i, {loop, 1});
  for (auto [value, form] : pinned)
    add(value, form);
  while (std::exchange(hasChanged, false))
    for (unsigned i = 0; i < ops.size(); ++i) {
      if (!rules[i])
        continue;
      for (auto [dims, value] :
           llvm::zip_equal(rules[i]->operands, ops[i]->getOperands()))
        spread(i, dims, value);
      for (auto [dims, value] :
           llvm::zip_equal(rules[i]->results, ops[i]->getResults()))
        spread(i, dims, value);
    }
}
