//===- Doorbell.h - Waking a rank of the same node without polling --------===//
//
// MPI has no way to sleep until a message arrives. So each rank of a node has a
// bell in a small piece of shared memory: whoever did something that a peer has
// to look at (posted a send, completed a receive) rings the peer's bell, and
// the peer, asleep in the kernel (futex), wakes and lets MPI make progress.
//
// Two threads of a rank may sleep at their bell: the main thread while it
// waits, and the progress thread while main computes. A ring wakes only the one
// who is in charge, so a message costs one wake-up.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_DOORBELL_H
#define PPRT_DOORBELL_H

#include <atomic>
#include <cstdint>
#include <string>

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
  /// Who wants to be rung back once this rank has looked: a bit for each rank
  /// of the node (modulo 64).
  std::atomic<uint64_t> echo;

  /// Rings, and wakes the sleeper in charge.
  void ring();
  /// Wakes one kind of sleeper.
  void wake(Sleeper sleeper);
  /// Sleeps until the count differs from `seen`, at most `ns` nanoseconds.
  void sleep(Sleeper sleeper, uint32_t seen, uint64_t ns);
};

/// Memory shared by the ranks of a node, with one bell each. The name is made
/// by one rank, and removed once all have it mapped.
class BellTower {
public:
  BellTower() = default;
  ~BellTower();
  BellTower(const BellTower &) = delete;
  BellTower &operator=(const BellTower &) = delete;

  /// Maps `count` bells; the creator makes the memory. False if the system
  /// offers no shared memory: the transport then polls, ever more slowly.
  bool map(const std::string &name, int count, bool create);
  static void remove(const std::string &name);
  /// Takes private memory instead, for a rank that is alone.
  void usePrivate();

  Bell &operator[](int index) { return bells[index]; }

private:
  Bell *bells = nullptr;
  size_t bytes = 0;
};

} // namespace pprt

#endif // PPRT_DOORBELL_H
