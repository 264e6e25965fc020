#include "Interrupt.h"

#include <atomic>
#include <csignal>
#include <unistd.h>

using namespace pprt;

static constexpr int signals[] = {SIGINT, SIGTERM};
/// More than there are ranks.
static constexpr double termVote = 1 << 20;

static std::atomic<int> noted{0};
static std::atomic<bool> announces{false};
static struct sigaction before[2];

static_assert(std::atomic<int>::is_always_lock_free,
              "signal handlers may not take locks");

static void note(int signal) {
  if (noted.exchange(signal)) {
    // The second one.
    std::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  static constexpr char text[] =
      "\nending after this step; once more to end at once\n";
  if (announces && write(STDERR_FILENO, text, sizeof text - 1) < 0) {
    // Nobody is there to read it.
  }
}

InterruptWatch::InterruptWatch(bool announce) {
  noted = 0;
  announces = announce;
  struct sigaction action = {};
  action.sa_handler = note;
  // The second signal must come through while the first is handled.
  action.sa_flags = SA_RESTART | SA_NODEFER;
  for (int i = 0; i < 2; ++i) {
    sigaction(signals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN)
      sigaction(signals[i], &action, nullptr);
  }
}

InterruptWatch::~InterruptWatch() {
  for (int i = 0; i < 2; ++i)
    sigaction(signals[i], &before[i], nullptr);
}

double pprt::interruptVote() {
  int signal = noted;
  return signal == SIGTERM ? termVote : signal ? 1 : 0;
}

int pprt::signalOfVotes(double sum) {
  return sum >= termVote ? SIGTERM : sum > 0 ? SIGINT : 0;
}
