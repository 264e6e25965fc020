//===- Batches.h - Which tokens a step trains on --------------------------===//
//
// Sample i of the run (i = (step * micro-batches + micro-batch) * batch + row)
// is the window of sequence + 1 tokens at an offset drawn from (seed, i): an
// independent uniform choice among all windows of the file. So the order is a
// function of the seed and the shape of the step, not of the number of ranks.
// Targets are the window shifted by one.
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

  /// Reads the tokens of all micro-batches of `step` and checks them against
  /// the vocabulary; throws Error for one outside of it, and where the file is
  /// no longer what it was. Allocates nothing unless it fails.
  void load(int64_t step);

  /// The i32 array of an input for a micro-batch of the loaded step, 64-byte
  /// aligned as compiled code expects of every buffer.
  const int32_t *input(int input, int microbatch) const;

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
  struct alignas(64) Line {
    int32_t tokens[16];
  };
  size_t lines; // of a micro-batch
  std::vector<int32_t> window;
  std::vector<Line> tokens, targets; // microbatches x lines
};

} // namespace pprt

#endif // PPRT_BATCHES_H
