//===- DataTest.cpp - Prints the samples of a run -------------------------===//
//
// usage: pprt-data-test SHAPE STEPS OPTIONS...
//
// SHAPE is sequence,batch,micro-batches,replicas,replica,documents (0 or 1);
// STEPS is first,sample,count: step `first` begins with sample `sample`, and
// `count` steps are loaded. OPTIONS are those of a compiled program. Prints a
// line for each micro-batch: its tokens, targets, documents and valid targets,
// as JSON; before them the identity. data_test.py reads the same files by
// itself.
//
//===----------------------------------------------------------------------===//
#include "Batches.h"
#include "Error.h"
#include "Options.h"

#include <cstdio>
#include <cstdlib>

using namespace pprt;

static std::vector<long long> numbersOf(const char *text) {
  std::vector<long long> numbers;
  for (char *end; *text; text = *end ? end + 1 : end) {
    numbers.push_back(std::strtoll(text, &end, 10));
    if (end == text)
      throw Error("found '" + std::string(text) + "', expected a number");
  }
  return numbers;
}

static void printArray(const int32_t *numbers, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    std::printf("%s%d", i == 0 ? "[" : ",", numbers[i]);
  std::printf("]");
}

static void printSteps(int argc, char **argv) {
  if (argc < 3)
    throw Error("found no SHAPE and STEPS, expected both");
  const std::vector<long long> shape = numbersOf(argv[1]);
  const std::vector<long long> steps = numbersOf(argv[2]);
  if (shape.size() != 6 || steps.size() != 3)
    throw Error("found other counts of numbers, expected 6 and 3");
  Description d;
  d.sequence = shape[0];
  d.batch = shape[1];
  d.microbatches = int(shape[2]);
  d.mesh = Mesh({{"pipe", 1}, {"data", int(shape[3])}});
  d.programs.resize(1);
  d.vocabulary = d.targetClasses = Description::unbounded;
  d.inputs = {{"tokens", Input::Tokens, d.batch, d.sequence},
              {"targets", Input::Targets, d.batch, d.sequence}};
  if (shape[5]) {
    d.inputs.push_back({"documents", Input::Documents, d.batch, d.sequence});
    d.ignoredTarget = -100;
  }
  std::string help;
  argv[2] = argv[0];
  Options options = *parseOptions(argc - 2, argv + 2, d, help);
  DataSet data(options.data);
  Batches batches(data, d, options.seed, int(shape[4]));
  batches.startAt(steps[0], uint64_t(steps[1]));
  std::printf("%s\n", batches.identity().c_str());
  for (long long step = steps[0]; step < steps[0] + steps[2]; ++step) {
    batches.load(step);
    for (int m = 0; m < d.microbatches; ++m) {
      std::printf("[");
      for (int input = 0; input < int(d.inputs.size()); ++input) {
        printArray(batches.input(input, m), d.batch * d.sequence);
        std::printf(",");
      }
      std::printf("%lld]\n", static_cast<long long>(batches.validTargets(m)));
    }
  }
}

int main(int argc, char **argv) {
  try {
    printSteps(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
