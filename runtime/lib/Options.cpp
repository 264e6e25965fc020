//===- Options.cpp - The command line of a compiled program ---------------===//
//
// One table says of each option what it is called, where its value lies, what
// the value has to be, and what help says. It is walked to declare the options
// (CLI11 knows names and types), to check the values (what was found, what is
// expected, and what to do), and to list them, since they have to be the same
// on all ranks. What one option says about another follows after it.
//
//===----------------------------------------------------------------------===//
#include "Options.h"

#include "EmulatedTimes.h"
#include "Error.h"
#include "ProfileFile.h"
#include "WeightLayout.h"

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

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
enum class Default { Shown, Told }; // by its value, or in words in the text

/// What an option is beside its field.
struct Row {
  const char *name, *meta, *text;
  Default byDefault = Default::Shown;
};

/// What a number has to be, in itself or as it is in f32.
struct Rule {
  bool holds;
  const char *expected, *remedy;
  bool isInF32 = false;
};
Rule inF32(bool holds, const char *expected, const char *remedy) {
  return {holds, expected, remedy, true};
}

template <typename T> using Choices = std::vector<std::pair<const char *, T>>;
} // namespace

template <typename Visitor>
static void visitEvaluation(Options &o, Visitor &v) {
  v.text({"--eval-data", "FILE",
          "File, read as those of --data, of which to compute the loss between "
          "steps, without dropout: eval_loss of --metrics"},
         o.evalData);
  v.number({"--eval-every", "N", "Steps between two; 0: one at the end"},
           o.evalEvery,
           Rule{o.evalEvery >= 0, "0 or more steps", "0 evaluates at the end"});
  v.number({"--eval-batches", "K",
            "Its size in samples of a step: always the first of the file"},
           o.evalBatches,
           Rule{o.evalBatches >= 1 && o.evalBatches <= 1000000, "1 to 1000000",
                "so many batches are computed"});
}

