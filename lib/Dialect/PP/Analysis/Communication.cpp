//===- Communication.cpp - Do all rank programs end together?
//---------------===//
//
// A program is reduced to its events: post a transfer, wait for one, meet all
// ranks. Each transfer knows its other end from the start (by tag, or by its
// place on the edge), so that what is missing is reported before anything
// runs, and a wait that can never return always has a rank that could help it
// but waits itself: following these ranks leads into the cycle. Loops are
// executed round by round: an event is a few numbers.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Analysis/Communication.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace mlir;
using namespace pp;

std::optional<CommunicationSemantics>
pp::parseCommunicationSemantics(StringRef name) {
  return llvm::StringSwitch<std::optional<CommunicationSemantics>>(name)
      .Case("buffered", CommunicationSemantics::Buffered)
      .Case("rendezvous", CommunicationSemantics::Rendezvous)
      .Case("fifo-per-edge", CommunicationSemantics::FifoPerEdge)
      .Case("fifo-shared", CommunicationSemantics::FifoShared)
      .Default(std::nullopt);
}

StringRef pp::toString(CommunicationSemantics semantics) {
  switch (semantics) {
  case CommunicationSemantics::Buffered:
    return "buffered";
  case CommunicationSemantics::Rendezvous:
    return "rendezvous";
  case CommunicationSemantics::FifoPerEdge:
    return "fifo-per-edge";
  case CommunicationSemantics::FifoShared:
    return "fifo-shared";
  }
  llvm_unreachable("no such semantics");
}

namespace {

constexpr size_t kNone = size_t(-1);

/// One side of a message.
struct Transfer {
  Operation *op;
  bool isSend;
  size_t rank, peer; ///< indices into the programs
  StringAttr channel, value;
  std::optional<uint64_t> microbatch;
  uint64_t tag;
  Type type;
  size_t other = kNone; ///< the other side
  bool posted = false, done = false;
};

struct Event {
  enum class Kind { Post, Wait, Exchange } kind;
  Operation *op;
  size_t transfer; ///< unless Exchange
};

class Execution {
public:
  Execution(ModuleOp module, CommunicationSemantics semantics, bool quiet)
      : module(module), semantics(semantics), quiet(quiet) {}

  LogicalResult verify() {
    if (failed(collect()) || failed(match()))
      return failure();
    run();
    return report();
  }

private:
  bool isFifo() const {
    return semantics == CommunicationSemantics::FifoPerEdge ||
           semantics == CommunicationSemantics::FifoShared;
  }
  /// The stream that a transfer runs on, at its own side.
  using Stream = std::pair<size_t, size_t>;
  Stream streamOf(const Transfer &transfer) const {
    size_t peer = transfer.peer;
    // Both directions are one stream for the pair, and two for edges.
    if (semantics == CommunicationSemantics::FifoPerEdge && !transfer.isSend)
      peer += programs.size();
    return {transfer.rank, peer};
  }

  InFlightDiagnostic error(Operation *op) { return op->emitError(); }
  LogicalResult collect();
  LogicalResult collect(ProgramOp program, size_t rank,
                        const DenseMap<int64_t, size_t> &indexOf,
                        SymbolTable &symbols);
  LogicalResult match();
  LogicalResult matchByTag();
  LogicalResult matchByOrder();
  LogicalResult compare(Transfer &send, Transfer &receive, size_t position);
  void run();
  void post(size_t transfer);
  bool advance(size_t rank);
  void completeStreams(Stream stream);
  LogicalResult report();
  size_t findCulprit(size_t rank, Operation *&posting, size_t &blocking);
  std::string describe(const Transfer &transfer) const;
  size_t headOf(Stream stream) const {
    auto it = streams.find(stream);
    return it == streams.end() || it->second.first == it->second.second.size()
               ? kNone
               : it->second.second[it->second.first];
  }

