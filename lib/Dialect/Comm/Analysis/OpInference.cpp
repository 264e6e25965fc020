//===- OpInference.cpp - Distributions of the results of an op ------------===//
//
// The axes of the mesh are taken one after the other. On one axis an op meets
// operands that are all equal, or a coordinate's own, or parts along one of its
// loops, or partial sums; each term of the op's rule is then itself equal, own,
// cut or partial, and the result is what its terms are together. Read on whole
// tensors, every step below leaves "the result is the op of its operands" true.
//
//===----------------------------------------------------------------------===//

#include "OpInference.h"

#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Interfaces/AccumulatingOpInterface.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace pp;
using namespace pp::comm;
using Kind = Distribution::Kind;

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

InFlightDiagnostic OpInference::error() const {
  return op->emitOpError() << "on axis " << all.axes[axis] << ": ";
}

void OpInference::noteOperand(InFlightDiagnostic &error, unsigned i) const {
  error.attachNote(op->getOperand(i).getLoc())
      << "operand #" << i << " is " << operand(i).str() << " here";
}

std::optional<unsigned> OpInference::findOperand(Kind kind) const {
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (operand(i).is(kind) && !isZero(op->getOperand(i)))
      return i;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

bool OpInference::usesLoop(unsigned operand, unsigned loop) const {
  return llvm::any_of(rule->operands[operand], [&](ArrayRef<unsigned> loops) {
    return llvm::is_contained(loops, loop);
  });
}

/// Whether an operand does not depend on the index of a loop. `orIsOne`: a
/// whole dimension of size 1 is one that repeats.
bool OpInference::repeatsAlong(unsigned operand, unsigned loop,
                               bool orIsOne) const {
  Value value = op->getOperand(operand);
  for (auto [dim, loops] : llvm::enumerate(rule->operands[operand]))
    if (llvm::is_contained(loops, loop) && !all.isUniform(value, dim) &&
        !(orIsOne && all.repeatsAlong(value, dim)))
      return false;
  return true;
}

/// What an operand may be cut along, the likeliest first.
SmallVector<LoopCut> OpInference::findCuts(unsigned operand) const {
  SmallVector<LoopCut> cuts;
  SmallVector<Distribution, 2> readings{this->operand(operand)};
  llvm::append_range(readings,
                     all.getAlternatives(op->getOperand(operand), axis));
  for (Distribution reading : readings)
    for (LoopCut cut :
         rule->findCuts(rule->operands[operand][reading.dim], reading.blocks))
      if (!llvm::is_contained(cuts, cut))
        cuts.push_back(cut);
  return cuts;
}

/// The loop that the parts of all operands are parts of. Where an operand may
/// be cut along several, the other operands decide.
LogicalResult OpInference::findLoop(Meeting &meeting) {
  SmallVector<LoopCut> candidates;
  std::optional<unsigned> first;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    Distribution distribution = operand(i);
    if (!distribution.isSharded())
      continue;
    SmallVector<LoopCut> own = findCuts(i);
    if (own.empty()) {
      InFlightDiagnostic diagnostic =
          error() << "found operand #" << i << " " << distribution.str()
                  << " along a dimension of size 1 that repeats, expected it "
                     "whole: "
                  << all.getRemedy(distribution, Distribution::replicated(),
                                   all.axes[axis]);
      noteOperand(diagnostic, i);
      return diagnostic;
    }
    if (!first) {
      first = i;
      candidates = own;
      continue;
    }
    llvm::erase_if(candidates,
                   [&](LoopCut cut) { return !llvm::is_contained(own, cut); });
    if (candidates.empty()) {
      InFlightDiagnostic diagnostic =
          error() << "found operand #" << *first << " " << operand(*first).str()
                  << " and operand #" << i << " " << distribution.str()
                  << ", which count different dimensions of the op, expected "
                     "parts of one: exchange dimensions of one with "
                     "comm.all_to_all, or gather it";
      noteOperand(diagnostic, *first);
      noteOperand(diagnostic, i);
      return diagnostic;
    }
  }
  // A loop that is cut is cut for every operand that has it.
  std::optional<unsigned> whole;
  bool orIsOne = false;
  auto isWholeIn = [&](LoopCut cut) {
    for (unsigned i = 0; i < op->getNumOperands(); ++i) {
      if (operand(i).isVarying() || operand(i).is(Kind::Partial) ||
          repeatsAlong(i, cut.loop, orIsOne))
        continue;
      whole = i;
      return true;
    }
    return false;
  };
  SmallVector<LoopCut> before = candidates;
  llvm::erase_if(candidates, isWholeIn);
  if (candidates.empty()) {
    orIsOne = true;
    candidates = before;
    llvm::erase_if(candidates, isWholeIn);
  }
  if (candidates.empty()) {
    InFlightDiagnostic diagnostic =
        error() << "found operand #" << *whole << " " << operand(*whole).str()
                << " beside operand #" << *first << " " << operand(*first).str()
                << ", expected parts of the same dimension: take the "
                   "coordinate's part of one with comm.slice, or gather the "
                   "other";
    noteOperand(diagnostic, *first);
    noteOperand(diagnostic, *whole);
    return diagnostic;
  }
  auto isWhole = [&](LoopCut cut) {
    return rule->loops[cut.loop].kind == LoopKind::Whole;
  };
  if (!llvm::all_of(candidates, isWhole))
    llvm::erase_if(candidates, isWhole);
  const auto *known = llvm::find_if(candidates, [&](LoopCut cut) {
    return rule->loops[cut.loop].isPartOver(all.axes[axis]);
  });
  meeting.cut = known != candidates.end() ? *known : candidates.front();
  for (LoopCut other : candidates)
    if (!(other == meeting.cut))
      meeting.others.push_back(other);
  const ShardingRule::Loop &loop = rule->loops[meeting.cut.loop];
  const bool isIndexed = loop.kind == LoopKind::Indexed;
  const bool isRight =
      isIndexed ? meeting.cut.blocks == 1 && loop.isPartOver(all.axes[axis])
                : loop.kind != LoopKind::Whole;
  if (isRight)
    return success();
  InFlightDiagnostic diagnostic = error() << "found operand #" << *first << " "
                                          << operand(*first).str()
                                          << " along a dimension ";
  if (isIndexed && meeting.cut.blocks == 1 && !loop.axes)
    diagnostic
        << "whose indices the op counts, expected the op to say of which "
           "part it is, over ["
        << all.axes[axis] << "] dim(" << operand(*first).dim
        << "), or the operand replicated: ";
  else
    diagnostic << "that the op needs whole, or whose indices it counts, "
                  "expected it replicated or cut along another: ";
  diagnostic << all.getRemedy(operand(*first), Distribution::replicated(),
                              all.axes[axis]);
  noteOperand(diagnostic, *first);
  return diagnostic;
}

