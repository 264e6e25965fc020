//===- Doorbell.h - Waking a rank of the same node without polling --------===//
//
// Each rank of a node has a bell in memory that they share: whoever did
// something that a peer has to look at rings the peer's bell, and the peer,
// asleep in the kernel (futex), wakes and looks.
//
// Two threads of a rank may sleep at their bell: the main thread while it
// waits, and the progress thread while main computes. A ring wakes only the one
// who is in charge, so a message costs one wake-up; where it is of interest to
// main alone, and main does not wait, it costs none.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_DOORBELL_H
#define PPRT_DOORBELL_H

#include <atomic>
#include <cstdint>

namespace pprt {

/// One rank's bell; a cache line of shared memory. All zero is a valid start.
struct alignas(64) Bell {
  enum Sleeper : uint32_t { Main = 1, Progress = 2 };

  /// Counts rings; the futex word.
  std::atomic<uint32_t> rings;
  /// Whether the main thread is in charge of looking.
  std::atomic<uint32_t> mainInCharge;
  /// How many threads sleep or are about to.
  std::atomic<uint32_t> sleepers;

  /// Rings, and wakes the sleeper in charge.
  void ring();
  /// Rings, and wakes the main thread if it is in charge.
  void ringMain();
  /// Wakes one kind of sleeper.
  void wake(Sleeper sleeper);
  /// Sleeps until the count differs from `seen`, at most `ns` nanoseconds.
  void sleep(Sleeper sleeper, uint32_t seen, uint64_t ns);
};

} // namespace pprt

#endif // PPRT_DOORBELL_H
