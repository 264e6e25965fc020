//===- Replicas.cpp - What replicas of the pipeline share -----------------===//

#include "Replicas.h"

#include <numeric>

using namespace mlir;
using namespace pp;

/// Visits the accumulators that a function adds to.
static void
forEachGradient(func::FuncOp function,
                llvm::function_ref<void(StringAttr, int64_t)> visit) {
  for (unsigned i = 0, e = function ? function.getNumArguments() : 0; i != e;
       ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, attr::kGrad))
      visit(name,
            function.getArgAttrOfType<IntegerAttr>(i, attr::kUse).getInt());
}

Replicas::Replicas(const Plan &plan, int64_t pipe, OpBuilder &builder,
                   std::function<void(Operation *)> created)
    : plan(plan), pipe(pipe), builder(builder), created(std::move(created)) {
  if (llvm::none_of(plan.parameters, [](auto &each) {
        return ParameterOp(each.second.op).getPiece().has_value();
      }))
    return;
  hasPieces = true;
  ScheduleOp schedule = plan.scheduleOp;
  groups = schedule.getNumGroups() / schedule.getReplicas();
  const int64_t each = plan.microbatches() / groups;
  llvm::MapVector<std::pair<Use, int64_t>, size_t> last;
  for (auto [place, action] : llvm::enumerate(plan.schedule.ranks[pipe]))
    forEachGradient(plan.getFunction(action),
                    [&, place = place, group = action.microbatch / each](
                        StringAttr name, int64_t use) {
                      last[{{name, use}, group}] = place;
                    });
  for (auto &[key, place] : last)
    ends[place].push_back(key);
  limitReductions();
}

StartOp Replicas::start(Location loc, CollectiveKind kind, Value operand,
                        Type result, const Twine &value) {
  return note(StartOp::create(
      builder, loc, result, TokenType::get(builder.getContext()), kind, operand,
      builder.getStrArrayAttr({MeshOp::kReplicas}),
      builder.getStringAttr(value), IntegerAttr()));
}

Value Replicas::finish(Location loc, StartOp started) {
  return note(FinishOp::create(builder, loc, started.getToken(),
                               started.getOperand(), started.getBuffer(),
                               IntegerAttr()))
      .getResult();
}

//===----------------------------------------------------------------------===//
// The begin of a step
//===----------------------------------------------------------------------===//

/// Visits the parameters that a function reads.
static void forEachParameter(func::FuncOp function,
                             llvm::function_ref<void(StringAttr)> visit) {
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, attr::kParam))
      visit(name);
}

void Replicas::startGathers(Location loc) {
  if (!hasPieces)
    return;
  llvm::SmallPtrSet<Operation *, 8> seen;
  for (const schedule::Action &action : plan.schedule.ranks[pipe]) {
    func::FuncOp function = plan.getFunction(action);
    if (!function || !seen.insert(function).second)
      continue;
    forEachParameter(function, [&](StringAttr name) {
      const auto &used = plan.parameters.find(name)->second;
      ParameterOp parameter = used.op;
      // One that nothing updates is whole.
      if (!parameter.getCut() || used.owner() < 0 || gathers.contains(name))
        return;
      auto piece =
          note(LoadPieceOp::create(builder, loc, parameter.getPieceType(),
                                   FlatSymbolRefAttr::get(name)));
      gathers[name] = start(loc, CollectiveKind::AllGather, piece,
                            parameter.getLocalType(), name.getValue());
    });
  }
}

void Replicas::beforeAction(func::FuncOp function) {
  if (gathers.empty())
    return;
  Location loc = function.getLoc();
  forEachParameter(function, [&](StringAttr name) {
    auto found = gathers.find(name);
    if (found == gathers.end())
      return;
    Value whole = finish(loc, found->second);
    gathers.erase(found);
    note(StoreParameterOp::create(builder, loc, FlatSymbolRefAttr::get(name),
                                  whole));
  });
}

//===----------------------------------------------------------------------===//
// The end of a step
//===----------------------------------------------------------------------===//

void Replicas::afterAction(func::FuncOp function) {
  auto found = ends.find(place++);
  if (found == ends.end())
    return;
  for (auto &[use, group] : found->second) {
    ParameterOp parameter = plan.parameters.find(use.first)->second.op;
    if (!parameter.getPiece())
      continue;
    if (group + 1 < groups)
      endGroup(function.getLoc(), parameter, use.second, group);
    else
      startReduction(function.getLoc(), parameter, use.second);
  }
}

