//===- StepReport.h - What the ranks tell each other of a step --*- C++ -*-===//
//
// One vector of f64 that is summed over all ranks once a step: losses of the
// micro-batches of all replicas, the weights of these losses if the program has
// some, then square norms of parameters, of one block
// for each group of micro-batches, each from one rank; the
// number of ranks with an id out of range; the votes to end the run; how far
// ranks are with a checkpoint; and how often each loss and norm has been
// reported, so that a broken program is noticed. The program's function of the
// end of a step reads it up to the ids: with one out of range nothing is
// updated.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_STEPREPORT_H
#define PPRT_STEPREPORT_H

#include "Description.h"
#include "pprt_scalars.h"

#include <algorithm>
#include <string>
#include <vector>

namespace pprt {

class StepReport {
public:
  explicit StepReport(const Description &description)
      : microbatches(size_t(description.allMicrobatches())),
        firstNorm(microbatches * (description.hasLossWeights ? 2 : 1)),
        groups(size_t(description.groups)), count(description.reportedValues()),
        numbers(2 * count + PPRT_NUM_FLAGS), lines((numbers + 7) / 8) {}

  void clear() {
    std::fill_n(data(), numbers, 0.0);
    idError.clear();
  }

  /// Losses, weights and norms.
  size_t values() const { return count; }
  /// Aligned to a cache line, as functions of the program expect.
  double *data() { return lines.front().numbers; }
  const double *data() const { return lines.front().numbers; }
  size_t size() const { return numbers; }

  /// The place of the weight of a micro-batch's loss among the values.
  size_t weightAt(int microbatch) const {
    return microbatches + size_t(microbatch);
  }
  /// How often each value has been reported, in the order of the values.
  double *timesReported() { return data() + count + PPRT_NUM_FLAGS; }
  const double *timesReported() const {
    return data() + count + PPRT_NUM_FLAGS;
  }
  /// The place of the norm of a parameter's block among the values.
  size_t normAt(int parameter, int block) const {
    return firstNorm + size_t(parameter) * groups + size_t(block);
  }
  double &timesNormReported(int parameter, int block) {
    return timesReported()[normAt(parameter, block)];
  }
  double &idsOutOfRange() { return data()[count + PPRT_FLAG_IDS]; }
  /// By PPRT_FLAG_...
  double *flags() { return data() + count; }

  /// What was wrong with an id of this rank in this step; not summed.
  std::string idError;

private:
  struct alignas(64) Line {
    double numbers[8];
  };
  size_t microbatches, firstNorm, groups, count, numbers;
  std::vector<Line> lines;
};

} // namespace pprt

#endif // PPRT_STEPREPORT_H
