//===- LayerSharding.cpp - The cheapest way to cut a layer ----------------===//
//
// Each op of a layer is computed whole on every coordinate, or cut along one of
// its loops, or on summands. That says in which distribution it takes its
// operands; where a value is there in another one, a collective stands between,
// in forward and backward. Which ways together are the cheapest is found by
// dynamic programming over the ops in their order: what comes later depends on
// the past only through the distributions in which the values that are still
// needed exist. Of these a transformer block has a few at a time.
//
// The cost is time, and what is held: a parameter that every coordinate holds
// is charged as if it were read many times, since what is scarce where layers
// are cut is memory.
//
//===----------------------------------------------------------------------===//

#include "LayerSharding.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Interfaces/AccumulatingOpInterface.h"
#include "pp/Interfaces/ElementBytes.h"
#include "pp/Schedule/Simulator.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace pp;
using comm::Distribution;
using Kind = comm::Distribution::Kind;

/// How often a parameter that is held is charged as read.
static constexpr double kPriceOfParameters = 64;
/// Of products backward costs twice the forward, and others are charged alike.
static constexpr double kPasses = 3;
/// Nodes that are kept a step.
static constexpr size_t kWidth = 2000;
/// The cheapest nodes of a step, with which each of it is compared.
static constexpr size_t kCompared = 64;

static double bytesOf(Type type) {
  return double(pp::detail::sumOfBytes(TypeRange(type)));
}

Distribution pp::asWhole(Type type, Distribution distribution) {
  const bool isEqual =
      distribution.is(Kind::Invariant) || distribution.is(Kind::Replicated);
  return isEqual && !holdsFloats(type) ? Distribution::constant()
                                       : distribution;
}

bool pp::canCut(Type type, Distribution varying, int64_t size) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && varying.dim < tensor.getRank() &&
         tensor.getDimSize(varying.dim) % (varying.blocks * size) == 0;
}

bool pp::canCut(const ShardingRule &rule, LoopCut cut, int64_t size) {
  const ShardingRule::Loop &loop = rule.loops[cut.loop];
  // An op knows its part of a dimension by one number, and is cut once.
  const bool isFixed =
      loop.kind == LoopKind::Whole ||
      (loop.kind == LoopKind::Indexed && (cut.blocks != 1 || loop.axes));
  return !isFixed && loop.size % (cut.blocks * size) == 0;
}

std::optional<double> pp::costOfStep(Type type, Distribution from,
                                     Distribution to,
                                     const ShardingAxis &axis) {
  if (from == to)
    return 0;
  const double bytes = bytesOf(type), n = double(axis.size);
  // As CommCosts.cpp says of each collective: an all-gather or a reduce-scatter
  // of so many bytes, all parts together. An all-reduce is one and the other.
  auto ring = [&](double bytes) {
    return schedule::ringTime(bytes, axis.size, axis.latency / (n - 1),
                              axis.rates.transfer);
  };
  const double once = ring(bytes);
  // No collective moves masks.
  Type element = getElementTypeOrSelf(type);
  if ((from.isVarying() || to.isVarying()) && element.isInteger(1))
    return std::nullopt;
  // Nor does one know padding.
  auto isEven = [&](Distribution form) {
    return form.isSharded() && form.blocks == 1 &&
           canCut(type, form, axis.size);
  };
  const bool isCut = isEven(from), becomesCut = isEven(to);
  if (from.is(Kind::Constant)) {
    if (to.is(Kind::Partial))
      return std::nullopt; // it would count once a coordinate
    if (!to.isVarying())
      return 0;
    return becomesCut ? std::optional<double>(0) : std::nullopt;
  }
  const double backward = holdsFloats(type) ? 1 : 0;
  if (from.is(Kind::Invariant)) {
    if (to.is(Kind::Replicated))
      return 2 * once; // of the cotangent
    return becomesCut ? std::optional<double>(backward * once) : std::nullopt;
  }
  // A maximum has no cotangent: it is detached. All of it is gathered.
  if (from.is(Kind::PartialMax))
    return to.is(Kind::Invariant) ? std::optional<double>(ring(n * bytes))
                                  : std::nullopt;
  if (from.is(Kind::Partial)) {
    if (to.is(Kind::Invariant))
      return 2 * once;
    return becomesCut ? std::optional<double>(2 * once) : std::nullopt;
  }
  if (isCut) {
    if (to.is(Kind::Invariant) || to.is(Kind::Constant))
      return once;
    if (to.is(Kind::Replicated))
      return (axis.gathersAgain ? 3 : 2) * once;
    if (becomesCut)
      return 2 * ring(bytes / n);
  }
  return std::nullopt;
}

