//===- RankOpInterface.cpp - Micro-batches and communication of rank ops --===//

#include "pp/Dialect/PP/IR/PPOps.h"

using namespace mlir;
using namespace pp;

#include "pp/Dialect/PP/IR/RankOpInterface.cpp.inc"

std::optional<int64_t> pp::getMicrobatch(Operation *op) {
  auto rank = dyn_cast<RankOpInterface>(op);
  return rank ? rank.getInstance() : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Actions and losses
//===----------------------------------------------------------------------===//

std::optional<int64_t> RunOp::getInstance() { return getMicrobatch(); }
void RunOp::moveInstance(int64_t by) { setMicrobatch(getMicrobatch() + by); }
SeriesKey RunOp::getSeriesKey() {
  return {(*this)->getName().getAsOpaquePointer(),
          getCalleeAttr().getAsOpaquePointer(), nullptr};
}

std::optional<int64_t> LossOp::getInstance() { return getMicrobatch(); }
void LossOp::moveInstance(int64_t by) { setMicrobatch(getMicrobatch() + by); }

std::optional<int64_t> LossWeightOp::getInstance() { return getMicrobatch(); }
void LossWeightOp::moveInstance(int64_t by) {
  setMicrobatch(getMicrobatch() + by);
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

template <typename OpT> static void moveTransfer(OpT op, int64_t by) {
  op.setMicrobatch(*op.getMicrobatch() + by);
  op.setTag(op.getTag() + by);
}

template <typename OpT> static SeriesKey keyOfTransfer(OpT op) {
  return {op->getName().getAsOpaquePointer(),
          op.getChannelAttr().getAsOpaquePointer(),
          op.getValueAttr().getAsOpaquePointer()};
}

template <typename OpT>
static CommunicationEvent eventOfTransfer(OpT op,
                                          CommunicationEvent::Kind kind) {
  return {kind,
          op.getChannelAttr().getAttr(),
          op.getValueAttr(),
          op.getTag(),
          op.getMicrobatch(),
          op.getBuffer()};
}

std::optional<int64_t> ISendOp::getInstance() { return getMicrobatch(); }
void ISendOp::moveInstance(int64_t by) { moveTransfer(*this, by); }
SeriesKey ISendOp::getSeriesKey() { return keyOfTransfer(*this); }
std::optional<CommunicationEvent> ISendOp::getCommunication() {
  return eventOfTransfer(*this, CommunicationEvent::Kind::Send);
}

std::optional<int64_t> IRecvOp::getInstance() { return getMicrobatch(); }
void IRecvOp::moveInstance(int64_t by) { moveTransfer(*this, by); }
SeriesKey IRecvOp::getSeriesKey() { return keyOfTransfer(*this); }
std::optional<CommunicationEvent> IRecvOp::getCommunication() {
  return eventOfTransfer(*this, CommunicationEvent::Kind::Receive);
}

//===----------------------------------------------------------------------===//
// Waits
//===----------------------------------------------------------------------===//

/// That of the op itself, else that of what it waits for.
template <typename OpT> static std::optional<int64_t> instanceOfWait(OpT wait) {
  if (wait.getMicrobatch())
    return int64_t(*wait.getMicrobatch());
  Operation *posted = wait.getToken().getDefiningOp();
  return posted ? getMicrobatch(posted) : std::nullopt;
}

template <typename OpT> static SeriesKey keyOfWait(OpT wait) {
  auto posted = wait.getToken().template getDefiningOp<RankOpInterface>();
  SeriesKey key = posted ? posted.getSeriesKey() : SeriesKey();
  std::get<0>(key) = wait->getName().getAsOpaquePointer();
  return key;
}

template <typename OpT> static CommunicationEvent eventOfWait(OpT wait) {
  CommunicationEvent event{CommunicationEvent::Kind::Wait};
  event.posted = wait.getToken().getDefiningOp();
  return event;
}

std::optional<int64_t> WaitOp::getInstance() { return instanceOfWait(*this); }
void WaitOp::moveInstance(int64_t by) { setMicrobatch(*getInstance() + by); }
SeriesKey WaitOp::getSeriesKey() { return keyOfWait(*this); }
std::optional<CommunicationEvent> WaitOp::getCommunication() {
  return eventOfWait(*this);
}

std::optional<int64_t> WaitSendOp::getInstance() {
  return instanceOfWait(*this);
}
void WaitSendOp::moveInstance(int64_t by) {
  setMicrobatch(*getInstance() + by);
}
SeriesKey WaitSendOp::getSeriesKey() { return keyOfWait(*this); }
std::optional<CommunicationEvent> WaitSendOp::getCommunication() {
  return eventOfWait(*this);
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

std::optional<int64_t> StartOp::getInstance() { return getMicrobatch(); }
void StartOp::moveInstance(int64_t by) { setMicrobatch(*getMicrobatch() + by); }
SeriesKey StartOp::getSeriesKey() {
  return {(*this)->getName().getAsOpaquePointer(),
          getAxesAttr().getAsOpaquePointer(),
          getValueAttr().getAsOpaquePointer()};
}
std::optional<CommunicationEvent> StartOp::getCommunication() {
  CommunicationEvent event{CommunicationEvent::Kind::Start};
  event.value = getValueAttr();
  event.microbatch = getMicrobatch();
  event.buffer = getOperand();
  event.axes = getAxesAttr();
  return event;
}

std::optional<int64_t> FinishOp::getInstance() { return instanceOfWait(*this); }
void FinishOp::moveInstance(int64_t by) { setMicrobatch(*getInstance() + by); }
SeriesKey FinishOp::getSeriesKey() { return keyOfWait(*this); }
std::optional<CommunicationEvent> FinishOp::getCommunication() {
  return eventOfWait(*this);
}

std::optional<CommunicationEvent> AllReduceReportOp::getCommunication() {
  return CommunicationEvent{CommunicationEvent::Kind::Collective};
}
