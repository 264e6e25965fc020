#include "ResumeOptions.h"

#include "CheckpointDirectory.h"
#include "Error.h"

#include <algorithm>
#include <filesystem>

using namespace pprt;
namespace fs = std::filesystem;

std::string pprt::findCheckpoint(const Options &options) {
  const std::vector<int64_t> own =
      options.checkpoint.empty()
          ? std::vector<int64_t>()
          : CheckpointDirectory::stepsOf(options.checkpoint);
  const std::string newestOwn =
      own.empty() ? "" : CheckpointDirectory::nameOf(own.back());
  if (!options.resume || options.resumeWeightsOnly) {
    // Those of two runs in one directory could not be told apart.
    if (!own.empty())
      throw Error("found " + newestOwn + " in '" + options.checkpoint +
                  "', expected no checkpoints where a run begins anew: add "
                  "--resume, or give another --checkpoint");
    if (!options.resume)
      return "";
  }
  if (options.resume->empty())
    return own.empty() ? ""
                       : (fs::path(options.checkpoint) / newestOwn).string();
  const std::string path = CheckpointDirectory::newestOf(*options.resume);
  if (path.empty())
    throw Error("found no checkpoint in '" + *options.resume +
                "' of --resume, expected a directory step-N with a "
                "checkpoint.json, or one that has such: check the path");
  std::error_code error;
  if (!own.empty() &&
      !fs::equivalent(path, fs::path(options.checkpoint) / newestOwn, error))
    throw Error("found " + newestOwn + " in '" + options.checkpoint +
                "' beside '" + path +
                "' of --resume, expected to resume from the newest one there: "
                "move those behind it away, or give another --checkpoint");
  return path;
}

CheckpointIndex pprt::describeRun(const Description &description,
                                  const Options &options,
                                  const std::string &data) {
  CheckpointIndex run;
  run.seed = options.seed;
  run.model = description.name;
  run.modelHash = description.modelHash;
  run.vocabulary = description.vocabulary;
  run.sequence = description.sequence;
  run.data = data;
  run.optimizer = options.optimizer;
  run.mesh = description.mesh.describe();
  static constexpr const char *training[] = {
      "--steps", "--lr",    "--min-lr", "--warmup",  "--decay",
      "--clip",  "--beta1", "--beta2",  "--epsilon", "--weight-decay"};
  for (auto &[name, value] : options.values())
    if (std::find(std::begin(training), std::end(training), name) !=
        std::end(training))
      run.options[name] = value;
  run.options["samples a step"] =
      std::to_string(description.batch * description.allMicrobatches());
  return run;
}
