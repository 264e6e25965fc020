//===- Evaluation.h - Losses of other data between steps ------------------===//
//
// --eval-data: every so many steps all ranks compute the mean loss over the
// first batches of a file, by the parameters as the step has left them. A batch
// has as many samples as a step, of all replicas; samples are windows that
// follow one another from the begin of the file, so that each evaluation, on
// any mesh, is of the same tokens.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_EVALUATION_H
#define PPRT_EVALUATION_H

#include "Backend.h"

namespace pprt {

class Evaluation {
public:
  /// Opens the file and reads what evaluations will be of; throws Error where
  /// it is too short or has tokens that the model does not know.
  Evaluation(const Description &description, const Options &options, int rank);

  uint64_t fingerprint() const { return file.fingerprint(); }
  /// "val.bin, 8 batches of 65536 of its 1000000 tokens".
  std::string describe() const;

  /// Whether one follows `step`, counted from 0.
  bool isDueAfter(int64_t step) const;
  /// The mean loss, the same on all ranks, by `function`; collective. Throws
  /// what went wrong. `training`: the data that the backend has again then.
  double run(pprt_context &context, Backend &backend, const Batches &training,
             pprt_step_fn function);

  /// "; 3 evaluations in 2 s": what a run says of all of them in the end.
  std::string summary() const;
  /// What all of them took so far.
  double seconds() const { return sumSeconds; }
  int64_t count() const { return runs; }
  /// Of the last one.
  double loss() const { return lastLoss; }

private:
  const Description &description;
  const int64_t steps, every, numBatches;
  TokenFile file;
  Batches batches;
  double sumSeconds = 0, lastLoss = 0;
  int64_t runs = 0;
};

} // namespace pprt

#endif // PPRT_EVALUATION_H