double pp::priceOfHolding(Type type, Distribution form,
                          const ShardingAxis &axis) {
  const double bytes =
      bytesOf(type) / (form.isSharded() ? double(axis.size) : 1);
  return bytes * kPriceOfParameters / axis.rates.bytes;
}

//===----------------------------------------------------------------------===//
// Ways to compute an op
//===----------------------------------------------------------------------===//

/// Whether each term of the rule is cut: a factor of it, or a coefficient,
/// which all terms have but the one that the op adds to.
static bool areTermsCut(Operation *op, const ShardingRule &rule,
                        ArrayRef<bool> isCut) {
  SmallVector<bool> isFactor(isCut.size(), false);
  for (ArrayRef<unsigned> list : rule.terms)
    for (unsigned i : list)
      isFactor[i] = true;
  bool isCoefficientCut = false;
  for (auto [factor, cut] : llvm::zip_equal(isFactor, isCut))
    isCoefficientCut |= cut && !factor;
  auto accumulating = dyn_cast<AccumulatingOpInterface>(op);
  return llvm::all_of(rule.terms, [&](ArrayRef<unsigned> list) {
    const bool isInit = accumulating && list.size() == 1 &&
                        op->getOperand(list.front()) == accumulating.getInit();
    return (isCoefficientCut && !isInit) ||
           llvm::any_of(list, [&](unsigned i) { return isCut[i]; });
  });
}

/// Whether parts of size 1 would be taken for something else: types of one
/// coordinate do not tell them from a dimension that repeats, nor from another
/// of size 1 that a reshape puts beside them, and behind another loop of a
/// dimension they are not seen.
static bool isAmbiguous(const ShardingRule &rule, LoopCut cut, int64_t size) {
  if (cut.blocks != 1 || rule.loops[cut.loop].size != size)
    return false;
  /// A loop of size 1 that somewhere is counted by a dimension of its own.
  auto isApart = [&](unsigned other) {
    auto splits = [&](const DimLoops &dims) {
      return llvm::any_of(dims, [&](ArrayRef<unsigned> loops) {
        return llvm::is_contained(loops, other) &&
               !llvm::is_contained(loops, cut.loop);
      });
    };
    return rule.loops[other].size == 1 &&
           (llvm::any_of(rule.operands, splits) ||
            llvm::any_of(rule.results, splits));
  };
  auto isMistaken = [&](const DimLoops &dims) {
    return llvm::any_of(dims, [&](ArrayRef<unsigned> loops) {
      if (loops.empty())
        return true;
      return llvm::is_contained(loops, cut.loop) &&
             (loops.front() != cut.loop || llvm::any_of(loops, isApart));
    });
  };
  if (llvm::any_of(rule.operands, isMistaken) ||
      llvm::any_of(rule.results, isMistaken))
    return true;
  // The adjoint of a reduction puts a dimension of size 1 where one was summed:
  // it is taken for the one that stands behind it.
  auto isBehindOneReduced = [&](const DimLoops &dims) {
    DimLoops kept;
    bool follows = false, isMistaken = false;
    for (ArrayRef<unsigned> loops : dims) {
      const bool isReduced = llvm::any_of(loops, [&](unsigned loop) {
        const LoopKind kind = rule.loops[loop].kind;
        return kind == LoopKind::Sum || kind == LoopKind::Mean ||
               kind == LoopKind::Max;
      });
      isMistaken |= follows && loops.size() == 1 && loops.front() == cut.loop;
      follows =
          isReduced || (follows && llvm::all_of(loops, [&](unsigned loop) {
                          return rule.loops[loop].size == 1;
                        }));
      if (!isReduced)
        kept.push_back(SmallVector<unsigned, 2>(loops));
    }
    return isMistaken && llvm::is_contained(rule.results, kept);
  };
  if (llvm::any_of(rule.operands, isBehindOneReduced))
    return true;
  // Dimensions of size 1 that the result lacks.
  for (auto [loop, each] : llvm::enumerate(rule.loops)) {
    auto counts = [&, loop = unsigned(loop)](const DimLoops &dims) {
      return llvm::any_of(dims, [&](ArrayRef<unsigned> loops) {
        return llvm::is_contained(loops, loop);
      });
    };
    if (each.size == 1 && llvm::any_of(rule.operands, counts) &&
        llvm::none_of(rule.results, counts))
      return true;
  }
  return false;
}