/// Walks the options of a program. In `here` stand those that each rank may
/// have its own value of.
template <typename Visitor> static void visitOptions(Options &o, Visitor &v) {
  v.group("Data");
  v.list({"--data", "FILE[:WEIGHT]",
          "File to train on; several where it is repeated, with weights "
          "[default: 1]. Text as bytes; .bin files of llm.c and nanoGPT as "
          "tokens of 16 or 32 bits; Megatron's NAME.idx with NAME.bin, by "
          "either name or NAME; .npy files of whole numbers"},
         o.data.files);
  v.choice({"--token-format", "NAME",
            "auto reads Megatron's index, llm.c's header (20240520: u16, "
            "20240801: u32) and numpy's, takes other files as bytes, and asks "
            "for .bin files without a header; u16 and u32 skip a header if "
            "there is one, nanoGPT's files are u16"},
           o.data.format,
           Choices<TokenFormat>{{"auto", TokenFormat::Auto},
                                {"bytes", TokenFormat::Bytes},
                                {"u16", TokenFormat::U16},
                                {"u32", TokenFormat::U32}},
           "say what the file holds");
  v.choice({"--order", "NAME",
            "epochs: each window of a file once an epoch, in an order drawn "
            "for it; windows: independent uniform choices among all places"},
           o.data.order,
           Choices<WindowOrder>{{"epochs", WindowOrder::Epochs},
                                {"windows", WindowOrder::Windows}},
           "choose one of them");
  auto token = [&](const char *name, const char *text, int64_t &field) {
    v.number({name, "TOKEN", text, Default::Told}, field,
             Rule{field >= -1 && field <= INT32_MAX, "a token from 0 on",
                  "it is the id that the tokenizer has for it; -1 is none"});
  };
  token("--document-end",
        "The token that ends each document, for models that keep them apart "
        "and files without an index (nanoGPT's: 50256)",
        o.data.documents.end);
  token("--document-begin",
        "The token that begins each document [default: in llm.c's files its "
        "tokenizer's end of text]",
        o.data.documents.begin);
  v.number(
      {"--steps", "K", "Training steps"}, o.steps,
      Rule{o.steps >= 1, "at least 1", "give the number of training steps"});
  v.number({"--seed", "N",
            "Seed of the initial parameters, the order of the data, and "
            "dropout"},
           o.seed, Rule{true, "", ""});
  visitEvaluation(o, v);

  v.group("Optimizer");
  Choices<std::string> optimizers;
  for (const std::string &name : o.optimizers)
    optimizers.emplace_back(name.c_str(), name);
  v.choice({"--optimizer", "NAME", ""}, o.optimizer, optimizers,
           "choose one of them");
  v.number({"--lr", "X", "Learning rate after the warm-up"}, o.learningRate,
           inF32(o.learningRate >= 0,
                 "a number from 0 on that is finite in f32",
                 "1e-3 is a start for small models, 0 changes nothing"));
  v.number({"--min-lr", "X",
            "Learning rate at the end of the decay [default: a tenth of --lr]",
            Default::Told},
           o.minLearningRate,
           Rule{o.minLearningRate >= 0 && o.minLearningRate <= o.learningRate,
                "0 to the value of --lr", "it is where the decay ends"});
  v.number({"--warmup", "N",
            "Steps in which the learning rate rises linearly to --lr"},
           o.warmup,
           Rule{o.warmup >= 0, "0 or more steps",
                "0 starts with the full learning rate"});
  v.number({"--decay", "N",
            "Steps after the warm-up in which it falls to --min-lr along a "
            "cosine; 0: it stays [default: all the rest]",
            Default::Told},
           o.decay,
           Rule{o.decay >= 0, "0 or more steps",
                "0 keeps the learning rate as it is"});
  v.number({"--weight-decay", "X",
            "Decoupled weight decay, for the parameters that the model marks "
            "for it (by default: matrices)"},
           o.weightDecay,
           inF32(o.weightDecay >= 0, "a number from 0 on that is finite in f32",
                 "0 turns it off"));
  v.number({"--beta1", "X",
            "AdamW: decay of the first moment; Lion: of the mean whose sign it "
            "takes"},
           o.beta1,
           inF32(o.beta1 >= 0 && float(o.beta1) < 1,
                 "a number in [0, 1) also in f32", "0.9 is usual"));
  v.number({"--beta2", "X",
            "AdamW: decay of the second moment; Lion: of its moment"},
           o.beta2,
           inF32(o.beta2 >= 0 && float(o.beta2) < 1,
                 "a number in [0, 1) also in f32", "0.95 is usual"));
  v.number({"--epsilon", "X", "AdamW: added to the denominator"}, o.epsilon,
           inF32(float(o.epsilon) > 0,
                 "a positive number that is neither 0 nor infinite in f32",
                 "1e-8 is usual"));
  v.number(
      {"--clip", "X", "Largest global norm of the gradient; 0: no clipping"},
      o.clip,
      inF32(o.clip == 0 || float(o.clip) > 0,
            "0, or a positive number that is neither 0 nor infinite in f32",
            "0 turns clipping off"));

  v.group("Files");
  v.text({"--metrics", "FILE.jsonl", "Write one JSON object a step"},
         o.metrics);
  v.text({"--tensorboard", "DIR",
          "Write an event file for TensorBoard in DIR: loss, gradient norm, "
          "learning rate and tokens/s of each step"},
         o.tensorBoard);
  v.text({"--trace", "FILE.json",
          "Write every action of all ranks for Perfetto or chrome://tracing"},
         o.trace);
  static const std::string timeline =
      "Draw a measured step, the median one of the last " +
      std::to_string(timelineWindow) +
      ", above the predicted one, and why ranks idled";
  v.text({"--timeline", "FILE.svg", timeline.c_str()}, o.timeline);
  v.text({"--profile-out", "FILE.json",
          "Write the times of each layer, of transfers and of the update, for "
          "pp-compile --profile and pp-plan --profile"},
         o.profileOut);
  v.text({"--save", "DIR",
          "Write the trained model to DIR, as Hugging Face's transformers "
          "loads it (whole or not at all; no optimizer state), also where "
          "SIGINT or SIGTERM ends the run early"},
         o.save);
  v.choice({"--save-dtype", "NAME",
            "What --save rounds to, to nearest even; values that would become "
            "infinite are an error"},
           o.saveType,
           Choices<ValueType>{{"f32", ValueType::F32},
                              {"bf16", ValueType::BF16},
                              {"f16", ValueType::F16}},
           "choose one of them");
  v.text({"--max-shard-size", "SIZE",
          "Of a file of --save: KB, MB, GB (1000), KiB, MiB, GiB (1024). A "
          "model that is larger is several files and an index"},
         o.maxShardSize);
  v.text({"--tokenizer", "DIR",
          "Take the files of the tokenizer that --save writes beside the "
          "weights from DIR [default: from --load]",
          Default::Told},
         o.tokenizer);
  v.text({"--load", "DIR",
          "Start from the parameters of DIR: model.safetensors, or the files "
          "of its index"},
         o.load);

  v.group("Checkpoints");
  v.text(
      {"--checkpoint", "DIR",
       "Write checkpoints DIR/step-N, from which a run goes on, on any mesh: "
       "weights, which are a model for --load, and the optimizer's states. "
       "One is written at the end, also where SIGINT, SIGTERM or SIGUSR1 "
       "ends the run"},
      o.checkpoint);
  v.number({"--every", "N", "Also after every N steps; 0: not"}, o.every,
           Rule{o.every >= 0, "0 or more steps",
                "it is how many steps lie between checkpoints"});
  v.number({"--every-minutes", "M", "Also after every M minutes; 0: not"},
           o.everyMinutes,
           Rule{o.everyMinutes >= 0 && o.everyMinutes <= 1e6,
                "0 to 1e6 minutes", "0 turns it off"});
  v.number({"--keep", "K", "Keep the newest K of DIR alone; 0: all"}, o.keep,
           Rule{o.keep >= 0, "0 or more", "0 keeps all checkpoints"});
  v.flag({"--checkpoint-sync", "",
          "Wait for the disk instead of writing beside the training"},
         o.checkpointSync);
  v.choice({"--checkpoint-errors", "NAME",
            "What a checkpoint that cannot be written is. warn: said, and the "
            "training goes on; fail: the end of the run"},
           o.checkpointErrors,
           Choices<std::string>{{"warn", "warn"}, {"fail", "fail"}},
           "choose one of them");
  v.optionalText({"--resume", "[PATH]",
                  "Go on from the newest checkpoint of --checkpoint, or with "
                  "the first step if it has none; or from that of PATH, a "
                  "checkpoint or a directory of them. On any mesh of the same "
                  "model and data the run is, to the byte, the one that was "
                  "never interrupted",
                  Default::Told},
                 o.resume);
  v.flag({"--resume-weights-only", "",
          "Of --resume take the weights alone, as --load does, and begin anew"},
         o.resumeWeightsOnly);

  v.group("Running");
  v.number(
      {"--timeout", "S", "Seconds a transfer may take before the run ends"},
      o.timeout,
      Rule{o.timeout >= 1e-3 && o.timeout <= 1e6, "1e-3 to 1e6 seconds",
           "it bounds how long one transfer may take"});
  if (v.hasDevice()) {
    const char *remedy = "choose one of them";
    v.choice({"--device", "NAME",
              "cuda: a GPU for each rank, by its number on the node, shared "
              "where there are fewer; emulated: on the host, for programs "
              "compiled with --emulate-device"},
             o.device,
             Choices<std::string>{{"cuda", "cuda"}, {"emulated", "emulated"}},
             remedy);
    v.choice({"--transport", "NAME",
              "nccl: from GPU to GPU; mpi: through memory of the host, also "
              "for ranks that share a GPU; auto: nccl, on the emulated device "
              "mpi"},
             o.transport,
             Choices<std::string>{
                 {"auto", "auto"}, {"nccl", "nccl"}, {"mpi", "mpi"}},
             remedy);
    v.choice({"--collectives", "NAME",
              "tree: gradients of replicas are summed in one order, with the "
              "same bits on every mesh; nccl: by NCCL, in an order that "
              "depends on the number of replicas and on the machine"},
             o.collectives,
             Choices<std::string>{{"tree", "tree"}, {"nccl", "nccl"}}, remedy);
    v.choice({"--attention", "NAME",
              "cudnn: by cuDNN, an error where it is missing or has no plan; "
              "generated: by kernels of the compiler; auto: by cuDNN where it "
              "has a plan, which is for bf16 only"},
             o.attention,
             Choices<std::string>{{"auto", "auto"},
                                  {"cudnn", "cudnn"},
                                  {"generated", "generated"}},
             remedy);
    v.flag({"--no-graph", "",
            "Enqueue every step anew instead of as a CUDA graph"},
           o.graph, /*given=*/false);
    v.text({"--kernel-times", "FILE",
            "Measure each kernel and library call on the device and write "
            "their times, bytes and operations to FILE as JSON (FILE.R for "
            "rank R > 0). Steps are not graphs then, and slower; the first one "
            "does not count"},
           o.kernelTimes);
  }
  v.number({"--threads", "N",
            "Threads of each rank in matrix products; results do not depend on "
            "it"},
           o.threads,
           Rule{o.threads >= 1 && o.threads <= 1024, "1 to 1024",
                "it is the number of threads of each rank"});
  v.here([&] {
    v.flag({"--quiet", "", "Print nothing but errors and the final loss"},
           o.quiet);
    v.choice({"--progress", "NAME",
              "line rewrites one line, plain adds lines; auto: line on a "
              "terminal"},
             o.progress,
             Choices<std::string>{{"auto", "auto"},
                                  {"line", "line"},
                                  {"plain", "plain"},
                                  {"none", "none"}},
             "choose one of them");
  });
  v.flag({"--profile", "",
          "Print at the end where each rank's time went, by kind of action"},
         o.profile);
  v.flag(
      {"--memory-report", "", "Print planned and allocated bytes of each rank"},
      o.memoryReport);
  v.emulation({"--emulate", "[F,I,W]",
               "Compute nothing: each action sleeps as long as planned, or for "
               "F,I,W ms (one for all, or three; B takes I + W). Transfers are "
               "real, --data is not read, there is no loss. Shows what the "
               "runtime itself costs, with many ranks on few cores",
               Default::Told},
              o.emulate);
}