/// The loop of which the op says that it computes a part on this axis.
std::optional<unsigned> OpInference::findNamedLoop() const {
  if (rule)
    for (auto [number, loop] : llvm::enumerate(rule->loops))
      if (loop.isPartOver(all.axes[axis]))
        return number;
  return std::nullopt;
}

/// An op that says that it computes a part has operands which are parts of the
/// same, or which repeat, so that all parts are equal.
FailureOr<bool> OpInference::repeatsAlongNamed(unsigned loop) const {
  bool repeats = true;
  for (auto [i, dims] : llvm::enumerate(rule->operands))
    for (auto [dim, loops] : llvm::enumerate(dims)) {
      if (!llvm::is_contained(loops, loop))
        continue;
      Distribution found = operand(i);
      if (found.isSharded() &&
          llvm::is_contained(findCuts(i), LoopCut{loop, 1})) {
        repeats = false;
        continue;
      }
      const bool isEqual =
          found.is(Kind::Replicated) || found.is(Kind::Constant);
      if (isEqual && repeatsAlong(i, loop, /*orIsOne=*/false))
        continue;
      Distribution expected = Distribution::varying(int64_t(dim));
      InFlightDiagnostic diagnostic = error();
      diagnostic << "found operand #" << i << " " << found.str()
                 << " of an op on a part over [" << all.axes[axis] << "] dim("
                 << dim << "), expected " << expected.str() << ": ";
      if (found.is(Kind::Replicated) || found.is(Kind::Constant) ||
          found == Distribution::varying())
        diagnostic << "drop the axis from the op";
      else if (found.isSharded() && found.dim == expected.dim)
        diagnostic << "cut the dimension itself, not blocks of it";
      else
        diagnostic << all.getRemedy(found, expected, all.axes[axis])
                   << ", or correct the part of the op";
      noteOperand(diagnostic, i);
      return diagnostic;
    }
  return repeats;
}

