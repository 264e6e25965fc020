//===- Progress.h - What rank 0 says during the training ------------------===//
#ifndef PPRT_PROGRESS_H
#define PPRT_PROGRESS_H

#include "Options.h"

#include <cstdio>
#include <optional>

namespace pprt {

/// What a step gave.
struct StepResult {
  int64_t step = 0;
  /// Not a number where computations are emulated.
  double loss = 0, gradientNorm = 0, learningRate = 0;
  double tokensPerSecond = 0, seconds = 0;
  std::optional<double> evaluationLoss = {}; ///< of the parameters after it
};

/// Step, loss, tokens/s and time left: one line that rewrites itself on a
/// terminal, otherwise a line now and then.
class Progress {
public:
  explicit Progress(const Options &options);
  void show(const StepResult &result);
  /// Ends the line that rewrites itself.
  void end();

private:
  enum Mode { None, Line, Plain } mode = None;
  int64_t steps;
  int64_t shown = 0;      // of this run
  double meanSeconds = 0; // of recent steps
  uint64_t lastShown = 0;
  bool open = false;
};

/// `seconds` as people say it: 45 s, 2:05, 1:02:05.
std::string timeText(double seconds);

/// --metrics: one JSON object a line, written with each step. A disk that is
/// full does not leave half a line.
class Metrics {
public:
  /// Throws Error; an empty path writes nothing. What the file says of steps
  /// before `firstStep` stays, for a run that goes on; all else goes.
  Metrics(const std::string &path, int64_t firstStep);
  ~Metrics();
  Metrics(const Metrics &) = delete;
  Metrics &operator=(const Metrics &) = delete;
  /// Throws Error.
  void write(const StepResult &result);

private:
  void keepBefore(int64_t firstStep);

  std::string path;
  int fd = -1;
  uint64_t bytes = 0; // of whole lines
};

} // namespace pprt

#endif // PPRT_PROGRESS_H
