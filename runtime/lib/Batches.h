//===- Batches.h - Which tokens a step trains on --------------------------===//
//
// Samples of a run have numbers: those of a step follow those of the step
// before, by micro-batch (of all replicas) and row. Sample i is the window of
// sequence + 1 tokens at an offset drawn from (seed, i): an independent uniform
// choice among all windows of the file. So the order is a function of the seed
// and of i, not of the number of ranks or of how a step is cut. Targets are the
// window shifted by one.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_BATCHES_H
#define PPRT_BATCHES_H

#include "TokenFile.h"

#include <vector>

namespace pprt {

class Batches {
public:
  /// Throws Error if the file is shorter than one window.
  /// `replica`: which of the step's micro-batches are this rank's.
  Batches(TokenFile &file, const Description &description, uint64_t seed,
          int replica = 0);

  /// Step `step` begins with sample `sample`, as a run does that goes on with
  /// another number of samples a step. Step 0 begins with sample 0 otherwise.
  void startAt(int64_t step, uint64_t sample);
  /// Samples that all replicas together train on in a step.
  uint64_t samplesPerStep() const;
  /// The sample with which a step begins that is not before that of `startAt`.
  uint64_t firstSampleOf(int64_t step) const;

  /// One line of text that is equal where data, their order, and the cut into
  /// samples are: equal lines and seeds mean equal samples. For checkpoints.
  std::string identity() const;

  /// Samples follow one another in the file from here on: sample i begins with
  /// token i * sequence.
  void takeInOrder() { inOrder = true; }

  /// Reads the tokens of all micro-batches of `step` and checks them against
  /// the vocabulary; throws Error for one outside of it, and where the file is
  /// no longer what it was. Allocates nothing unless it fails.
  void load(int64_t step);

  /// The i32 array of an input for a micro-batch of the loaded step, 64-byte
  /// aligned as compiled code expects of every buffer.
  const int32_t *input(int input, int microbatch) const;

  /// How many targets of a micro-batch of the loaded step the loss does not
  /// ignore.
  int64_t validTargets(int microbatch) const;

  /// Where sample `sample` begins.
  uint64_t offsetOf(uint64_t sample) const;

private:
  /// Throws Error unless `token`, found at `position` of the file, is below
  /// `limit`.
  void check(int32_t token, int64_t limit, uint64_t position) const;

  TokenFile &file;
  const Description &description;
  const uint64_t replica;
  uint64_t key;
  int64_t baseStep = 0; // and the sample with which it begins
  uint64_t baseSample = 0;
  bool inOrder = false;
  struct alignas(64) Line {
    int32_t tokens[16];
  };
  size_t lines; // of a micro-batch
  std::vector<int32_t> window;
  std::vector<Line> tokens, targets; // microbatches x lines
  std::vector<int64_t> valid;        // targets, by micro-batch
};

} // namespace pprt

#endif // PPRT_BATCHES_H
