//===- LocalBootstrap.cpp - Ranks that are threads of one process ---------===//
//
// One rank has nobody to talk to, and MPI's singleton start needs daemons and
// shared memory that a container may not offer: so it is not used. Several are
// those that share a process (SharedProcess.h), and for tests: what one process
// does on its own, with failures and ends, is there without processes that
// start and end.
//
// Everything lies in one hub under one lock. A short message is copied into the
// hub and its sender is free; a long one is copied when both sides are there.
// Places of messages are used again: steps allocate nothing once the first ones
// have made as many as are needed.
//
//===----------------------------------------------------------------------===//
#include "Bootstrap.h"
#include "Clock.h"
#include "Diagnostics.h"
#include "Error.h"
#include "WaitTimer.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>

using namespace pprt;

static const char *const launcherRankVariables[] = {
    "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "PMI_ID"};

bool pprt::launchedAsRank() {
  for (const char *name : launcherRankVariables)
    if (std::getenv(name))
      return true;
  return false;
}

int pprt::launchedRank() {
  for (const char *name : launcherRankVariables)
    if (const char *value = std::getenv(name))
      return std::atoi(value);
  return 0;
}

int pprt::launchedSize() {
  for (const char *name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char *value = std::getenv(name))
      return std::atoi(value);
  return 0;
}

namespace {

constexpr uint64_t copiedBytes = 4096;

struct Request {
  enum { Idle, Active, Complete } state = Idle;
  bool isReceive = false;
  int peer = -1, space = 0, tag = 0;
  char *data = nullptr;
  uint64_t bytes = 0, received = 0;
  uint64_t order = 0; ///< of all that were started
  TransferTimes times;
};

/// A message that is not received yet: its bytes, or its sender's request.
struct Sent {
  int source = 0, space = 0, tag = 0;
  std::vector<char> copy;
  Request *sender = nullptr; ///< null: `copy` has the bytes
  uint64_t bytes = 0;
};

struct Hub {
  explicit Hub(int ranks) : ranks(size_t(ranks)), errors(size_t(ranks)) {}

  struct Rank {
    void notify() {
      ++changes;
      changed.notify_all();
    }
    std::condition_variable changed;
    uint64_t changes = 0;
    std::deque<Request> requests; // their addresses stay
    int count = 0;
    /// A place in the inbox.
    Sent &add() {
      if (spare.empty())
        inbox.emplace_back().copy.reserve(copiedBytes);
      else
        inbox.splice(inbox.end(), spare, spare.begin());
      return inbox.back();
    }
    std::list<Sent> inbox, spare;
    std::vector<bool> isOpen; // of each space
  };
  std::mutex mutex;
  std::deque<Rank> ranks;
  uint64_t started = 0;

  // Of a failure.
  std::vector<std::string> errors;
  size_t reports = 0; // of this failure
  uint64_t failures = 0;
  bool isStopped = false;
};

class LocalBootstrap final : public Bootstrap, private Messages {
public:
  LocalBootstrap(std::shared_ptr<Hub> hub, int rank)
      : hub(std::move(hub)), me(rank), here(this->hub->ranks[size_t(rank)]) {
    openControlPlane();
  }

  int rank() const override { return me; }
  int size() const override { return int(hub->ranks.size()); }
  bool onOneNode() const override { return true; }
  int nodeRank() const override { return me; }
  int nodeRanks() const override { return size(); }
  void setTimeout(double seconds) override { limit = seconds; }
  double timeout() const override { return limit; }
  void checkStopped() override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    if (hub->isStopped)
      throw Stopped();
  }
  Messages &messages() override { return *this; }
  void reportFailure(const std::string &error) override;
  void finish() override {}

private:
  int addRequests(int count) override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    const int first = int(here.requests.size());
    here.count += count;
    here.requests.resize(here.requests.size() + size_t(count));
    return first;
  }
  void removeRequests(int first, int count) override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    here.count -= count;
    // Numbers of others stay as they are.
    if (first + count == int(here.requests.size()))
      here.requests.resize(size_t(first));
  }
  int countRequests() override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    return here.count;
  }
  int addSpace() override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    here.isOpen.push_back(true);
    return int(here.isOpen.size()) - 1;
  }
  void removeSpace(int space) override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    here.isOpen[size_t(space)] = false;
    here.inbox.remove_if([&](const Sent &sent) { return sent.space == space; });
  }

  void isend(int request, int peer, int space, int tag, const void *data,
             uint64_t bytes) override;
  void irecv(int request, int peer, int space, int tag, void *data,
             uint64_t bytes) override;
  bool isComplete(int request) override {
    std::lock_guard<std::mutex> lock(hub->mutex);
    return here.requests[size_t(request)].state != Request::Active;
  }
  TransferTimes take(int request) override;
  void waitUntil(Condition isDone) override;
  bool cancel(int request) override;

  Request &begin(int request, bool isReceive, int peer, int space, int tag,
                 void *data, uint64_t bytes);
  static void deliver(Request &receive, const char *data, uint64_t bytes);
  static void finishSend(Request &send) {
    send.times.completed = nowNs();
    send.state = Request::Complete;
  }

  const std::shared_ptr<Hub> hub;
  const int me;
  Hub::Rank &here;
  double limit = 300;
};

} // namespace