namespace {
/// Collects the ways to compute one op.
class Ways {
public:
  Ways(Operation *op, const std::optional<ShardingRule> &rule,
       const ShardingAxis &axis)
      : op(op), rule(rule), axis(axis),
        seconds(kPasses * costOf(op, axis.rates).seconds) {}

  void addWhole(Distribution how);
  void addCut(LoopCut cut);
  void addSummands();
  std::vector<OpSharding> take() { return std::move(ways); }

private:
  void add(OpSharding way) { ways.push_back(std::move(way)); }

  Operation *op;
  const std::optional<ShardingRule> &rule;
  ShardingAxis axis;
  double seconds;
  std::vector<OpSharding> ways;
};
} // namespace

/// On all coordinates alike.
void Ways::addWhole(Distribution how) {
  OpSharding way;
  bool hasFloats = false;
  for (Type type : op->getOperandTypes()) {
    way.operands.push_back(asWhole(type, how));
    hasFloats |= holdsFloats(type);
  }
  if (!hasFloats && how.is(Kind::Replicated))
    return; // the same once more
  const bool stops = rule && rule->stopsGradient;
  for (Type type : op->getResultTypes())
    way.results.push_back(stops || !hasFloats ? Distribution::constant()
                                              : asWhole(type, how));
  way.seconds = seconds;
  add(std::move(way));
}

void Ways::addCut(LoopCut cut) {
  if (isAmbiguous(*rule, cut, axis.size))
    return;
  OpSharding way;
  SmallVector<bool> isCut;
  bool hasParts = false;
  for (auto [dims, operand] :
       llvm::zip_equal(rule->operands, op->getOperands())) {
    std::optional<Distribution> own = cutOf(*rule, dims, cut);
    isCut.push_back(own.has_value());
    hasParts |= own && !matchPattern(operand, m_Constant());
    way.operands.push_back(
        own ? *own : asWhole(operand.getType(), Distribution::replicated()));
  }
  // Of what no operand has the inference finds no part, and a constant may be
  // part of any.
  if (!hasParts)
    return;
  for (const DimLoops &dims : rule->results) {
    std::optional<Distribution> own = cutOf(*rule, dims, cut);
    const LoopKind kind = rule->loops[cut.loop].kind;
    // A maximum over coordinates has no derivative.
    const bool isReduced =
        kind == LoopKind::Sum ||
        (kind == LoopKind::Max &&
         llvm::all_of(op->getUsers(), llvm::IsaPred<comm::DetachOp>));
    if (!own && (!isReduced || !areTermsCut(op, *rule, isCut)))
      return;
    way.results.push_back(own                     ? *own
                          : kind == LoopKind::Max ? Distribution::partialMax()
                                                  : Distribution::partial());
  }
  way.seconds = seconds / double(axis.size);
  add(std::move(way));
}

