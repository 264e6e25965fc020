#include "Options.h"

#include "Support.h"

#include <cmath>
#include <set>

using namespace pprt;

static std::optional<Options> parse(std::vector<const char *> arguments,
                                    std::string *help = nullptr,
                                    bool canEvaluate = true) {
  Description description;
  description.programs.resize(4);
  for (Program &program : description.programs)
    if (canEvaluate)
      program.evaluation = {{ActionKind::Forward, 0, 0, -1, "e"}};
  description.name = "gpt";
  description.optimizers = {{"adamw", {"m", "v"}}, {"sgd", {}}};
  setPipe(description, 4);
  arguments.insert(arguments.begin(), "program");
  std::string text;
  auto options =
      parseOptions(int(arguments.size()), arguments.data(), description, text);
  if (help)
    *help = text;
  return options;
}

TEST(Options, DefaultsFollowFromOthers) {
  Options o = *parse(
      {"--data", "f", "--steps", "50", "--lr", "2e-3", "--warmup", "10"});
  EXPECT_EQ(o.steps, 50);
  EXPECT_DOUBLE_EQ(o.minLearningRate, 2e-4);
  EXPECT_EQ(o.decay, 40);
  EXPECT_EQ(o.optimizer, "adamw");
  EXPECT_EQ(o.data.format, TokenFormat::Auto);
  EXPECT_EQ(o.data.order, WindowOrder::Epochs);
  EXPECT_EQ(o.data.documents.end, -1);
  EXPECT_EQ(parse({"--data", "f", "--steps", "5", "--warmup", "10"})->decay, 0);
}

TEST(Options, EverythingIsRead) {
  Options o =
      *parse({"--data",         "f",          "--optimizer", "sgd",
              "--min-lr",       "0",          "--decay",     "7",
              "--weight-decay", "0",          "--beta1",     "0.5",
              "--beta2",        "0.6",        "--epsilon",   "1e-6",
              "--clip",         "0",          "--seed",      "9",
              "--token-format", "u32",        "--metrics",   "m",
              "--trace",        "t",          "--timeline",  "l",
              "--save",         "s",          "--load",      "d",
              "--timeout",      "2.5",        "--threads",   "3",
              "--quiet",        "--progress", "plain",       "--profile",
              "--memory-report"});
  EXPECT_EQ(o.optimizer, "sgd");
  EXPECT_EQ(o.minLearningRate, 0);
  EXPECT_EQ(o.decay, 7);
  EXPECT_EQ(o.clip, 0);
  EXPECT_EQ(o.seed, 9u);
  EXPECT_EQ(o.data.format, TokenFormat::U32);
  EXPECT_EQ(o.timeline, "l");
  EXPECT_EQ(o.timeout, 2.5);
  EXPECT_EQ(o.threads, 3);
  EXPECT_TRUE(o.quiet && o.profile && o.memoryReport);
}

TEST(Options, TheLastOneCounts) {
  EXPECT_EQ(parse({"--data", "f", "--steps", "3", "--steps", "7"})->steps, 7);
}

