#include "Emulation.h"

#include "Clock.h"

#include <cerrno>
#include <cmath>
#include <sys/prctl.h>

using namespace pprt;

static constexpr double longestLead = 200e3; // ns

Emulation::Emulation(const Program &program, const StageTimes &times) {
  for (const Action &action : program.actions)
    durations.push_back(uint64_t(std::llround(
        std::max(times.of(action) - times.inCollectives(action), 0.0) * 1e9)));
}

void Emulation::start() {
  // The system may otherwise end sleeps 50 us late, to bundle them.
  prctl(PR_SET_TIMERSLACK, 1ul);
}

void Emulation::finish(int action, uint64_t begin, uint64_t parts) {
  const uint64_t duration = durations[size_t(action)] / parts;
  if (duration == 0)
    return;
  const int64_t deadline = int64_t(begin) + int64_t(duration) - late;
  const int64_t aim = deadline - int64_t(lead);
  if (aim > int64_t(nowNs())) {
    timespec until;
    until.tv_sec = time_t(aim / 1000000000);
    until.tv_nsec = long(aim % 1000000000);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) ==
           EINTR) {
    }
    // A sleep that was late by far says nothing about the others.
    const double overslept = double(int64_t(nowNs()) - aim);
    lead += (std::min(overslept, longestLead) - lead) / 16;
  }
  late = int64_t(nowNs()) - deadline;
}
