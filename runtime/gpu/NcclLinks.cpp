//===- NcclLinks.cpp - Transfers by NCCL ----------------------------------===//
//
// A communicator of two ranks and a stream for each directed edge: transfers of
// an edge run in the order in which both sides post them, and those of
// different edges wait for nobody else. No two transfers share a communicator
// at a time, so that none has to be grouped with another. A last communicator
// of all ranks adds losses and norms.
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
#include "Links.h"

#include "Collectives.h"
#include "CudaDevice.h"
#include "Error.h"
#include "Nccl.h"
#include "Wait.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>

using namespace pprt;
using namespace pprt::cuda;

namespace {

class NcclLinks final : public Links {
public:
  NcclLinks(CudaDevice &device, const Description &description,
            Transport &transport, int requests)
      : device(device), description(description), transport(transport),
        done(size_t(requests)), edges(description.channels.size()) {
    for (int &event : done)
      event = device.addEvent();
    ready = device.addEvent();
  }
  ~NcclLinks() override {
    if (aborted)
      return;
    for (Edge &edge : edges)
      if (edge.communicator)
        nccl.destroy(edge.communicator);
    if (world)
      nccl.destroy(world);
  }

  void connect(Collectives &collectives) override;

  const char *name() const override { return "nccl"; }
  bool canCapture() const override { return true; }

  void beginStep(bool isReplay) override {
    for (Edge &edge : edges) {
      if (edge.progress)
        *edge.progress = 0;
      if (!isReplay)
        edge.transfers.clear();
    }
  }

  void start(int request, const Transfer &transfer) override {
    Edge &edge = edges[size_t(transfer.channel)];
    device.record(ready, 0);
    device.wait(edge.stream, ready);
    edge.transfers.push_back(transfer);
    uint32_t count = uint32_t(edge.transfers.size());
    if (2 * count >= numNumbers)
      throw Error(
          "found more transfers on the edge " + edgeText(transfer.channel) +
          " than the program describes, expected at most " +
          std::to_string(numNumbers / 2) + ": compile the program again");
    note(edge, 2 * count - 1);
    move(edge, transfer);
    note(edge, 2 * count);
    device.record(done[size_t(request)], edge.stream);
  }
  void wait(int request) override { device.wait(0, done[size_t(request)]); }

  void sum(double *values, uint64_t count) override {
    nccl.check(nccl.allReduce(values, values, count, ncclF64, ncclAdd, world,
                              device.getStream(0)),
               "ncclAllReduce of losses and norms");
  }

  void poll() override {
    for (size_t i = 0; i < edges.size(); ++i)
      if (edges[i].communicator)
        check(edges[i].communicator, "the edge " + edgeText(int(i)));
    if (world)
      check(world, "the exchange of losses and norms");
  }

  std::vector<Transfer> unfinished() const override {
    std::vector<Transfer> result;
    for (const Edge &edge : edges) {
      if (!edge.progress)
        continue;
      uint32_t count = *static_cast<volatile uint32_t *>(edge.progress);
      if (count % 2 == 1 && count / 2 < edge.transfers.size())
        result.push_back(edge.transfers[count / 2]);
    }
    return result;
  }

  void abort() override {
    aborted = true;
    for (Edge &edge : edges)
      if (edge.communicator)
        nccl.abort(edge.communicator);
    if (world)
      nccl.abort(world);
  }

private:
  struct Edge {
    NcclComm communicator = nullptr;
    int stream = -1;
    uint32_t *progress = nullptr;
    std::vector<Transfer> transfers; // of a step
  };