  ModuleOp module;
  CommunicationSemantics semantics;
  bool quiet;
  SmallVector<ProgramOp> programs;
  SmallVector<int64_t> ranks;
  SmallVector<SmallVector<Event>> events;
  SmallVector<size_t> next; ///< event of each program that runs next
  std::vector<Transfer> transfers;
  /// Transfers posted on a stream, and how many of them are done.
  std::map<Stream, std::pair<size_t, std::vector<size_t>>> streams;
};

} // namespace

std::string Execution::describe(const Transfer &transfer) const {
  std::string text = transfer.isSend ? "send" : "receive";
  text += " of '" + transfer.value.getValue().str() + "'";
  if (transfer.microbatch)
    text += " for micro-batch " + std::to_string(*transfer.microbatch);
  text += transfer.isSend ? " to rank " : " from rank ";
  return text + std::to_string(ranks[transfer.peer]);
}

LogicalResult Execution::collect() {
  llvm::DenseMap<int64_t, size_t> indexOf;
  for (ProgramOp program : module.getOps<ProgramOp>()) {
    auto [it, isNew] = indexOf.try_emplace(program.getRank(), programs.size());
    if (!isNew) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          program.emitError() << "found a second program for rank "
                              << program.getRank() << ", expected one a rank";
      diagnostic.attachNote(programs[it->second].getLoc())
          << "the first is here";
      return diagnostic;
    }
    programs.push_back(program);
    ranks.push_back(program.getRank());
  }
  SymbolTable symbols(module);
  events.resize(programs.size());
  next.assign(programs.size(), 0);
  for (auto [rank, program] : llvm::enumerate(programs))
    if (failed(collect(program, rank, indexOf, symbols)))
      return failure();
  return success();
}

LogicalResult Execution::collect(ProgramOp program, size_t rank,
                                 const DenseMap<int64_t, size_t> &indexOf,
                                 SymbolTable &symbols) {
  /// Transfers of an op, and of those like it, by micro-batch.
  using Series = DenseMap<int64_t, size_t>;
  struct Kind {
    size_t peer = kNone;
    Series *series = nullptr;
  };
  DenseMap<Operation *, Kind> kinds;
  std::map<std::tuple<bool, const void *, const void *>, Series> allSeries;
  bool hasLoops = program.hasLoops();
  auto prepare = [&](auto op, bool isSend) -> LogicalResult {
    auto channel = symbols.lookup<ChannelOp>(op.getChannelAttr().getAttr());
    int64_t peerRank = isSend ? channel.getDestination() : channel.getSource();
    auto peer = indexOf.find(peerRank);
    if (peer == indexOf.end()) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          op.emitError() << "found a transfer with rank " << peerRank
                         << " that has no program, expected a pp.program "
                            "with rank("
                         << peerRank << ")";
      diagnostic.attachNote(channel.getLoc()) << "the channel is declared here";
      return diagnostic;
    }
    Kind &kind = kinds[op];
    kind.peer = peer->second;
    kind.series = &allSeries[{isSend, op.getChannelAttr().getAsOpaquePointer(),
                              op.getValueAttr().getAsOpaquePointer()}];
    return success();
  };
  for (Operation &op : program.getBody().front()) {
    if (auto send = dyn_cast<ISendOp>(op)) {
      if (failed(prepare(send, true)))
        return failure();
    } else if (auto receive = dyn_cast<IRecvOp>(op)) {
      if (failed(prepare(receive, false)))
        return failure();
    }
  }

  LogicalResult result = success();
  DenseMap<Operation *, size_t> transferOf;
  auto add = [&](auto op, bool isSend, int64_t shift) {
    Kind kind = kinds.lookup(op);
    std::optional<uint64_t> microbatch = op.getMicrobatch();
    if (microbatch) {
      *microbatch += shift;
      if (hasLoops)
        kind.series->insert({int64_t(*microbatch), transfers.size()});
    }
    transferOf[op] = transfers.size();
    events[rank].push_back({Event::Kind::Post, op, transfers.size()});
    transfers.push_back({op, isSend, rank, kind.peer,
                         op.getChannelAttr().getAttr(), op.getValueAttr(),
                         microbatch, op.getTag() + shift,
                         op.getBuffer().getType()});
  };
  auto wait = [&](auto op, int64_t shift) {
    Operation *posting = op.getToken().getDefiningOp();
    size_t transfer = transferOf.lookup(posting);
    std::optional<int64_t> microbatch = getMicrobatch(op);
    // With loops, that of the own micro-batch.
    if (hasLoops && microbatch) {
      Series &series = *kinds.lookup(posting).series;
      auto it = series.find(*microbatch + shift);
      if (it == series.end()) {
        if (succeeded(result) && !quiet)
          op->emitError() << "found a wait for the transfer of micro-batch "
                          << *microbatch + shift
                          << ", which is not posted before it or is waited "
                             "for already, expected one wait behind each "
                             "transfer: count the rounds of the loops";
        result = failure();
        return;
      }
      transfer = it->second;
      series.erase(it);
    }
    events[rank].push_back({Event::Kind::Wait, op, transfer});
  };
  program.walkSteps([&](Operation *op, int64_t shift) {
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](ISendOp send) { add(send, true, shift); })
        .Case([&](IRecvOp receive) { add(receive, false, shift); })
        .Case<WaitOp, WaitSendOp>([&](auto op) { wait(op, shift); })
        .Case([&](ExchangeOp exchange) {
          events[rank].push_back({Event::Kind::Exchange, exchange, kNone});
        });
  });
  if (failed(result))
    return failure();
  size_t left = kNone;
  for (auto &[key, series] : allSeries)
    for (auto [microbatch, index] : series)
      left = std::min(left, index);
  if (left == kNone)
    return success();
  if (quiet)
    return failure();
  return error(transfers[left].op)
         << "found a " << describe(transfers[left])
         << " that is never waited for, expected one wait behind each "
            "transfer: count the rounds of the loops";
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