//===----------------------------------------------------------------------===//
// Its walks
//===----------------------------------------------------------------------===//

/// "a, b or c"; or with another word between all.
template <typename T>
static std::string namesOf(const Choices<T> &choices,
                           const char *between = nullptr) {
  std::string names;
  for (size_t i = 0; i < choices.size(); ++i)
    names += (i == 0                    ? ""
              : between                 ? between
              : i + 1 == choices.size() ? " or "
                                        : ", ") +
             std::string(choices[i].first);
  return names;
}

namespace {
/// Declares the options. Values are read into the fields.
class Declaration {
public:
  Declaration(CLI::App &app, bool hasDevice) : app(app), device(hasDevice) {}

  bool hasDevice() const { return device; }
  void group(const char *name) { groupName = name; }
  template <typename Body> void here(Body body) { body(); }

  void text(const Row &row, std::string &field) {
    finish(row, app.add_option(row.name, field, wrap(row.text)));
  }
  void list(const Row &row, std::vector<std::string> &field) {
    finish(row, app.add_option(row.name, field, wrap(row.text))
                    ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                    ->allow_extra_args(false)
                    ->expected(1));
  }
  void flag(const Row &row, bool &field, bool given = true) {
    std::string names = row.name + std::string(given ? "" : "{false}");
    app.add_flag(names, field, wrap(row.text))->group(groupName);
  }
  template <typename T> void number(const Row &row, T &field, const Rule &) {
    CLI::Option *option = app.add_option(row.name, field, wrap(row.text));
    if constexpr (std::is_integral_v<T>)
      option->check(checkInteger<T>);
    finish(row, option);
  }
  template <typename T>
  void choice(const Row &row, T &field, const Choices<T> &choices,
              const char *remedy) {
    std::string text = namesOf(choices, " | ");
    if (*row.text)
      text += ". " + std::string(row.text);
    CLI::Option *option = app.add_option_function<std::string>(
        row.name,
        [&field, choices, name = row.name, remedy](const std::string &found) {
          for (const auto &[known, value] : choices)
            if (found == known) {
              field = value;
              return;
            }
          require(false, name, found, namesOf(choices), remedy);
        },
        wrap(text));
    for (const auto &[known, value] : choices)
      if (value == field)
        option->default_str(known);
    option->type_name(row.meta)->group(groupName);
  }
  void emulation(const Row &row, std::optional<StageTimes> &) {
    emulated = app.add_option(row.name, emulatedText, wrap(row.text));
    emulated->expected(0, 1);
    finish(row, emulated);
  }

