//===- Bootstrap.h - The control plane of a job -----------------*- C++ -*-===//
//
// Which ranks there are and where; what they tell each other beside the data of
// the steps (agreements, files, clocks): blocking, in order between a pair of
// ranks; and how a job ends, or survives, a failure. `createMpiBootstrap` joins
// processes that a launcher has started, `createLocalBootstraps` threads of one
// process, or one rank alone, which then needs no MPI at all. SharedProcess.h
// puts several ranks into each process of either.
//
// A failure of any rank ends what all of them do: `reportFailure` brings them
// together again. Afterwards only the bootstrap is left, and a new run may
// begin on it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_BOOTSTRAP_H
#define PPRT_BOOTSTRAP_H

#include "Diagnostics.h"
#include "Messages.h"

#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace pprt {

/// Rank 0 has printed what was wrong; all ranks leave in order.
class Disagreement : public std::exception {
public:
  const char *what() const noexcept override { return "errors were printed"; }
};

class Bootstrap {
public:
  virtual ~Bootstrap();
  Bootstrap(const Bootstrap &) = delete;
  Bootstrap &operator=(const Bootstrap &) = delete;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// All ranks are on one node, so CLOCK_MONOTONIC is common.
  virtual bool onOneNode() const = 0;
  /// This rank's number among those of its node, and how many these are.
  virtual int nodeRank() const = 0;
  virtual int nodeRanks() const = 0;

  /// Whether calls may come from one thread after another.
  virtual bool allowsThreads() const { return true; }

  /// Seconds that a wait may take before it is a TimeoutError.
  virtual void setTimeout(double seconds) = 0;
  virtual double timeout() const = 0;
  /// How errors call ranks from now on.
  void nameRanks(RankNames names) { rankNames = std::move(names); }
  /// Throws Stopped if another rank has failed.
  virtual void checkStopped() = 0;

  /// The data plane; communicators are made on it.
  virtual Messages &messages() = 0;

  //===--------------------------------------------------------------------===//
  // Blocking calls. They throw TimeoutError, Error and Stopped, and leave the
  // caller's memory alone after they have.
  //===--------------------------------------------------------------------===//

  void send(int peer, const void *data, uint64_t bytes);
  void receive(int peer, void *data, uint64_t bytes);

  void broadcast(void *data, uint64_t bytes, int root = 0);
  /// Rank 0 gets the bytes of every rank, by rank; others get nothing.
  std::vector<std::string> gather(const std::string &mine);
  /// Whether any rank says so.
  bool any(bool mine);
  void barrier() { any(false); }
  /// All ranks come here; if one of them has an error, rank 0 prints all and
  /// every rank throws Disagreement.
  void agree(const std::string &error);
  /// `agree` on what `action` throws.
  template <typename F> void agreeAfter(F action);

  //===--------------------------------------------------------------------===//
  // Failures and the end
  //===--------------------------------------------------------------------===//

  /// After a failure on some rank: reaches an understanding with the other
  /// ranks, and prints all errors on rank 0 with the ranks that found them.
  /// `error` is this rank's own, empty if it was stopped. Where the others
  /// cannot be reached within seconds, ends the job. Otherwise the control
  /// plane is as new, and what was sent before is dropped.
  virtual void reportFailure(const std::string &error) = 0;
  /// Memory that others may still read or write: it stays until the end.
  void keepUntilEnd(std::shared_ptr<void> memory) {
    kept.push_back(std::move(memory));
  }
  size_t countKept() const { return kept.size(); }
  /// Ends this rank's part when all ranks are done; collective.
  virtual void finish() = 0;

protected:
  Bootstrap() = default;
  /// Makes requests and space of the blocking calls; again after a failure.
  void openControlPlane();
  void closeControlPlane();
  /// Of the blocking calls.
  int controlSpace() const { return space; }
  RankNames rankNames;

private:
  enum { sending, receiving, numRequests };
  void checkFree(bool isFree) const;
  void wait(int request, int peer, bool &isBusy);

  int firstRequest = -1, space = -1;
  bool isSending = false, isReceiving = false;
  // What is moved: a message that a wait gave up on may still be read from
  // here, or arrive here.
  std::vector<char> out, in;
  std::vector<std::shared_ptr<void>> kept;
};

template <typename F> void Bootstrap::agreeAfter(F action) {
  std::string error;
  try {
    action();
  } catch (const std::exception &e) {
    error = e.what();
  }
  agree(error);
}

/// The ranks of a job that is one process: one for each thread. The first
/// timeout is 300 s.
std::vector<std::unique_ptr<Bootstrap>> createLocalBootstraps(int ranks);
/// One rank that was started without a launcher.
std::unique_ptr<Bootstrap> createLocalBootstrap();

/// Initialises MPI.
std::unique_ptr<Bootstrap> createMpiBootstrap();

/// Whether a launcher (mpirun, srun) started this process as a rank.
bool launchedAsRank();
/// This process's rank before the bootstrap exists (0 without a launcher).
int launchedRank();
/// How many ranks the launcher started, 0 if it does not say.
int launchedSize();

} // namespace pprt

#endif // PPRT_BOOTSTRAP_H