/// Both sides of a message must agree on what it is.
LogicalResult Execution::compare(Transfer &send, Transfer &receive,
                                 size_t position) {
  bool sameValue =
      send.value == receive.value && send.microbatch == receive.microbatch;
  if (sameValue && send.type == receive.type && send.tag == receive.tag)
    return success();
  if (quiet)
    return failure();
  InFlightDiagnostic diagnostic = error(receive.op);
  diagnostic << "found " << describe(receive);
  if (!sameValue && isFifo())
    diagnostic << " as message " << position << " of channel @"
               << receive.channel.getValue()
               << ", expected what the sender posts there: a " << describe(send)
               << ": post both sides in one order";
  else if (!sameValue)
    diagnostic << " with tag " << receive.tag << ", expected a "
               << describe(send)
               << " with this tag: give each value and micro-batch its own";
  else if (send.type != receive.type)
    diagnostic << " with type " << receive.type << ", expected " << send.type
               << " as sent";
  else
    diagnostic << " with tag " << receive.tag << ", expected tag " << send.tag
               << " as sent";
  diagnostic.attachNote(send.op->getLoc()) << "the send is here";
  return diagnostic;
}

LogicalResult Execution::matchByTag() {
  // Sends and receives.
  DenseMap<std::pair<const void *, uint64_t>, size_t> byTag[2];
  for (size_t i = 0; i != transfers.size(); ++i) {
    Transfer &transfer = transfers[i];
    std::pair key(transfer.channel.getAsOpaquePointer(), transfer.tag);
    auto [it, isNew] = byTag[transfer.isSend].try_emplace(key, i);
    if (!isNew) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          error(transfer.op)
          << "found tag " << transfer.tag << " again on channel @"
          << transfer.channel.getValue()
          << ", expected each tag once: a tag is a function of value and "
             "micro-batch";
      diagnostic.attachNote(transfers[it->second].op->getLoc())
          << "first used here";
      return diagnostic;
    }
    auto other = byTag[!transfer.isSend].find(key);
    if (other == byTag[!transfer.isSend].end())
      continue;
    transfer.other = other->second;
    transfers[other->second].other = i;
  }
  return success();
}

