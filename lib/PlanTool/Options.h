//===- Options.h - What pp-plan is asked for --------------------*- C++ -*-===//

#ifndef PP_LIB_PLANTOOL_OPTIONS_H
#define PP_LIB_PLANTOOL_OPTIONS_H

#include "pp/Profile/Profile.h"
#include "pp/Schedule/Search.h"
#include "pp/Schedule/Verifier.h"

#include <optional>

namespace CLI {
class App;
} // namespace CLI

namespace pp::plan {

/// A command line that cannot be followed, or a schedule that cannot be used:
/// lower case, found, expected, remedy.
struct Failure {
  std::string message;
  int status = 1;
};

/// Options as they stand on the command line; empty where they do not.
struct RawOptions {
  std::string schedule, ranks, virtualStages, microbatches;
  std::string forward, backwardInput, backwardWeight, transfer;
  std::string latency, bandwidth, bytes, optimizer, reduction, profile;
  std::string tensors, layerBytes, layerCollectives;
  std::string replicas, parameterBytes, parameterGather, gradientReduction;
  std::string activationBytes, fixedBytes, memoryCap, semantics;
  std::string svg, trace, csv, seed, effort;
  bool splitBackward = false, noOverlap = false, json = false;
};

/// Options with meaning.
struct Options {
  std::string schedule;                                   ///< name or file
  int32_t ranks = 0, virtualStages = 0, microbatches = 0; ///< 0: not given
  schedule::Costs costs; ///< as many times as given: one for all, or each
  std::optional<profile::Profile> profile; ///< times that then are the costs
  schedule::Memory memory;
  std::vector<int64_t> memoryCap;
  schedule::Semantics semantics = schedule::Semantics::Rendezvous;
  std::string svg, trace, csv;
  schedule::SearchOptions search;
  bool hasTransfer = false; ///< given, which counts before the profile
  int32_t replicas = 1;     ///< which exchange what the profile says
  bool splitBackward = false, json = false;
};

/// Adds the options that both commands have, and those of a single schedule.
void addCommonOptions(CLI::App &app, RawOptions &raw);
void addScheduleOptions(CLI::App &app, RawOptions &raw);

/// Throws Failure.
Options readOptions(const RawOptions &raw);

} // namespace pp::plan

#endif // PP_LIB_PLANTOOL_OPTIONS_H
