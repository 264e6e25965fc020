//===- Options.h - The command line of a compiled program -----------------===//
#ifndef PPRT_OPTIONS_H
#define PPRT_OPTIONS_H

#include "DataSet.h"
#include "Description.h"
#include "NarrowValues.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pprt {

/// Number of steps whose picture --timeline may choose from.
constexpr int timelineWindow = 16;

struct Options {
  // What to train on.
  DataOptions data;
  int64_t steps = 100;
  uint64_t seed = 1;

  // What to evaluate, and when.
  std::string evalData;    ///< empty: nothing
  int64_t evalEvery = 0;   ///< steps; 0: at the end
  int64_t evalBatches = 8; ///< as many samples as a step has, each

  // How to update.
  std::vector<std::string> optimizers; ///< what the program offers
  std::string optimizer;               ///< one of them
  double learningRate = 1e-3;
  double minLearningRate = -1; // resolved to a tenth of learningRate
  int64_t warmup = 0;
  int64_t decay = -1; // resolved to steps - warmup
  double weightDecay = 0.1;
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double clip = 1.0; // 0: off

  // What to write, what to start from.
  std::string metrics, tensorBoard, trace, timeline, profileOut, save, load;
  ValueType saveType = ValueType::F32;
  std::string maxShardSize = "5GB", tokenizer;
  /// Of data, in a file of weights: --max-shard-size.
  uint64_t maxShardBytes = 5'000'000'000;

  // Checkpoints.
  std::string checkpoint;  ///< the directory; empty: none
  int64_t every = 0;       ///< steps; 0: not by their number
  double everyMinutes = 0; ///< 0: not by the clock
  int64_t keep = 0;        ///< 0: all
  bool checkpointSync = false;
  std::string checkpointErrors = "warn";
  std::optional<std::string> resume; ///< empty: the newest of `checkpoint`
  bool resumeWeightsOnly = false;

  // How to run and what to print.
  double timeout = 300; // 30 on a device
  // Of programs for GPUs.
  std::string device = "cuda", transport = "auto", attention = "auto";
  std::string collectives = "tree";
  bool graph = true;
  std::string kernelTimes;
  int threads = 1;
  bool quiet = false;
  std::string progress = "auto";
  bool profile = false, memoryReport = false;
  /// --emulate: what computations pretend to take. Transfers are real.
  std::optional<StageTimes> emulate;

  /// Every option and its value as it has to be on all ranks.
  std::vector<std::pair<std::string, std::string>> values() const;
};

/// Reads the command line; throws Error for values that cannot be meant. Empty
/// if the user asked for help, which goes to `help`.
std::optional<Options> parseOptions(int argc, const char *const *argv,
                                    const Description &description,
                                    std::string &help);

} // namespace pprt

#endif // PPRT_OPTIONS_H
