//===- TransportMpi.cpp - Ranks connected by MPI --------------------------===//
//
// Ranks of one node exchange messages through memory that they share
// (Mailbox.h), and sleep at a bell until there is something to see
// (Doorbell.h). MPI moves the rest: messages between nodes, and long ones where
// a process may not read another's memory. It also starts the ranks, and tells
// them of failures.
//
// MPI only makes progress inside its calls, and its blocking calls spin. So all
// requests are nonblocking, kept in one array, and looked at ("polled"), like
// the mailbox, by
//
//   - the main thread, while it waits for something;
//   - a progress thread, while the main thread computes, so that a large
//     message does not stand still because its receiver is busy.
//
// While MPI has requests the sleep between two looks is timed, an eighth of the
// time waited so far within bounds: a short wait is answered fast, a long one
// costs next to nothing. Without, only the bell ends it.
//
// A lock makes calls to MPI and to the mailbox one at a time
// (MPI_THREAD_SERIALIZED).
//
//===----------------------------------------------------------------------===//
#include "Allocations.h"
#include "Clock.h"
#include "Diagnostics.h"
#include "Error.h"
#include "JobAbort.h"
#include "Mailbox.h"
#include "MpiEnvironment.h"
#include "WaitTimer.h"

#include <mpi.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace pprt;

namespace {

constexpr uint64_t microsecond = 1000, millisecond = 1000000;
/// The longest sleep while nothing is expected but through the bell, and while
/// a rank of another node may send a notice.
constexpr uint64_t longSleep = 1000 * millisecond;
constexpr uint64_t noticeSleep = 20 * millisecond;
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

struct Slot : Message {
  int rank = 0; // the peer's
  int tag = 0;
  MPI_Comm comm = MPI_COMM_NULL;
  int mpiError = MPI_SUCCESS;
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
    look();
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
  void send(int peer, const void *data, uint64_t bytes) override;
  void receive(int peer, void *data, uint64_t bytes) override;
  void fail(const std::string &error) override;
  void finish() override;

private:
  void connectNode();
  void checkFree(const Slot &slot) const;
  void post(int slot, MPI_Comm comm, int peer, int tag, void *data,
            uint64_t bytes, bool isReceive);
  void startMpi(int slot);
  TransferTimes waitSlot(int slot);
  bool look(Slot *waited = nullptr, uint64_t since = UINT64_MAX);
  bool doMatched(std::unique_lock<std::mutex> &lock);
  bool testMpi();
  void complete(int slot, const MPI_Status &status);
  void postNoticeReceive();
  void takeNotice(int source, int bytes);
  void sendNotice(int peer, char kind, const std::string &text);
  Bell &myBell() { return node.bell(mailbox ? rankOnNode : 0); }
  /// Whether MPI has to be looked at without being asked to.
  bool mpiIsDue() {
    return mpiRequests.load() > 0 || !mailbox || nodeSize != worldSize ||
           node.post(rankOnNode).notices.load() != noticesTaken.load();
  }
  uint64_t sleepTime(uint64_t sinceEventNs);
  void progressLoop();
  void stopProgressThread();
  void leave();

  int worldRank = 0, worldSize = 1, nodeSize = 1, rankOnNode = 0;
  MPI_Comm dataComm = MPI_COMM_NULL, controlComm = MPI_COMM_NULL;
  bool threadsAllowed = false;
  uint64_t timeoutNs = 300000 * millisecond;

  std::mutex mutex;
  std::vector<Slot> slots;
  /// The requests that MPI works on, and the slot of each. Guarded.
  std::vector<MPI_Request> active;
  std::vector<int> activeSlot;
  std::vector<int> doneIndices;
  std::vector<MPI_Status> statuses;
  /// Active requests of slots other than the notice's.
  std::atomic<int> mpiRequests{0};

  // What the control plane moves: a message that a wait gave up on may still be
  // read from here, or arrive here.
  std::vector<char> controlOut, controlIn;
  std::list<std::string> noticesOut;

  NodeMemory node;
  std::vector<int> numberOnNode;    // by world rank, -1 on other nodes
  std::unique_ptr<Mailbox> mailbox; // guarded; null if it is not to be used

  std::thread progress;
  std::atomic<bool> quit{false};

