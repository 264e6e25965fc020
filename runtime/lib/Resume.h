//===- Resume.h - A run that goes on from a checkpoint ----------*- C++ -*-===//
//
// What a rank needs of a state are boxes, what a checkpoint has are boxes; it
// reads where they meet. So a run goes on with the same bytes on any mesh, with
// any schedule and precision, each rank reading what it holds.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_RESUME_H
#define PPRT_RESUME_H

#include "CheckpointIndex.h"

#include <string>
#include <vector>

namespace pprt {

class Resume {
public:
  /// Reads the index; throws Error.
  explicit Resume(const std::string &directory);

  const std::string &directory() const { return path; }
  const CheckpointIndex &index() const { return found; }

  /// Throws Error that lists all in which `run` is another one than that of the
  /// checkpoint: model, vocabulary, data, seed, optimizer, states.
  void check(const Description &description, const Optimizer *optimizer,
             const CheckpointIndex &run) const;
  /// A line for each option that differs and changes how training goes on.
  std::vector<std::string> notes(const CheckpointIndex &run) const;

  /// Reads what a rank has of the states of `optimizer` into its arena; throws
  /// Error.
  void readStates(const Description &description, const Optimizer &optimizer,
                  int rank, uint8_t *arena) const;

private:
  std::string path;
  CheckpointIndex found;
};

} // namespace pprt

#endif // PPRT_RESUME_H
