//===- WaitTimer.h - How long a wait has lasted while it was awake --------===//
//
// A limit on a wait tells that a peer does not answer. A process that is itself
// stopped (SIGSTOP, a frozen container, a suspended batch job) makes the clock
// run without anybody waiting, and its peers, stopped like it, are not late. It
// can tell: its own look at the clock came late. So the timer adds up the times
// between looks, each of which counts no more than a slice of the limit.
//
// Who waits looks at least twice a slice, so that all of a wait that nobody
// interrupts counts; a stop, however long, takes a slice off the limit.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_WAITTIMER_H
#define PPRT_WAITTIMER_H

#include <algorithm>
#include <cstdint>

namespace pprt {

class WaitTimer {
public:
  /// All times in nanoseconds; `now` is when the wait begins.
  WaitTimer(uint64_t limit, uint64_t now)
      : limit(limit), slice(std::clamp<uint64_t>(limit / 16, shortest, longest)),
        last(now) {}

  /// A look at the clock. Whether the wait has lasted longer than the limit.
  bool isOver(uint64_t now) {
    if (now > last)
      counted += std::min(now - last, slice);
    last = std::max(last, now);
    return counted > limit;
  }

  /// The longest sleep until the next look.
  uint64_t longestSleep() const {
    uint64_t left = counted < limit ? limit - counted : 0;
    return std::min(left + shortest, slice / 2);
  }

  /// What has been counted at the last look.
  uint64_t waited() const { return counted; }

private:
  static constexpr uint64_t shortest = 2000000, longest = 1000000000;

  uint64_t limit, slice, last, counted = 0;
};

} // namespace pprt

#endif // PPRT_WAITTIMER_H
