//===- NcclCommunicator.cpp - Groups of ranks connected by NCCL -----------===//
//
// An NCCL communicator of two ranks and a stream for each directed edge:
// messages of an edge run in the order in which both sides post them, and those
// of different edges wait for nobody else. No two messages share an NCCL
// communicator at a time, so that none has to be grouped with another.
//
// Collectives have a last one of all members, and a stream. NCCL's own sums
// depend on the algorithm that it chooses: pieces are sent and received, as
// many bytes as around a ring, and summed on stream 0, in the order of
// Communicator.h. A small all-reduce gathers all and sums all; a large one sums
// a piece and gathers these.
//
// Where the user prefers speed (--collectives=nccl), NCCL does collectives of
// equal pieces by itself, and sums in an order of its own.
//
// Communicators connect at their first transfer, which a graph must not
// contain: each edge carries one byte at the start.
//
// Around each transfer the stream copies a count into memory of the host: after
// a timeout the host can say which transfer stands still. The counts lie ready
// in a table on the device: a copy of four bytes needs no multiprocessor, which
// the computation may not leave, and every version of graphs can hold it.
//
//===----------------------------------------------------------------------===//
#include "DeviceCommunicator.h"

#include "Bootstrap.h"
#include "CudaDevice.h"
#include "Error.h"
#include "Nccl.h"
#include "Wait.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>
#include <utility>

using namespace pprt;
using namespace pprt::cuda;

namespace {

class NcclCommunicator final : public DeviceCommunicator {
public:
  NcclCommunicator(Device &outer, Bootstrap &bootstrap, Group group,
                   int requests, std::vector<MemberEdge> ends, size_t messages,
                   bool ownOrder)
      : DeviceCommunicator(std::move(group)), ownOrder(ownOrder), outer(outer),
        device(static_cast<CudaDevice &>(outer.actual())), bootstrap(bootstrap),
        done(size_t(requests)), collectives(size_t(requests)),
        numNumbers(2 * messages + 1) {
    for (MemberEdge &end : ends)
      edges.emplace_back().ends = end;
    for (int &event : done)
      event = device.addEvent();
    ready = device.addEvent();
  }
  ~NcclCommunicator() override {
    if (aborted)
      return;
    for (Edge &edge : edges)
      if (edge.communicator)
        nccl.destroy(edge.communicator);
    if (all)
      nccl.destroy(all);
  }

  const char *name() const override { return "nccl"; }
  bool canCapture() const override { return true; }
  void connect() override;

  void beginStep(bool isReplay, Device::Graph graph) override {
    for (Edge &edge : edges) {
      edge.graph = graph;
      if (edge.progress)
        *edge.progress = 0;
      if (!isReplay)
        edge.messages().clear();
    }
    if (!isReplay)
      started = 0;
  }

  void isend(int request, int peer, int, const void *data,
             uint64_t bytes) override {
    startMessage(request, {member(), peer}, const_cast<void *>(data), bytes);
  }
  void irecv(int request, int peer, int, void *data, uint64_t bytes) override {
    startMessage(request, {peer, member()}, data, bytes);
  }
  void prepare(int request, const Collective &collective) override;
  void start(int request, const void *in, void *out, void *workspace) override;
  TransferTimes wait(int request) override;

  void poll() override {
    for (Edge &edge : edges)
      if (edge.communicator)
        check(edge.communicator, "the edge " + text(edge.ends));
    if (all)
      check(all, "a collective over " + group().name());
  }

  std::string unfinishedCollective() const override {
    if (!collectiveProgress)
      return "";
    const uint32_t request =
        *static_cast<volatile uint32_t *>(collectiveProgress);
    return request ? collectives[request - 1].collective.describe() + " over " +
                         group().name()
                   : "";
  }
  std::vector<size_t> unfinished() const override {
    std::vector<size_t> result;
    for (const Edge &edge : edges) {
      if (!edge.progress)
        continue;
      uint32_t count = *static_cast<volatile uint32_t *>(edge.progress);
      if (count % 2 == 1 && count / 2 < edge.messages().size())
        result.push_back(edge.messages()[count / 2]);
    }
    return result;
  }

