//===- Messages.h - Messages between the ranks of a job ---------*- C++ -*-===//
//
// What communicators and the control plane are made of: nonblocking messages of
// exact sizes between two ranks, matched by (peer, space, tag) in order. A
// space keeps the tags of one user apart from those of all others.
//
// A started message is in one of as many requests as were asked for before the
// first step; the calls of a step allocate nothing. Memory of a message stays
// as it is until the message is complete, or `cancel` has given it back.
//
// No call spins while it waits: ranks often share cores.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_MESSAGES_H
#define PPRT_MESSAGES_H

#include <algorithm>
#include <climits>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace pprt {

/// When a message was posted, and when it was seen to be complete (ns).
struct TransferTimes {
  uint64_t posted = 0;
  uint64_t completed = 0;
};

/// A condition that lives as long as the call that it is given to.
class Condition {
public:
  template <typename F,
            std::enable_if_t<!std::is_same_v<F, Condition>, int> = 0>
  Condition(F &callable)
      : object(&callable),
        call([](void *f) -> bool { return (*static_cast<F *>(f))(); }) {}
  bool operator()() const { return call(object); }

private:
  void *object;
  bool (*call)(void *);
};

class Messages {
public:
  virtual ~Messages() = default;

  /// Makes `count` requests, all free; the number of the first.
  virtual int addRequests(int count) = 0;
  /// Takes requests back. None of them is under way.
  virtual void removeRequests(int first, int count) = 0;
  /// How many requests there are.
  virtual int countRequests() = 0;
  /// A space of tags; ranks that add spaces in the same order get the same.
  virtual int addSpace() = 0;
  /// Messages that still come in it are dropped.
  virtual void removeSpace(int space) = 0;
  /// The largest tag.
  virtual int largestTag() const { return INT_MAX; }

  virtual void isend(int request, int peer, int space, int tag,
                     const void *data, uint64_t bytes) = 0;
  virtual void irecv(int request, int peer, int space, int tag, void *data,
                     uint64_t bytes) = 0;
  /// Whether a started message is complete, or has failed.
  virtual bool isComplete(int request) = 0;
  /// Frees the request of a complete message. Throws Error for one of another
  /// size, and for one that could not be moved.
  virtual TransferTimes take(int request) = 0;
  /// Sleeps until `isDone` holds, which is asked whenever messages may have
  /// become complete. Throws TimeoutError, without a text, and Stopped.
  virtual void waitUntil(Condition isDone) = 0;
  /// Takes back a message that is under way, if it is. False if its memory may
  /// still be read or written: it has to stay until the job has ended.
  virtual bool cancel(int request) = 0;

  /// What goes on when messages are complete: collectives of several messages.
  /// All go on in each wait, whichever of them is waited for.
  class Activity {
  public:
    virtual ~Activity() = default;
    virtual void progress() = 0;
  };
  void add(Activity &activity) { activities.push_back(&activity); }
  void remove(Activity &activity) {
    activities.erase(
        std::find(activities.begin(), activities.end(), &activity));
  }
  void progress() {
    for (Activity *activity : activities)
      activity->progress();
  }

private:
  std::vector<Activity *> activities;
};

} // namespace pprt

#endif // PPRT_MESSAGES_H
