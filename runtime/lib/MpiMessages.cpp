//===- MpiMessages.cpp - Messages by MPI and shared memory ----------------===//
#include "MpiJob.h"

#include "Allocations.h"
#include "Clock.h"
#include "Error.h"
#include "MpiEnvironment.h"
#include "WaitTimer.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <unistd.h>

using namespace pprt;

static constexpr uint64_t microsecond = 1000;
/// The longest sleep while nothing is expected but by a notification, and while
/// a rank of another node may send a notice.
static constexpr uint64_t longSleep = 1000 * millisecond;
static constexpr uint64_t noticeSleep = 20 * millisecond;
/// Spaces that MPI's tags tell apart; a job has few at a time.
static constexpr int tagSpaces = 128;
/// How long a message that is given up may take to be so.
static constexpr uint64_t cancelNs = 200 * millisecond;

MpiJob::MpiJob() : timeoutNs(300000 * millisecond) {
  prepareMpiEnvironment(singleCopyPossible());
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  threadsAllowed = provided >= MPI_THREAD_SERIALIZED;
  MPI_Comm_rank(MPI_COMM_WORLD, &worldRank);
  MPI_Comm_size(MPI_COMM_WORLD, &worldSize);
  int isSet = 0;
  void *bound = nullptr;
  MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &bound, &isSet);
  // MPI's tags hold the space and the tag in it.
  tagBound = (isSet ? *static_cast<int *>(bound) : 32767) / tagSpaces;
  for (MPI_Comm *comm : {&noticeComm, &controlComm, &dataComm}) {
    MPI_Comm_dup(MPI_COMM_WORLD, comm);
    MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN);
  }
  connectNode();
  addRequests(1); // noticeSlot
  slots[noticeSlot].isReceive = true;
  postNoticeReceive();
  openControlPlane();
  startProgressThread();
}

MpiJob::~MpiJob() { stopProgressThread(); }

/// Sets up the memory that this node's ranks share; all ranks of the node come
/// to the same decisions.
void MpiJob::connectNode() {
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

//===----------------------------------------------------------------------===//
// Requests and spaces
//===----------------------------------------------------------------------===//

int MpiJob::addRequests(int count) {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto range = freeSlots.begin(); range != freeSlots.end(); ++range) {
    auto [first, size] = *range;
    if (size < count)
      continue;
    if (size == count)
      freeSlots.erase(range);
    else
      *range = {first + count, size - count};
    return first;
  }
  const int first = int(slots.size());
  for (int i = 0; i < count; ++i)
    slots.emplace_back().index = first + i;
  active.reserve(slots.size());
  activeSlot.reserve(slots.size());
  doneIndices.resize(slots.size());
  statuses.resize(slots.size());
  return first;
}

void MpiJob::removeRequests(int first, int count) {
  std::lock_guard<std::mutex> lock(mutex);
  if (count > 0)
    freeSlots.emplace_back(first, count);
}

int MpiJob::countRequests() {
  std::lock_guard<std::mutex> lock(mutex);
  int count = int(slots.size());
  for (auto [first, size] : freeSlots)
    count -= size;
  return count;
}

int MpiJob::addSpace() { return spaces++; }

void MpiJob::removeSpace(int space) {
  std::lock_guard<std::mutex> lock(mutex);
  // What MPI still has under way in it matches nothing any more.
  if (mailbox)
    mailbox->close(uint32_t(space));
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void MpiJob::post(int request, int peer, int space, int tag, void *data,
                  uint64_t bytes, bool isReceive) {
  if (stopRequested)
    throw Stopped();
  if (peer < 0 || peer >= worldSize)
    throw Error("found a transfer with rank " + std::to_string(peer) +
                ", expected one of " + std::to_string(worldSize) +
                " ranks: compile the program again");
  Slot &slot = slots[size_t(request)];
  if (slot.state != Slot::Idle)
    throw Error("found a request started twice without a wait, expected one "
                "wait for each: compile the program again");
  slot.isReceive = isReceive;
  slot.rank = peer;
  slot.peer = numberOnNode[size_t(peer)];
  slot.tag = space % tagSpaces * (tagBound + 1) + tag;
  slot.comm = space == controlSpace() ? controlComm : dataComm;
  slot.channel = uint64_t(space) << 32 | uint32_t(tag);
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
      startMpi(slot);
    } else if (isReceive) {
      mailbox->receive(slot);
    } else {
      if (!mailbox->moves(bytes))
        startMpi(slot);
      mailbox->send(slot);
    }
    doMatched(lock);
  }
  // The progress thread has to start its timed sleeps.
  if (mpiRequests != before)
    myEvents().notify();
}

