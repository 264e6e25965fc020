//===- Interrupt.h - Ending a run from outside, after a step --------------===//
//
// SIGINT, SIGTERM and SIGUSR1 (what batch systems are asked to send some time
// before a job's end) end a training after the step that runs, on all ranks
// after the same one: each votes in the report of losses and norms. A second
// signal ends the process at once, unless it is SIGUSR1.
//
// A launcher sends SIGTERM as well where a rank has died, and a second later
// ends all. So whoever gets it looks which ranks of its node are gone, and the
// first that is left says which: the launcher knows numbers of ranks, not
// coordinates.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_INTERRUPT_H
#define PPRT_INTERRUPT_H

#include <string>
#include <vector>

namespace pprt {

class Bootstrap;
class Mesh;

/// A rank of this node.
struct NodePeer {
  int process = 0;
  std::string status; ///< /proc/PROCESS/stat
  std::string error;  ///< a line to print if the process is gone
};

/// All ranks of this node, in order, without those of other spaces of process
/// numbers (containers); collective. `mesh` names them.
std::vector<NodePeer> findNodePeers(Bootstrap &bootstrap, const Mesh &mesh);

/// Notes the signals from its begin to its end, unless they are ignored
/// already. Ranks that share a process each have one, for the same signals, and
/// begin and end them one at a time.
class InterruptWatch {
public:
  InterruptWatch() = default;
  ~InterruptWatch() { end(); }
  /// `announce`: says on stderr that a signal has been noted. At SIGTERM the
  /// first of `peers` that lives, if that is this process, prints the errors of
  /// those that do not.
  void begin(bool announce, std::vector<NodePeer> peers = {});
  /// What was there before is there again.
  void end();
  InterruptWatch(const InterruptWatch &) = delete;
  InterruptWatch &operator=(const InterruptWatch &) = delete;

private:
  bool isWatching = false;
};

/// What this rank adds to the sum of all: 0 if nothing was noted.
double interruptVote();

/// The signal that the sum of all votes stands for, 0 for none: SIGTERM where
/// any rank got it, else SIGUSR1 where any did.
int signalOfVotes(double sum);

/// "SIGTERM".
const char *signalName(int signal);

} // namespace pprt

#endif // PPRT_INTERRUPT_H
