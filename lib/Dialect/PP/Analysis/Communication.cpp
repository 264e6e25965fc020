//===- Communication.cpp - Do all rank programs end together? -------------===//
//
// Programs are reduced to events of the communication model: every round of
// their loops, since an event is a few numbers. The two sides of a message find
// each other by tag, or by their place on the edge where transports have no
// tags, so that what is missing or differs is reported before anything runs.
//
// A program stands for all ranks of a pipe coordinate. Collectives that do not
// span the axis "pipe" are met by ranks of one program only: these start the
// same ones in the same order, and all get to them if the program does, since
// what they wait for they wait for in the same way. So for the model such a
// group is the program alone. A collective that spans "pipe" is met by all
// programs, and the n-th of each over the same axes have to be one.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Analysis/Communication.h"

#include "pp/Communication/Programs.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

#include <deque>
#include <map>

using namespace mlir;
using namespace pp;
using communication::Semantics;

FailureOr<Semantics> pp::readSemantics(Operation *op, StringRef name) {
  if (auto parsed = communication::parseSemantics(
          std::string_view(name.data(), name.size())))
    return *parsed;
  return op->emitError() << "found semantics=" << name << ", expected "
                         << communication::listSemantics();
}

namespace {

constexpr uint32_t kNone = uint32_t(-1);

/// One side of a message, in the first round of its loop.
struct TransferOp {
  Operation *op;
  bool isSend;
  size_t pipe, peer; ///< indices into the programs
  StringAttr channel, value;
  size_t edge; ///< number of the channel
  std::optional<uint64_t> microbatch;
  uint64_t tag;
  Type type;
};

/// One side of a message: one for each round, so few numbers.
struct Transfer {
  const TransferOp *of;
  uint32_t shift;         ///< of micro-batch and tag
  uint32_t other = kNone; ///< the other side
  uint32_t message = 0;   ///< of the model

  std::optional<uint64_t> microbatch() const {
    return of->microbatch ? std::optional(*of->microbatch + shift)
                          : std::nullopt;
  }
  uint64_t tag() const { return of->tag + shift; }
};

/// A collective that a program starts.
struct Collective {
  Operation *op; ///< pp.start or pp.all_reduce_report
  size_t pipe;   ///< index into the programs
  std::optional<uint64_t> microbatch;
};

/// An op that a program reaches.
struct Event {
  enum class Kind : uint8_t { Post, Wait, Start, Finish } kind;
  uint32_t index; ///< of the transfer, or the collective of the program
  Operation *op;
};

class CommunicationProof {
public:
  CommunicationProof(ModuleOp module, ProgramKind kind, Semantics semantics,
                     bool quiet)
      : module(module), kind(kind), semantics(semantics), quiet(quiet) {}

  LogicalResult verify() {
    if (failed(collect()) || failed(match()))
      return failure();
    if (failed(makeModel()))
      return failure();
    communication::Execution execution(model, semantics);
    if (failed(verifyCollectives(execution)))
      return failure();
    if (execution.run())
      return success();
    return quiet ? failure() : report(execution.findCycle());
  }

private:
  InFlightDiagnostic error(Operation *op) { return op->emitError(); }
  LogicalResult collect();
  LogicalResult collect(ProgramOp program, size_t pipe,
                        const DenseMap<int64_t, size_t> &indexOf,
                        SymbolTable &symbols);
  LogicalResult match();
  LogicalResult matchByTag();
  LogicalResult matchByOrder();
  LogicalResult compare(const Transfer &send, const Transfer &receive,
                        size_t position);
  LogicalResult makeModel();
  ArrayAttr axesOf(const Collective &collective) const;
  std::string describe(const Collective &collective) const;
  LogicalResult compareCollectives(const Collective &collective,
                                   size_t position, const Collective &first);
  LogicalResult verifyCollectives(const communication::Execution &execution);
  LogicalResult report(ArrayRef<communication::Stop> cycle);
  std::string describe(const Transfer &transfer) const;
  const Transfer &transferOf(communication::Side side) const {
    return transfers[sidesOf[side.message][side.isReceive]];
  }

