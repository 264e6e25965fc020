//===- StepReport.h - What the ranks tell each other of a step --*- C++ -*-===//
//
// One vector of f64 that is summed over all ranks once a step: losses of
// micro-batches, then square norms of parameters, each from one rank; how often
// each of these has been reported, so that a broken program is noticed; the
// number of ranks with an id out of range; and the votes to end the run.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_STEPREPORT_H
#define PPRT_STEPREPORT_H

#include "Description.h"

#include <algorithm>
#include <string>
#include <vector>

namespace pprt {

class StepReport {
public:
  explicit StepReport(const Description &description)
      : microbatches(size_t(description.microbatches)),
        count(microbatches + description.parameters.size()),
        numbers(2 * count + 2) {}

  void clear() {
    std::fill(numbers.begin(), numbers.end(), 0.0);
    idError.clear();
  }

  /// Losses and norms.
  size_t values() const { return count; }
  double *data() { return numbers.data(); }
  const double *data() const { return numbers.data(); }
  size_t size() const { return numbers.size(); }

  double &loss(int microbatch) { return numbers[size_t(microbatch)]; }
  double &squareNorm(int parameter) {
    return numbers[microbatches + size_t(parameter)];
  }
  /// How often each value has been reported, in the order of the values.
  double *timesReported() { return numbers.data() + count; }
  const double *timesReported() const { return numbers.data() + count; }
  double &timesLossReported(int microbatch) {
    return timesReported()[size_t(microbatch)];
  }
  double &timesNormReported(int parameter) {
    return timesReported()[microbatches + size_t(parameter)];
  }
  double &idsOutOfRange() { return numbers[2 * count]; }
  double &votes() { return numbers[2 * count + 1]; }

  /// What was wrong with an id of this rank in this step; not summed.
  std::string idError;

private:
  size_t microbatches, count;
  std::vector<double> numbers;
};

} // namespace pprt

#endif // PPRT_STEPREPORT_H
