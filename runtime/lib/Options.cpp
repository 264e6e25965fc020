//===- Options.cpp - The command line of a compiled program ---------------===//
//
// CLI11 knows names and types; what the values have to satisfy is checked
// here, with what was found, what is expected, and what to do.
//
//===----------------------------------------------------------------------===//
#include "Options.h"

#include "Error.h"
#include "ProfileFile.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>

using namespace pprt;

/// CLI11's own reading takes what is out of range to the nearest number, and a
/// minus sign to 2^64 less.
template <typename T> static std::string checkInteger(const std::string &text) {
  T value;
  const char *end = text.data() + text.size();
  auto [last, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && last == end)
    return "";
  return "found '" + text + "', expected a whole number from " +
         std::to_string(std::numeric_limits<T>::min()) + " to " +
         std::to_string(std::numeric_limits<T>::max());
}

static std::string numberText(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

/// The shortest form that reads back as the same number.
static std::string exactText(double value) {
  char text[64];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value)
      break;
  }
  return text;
}

/// Breaks a text into lines; CLI11 indents them but does not break them.
static std::string wrap(const std::string &text) {
  constexpr size_t width = 66;
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      out += line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

static void require(bool good, const std::string &option,
                    const std::string &found, const std::string &expected,
                    const std::string &remedy) {
  if (!good)
    throw Error("found " + option + " " + found + ", expected " + expected +
                ": " + remedy);
}

/// Updates compute in f32: what counts is a value as it is there.
static bool isFiniteInF32(double value) { return std::isfinite(float(value)); }

static void check(const Options &o) {
  auto number = [](const char *option, double value, bool good,
                   const char *expected, const char *remedy) {
    require(good && std::isfinite(value), option, numberText(value), expected,
            remedy);
  };
  // Digits that tell a number from the limit that it was rounded to.
  auto updateNumber = [](const char *option, double value, bool good,
                         const char *expected, const char *remedy) {
    std::string found = exactText(value);
    if (std::isfinite(value) && value != double(float(value)) &&
        (!isFiniteInF32(value) || float(value) == 0 || float(value) == 1))
      found += " (" + numberText(double(float(value))) + " in f32)";
    require(good && isFiniteInF32(value), option, found, expected, remedy);
  };
  number("--steps", double(o.steps), o.steps >= 1, "at least 1",
         "give the number of training steps");
  updateNumber("--lr", o.learningRate, o.learningRate > 0,
               "a positive number that is finite in f32",
               "1e-3 is a start for small models");
  number("--min-lr", o.minLearningRate,
         o.minLearningRate >= 0 && o.minLearningRate <= o.learningRate,
         "0 to the value of --lr", "it is where the decay ends");
  number("--warmup", double(o.warmup), o.warmup >= 0, "0 or more steps",
         "0 starts with the full learning rate");
  number("--decay", double(o.decay), o.decay >= 0, "0 or more steps",
         "0 keeps the learning rate as it is");
  updateNumber("--weight-decay", o.weightDecay, o.weightDecay >= 0,
               "a number from 0 on that is finite in f32", "0 turns it off");
  // A rate by itself and a decay by itself may be finite.
  require(isFiniteInF32(double(float(o.learningRate)) *
                        double(float(o.weightDecay))),
          "--weight-decay",
          exactText(o.weightDecay) + " with --lr " + exactText(o.learningRate),
          "a product that is finite in f32", "lower one of them");
  updateNumber("--beta1", o.beta1, o.beta1 >= 0 && float(o.beta1) < 1,
               "a number in [0, 1) also in f32", "0.9 is usual");
  updateNumber("--beta2", o.beta2, o.beta2 >= 0 && float(o.beta2) < 1,
               "a number in [0, 1) also in f32", "0.95 is usual");
  updateNumber("--epsilon", o.epsilon, float(o.epsilon) > 0,
               "a positive number that is neither 0 nor infinite in f32",
               "1e-8 is usual");
  updateNumber("--clip", o.clip, o.clip == 0 || float(o.clip) > 0,
               "0, or a positive number that is neither 0 nor infinite in f32",
               "0 turns clipping off");
  if (!o.profileOut.empty())
    number("--steps", double(o.steps), o.steps > profileWarmUp,
           "at least 3 with --profile-out",
           "the first two steps are warm-up and do not count");
  number("--timeout", o.timeout, o.timeout >= 1e-3 && o.timeout <= 1e6,
         "1e-3 to 1e6 seconds", "it bounds how long one transfer may take");
  number("--threads", o.threads, o.threads >= 1 && o.threads <= 1024,
         "1 to 1024", "it is the number of threads of each rank");
}

/// Times for --emulate: `text` is F,I,W in ms, one duration for all of them, or
/// empty for the planned ones.
static StageTimes parseEmulation(const std::string &text,
                                 const Description &description) {
  if (text.empty()) {
    require(description.times.has_value(), "--emulate", "without durations",
            "them for a program that was compiled without planned ones",
            "give --emulate=F,I,W in ms");
    StageTimes times = *description.times;
    times.transfer = {0};
    return times;
  }
  std::vector<double> ms;
  std::istringstream fields(text);
  bool good = text.back() != ',';
  for (std::string field; good && std::getline(fields, field, ',');) {
    char *end = nullptr;
    ms.push_back(std::strtod(field.c_str(), &end));
    good = !field.empty() && *end == 0 && std::isfinite(ms.back()) &&
           ms.back() >= 0 && ms.back() <= 1e6;
  }
  require(good && (ms.size() == 1 || ms.size() == 3), "--emulate",
          "'" + text + "'",
          "one duration in ms for all computations, or three, from 0 to 1e6",
          "--emulate=5 or, for F, I and W, --emulate=5,4,3");
  const size_t stages = size_t(description.stages);
  StageTimes times;
  times.forward.assign(stages, ms.front() * 1e-3);
  times.inputGradient.assign(stages, ms[ms.size() / 2] * 1e-3);
  times.weightGradient.assign(stages, ms.back() * 1e-3);
  // A stage without an input gradient of its own, where W is all there is.
  std::vector<bool> hasInputGradient(stages);
  for (const Program &program : description.programs)
    for (const Action &action : program.actions)
      if (action.kind == ActionKind::Backward ||
          action.kind == ActionKind::BackwardInput)
        hasInputGradient[size_t(action.stage)] = true;
  for (size_t stage = 0; stage < stages; ++stage)
    if (!hasInputGradient[stage])
      times.inputGradient[stage] = 0;
  return times;
}

/// What a run without numbers cannot give or take.
static void checkEmulation(const Options &o) {
  const char *instead = "no numbers are computed";
  require(o.save.empty(), "--save", "with --emulate", "one of them",
          std::string(instead) + ", so that there are no weights to write");
  require(o.load.empty(), "--load", "with --emulate", "one of them",
          std::string(instead) + ", so that weights are not read");
  require(o.profileOut.empty(), "--profile-out", "with --emulate",
          "one of them", "there are no layers whose time could be measured");
}

static std::string joined(const std::vector<std::string> &texts,
                          const char *between) {
  std::string result;
  for (const std::string &text : texts)
    result += (result.empty() ? "" : between) + text;
  return result;
}

std::optional<Options> pprt::parseOptions(int argc, const char *const *argv,
                                          const Description &description,
                                          std::string &help) {
  Options o;
  std::string ranks = std::to_string(description.ranks());
  CLI::App app(
      "Trains '" + description.name + "', compiled for " + ranks +
      (description.ranks() == 1 ? " rank" : " pipeline ranks") + " (" +
      (description.schedule.empty() ? "" : description.schedule + ", ") +
      std::to_string(description.microbatches) + " micro-batches of " +
      std::to_string(description.batch) + " x " +
      std::to_string(description.sequence) + " tokens a step).\nStart: " +
      (description.ranks() == 1 ? "" : "mpirun -n " + ranks + " ") +
      "PROGRAM --data FILE --steps K");
  // Options given twice: the last one counts, so that scripts can pass on what
  // their users add.
  app.option_defaults()->always_capture_default()->multi_option_policy(
      CLI::MultiOptionPolicy::TakeLast);
  app.get_formatter()->column_width(30);
  app.set_help_flag("-h,--help", "Explain all options and leave");

  const char *group = "Data";
  app.add_option("--data", o.data,
                 "File to train on. Text as bytes; .bin files as tokens of 16 "
                 "or 32 bits; .npy files of whole numbers")
      ->type_name("FILE")
      ->group(group);
  const std::map<std::string, TokenFormat> formats = {
      {"auto", TokenFormat::Auto},
      {"bytes", TokenFormat::Bytes},
      {"u16", TokenFormat::U16},
      {"u32", TokenFormat::U32}};
  std::string format = "auto";
  app.add_option("--token-format", format,
                 "auto | bytes | u16 | u32. auto reads llm.c's header "
                 "(20240520: u16, 20240801: u32) and numpy's, takes other "
                 "files as bytes, and asks for .bin files without a header; "
                 "u16 and u32 skip a header if there is one")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--steps", o.steps, "Training steps")
      ->type_name("K")
      ->group(group);
  app.add_option("--seed", o.seed,
                 "Seed of the initial parameters, the order of the data, and "
                 "dropout")
      ->type_name("N")
      ->group(group);

  group = "Optimizer";
  std::vector<std::string> optimizers;
  for (const Optimizer &each : description.optimizers)
    optimizers.push_back(each.name);
  o.optimizer = optimizers.empty() ? "" : optimizers.front();
  app.add_option("--optimizer", o.optimizer, joined(optimizers, " | "))
      ->type_name("NAME")
      ->group(group);
  app.add_option("--lr", o.learningRate, "Learning rate after the warm-up")
      ->type_name("X")
      ->group(group);
  auto *minLr = app.add_option("--min-lr", o.minLearningRate,
                               "Learning rate at the end of the decay "
                               "[default: a tenth of --lr]")
                    ->type_name("X")
                    ->always_capture_default(false)
                    ->group(group);
  minLr->default_str("");
  app.add_option("--warmup", o.warmup,
                 "Steps in which the learning rate rises linearly to --lr")
      ->type_name("N")
      ->group(group);
  auto *decay =
      app.add_option("--decay", o.decay,
                     "Steps after the warm-up in which it falls to --min-lr "
                     "along a cosine; 0: it stays [default: all the rest]")
          ->type_name("N")
          ->always_capture_default(false)
          ->group(group);
  decay->default_str("");
  app.add_option("--weight-decay", o.weightDecay,
                 "Decoupled weight decay, for the parameters that the model "
                 "marks for it (by default: matrices)")
      ->type_name("X")
      ->group(group);
  app.add_option("--beta1", o.beta1, "AdamW: decay of the first moment")
      ->type_name("X")
      ->group(group);
  app.add_option("--beta2", o.beta2, "AdamW: decay of the second moment")
      ->type_name("X")
      ->group(group);
  app.add_option("--epsilon", o.epsilon, "AdamW: added to the denominator")
      ->type_name("X")
      ->group(group);
  app.add_option("--clip", o.clip,
                 "Largest global norm of the gradient; 0: no clipping")
      ->type_name("X")
      ->group(group);

  group = "Files";
  app.add_option("--metrics", o.metrics, "Write one JSON object a step")
      ->type_name("FILE.jsonl")
      ->group(group);
  app.add_option("--trace", o.trace,
                 "Write every action of all ranks for Perfetto or "
                 "chrome://tracing")
      ->type_name("FILE.json")
      ->group(group);
  app.add_option("--timeline", o.timeline,
                 "Draw a measured step, the median one of the last " +
                     std::to_string(timelineWindow) +
                     ", above the predicted one, and why ranks idled")
      ->type_name("FILE.svg")
      ->group(group);
  app.add_option("--profile-out", o.profileOut,
                 "Write the times of each layer, of transfers and of the "
                 "update, for pp-compile --profile and pp-plan --profile")
      ->type_name("FILE.json")
      ->group(group);
  app.add_option("--save", o.save,
                 "Write the trained parameters to DIR/model.safetensors "
                 "(whole or not at all; no optimizer state), also where "
                 "SIGINT or SIGTERM ends the run early")
      ->type_name("DIR")
      ->group(group);
  app.add_option("--load", o.load,
                 "Start from the parameters in DIR/model.safetensors")
      ->type_name("DIR")
      ->group(group);

  group = "Running";
  app.add_option("--timeout", o.timeout,
                 "Seconds a transfer may take before the run ends")
      ->type_name("S")
      ->group(group);
  const bool onDevice = description.target != "cpu";
  if (onDevice) {
    o.timeout = 30;
    app.add_option("--device", o.device,
                   "cuda | emulated. cuda: a GPU for each rank, by its number "
                   "on the node, shared where there are fewer; emulated: on "
                   "the host, for programs compiled with --emulate-device")
        ->type_name("NAME")
        ->group(group);
    app.add_option("--transport", o.transport,
                   "auto | nccl | mpi. nccl: from GPU to GPU; mpi: through "
                   "memory of the host, also for ranks that share a GPU; "
                   "auto: nccl, on the emulated device mpi")
        ->type_name("NAME")
        ->group(group);
    app.add_option("--attention", o.attention,
                   "auto | cudnn | generated. cudnn: by cuDNN, an error where "
                   "it is missing or has no plan; generated: by kernels of the "
                   "compiler; auto: by cuDNN where it has a plan, which is for "
                   "bf16 only")
        ->type_name("NAME")
        ->group(group);
    app.add_flag("--no-graph{false}", o.graph,
                 "Enqueue every step anew instead of as a CUDA graph")
        ->group(group);
    app.add_option("--kernel-times", o.kernelTimes,
                   "Measure each kernel and library call on the device and "
                   "write their times, bytes and operations to FILE as JSON "
                   "(FILE.R for rank R > 0). Steps are not graphs then, and "
                   "slower; the first one does not count")
        ->type_name("FILE")
        ->group(group);
  }
  app.add_option(
         "--threads", o.threads,
         "Threads of each rank in matrix products; results do not depend "
         "on it")
      ->type_name("N")
      ->group(group);
  app.add_flag("--quiet", o.quiet,
               "Print nothing but errors and the final loss")
      ->group(group);
  app.add_option("--progress", o.progress,
                 "auto | line | plain | none. line rewrites one line, plain "
                 "adds lines; auto: line on a terminal")
      ->type_name("NAME")
      ->group(group);
  app.add_flag(
         "--profile", o.profile,
         "Print at the end where each rank's time went, by kind of action")
      ->group(group);
  app.add_flag("--memory-report", o.memoryReport,
               "Print planned and allocated bytes of each rank")
      ->group(group);

  std::string emulate;
  auto *emulateOption =
      app.add_option("--emulate", emulate,
                     "Compute nothing: each action sleeps as long as planned, "
                     "or for F,I,W ms (one for all, or three; B takes I + W). "
                     "Transfers are real, --data is not read, there is no "
                     "loss. Shows what the runtime itself costs, with many "
                     "ranks on few cores")
          ->type_name("[F,I,W]")
          ->always_capture_default(false)
          ->expected(0, 1)
          ->group(group);
  emulateOption->default_str("");

  for (const char *name : {"--steps", "--warmup", "--decay"})
    app.get_option(name)->check(checkInteger<int64_t>);
  app.get_option("--seed")->check(checkInteger<uint64_t>);
  app.get_option("--threads")->check(checkInteger<int>);
  for (CLI::Option *option : app.get_options())
    option->description(wrap(option->get_description()));

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    help = app.help();
    return std::nullopt;
  } catch (const CLI::ParseError &error) {
    std::string text = error.what();
    if (!text.empty() && text.back() == '.')
      text.pop_back();
    throw Error("found a command line that cannot be read (" + text +
                "), expected the options that --help lists");
  }

  if (emulateOption->count() > 0) {
    // CLI11's word for an option without its value.
    o.emulate = parseEmulation(emulate == "true" ? "" : emulate, description);
    checkEmulation(o);
  }
  require(!o.data.empty() || o.emulate, "no", "--data", "a file to train on",
          "add --data FILE");
  auto chosen = formats.find(format);
  require(chosen != formats.end(), "--token-format", format,
          "auto, bytes, u16 or u32", "say what the file holds");
  o.tokenFormat = chosen->second;
  require(std::find(optimizers.begin(), optimizers.end(), o.optimizer) !=
              optimizers.end(),
          "--optimizer", o.optimizer, joined(optimizers, " or "),
          "choose one of them");
  require(o.progress == "auto" || o.progress == "line" ||
              o.progress == "plain" || o.progress == "none",
          "--progress", o.progress, "auto, line, plain or none",
          "choose one of them");
  require(!onDevice || !o.emulate, "--emulate", "with a program for GPUs",
          "a program for CPUs",
          "compile it with --target=cpu, its schedule is the same");
  require(!onDevice || o.profileOut.empty(), "--profile-out",
          "with a program for GPUs", "a program for CPUs",
          "times of single layers are measured on CPUs only; --trace and "
          "--timeline have those of actions");
  require(o.device == "cuda" || o.device == "emulated", "--device", o.device,
          "cuda or emulated", "choose one of them");
  require(
      o.transport == "auto" || o.transport == "nccl" || o.transport == "mpi",
      "--transport", o.transport, "auto, nccl or mpi", "choose one of them");
  require(o.attention == "auto" || o.attention == "cudnn" ||
              o.attention == "generated",
          "--attention", o.attention, "auto, cudnn or generated",
          "choose one of them");
  require(o.attention != "cudnn" || o.device == "cuda", "--attention", "cudnn",
          "auto with --device=emulated", "cuDNN needs GPUs");
  require(o.kernelTimes.empty() || o.steps >= 2, "--kernel-times",
          "with --steps " + std::to_string(o.steps), "at least 2 steps",
          "the first one is not measured");
  require(o.transport != "nccl" || o.device == "cuda", "--transport", "nccl",
          "mpi with --device=emulated", "NCCL needs GPUs");
  if (minLr->count() == 0)
    o.minLearningRate = o.learningRate / 10;
  if (decay->count() == 0)
    o.decay = std::max<int64_t>(o.steps - o.warmup, 0);
  check(o);
  return o;
}

