#include "LearningRate.h"

#include "PortableMath.h"

using namespace pprt;

double pprt::learningRate(const Options &options, int64_t step) {
  if (step < options.warmup)
    return options.learningRate * double(step + 1) / double(options.warmup);
  if (options.decay == 0)
    return options.learningRate;
  int64_t done = step - options.warmup;
  if (done >= options.decay)
    return options.minLearningRate;
  double part = double(done) / double(options.decay);
  return options.minLearningRate +
         (options.learningRate - options.minLearningRate) *
             (1 + portableSinCosOfTurn(part / 2).cosine) / 2;
}
