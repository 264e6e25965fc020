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

#include <optional>

namespace pprt {

class Evaluation {
public:
  /// Opens the file and reads what evaluations will be of; throws Error where
  /// it is too short or has tokens that the model does not know.
  Evaluation(const Description &description, const Options &options, int rank);

  uint64_t fingerprint() const { return data.file(0).fingerprint(); }
  /// "val.bin, 8 batches of 65536 of its 1000000 tokens".
  std::string describe() const;

  /// Computes the mean loss, the same on all ranks, if it is due after `step`,
  /// counted from 0; collective. Throws what went wrong. `training`: the data
  /// that the backend has again then; `steps`: pp_program_steps.
  void afterStep(int64_t step, pprt_context &context, Backend &backend,
                 const Batches &training, const pprt_step_fn *steps);
  /// The loss after `step`; nothing if it was not due.
  std::optional<double> lossAfter(int64_t step) const {
    return isDueAfter(step) ? std::optional(lastLoss) : std::nullopt;
  }

  /// "; 3 evaluations in 2 s": what a run says of all of them in the end.
  std::string summary() const;
  /// What all of them took so far.
  double seconds() const { return sumSeconds; }
  int64_t count() const { return runs; }
  /// Of the last one.
  double loss() const { return lastLoss; }

private:
  bool isDueAfter(int64_t step) const;

  const Description &description;
  const int rank;
  const int64_t steps, every, numBatches;
  DataSet data;
  Batches batches;
  double sumSeconds = 0, lastLoss = 0;
  int64_t runs = 0;
};

} // namespace pprt

#endif // PPRT_EVALUATION_H
