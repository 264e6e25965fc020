//===- Batches.h - Which tokens a step trains on --------------------------===//
//
// Samples of a run have numbers: those of a step follow those of the step
// before, by micro-batch (of all replicas) and row. Each is a window of
// sequence + 1 tokens, whose place is a function of its number (SampleOrder.h):
// not of the number of ranks, and not of how a step is cut. Targets are the
// window shifted by one.
//
// A model may ask for documents, so that attention and loss stay within them:
// then each token has the number of its document within its window, from 0, and
// the target of the last token of a document, which is the first one of the
// next, is one that the loss ignores.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_BATCHES_H
#define PPRT_BATCHES_H

#include "DataSet.h"
#include "Description.h"

#include <memory>
#include <string>
#include <vector>

namespace pprt {

class Batches {
public:
  /// Throws Error if a file is shorter than one window, or the model asks for
  /// documents that a file does not know or that its loss cannot keep apart.
  /// `replica`: which of the step's micro-batches are this rank's.
  Batches(DataSet &data, const Description &description, uint64_t seed,
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

  /// What a run prints of its data: a line for each file.
  std::string summary() const;

  /// Samples follow one another in the only file from here on: sample i begins
  /// with token i * sequence.
  void takeInOrder() { inOrder = true; }

  /// Reads the tokens of all micro-batches of `step` and checks them against
  /// the vocabulary; throws Error for one outside of it, and where a file is no
  /// longer what it was. Allocates nothing unless it fails.
  void load(int64_t step);

  /// The i32 array of an input for a micro-batch of the loaded step, 64-byte
  /// aligned as compiled code expects of every buffer.
  const int32_t *input(int input, int microbatch) const;

  /// How many targets of a micro-batch of the loaded step the loss does not
  /// ignore.
  int64_t validTargets(int microbatch) const;

  const SampleOrder &order() const { return *samples; }

private:
  void checkDocuments() const;
  void loadRow(uint64_t sample, uint64_t row);
  /// Throws Error unless `token`, found at `position` of a file, is below
  /// `limit`.
  void check(int32_t token, int64_t limit, const TokenFile &file,
             uint64_t position) const;

  DataSet &data;
  const Description &description;
  const uint64_t replica;
  bool hasDocuments = false; ///< the model asks for them
  std::unique_ptr<SampleOrder> samples;
  int64_t baseStep = 0; // and the sample with which it begins
  uint64_t baseSample = 0;
  bool inOrder = false;
  struct alignas(64) Line {
    int32_t tokens[16];
  };
  size_t lines; // of a micro-batch
  std::vector<int32_t> window;
  std::unique_ptr<bool[]> borders; // of documents, in the window
  std::vector<Line> arrays[3];     // by Input::Kind: microbatches x lines
  std::vector<int64_t> valid;      // targets, by micro-batch
};

} // namespace pprt

#endif // PPRT_BATCHES_H