  ModuleOp module;
  ProgramKind kind;
  Semantics semantics;
  bool quiet;
  SmallVector<ProgramOp> programs;
  SmallVector<int64_t> pipes;
  SmallVector<SmallVector<Event>> events;
  std::deque<TransferOp> transferOps;
  llvm::MapVector<StringAttr, size_t> edges; ///< numbers of channels
  std::vector<Transfer> transfers;
  std::vector<std::vector<Collective>> collectives; ///< of each program
  communication::Programs model;
  ArrayAttr allAxes; ///< of the mesh; empty without one
  /// The axes of each group of all programs; null: a program's own.
  SmallVector<ArrayAttr> groupAxes;
  std::vector<std::array<uint32_t, 2>> sidesOf; ///< transfers of each message
  /// The op of each event of the model.
  SmallVector<SmallVector<Operation *>> opOf;
};

} // namespace

std::string CommunicationProof::describe(const Transfer &transfer) const {
  const TransferOp &of = *transfer.of;
  std::string text = of.isSend ? "send" : "receive";
  text += " of '" + of.value.getValue().str() + "'";
  if (of.microbatch)
    text += " for micro-batch " + std::to_string(*transfer.microbatch());
  text += of.isSend ? " to pipe coordinate " : " from pipe coordinate ";
  return text + std::to_string(pipes[of.peer]);
}

LogicalResult CommunicationProof::collect() {
  allAxes = ArrayAttr::get(module.getContext(), {});
  for (MeshOp mesh : module.getOps<MeshOp>())
    allAxes = mesh.getAxesAttr();
  // A tag, or a place in the order, means one message of an edge.
  std::map<std::pair<int64_t, int64_t>, ChannelOp> edges;
  for (ChannelOp channel : module.getOps<ChannelOp>()) {
    auto [known, isNew] = edges.try_emplace(
        {channel.getSource(), channel.getDestination()}, channel);
    if (isNew)
      continue;
    if (quiet)
      return failure();
    InFlightDiagnostic diagnostic =
        channel.emitError()
        << "found a second channel from pipe coordinate " << channel.getSource()
        << " to pipe coordinate " << channel.getDestination()
        << ", expected one for all values: give each value "
           "tags of its own";
    diagnostic.attachNote(known->second.getLoc()) << "the first is here";
    return diagnostic;
  }
  llvm::DenseMap<int64_t, size_t> indexOf;
  for (ProgramOp program : getPrograms(module, kind)) {
    auto [it, isNew] = indexOf.try_emplace(program.getPipe(), programs.size());
    if (!isNew) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          program.emitError() << "found a second program for pipe coordinate "
                              << program.getPipe() << ", expected one for each";
      diagnostic.attachNote(programs[it->second].getLoc())
          << "the first is here";
      return diagnostic;
    }
    programs.push_back(program);
    pipes.push_back(program.getPipe());
  }
  SymbolTable symbols(module);
  events.resize(programs.size());
  collectives.resize(programs.size());
  for (auto [pipe, program] : llvm::enumerate(programs))
    if (failed(collect(program, pipe, indexOf, symbols)))
      return failure();
  return success();
}