LogicalResult Execution::matchByOrder() {
  std::map<const void *, std::pair<std::vector<size_t>, std::vector<size_t>>>
      byChannel;
  for (size_t i = 0; i != transfers.size(); ++i) {
    auto &[sends, receives] =
        byChannel[transfers[i].channel.getAsOpaquePointer()];
    (transfers[i].isSend ? sends : receives).push_back(i);
  }
  for (auto &[channel, sides] : byChannel)
    for (auto [send, receive] : llvm::zip(sides.first, sides.second)) {
      transfers[send].other = receive;
      transfers[receive].other = send;
    }
  return success();
}

LogicalResult Execution::match() {
  if (failed(isFifo() ? matchByOrder() : matchByTag()))
    return failure();
  std::map<const void *, size_t> position;
  for (Transfer &transfer : transfers) {
    if (transfer.other == kNone) {
      if (quiet)
        return failure();
      InFlightDiagnostic diagnostic =
          error(transfer.op)
          << "found a " << describe(transfer) << " with tag " << transfer.tag
          << " that is never "
          << (transfer.isSend ? "received, expected a pp.irecv"
                              : "sent, expected a pp.isend")
          << " on channel @" << transfer.channel.getValue()
          << " in the program "
          << "of rank " << ranks[transfer.peer];
      diagnostic.attachNote(programs[transfer.peer].getLoc())
          << "the program of rank " << ranks[transfer.peer] << " is here";
      return diagnostic;
    }
    if (transfer.isSend)
      continue;
    size_t place = position[transfer.channel.getAsOpaquePointer()]++;
    if (failed(compare(transfers[transfer.other], transfer, place)))
      return failure();
  }
  auto countExchanges = [&](size_t rank) {
    return llvm::count_if(events[rank], [](const Event &event) {
      return event.kind == Event::Kind::Exchange;
    });
  };
  for (size_t rank = 1; rank < programs.size(); ++rank) {
    if (countExchanges(rank) == countExchanges(0))
      continue;
    if (quiet)
      return failure();
    InFlightDiagnostic diagnostic =
        programs[rank].emitError()
        << "found " << countExchanges(rank) << " pp.exchange in rank "
        << ranks[rank] << ", expected " << countExchanges(0) << " as in rank "
        << ranks[0] << ": all ranks take part in each";
    diagnostic.attachNote(programs[0].getLoc())
        << "the program of rank " << ranks[0] << " is here";
    return diagnostic;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// Ends transfers at the head of both sides of a stream, as long as the two
/// heads are the two sides of one message.
void Execution::completeStreams(Stream stream) {
  while (true) {
    size_t head = headOf(stream);
    if (head == kNone)
      return;
    size_t other = transfers[head].other;
    Stream otherStream = streamOf(transfers[other]);
    if (headOf(otherStream) != other)
      return;
    transfers[head].done = transfers[other].done = true;
    ++streams[stream].first;
    ++streams[otherStream].first;
  }
}

void Execution::post(size_t index) {
  Transfer &transfer = transfers[index];
  Transfer &other = transfers[transfer.other];
  transfer.posted = true;
  if (isFifo()) {
    Stream stream = streamOf(transfer);
    streams[stream].second.push_back(index);
    completeStreams(stream);
    return;
  }
  if (transfer.isSend && semantics == CommunicationSemantics::Buffered)
    transfer.done = true;
  if (other.posted)
    transfer.done = other.done = true;
}

/// Runs a program until it blocks; whether it got anywhere.
bool Execution::advance(size_t rank) {
  size_t begin = next[rank];
  for (; next[rank] != events[rank].size(); ++next[rank]) {
    const Event &event = events[rank][next[rank]];
    if (event.kind == Event::Kind::Post)
      post(event.transfer);
    else if (event.kind == Event::Kind::Exchange ||
             !transfers[event.transfer].done)
      break;
  }
  return next[rank] != begin;
}

void Execution::run() {
  bool progress = true;
  while (progress) {
    progress = false;
    for (size_t rank = 0; rank != programs.size(); ++rank)
      progress |= advance(rank);
    bool allMeet =
        llvm::all_of(llvm::seq<size_t>(0, programs.size()), [&](size_t rank) {
          return next[rank] != events[rank].size() &&
                 events[rank][next[rank]].kind == Event::Kind::Exchange;
        });
    if (allMeet && !programs.empty()) {
      for (size_t &event : next)
        ++event;
      progress = true;
    }
  }
}

//===----------------------------------------------------------------------===//
// Wait cycles
//===----------------------------------------------------------------------===//

/// The rank that a blocked rank waits for. `posting` is the op which that rank
/// has not reached (null where it has posted all, but behind `blocking`, the
/// head of its stream).
size_t Execution::findCulprit(size_t rank, Operation *&posting,
                              size_t &blocking) {
  posting = nullptr;
  blocking = kNone;
  const Event &event = events[rank][next[rank]];
  if (event.kind == Event::Kind::Exchange) {
    for (size_t other = 0; other != programs.size(); ++other) {
      const Event &reached = events[other][next[other]];
      if (reached.kind == Event::Kind::Exchange)
        continue;
      for (const Event &later :
           llvm::drop_begin(events[other], next[other] + 1))
        if (later.kind == Event::Kind::Exchange) {
          posting = later.op;
          break;
        }
      return other;
    }
    llvm_unreachable("all ranks are at the exchange");
  }
  size_t index = event.transfer;
  if (isFifo()) {
    // What blocks is the head of the stream, on this side first.
    index = headOf(streamOf(transfers[index]));
    if (index != event.transfer)
      blocking = index;
  }
  Transfer &other = transfers[transfers[index].other];
  if (!other.posted) {
    posting = other.op;
  } else {
    blocking = headOf(streamOf(other));
  }
  return other.rank;
}

LogicalResult Execution::report() {
  size_t rank = 0;
  while (rank != programs.size() && next[rank] == events[rank].size())
    ++rank;
  if (rank == programs.size())
    return success();
  if (quiet)
    return failure();

  // Every rank on the way is blocked, so the way ends in a cycle.
  SmallVector<size_t> path;
  while (!llvm::is_contained(path, rank)) {
    path.push_back(rank);
    Operation *posting;
    size_t blocking;
    rank = findCulprit(rank, posting, blocking);
  }
  ArrayRef<size_t> cycle(llvm::find(path, rank), path.end());

  Operation *first = events[cycle.front()][next[cycle.front()]].op;
  InFlightDiagnostic diagnostic = error(first)
                                  << "deadlock under " << toString(semantics)
                                  << " semantics: ranks ";
  for (size_t member : cycle)
    diagnostic << ranks[member] << " -> ";
  diagnostic << ranks[cycle.front()]
             << " wait for each other: post receives before, or wait after, "
                "what the others need";
  for (size_t member : cycle) {
    const Event &event = events[member][next[member]];
    Operation *posting;
    size_t blocking;
    size_t culprit = findCulprit(member, posting, blocking);
    Diagnostic &note = diagnostic.attachNote(event.op->getLoc());
    note << "rank " << ranks[member] << " waits here ";
    if (event.kind == Event::Kind::Exchange)
      note << "for all ranks to exchange";
    else
      note << "for its " << describe(transfers[event.transfer]);
    if (blocking != kNone) {
      Transfer &head = transfers[blocking];
      note << ", behind the " << describe(head) << " that rank "
           << ranks[head.rank] << " posted before";
      diagnostic.attachNote(head.op->getLoc()) << "posted here";
    }
    if (posting)
      diagnostic.attachNote(posting->getLoc())
          << "rank " << ranks[culprit] << " would reach this only later";
  }
  return diagnostic;
}

LogicalResult pp::verifyCommunication(ModuleOp module,
                                      CommunicationSemantics semantics,
                                      bool quiet) {
  return Execution(module, semantics, quiet).verify();
}
