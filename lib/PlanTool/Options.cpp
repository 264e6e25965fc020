//===- Options.cpp - What pp-plan is asked for ----------------------------===//
//
// CLI11 splits the command line; the values are read here, so that an error
// says what was found and what was expected.
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "pp/Limits.h"
#include "pp/Schedule/Generators.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

using namespace pp::plan;
using namespace pp::schedule;
namespace limits = pp::limits;

void pp::plan::addCommonOptions(CLI::App &app, RawOptions &raw) {
  app.add_option("--ranks", raw.ranks, "pipeline ranks")->type_name("P");
  app.add_option("--virtual", raw.virtualStages,
                 "stages a rank, where the schedule has a choice (2)")
      ->type_name("V");
  app.add_option("--microbatches", raw.microbatches, "micro-batches of a step")
      ->type_name("M");
  app.add_option("--forward", raw.forward, "time of a forward (1)")
      ->type_name("F");
  app.add_option("--backward-input", raw.backwardInput,
                 "time of an input gradient (1)")
      ->type_name("B");
  app.add_option("--backward-weight", raw.backwardWeight,
                 "time of a weight gradient (1); a backward as one action "
                 "takes both")
      ->type_name("W");
  app.add_option("--profile", raw.profile,
                 "measured times of a model's layers, from --profile-out of a "
                 "program: stages are the best cut of these, times are in "
                 "seconds, the end of the step included")
      ->type_name("FILE");
  app.add_option("--transfer", raw.transfer,
                 "time from the end of an action to when the next rank can use "
                 "its result (0); one for all or one for each pair of stages")
      ->type_name("T");
  app.add_option("--bytes", raw.bytes,
                 "instead of --transfer: size of the messages, which take "
                 "latency + bytes / bandwidth; one for all or one for each "
                 "pair of stages")
      ->type_name("BYTES");
  app.add_option("--bandwidth", raw.bandwidth,
                 "of a link with --bytes or --parameter-bytes, in bytes in a "
                 "unit of time, such as 25G where times are in seconds")
      ->type_name("BYTES");
  app.add_option("--latency", raw.latency, "of a link with --bandwidth (0)")
      ->type_name("T");
  app.add_flag("--no-overlap", raw.noOverlap,
               "a transfer occupies the rank that sends");
  app.add_option("--reduction", raw.reduction,
                 "time of a reduction over all ranks at the end (0)")
      ->type_name("T");
  app.add_option("--optimizer", raw.optimizer,
                 "time of the optimizer's step (0)")
      ->type_name("T");
  app.add_option(
         "--tensors", raw.tensors,
         "ranks that share the tensors of each stage; with "
         "--layer-bytes and --bandwidth: what collectives of its layers "
         "add to its times, each on a ring (1)")
      ->type_name("T");
  app.add_option("--layer-bytes", raw.layerBytes,
                 "with --tensors: what a collective gathers or scatters, all "
                 "parts together; one for all or one for each stage")
      ->type_name("BYTES");
  app.add_option(
         "--layer-collectives", raw.layerCollectives,
         "with --tensors: how many there are in F, I and W of a stage; "
         "an all-reduce counts as two (4,4,2: a transformer block whose "
         "gathers are made again)")
      ->type_name("F,I,W");
  app.add_option("--replicas", raw.replicas,
                 "of the pipeline; with --parameter-bytes and --bandwidth, or "
                 "a profile, they say what --parameter-gather and "
                 "--gradient-reduction are, on a ring (1)")
      ->type_name("D");
  app.add_option("--parameter-bytes", raw.parameterBytes,
                 "with --replicas: size of a stage's parameters, and of their "
                 "gradients; one for all or one for each stage")
      ->type_name("BYTES");
  app.add_option("--parameter-gather", raw.parameterGather,
                 "time in which replicas gather a stage's parameters at the "
                 "begin of the step (0)")
      ->type_name("T");
  app.add_option("--gradient-reduction", raw.gradientReduction,
                 "time in which replicas reduce a stage's gradients behind its "
                 "last backward (0)")
      ->type_name("T");
  app.add_option("--activation-bytes", raw.activationBytes,
                 "what one micro-batch of one stage holds from F to W (1)")
      ->type_name("BYTES");
  app.add_option("--fixed-bytes", raw.fixedBytes,
                 "what a stage holds all the time (0)")
      ->type_name("BYTES");
  app.add_option("--memory-cap", raw.memoryCap,
                 "what a rank may hold, such as 800M or 16G; without "
                 "--activation-bytes it counts activations")
      ->type_name("BYTES");
  app.add_option("--semantics", raw.semantics,
                 "prove the rank programs under " +
                     pp::communication::listSemantics() + " (rendezvous)")
      ->type_name("S");
  app.add_option("--seed", raw.seed, "of the search (1)")->type_name("N");
  app.add_option("--effort", raw.effort,
                 "bounds the search: actions looked at, in millions (10)")
      ->type_name("N");
  app.add_flag("--json", raw.json, "print JSON");
}