LogicalResult
CommunicationProof::collect(ProgramOp program, size_t pipe,
                            const DenseMap<int64_t, size_t> &indexOf,
                            SymbolTable &symbols) {
  using EventKind = CommunicationEvent::Kind;
  /// Transfers, or collectives, that differ by their micro-batch only, by it.
  using Series = DenseMap<int64_t, size_t>;
  struct Known {
    CommunicationEvent event;
    const TransferOp *transfer = nullptr;
    Series *series = nullptr;
    std::optional<int64_t> instance = std::nullopt;
  };
  DenseMap<Operation *, Known> known;
  std::map<decltype(CommunicationEvent().getSeries()), Series> allSeries;
  bool hasLoops = program.hasLoops();
  for (Operation &op : program.getBody().front()) {
    auto rankOp = dyn_cast<RankOpInterface>(op);
    auto event = rankOp ? rankOp.getCommunication() : std::nullopt;
    if (!event)
      continue;
    Known &entry = known.try_emplace(&op, Known{*event}).first->second;
    entry.instance = rankOp.getInstance();
    if (event->isPost())
      entry.series = &allSeries[event->getSeries()];
    if (!event->isTransfer())
      continue;
    bool isSend = event->kind == EventKind::Send;
    auto channel = symbols.lookup<ChannelOp>(event->channel);
    int64_t peerPipe = isSend ? channel.getDestination() : channel.getSource();
    auto peer = indexOf.find(peerPipe);
    if (peer == indexOf.end()) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          op.emitError() << "found a transfer with pipe coordinate " << peerPipe
                         << " that has no program, expected a pp.program "
                            "with pipe("
                         << peerPipe << ")";
      diagnostic.attachNote(channel.getLoc()) << "the channel is declared here";
      return diagnostic;
    }
    auto edge = edges.try_emplace(event->channel, edges.size()).first;
    transferOps.push_back({&op, isSend, pipe, peer->second, event->channel,
                           event->value, edge->second, event->microbatch,
                           event->tag, event->buffer.getType()});
    entry.transfer = &transferOps.back();
  }

  LogicalResult result = success();
  DenseMap<Operation *, size_t> indexOfPost;
  /// Remembers what was posted for its wait, and gives its micro-batch.
  auto remember = [&](Operation *op, const Known &entry, int64_t shift,
                      size_t index) {
    std::optional<uint64_t> microbatch = entry.event.microbatch;
    if (microbatch) {
      *microbatch += shift;
      if (hasLoops)
        entry.series->insert({int64_t(*microbatch), index});
    }
    indexOfPost[op] = index;
    return microbatch;
  };
  auto post = [&](Operation *op, const Known &entry, int64_t shift) {
    remember(op, entry, shift, transfers.size());
    events[pipe].push_back({Event::Kind::Post, uint32_t(transfers.size()), op});
    transfers.push_back({entry.transfer, uint32_t(shift)});
  };
  auto start = [&](Operation *op, const Known &entry, int64_t shift) {
    std::vector<Collective> &own = collectives[pipe];
    std::optional<uint64_t> microbatch = remember(op, entry, shift, own.size());
    events[pipe].push_back({Event::Kind::Start, uint32_t(own.size()), op});
    own.push_back({op, pipe, microbatch});
  };
  auto wait = [&](Operation *op, const Known &entry, int64_t shift) {
    Operation *posted = entry.event.posted;
    const Known &awaited = known.find(posted)->second;
    size_t index = indexOfPost.lookup(posted);
    // With loops, that of the own micro-batch.
    if (hasLoops && entry.instance) {
      Series &series = *awaited.series;
      auto it = series.find(*entry.instance + shift);
      if (it == series.end()) {
        if (succeeded(result) && !quiet)
          op->emitError() << "found a wait for the "
                          << (awaited.event.isTransfer() ? "transfer"
                                                         : "collective")
                          << " of micro-batch " << *entry.instance + shift
                          << ", which is not posted before it or is waited "
                             "for already, expected one wait behind each "
                             "transfer: count the rounds of the loops";
        result = failure();
        return;
      }
      index = it->second;
      series.erase(it);
    }
    events[pipe].push_back(
        {awaited.event.isTransfer() ? Event::Kind::Wait : Event::Kind::Finish,
         uint32_t(index), op});
  };
  program.walkSteps([&](Operation *op, int64_t shift) {
    auto it = known.find(op);
    if (it == known.end())
      return;
    const Known &entry = it->second;
    if (entry.event.isTransfer())
      post(op, entry, shift);
    else if (entry.event.kind == EventKind::Start)
      start(op, entry, shift);
    else if (entry.event.kind == EventKind::Wait)
      wait(op, entry, shift);
    else { // started and finished at once
      start(op, entry, shift);
      events[pipe].push_back(
          {Event::Kind::Finish, uint32_t(collectives[pipe].size() - 1), op});
    }
  });
  if (failed(result))
    return failure();
  size_t leftTransfer = ~size_t(0), leftCollective = ~size_t(0);
  for (auto &[key, series] : allSeries) {
    bool isCollective = std::get<0>(key) == EventKind::Start;
    size_t &left = isCollective ? leftCollective : leftTransfer;
    for (auto [microbatch, index] : series)
      left = std::min(left, index);
  }
  if (leftTransfer == ~size_t(0) && leftCollective == ~size_t(0))
    return success();
  if (quiet)
    return failure();
  if (leftTransfer == ~size_t(0)) {
    const Collective &left = collectives[pipe][leftCollective];
    return error(left.op) << "found " << describe(left)
                          << " that is never finished, expected one pp.finish "
                             "behind each pp.start: count the rounds of the "
                             "loops";
  }
  return error(transfers[leftTransfer].of->op)
         << "found a " << describe(transfers[leftTransfer])
         << " that is never waited for, expected one wait behind each "
            "transfer: count the rounds of the loops";
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