  void optionalText(const Row &row, std::optional<std::string> &field) {
    CLI::Option *option = app.add_option_function<std::string>(
        row.name,
        [&field](const std::string &text) {
          field = text == absentValue ? "" : text;
        },
        wrap(row.text));
    option->expected(0, 1);
    finish(row, option);
  }

  /// How often an option has been given.
  size_t count(const char *name) const { return app.count(name); }

  /// CLI11's word for an option without its value.
  static constexpr const char *absentValue = "true";
  CLI::Option *emulated = nullptr; ///< --emulate, whose value needs the program
  std::string emulatedText;

private:
  void finish(const Row &row, CLI::Option *option) {
    option->type_name(row.meta)->group(groupName);
    if (row.byDefault == Default::Told)
      option->always_capture_default(false)->default_str("");
  }

  CLI::App &app;
  bool device;
  const char *groupName = "";
};

/// Checks numbers; names have been checked where they were read.
class Check {
public:
  bool hasDevice() const { return true; }
  void group(const char *) {}
  template <typename Body> void here(Body body) { body(); }
  void text(const Row &, std::string &) {}
  void list(const Row &, std::vector<std::string> &) {}
  void flag(const Row &, bool &, bool = true) {}
  void emulation(const Row &, std::optional<StageTimes> &) {}
  void optionalText(const Row &, std::optional<std::string> &) {}
  template <typename T>
  void choice(const Row &, T &, const Choices<T> &, const char *) {}