FailureOr<OpInference::Meeting> OpInference::meet() {
  Meeting meeting;
  if (std::optional<unsigned> named = findNamedLoop()) {
    FailureOr<bool> repeats = repeatsAlongNamed(*named);
    if (failed(repeats))
      return failure();
    if (*repeats) {
      meeting.kind = Meeting::Kind::Cut;
      meeting.cut = {*named, 1};
      return meeting;
    }
  }
  auto invariant = findOperand(Kind::Invariant);
  auto replicated = findOperand(Kind::Replicated);
  auto partial = findOperand(Kind::Partial);
  auto maximum = findOperand(Kind::PartialMax);
  std::optional<unsigned> varying = findOperand(Kind::Varying), sharded;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (operand(i).isSharded())
      sharded = i;

  if (maximum) {
    InFlightDiagnostic diagnostic =
        error() << "found operand #" << *maximum
                << " partial(max), which only a collective takes: "
                << all.getRemedy(operand(*maximum), Distribution::invariant(),
                                 all.axes[axis]);
    noteOperand(diagnostic, *maximum);
    return diagnostic;
  }
  std::optional<unsigned> other = varying   ? varying
                                  : partial ? partial
                                            : replicated;
  if (invariant && other) {
    InFlightDiagnostic diagnostic =
        error() << "found operand #" << *invariant
                << " invariant beside operand #" << *other << " "
                << operand(*other).str()
                << ", expected it replicated: its gradient would miss a sum; "
                   "put comm.vary over ["
                << all.axes[axis] << "] before it";
    noteOperand(diagnostic, *invariant);
    noteOperand(diagnostic, *other);
    return diagnostic;
  }
  if (!varying && !partial) {
    meeting.alike = invariant    ? Distribution::invariant()
                    : replicated ? Distribution::replicated()
                                 : Distribution::constant();
    return meeting;
  }
  if (!rule) {
    InFlightDiagnostic diagnostic =
        error() << "found operand #" << *other << " " << operand(*other).str()
                << " of an op without a sharding rule, expected all operands "
                   "equal on all coordinates: gather or sum it first, or "
                   "implement ShardableOpInterface";
    noteOperand(diagnostic, *other);
    return diagnostic;
  }
  if (sharded) {
    meeting.kind = Meeting::Kind::Cut;
    if (failed(findLoop(meeting)))
      return failure();
    return meeting;
  }
  if (varying && partial) {
    InFlightDiagnostic diagnostic =
        error() << "found operand #" << *partial << " partial beside operand #"
                << *varying << " varying, expected it summed: "
                << all.getRemedy(operand(*partial), Distribution::replicated(),
                                 all.axes[axis]);
    noteOperand(diagnostic, *partial);
    return diagnostic;
  }
  meeting.kind = varying ? Meeting::Kind::Own : Meeting::Kind::Summands;
  return meeting;
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

/// What each term is. A rule without terms is one that is linear in nothing.
FailureOr<SmallVector<OpInference::Term>>
OpInference::judgeTerms(const Meeting &meeting) {
  SmallVector<SmallVector<unsigned>> lists = rule->terms;
  if (lists.empty())
    lists.emplace_back();
  SmallVector<bool> isFactor(op->getNumOperands(), false);
  for (ArrayRef<unsigned> list : lists)
    for (unsigned i : list)
      isFactor[i] = true;
  SmallVector<unsigned> coefficients;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (!isFactor[i])
      coefficients.push_back(i);

  for (unsigned i : coefficients)
    if (operand(i).is(Kind::Partial)) {
      InFlightDiagnostic diagnostic =
          error() << "found operand #" << i
                  << " partial, in which the op is not linear, expected it "
                     "summed: "
                  << all.getRemedy(operand(i), Distribution::replicated(),
                                   all.axes[axis]);
      noteOperand(diagnostic, i);
      return diagnostic;
    }

  // What an op adds to has no coefficients.
  auto accumulating = dyn_cast<AccumulatingOpInterface>(op);
  auto isInit = [&](ArrayRef<unsigned> list) {
    return accumulating && list.size() == 1 &&
           op->getOperand(list[0]) == accumulating.getInit();
  };
  SmallVector<Term> terms;
  for (ArrayRef<unsigned> list : lists) {
    SmallVector<unsigned> members(list);
    if (!isInit(list))
      llvm::append_range(members, coefficients);
    Term term = Term::Same;
    std::optional<unsigned> partial, varying;
    for (unsigned i : members) {
      Distribution distribution = operand(i);
      if (distribution.is(Kind::Partial)) {
        if (partial) {
          InFlightDiagnostic diagnostic =
              error() << "found operands #" << *partial << " and #" << i
                      << " partial in one product, expected one at most: sum "
                         "one of them first";
          noteOperand(diagnostic, *partial);
          noteOperand(diagnostic, i);
          return diagnostic;
        }
        partial = i;
      } else if (distribution.isVarying()) {
        varying = i;
        bool isCut =
            meeting.kind == Meeting::Kind::Cut &&
            (distribution.isSharded() || usesLoop(i, meeting.cut.loop));
        if (isCut)
          term = Term::Cut;
        else if (term != Term::Cut)
          term = Term::Own;
      }
    }
    if (partial && varying) {
      InFlightDiagnostic diagnostic =
          error() << "found operand #" << *partial
                  << " partial in a product with operand #" << *varying << " "
                  << operand(*varying).str()
                  << ", expected it summed: a part would meet the summand of "
                     "its own coordinate only; "
                  << all.getRemedy(operand(*partial),
                                   Distribution::replicated(), all.axes[axis]);
      noteOperand(diagnostic, *partial);
      noteOperand(diagnostic, *varying);
      return diagnostic;
    }
    if (partial)
      term = Term::Partial;
    else if (term == Term::Same && list.size() == 1 &&
             isZero(op->getOperand(list[0])))
      term = Term::Zero;
    terms.push_back(term);
  }
  return terms;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// What the result of a view may be as parts: in the order of elements, the
/// number of the part has its place behind a number of blocks, which several
/// dimensions may begin with or have, if some are of size 1.
SmallVector<Distribution> OpInference::findReadings() const {
  SmallVector<Distribution> readings;
  Value value = op->getOperand(0);
  auto shapeOf = [](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getShape();
  };
  auto placeOf = [&](Distribution parts) {
    int64_t blocks = parts.blocks;
    for (int64_t size : shapeOf(value).take_front(parts.dim))
      blocks *= size;
    return blocks;
  };
  int64_t blocks = placeOf(operand(0));
  // Two axes at one place would be in an order, too.
  for (unsigned other = 0; other < all.axes.size(); ++other)
    if (Distribution found = all.lookup(value, other);
        other != axis && found.isVarying() &&
        (!found.isSharded() || placeOf(found) == blocks))
      return readings;
  for (auto [dim, size] : llvm::enumerate(shapeOf(op->getResult(0)))) {
    if (size % blocks == 0)
      readings.push_back(Distribution::varying(int64_t(dim), blocks));
    if (blocks % size != 0)
      break;
    blocks /= size;
  }
  return readings;
}

/// What a result that is `parts` may be as well.
void OpInference::noteReadings(const Meeting &meeting, unsigned result,
                               Distribution parts) {
  SmallVector<Distribution> readings;
  if (rule->isView)
    readings = findReadings();
  for (LoopCut other : meeting.others)
    for (auto [dim, loops] : llvm::enumerate(rule->results[result]))
      if (std::optional<int64_t> blocks = rule->blocksOf(loops, other))
        readings.push_back(Distribution::varying(int64_t(dim), *blocks));
  if (readings.empty())
    return;
  auto &noted = all.alternatives[{op->getResult(result), axis}];
  for (Distribution other : readings)
    if (other != parts && !llvm::is_contained(noted, other))
      noted.push_back(other);
}

/// Some operands are parts along a loop.
FailureOr<Distribution> OpInference::inferCut(const Meeting &meeting,
                                              ArrayRef<Term> terms,
                                              unsigned result) {
  auto isMixed = [&](Term bad) { return llvm::is_contained(terms, bad); };
  for (auto [dim, loops] : llvm::enumerate(rule->results[result])) {
    if (!llvm::is_contained(loops, meeting.cut.loop))
      continue;
    if (isMixed(Term::Partial)) {
      auto partial = findOperand(Kind::Partial);
      InFlightDiagnostic diagnostic =
          error() << "found operand #" << *partial
                  << " partial in a sum with parts, expected it summed: "
                  << all.getRemedy(operand(*partial),
                                   Distribution::varying(int64_t(dim)),
                                   all.axes[axis]);
      noteOperand(diagnostic, *partial);
      return diagnostic;
    }
    int64_t blocks = *rule->blocksOf(loops, meeting.cut);
    // Parts of one block on two axes nest in the order of the mesh.
    for (auto [other, cut] : llvm::enumerate(cuts))
      if (cut && other > axis && blocks == 1 && loops.front() == *cut &&
          *cut != meeting.cut.loop)
        return error() << "found parts along a dimension within one that is "
                          "cut on axis "
                       << all.axes[other]
                       << ", which comes later in the mesh, expected it before "
                          "this one: exchange the axes";
    Distribution parts = Distribution::varying(int64_t(dim), blocks);
    noteReadings(meeting, result, parts);
    return parts;
  }
  if (rule->isView)
    if (SmallVector<Distribution> readings = findReadings();
        !readings.empty()) {
      noteReadings(meeting, result, readings.front());
      return readings.front();
    }
  switch (rule->loops[meeting.cut.loop].kind) {
  case LoopKind::Sum:
    break;
  case LoopKind::Max:
    return Distribution::partialMax();
  case LoopKind::Mean:
    return Distribution::varying();
  case LoopKind::Parallel:
  case LoopKind::Indexed:
  case LoopKind::Whole:
    return error() << "found parts along a loop of the op ("
                   << stringify(rule->loops[meeting.cut.loop].kind)
                   << ") that result #" << result
                   << " lacks, expected them gathered";
  }
  if (isMixed(Term::Same) || isMixed(Term::Own)) {
    InFlightDiagnostic diagnostic =
        error() << "found a sum over parts and a summand that all coordinates "
                   "have, expected partial summands only: it would count once "
                   "a coordinate; add it behind the sum";
    for (auto [list, term] : llvm::zip_first(rule->terms, terms))
      if (term == Term::Same || term == Term::Own)
        for (unsigned i : list)
          noteOperand(diagnostic, i);
    return diagnostic;
  }
  return Distribution::partial();
}

FailureOr<Distribution> OpInference::inferResult(const Meeting &meeting,
                                                 ArrayRef<Term> terms,
                                                 unsigned result) {
  switch (meeting.kind) {
  case Meeting::Kind::Alike:
    return rule && rule->stopsGradient ? Distribution::constant()
                                       : meeting.alike;
  case Meeting::Kind::Own:
    return Distribution::varying();
  case Meeting::Kind::Cut:
    return inferCut(meeting, terms, result);
  case Meeting::Kind::Summands:
    break;
  }
  for (auto [list, term] : llvm::zip_equal(rule->terms, terms)) {
    if (term != Term::Same)
      continue;
    auto partial = findOperand(Kind::Partial);
    InFlightDiagnostic diagnostic =
        error() << "found operand #" << list.front() << " "
                << operand(list.front()).str() << " in a sum with operand #"
                << *partial
                << " partial, expected partial summands only: it would count "
                   "once a coordinate; add it behind the sum";
    noteOperand(diagnostic, list.front());
    noteOperand(diagnostic, *partial);
    return diagnostic;
  }
  return Distribution::partial();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult OpInference::inferCollective(CollectiveOpInterface collective) {
  SmallVector<Distribution, 3> state;
  ArrayAttr named = collective.getAxes();
  for (axis = 0; axis < all.axes.size(); ++axis) {
    bool isNamed = llvm::is_contained(named, all.axes[axis]);
    Distribution found =
        op->getNumOperands() ? operand(0) : Distribution::constant();
    if (!isNamed) {
      if (found.isSharded() &&
          llvm::is_contained(collective.getExchangedDims(), found.dim)) {
        InFlightDiagnostic diagnostic =
            error() << "found operand #0 " << found.str()
                    << " along a dimension whose parts the op exchanges on "
                    << named
                    << ", expected it sharded on these only: blocks of two "
                       "axes nest in one order; exchange both at once";
        noteOperand(diagnostic, 0);
        return diagnostic;
      }
      state.push_back(found);
      continue;
    }
    std::optional<Distribution> to = collective.getTransition(found);
    if (op->getNumOperands())
      for (Distribution other : all.getAlternatives(op->getOperand(0), axis))
        if (!to)
          to = collective.getTransition(other);
    if (!to) {
      InFlightDiagnostic diagnostic =
          error() << "found operand #0 " << found.str() << ", expected "
                  << collective.getExpected() << ": ";
      if (found.is(Kind::Invariant) || found.is(Kind::Replicated) ||
          found.is(Kind::Constant))
        diagnostic << "it is whole on every coordinate; drop the op";
      else if (found.is(Kind::Partial))
        diagnostic << "it is a summand; sum it, or drop the op";
      else if (found == Distribution::varying())
        diagnostic << "it is each coordinate's own, as a mean of parts is; sum "
                      "parts with nn.reduce_sum and divide by how many all of "
                      "them are";
      else
        diagnostic << "it is in parts; drop the op, or use the dimension of "
                      "the parts";
      noteOperand(diagnostic, 0);
      return diagnostic;
    }
    state.push_back(*to);
  }
  all.states[op->getResult(0)] = state;
  return success();
}

/// A call takes what the callee declares, and gives what it declares.
LogicalResult OpInference::inferCall(CallOpInterface call) {
  auto callee =
      dyn_cast_if_present<FunctionOpInterface>(call.resolveCallable());
  if (!callee)
    return op->emitOpError(
        "found no callee, expected a function of the module");
  return all.inferCall(op, callee, call.getArgOperands());
}

void OpInference::inferConstant() {
  for (Value result : op->getResults()) {
    all.states[result].assign(all.axes.size(), Distribution::constant());
    DenseElementsAttr elements;
    if (matchPattern(result, m_Constant(&elements)) && elements.isSplat())
      all.uniform[result] = ~0u;
  }
}

/// A result is uniform along what no operand depends on, unless the op counts
/// indices there.
void OpInference::inferUniform() {
  for (auto [result, dims] : llvm::zip_equal(op->getResults(), rule->results)) {
    unsigned uniform = 0;
    for (auto [dim, loops] : llvm::enumerate(dims))
      if (llvm::all_of(loops, [&](unsigned loop) {
            if (rule->loops[loop].kind == LoopKind::Indexed ||
                rule->loops[loop].kind == LoopKind::Whole)
              return false;
            for (unsigned i = 0; i < op->getNumOperands(); ++i)
              if (!repeatsAlong(i, loop, /*orIsOne=*/false))
                return false;
            return true;
          }))
        uniform |= 1u << dim;
    if (uniform != 0)
      all.uniform[result] = uniform;
  }
}

/// What the op declares of its result: that it is a part, where it repeats, or
/// which of the parts that it may be.
LogicalResult OpInference::applyDeclared() {
  auto declared =
      op->getAttrOfType<DistributionAttr>(CommDialect::getDistributionName());
  if (!declared)
    return success();
  Value result = op->getResult(0);
  for (axis = 0; axis < all.axes.size(); ++axis) {
    Distribution expected = declared.lookup(all.axes[axis]);
    Distribution &found = all.states[result][axis];
    if (!llvm::is_contained(declared.getAxes(), all.axes[axis]) ||
        found == expected)
      continue;
    bool isEqual = found.is(Kind::Replicated) || found.is(Kind::Constant);
    bool isPart = isEqual && expected.isSharded()
                      ? all.repeatsAlong(result, expected.dim)
                      : all.mayBe(result, axis, expected);
    if (!isPart)
      return error() << "found its result " << found.str() << ", declared "
                     << expected.str()
                     << ", expected that of a result which repeats along the "
                        "dimension, or of a view that may be such parts: drop "
                        "the attribute";
    found = expected;
    all.alternatives.erase({result, axis});
  }
  return success();
}

LogicalResult OpInference::run() {
  if (failed(inferOp()))
    return failure();
  return applyDeclared();
}

LogicalResult OpInference::inferOp() {
  if (auto collective = dyn_cast<CollectiveOpInterface>(op))
    return inferCollective(collective);
  if (auto call = dyn_cast<CallOpInterface>(op))
    return inferCall(call);
  if (auto own = dyn_cast<DistributionOpInterface>(op))
    return own.inferDistributions(all);
  if (op->hasTrait<OpTrait::ConstantLike>()) {
    inferConstant();
    return success();
  }
  rule = getShardingRule(op);
  SmallVector<Meeting> meetings;
  for (axis = 0; axis < all.axes.size(); ++axis) {
    FailureOr<Meeting> meeting = meet();
    if (failed(meeting))
      return failure();
    meetings.push_back(*meeting);
    cuts.push_back(meeting->kind == Meeting::Kind::Cut
                       ? std::optional<unsigned>(meeting->cut.loop)
                       : std::nullopt);
  }
  SmallVector<SmallVector<Distribution, 3>> states(op->getNumResults());
  for (axis = 0; axis < all.axes.size(); ++axis) {
    SmallVector<Term> terms;
    Meeting::Kind kind = meetings[axis].kind;
    if (kind == Meeting::Kind::Cut || kind == Meeting::Kind::Summands) {
      auto judged = judgeTerms(meetings[axis]);
      if (failed(judged))
        return failure();
      terms = *judged;
    }
    for (unsigned i = 0; i < op->getNumResults(); ++i) {
      FailureOr<Distribution> result = inferResult(meetings[axis], terms, i);
      if (failed(result))
        return failure();
      states[i].push_back(*result);
    }
  }
  for (auto [result, state] : llvm::zip_equal(op->getResults(), states))
    all.states[result] = state;
  if (rule)
    inferUniform();
  return success();
}