  bool abort() override {
    if (std::exchange(aborted, true))
      return !isStuck;
    for (Edge &edge : edges)
      if (edge.communicator)
        nccl.abort(edge.communicator);
    if (all)
      nccl.abort(all);
    return !isStuck;
  }

private:
  struct Edge {
    MemberEdge ends;
    NcclComm communicator = nullptr;
    int stream = -1;
    uint32_t *progress = nullptr;
    Device::Graph graph = Device::StepGraph; ///< of what runs
    /// Of a step and of an evaluation, by their numbers in it.
    std::vector<size_t> messagesOf[Device::NumGraphs];
    std::vector<size_t> &messages() { return messagesOf[graph]; }
    const std::vector<size_t> &messages() const { return messagesOf[graph]; }
  };

  struct Started {
    Collective collective;
    /// Pieces as they are sent, of which those for this member have `arrived`.
    std::vector<uint64_t> offsets, bytes;
    uint8_t *arrived = nullptr; ///< of a sum the workspace
    uint64_t stride = 0;
    bool isWhole = false; ///< every member gets all of every other's `in`
    bool isNccl = false;  ///< NCCL does all of it
    uint8_t *out = nullptr;
  };

  bool isPrepared(const Started &started) const {
    return !started.bytes.empty();
  }
  void startByNccl(const Started &started, const void *in);
  void gather(const Started &started, const void *in, uint8_t *out);
  void scatter(const Started &started, const uint8_t *in);
  void exchange(const void *const *sent, const uint64_t *sentBytes,
                void *const *received, const uint64_t *receivedBytes);
  /// What is enqueued for a collective follows what stream 0 has come to.
  void enter(int request) {
    device.record(ready, 0);
    device.wait(collectiveStream, ready);
    noteCollective(uint32_t(request) + 1);
  }
  void leave(int request) {
    noteCollective(0);
    device.record(done[size_t(request)], collectiveStream);
  }
  void noteCollective(uint32_t number) {
    device.download(collectiveStream, collectiveProgress, numbers + number,
                    sizeof *numbers);
  }

  std::string text(MemberEdge ends) const {
    return "from " + group().describe(ends.source) + " to " +
           group().describe(ends.destination);
  }
  Edge &edgeOf(MemberEdge ends) {
    for (Edge &edge : edges)
      if (edge.ends.source == ends.source &&
          edge.ends.destination == ends.destination)
        return edge;
    throw Error("found a message on the edge " + text(ends) +
                ", expected one of the program's channels: compile the program "
                "again");
  }
  void startMessage(int request, MemberEdge ends, void *data, uint64_t bytes) {
    Edge &edge = edgeOf(ends);
    device.record(ready, 0);
    device.wait(edge.stream, ready);
    edge.messages().push_back(started++);
    uint32_t count = uint32_t(edge.messages().size());
    if (2 * count >= numNumbers)
      throw Error("found more messages on the edge " + text(ends) +
                  " than the program describes, expected at most " +
                  std::to_string(numNumbers / 2) +
                  ": compile the program again");
    note(edge, 2 * count - 1);
    move(edge, data, bytes);
    note(edge, 2 * count);
    device.record(done[size_t(request)], edge.stream);
  }
  /// Ranks of an edge's NCCL communicator: 0 sends, 1 receives.
  void move(const Edge &edge, void *data, uint64_t bytes) {
    Stream stream = device.getStream(edge.stream);
    const bool isSend = edge.ends.source == member();
    nccl.check(
        isSend ? nccl.send(data, bytes, ncclBytes, 1, edge.communicator, stream)
               : nccl.receive(data, bytes, ncclBytes, 0, edge.communicator,
                              stream),
        std::string(isSend ? "ncclSend" : "ncclRecv") + " on the edge " +
            text(edge.ends));
  }
  void create(NcclComm &communicator, int ranks, const NcclId &id, int rank,
              const std::string &what);
  void makeNumbers();
  void note(Edge &edge, uint32_t count) {
    device.download(edge.stream, edge.progress, numbers + count,
                    sizeof *numbers);
  }
  void check(NcclComm communicator, const std::string &what) {
    int status = ncclOk;
    nccl.check(nccl.asyncError(communicator, &status), "ncclCommGetAsyncError");
    nccl.check(status, what);
  }

