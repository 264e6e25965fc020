//===- Runs.h - What metrics files hold -------------------------*- C++ -*-===//
//
// A run is a table with a row a line of its file, kept by columns.
//
//===----------------------------------------------------------------------===//
#ifndef PP_PLOT_RUNS_H
#define PP_PLOT_RUNS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pp::plot {

/// What ends the tool.
struct Failure {
  std::string message;
  int status = 1; ///< 2: of the command line
};

enum class Metric {
  Loss,
  EvalLoss,
  LearningRate,
  GradientNorm,
  TokensPerSecond
};
constexpr size_t kMetrics = 5;

/// The name of a metric's field in a line of a metrics file.
const char *fieldOf(Metric metric);

/// What lies on the horizontal axis.
enum class Axis { Step, Tokens, Time };

/// Rows with ascending steps.
struct Run {
  std::string name;
  std::vector<double> steps;  ///< whole numbers below 2^53
  std::vector<double> tokens; ///< seen up to the end of the step; or empty
  std::vector<double> time;   ///< seconds of all steps up to this; or empty
  /// By metric; NaN where a line has none.
  std::array<std::vector<double>, kMetrics> values;
  /// What was passed over, for people.
  std::vector<std::string> notes;

  const std::vector<double> &of(Metric metric) const {
    return values[size_t(metric)];
  }
  /// Empty where the run does not say.
  const std::vector<double> &along(Axis axis) const {
    return axis == Axis::Step ? steps : axis == Axis::Tokens ? tokens : time;
  }
};

/// Reads a file of one JSON object a line, as programs write --metrics, and as
/// one that is being written may be found: a last line without its end that is
/// no JSON is passed over. A step that is not above the one before begins
/// again: what was there from it on is dropped. `null` is no value. Throws
/// Failure for files that cannot be opened, are no such lines, or have none.
Run readRun(const std::string &path);

/// Names of runs, of their paths: file names without extension, with as many
/// of the folders before them as tell them apart.
std::vector<std::string> nameRuns(const std::vector<std::string> &paths);

} // namespace pp::plot

#endif // PP_PLOT_RUNS_H