void pp::plan::addScheduleOptions(CLI::App &app, RawOptions &raw) {
  std::string names;
  for (const std::string &name : pp::schedule::names())
    names += (names.empty() ? "" : ", ") + name;
  app.add_option("--schedule", raw.schedule,
                 names + ", search, or a file in PyTorch's CSV format (1f1b)")
      ->type_name("NAME|FILE");
  app.add_flag("--split-backward", raw.splitBackward,
               "I and W instead of B: the gradient leaves before W");
  app.add_option("--svg", raw.svg, "draw the timeline into this file")
      ->type_name("FILE");
  app.add_option("--trace", raw.trace,
                 "write a trace for Perfetto into this file; times are "
                 "milliseconds there")
      ->type_name("FILE");
  app.add_option("--csv", raw.csv, "write the schedule into this file")
      ->type_name("FILE");
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

[[noreturn]] static void reject(const char *option, const std::string &found,
                                const std::string &expected) {
  throw Failure{"found '" + std::string(option) + "=" + found + "', expected " +
                    expected,
                2};
}

/// Takes a number off the front of `text`; false if there is none.
template <typename T> static bool takeNumber(std::string_view &text, T &value) {
  auto [rest, status] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return status == std::errc();
}

static std::string shortText(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

/// Of the search's seed and of its effort.
constexpr int64_t kMostOfSearch = int64_t(1) << 20;

/// 0 where the option is not there.
static int32_t readCount(const char *option, const std::string &text,
                         int64_t most) {
  if (text.empty())
    return 0;
  int32_t value = 0;
  std::string_view rest = text;
  if (!takeNumber(rest, value) || !rest.empty() || value < 1 || value > most)
    reject(option, text, "a whole number from 1 to " + std::to_string(most));
  return value;
}

/// Numbers from 0 to `most` with commas between; those that may have units end
/// with K, M, G or T.
template <typename T>
static std::vector<T> readList(const char *option, std::string_view text,
                               double most, bool mayHaveUnits,
                               const std::string &expected) {
  std::vector<T> values;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    double value = 0;
    const bool isNumber = takeNumber(part, value);
    const size_t unit = isNumber && mayHaveUnits && !part.empty()
                            ? std::string_view("KMGT").find(part.front())
                            : std::string_view::npos;
    if (unit != std::string_view::npos) {
      value = std::ldexp(value, 10 * static_cast<int>(unit + 1));
      part.remove_prefix(1);
    }
    if (!isNumber || !part.empty() || !(value >= 0 && value <= most))
      reject(option, std::string(text), expected);
    values.push_back(static_cast<T>(value));
  }
  return values;
}

static std::vector<double>
readTimes(const char *option, const std::string &text, double byDefault) {
  if (text.empty())
    return {byDefault};
  // The sum of all times must stay a number.
  return readList<double>(option, text, limits::kTime, /*mayHaveUnits=*/false,
                          "a time from 0 to " + shortText(limits::kTime) +
                              ", or one for each stage with commas between");
}

/// What one stage holds: the sum over all actions of a schedule fits 64 bits.
constexpr double kMostOfStage = 1e12;
static_assert(kMostOfStage * limits::kActions < 0x1p63);

/// At a bandwidth of 1 the most take as long as anything may.
static std::vector<int64_t> readBytes(const char *option,
                                      const std::string &text,
                                      std::vector<int64_t> byDefault,
                                      double most = limits::kTime) {
  if (text.empty())
    return byDefault;
  return readList<int64_t>(
      option, text, most, /*mayHaveUnits=*/true,
      "a number of bytes such as 1000, 800M or 16G, at most " +
          shortText(most) + ", or several with commas between");
}

static pp::profile::Profile readProfile(const RawOptions &raw) {
  for (auto [option, text] :
       {std::pair{"--forward", &raw.forward},
        std::pair{"--backward-input", &raw.backwardInput},
        std::pair{"--backward-weight", &raw.backwardWeight},
        std::pair{"--optimizer", &raw.optimizer},
        std::pair{"--reduction", &raw.reduction}})
    if (!text->empty())
      reject(option, *text,
             "it without --profile, which has measured it: leave out one of "
             "the two");
  pp::profile::Result<pp::profile::Profile> profile =
      pp::profile::load(raw.profile);
  if (!profile)
    throw Failure{profile.error()};
  return std::move(*profile);
}

static double readOneTime(const char *option, const std::string &text) {
  const std::vector<double> times = readTimes(option, text, 0);
  if (times.size() != 1)
    reject(option, text, "one time");
  return times.front();
}

static double readBandwidth(const RawOptions &raw) {
  const std::vector<int64_t> bandwidth =
      readBytes("--bandwidth", raw.bandwidth, {});
  if (bandwidth.size() != 1 || bandwidth.front() < 1)
    reject("--bandwidth", raw.bandwidth,
           "one number of bytes in a unit of time, at least 1");
  return static_cast<double>(bandwidth.front());
}

/// Transfer times as they are, or from sizes, latency and bandwidth.
static void readTransfers(const RawOptions &raw, Costs &costs) {
  costs.forwardTransfer = readTimes("--transfer", raw.transfer, 0);
  costs.backwardTransfer = costs.forwardTransfer;
  if (raw.bytes.empty()) {
    for (auto [option, text] : {std::pair{"--latency", &raw.latency},
                                std::pair{"--bandwidth", &raw.bandwidth}})
      if (!text->empty() && raw.parameterBytes.empty() &&
          raw.layerBytes.empty())
        reject(option, *text,
               "'--bytes' with it, the size of the messages; '--transfer' "
               "gives their time at once");
    return;
  }
  if (!raw.transfer.empty())
    reject("--transfer", raw.transfer,
           "either it or '--bytes=" + raw.bytes + "', not both");
  if (raw.bandwidth.empty())
    reject("--bytes", raw.bytes,
           "'--bandwidth' with it, in bytes in a unit of time");
  const std::vector<int64_t> bytes = readBytes("--bytes", raw.bytes, {});
  costs.setTransfers({bytes.begin(), bytes.end()},
                     readOneTime("--latency", raw.latency), readBandwidth(raw));
}

/// Times of the collectives of replicas, as they are or from sizes.
static void readReplicas(const RawOptions &raw, Options &options) {
  Costs &costs = options.costs;
  costs.parameterGather =
      readTimes("--parameter-gather", raw.parameterGather, 0);
  costs.gradientReduction =
      readTimes("--gradient-reduction", raw.gradientReduction, 0);
  if (raw.replicas.empty()) {
    if (!raw.parameterBytes.empty())
      reject("--parameter-bytes", raw.parameterBytes,
             "'--replicas' with it, which gather and reduce as much");
    return;
  }
  options.replicas = readCount("--replicas", raw.replicas, limits::kRanks);
  for (auto [option, text] :
       {std::pair{"--parameter-gather", &raw.parameterGather},
        std::pair{"--gradient-reduction", &raw.gradientReduction}})
    if (!text->empty())
      reject(option, *text,
             "either it or '--replicas=" + raw.replicas + "', not both");
  if (options.profile && raw.parameterBytes.empty()) {
    if (options.replicas > 1 && !options.profile->hasTransfers)
      reject("--replicas", raw.replicas,
             "a profile of several ranks with it, which has measured "
             "transfers; or '--parameter-bytes' and '--bandwidth'");
    return;
  }
  if (raw.parameterBytes.empty() || raw.bandwidth.empty())
    reject("--replicas", raw.replicas,
           "'--parameter-bytes' and '--bandwidth' with it, or '--profile'");
  costs.parameterGather.clear();
  for (int64_t bytes : readBytes("--parameter-bytes", raw.parameterBytes, {}))
    costs.parameterGather.push_back(
        ringTime(static_cast<double>(bytes), options.replicas,
                 readOneTime("--latency", raw.latency), readBandwidth(raw)));
  costs.gradientReduction = costs.parameterGather;
  options.replicas = 1; // nothing is left to the profile
}

/// Adds the collectives of layers to the times of stages.
static void readTensors(const RawOptions &raw, Costs &costs) {
  if (raw.tensors.empty()) {
    for (auto [option, text] :
         {std::pair{"--layer-bytes", &raw.layerBytes},
          std::pair{"--layer-collectives", &raw.layerCollectives}})
      if (!text->empty())
        reject(option, *text,
               "'--tensors' with it, the ranks that share each stage");
    return;
  }
  if (!raw.profile.empty())
    reject("--tensors", raw.tensors,
           "it without --profile, which has measured collectives of layers: "
           "leave out one of the two");
  if (raw.layerBytes.empty() || raw.bandwidth.empty())
    reject("--tensors", raw.tensors,
           "'--layer-bytes' and '--bandwidth' with it");
  const int32_t ranks = readCount("--tensors", raw.tensors, limits::kRanks);
  std::vector<double> counts = {4, 4, 2};
  const std::string expected =
      "three numbers of collectives from 0 to 1e6, as 4,4,2";
  if (!raw.layerCollectives.empty())
    counts = readList<double>("--layer-collectives", raw.layerCollectives, 1e6,
                              /*mayHaveUnits=*/false, expected);
  if (counts.size() != 3)
    reject("--layer-collectives", raw.layerCollectives, expected);
  std::vector<double> seconds;
  for (int64_t bytes : readBytes("--layer-bytes", raw.layerBytes, {}))
    seconds.push_back(ringTime(static_cast<double>(bytes), ranks,
                               readOneTime("--latency", raw.latency),
                               readBandwidth(raw)));
  std::vector<double> *times[] = {&costs.forward, &costs.inputGradient,
                                  &costs.weightGradient};
  for (size_t kind = 0; kind < 3; ++kind) {
    std::vector<double> &of = *times[kind];
    // One for all stages, or one for each.
    if (of.size() == 1)
      of.assign(seconds.size(), of.front());
    if (seconds.size() != 1 && seconds.size() != of.size())
      reject("--layer-bytes", raw.layerBytes,
             "one for all stages, or " + std::to_string(of.size()));
    for (size_t stage = 0; stage < of.size(); ++stage)
      of[stage] += counts[kind] * seconds[seconds.size() == 1 ? 0 : stage];
  }
}

Options pp::plan::readOptions(const RawOptions &raw) {
  Options options;
  options.schedule = raw.schedule.empty() ? "1f1b" : raw.schedule;
  options.ranks = readCount("--ranks", raw.ranks, limits::kRanks);
  options.virtualStages =
      readCount("--virtual", raw.virtualStages, limits::kStages);
  options.microbatches =
      readCount("--microbatches", raw.microbatches, limits::kMicrobatches);
  Costs &costs = options.costs;
  costs.forward = readTimes("--forward", raw.forward, 1);
  costs.inputGradient = readTimes("--backward-input", raw.backwardInput, 1);
  costs.weightGradient = readTimes("--backward-weight", raw.backwardWeight, 1);
  readTensors(raw, costs);
  readTransfers(raw, costs);
  costs.overlapTransfers = !raw.noOverlap;
  costs.optimizer = readTimes("--optimizer", raw.optimizer, 0);
  costs.reduction = readOneTime("--reduction", raw.reduction);
  if (!raw.profile.empty())
    options.profile = readProfile(raw);
  readReplicas(raw, options);
  options.hasTransfer = !raw.transfer.empty() || !raw.bytes.empty();
  options.memory.activation =
      readBytes("--activation-bytes", raw.activationBytes, {1}, kMostOfStage);
  options.memory.fixed =
      readBytes("--fixed-bytes", raw.fixedBytes, {0}, kMostOfStage);
  options.memoryCap = readBytes("--memory-cap", raw.memoryCap, {});
  if (!raw.semantics.empty()) {
    std::optional<Semantics> semantics =
        pp::communication::parseSemantics(raw.semantics);
    if (!semantics)
      reject("--semantics", raw.semantics, pp::communication::listSemantics());
    options.semantics = *semantics;
  }
  if (int32_t seed = readCount("--seed", raw.seed, kMostOfSearch))
    options.search.seed = seed;
  if (int32_t effort = readCount("--effort", raw.effort, kMostOfSearch))
    options.search.effort = int64_t(effort) * 1'000'000;
  options.svg = raw.svg;
  options.trace = raw.trace;
  options.csv = raw.csv;
  options.splitBackward = raw.splitBackward;
  options.json = raw.json;
  return options;
}
