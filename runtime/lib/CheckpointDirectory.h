//===- CheckpointDirectory.h - The checkpoints of a run ---------*- C++ -*-===//
//
// DIR/step-00000500 is the checkpoint after 500 steps, complete or absent: it
// is made under the name step-00000500.partial-XXXXXX, flushed, and renamed
// when all ranks have written what is theirs. DIR/latest is a link to the
// newest one.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_CHECKPOINTDIRECTORY_H
#define PPRT_CHECKPOINTDIRECTORY_H

#include <cstdint>
#include <string>
#include <vector>

namespace pprt {

class CheckpointDirectory {
public:
  /// Makes the directory if it is missing, takes its lock, and removes what
  /// runs that were killed have left; throws Error, also where another run
  /// holds the lock.
  explicit CheckpointDirectory(const std::string &path);
  ~CheckpointDirectory();
  CheckpointDirectory(const CheckpointDirectory &) = delete;
  CheckpointDirectory &operator=(const CheckpointDirectory &) = delete;

  /// Makes a directory for the files of a step, and returns its path.
  std::string begin(int64_t step) const;
  /// Gives it its name, in the place of a checkpoint of that step if there is
  /// one, and lets `latest` follow. Flushed before and after.
  void commit(const std::string &partial, int64_t step) const;
  /// Removes all complete ones but the newest `keep`; 0 keeps all. What cannot
  /// be removed stays.
  void prune(int64_t keep) const;

  static std::string nameOf(int64_t step);
  /// The steps of complete checkpoints, ascending; none where there is no such
  /// directory.
  static std::vector<int64_t> stepsOf(const std::string &path);
  /// Of `path`, a checkpoint or a directory of them, the (newest) checkpoint;
  /// empty if there is none.
  static std::string newestOf(const std::string &path);

private:
  std::string path;
  int lock = -1;
};

/// Flushes a directory's entries to the disk; throws Error.
void flushDirectory(const std::string &path);

/// Removes a directory with its files, as far as that can be done.
void removeDirectory(const std::string &path);

} // namespace pprt

#endif // PPRT_CHECKPOINTDIRECTORY_H
