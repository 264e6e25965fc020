//===- Team.h - Threads of a kernel ------------------------------*- C++
//-*-===//
//
// Threads that help the one that calls kernels. They sleep between kernels and
// wherever they wait for each other: ranks often share cores, and who spins
// takes time from who computes. All memory is taken when a team is made.
//
//===----------------------------------------------------------------------===//

#ifndef PPRT_KERNELS_TEAM_H
#define PPRT_KERNELS_TEAM_H

#include <atomic>
#include <cstdint>
#include <pthread.h>

namespace pprt {

class Team {
public:
  /// The team of the calling thread: that alone, unless `resize` has been
  /// called.
  static Team &ofThisThread();

  /// Number of threads, with the calling one.
  int32_t size() const { return numHelpers + 1; }
  /// Starts or ends threads. Returns 0 or the error number of what failed, with
  /// the team as large as it could be made.
  int resize(int32_t threads);

  /// Calls work(*this, argument) on `threads` <= size() threads at once, and
  /// returns when all have.
  void run(int32_t threads, void (*work)(Team &, void *), void *argument);

  /// In `work`: how many threads there are.
  int32_t running() const { return members; }
  /// In `work`: hands out 0, 1, 2, ... once each to whoever asks.
  int64_t next() { return counter.fetch_add(1, std::memory_order_relaxed); }
  /// In `work`: waits for all threads; numbers start at 0 again.
  void meet();

  ~Team();

private:
  struct Helper;
  static void *help(void *helper);
  void end(int32_t threads);

  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t allHere = PTHREAD_COND_INITIALIZER;
  Helper *helpers = nullptr;
  int32_t numHelpers = 0;
  /// Of the kernel that runs.
  int32_t members = 1, arrived = 0;
  uint64_t meetings = 0;
  std::atomic<int64_t> counter{0};
};

} // namespace pprt

#endif // PPRT_KERNELS_TEAM_H