  const bool ownOrder; ///< NCCL sums
  Device &outer;       ///< counts what is launched
  CudaDevice &device;
  Bootstrap &bootstrap;
  NcclLibrary nccl;
  std::vector<int> done;
  int ready = -1;
  std::vector<Edge> edges;
  std::vector<Started> collectives; ///< by request
  int collectiveStream = -1;
  /// One more than the request whose messages are under way; 0: none.
  uint32_t *collectiveProgress = nullptr;
  size_t started = 0;          ///< messages of this step
  uint32_t *numbers = nullptr; ///< on the device: 0, 1, ...
  size_t numNumbers;
  NcclComm all = nullptr;
  bool aborted = false;
  bool isStuck = false; ///< a call of NCCL has not returned
};

} // namespace

/// The call ends when all ranks of the communicator have made it: a thread
/// makes it, and the caller notices when one does not come.
void NcclCommunicator::create(NcclComm &communicator, int ranks,
                              const NcclId &id, int rank,
                              const std::string &what) {
  struct Call {
    NcclComm communicator = nullptr;
    int status = ncclOk;
    std::atomic<bool> isDone = false;
  };
  auto call = std::make_shared<Call>();
  // A call that never returns keeps the device, see `abort`.
  isStuck = true;
  std::thread([call, ranks, id, rank, create = nccl.create, &device = device] {
    device.makeCurrent();
    call->status = create(&call->communicator, ranks, id, rank);
    call->isDone = true;
  }).detach();
  if (!sleepUntil(bootstrap, [&] { return call->isDone.load(); })) {
    char limit[32];
    std::snprintf(limit, sizeof limit, "%g", bootstrap.timeout());
    throw TimeoutError("found no connection by NCCL " + what + " within " +
                       limit +
                       " s, expected its other ranks to make it, too: see what "
                       "they do (NCCL_DEBUG=INFO says how they connect), or "
                       "raise --timeout");
  }
  isStuck = false;
  nccl.check(call->status, "ncclCommInitRank " + what);
  communicator = call->communicator;
}

/// Twice as many as a step has messages, of which no edge has more; and those
/// of the requests.
void NcclCommunicator::makeNumbers() {
  const uint64_t bytes = numNumbers * sizeof(uint32_t);
  auto *host = reinterpret_cast<uint32_t *>(device.allocateHost(bytes));
  std::iota(host, host + numNumbers, 0u);
  numbers = reinterpret_cast<uint32_t *>(device.allocate(bytes));
  device.upload(0, numbers, host, bytes);
}

