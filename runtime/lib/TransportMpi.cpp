//===- TransportMpi.cpp - Ranks connected by MPI --------------------------===//
//
// MPI moves the bytes; this file decides who lets it make progress, and when.
// MPI only makes progress inside its calls, and its blocking calls spin. So all
// requests are nonblocking, kept in one array, and looked at ("polled") by
//
//   - the main thread, while it waits for something;
//   - a progress thread, while the main thread computes, so that a large
//     message does not stand still because its receiver is busy.
//
// Between two looks the one in charge sleeps at the rank's bell (Doorbell.h),
// which peers of the same node ring when there is something to see: a message
// was posted, or looked at by its receiver so that its sender can go on. Where
// nobody rings (other nodes; a copy in pieces because the single copy is
// forbidden) the sleep is timed, an eighth of the time waited so far within
// bounds: a short wait is answered fast, a long one costs next to nothing.
//
// A lock makes MPI calls one at a time (MPI_THREAD_SERIALIZED).
//
//===----------------------------------------------------------------------===//
#include "Allocations.h"
#include "Clock.h"
#include "Diagnostics.h"
#include "Doorbell.h"
#include "Error.h"
#include "JobAbort.h"
#include "MpiEnvironment.h"
#include "Transport.h"

#include <mpi.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace pprt;

namespace {

constexpr uint64_t microsecond = 1000, millisecond = 1000000;
/// Messages up to this size leave with their first packet, so that the sender
/// need not be told of their arrival (btl vader's eager limit).
constexpr uint64_t eagerBytes = 4096;
/// When a run fails: how long rank 0 waits for the others, how long the others
/// wait for rank 0 (then the lowest of them that can speaks for all), and how
/// long MPI_Finalize may take.
constexpr uint64_t collectNs = 2500 * millisecond;
constexpr uint64_t rank0Ns = 4000 * millisecond, staggerNs = 200 * millisecond;
constexpr unsigned finalizeSeconds = 8;
constexpr int controlTag = 1, noticeTag = 2;
constexpr int maxNotice = 2048;
/// First byte of a notice.
constexpr char noticeError = 'E', noticeStop = 'S';

struct Slot {
  enum State { Idle, Active, Complete };
  std::atomic<int> state{Idle};
  bool isReceive = false;
  bool timed = false; // nobody rings for it
  int peer = 0;
  uint64_t bytes = 0;
  uint64_t received = 0;
  int mpiError = MPI_SUCCESS;
  TransferTimes times;
};

/// Slots that are not the program's.
enum { controlSend, controlReceive, noticeSlot, firstProgramSlot };

class MpiTransport final : public Transport {
public:
  MpiTransport();
  ~MpiTransport() override;

  int rank() const override { return worldRank; }
  int size() const override { return worldSize; }
  bool onOneNode() const override { return nodeSize == worldSize; }
  int nodeRank() const override { return rankOnNode; }
  int nodeRanks() const override { return nodeSize; }
  void reserve(int count) override;
  void setTimeout(double seconds) override {
    timeoutNs = uint64_t(seconds * 1e9);
  }
  double timeout() const override { return double(timeoutNs) * 1e-9; }
  void checkStopped() override {
    poll();
    if (stopRequested)
      throw Stopped();
  }
  void isend(int request, int peer, int tag, const void *data,
             uint64_t bytes) override {
    post(firstProgramSlot + request, dataComm, peer, tag,
         const_cast<void *>(data), bytes, /*isReceive=*/false);
  }
  void irecv(int request, int peer, int tag, void *data,
             uint64_t bytes) override {
    post(firstProgramSlot + request, dataComm, peer, tag, data, bytes,
         /*isReceive=*/true);
  }
  TransferTimes wait(int request) override {
    return waitSlot(firstProgramSlot + request);
  }
  void send(int peer, const void *data, uint64_t bytes) override {
    post(controlSend, controlComm, peer, controlTag, const_cast<void *>(data),
         bytes, /*isReceive=*/false);
    waitSlot(controlSend);
  }
  void receive(int peer, void *data, uint64_t bytes) override {
    post(controlReceive, controlComm, peer, controlTag, data, bytes,
         /*isReceive=*/true);
    waitSlot(controlReceive);
  }
  void fail(const std::string &error) override;
  void finish() override;

private:
  void connectBells();
  void post(int slot, MPI_Comm comm, int peer, int tag, void *data,
            uint64_t bytes, bool isReceive);
  TransferTimes waitSlot(int slot);
  bool poll();
  void complete(int slot, const MPI_Status &status);
  void postNoticeReceive();
  void takeNotice(int source, int bytes);
  void sendNotice(int peer, char kind, const std::string &text);
  void ringPeer(int peer) {
    if (bellOf[peer] >= 0)
      bells[bellOf[peer]].ring();
  }
  /// Lets `peer` ring back after its next look.
  void askForEcho(int peer) {
    if (bellOf[peer] >= 0)
      bells[bellOf[peer]].echo.fetch_or(uint64_t(1)
                                        << (bellOf[worldRank] % 64));
  }
  /// Whether nobody rings at each instant at which the transfer could go on.
  bool needsTimedLooks(const Slot &slot) const {
    return !bellsSuffice || bellOf[slot.peer] < 0 ||
           (slot.bytes > eagerBytes && !singleCopy);
  }
  Bell &myBell() { return bells[bellOf[worldRank]]; }
  void noticeMissedRing();
  uint64_t sleepTime(uint64_t sinceEventNs) const;
  void progressLoop();
  void stopProgressThread();
  void leave();

