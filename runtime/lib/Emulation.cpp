#include "Emulation.h"

#include "Clock.h"
#include "pprt.h"

#include <cerrno>
#include <cmath>
#include <sys/prctl.h>

using namespace pprt;

int32_t pprt_emulating = 0;

Emulation::Emulation(const Program &program, const StageTimes &times) {
  for (const Action &action : program.actions)
    durations.push_back(uint64_t(std::llround(times.of(action) * 1e9)));
}

void Emulation::start() {
  pprt_emulating = 1;
  // The system may otherwise end sleeps 50 us late, to bundle them.
  prctl(PR_SET_TIMERSLACK, 1ul);
}

void Emulation::finish(int action, uint64_t begin) {
  const uint64_t duration = durations[size_t(action)];
  if (duration == 0)
    return;
  const uint64_t deadline = begin + (duration > late ? duration - late : 0);
  timespec until;
  until.tv_sec = time_t(deadline / 1000000000u);
  until.tv_nsec = long(deadline % 1000000000u);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) ==
         EINTR) {
  }
  const uint64_t now = nowNs();
  late = now > deadline ? now - deadline : 0;
}