/// Both ends of an edge make its communicator at the same time: all members
/// walk the edges in one order, so that none waits for one that waits for it.
void NcclCommunicator::connect() {
  uint8_t *probe = device.allocate(64);
  makeNumbers();
  for (Edge &edge : edges) {
    const bool sends = edge.ends.source == member();
    if (!sends && edge.ends.destination != member())
      continue;
    NcclId id;
    if (sends) {
      nccl.check(nccl.makeId(&id), "ncclGetUniqueId");
      bootstrap.send(group().ranks[size_t(edge.ends.destination)], &id,
                     sizeof id);
    } else {
      bootstrap.receive(group().ranks[size_t(edge.ends.source)], &id,
                        sizeof id);
    }
    edge.stream = device.addStream();
    edge.progress = reinterpret_cast<uint32_t *>(device.allocateHost(64));
    create(edge.communicator, 2, id, sends ? 0 : 1,
           "on the edge " + text(edge.ends));
    move(edge, probe, 1);
    waitForStream(device, edge.stream, bootstrap, [&] { poll(); });
  }
  if (size() == 1 || std::none_of(collectives.begin(), collectives.end(),
                                  [&](auto &each) { return isPrepared(each); }))
    return;
  NcclId id = {};
  if (member() == 0)
    nccl.check(nccl.makeId(&id), "ncclGetUniqueId");
  // From the first member to all others.
  for (int peer = 1; peer < size(); ++peer)
    if (member() == 0)
      bootstrap.send(group().ranks[size_t(peer)], &id, sizeof id);
    else if (member() == peer)
      bootstrap.receive(group().ranks[0], &id, sizeof id);
  create(all, size(), id, member(),
         size() == bootstrap.size() ? "of all ranks"
                                    : "of the group over " + group().name());
  // Members connect at their first message.
  uint8_t *probes = device.allocate(uint64_t(size()) * 64);
  Started probing;
  for (int i = 0; i < size(); ++i) {
    probing.offsets.push_back(uint64_t(i) * 64);
    probing.bytes.push_back(1);
  }
  gather(probing, probe, probes);
  waitForStream(device, collectiveStream, bootstrap, [&] { poll(); });
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

void NcclCommunicator::prepare(int request, const Collective &collective) {
  Started &started = collectives[size_t(request)];
  started.collective = collective;
  started.isNccl =
      ownOrder && collective.kind != Collective::AllToAll &&
      std::equal(collective.counts.begin() + 1, collective.counts.end(),
                 collective.counts.begin());
  if (collectiveStream < 0) {
    collectiveStream = device.addStream();
    collectiveProgress = reinterpret_cast<uint32_t *>(device.allocateHost(64));
    numNumbers = std::max(numNumbers, collectives.size() + 1);
  }
  const uint64_t members = uint64_t(size()), width = sizeOf(collective.type);
  std::vector<uint64_t> counts = collective.counts;
  if (collective.kind == Collective::AllReduce) {
    const uint64_t total = collective.total();
    started.isWhole = total * width * members <= PPRT_GATHERED_BYTES;
    counts.clear();
    for (uint64_t i = 0; i < members; ++i)
      counts.push_back(
          started.isWhole ? total : total / members + (i < total % members));
  }
  uint64_t at = 0;
  for (uint64_t count : counts) {
    started.offsets.push_back(at);
    started.bytes.push_back(count * width);
    at += count * width;
  }
  started.stride = started.bytes[size_t(member())];
  if (!collective.isSum())
    return;
  started.stride =
      (started.bytes[size_t(member())] + PPRT_PIECE_ALIGNMENT - 1) /
      PPRT_PIECE_ALIGNMENT * PPRT_PIECE_ALIGNMENT;
  if (started.isWhole)
    for (uint64_t i = 0; i < members; ++i)
      started.offsets[i] = i * started.stride;
}

/// Messages with all other members at once; none of no bytes.
void NcclCommunicator::exchange(const void *const *sent,
                                const uint64_t *sentBytes,
                                void *const *received,
                                const uint64_t *receivedBytes) {
  if (size() == 1)
    return;
  Stream stream = device.getStream(collectiveStream);
  const std::string what = " over " + group().name();
  nccl.check(nccl.groupStart(), "ncclGroupStart" + what);
  for (int distance = 1; distance < size(); ++distance) {
    const int to = (member() + distance) % size();
    const int from = (member() + size() - distance) % size();
    if (sentBytes[to])
      nccl.check(nccl.send(sent[to], sentBytes[to], ncclBytes, to, all, stream),
                 "ncclSend" + what);
    if (receivedBytes[from])
      nccl.check(nccl.receive(received[from], receivedBytes[from], ncclBytes,
                              from, all, stream),
                 "ncclRecv" + what);
  }
  nccl.check(nccl.groupEnd(), "ncclGroupEnd" + what);
}

/// The own piece at `in` to all, theirs to their places in `out`.
void NcclCommunicator::gather(const Started &started, const void *in,
                              uint8_t *out) {
  const size_t me = size_t(member()), members = size_t(size());
  std::vector<const void *> sent(members, in);
  std::vector<uint64_t> sentBytes(members, started.bytes[me]);
  std::vector<void *> received;
  for (size_t i = 0; i < members; ++i)
    received.push_back(out + started.offsets[i]);
  if (received[me] != in)
    device.copy(collectiveStream, received[me], in, started.bytes[me]);
  exchange(sent.data(), sentBytes.data(), received.data(),
           started.bytes.data());
}

/// Pieces of `in` to their members, theirs of the own one to `arrived`.
void NcclCommunicator::scatter(const Started &started, const uint8_t *in) {
  const size_t me = size_t(member()), members = size_t(size());
  std::vector<const void *> sent;
  std::vector<void *> received;
  std::vector<uint64_t> receivedBytes(members, started.bytes[me]);
  for (size_t i = 0; i < members; ++i) {
    sent.push_back(in + started.offsets[i]);
    received.push_back(started.arrived + i * started.stride);
  }
  device.copy(collectiveStream, received[me], sent[me], started.bytes[me]);
  exchange(sent.data(), started.bytes.data(), received.data(),
           receivedBytes.data());
}

/// Pieces are equal.
void NcclCommunicator::startByNccl(const Started &started, const void *in) {
  const Collective &c = started.collective;
  const Stream stream = device.getStream(collectiveStream);
  const size_t count = c.counts.front();
  const int type = c.type == ElementType::F64   ? ncclReal64
                   : c.type == ElementType::F32 ? ncclReal32
                                                : ncclBytes;
  int status = ncclOk;
  if (c.kind == Collective::AllReduce)
    status = nccl.allReduce(in, started.out, count, type, ncclAdd, all, stream);
  else if (c.kind == Collective::ReduceScatter)
    status =
        nccl.reduceScatter(in, started.out, count, type, ncclAdd, all, stream);
  else
    status = nccl.allGather(in, started.out, count, type, all, stream);
  nccl.check(status, c.describe() + " over " + group().name());
}

void NcclCommunicator::start(int request, const void *in, void *out,
                             void *workspace) {
  Started &started = collectives[size_t(request)];
  started.out = static_cast<uint8_t *>(out);
  started.arrived =
      static_cast<uint8_t *>(started.collective.isSum() ? workspace : out);
  if (size() == 1) {
    if (in != out)
      device.copy(0, out, in, started.bytes.front());
    return;
  }
  enter(request);
  if (started.isNccl)
    startByNccl(started, in);
  else if (started.isWhole)
    gather(started, in, started.arrived);
  else if (started.collective.kind == Collective::AllGather)
    gather(started, in, started.out);
  else
    scatter(started, static_cast<const uint8_t *>(in));
  leave(request);
}

TransferTimes NcclCommunicator::wait(int request) {
  Started &started = collectives[size_t(request)];
  if (size() == 1)
    return {};
  device.wait(0, done[size_t(request)]);
  if (!isPrepared(started) || started.isNccl || !started.collective.isSum())
    return {};
  // The tree of sumPieces.
  const ElementType type = started.collective.type;
  const uint64_t own = started.bytes[size_t(member())];
  auto pieceAt = [&](int i) {
    return started.arrived + uint64_t(i) * started.stride;
  };
  if (own)
    for (int bit = 1; bit < size(); bit <<= 1)
      for (int i = 0; i + bit < size(); i += 2 * bit)
        addOnDevice(outer, type == ElementType::F64, pieceAt(i),
                    pieceAt(i + bit), own / sizeOf(type));
  const bool isPiece =
      started.collective.kind == Collective::AllReduce && !started.isWhole;
  uint8_t *target =
      started.out + (isPiece ? started.offsets[size_t(member())] : 0);
  outer.copy(0, target, started.arrived, own);
  if (isPiece) {
    enter(request);
    gather(started, target, started.out);
    leave(request);
    device.wait(0, done[size_t(request)]);
  }
  return {};
}

std::unique_ptr<DeviceCommunicator>
pprt::createNcclCommunicator(Device &device, Bootstrap &bootstrap, Group group,
                             int requests, std::vector<MemberEdge> edges,
                             size_t messages, bool ownOrder) {
  return std::make_unique<NcclCommunicator>(device, bootstrap, std::move(group),
                                            requests, std::move(edges),
                                            messages, ownOrder);
}