Request &LocalBootstrap::begin(int request, bool isReceive, int peer, int space,
                               int tag, void *data, uint64_t bytes) {
  if (hub->isStopped)
    throw Stopped();
  if (peer < 0 || peer >= size())
    throw Error("found a transfer with rank " + std::to_string(peer) +
                ", expected one of " + std::to_string(size()) +
                (size() == 1 ? " rank" : " ranks") +
                ": compile the program again");
  Request &r = here.requests[size_t(request)];
  if (r.state != Request::Idle)
    throw Error("found a request started twice without a wait, expected one "
                "wait for each: compile the program again");
  r = {Request::Active,           isReceive, peer, space, tag,
       static_cast<char *>(data), bytes,     0,    0,     {}};
  r.order = hub->started++;
  r.times.posted = nowNs();
  return r;
}

void LocalBootstrap::deliver(Request &receive, const char *data,
                             uint64_t bytes) {
  receive.received = bytes;
  // Another size is an error of the wait; nothing is copied.
  if (bytes == receive.bytes && bytes)
    std::memcpy(receive.data, data, bytes);
  receive.times.completed = nowNs();
  receive.state = Request::Complete;
}

void LocalBootstrap::isend(int request, int peer, int space, int tag,
                           const void *data, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(hub->mutex);
  Request &send =
      begin(request, false, peer, space, tag, const_cast<void *>(data), bytes);
  Hub::Rank &there = hub->ranks[size_t(peer)];
  if (size_t(space) < there.isOpen.size() && !there.isOpen[size_t(space)]) {
    finishSend(send);
    return;
  }
  // Receives that wait have found nothing in the inbox: the first one in the
  // order of their posting.
  Request *first = nullptr;
  for (Request &r : there.requests)
    if (r.state == Request::Active && r.isReceive && r.peer == me &&
        r.space == space && r.tag == tag && (!first || r.order < first->order))
      first = &r;
  if (first) {
    deliver(*first, send.data, bytes);
    finishSend(send);
  } else {
    Sent &sent = there.add();
    sent.source = me;
    sent.space = space;
    sent.tag = tag;
    sent.bytes = bytes;
    sent.sender = bytes <= copiedBytes ? nullptr : &send;
    if (!sent.sender) {
      sent.copy.assign(send.data, send.data + bytes);
      finishSend(send);
    }
  }
  there.notify();
}