/// One factor of each term is partial.
void Ways::addSummands() {
  if (!rule || rule->terms.empty() || op->getNumResults() != 1)
    return;
  SmallVector<SmallVector<unsigned>> picks{{}};
  for (ArrayRef<unsigned> list : rule->terms) {
    SmallVector<SmallVector<unsigned>> longer;
    for (ArrayRef<unsigned> pick : picks)
      for (unsigned i : list) {
        longer.emplace_back(pick);
        longer.back().push_back(i);
      }
    picks = std::move(longer);
  }
  for (ArrayRef<unsigned> pick : picks) {
    OpSharding way;
    for (auto [i, type] : llvm::enumerate(op->getOperandTypes()))
      way.operands.push_back(llvm::is_contained(pick, i)
                                 ? Distribution::partial()
                                 : asWhole(type, Distribution::replicated()));
    if (llvm::any_of(pick, [&](unsigned i) {
          return !holdsFloats(op->getOperand(i).getType());
        }))
      continue;
    way.results.push_back(Distribution::partial());
    way.seconds = seconds;
    add(std::move(way));
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

LayerShardings::LayerShardings(LayerOp layer, const ShardingAxis &axis,
                               Pins pinned)
    : layer(layer), axis(axis) {
  Block &body = layer.getBody().front();
  auto add = [&](Value value) {
    numbers[value] = values.size();
    values.push_back(value);
  };
  for (BlockArgument argument : body.getArguments())
    add(argument);
  for (Operation &op : body.without_terminator()) {
    ops.push_back(&op);
    for (Value result : op.getResults())
      add(result);
  }
  lastUse.assign(values.size(), 0);
  for (auto [i, op] : llvm::enumerate(ops))
    for (Value operand : op->getOperands())
      lastUse[number(operand)] = i;
  yielded = body.getTerminator()->getOperands();
  for (Value operand : yielded)
    lastUse[number(operand)] = ops.size();
  if (!axis.cutsPositions)
    findPositions();
  findPaddable();
  findForms(pinned);
  addOps();
}

void LayerShardings::addOps() {
  for (Operation *op : ops) {
    std::optional<ShardingRule> rule = getRuleOfWhole(op);
    if (op->hasTrait<OpTrait::ConstantLike>()) {
      OpSharding way;
      way.results.assign(op->getNumResults(), Distribution::constant());
      choices.push_back({way});
      continue;
    }
    Ways ways(op, rule, axis);
    ways.addWhole(Distribution::invariant());
    ways.addWhole(Distribution::replicated());
    if (rule) {
      SmallVector<LoopCut> cuts;
      auto collect = [&](const DimLoops &dims, Value value) {
        for (Distribution form : forms[number(value)])
          for (LoopCut cut : rule->findCuts(dims[form.dim], form.blocks))
            if (!llvm::is_contained(cuts, cut))
              cuts.push_back(cut);
      };
      for (auto [dims, value] :
           llvm::zip_equal(rule->operands, op->getOperands()))
        collect(dims, value);
      for (LoopCut cut : cuts)
        if (mayCut(choices.size(), *rule, cut))
          ways.addCut(cut);
      ways.addSummands();
    }
    choices.push_back(ways.take());
  }
}

bool LayerShardings::canCutAny() const {
  return llvm::any_of(choices, [](const std::vector<OpSharding> &ways) {
    return llvm::any_of(ways, [](const OpSharding &way) {
      return llvm::any_of(way.operands,
                          [](Distribution form) { return form.isSharded(); });
    });
  });
}

SmallVector<Distribution> LayerShardings::getForms(unsigned argument) const {
  return forms[argument];
}

//===----------------------------------------------------------------------===//
// Search
//===----------------------------------------------------------------------===//

namespace {
/// The distributions in which a value exists.
using Forms = SmallVector<Distribution, 3>;

struct Holding {
  unsigned value;
  Forms forms;
};
} // namespace

struct LayerShardings::Node {
  double seconds = 0;
  unsigned before = 0; ///< in the step before
  unsigned choice = 0;
  /// Values that exist and are still needed, in the order in which they came.
  SmallVector<Holding, 6> live;
  /// Parameters that were taken first by the op of this step, as what they are
  /// held.
  SmallVector<std::pair<unsigned, Distribution>, 1> decided;

  /// Null of a parameter that no op has taken.
  Holding *find(unsigned value) {
    for (Holding &holding : live)
      if (holding.value == value)
        return &holding;
    return nullptr;
  }
  const Holding *find(unsigned value) const {
    return const_cast<Node *>(this)->find(value);
  }
  /// Equal for nodes with the same future.
  std::string key() const {
    std::string text;
    auto add = [&](uint32_t number) {
      text.append(reinterpret_cast<const char *>(&number), sizeof number);
    };
    for (const Holding &holding : live) {
      SmallVector<uint32_t, 4> codes;
      for (Distribution form : holding.forms)
        codes.push_back(uint32_t(form.kind) | uint32_t(form.dim + 1) << 4 |
                        uint32_t(form.blocks) << 8);
      llvm::sort(codes);
      add(holding.value);
      llvm::for_each(codes, add);
      add(~0u);
    }
    return text;
  }
};

/// `costOfStep`, computed once for each value.
std::optional<double> LayerShardings::costOf(unsigned value, Distribution from,
                                             Distribution to) const {
  auto code = [](Distribution form) {
    return uint64_t(form.kind) | uint64_t(form.dim + 1) << 3 |
           uint64_t(form.blocks) << 7;
  };
  auto [known, isNew] =
      stepCosts.try_emplace({value, code(from) << 32 | code(to)});
  if (isNew)
    known->second = costOfStep(values[value].getType(), from, to, axis);
  return known->second;
}

/// Adds `to` to the forms of a value, by one step or two; the seconds.
std::optional<double>
LayerShardings::convert(unsigned value, SmallVectorImpl<Distribution> &forms,
                        Distribution to) const {
  std::optional<double> best;
  for (Distribution from : forms)
    if (auto cost = costOf(value, from, to); cost && (!best || *cost < *best))
      best = cost;
  if (best) {
    if (!llvm::is_contained(forms, to))
      forms.push_back(to);
    return best;
  }
  // A sum that is to be replicated is invariant first.
  if (to.is(Kind::Replicated) &&
      !llvm::is_contained(forms, Distribution::invariant()))
    if (auto first = convert(value, forms, Distribution::invariant()))
      if (auto second = convert(value, forms, to))
        return *first + *second;
  return std::nullopt;
}

std::optional<LayerSharding>
LayerShardings::findCheapest(const LayerBorder &border) const {
  Node first;
  SmallVector<Distribution> arguments;
  for (auto [i, decided] : llvm::enumerate(border.arguments)) {
    arguments.push_back(asWhole(values[i].getType(),
                                decided.value_or(Distribution::invariant())));
    if (decided)
      first.live.push_back({unsigned(i), {arguments.back()}});
  }
  /// All nodes of all steps, for the way back.
  std::vector<std::vector<Node>> steps{{first}};

  /// Takes operand `value` as `to` in all ways that there are.
  auto take = [&](std::vector<Node> &nodes, unsigned value, Distribution to) {
    std::vector<Node> taken;
    Type type = values[value].getType();
    for (Node &node : nodes) {
      if (Holding *holding = node.find(value)) {
        if (auto cost = convert(value, holding->forms, to)) {
          node.seconds += *cost;
          taken.push_back(std::move(node));
        }
        continue;
      }
      // A parameter: as it is taken, or whole.
      SmallVector<Distribution, 2> held{Distribution::invariant()};
      if (to.isSharded())
        held.push_back(to);
      for (Distribution form : held) {
        Forms forms{form};
        auto cost = convert(value, forms, to);
        if (!cost)
          continue;
        Node next = node;
        next.live.push_back({value, forms});
        next.decided.emplace_back(value, form);
        next.seconds += *cost + priceOfHolding(type, form, axis);
        taken.push_back(std::move(next));
      }
    }
    nodes = std::move(taken);
  };
  /// Whether `a` can do what `b` can and is no dearer, with the steps to the
  /// forms that it lacks.
  auto isNoDearer = [&](Node &a, Node &b) {
    double left = b.seconds - a.seconds;
    for (auto [own, other] : llvm::zip_equal(a.live, b.live)) {
      Forms all = own.forms;
      for (Distribution form : other.forms) {
        if (llvm::is_contained(all, form))
          continue;
        auto cost = convert(own.value, all, form);
        if (!cost || *cost > left)
          return false;
        left -= *cost;
      }
    }
    return left >= 0;
  };
  /// Of nodes with the same future the cheapest, without those than which a
  /// cheaper one is better whatever comes, of these the best.
  auto prune = [&](std::vector<Node> &nodes) {
    llvm::StringMap<unsigned> best;
    std::vector<Node> kept;
    for (Node &node : nodes) {
      auto [at, isNew] = best.try_emplace(node.key(), kept.size());
      if (isNew)
        kept.push_back(std::move(node));
      else if (node.seconds < kept[at->second].seconds)
        kept[at->second] = std::move(node);
    }
    llvm::sort(kept, [](const Node &a, const Node &b) {
      return std::tie(a.seconds, a.before, a.choice) <
             std::tie(b.seconds, b.before, b.choice);
    });
    nodes.clear();
    for (Node &node : kept) {
      const size_t cheaper = std::min(nodes.size(), kCompared);
      if (llvm::none_of(llvm::MutableArrayRef(nodes).take_front(cheaper),
                        [&](Node &other) { return isNoDearer(other, node); }))
        nodes.push_back(std::move(node));
      if (nodes.size() == kWidth)
        break;
    }
  };

  /// Whether all operands that exist can be taken so.
  auto canTake = [&](const Node &node, Operation &op, const OpSharding &way) {
    return llvm::all_of(llvm::zip_equal(op.getOperands(), way.operands),
                        [&](auto each) {
                          auto [operand, to] = each;
                          const unsigned value = this->number(operand);
                          const Holding *holding = node.find(value);
                          if (!holding)
                            return true;
                          Forms forms = holding->forms;
                          return convert(value, forms, to).has_value();
                        });
  };

  for (unsigned i = 0; i < ops.size(); ++i) {
    std::vector<Node> all;
    for (auto [number, before] : llvm::enumerate(steps.back()))
      for (auto [choice, way] : llvm::enumerate(choices[i])) {
        if (!canTake(before, *ops[i], way))
          continue;
        std::vector<Node> nodes{before};
        nodes.front().decided.clear();
        nodes.front().before = number;
        nodes.front().choice = choice;
        nodes.front().seconds += way.seconds;
        for (auto [operand, to] :
             llvm::zip_equal(ops[i]->getOperands(), way.operands))
          take(nodes, this->number(operand), to);
        for (Node &node : nodes) {
          llvm::erase_if(node.live, [&](const Holding &holding) {
            return lastUse[holding.value] <= i;
          });
          for (auto [result, form] :
               llvm::zip_equal(ops[i]->getResults(), way.results))
            if (lastUse[this->number(result)] > i)
              node.live.push_back({this->number(result), {form}});
          all.push_back(std::move(node));
        }
      }
    prune(all);
    if (all.empty())
      return std::nullopt;
    steps.push_back(std::move(all));
  }

  std::optional<LayerSharding> best;
  for (const Node &last : steps.back()) {
    std::vector<Node> nodes{last};
    for (auto [operand, to] : llvm::zip_equal(yielded, border.results))
      take(nodes, number(operand), asWhole(operand.getType(), to));
    for (Node &node : nodes) {
      if (best && best->seconds <= node.seconds)
        continue;
      best.emplace();
      best->seconds = node.seconds;
      best->ops.resize(ops.size());
      best->arguments = arguments;
      auto note = [&](const Node &at) {
        for (auto [value, form] : at.decided)
          best->arguments[value] = form;
      };
      note(node);
      note(last);
      unsigned at = &last - steps.back().data();
      for (unsigned i = ops.size(); i-- > 0;) {
        const Node &node = steps[i + 1][at];
        best->ops[i] = choices[i][node.choice];
        note(node);
        at = node.before;
      }
    }
  }
  return best;
}
