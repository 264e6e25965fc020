//===- LearningRate.h - Linear warm-up, then cosine decay -----------------===//
#ifndef PPRT_LEARNINGRATE_H
#define PPRT_LEARNINGRATE_H

#include "Options.h"

namespace pprt {

/// The learning rate of `step` (from 0):
///   lr (step + 1) / warmup                               step < warmup
///   min + (lr - min) (1 + cos(pi d / decay)) / 2         d = step - warmup <
///   decay min                                                  afterwards
/// and lr throughout after the warm-up if decay is 0.
double learningRate(const Options &options, int64_t step);

} // namespace pprt

#endif // PPRT_LEARNINGRATE_H
