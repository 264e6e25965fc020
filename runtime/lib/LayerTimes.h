//===- LayerTimes.h - How long each part of a stage takes -----------------===//
//
// Stage functions mark the end of every part (the forward of a layer, one half
// of its backward). The time from mark to mark goes into a table that is made
// before the first step, so that timing allocates nothing in a step.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_LAYERTIMES_H
#define PPRT_LAYERTIMES_H

#include "Clock.h"
#include "Description.h"

#include <string>

namespace pprt {

/// What one rank has measured of its layers, for its way to rank 0.
struct MeasuredPart {
  int32_t layer = 0;
  char kind = 'F';
  double seconds = 0; // a micro-batch: the median over steps of their means
};

class LayerTimes {
public:
  /// Keeps the last `window` steps from step `warmUp` on.
  LayerTimes(const Description &description, const Program &program,
             int64_t warmUp, int window);

  void beginAction(int action, uint64_t time) {
    position = firstPart[size_t(action)];
    last = time;
  }
  void mark() {
    uint64_t time = nowNs();
    if (position < slotOfPart.size())
      now[slotOfPart[position++]] += float(time - last);
    last = time;
  }
  void noteBytes(int action, uint64_t bytes) {
    if (action >= 0)
      bytesOfAction[size_t(action)] = bytes;
  }
  void endStep(int64_t step);

  /// Of each part that this rank has run.
  std::vector<MeasuredPart> measured() const;
  /// Bytes of the transfer that an action has posted, 0 for other actions.
  const std::vector<uint64_t> &transferBytes() const { return bytesOfAction; }

private:
  int64_t warmUp;
  size_t window;
  std::vector<size_t> firstPart;         // of an action, among the step's parts
  std::vector<uint32_t> slotOfPart;      // of each part of the step in turn
  std::vector<Part> parts;               // one a slot
  std::vector<int> occurrences;          // of a slot in a step
  std::vector<float> now;                // ns of each slot in this step
  std::vector<std::vector<float>> steps; // a ring of the last ones
  size_t count = 0;                      // of steps measured
  size_t position = 0;
  uint64_t last = 0;
  std::vector<uint64_t> bytesOfAction;
};

/// The value in the middle; of two, their mean. 0 for none.
double median(std::vector<double> values);

} // namespace pprt

#endif // PPRT_LAYERTIMES_H