std::vector<std::pair<std::string, std::string>> Options::values() const {
  std::string emulated = emulate ? "" : "off";
  if (emulate)
    for (const std::vector<double> *times :
         {&emulate->forward, &emulate->inputGradient, &emulate->weightGradient})
      for (double time : *times)
        emulated += exactText(time) + " ";
  return {
      {"--data", data},
      {"--token-format", std::to_string(int(tokenFormat))},
      {"--steps", std::to_string(steps)},
      {"--seed", std::to_string(seed)},
      {"--optimizer", optimizer},
      {"--lr", exactText(learningRate)},
      {"--min-lr", exactText(minLearningRate)},
      {"--warmup", std::to_string(warmup)},
      {"--decay", std::to_string(decay)},
      {"--weight-decay", exactText(weightDecay)},
      {"--beta1", exactText(beta1)},
      {"--beta2", exactText(beta2)},
      {"--epsilon", exactText(epsilon)},
      {"--clip", exactText(clip)},
      {"--threads", std::to_string(threads)},
      {"--metrics", metrics},
      {"--trace", trace},
      {"--timeline", timeline},
      {"--profile-out", profileOut},
      {"--save", save},
      {"--load", load},
      {"--timeout", exactText(timeout)},
      {"--device", device},
      {"--transport", transport},
      {"--attention", attention},
      {"--kernel-times", kernelTimes},
      {"--no-graph", graph ? "off" : "on"},
      {"--profile", profile ? "on" : "off"},
      {"--memory-report", memoryReport ? "on" : "off"},
      {"--emulate", emulated},
  };
}
