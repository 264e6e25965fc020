//===- PPPlaceCommunication.cpp - Post receives early, wait late ----------===//
//
// Three moves, each over all programs and each undone if the programs can no
// longer be proven:
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
  void hoistReceives(Block &block);
  void sinkWaits(Block &block);
  void hoistSendWaits(Block &block);
};

/// Remembers the order of ops, to come back to it.
class Order {
public:
  explicit Order(Block &block) : block(&block) {
    for (Operation &op : block)
      ops.push_back(&op);
  }
  void restore() {
    for (Operation *op : ops)
      op->moveBefore(block, block->end());
  }

private:
  Block *block;
  std::vector<Operation *> ops;
};

} // namespace

/// The end of the actions: transfers of parameters are not moved across it.
static bool isAction(Operation *op) { return isa<RunOp>(op); }

void PlaceCommunication::hoistReceives(Block &block) {
  SmallVector<IRecvOp> receives(block.getOps<IRecvOp>());
  for (IRecvOp receive : receives) {
    if (!receive.getMicrobatch())
      continue;
    // Before the action which stands `lookahead` actions before this place;
    // ops between stay, so receives keep their order.
    Operation *target = nullptr;
    int64_t passed = 0;
    for (Operation *op = receive->getPrevNode(); op && passed != lookahead;
         op = op->getPrevNode()) {
      if (isAction(op)) {
        target = op;
        ++passed;
      }
    }
    if (!target)
      continue;
    // What this action itself waits for comes first.
    while (Operation *previous = target->getPrevNode()) {
      if (!isa<WaitOp>(previous))
        break;
      target = previous;
    }
    receive->moveBefore(target);
  }
}

void PlaceCommunication::sinkWaits(Block &block) {
  SmallVector<Operation *> waits;
  for (Operation &op : block)
    if (isa<WaitOp, FinishOp>(op))
      waits.push_back(&op);
  for (Operation *wait : waits) {
    Operation *first = nullptr;
    for (Operation *user : wait->getUsers())
      if (!first || user->isBeforeInBlock(first))
        first = user;
    if (first)
      wait->moveBefore(first);
  }
}

void PlaceCommunication::hoistSendWaits(Block &block) {
  llvm::MapVector<Attribute, SmallVector<ISendOp>> sends;
  for (ISendOp send : block.getOps<ISendOp>())
    if (send.getMicrobatch())
      sends[send.getChannelAttr()].push_back(send);
  for (auto &[channel, ofChannel] : sends)
    for (size_t i = 0; i + outstanding < ofChannel.size(); ++i) {
      ISendOp next = ofChannel[i + outstanding];
      (*ofChannel[i].getToken().user_begin())->moveBefore(next);
    }
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
  // What cannot be proven before cannot be improved.
  if (failed(verifyCommunication(module, *parsed)))
    return signalPassFailure();
  using Move = void (PlaceCommunication::*)(Block &);
  for (Move move :
       {&PlaceCommunication::hoistReceives, &PlaceCommunication::sinkWaits,
        &PlaceCommunication::hoistSendWaits}) {
    SmallVector<Order> orders;
    for (ProgramOp program : module.getOps<ProgramOp>()) {
      Block &block = program.getBody().front();
      orders.emplace_back(block);
      (this->*move)(block);
    }
    if (succeeded(verifyCommunication(module, *parsed, /*quiet=*/true))) {
      ++numMoves;
      continue;
    }
    ++numUndone;
    for (Order &order : orders)
      order.restore();
  }
}