  template <typename T>
  void number(const Row &row, T &field, const Rule &rule) {
    const double value = double(field);
    if (!rule.isInF32) {
      require(rule.holds && std::isfinite(value), row.name, numberText(value),
              rule.expected, rule.remedy);
      return;
    }
    // Digits that tell a number from the limit that it was rounded to.
    std::string found = exactText(value);
    if (std::isfinite(value) && value != double(float(value)) &&
        (!isFiniteInF32(value) || float(value) == 0 || float(value) == 1))
      found += " (" + numberText(double(float(value))) + " in f32)";
    require(rule.holds && isFiniteInF32(value), row.name, found, rule.expected,
            rule.remedy);
  }
};

/// Lists what has to be the same on all ranks.
class Listing {
public:
  std::vector<std::pair<std::string, std::string>> values;

  bool hasDevice() const { return true; }
  void group(const char *) {}
  /// What a rank prints is its own matter.
  template <typename Body> void here(Body) {}
  void text(const Row &row, std::string &field) { add(row, field); }
  void list(const Row &row, std::vector<std::string> &field) {
    std::string text;
    for (const std::string &item : field)
      text += (text.empty() ? "" : " ") + item;
    add(row, text);
  }
  void flag(const Row &row, bool &field, bool given = true) {
    add(row, field == given ? "on" : "off");
  }
  template <typename T> void number(const Row &row, T &field, const Rule &) {
    if constexpr (std::is_floating_point_v<T>)
      add(row, exactText(field));
    else
      add(row, std::to_string(field));
  }
  template <typename T>
  void choice(const Row &row, T &field, const Choices<T> &choices,
              const char *) {
    for (const auto &[known, value] : choices)
      if (value == field)
        add(row, known);
  }
  void optionalText(const Row &row, std::optional<std::string> &field) {
    add(row, field ? "'" + *field + "'" : "off");
  }
  void emulation(const Row &row, std::optional<StageTimes> &field) {
    std::string text = field ? "" : "off";
    if (field)
      for (const std::vector<double> *times :
           {&field->forward, &field->inputGradient, &field->weightGradient})
        for (double time : *times)
          text += exactText(time) + " ";
    add(row, text);
  }

private:
  void add(const Row &row, const std::string &value) {
    values.emplace_back(row.name, value);
  }
};
} // namespace

/// What a run without numbers cannot give or take.
static void checkEmulation(const Options &o) {
  const char *instead = "no numbers are computed";
  require(o.save.empty(), "--save", "with --emulate", "one of them",
          std::string(instead) + ", so that there are no weights to write");
  require(o.load.empty(), "--load", "with --emulate", "one of them",
          std::string(instead) + ", so that weights are not read");
  require(o.checkpoint.empty() && !o.resume, "--checkpoint or --resume",
          "with --emulate", "none of them",
          std::string(instead) + ", so that there is nothing to go on from");
  require(o.profileOut.empty(), "--profile-out", "with --emulate",
          "one of them", "there are no layers whose time could be measured");
  require(o.evalData.empty(), "--eval-data", "with --emulate", "one of them",
          std::string(instead) + ", so that there is no loss to evaluate");
}

static void checkEvaluation(const Options &o, const Declaration &declared,
                            const Description &description) {
  for (const char *name : {"--eval-every", "--eval-batches"})
    require(!o.evalData.empty() || declared.count(name) == 0, name,
            "without --eval-data", "both or none", "add --eval-data FILE");
  require(o.evalData.empty() || description.canEvaluate(), "--eval-data",
          "with a program that cannot evaluate", "one that can",
          "compile it without --evaluation=off");
}