void LocalBootstrap::irecv(int request, int peer, int space, int tag,
                           void *data, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(hub->mutex);
  Request &receive = begin(request, true, peer, space, tag, data, bytes);
  for (auto sent = here.inbox.begin(); sent != here.inbox.end(); ++sent) {
    if (sent->source != peer || sent->space != space || sent->tag != tag)
      continue;
    deliver(receive, sent->sender ? sent->sender->data : sent->copy.data(),
            sent->bytes);
    if (sent->sender) {
      finishSend(*sent->sender);
      hub->ranks[size_t(peer)].notify();
    }
    here.spare.splice(here.spare.end(), here.inbox, sent);
    return;
  }
}

TransferTimes LocalBootstrap::take(int request) {
  std::lock_guard<std::mutex> lock(hub->mutex);
  Request &r = here.requests[size_t(request)];
  if (r.state != Request::Complete)
    throw Error("found a wait for a request that was not started, expected one "
                "start for each: compile the program again");
  r.state = Request::Idle;
  if (r.isReceive && r.received != r.bytes)
    throw Error("found a message of " + std::to_string(r.received) +
                " bytes from rank " + std::to_string(r.peer) + ", expected " +
                std::to_string(r.bytes) + ": compile the program again");
  return r.times;
}

void LocalBootstrap::waitUntil(Condition isDone) {
  if (isDone())
    return;
  WaitTimer timer(uint64_t(limit * 1e9), nowNs());
  std::unique_lock<std::mutex> lock(hub->mutex);
  for (;;) {
    if (hub->isStopped)
      throw Stopped();
    // What changes during the look ends the sleep at once.
    const uint64_t seen = here.changes;
    lock.unlock();
    if (isDone())
      return;
    lock.lock();
    if (timer.isOver(nowNs()))
      throw TimeoutError("");
    here.changed.wait_for(lock, std::chrono::nanoseconds(timer.longestSleep()),
                          [&] { return here.changes != seen; });
  }
}

bool LocalBootstrap::cancel(int request) {
  std::lock_guard<std::mutex> lock(hub->mutex);
  Request &r = here.requests[size_t(request)];
  if (r.state == Request::Active && !r.isReceive)
    hub->ranks[size_t(r.peer)].inbox.remove_if(
        [&](const Sent &sent) { return sent.sender == &r; });
  r.state = Request::Idle;
  return true;
}

/// The last one to come prints, and lets all go.
void LocalBootstrap::reportFailure(const std::string &error) {
  closeControlPlane();
  {
    std::unique_lock<std::mutex> lock(hub->mutex);
    hub->isStopped = true;
    hub->errors[size_t(me)] = error;
    const uint64_t failure = hub->failures;
    for (Hub::Rank &each : hub->ranks)
      each.notify();
    if (++hub->reports == hub->ranks.size()) {
      printErrors(hub->errors, rankNames);
      hub->errors.assign(hub->ranks.size(), "");
      hub->reports = 0;
      hub->isStopped = false;
      ++hub->failures;
      // Who came less far has added fewer spaces; from here on all have as
      // many.
      size_t spaces = 0;
      for (const Hub::Rank &each : hub->ranks)
        spaces = std::max(spaces, each.isOpen.size());
      for (Hub::Rank &each : hub->ranks)
        each.isOpen.resize(spaces, false);
      for (Hub::Rank &each : hub->ranks)
        each.notify();
    } else {
      here.changed.wait(lock, [&] { return hub->failures != failure; });
    }
  }
  openControlPlane();
}

std::vector<std::unique_ptr<Bootstrap>> pprt::createLocalBootstraps(int ranks) {
  auto hub = std::make_shared<Hub>(ranks);
  std::vector<std::unique_ptr<Bootstrap>> all;
  for (int rank = 0; rank < ranks; ++rank)
    all.push_back(std::make_unique<LocalBootstrap>(hub, rank));
  return all;
}

std::unique_ptr<Bootstrap> pprt::createLocalBootstrap() {
  return std::move(createLocalBootstraps(1).front());
}
