//===- EventCount.h - Waking a rank without polling -------------*- C++ -*-===//
//
// Each rank of a node has an event count in memory that they share: whoever did
// something that a peer has to look at adds one to the peer's, and the peer,
// asleep in the kernel until it changes (futex), wakes and looks.
//
// Two threads of a rank may sleep there: the main thread while it waits, and
// the progress thread while main computes. A notification wakes only the one
// who is in charge, so a message costs one wake-up; where it is of interest to
// main alone, and main does not wait, it costs none.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_EVENTCOUNT_H
#define PPRT_EVENTCOUNT_H

#include <atomic>
#include <cstdint>

namespace pprt {

/// Of one rank; a cache line of shared memory. All zero is a valid start.
struct alignas(64) EventCount {
  enum Sleeper : uint32_t { Main = 1, Progress = 2 };

  /// Counts notifications; the futex word.
  std::atomic<uint32_t> count;
  /// Whether the main thread is in charge of looking.
  std::atomic<uint32_t> mainInCharge;
  /// How many threads sleep or are about to.
  std::atomic<uint32_t> sleepers;

  /// Adds one, and wakes the sleeper in charge.
  void notify();
  /// Adds one, and wakes the main thread if it is in charge.
  void notifyMain();
  /// Wakes one kind of sleeper.
  void wake(Sleeper sleeper);
  /// Sleeps until the count differs from `seen`, at most `ns` nanoseconds.
  void sleep(Sleeper sleeper, uint32_t seen, uint64_t ns);
};

} // namespace pprt

#endif // PPRT_EVENTCOUNT_H