TEST(Options, ImpossibleValues) {
  EXPECT_ERROR(parse({}), "add --data FILE");
  EXPECT_ERROR(parse({"--data", "f", "--steps", "0"}),
               "found --steps 0, expected at least 1");
  EXPECT_ERROR(parse({"--data", "f", "--lr", "-1"}), "found --lr -1");
  EXPECT_ERROR(parse({"--data", "f", "--lr", "nan"}), "found --lr nan");
  EXPECT_ERROR(parse({"--data", "f", "--save-dtype", "bf16"}),
               "found --save-dtype without --save, expected both: give --save");
  EXPECT_ERROR(parse({"--data", "f", "--tokenizer", "d"}),
               "found --tokenizer without --save or --checkpoint, expected one "
               "of them: give --save DIR, or drop it");
  EXPECT_ERROR(parse({"--data", "f", "--save", "d", "--save-dtype", "f64"}),
               "found --save-dtype f64, expected f32, bf16 or f16");
  EXPECT_ERROR(parse({"--data", "f", "--save", "d", "--max-shard-size", "x"}),
               "found --max-shard-size x, expected a size such as 5GB");
  EXPECT_ERROR(parse({"--data", "f", "--lr", "1e-4", "--min-lr", "1e-3"}),
               "expected 0 to the value of --lr");
  EXPECT_ERROR(parse({"--data", "f", "--warmup", "-3"}), "found --warmup -3");
  EXPECT_ERROR(parse({"--data", "f", "--decay", "-3"}), "found --decay -3");
  EXPECT_ERROR(parse({"--data", "f", "--beta2", "1"}),
               "expected a number in [0, 1)");
  EXPECT_ERROR(parse({"--data", "f", "--epsilon", "0"}), "found --epsilon 0");
  EXPECT_ERROR(parse({"--data", "f", "--clip", "-1"}), "0 turns clipping off");
  EXPECT_ERROR(parse({"--data", "f", "--weight-decay", "inf"}),
               "found --weight-decay inf");
  EXPECT_ERROR(parse({"--data", "f", "--timeout", "0"}), "found --timeout 0");
  EXPECT_ERROR(parse({"--data", "f", "--threads", "0"}), "found --threads 0");
  EXPECT_ERROR(parse({"--data", "f", "--optimizer", "lion"}),
               "expected adamw or sgd");
  EXPECT_ERROR(parse({"--data", "f", "--token-format", "u8"}),
               "bytes, u16 or u32");
  EXPECT_ERROR(parse({"--data", "f", "--progress", "bar"}),
               "auto, line, plain or none");
  EXPECT_ERROR(parse({"--data", "f", "--unknown"}), "--help lists");
  EXPECT_ERROR(parse({"--data", "f", "--steps", "many"}), "--help lists");
  EXPECT_ERROR(parse({"--data", "f", "--steps", "99999999999999999999"}),
               "found '99999999999999999999', expected a whole number from");
  EXPECT_ERROR(parse({"--data", "f", "--seed", "-1"}),
               "expected a whole number from 0 to 18446744073709551615");
  EXPECT_EQ(parse({"--data", "f", "--seed", "18446744073709551615"})->seed,
            18446744073709551615u);
}

/// Updates compute in f32.
TEST(Options, ValuesAreCheckedAsTheyAreUsed) {
  auto with = [](const char *option, const char *value) {
    return parse({"--data", "f", option, value});
  };
  EXPECT_ERROR(with("--beta1", "0.99999999999"),
               "found --beta1 0.99999999999 (1 in f32), expected a number in "
               "[0, 1) also in f32");
  EXPECT_ERROR(with("--beta2", "0.99999999999"), "found --beta2 0.99999999999");
  EXPECT_ERROR(with("--epsilon", "1e-300"),
               "found --epsilon 1e-300 (0 in f32), expected a positive number "
               "that is neither 0 nor infinite in f32");
  EXPECT_ERROR(with("--epsilon", "1e39"), "found --epsilon 1e+39 (inf in f32)");
  EXPECT_ERROR(
      with("--lr", "1e39"),
      "found --lr 1e+39 (inf in f32), expected a number from 0 on that "
      "is finite in f32");
  EXPECT_ERROR(with("--weight-decay", "1e39"),
               "found --weight-decay 1e+39 (inf in f32)");
  EXPECT_ERROR(parse({"--data", "f", "--lr", "1e30", "--weight-decay", "1e10"}),
               "found --weight-decay 1e+10 with --lr 1e+30, expected a product "
               "that is finite in f32");
  EXPECT_ERROR(with("--clip", "1e-60"), "found --clip 1e-60 (0 in f32)");
  EXPECT_ERROR(with("--clip", "1e60"), "found --clip 1e+60 (inf in f32)");
  EXPECT_ERROR(with("--timeout", "1e-4"), "found --timeout 0.0001");
  // The last values that are what they say; a rate of 0 is one that can be
  // meant.
  EXPECT_TRUE(with("--beta1", "0.99999994"));
  EXPECT_TRUE(with("--epsilon", "1e-44"));
  EXPECT_TRUE(with("--lr", "3.4e38"));
  EXPECT_TRUE(with("--lr", "1e-60"));
  EXPECT_TRUE(with("--lr", "0"));
  EXPECT_TRUE(with("--clip", "0"));
}

/// Two stages; the second computes W alone. `shared`: layers have collectives,
/// and so have replicas.
static std::optional<Options> emulate(std::vector<const char *> arguments,
                                      bool planned = true,
                                      bool shared = false) {
  Description d;
  setPipe(d, 2);
  d.optimizers = {{"sgd", {}}};
  d.programs[0].actions = {{ActionKind::Backward, 0, 0, -1, ""}};
  d.programs[1].actions = {{ActionKind::BackwardWeight, 1, 0, -1, ""}};
  if (planned) {
    d.times.emplace();
    d.times->forward = {1, 2};
    d.times->inputGradient = {3, 4};
    d.times->weightGradient = {5, 6};
    d.times->transfer = {7};
  }
  if (shared) {
    d.times->forwardCollectives = {0.125, 0.25};
    d.times->inputCollectives = {0.5, 0};
    d.times->weightCollectives = {1, 2};
    d.times->parameterGather = {8, 9};
  }
  arguments.insert(arguments.begin(), "program");
  std::string help;
  return parseOptions(int(arguments.size()), arguments.data(), d, help);
}