void MpiJob::startMpi(Slot &slot) {
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
  activeSlot.push_back(slot.index);
  ++mpiRequests;
}

/// Looks once at everything that may be complete now; `since` is when the main
/// thread began to wait. True if something went on that someone else may wait
/// for, or that makes a look soon worth while.
bool MpiJob::look(uint64_t since) {
  std::unique_lock<std::mutex> lock(mutex);
  bool any = false;
  if (mailbox) {
    mailbox->look(since, nowNs());
    any |= doMatched(lock);
  }
  if (mpiIsDue())
    any |= testMpi();
  return any;
}

/// Moves what the mailbox has matched.
bool MpiJob::doMatched(std::unique_lock<std::mutex> &lock) {
  if (!mailbox)
    return false;
  bool any = false;
  while (Message *t = mailbox->nextElsewhere()) {
    startMpi(*static_cast<Slot *>(t));
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

bool MpiJob::testMpi() {
  MpiScope inside;
  bool any = false;
  if (isSettling)
    receiveLeftOver();
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
        complete(slots[size_t(slot)], statuses[i]);
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

void MpiJob::complete(Slot &slot, const MPI_Status &status) {
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

bool MpiJob::isComplete(int request) {
  Slot &slot = slots[size_t(request)];
  // A long message that its receiver has taken: the sender has to look.
  if (slot.state == Slot::Active && !slot.isReceive && slot.peer >= 0) {
    std::lock_guard<std::mutex> lock(mutex);
    mailbox->updateSend(slot);
  }
  return slot.state != Slot::Active;
}

TransferTimes MpiJob::take(int request) {
  Slot &slot = slots[size_t(request)];
  if (slot.state != Slot::Complete)
    throw Error("found a wait for a request that was not started, expected one "
                "start for each: compile the program again");
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

void MpiJob::waitUntil(Condition isDone) {
  if (isDone())
    return;
  const uint64_t begin = nowNs();
  look(begin);
  if (isDone())
    return;
  if (stopRequested)
    throw Stopped();
  EventCount &events = myEvents();
  events.mainInCharge = 1;
  WaitTimer timer(timeoutNs, begin);
  uint64_t lastEvent = begin;
  uint32_t seen;
  bool isMet = false, isLate = false;
  std::exception_ptr failure;
  for (;;) {
    seen = events.count.load();
    if (look(begin))
      lastEvent = nowNs();
    try {
      isMet = isDone();
    } catch (...) {
      failure = std::current_exception();
    }
    if (isMet || failure || stopRequested)
      break;
    const uint64_t now = nowNs();
    if (timer.isOver(now)) {
      isLate = true;
      break;
    }
    events.sleep(EventCount::Main, seen,
                 std::min(sleepTime(now - lastEvent), timer.longestSleep()));
  }
  // Back to the progress thread, with what has come meanwhile.
  events.mainInCharge = 0;
  if (events.count.load() != seen || mpiRequests > 0)
    events.notify();
  if (failure)
    std::rethrow_exception(failure);
  if (isLate)
    throw TimeoutError("");
  if (!isMet)
    throw Stopped();
}

//===----------------------------------------------------------------------===//
// Giving up
//===----------------------------------------------------------------------===//

void MpiJob::dropActive(size_t position) {
  active.erase(active.begin() + long(position));
  activeSlot.erase(activeSlot.begin() + long(position));
  --mpiRequests;
}

/// MPI can take back a receive that nothing has matched. A send goes on until
/// its receiver has it: whether it has is all that is asked.
bool MpiJob::cancelMpi(size_t position) {
  MpiScope inside;
  const bool isReceive = slots[size_t(activeSlot[position])].isReceive;
  if (isReceive)
    MPI_Cancel(&active[position]);
  const uint64_t begin = nowNs();
  for (;;) {
    int isDone = 0;
    MPI_Test(&active[position], &isDone, MPI_STATUS_IGNORE);
    if (isDone) {
      dropActive(position);
      return true;
    }
    if (!isReceive || nowNs() - begin > cancelNs)
      return false;
    usleep(1000);
  }
}

bool MpiJob::cancel(int request) {
  Slot &slot = slots[size_t(request)];
  std::unique_lock<std::mutex> lock(mutex);
  if (mailbox && slot.peer >= 0 && slot.state == Slot::Active) {
    const uint64_t begin = nowNs();
    // Not while somebody copies.
    while (!mailbox->withdraw(slot)) {
      if (nowNs() - begin > cancelNs)
        return false;
      lock.unlock();
      usleep(1000);
      lock.lock();
    }
  }
  auto known = std::find(activeSlot.begin(), activeSlot.end(), request);
  if (known != activeSlot.end() &&
      !cancelMpi(size_t(known - activeSlot.begin())))
    return false;
  slot.state = Slot::Idle;
  return true;
}

/// Messages of a failed step that nobody wants any more: until they are
/// received MPI has not done with their senders' memory.
void MpiJob::receiveLeftOver() {
  std::vector<char> buffer;
  for (;;) {
    int found = 0, bytes = 0;
    MPI_Message message;
    MPI_Status status;
    MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, dataComm, &found, &message,
                &status);
    if (!found)
      return;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    buffer.resize(size_t(std::max(bytes, 0)));
    MPI_Mrecv(buffer.data(), bytes, MPI_BYTE, &message, MPI_STATUS_IGNORE);
  }
}

//===----------------------------------------------------------------------===//
// The progress thread
//===----------------------------------------------------------------------===//

void MpiJob::startProgressThread() {
  quit = false;
  if (threadsAllowed && worldSize > 1)
    progressThread = std::thread([this] { progressLoop(); });
}

/// The next sleep after `sinceEventNs` in which nothing happened.
uint64_t MpiJob::sleepTime(uint64_t sinceEventNs) {
  if (!mpiIsDue())
    return longSleep;
  bool noticeComes =
      mailbox && node.entry(rankOnNode).notices.load() != noticesTaken.load();
  if (mpiRequests == 0 && !noticeComes)
    return noticeSleep;
  uint64_t longest =
      sinceEventNs < 50 * millisecond ? 200 * microsecond : 1000 * microsecond;
  return std::clamp(sinceEventNs / 8, 30 * microsecond, longest);
}

void MpiJob::progressLoop() {
  EventCount &events = myEvents();
  uint64_t lastEvent = nowNs();
  while (!quit) {
    uint32_t seen = events.count.load();
    uint64_t sleep = longSleep;
    if (!events.mainInCharge) {
      if (look()) {
        lastEvent = nowNs();
        // Main may have started to wait for what this thread has just seen.
        if (events.mainInCharge) {
          events.count.fetch_add(1);
          events.wake(EventCount::Main);
        }
      }
      sleep = sleepTime(nowNs() - lastEvent);
    }
    if (!quit)
      events.sleep(EventCount::Progress, seen, sleep);
  }
}

void MpiJob::stopProgressThread() {
  if (!progressThread.joinable())
    return;
  quit = true;
  myEvents().count.fetch_add(1);
  myEvents().wake(EventCount::Progress);
  progressThread.join();
}