/// Both sides of a message must agree on what it is.
LogicalResult CommunicationProof::compare(const Transfer &send,
                                          const Transfer &receive,
                                          size_t position) {
  bool sameValue = send.of->value == receive.of->value &&
                   send.microbatch() == receive.microbatch();
  bool sameType = send.of->type == receive.of->type;
  if (sameValue && sameType && send.tag() == receive.tag())
    return success();
  if (quiet)
    return failure();
  InFlightDiagnostic diagnostic = error(receive.of->op);
  diagnostic << "found " << describe(receive);
  if (!sameValue && semantics == Semantics::FifoPerEdge)
    diagnostic << " as message " << position << " of channel @"
               << receive.of->channel.getValue()
               << ", expected what the sender posts there: a " << describe(send)
               << ": post both sides in one order";
  else if (!sameValue)
    diagnostic << " with tag " << receive.tag() << ", expected a "
               << describe(send)
               << " with this tag: give each value and micro-batch its own";
  else if (!sameType)
    diagnostic << " with type " << receive.of->type << ", expected "
               << send.of->type << " as sent";
  else
    diagnostic << " with tag " << receive.tag() << ", expected tag "
               << send.tag() << " as sent";
  diagnostic.attachNote(send.of->op->getLoc()) << "the send is here";
  return diagnostic;
}

LogicalResult CommunicationProof::matchByTag() {
  // Receives and sends of each edge.
  std::vector<DenseMap<uint64_t, uint32_t>> byTag(2 * edges.size());
  for (uint32_t i = 0; i != transfers.size(); ++i) {
    Transfer &transfer = transfers[i];
    const TransferOp &of = *transfer.of;
    auto [it, isNew] =
        byTag[2 * of.edge + of.isSend].try_emplace(transfer.tag(), i);
    if (!isNew) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          error(of.op)
          << "found tag " << transfer.tag() << " again on channel @"
          << of.channel.getValue()
          << ", expected each tag once: a tag is a function of value and "
             "micro-batch";
      diagnostic.attachNote(transfers[it->second].of->op->getLoc())
          << "first used here";
      return diagnostic;
    }
    auto &others = byTag[2 * of.edge + !of.isSend];
    auto other = others.find(transfer.tag());
    if (other == others.end())
      continue;
    transfer.other = other->second;
    transfers[other->second].other = i;
  }
  return success();
}

LogicalResult CommunicationProof::matchByOrder() {
  // Receives and sends of each edge.
  std::vector<std::vector<uint32_t>> inOrder(2 * edges.size());
  for (uint32_t i = 0; i != transfers.size(); ++i)
    inOrder[2 * transfers[i].of->edge + transfers[i].of->isSend].push_back(i);
  for (size_t edge = 0; edge != edges.size(); ++edge)
    for (auto [receive, send] :
         llvm::zip(inOrder[2 * edge], inOrder[2 * edge + 1])) {
      transfers[send].other = receive;
      transfers[receive].other = send;
    }
  return success();
}