/// Sets the sum of a group aside, and adds it to those of as many groups.
void Replicas::endGroup(Location loc, ParameterOp parameter, int64_t use,
                        int64_t group) {
  auto name = FlatSymbolRefAttr::get(parameter.getSymNameAttr());
  auto number = builder.getI64IntegerAttr(use);
  auto whole = note(LoadGradientOp::create(
      builder, loc, parameter.getGradientType(), name, number));
  SmallVector<Value, 4> &open = sums[{parameter.getSymNameAttr(), use}];
  // Without a copy where it is added at once.
  Value sum = whole;
  if (group % 2 == 0)
    sum = note(
        CopyGradientOp::create(builder, loc, whole.getType(), name, whole));
  for (int64_t left = group; left % 2 == 1; left /= 2)
    sum = note(ReduceGradientsOp::create(builder, loc, whole.getType(), name,
                                         ValueRange{open.pop_back_val(), sum}));
  open.push_back(sum);
  note(ZeroGradientOp::create(builder, loc, name, number));
}

/// Each reduction under way needs memory for all pieces, and each that is not
/// waits for a latency once more. As many bytes may be under way as the
/// kReductions one behind the other that have the most: many small ones, and no
/// more memory than for a few.
void Replicas::limitReductions() {
  std::vector<uint64_t> bytes;
  for (size_t at = 0, row = plan.schedule.ranks[pipe].size(); at != row; ++at)
    for (auto &[use, group] : ends.lookup(at))
      if (ParameterOp parameter = plan.parameters.find(use.first)->second.op;
          parameter.getPiece() && group + 1 == groups)
        bytes.push_back(parameter.getPaddedGradientBytes());
  for (size_t i = 0; i != bytes.size(); ++i) {
    auto first = bytes.begin() + i;
    auto last = first + std::min(kReductions, bytes.size() - i);
    mostUnderWay =
        std::max(mostUnderWay, std::accumulate(first, last, uint64_t(0)));
  }
}

void Replicas::finishReduction(Location loc) {
  const auto [use, bytes] = underWay.front();
  underWay.pop_front();
  bytesUnderWay -= bytes;
  pieces[use] = finish(loc, reductions.at(use));
}

/// Waits for the first reductions until so few bytes are under way.
void Replicas::finishReductions(Location loc, uint64_t most) {
  while (!underWay.empty() && bytesUnderWay > most)
    finishReduction(loc);
}

void Replicas::startReduction(Location loc, ParameterOp parameter,
                              int64_t use) {
  Use key{parameter.getSymNameAttr(), use};
  if (reductions.count(key))
    return;
  const uint64_t bytes = parameter.getPaddedGradientBytes();
  finishReductions(loc, mostUnderWay > bytes ? mostUnderWay - bytes : 0);
  auto whole = note(
      LoadGradientOp::create(builder, loc, parameter.getGradientType(),
                             FlatSymbolRefAttr::get(parameter.getSymNameAttr()),
                             builder.getI64IntegerAttr(use)));
  // The last group of the replica closes all sums.
  Value sum = whole;
  for (SmallVector<Value, 4> &open = sums[key]; !open.empty();)
    sum = note(ReduceGradientsOp::create(
        builder, loc, whole.getType(),
        FlatSymbolRefAttr::get(parameter.getSymNameAttr()),
        ValueRange{open.pop_back_val(), sum}));
  reductions[key] = start(loc, CollectiveKind::ReduceScatter, sum,
                          parameter.getGradientPieceType(),
                          parameter.getSymName() + ".grad." + Twine(use));
  underWay.push_back({key, bytes});
  bytesUnderWay += bytes;
}

Value Replicas::getPiece(Location loc, ParameterOp parameter, int64_t use) {
  // An accumulator that nothing adds to is reduced as well: its zeros.
  startReduction(loc, parameter, use);
  Use key{parameter.getSymNameAttr(), use};
  while (!pieces.count(key))
    finishReduction(loc);
  return pieces.at(key);
}

Value Replicas::gather(Location loc, ParameterOp parameter, Value piece) {
  return finish(loc, start(loc, CollectiveKind::AllGather, piece,
                           parameter.getGradientType(),
                           parameter.getSymName() + ".sum"));
}
