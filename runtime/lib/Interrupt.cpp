#include "Interrupt.h"

#include "Bootstrap.h"
#include "JobAbort.h"
#include "Mesh.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>
#include <utility>

using namespace pprt;

static constexpr int signals[] = {SIGINT, SIGTERM, SIGUSR1};
static constexpr int numSignals = std::size(signals);
/// Each more than there are ranks times the one before.
static constexpr double userVote = 1 << 20, termVote = userVote * (1 << 20);

static std::atomic<int> noted{0};
static std::atomic<bool> announces{false};
static int watches = 0; // of ranks of this process
static struct sigaction before[numSignals];
static std::vector<NodePeer> watched; // constant while handlers are set
static int errors = STDERR_FILENO;    // where these are printed

static_assert(std::atomic<int>::is_always_lock_free,
              "signal handlers may not take locks");

/// Also of a process that has ended and that its parent has not seen yet. Only
/// calls that a signal handler may make.
static bool isGone(const NodePeer &peer) {
  if (kill(peer.process, 0) != 0)
    return errno == ESRCH;
  // "123 (name) Z ...": the name may have parentheses of its own.
  const int file = open(peer.status.c_str(), O_RDONLY | O_CLOEXEC);
  char text[512];
  const ssize_t size = file < 0 ? 0 : read(file, text, sizeof text);
  if (file >= 0)
    close(file);
  for (ssize_t i = size - 3; i > 0; --i)
    if (text[i] == ')')
      return text[i + 2] == 'Z' || text[i + 2] == 'X';
  return false;
}

static void reportLostPeers() {
  const int before = errno;
  for (const NodePeer &first : watched) {
    if (isGone(first))
      continue;
    if (first.process == getpid())
      for (const NodePeer &peer : watched)
        if (isGone(peer) &&
            write(errors, peer.error.data(), peer.error.size()) < 0) {
          // Nobody is there to read it.
        }
    break;
  }
  errno = before;
}

static void note(int signal) {
  // Who asks for an end in time, by SIGUSR1, may ask again, and is followed by
  // SIGTERM when the time is over: that is not yet the second one.
  const int first = noted;
  const bool isSecond = first && first != SIGUSR1 && signal != SIGUSR1;
  if (!first || signal != SIGUSR1)
    noted = signal;
  if (isSecond) {
    std::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  if (signal == SIGTERM)
    reportLostPeers();
  static constexpr char text[] =
      "\nending after this step; once more to end at once\n";
  if (announces && write(STDERR_FILENO, text, sizeof text - 1) < 0) {
    // Nobody is there to read it.
  }
}

/// What tells apart spaces of process numbers.
static std::string spaceOfProcesses() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  char space[128] = {};
  if (readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0)
    space[0] = 0;
  return boot + space;
}

std::vector<NodePeer> pprt::findNodePeers(Bootstrap &bootstrap,
                                          const Mesh &mesh) {
  struct Introduction {
    int32_t process = 0;
    char space[192] = {};
  };
  Introduction own;
  own.process = getpid();
  const std::string space = spaceOfProcesses();
  std::strncpy(own.space, space.c_str(), sizeof own.space - 1);
  std::string all;
  for (const std::string &each :
       bootstrap.gather({reinterpret_cast<const char *>(&own), sizeof own}))
    all += each;
  all.resize(size_t(bootstrap.size()) * sizeof own);
  bootstrap.broadcast(all.data(), all.size());
  std::vector<NodePeer> peers;
  for (int rank = 0; rank < bootstrap.size(); ++rank) {
    Introduction other;
    std::memcpy(&other, all.data() + size_t(rank) * sizeof own, sizeof own);
    if (!std::memcmp(own.space, other.space, sizeof own.space))
      peers.push_back({other.process,
                       "/proc/" + std::to_string(other.process) + "/stat",
                       "\nerror: found the process of " + mesh.describe(rank) +
                           " gone, expected it to take part: what the launcher "
                           "prints says how it ended\n"});
  }
  return peers;
}

void InterruptWatch::begin(bool announce, std::vector<NodePeer> peers) {
  isWatching = true;
  if (watches++ > 0) {
    announces = announces || announce;
    return;
  }
  watched = std::move(peers);
  errors = watched.size() > 1 ? openLauncherErrors() : -1;
  if (errors < 0)
    errors = STDERR_FILENO;
  noted = 0;
  announces = announce;
  struct sigaction action = {};
  action.sa_handler = note;
  // The second signal must come through while the first is handled.
  action.sa_flags = SA_RESTART | SA_NODEFER;
  for (int i = 0; i < numSignals; ++i) {
    sigaction(signals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN)
      sigaction(signals[i], &action, nullptr);
  }
}

void InterruptWatch::end() {
  if (!std::exchange(isWatching, false) || --watches > 0)
    return;
  for (int i = 0; i < numSignals; ++i)
    sigaction(signals[i], &before[i], nullptr);
  watched.clear();
  if (errors != STDERR_FILENO)
    close(std::exchange(errors, STDERR_FILENO));
}

double pprt::interruptVote() {
  int signal = noted;
  return signal == SIGTERM   ? termVote
         : signal == SIGUSR1 ? userVote
         : signal            ? 1
                             : 0;
}

int pprt::signalOfVotes(double sum) {
  return sum >= termVote   ? SIGTERM
         : sum >= userVote ? SIGUSR1
         : sum > 0         ? SIGINT
                           : 0;
}

const char *pprt::signalName(int signal) {
  return signal == SIGTERM   ? "SIGTERM"
         : signal == SIGUSR1 ? "SIGUSR1"
                             : "SIGINT";
}