/// What options say about each other and about the program.
static void checkTogether(const Options &o, bool onDevice) {
  require(!o.data.files.empty() || o.emulate, "no", "--data",
          "a file to train on", "add --data FILE");
  for (const std::string &text : o.data.files)
    DataSource::parse(text);
  require(o.data.documents.end < 0 || o.data.documents.begin < 0,
          "--document-end", "with --document-begin", "one of them",
          "documents are told apart by one token");
  require(!o.checkpoint.empty() || (!o.every && !o.everyMinutes && !o.keep),
          "--every, --every-minutes or --keep", "without --checkpoint",
          "a directory", "add --checkpoint DIR");
  require(!o.resume || !o.resume->empty() || !o.checkpoint.empty(), "--resume",
          "without --checkpoint", "where checkpoints are",
          "add --checkpoint DIR, or name one");
  require(o.resume || !o.resumeWeightsOnly, "--resume-weights-only",
          "without --resume", "both", "add --resume PATH, or use --load");
  require(!onDevice || !o.emulate, "--emulate", "with a program for GPUs",
          "a program for CPUs",
          "compile it with --target=cpu, its schedule is the same");
  require(!o.resume || o.profileOut.empty(), "--profile-out", "with --resume",
          "one of them", "measure in a run of its own");
  require(!onDevice || o.profileOut.empty(), "--profile-out",
          "with a program for GPUs", "a program for CPUs",
          "times of single layers are measured on CPUs only; --trace and "
          "--timeline have those of actions");
  require(o.attention != "cudnn" || o.device == "cuda", "--attention", "cudnn",
          "auto with --device=emulated", "cuDNN needs GPUs");
  require(o.kernelTimes.empty() || o.steps >= 2, "--kernel-times",
          "with --steps " + std::to_string(o.steps), "at least 2 steps",
          "the first one is not measured");
  require(o.transport != "nccl" || o.device == "cuda", "--transport", "nccl",
          "mpi with --device=emulated", "NCCL needs GPUs");
  require(o.collectives != "nccl" ||
              (o.device == "cuda" && o.transport != "mpi"),
          "--collectives", "nccl", "tree where NCCL is not the transport",
          "choose --device=cuda and --transport=nccl");
  // A rate by itself and a decay by itself may be finite.
  require(!isFiniteInF32(o.learningRate) || !isFiniteInF32(o.weightDecay) ||
              isFiniteInF32(double(float(o.learningRate)) *
                            double(float(o.weightDecay))),
          "--weight-decay",
          exactText(o.weightDecay) + " with --lr " + exactText(o.learningRate),
          "a product that is finite in f32", "lower one of them");
  if (!o.profileOut.empty())
    require(o.steps > profileWarmUp, "--steps", numberText(double(o.steps)),
            "at least 3 with --profile-out",
            "the first two steps are warm-up and do not count");
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

  const bool onDevice = description.target != "cpu";
  if (onDevice)
    o.timeout = 30;
  for (const Optimizer &each : description.optimizers)
    o.optimizers.push_back(each.name);
  o.optimizer = o.optimizers.empty() ? "" : o.optimizers.front();
  Declaration declared(app, onDevice);
  visitOptions(o, declared);

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

  if (declared.emulated->count() > 0) {
    const std::string &text = declared.emulatedText;
    o.emulate = parseEmulatedTimes(text == Declaration::absentValue ? "" : text,
                                   description);
    checkEmulation(o);
  }
  o.maxShardBytes = parseShardSize(o.maxShardSize);
  require(declared.count("--save-dtype") == 0 || !o.save.empty(),
          "--save-dtype", "without --save", "both",
          "give --save DIR, or drop it");
  for (const char *name : {"--max-shard-size", "--tokenizer"})
    require(declared.count(name) == 0 ||
                !(o.save.empty() && o.checkpoint.empty()),
            name, "without --save or --checkpoint", "one of them",
            "give --save DIR, or drop it");
  if (declared.count("--min-lr") == 0)
    o.minLearningRate = o.learningRate / 10;
  if (declared.count("--decay") == 0)
    o.decay = std::max<int64_t>(o.steps - o.warmup, 0);
  checkEvaluation(o, declared, description);
  checkTogether(o, onDevice);
  Check check;
  visitOptions(o, check);
  return o;
}

std::vector<std::pair<std::string, std::string>> Options::values() const {
  Options copy = *this;
  Listing listing;
  visitOptions(copy, listing);
  return std::move(listing.values);
}
