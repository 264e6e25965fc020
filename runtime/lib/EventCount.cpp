#include "EventCount.h"

#include "Clock.h"

#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace pprt;

static_assert(sizeof(EventCount) == 64 &&
                  std::atomic<uint32_t>::is_always_lock_free,
              "eventCounts are shared between processes");

static long futex(std::atomic<uint32_t> &word, int operation, uint32_t value,
                  const timespec *timeout, uint32_t mask) {
  return syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), operation,
                 value, timeout, nullptr, mask);
}

void EventCount::wake(Sleeper sleeper) {
  futex(count, FUTEX_WAKE_BITSET, INT_MAX, nullptr, sleeper);
}

void EventCount::notify() {
  count.fetch_add(1);
  if (sleepers.load())
    wake(mainInCharge.load() ? Main : Progress);
}

void EventCount::notifyMain() {
  count.fetch_add(1);
  if (mainInCharge.load() && sleepers.load())
    wake(Main);
}

void EventCount::sleep(Sleeper sleeper, uint32_t seen, uint64_t ns) {
  // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC.
  uint64_t deadline = nowNs() + ns;
  timespec t;
  t.tv_sec = time_t(deadline / 1000000000u);
  t.tv_nsec = long(deadline % 1000000000u);
  sleepers.fetch_add(1);
  futex(count, FUTEX_WAIT_BITSET, seen, &t, sleeper);
  sleepers.fetch_sub(1);
}
