//===- PPPlaceCommunication.cpp - Post receives early, wait late ----------===//
//
// Three moves of steps, all rounds of loops executed, over all programs. Where
// the programs can no longer be proven, each is made alone, and undone if it is
// the reason:
//   1. a receive is posted `lookahead` actions before it is needed, so that
//      its message travels while this rank computes;
//   2. the wait for a receive or a collective sinks to the first use of the
//      value;
//   3. the wait for a send rises to where the channel has sent `outstanding`
//      values since, so that its buffer is free for the values to come instead
//      of living to the end of the step.
// The order of receives on a channel never changes: some transports match by
// order alone.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "Options.h"
#include "Steps.h"
#include "pp/Dialect/PP/Analysis/Communication.h"

#include "llvm/ADT/MapVector.h"

namespace pp {
#define GEN_PASS_DEF_PPPLACECOMMUNICATION
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {

class PlaceCommunication
    : public pp::impl::PPPlaceCommunicationBase<PlaceCommunication> {
public:
  using PPPlaceCommunicationBase::PPPlaceCommunicationBase;
  void runOnOperation() override;

private:
  using Move = void (PlaceCommunication::*)(Steps &) const;
  static constexpr unsigned kMoves = 3;

  void hoistReceives(Steps &steps) const;
  void sinkWaits(Steps &steps) const;
  void hoistSendWaits(Steps &steps) const;
  LogicalResult place(ProgramKind kind, communication::Semantics semantics);
  LogicalResult apply(ArrayRef<Move> moves, ProgramKind kind,
                      communication::Semantics semantics);

  std::vector<Steps> programs;
};

/// Where each step goes; nothing for those that stay.
using Targets = std::vector<std::optional<size_t>>;

} // namespace

void PlaceCommunication::hoistReceives(Steps &steps) const {
  ArrayRef<Steps::Step> all = steps.get();
  auto isMoved = [&](size_t i) {
    auto receive = dyn_cast<IRecvOp>(steps.seriesOf(all[i]).op);
    return receive && receive.getMicrobatch();
  };
  Targets targets(all.size());
  SmallVector<size_t> actions; // so far
  for (size_t i = 0; i != all.size() && lookahead; ++i) {
    // The end of the actions: transfers of parameters are not moved across it.
    if (isa<RunOp>(steps.seriesOf(all[i]).op))
      actions.push_back(i);
    if (!isMoved(i) || actions.empty())
      continue;
    // Before the action which stands `lookahead` actions before this place;
    // steps between stay, so receives keep their order.
    size_t passed = std::min<size_t>(lookahead, actions.size());
    size_t target = actions[actions.size() - passed];
    // What this action itself waits for comes first.
    for (size_t previous = target; previous-- > 0;) {
      if (isa<WaitOp>(steps.seriesOf(all[previous]).op))
        target = previous;
      else if (!targets[previous])
        break;
    }
    targets[i] = target;
  }
  steps.move(targets);
}

void PlaceCommunication::sinkWaits(Steps &steps) const {
  ArrayRef<Steps::Step> all = steps.get();
  // The first step that reads each instance, by series and micro-batch, those
  // without one first.
  std::vector<std::vector<size_t>> firstUse(steps.getSeries().size());
  auto entryOf = [&](uint32_t series, int32_t microbatch) -> size_t & {
    std::vector<size_t> &ofSeries = firstUse[series];
    size_t entry =
        steps.getSeries()[series].isOnce ? 0 : size_t(microbatch + 1);
    if (ofSeries.size() <= entry)
      ofSeries.resize(entry + 1, all.size());
    return ofSeries[entry];
  };
  for (size_t i = all.size(); i-- > 0;)
    for (auto [series, result] : steps.seriesOf(all[i]).operands)
      entryOf(series, all[i].microbatch) = i;
  Targets targets(all.size());
  for (size_t i = 0; i != all.size(); ++i)
    if (isa<WaitOp, FinishOp>(steps.seriesOf(all[i]).op))
      if (size_t use = entryOf(all[i].series, all[i].microbatch);
          use != all.size())
        targets[i] = use;
  steps.move(targets);
}

void PlaceCommunication::hoistSendWaits(Steps &steps) const {
  ArrayRef<Steps::Step> all = steps.get();
  llvm::MapVector<Attribute, SmallVector<size_t>> sends; // by channel
  DenseMap<std::pair<uint32_t, int32_t>, size_t> waits;  // by what is sent
  for (size_t i = 0; i != all.size(); ++i) {
    const Steps::Series &series = steps.seriesOf(all[i]);
    if (auto send = dyn_cast<ISendOp>(series.op)) {
      if (send.getMicrobatch())
        sends[send.getChannelAttr()].push_back(i);
    } else if (isa<WaitSendOp>(series.op)) {
      waits[{series.operands.front().first, all[i].microbatch}] = i;
    }
  }
  Targets targets(all.size());
  for (auto &[channel, ofChannel] : sends)
    for (size_t i = 0; i + outstanding < ofChannel.size(); ++i) {
      const Steps::Step &send = all[ofChannel[i]];
      auto wait = waits.find({send.series, send.microbatch});
      if (wait != waits.end())
        targets[wait->second] = ofChannel[i + outstanding];
    }
  steps.move(targets);
}

/// Fails, and leaves all as it was, where the programs cannot be proven then.
LogicalResult PlaceCommunication::apply(ArrayRef<Move> moves, ProgramKind kind,
                                        communication::Semantics semantics) {
  std::vector<std::vector<Steps::Step>> before;
  for (Steps &steps : programs) {
    before.push_back(steps.get());
    for (Move move : moves)
      (this->*move)(steps);
    steps.write();
  }
  if (succeeded(verifyCommunication(getOperation(), kind, semantics, true)))
    return success();
  for (auto [steps, old] : llvm::zip_equal(programs, before)) {
    steps.set(std::move(old));
    steps.write();
  }
  return failure();
}

/// Of the programs that run together.
LogicalResult PlaceCommunication::place(ProgramKind kind,
                                        communication::Semantics semantics) {
  programs.clear();
  for (ProgramOp program : getPrograms(getOperation(), kind))
    programs.push_back(Steps::read(program));
  constexpr Move all[] = {&PlaceCommunication::hoistReceives,
                          &PlaceCommunication::sinkWaits,
                          &PlaceCommunication::hoistSendWaits};
  if (succeeded(apply(all, kind, semantics))) {
    numMoves += std::size(all);
    return success();
  }
  // What cannot be proven before cannot be improved.
  if (failed(verifyCommunication(getOperation(), kind, semantics)))
    return failure();
  for (Move move : all)
    ++(succeeded(apply(move, kind, semantics)) ? numMoves : numUndone);
  return success();
}

void PlaceCommunication::runOnOperation() {
  ModuleOp module = getOperation();
  auto parsed = readSemantics(module, semantics);
  if (failed(parsed) ||
      failed(checkOption(module, "lookahead", lookahead, 0,
                         limits::kMicrobatches)) ||
      failed(checkOption(module, "outstanding", outstanding, 1,
                         limits::kMicrobatches)))
    return signalPassFailure();
  for (ProgramKind kind : {ProgramKind::Step, ProgramKind::Evaluation})
    if (!getPrograms(module, kind).empty() && failed(place(kind, *parsed)))
      return signalPassFailure();
  getAnalysis<CommunicationProofs>().semantics.push_back(*parsed);
  markAnalysesPreserved<CommunicationProofs>();
}