  std::string edgeText(int channel) const {
    const Channel &edge = description.channels[size_t(channel)];
    return "from rank " + std::to_string(edge.source) + " to rank " +
           std::to_string(edge.destination);
  }
  /// Ranks of an edge's communicator: 0 sends, 1 receives.
  void move(const Edge &edge, const Transfer &transfer) {
    Stream stream = device.getStream(edge.stream);
    nccl.check(transfer.isReceive
                   ? nccl.receive(transfer.data, transfer.bytes, ncclBytes, 0,
                                  edge.communicator, stream)
                   : nccl.send(transfer.data, transfer.bytes, ncclBytes, 1,
                               edge.communicator, stream),
               std::string(transfer.isReceive ? "ncclRecv" : "ncclSend") +
                   " on the edge " + edgeText(transfer.channel));
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
  const Description &description;
  Transport &transport;
  NcclLibrary nccl;
  std::vector<int> done;
  int ready = -1;
  std::vector<Edge> edges;
  uint32_t *numbers = nullptr; // on the device: 0, 1, ...
  size_t numNumbers = 0;
  NcclComm world = nullptr;
  bool aborted = false;
};

} // namespace

/// The call ends when all ranks of the communicator have made it: a thread
/// makes it, and the caller notices when one does not come.
void NcclLinks::create(NcclComm &communicator, int ranks, const NcclId &id,
                       int rank, const std::string &what) {
  struct Call {
    NcclComm communicator = nullptr;
    int status = ncclOk;
    std::atomic<bool> isDone = false;
  };
  auto call = std::make_shared<Call>();
  // The process ends before the device does when this call never returns.
  std::thread([call, ranks, id, rank, create = nccl.create, &device = device] {
    device.makeCurrent();
    call->status = create(&call->communicator, ranks, id, rank);
    call->isDone = true;
  }).detach();
  if (!sleepUntil(transport, [&] { return call->isDone.load(); })) {
    char limit[32];
    std::snprintf(limit, sizeof limit, "%g", transport.timeout());
    throw TimeoutError("found no connection by NCCL " + what + " within " +
                       limit +
                       " s, expected its other ranks to make it, too: see what "
                       "they do (NCCL_DEBUG=INFO says how they connect), or "
                       "raise --timeout");
  }
  nccl.check(call->status, "ncclCommInitRank " + what);
  communicator = call->communicator;
}

/// As many as a step has transfers, twice: no edge has more.
void NcclLinks::makeNumbers() {
  numNumbers = 1;
  for (const Action &action :
       description.programOf(size_t(transport.rank())).actions)
    if (action.kind == ActionKind::Send || action.kind == ActionKind::Receive)
      numNumbers += 2;
  const uint64_t bytes = numNumbers * sizeof(uint32_t);
  auto *host = reinterpret_cast<uint32_t *>(device.allocateHost(bytes));
  std::iota(host, host + numNumbers, 0u);
  numbers = reinterpret_cast<uint32_t *>(device.allocate(bytes));
  device.upload(0, numbers, host, bytes);
}

/// Both ranks of an edge make its communicator at the same time: all ranks walk
/// the channels in one order, so that none waits for one that waits for it.
void NcclLinks::connect(Collectives &collectives) {
  uint8_t *probe = device.allocate(64);
  makeNumbers();
  for (size_t i = 0; i < edges.size(); ++i) {
    const Channel &channel = description.channels[i];
    bool sends = channel.source == transport.rank();
    if (!sends && channel.destination != transport.rank())
      continue;
    Edge &edge = edges[i];
    NcclId id;
    if (sends) {
      nccl.check(nccl.makeId(&id), "ncclGetUniqueId");
      transport.send(channel.destination, &id, sizeof id);
    } else {
      transport.receive(channel.source, &id, sizeof id);
    }
    edge.stream = device.addStream();
    edge.progress = reinterpret_cast<uint32_t *>(device.allocateHost(64));
    create(edge.communicator, 2, id, sends ? 0 : 1,
           "on the edge " + edgeText(int(i)));
    Transfer transfer;
    transfer.channel = int(i);
    transfer.isReceive = !sends;
    transfer.data = probe;
    transfer.bytes = 1;
    move(edge, transfer);
    waitForStream(device, edge.stream, transport, [&] { poll(); });
  }
  NcclId id = {};
  if (transport.rank() == 0)
    nccl.check(nccl.makeId(&id), "ncclGetUniqueId");
  collectives.broadcast(&id, sizeof id);
  create(world, transport.size(), id, transport.rank(), "of all ranks");
  sum(reinterpret_cast<double *>(probe), 1);
  waitForStream(device, 0, transport, [&] { poll(); });
}

std::unique_ptr<Links> pprt::createNcclLinks(Device &device,
                                             const Description &description,
                                             Transport &transport,
                                             int requests) {
  return std::make_unique<NcclLinks>(static_cast<CudaDevice &>(device.actual()),
                                     description, transport, requests);
}
