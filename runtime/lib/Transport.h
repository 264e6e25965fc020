//===- Transport.h - Moving bytes between ranks ---------------------------===//
//
// The interface behind which the ways to move bytes stand: `mpi` for several
// ranks, `local` for a program of one rank (which then needs no MPI at all).
//
// Two planes share it. The data plane carries the transfers of the compiled
// program: requests with small numbers, matched by (peer, tag) in order. The
// control plane carries the runtime's own messages (agreements at start, norms,
// checkpoints): blocking, exact sizes, in order between a pair of ranks.
//
// A wait that fails (timeout, another rank's error) does not take its message
// back: the peer may still read or write it. So the memory of a transfer stays
// until the transport has ended (`fail`, `finish`). Of the data plane that is
// the arena, which outlives the transport; control-plane messages are copied
// through memory of the transport, because their callers' unwinds.
//
// No call spins while it waits: ranks often share cores.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TRANSPORT_H
#define PPRT_TRANSPORT_H

#include <cstdint>
#include <memory>
#include <string>

namespace pprt {

/// When a transfer was posted, and when it was seen to be complete (ns).
struct TransferTimes {
  uint64_t posted = 0;
  uint64_t completed = 0;
};

class Transport {
public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// All ranks are on one node, so CLOCK_MONOTONIC is common.
  virtual bool onOneNode() const = 0;
  /// This rank's number among those of its node, and how many these are.
  virtual int nodeRank() const = 0;
  virtual int nodeRanks() const = 0;

  /// Makes room for requests 0 .. count-1. Nothing is allocated later.
  virtual void reserve(int count) = 0;
  /// Seconds that a wait may take before it is a TimeoutError.
  virtual void setTimeout(double seconds) = 0;
  virtual double timeout() const = 0;
  /// Throws Stopped if another rank has failed.
  virtual void checkStopped() = 0;

  /// `data` stays valid until the request is complete or the transport has
  /// ended, whatever `wait` throws.
  virtual void isend(int request, int peer, int tag, const void *data,
                     uint64_t bytes) = 0;
  virtual void irecv(int request, int peer, int tag, void *data,
                     uint64_t bytes) = 0;
  /// Sleeps until the request is complete. Throws TimeoutError, Error (message
  /// of another size), or Stopped (another rank failed).
  virtual TransferTimes wait(int request) = 0;

  /// Control plane, blocking. Throws as `wait` does; `data` is not touched
  /// after the call, also where it throws.
  virtual void send(int peer, const void *data, uint64_t bytes) = 0;
  virtual void receive(int peer, void *data, uint64_t bytes) = 0;

  /// Ends the run on this rank after a failure somewhere: reaches an
  /// understanding with the other ranks, prints all errors on rank 0 with the
  /// rank that found them. `error` is this rank's own, empty if it was stopped.
  /// Where the others cannot be reached within seconds, aborts the job.
  virtual void fail(const std::string &error) = 0;
  /// Ends the transport when all ranks are done; collective.
  virtual void finish() = 0;
};

/// The transport of a program of one rank that was started without a launcher.
std::unique_ptr<Transport> createLocalTransport();

/// Initialises MPI.
std::unique_ptr<Transport> createMpiTransport();

/// Whether a launcher (mpirun, srun) started this process as a rank.
bool launchedAsRank();
/// This process's rank before the transport exists (0 without a launcher).
int launchedRank();
/// How many ranks the launcher started, 0 if it does not say.
int launchedSize();

} // namespace pprt

#endif // PPRT_TRANSPORT_H