  int worldRank = 0, worldSize = 1, nodeSize = 1, rankOnNode = 0;
  MPI_Comm dataComm = MPI_COMM_NULL, controlComm = MPI_COMM_NULL;
  bool threadsAllowed = false, singleCopy = false;
  std::atomic<bool> bellsSuffice{false};
  /// Completions that a timed look found although bells should have rung.
  std::atomic<int> missedRings{0};
  uint64_t timeoutNs = 300000 * millisecond;

  std::mutex mpiLock;
  std::vector<Slot> slots;
  /// The requests that MPI works on, and the slot of each. Guarded by mpiLock.
  std::vector<MPI_Request> active;
  std::vector<int> activeSlot;
  std::vector<int> doneIndices;
  std::vector<MPI_Status> statuses;
  /// Active requests that nobody rings for.
  std::atomic<int> timedRequests{0};

  BellTower bells;
  std::vector<int> bellOf; // by world rank, -1 on other nodes

  std::thread progress;
  std::atomic<bool> quit{false};

  std::vector<char> noticeBuffer = std::vector<char>(maxNotice);
  std::atomic<bool> stopRequested{false};
  std::atomic<bool> stopSeen{false};
  std::vector<std::pair<int, std::string>> reports; // rank 0 only
};

MpiTransport::MpiTransport() {
  singleCopy = singleCopyPossible();
  prepareMpiEnvironment(singleCopy);
  bellsSuffice = sharedMemoryOnly();
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  threadsAllowed = provided >= MPI_THREAD_SERIALIZED;
  MPI_Comm_rank(MPI_COMM_WORLD, &worldRank);
  MPI_Comm_size(MPI_COMM_WORLD, &worldSize);
  MPI_Comm_dup(MPI_COMM_WORLD, &dataComm);
  MPI_Comm_dup(MPI_COMM_WORLD, &controlComm);
  MPI_Comm_set_errhandler(dataComm, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(controlComm, MPI_ERRORS_RETURN);
  connectBells();
  reserve(0);
  postNoticeReceive();
  if (threadsAllowed && worldSize > 1)
    progress = std::thread([this] { progressLoop(); });
}

MpiTransport::~MpiTransport() { stopProgressThread(); }

void MpiTransport::connectBells() {
  MPI_Comm node;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, worldRank,
                      MPI_INFO_NULL, &node);
  int nodeRank;
  MPI_Comm_rank(node, &nodeRank);
  MPI_Comm_size(node, &nodeSize);
  rankOnNode = nodeRank;
  char name[64] = {};
  if (nodeRank == 0)
    std::snprintf(name, sizeof name, "/pprt-%d-%llx", int(getpid()),
                  static_cast<unsigned long long>(nowNs()));
  int mapped = 1;
  if (nodeRank == 0)
    mapped = bells.map(name, nodeSize, /*create=*/true);
  MPI_Bcast(name, sizeof name, MPI_CHAR, 0, node);
  if (nodeRank != 0)
    mapped = bells.map(name, nodeSize, /*create=*/false);
  int allMapped = 0;
  MPI_Allreduce(&mapped, &allMapped, 1, MPI_INT, MPI_MIN, node);
  if (nodeRank == 0)
    BellTower::remove(name);

  bellOf.assign(worldSize, -1);
  if (allMapped) {
    std::vector<int> nodeRanks(nodeSize), worldRanks(nodeSize);
    MPI_Group nodeGroup, worldGroup;
    MPI_Comm_group(node, &nodeGroup);
    MPI_Comm_group(MPI_COMM_WORLD, &worldGroup);
    for (int i = 0; i < nodeSize; ++i)
      nodeRanks[i] = i;
    MPI_Group_translate_ranks(nodeGroup, nodeSize, nodeRanks.data(), worldGroup,
                              worldRanks.data());
    for (int i = 0; i < nodeSize; ++i)
      bellOf[worldRanks[i]] = i;
    MPI_Group_free(&nodeGroup);
    MPI_Group_free(&worldGroup);
  } else {
    bells.usePrivate();
    bellOf[worldRank] = 0;
  }
  MPI_Comm_free(&node);
}

void MpiTransport::reserve(int count) {
  std::lock_guard<std::mutex> lock(mpiLock);
  size_t total = size_t(firstProgramSlot) + size_t(count);
  // Atomics do not move; only the notice is active while this is called.
  int noticeState = slots.empty() ? Slot::Idle : slots[noticeSlot].state.load();
  std::vector<Slot> fresh(total);
  fresh[noticeSlot].state = noticeState;
  fresh[noticeSlot].isReceive = true;
  slots.swap(fresh);
  active.reserve(total);
  activeSlot.reserve(total);
  doneIndices.resize(total);
  statuses.resize(total);
}

void MpiTransport::post(int index, MPI_Comm comm, int peer, int tag, void *data,
                        uint64_t bytes, bool isReceive) {
  if (stopRequested && index != noticeSlot)
    throw Stopped();
  if (peer < 0 || peer >= worldSize)
    throw Error("found a transfer with rank " + std::to_string(peer) +
                ", expected one of " + std::to_string(worldSize) +
                " ranks: compile the program again");
  Slot &slot = slots[index];
  if (slot.state != Slot::Idle)
    throw Error("found a request started twice without a wait, expected one "
                "wait for each: compile the program again");
  // MPI counts in int; words reach four times as far as bytes.
  bool words = bytes % 4 == 0;
  uint64_t count = words ? bytes / 4 : bytes;
  if (count > INT_MAX)
    throw Error("found a transfer of " + std::to_string(bytes) +
                " bytes, expected less than 8 GiB: use smaller micro-batches");
  MPI_Datatype type = words ? MPI_INT32_T : MPI_BYTE;

  slot.isReceive = isReceive;
  slot.peer = peer;
  slot.bytes = bytes;
  slot.mpiError = MPI_SUCCESS;
  slot.times.posted = nowNs();
  bool timed = slot.timed = needsTimedLooks(slot);
  {
    std::lock_guard<std::mutex> lock(mpiLock);
    MpiScope inside;
    MPI_Request request;
    int error =
        isReceive
            ? MPI_Irecv(data, int(count), type, peer, tag, comm, &request)
            : MPI_Isend(data, int(count), type, peer, tag, comm, &request);
    if (error != MPI_SUCCESS)
      throw Error("MPI could not start a transfer with rank " +
                  std::to_string(peer));
    slot.state = Slot::Active;
    active.push_back(request);
    activeSlot.push_back(index);
    if (timed)
      ++timedRequests;
  }
  if (isReceive) {
    // The message may have been here already: take it, and free its sender.
    poll();
  } else {
    // A long message needs the receiver to look, and then this rank to look
    // again. A short one is mostly on its way at once, but MPI may keep it.
    if (bytes > eagerBytes)
      askForEcho(peer);
    ringPeer(peer);
    if (bytes <= eagerBytes) {
      poll();
      if (slot.state != Slot::Complete) {
        askForEcho(peer);
        ringPeer(peer);
      }
    }
  }
  // The progress thread has to start its timed sleeps.
  if (timed)
    myBell().ring();
}

/// Looks once at all requests; true if one of them is complete now.
bool MpiTransport::poll() {
  std::lock_guard<std::mutex> lock(mpiLock);
  MpiScope inside;
  bool any = false;
  uint64_t echo = myBell().echo.exchange(0);
  // MPI_Testsome reports what was complete before it made progress, so that
  // the second of two calls sees what the first one did.
  for (int empty = 0; empty < 2 && !active.empty();) {
    int count = 0;
    MPI_Testsome(int(active.size()), active.data(), &count, doneIndices.data(),
                 statuses.data());
    if (count <= 0) {
      ++empty;
      continue;
    }
    empty = 0;
    any = true;
    bool renewNotice = false;
    for (int i = 0; i < count; ++i) {
      int slot = activeSlot[doneIndices[i]];
      if (slot == noticeSlot) {
        int bytes = 0;
        MPI_Get_count(&statuses[i], MPI_BYTE, &bytes);
        takeNotice(statuses[i].MPI_SOURCE, bytes);
        renewNotice = true;
      } else {
        complete(slot, statuses[i]);
      }
    }
    // Keep only the requests that are still under way.
    size_t kept = 0;
    for (size_t i = 0; i < active.size(); ++i) {
      if (active[i] == MPI_REQUEST_NULL)
        continue;
      active[kept] = active[i];
      activeSlot[kept++] = activeSlot[i];
    }
    active.resize(kept);
    activeSlot.resize(kept);
    if (renewNotice)
      postNoticeReceive();
  }
  if (echo)
    for (int peer = 0; peer < nodeSize; ++peer)
      if (echo >> (peer % 64) & 1)
        bells[peer].ring();
  return any;
}

void MpiTransport::complete(int index, const MPI_Status &status) {
  Slot &slot = slots[index];
  // MPI sets the error field only where an error occurred among several.
  if (slot.isReceive) {
    int count = 0;
    MPI_Get_count(&status, MPI_BYTE, &count);
    MPI_Count large = 0;
    MPI_Get_elements_x(&status, MPI_BYTE, &large);
    slot.received = large >= 0 ? uint64_t(large) : uint64_t(count);
    slot.mpiError =
        status.MPI_ERROR == MPI_ERR_TRUNCATE ? MPI_ERR_TRUNCATE : MPI_SUCCESS;
  }
  if (slot.timed)
    --timedRequests;
  slot.times.completed = nowNs();
  slot.state = Slot::Complete;
  if (slot.isReceive && slot.bytes > eagerBytes)
    ringPeer(slot.peer);
}

/// A net below the bells: if MPI has been built or set up in another way than
/// assumed, the ranks notice it by completions without a ring, and go over to
/// timed looks.
void MpiTransport::noticeMissedRing() {
  constexpr int tolerated = 8;
  if (++missedRings > tolerated)
    bellsSuffice = false;
}

/// The next sleep after `sinceEventNs` in which nothing happened.
uint64_t MpiTransport::sleepTime(uint64_t sinceEventNs) const {
  // Where a bell rings, timed looks are only a net below it.
  if (timedRequests.load() == 0)
    return 20 * millisecond;
  uint64_t longest =
      sinceEventNs < 50 * millisecond ? 200 * microsecond : 1000 * microsecond;
  return std::clamp(sinceEventNs / 8, 30 * microsecond, longest);
}

TransferTimes MpiTransport::waitSlot(int index) {
  Slot &slot = slots[index];
  if (slot.state == Slot::Idle)
    throw Error("found a wait for a request that was not started, expected one "
                "start for each: compile the program again");
  if (slot.state == Slot::Active && !stopRequested) {
    Bell &bell = myBell();
    bell.mainInCharge = 1;
    uint64_t begin = nowNs(), lastEvent = begin, now = begin;
    uint32_t seen = bell.rings.load();
    bool late = false, slept = false;
    for (;;) {
      uint32_t before = seen;
      seen = bell.rings.load();
      if (poll()) {
        lastEvent = nowNs();
        if (slept && seen == before && !timedRequests.load())
          noticeMissedRing();
      }
      if (slot.state == Slot::Complete || stopRequested)
        break;
      now = nowNs();
      if (now - begin > timeoutNs) {
        late = true;
        break;
      }
      uint64_t left = timeoutNs - (now - begin) + millisecond;
      bell.sleep(Bell::Main, seen, std::min(sleepTime(now - lastEvent), left));
      slept = true;
    }
    // Back to the progress thread, with what rang meanwhile.
    bell.mainInCharge = 0;
    if (bell.rings.load() != seen || timedRequests.load() > 0)
      bell.ring();
    if (late)
      throw TimeoutError(
          "found no answer from rank " + std::to_string(slot.peer) +
          " in time, expected it to take part: see what it does, or raise "
          "--timeout");
  }
  if (slot.state != Slot::Complete)
    throw Stopped();
  slot.state = Slot::Idle;
  if (slot.mpiError == MPI_ERR_TRUNCATE)
    throw Error("found a message longer than the " +
                std::to_string(slot.bytes) + " bytes expected from rank " +
                std::to_string(slot.peer));
  if (slot.isReceive && slot.received != slot.bytes)
    throw Error("found a message of " + std::to_string(slot.received) +
                " bytes from rank " + std::to_string(slot.peer) +
                ", expected " + std::to_string(slot.bytes));
  return slot.times;
}

void MpiTransport::progressLoop() {
  Bell &bell = myBell();
  uint64_t lastEvent = nowNs();
  while (!quit) {
    uint32_t seen = bell.rings.load();
    uint64_t sleep = 1000 * millisecond;
    if (!bell.mainInCharge) {
      if (poll()) {
        lastEvent = nowNs();
        // Main may have started to wait for what this thread has just seen.
        if (bell.mainInCharge) {
          bell.rings.fetch_add(1);
          bell.wake(Bell::Main);
        }
      }
      sleep = sleepTime(nowNs() - lastEvent);
    }
    if (!quit)
      bell.sleep(Bell::Progress, seen, sleep);
  }
}

void MpiTransport::stopProgressThread() {
  if (!progress.joinable())
    return;
  quit = true;
  myBell().rings.fetch_add(1);
  myBell().wake(Bell::Progress);
  progress.join();
}

//===----------------------------------------------------------------------===//
// The end of a run
//===----------------------------------------------------------------------===//

void MpiTransport::postNoticeReceive() {
  MPI_Request request;
  MPI_Irecv(noticeBuffer.data(), maxNotice, MPI_BYTE, MPI_ANY_SOURCE, noticeTag,
            controlComm, &request);
  slots[noticeSlot].state = Slot::Active;
  active.push_back(request);
  activeSlot.push_back(noticeSlot);
}

void MpiTransport::takeNotice(int source, int bytes) {
  if (bytes < 1)
    return;
  if (noticeBuffer[0] == noticeError)
    reports.emplace_back(source,
                         std::string(noticeBuffer.data() + 1, bytes - 1));
  else
    stopSeen = true;
  stopRequested = true;
}

void MpiTransport::sendNotice(int peer, char kind, const std::string &text) {
  std::string message = kind + text.substr(0, maxNotice - 1);
  uint64_t deadline = nowNs() + collectNs;
  MPI_Request request;
  MPI_Isend(message.data(), int(message.size()), MPI_BYTE, peer, noticeTag,
            controlComm, &request);
  ringPeer(peer);
  int done = 0;
  for (;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done || nowNs() > deadline)
      break;
    usleep(1000);
  }
}