TEST(Options, Evaluation) {
  Options o = *parse({"--data", "f", "--eval-data", "v"});
  EXPECT_EQ(o.evalData, "v");
  EXPECT_EQ(o.evalEvery, 0);
  EXPECT_EQ(o.evalBatches, 8);
  EXPECT_ERROR(parse({"--data", "f", "--eval-every", "2"}),
               "found --eval-every without --eval-data, expected both or none: "
               "add --eval-data FILE");
  EXPECT_ERROR(parse({"--data", "f", "--eval-batches", "2"}),
               "found --eval-batches without --eval-data");
  EXPECT_ERROR(parse({"--data", "f", "--eval-data", "v", "--eval-every", "-1"}),
               "found --eval-every -1, expected 0 or more steps");
  EXPECT_ERROR(
      parse({"--data", "f", "--eval-data", "v", "--eval-batches", "0"}),
      "found --eval-batches 0, expected 1 to 1000000");
  EXPECT_ERROR(parse({"--data", "f", "--eval-data", "v"}, nullptr,
                     /*canEvaluate=*/false),
               "found --eval-data with a program that cannot evaluate, "
               "expected one that can: compile it without --evaluation=off");
}

TEST(Options, EmulatedTimes) {
  EXPECT_FALSE(emulate({"--data", "f"})->emulate);
  // Transfers are real, whatever was planned.
  StageTimes times = *emulate({"--emulate", "--steps", "3"})->emulate;
  EXPECT_EQ(times.forward, (std::vector<double>{1, 2}));
  EXPECT_EQ(times.transfer, (std::vector<double>{0}));
  times = *emulate({"--emulate=4,3,2"}, /*planned=*/false)->emulate;
  EXPECT_EQ(times.forward, (std::vector<double>{4e-3, 4e-3}));
  EXPECT_EQ(times.inputGradient, (std::vector<double>{3e-3, 0}));
  EXPECT_EQ(times.weightGradient, (std::vector<double>{2e-3, 2e-3}));
  times = *emulate({"--emulate", "5"})->emulate;
  EXPECT_EQ(times.of({ActionKind::Backward, 0, 0, -1, ""}), 10e-3);
  EXPECT_EQ(times.of({ActionKind::BackwardWeight, 1, 0, -1, ""}), 5e-3);
  EXPECT_EQ(times.of({ActionKind::Send, -1, 0, 1, ""}), 0);
  // What is said is without collectives, what is predicted has them.
  times =
      *emulate({"--emulate", "5"}, /*planned=*/true, /*shared=*/true)->emulate;
  const Action backward{ActionKind::Backward, 0, 0, -1, ""};
  EXPECT_EQ(times.of({ActionKind::Forward, 1, 0, -1, ""}), 5e-3 + 0.25);
  EXPECT_DOUBLE_EQ(times.of(backward), 10e-3 + 0.5 + 1);
  EXPECT_EQ(times.inCollectives(backward), 1.5);
  EXPECT_EQ(times.parameterGather, (std::vector<double>{8, 9}));
  times = *emulate({"--emulate"}, true, true)->emulate;
  EXPECT_EQ(times.of(backward), 8);
  EXPECT_EQ(times.inCollectives(backward), 1.5);
  EXPECT_NE(emulate({"--emulate=5"})->values(),
            emulate({"--emulate=6"})->values());
}