LogicalResult CommunicationProof::match() {
  if (failed(semantics == Semantics::FifoPerEdge ? matchByOrder()
                                                 : matchByTag()))
    return failure();
  std::vector<size_t> position(edges.size(), 0);
  for (const Transfer &transfer : transfers) {
    const TransferOp &of = *transfer.of;
    if (transfer.other == kNone) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          error(of.op) << "found a " << describe(transfer) << " with tag "
                       << transfer.tag() << " that is never "
                       << (of.isSend ? "received, expected a pp.irecv"
                                     : "sent, expected a pp.isend")
                       << " on channel @" << of.channel.getValue()
                       << " in the program "
                       << "of pipe coordinate " << pipes[of.peer];
      diagnostic.attachNote(programs[of.peer].getLoc())
          << "the program of pipe coordinate " << pipes[of.peer] << " is here";
      return diagnostic;
    }
    if (of.isSend)
      continue;
    size_t place = position[of.edge]++;
    if (failed(compare(transfers[transfer.other], transfer, place)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

ArrayAttr CommunicationProof::axesOf(const Collective &collective) const {
  auto op = dyn_cast<StartOp>(collective.op);
  return op ? op.getAxes() : allAxes;
}

std::string CommunicationProof::describe(const Collective &collective) const {
  auto op = dyn_cast<StartOp>(collective.op);
  if (!op)
    return "pp.all_reduce_report";
  std::string text = stringifyCollectiveKind(op.getKind()).str() + " of '" +
                     op.getValue().str() + "'";
  if (collective.microbatch)
    text += " for micro-batch " + std::to_string(*collective.microbatch);
  return text;
}

/// What all members of a group start at one place of their order.
LogicalResult CommunicationProof::compareCollectives(
    const Collective &collective, size_t position, const Collective &first) {
  auto own = dyn_cast<StartOp>(collective.op);
  auto other = dyn_cast<StartOp>(first.op);
  if (own && other
          ? collective.microbatch == first.microbatch &&
                own.getKind() == other.getKind() &&
                own.getValueAttr() == other.getValueAttr() &&
                own.getOperand().getType() == other.getOperand().getType()
          : !own && !other)
    return success();
  if (quiet)
    return failure();
  auto withType = [&](const Collective &one, InFlightDiagnostic &diagnostic) {
    diagnostic << describe(one);
    if (auto op = dyn_cast<StartOp>(one.op))
      diagnostic << ", " << op.getOperand().getType();
  };
  InFlightDiagnostic diagnostic = error(collective.op) << "found ";
  withType(collective, diagnostic);
  diagnostic << ", as collective " << position << " over " << axesOf(collective)
             << ", expected what pipe coordinate " << pipes[first.pipe]
             << " starts there: ";
  withType(first, diagnostic);
  diagnostic << ": start them in one order";
  diagnostic.attachNote(first.op->getLoc()) << "it is here";
  return diagnostic;
}

LogicalResult CommunicationProof::makeModel() {
  using Kind = communication::Event::Kind;
  model.messages.reserve(transfers.size() / 2);
  sidesOf.reserve(transfers.size() / 2);
  for (auto [index, transfer] : llvm::enumerate(transfers)) {
    const TransferOp &of = *transfer.of;
    if (!of.isSend)
      continue;
    Transfer &receive = transfers[transfer.other];
    transfer.message = receive.message = model.messages.size();
    model.messages.push_back({int32_t(of.pipe), int32_t(of.peer)});
    sidesOf.push_back({uint32_t(index), transfer.other});
  }
  // Groups: of all programs, one for each set of axes that spans them; then of
  // each program alone.
  std::vector<int32_t> all;
  for (size_t pipe = 0; pipe != programs.size(); ++pipe)
    all.push_back(pipe);
  /// The collectives of a group of all, as the first program starts them.
  struct Shared {
    uint32_t group;
    std::vector<uint32_t> inOrder;
    std::vector<Collective> ofFirst;
  };
  std::map<const void *, Shared> shared;
  auto sharedOf = [&](ArrayAttr axes) -> Shared & {
    auto [it, isNew] = shared.try_emplace(axes.getAsOpaquePointer());
    if (isNew) {
      it->second.group = model.groups.size();
      model.groups.push_back(all);
      groupAxes.push_back(axes);
    }
    return it->second;
  };
  sharedOf(allAxes);
  model.programs.resize(programs.size());
  opOf.resize(programs.size());
  for (size_t pipe = 0; pipe != programs.size(); ++pipe) {
    uint32_t alone = model.groups.size();
    model.groups.push_back({int32_t(pipe)});
    groupAxes.push_back({});
    std::map<const Shared *, size_t> reached;
    std::vector<uint32_t> numberOf; // in the model, of each collective
    for (const Collective &collective : collectives[pipe]) {
      numberOf.push_back(model.collectives.size());
      if (auto op = dyn_cast<StartOp>(collective.op); op && !op.spansPipe()) {
        model.collectives.push_back(alone);
        continue;
      }
      Shared &group = sharedOf(axesOf(collective));
      size_t position = reached[&group]++;
      if (position == group.inOrder.size()) {
        group.inOrder.push_back(model.collectives.size());
        group.ofFirst.push_back(collective);
        model.collectives.push_back(group.group);
      } else if (failed(compareCollectives(collective, position,
                                           group.ofFirst[position]))) {
        return failure();
      }
      numberOf.back() = group.inOrder[position];
    }
    model.programs[pipe].reserve(events[pipe].size());
    auto add = [&](Kind kind, uint32_t index, Operation *op) {
      model.programs[pipe].push_back({kind, index});
      opOf[pipe].push_back(op);
    };
    for (const Event &event : events[pipe]) {
      if (event.kind != Event::Kind::Post && event.kind != Event::Kind::Wait) {
        uint32_t number = numberOf[event.index];
        add(event.kind == Event::Kind::Start ? Kind::StartCollective
                                             : Kind::WaitCollective,
            number, event.op);
        continue;
      }
      const Transfer &transfer = transfers[event.index];
      bool isPost = event.kind == Event::Kind::Post;
      add(transfer.of->isSend ? isPost ? Kind::PostSend : Kind::WaitSend
          : isPost            ? Kind::PostReceive
                              : Kind::WaitReceive,
          transfer.message, event.op);
    }
    events[pipe] = {};
  }
  return success();
}

/// All ranks start the same collectives in one order.
LogicalResult CommunicationProof::verifyCollectives(
    const communication::Execution &execution) {
  auto mismatches = execution.findCollectiveMismatches();
  if (mismatches.empty())
    return success();
  if (quiet)
    return failure();
  const auto &[group, position, first, other, expected, found] =
      mismatches.front();
  auto count = [&, group = group](int32_t pipe) {
    return llvm::count_if(
        model.programs[pipe], [&](const communication::Event &event) {
          return event.kind == communication::Event::Kind::StartCollective &&
                 model.collectives[event.index] == group;
        });
  };
  InFlightDiagnostic diagnostic = programs[other].emitError();
  const bool areAll = groupAxes[group] == allAxes;
  diagnostic << "found " << count(other) << " collectives over ";
  if (areAll && allAxes.empty())
    diagnostic << "all axes";
  else
    diagnostic << groupAxes[group];
  diagnostic << " in pipe coordinate " << pipes[other] << ", expected "
             << count(first) << " as in pipe coordinate " << pipes[first]
             << ": all programs take part in each"
             << (areAll ? ", and pp.all_reduce_report is one" : "");
  diagnostic.attachNote(programs[first].getLoc())
      << "the program of pipe coordinate " << pipes[first] << " is here";
  return diagnostic;
}

LogicalResult CommunicationProof::report(ArrayRef<communication::Stop> cycle) {
  auto opAt = [&](const communication::Stop &stop) {
    return opOf[stop.program][stop.event];
  };
  InFlightDiagnostic diagnostic =
      error(opAt(cycle.front()))
      << "deadlock under " << StringRef(communication::toString(semantics))
      << " semantics: pipe coordinates ";
  for (const communication::Stop &stop : cycle)
    diagnostic << pipes[stop.program] << " -> ";
  diagnostic << pipes[cycle.front().program]
             << " wait for each other: post receives before, or wait after, "
                "what the others need";
  for (const communication::Stop &stop : cycle) {
    const communication::Event &event =
        model.programs[stop.program][stop.event];
    Diagnostic &note = diagnostic.attachNote(opAt(stop)->getLoc());
    note << "pipe coordinate " << pipes[stop.program] << " waits here ";
    if (event.isCollective())
      note << "for all programs to "
           << (isa<AllReduceReportOp>(opAt(stop)) ? "all-reduce their reports"
                                                  : "start its collective");
    else
      note << "for its "
           << describe(transferOf({event.index, event.isReceive()}));
    if (stop.behind) {
      const Transfer &head = transferOf(*stop.behind);
      note << ", behind the " << describe(head) << " that pipe coordinate "
           << pipes[head.of->pipe] << " posted before";
      diagnostic.attachNote(head.of->op->getLoc()) << "posted here";
    }
    Operation *missing = nullptr;
    if (stop.missing)
      missing = transferOf(*stop.missing).of->op;
    else if (event.isCollective())
      for (auto [other, op] :
           llvm::zip(model.programs[stop.peer], opOf[stop.peer]))
        if (other.kind == communication::Event::Kind::StartCollective &&
            other.index == event.index)
          missing = op;
    if (missing)
      diagnostic.attachNote(missing->getLoc())
          << "pipe coordinate " << pipes[stop.peer]
          << " would reach this only later";
  }
  return diagnostic;
}

LogicalResult pp::verifyCommunication(ModuleOp module, ProgramKind kind,
                                      Semantics semantics, bool quiet) {
  return CommunicationProof(module, kind, semantics, quiet).verify();
}

LogicalResult pp::verifyCommunication(ModuleOp module, Semantics semantics) {
  for (ProgramKind kind : {ProgramKind::Step, ProgramKind::Evaluation})
    if (failed(verifyCommunication(module, kind, semantics)))
      return failure();
  return success();
}
