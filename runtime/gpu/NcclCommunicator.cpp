//===- NcclCommunicator.cpp - Groups of ranks connected by NCCL -----------===//
//
// An NCCL communicator of two ranks and a stream for each directed edge: messages
// of an edge run in the order in which both sides post them, and those of
// different edges wait for nobody else. No two messages share an NCCL
// communicator at a time, so that none has to be grouped with another. A last one
// of all members does collectives, on stream 0.
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
  NcclCommunicator(CudaDevice &device, Bootstrap &bootstrap, Group group,
                   int requests, std::vector<MemberEdge> ends, size_t messages)
      : DeviceCommunicator(std::move(group)), device(device),
        bootstrap(bootstrap), done(size_t(requests)),
        collectives(size_t(requests)), numNumbers(2 * messages + 1) {
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

  void beginStep(bool isReplay) override {
    for (Edge &edge : edges) {
      if (edge.progress)
        *edge.progress = 0;
      if (!isReplay)
        edge.messages.clear();
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
  void prepare(int request, const Collective &collective) override {
    if (collective.kind != Collective::AllReduce ||
        collective.type != ElementType::F64)
      throw Error("found " + collective.describe() +
                  " by NCCL, expected an all_reduce of f64: run with "
                  "--transport=mpi");
    collectives[size_t(request)] = collective;
  }
  /// Each element has one contributor and zeros elsewhere: any order of the sum
  /// gives its bits.
  void start(int request, const void *in, void *out) override {
    nccl.check(nccl.allReduce(in, out, collectives[size_t(request)].total(),
                              ncclF64, ncclAdd, all, device.getStream(0)),
               "ncclAllReduce over " + group().name());
    device.record(done[size_t(request)], 0);
  }
  TransferTimes wait(int request) override {
    device.wait(0, done[size_t(request)]);
    return {};
  }

  void poll() override {
    for (Edge &edge : edges)
      if (edge.communicator)
        check(edge.communicator, "the edge " + text(edge.ends));
    if (all)
      check(all, "a collective over " + group().name());
  }

  std::vector<size_t> unfinished() const override {
    std::vector<size_t> result;
    for (const Edge &edge : edges) {
      if (!edge.progress)
        continue;
      uint32_t count = *static_cast<volatile uint32_t *>(edge.progress);
      if (count % 2 == 1 && count / 2 < edge.messages.size())
        result.push_back(edge.messages[count / 2]);
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
    std::vector<size_t> messages; ///< of a step, by their numbers in it
  };

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
    edge.messages.push_back(started++);
    uint32_t count = uint32_t(edge.messages.size());
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
    nccl.check(isSend ? nccl.send(data, bytes, ncclBytes, 1, edge.communicator,
                                  stream)
                      : nccl.receive(data, bytes, ncclBytes, 0,
                                     edge.communicator, stream),
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

  CudaDevice &device;
  Bootstrap &bootstrap;
  NcclLibrary nccl;
  std::vector<int> done;
  int ready = -1;
  std::vector<Edge> edges;
  std::vector<Collective> collectives; ///< by request
  size_t started = 0;                  ///< messages of this step
  uint32_t *numbers = nullptr;         ///< on the device: 0, 1, ...
  size_t numNumbers;
  NcclComm all = nullptr;
  bool aborted = false;
  bool isStuck = false; ///< a call of NCCL has not returned
};

} // namespace

/// The call ends when all ranks of the communicator have made it: a thread
/// makes it, and the caller notices when one does not come.
void NcclCommunicator::create(NcclComm &communicator, int ranks, const NcclId &id,
                       int rank, const std::string &what) {
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

/// Twice as many as a step has messages: no edge has more.
void NcclCommunicator::makeNumbers() {
  const uint64_t bytes = numNumbers * sizeof(uint32_t);
  auto *host = reinterpret_cast<uint32_t *>(device.allocateHost(bytes));
  std::iota(host, host + numNumbers, 0u);
  numbers = reinterpret_cast<uint32_t *>(device.allocate(bytes));
  device.upload(0, numbers, host, bytes);
}

/// Both ends of an edge make its communicator at the same time: all members walk
/// the edges in one order, so that none waits for one that waits for it.
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
  const bool hasCollectives =
      std::any_of(collectives.begin(), collectives.end(),
                  [](const Collective &each) { return !each.counts.empty(); });
  if (!hasCollectives)
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
  nccl.check(nccl.allReduce(probe, probe, 1, ncclF64, ncclAdd, all,
                            device.getStream(0)),
             "ncclAllReduce over " + group().name());
  waitForStream(device, 0, bootstrap, [&] { poll(); });
}

std::unique_ptr<DeviceCommunicator>
pprt::createNcclCommunicator(Device &device, Bootstrap &bootstrap, Group group,
                             int requests, std::vector<MemberEdge> edges,
                             size_t messages) {
  return std::make_unique<NcclCommunicator>(
      static_cast<CudaDevice &>(device.actual()), bootstrap, std::move(group),
      requests, std::move(edges), messages);
}
