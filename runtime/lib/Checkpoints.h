//===- Checkpoints.h - All of a run on disk, now and then -------*- C++ -*-===//
//
// Between two steps each rank copies what it writes out of the arena; a thread
// of its own brings that to disk while the training goes on. Ranks say in the
// report of a step that they are done; when all are, rank 0 gives the directory
// its name. So no step waits for a disk, unless the next checkpoint is due
// before.
//
// A checkpoint that cannot be written is no reason to lose the run: rank 0 says
// why, and the one before stays. --checkpoint-errors=fail thinks otherwise.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_CHECKPOINTS_H
#define PPRT_CHECKPOINTS_H

#include "Arena.h"
#include "Backend.h"
#include "Bootstrap.h"
#include "CheckpointDirectory.h"
#include "CheckpointIndex.h"
#include "Options.h"
#include "StepReport.h"
#include "WeightLayout.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace pprt {

/// What a rank writes of a state, and under which name in its file.
struct StateSlice {
  int state = 0; ///< of the description's
  Slice slice;
  std::string name;
};

/// The slices of a rank, in the order of its file.
std::vector<StateSlice> stateSlicesOf(const Description &description,
                                      const Optimizer &optimizer, int rank);
/// "optimizer-00003.safetensors".
std::string stateFileOf(int rank);

class Checkpoints {
public:
  /// Rank 0 opens the directory; throws Error. `carry` writes what belongs to a
  /// model beside its weights (config.json) into a directory, on rank 0.
  Checkpoints(const Description &description, const Options &options,
              Bootstrap &bootstrap, size_t optimizer,
              std::function<void(const std::string &)> carry);
  ~Checkpoints();

  /// What all checkpoints of this run say of it, beside step, samples and
  /// states.
  void describeRun(CheckpointIndex index);
  /// Makes the memory that a checkpoint is copied to; throws Error.
  void prepare();
  /// Of that memory.
  uint64_t bytes() const { return plannedBytes; }

  /// Adds to the report what the ranks have to know of each other.
  void vote(double *flags) const;
  /// What is due after `done` steps, with the sums of all votes. `isLast`:
  /// nothing follows, so that a checkpoint is made now, and is whole on return.
  /// `arena` is that of the steps, which `backend` brings to the host first.
  /// Collective. Throws Error with --checkpoint-errors=fail.
  void afterStep(int64_t done, uint64_t samples, const double *flags,
                 bool isLast, const uint8_t *arena, Backend &backend);
  /// Waits for what is being written; collective.
  void settle();

  /// The newest one of this run, or that it has begun with: a path, or empty.
  const std::string &newest() const { return newestPath; }
  void beginFrom(int64_t step, const std::string &path) {
    lastStep = step;
    newestPath = path;
  }

private:
  /// A slice, where it is in the arena, and where in the copy.
  struct Piece {
    Slice slice;
    uint64_t from = 0; ///< in the arena, of element `first` of the part
    uint64_t first = 0;
    uint64_t to = 0;    ///< in the copy
    int parameter = -1; ///< of a weight
  };
  enum class Phase { Idle, Writing, Committing };

  void start(int64_t done, uint64_t samples, const uint8_t *arena,
             Backend &backend);
  std::string copyOut(const uint8_t *arena);
  void write();
  void writeWeights();
  void writeStates();
  void commit();
  /// Runs `job` on the thread; what it throws is kept.
  void launch(std::function<void()> job);
  bool isJobDone() const;
  void join();
  /// After a failure on some rank; collective.
  void fail();

  const Description &description;
  const Options &options;
  Bootstrap &bootstrap;
  const Program &program;
  const Optimizer *optimizer; ///< null where there are none
  const std::function<void(const std::string &)> carry;
  std::optional<CheckpointDirectory> directory; ///< of rank 0
  const WeightLayout layout;
  CheckpointIndex common;

  std::vector<Piece> weights, states;
  std::string stateHeader;
  uint64_t plannedBytes = 0;
  std::optional<Arena> copy;

  Phase phase = Phase::Idle;
  int64_t step = 0;      ///< of the one that is being written
  int64_t lastStep = -1; ///< of the one that was begun last
  std::string partial;   ///< its directory, as yet
  std::string newestPath;
  uint64_t lastBegin = 0; ///< ns

  std::thread thread;
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool isDone = true;
  std::string error;
};

} // namespace pprt

#endif // PPRT_CHECKPOINTS_H