  std::vector<char> noticeBuffer = std::vector<char>(maxNotice);
  std::atomic<uint32_t> noticesTaken{0}; // from this node
  std::atomic<bool> stopRequested{false};
  std::atomic<bool> stopSeen{false};
  std::vector<std::pair<int, std::string>> reports; // rank 0 only
};

MpiTransport::MpiTransport() {
  prepareMpiEnvironment(singleCopyPossible());
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  threadsAllowed = provided >= MPI_THREAD_SERIALIZED;
  MPI_Comm_rank(MPI_COMM_WORLD, &worldRank);
  MPI_Comm_size(MPI_COMM_WORLD, &worldSize);
  MPI_Comm_dup(MPI_COMM_WORLD, &dataComm);
  MPI_Comm_dup(MPI_COMM_WORLD, &controlComm);
  MPI_Comm_set_errhandler(dataComm, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(controlComm, MPI_ERRORS_RETURN);
  connectNode();
  reserve(0);
  postNoticeReceive();
  if (threadsAllowed && worldSize > 1)
    progress = std::thread([this] { progressLoop(); });
}

MpiTransport::~MpiTransport() { stopProgressThread(); }

/// Sets up the memory that this node's ranks share; all ranks of the node come
/// to the same decisions.
void MpiTransport::connectNode() {
  MPI_Comm here;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, worldRank,
                      MPI_INFO_NULL, &here);
  MPI_Comm_rank(here, &rankOnNode);
  MPI_Comm_size(here, &nodeSize);
  auto all = [&](int condition) {
    int result = 0;
    MPI_Allreduce(&condition, &result, 1, MPI_INT, MPI_MIN, here);
    return result != 0;
  };
  char name[64] = {};
  if (rankOnNode == 0)
    std::snprintf(name, sizeof name, "/pprt-%d-%llx", int(getpid()),
                  static_cast<unsigned long long>(nowNs()));
  bool mapped = sharedMemoryAllowed();
  if (rankOnNode == 0 && mapped)
    mapped = node.map(name, nodeSize, /*create=*/true);
  MPI_Bcast(name, sizeof name, MPI_CHAR, 0, here);
  if (rankOnNode != 0 && mapped)
    mapped = node.map(name, nodeSize, /*create=*/false);
  bool allMapped = all(mapped);
  if (rankOnNode == 0 && mapped)
    NodeMemory::remove(name);

  numberOnNode.assign(worldSize, -1);
  if (allMapped) {
    std::vector<int> numbers(nodeSize), worldRanks(nodeSize);
    MPI_Group nodeGroup, worldGroup;
    MPI_Comm_group(here, &nodeGroup);
    MPI_Comm_group(MPI_COMM_WORLD, &worldGroup);
    for (int i = 0; i < nodeSize; ++i)
      numbers[i] = i;
    MPI_Group_translate_ranks(nodeGroup, nodeSize, numbers.data(), worldGroup,
                              worldRanks.data());
    for (int i = 0; i < nodeSize; ++i)
      numberOnNode[worldRanks[i]] = i;
    MPI_Group_free(&nodeGroup);
    MPI_Group_free(&worldGroup);
    node.introduce(rankOnNode);
    MPI_Barrier(here);
    bool copies = !singleCopyForbidden();
    for (int i = 0; i < nodeSize && copies; ++i)
      copies = node.canRead(i);
    mailbox = std::make_unique<Mailbox>(node, rankOnNode, all(copies));
  } else {
    node.usePrivate();
  }
  MPI_Comm_free(&here);
}

void MpiTransport::reserve(int count) {
  std::lock_guard<std::mutex> lock(mutex);
  size_t total = size_t(firstProgramSlot) + size_t(count);
  // Atomics do not move; only the notice is active while this is called.
  std::vector<Slot> fresh(total);
  if (!slots.empty()) {
    fresh[noticeSlot].state = slots[noticeSlot].state.load();
    fresh[noticeSlot].comm = slots[noticeSlot].comm;
  }
  fresh[noticeSlot].isReceive = true;
  slots.swap(fresh);
  active.reserve(total);
  activeSlot.reserve(total);
  doneIndices.resize(total);
  statuses.resize(total);
}

void MpiTransport::checkFree(const Slot &slot) const {
  if (slot.state != Slot::Idle)
    throw Error("found a request started twice without a wait, expected one "
                "wait for each: compile the program again");
}

void MpiTransport::send(int peer, const void *data, uint64_t bytes) {
  checkFree(slots[controlSend]);
  const char *from = static_cast<const char *>(data);
  controlOut.assign(from, from + bytes);
  post(controlSend, controlComm, peer, controlTag, controlOut.data(), bytes,
       /*isReceive=*/false);
  waitSlot(controlSend);
}

void MpiTransport::receive(int peer, void *data, uint64_t bytes) {
  checkFree(slots[controlReceive]);
  controlIn.resize(bytes);
  post(controlReceive, controlComm, peer, controlTag, controlIn.data(), bytes,
       /*isReceive=*/true);
  waitSlot(controlReceive);
  if (bytes > 0)
    std::memcpy(data, controlIn.data(), bytes);
}

void MpiTransport::post(int index, MPI_Comm comm, int peer, int tag, void *data,
                        uint64_t bytes, bool isReceive) {
  if (stopRequested)
    throw Stopped();
  if (peer < 0 || peer >= worldSize)
    throw Error("found a transfer with rank " + std::to_string(peer) +
                ", expected one of " + std::to_string(worldSize) +
                " ranks: compile the program again");
  Slot &slot = slots[index];
  checkFree(slot);
  slot.isReceive = isReceive;
  slot.rank = peer;
  slot.peer = numberOnNode[peer];
  slot.comm = comm;
  slot.tag = tag;
  slot.channel = uint64_t(comm == controlComm) << 32 | uint32_t(tag);
  slot.data = data;
  slot.bytes = bytes;
  slot.failure = 0;
  slot.mpiError = MPI_SUCCESS;
  slot.times.posted = nowNs();
  int before = mpiRequests;
  {
    std::unique_lock<std::mutex> lock(mutex);
    slot.state = Slot::Active;
    if (slot.peer < 0) {
      startMpi(index);
    } else if (isReceive) {
      mailbox->receive(slot);
    } else {
      if (!mailbox->moves(bytes))
        startMpi(index);
      mailbox->send(slot);
    }
    doMatched(lock);
  }
  // The progress thread has to start its timed sleeps.
  if (mpiRequests != before)
    myBell().ring();
}

void MpiTransport::startMpi(int index) {
  Slot &slot = slots[index];
  // MPI counts in int; words reach four times as far as bytes.
  bool words = slot.bytes % 4 == 0;
  uint64_t count = words ? slot.bytes / 4 : slot.bytes;
  MPI_Datatype type = words ? MPI_INT32_T : MPI_BYTE;
  MpiScope inside;
  MPI_Request request;
  int error = MPI_ERR_COUNT;
  if (count <= INT_MAX)
    error = slot.isReceive ? MPI_Irecv(slot.data, int(count), type, slot.rank,
                                       slot.tag, slot.comm, &request)
                           : MPI_Isend(slot.data, int(count), type, slot.rank,
                                       slot.tag, slot.comm, &request);
  if (error != MPI_SUCCESS) {
    // Whoever waits says so; this may be the progress thread.
    slot.mpiError = error;
    slot.state = Slot::Complete;
    return;
  }
  active.push_back(request);
  activeSlot.push_back(index);
  ++mpiRequests;
}

/// Looks once at everything that may be complete now; `waited` is what the
/// main thread waits for since `since`. True if something went on that someone
/// else may wait for, or that makes a look soon worth while.
bool MpiTransport::look(Slot *waited, uint64_t since) {
  std::unique_lock<std::mutex> lock(mutex);
  bool any = false;
  if (mailbox) {
    mailbox->look(since, nowNs());
    any |= doMatched(lock);
    if (waited)
      mailbox->updateSend(*waited);
  }
  if (mpiIsDue())
    any |= testMpi();
  return any;
}

/// Moves what the mailbox has matched.
bool MpiTransport::doMatched(std::unique_lock<std::mutex> &lock) {
  if (!mailbox)
    return false;
  bool any = false;
  while (Message *t = mailbox->nextElsewhere()) {
    startMpi(int(static_cast<Slot *>(t) - slots.data()));
    any = true;
  }
  while (Message *t = mailbox->nextCopy()) {
    // Others may post meanwhile.
    lock.unlock();
    mailbox->copy(*t);
    lock.lock();
    mailbox->finishCopy(*t);
    any = true;
  }
  return any;
}

bool MpiTransport::testMpi() {
  MpiScope inside;
  bool any = false;
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
  --mpiRequests;
  slot.times.completed = nowNs();
  slot.state = Slot::Complete;
}

/// The next sleep after `sinceEventNs` in which nothing happened.
uint64_t MpiTransport::sleepTime(uint64_t sinceEventNs) {
  if (!mpiIsDue())
    return longSleep;
  bool noticeComes =
      mailbox && node.post(rankOnNode).notices.load() != noticesTaken.load();
  if (mpiRequests == 0 && !noticeComes)
    return noticeSleep;
  uint64_t longest =
      sinceEventNs < 50 * millisecond ? 200 * microsecond : 1000 * microsecond;
  return std::clamp(sinceEventNs / 8, 30 * microsecond, longest);
}

TransferTimes MpiTransport::waitSlot(int index) {
  Slot &slot = slots[index];
  if (slot.state == Slot::Idle)
    throw Error("found a wait for a request that was not started, expected one "
                "start for each: compile the program again");
  uint64_t begin = 0;
  if (slot.state == Slot::Active) {
    begin = nowNs();
    look(&slot, begin);
  }
  if (slot.state == Slot::Active && !stopRequested) {
    Bell &bell = myBell();
    bell.mainInCharge = 1;
    WaitTimer timer(timeoutNs, begin);
    uint64_t lastEvent = begin;
    uint32_t seen;
    bool late = false;
    for (;;) {
      seen = bell.rings.load();
      if (look(&slot, begin))
        lastEvent = nowNs();
      if (slot.state == Slot::Complete || stopRequested)
        break;
      uint64_t now = nowNs();
      if (timer.isOver(now)) {
        late = true;
        break;
      }
      bell.sleep(Bell::Main, seen,
                 std::min(sleepTime(now - lastEvent), timer.longestSleep()));
    }
    // Back to the progress thread, with what rang meanwhile.
    bell.mainInCharge = 0;
    if (bell.rings.load() != seen || mpiRequests > 0)
      bell.ring();
    if (late)
      throw TimeoutError(
          "found no answer from rank " + std::to_string(slot.rank) +
          " in time, expected it to take part: see what it does, or raise "
          "--timeout");
  }
  if (slot.state != Slot::Complete)
    throw Stopped();
  slot.state = Slot::Idle;
  if (slot.failure)
    throw Error("found rank " + std::to_string(slot.rank) +
                " gone in the midst of a message of " +
                std::to_string(slot.bytes) + " bytes (" +
                std::strerror(slot.failure) +
                "), expected it to stay until the end: see what it says");
  if (slot.mpiError == MPI_ERR_TRUNCATE)
    throw Error("found a longer message from rank " +
                std::to_string(slot.rank) + " than the " +
                std::to_string(slot.bytes) +
                " bytes expected: compile the program again");
  if (slot.mpiError == MPI_ERR_COUNT)
    throw Error("found a transfer of " + std::to_string(slot.bytes) +
                " bytes, expected less than 8 GiB: use smaller micro-batches");
  if (slot.mpiError != MPI_SUCCESS)
    throw Error("MPI could not start a transfer with rank " +
                std::to_string(slot.rank));
  if (slot.isReceive && slot.received != slot.bytes)
    throw Error("found a message of " + std::to_string(slot.received) +
                " bytes from rank " + std::to_string(slot.rank) +
                ", expected " + std::to_string(slot.bytes) +
                ": compile the program again");
  return slot.times;
}

void MpiTransport::progressLoop() {
  Bell &bell = myBell();
  uint64_t lastEvent = nowNs();
  while (!quit) {
    uint32_t seen = bell.rings.load();
    uint64_t sleep = longSleep;
    if (!bell.mainInCharge) {
      if (look()) {
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
  slots[noticeSlot].comm = controlComm;
  active.push_back(request);
  activeSlot.push_back(noticeSlot);
}

void MpiTransport::takeNotice(int source, int bytes) {
  if (numberOnNode[source] >= 0)
    ++noticesTaken;
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
  // MPI may read it after this call has given up.
  const std::string &message =
      noticesOut.emplace_back(kind + text.substr(0, maxNotice - 1));
  WaitTimer timer(collectNs, nowNs());
  MPI_Request request;
  MPI_Isend(message.data(), int(message.size()), MPI_BYTE, peer, noticeTag,
            controlComm, &request);
  if (int number = numberOnNode[peer]; number >= 0) {
    ++node.post(number).notices;
    node.bell(number).ring();
  }
  int done = 0;
  for (;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done || timer.isOver(nowNs()))
      break;
    usleep(1000);
  }
}

void MpiTransport::fail(const std::string &error) {
  stopProgressThread();
  myBell().mainInCharge = 1;
  WaitTimer timer(
      worldRank == 0 ? collectNs
                     : rank0Ns + staggerNs * uint64_t(std::min(worldRank, 20)),
      nowNs());
  auto nap = [&] {
    uint32_t seen = myBell().rings.load();
    look();
    myBell().sleep(Bell::Main, seen, millisecond);
  };
  if (worldRank != 0) {
    // A report and the answer to a stop are the same message.
    sendNotice(0, noticeError, error);
    while (!stopSeen && !timer.isOver(nowNs()))
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
    while (missing() && !timer.isOver(nowNs()))
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
      sleepAwake(finalizeSeconds);
      abortJob();
    }).detach();
  MPI_Finalize();
}

} // namespace

std::unique_ptr<Transport> pprt::createMpiTransport() {
  return std::make_unique<MpiTransport>();
}