void MpiTransport::fail(const std::string &error) {
  stopProgressThread();
  myBell().mainInCharge = 1;
  uint64_t deadline =
      nowNs() + (worldRank == 0
                     ? collectNs
                     : rank0Ns + staggerNs * uint64_t(std::min(worldRank, 20)));
  auto nap = [&] {
    uint32_t seen = myBell().rings.load();
    poll();
    myBell().sleep(Bell::Main, seen, millisecond);
  };
  if (worldRank != 0) {
    // A report and the answer to a stop are the same message.
    sendNotice(0, noticeError, error);
    while (!stopSeen && nowNs() < deadline)
      nap();
    if (!stopSeen) {
      std::vector<std::string> errors(worldSize);
      errors[worldRank] = error;
      errors[0] = "does not answer";
      printErrors(errors);
      abortJob();
    }
  } else {
    for (int peer = 1; peer < worldSize; ++peer)
      sendNotice(peer, noticeStop, "");
    std::vector<bool> answered(worldSize);
    answered[0] = true;
    auto missing = [&] {
      for (auto &report : reports)
        answered[report.first] = true;
      return std::find(answered.begin(), answered.end(), false) !=
             answered.end();
    };
    while (missing() && nowNs() < deadline)
      nap();
    std::vector<std::string> errors(worldSize);
    errors[0] = error;
    bool unreachable = missing();
    for (auto &[source, text] : reports)
      errors[source] = text;
    for (int peer = 0; peer < worldSize; ++peer)
      if (!answered[peer])
        errors[peer] = "does not answer";
    printErrors(errors);
    if (unreachable)
      abortJob();
  }
  leave();
}

void MpiTransport::finish() {
  stopProgressThread();
  leave();
}

void MpiTransport::leave() {
  // Transfers that a failure left behind can keep MPI_Finalize waiting.
  bool leftBehind = false;
  for (size_t i = 0; i < active.size(); ++i) {
    leftBehind |= activeSlot[i] != noticeSlot;
    if (slots[activeSlot[i]].isReceive)
      MPI_Cancel(&active[i]);
    MPI_Request_free(&active[i]);
  }
  active.clear();
  activeSlot.clear();
  if (leftBehind)
    std::thread([] {
      sleep(finalizeSeconds);
      abortJob();
    }).detach();
  MPI_Finalize();
}

} // namespace

std::unique_ptr<Transport> pprt::createMpiTransport() {
  return std::make_unique<MpiTransport>();
}