TEST(Options, WhatCannotBeEmulated) {
  for (const char *text : {"--emulate=1,2", "--emulate=1,2,3,4", "--emulate=-1",
                           "--emulate=1,,2", "--emulate=1,2,", "--emulate=a",
                           "--emulate=inf", "--emulate=nan", "--emulate=1e7"})
    EXPECT_ERROR(emulate({text}), "expected one duration in ms for all "
                                  "computations, or three, from 0 to 1e6: "
                                  "--emulate=5 or, for F, I and W");
  EXPECT_ERROR(emulate({"--emulate"}, /*planned=*/false),
               "found --emulate without durations, expected them for a program "
               "that was compiled without planned ones: give --emulate=F,I,W");
  EXPECT_ERROR(emulate({"--emulate", "--save", "d"}),
               "found --save with --emulate, expected one of them: no numbers "
               "are computed, so that there are no weights to write");
  EXPECT_ERROR(emulate({"--emulate", "--load", "d"}),
               "found --load with --emulate, expected one of them: no numbers "
               "are computed, so that weights are not read");
  EXPECT_ERROR(emulate({"--emulate", "--eval-data", "v"}),
               "found --eval-data with --emulate, expected one of them: no "
               "numbers are computed, so that there is no loss to evaluate");
  EXPECT_ERROR(emulate({"--emulate", "--profile-out", "p"}),
               "found --profile-out with --emulate, expected one of them: "
               "there are no layers");
}

TEST(Options, HelpNamesEveryOption) {
  std::string help;
  EXPECT_FALSE(parse({"--help"}, &help));
  EXPECT_NE(help.find("mpirun -n 4"), std::string::npos);
  // Those of devices are options of programs for them alone (gpu_test.py).
  const std::set<std::string> ofDevices = {"--device",       "--transport",
                                           "--collectives",  "--attention",
                                           "--kernel-times", "--no-graph"};
  for (auto &[name, value] : Options().values())
    EXPECT_EQ(help.find(name) == std::string::npos, ofDevices.count(name) == 1)
        << name;
  for (const char *name : {"--quiet", "--progress"})
    EXPECT_NE(help.find(name), std::string::npos) << name;
}

TEST(Options, ValuesTellNumbersApart) {
  Options a, b;
  b.learningRate = std::nextafter(a.learningRate, 1.0);
  EXPECT_NE(a.values(), b.values());
  EXPECT_EQ(a.values(), Options().values());
}

static std::vector<std::string> filesOf(std::vector<const char *> arguments) {
  return parse(arguments)->data.files;
}

TEST(Options, SeveralFiles) {
  EXPECT_EQ(filesOf({"--data", "a"}), (std::vector<std::string>{"a"}));
  EXPECT_EQ(filesOf({"--data", "a.bin:0.7", "--seed", "2", "--data=b.idx:.3"}),
            (std::vector<std::string>{"a.bin:0.7", "b.idx:.3"}));
  EXPECT_ERROR(parse({"--data", "a", "b"}), "--help lists");
  EXPECT_ERROR(parse({"--data", "a", "--data", "b:0"}),
               "found --data with the weight '0'");
  // All ranks name the same files.
  auto values = parse({"--data", "a:2", "--data", "b"})->values();
  EXPECT_EQ(values.front().first, "--data");
  EXPECT_EQ(values.front().second, "a:2 b");
}

TEST(Options, OrderAndDocuments) {
  Options o =
      *parse({"--data", "f", "--order", "windows", "--document-end", "50256"});
  EXPECT_EQ(o.data.order, WindowOrder::Windows);
  EXPECT_EQ(o.data.documents.end, 50256);
  EXPECT_EQ(parse({"--data", "f", "--document-begin=1"})->data.documents.begin,
            1);
  EXPECT_ERROR(parse({"--data", "f", "--order", "random"}),
               "expected epochs or windows");
  EXPECT_ERROR(parse({"--data", "f", "--document-end", "3000000000"}),
               "found --document-end 3e+09, expected a token from 0 on");
  EXPECT_ERROR(parse({"--data", "f", "--document-begin=-7"}),
               "found --document-begin -7");
  EXPECT_ERROR(
      parse({"--data", "f", "--document-begin", "1", "--document-end", "2"}),
      "found --document-end with --document-begin");
}

TEST(DataSource, WeightBehindTheLastColon) {
  auto expect = [](const char *text, const char *path, double weight) {
    DataSource source = DataSource::parse(text);
    EXPECT_EQ(source.path, path);
    EXPECT_EQ(source.weight, weight);
  };
  expect("a.bin", "a.bin", 1);
  expect("a.bin:0.7", "a.bin", 0.7);
  expect("a.bin:2e3", "a.bin", 2000);
  expect("dir:x/a.bin", "dir:x/a.bin", 1);
  expect("a:1:1", "a:1", 1);
  expect("a:b:.5", "a:b", 0.5);
  expect("a:", "a:", 1);
  expect(":1", ":1", 1);
  expect("a:12x", "a:12x", 1);
  for (const char *text : {"a:0", "a:-1", "a:nan", "a:inf", "a:1e999", "a:-0"})
    EXPECT_ERROR(DataSource::parse(text), "expected a positive finite number");
}
