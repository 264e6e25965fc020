//===- Evaluation.cpp - Losses of other data between steps ----------------===//
#include "Evaluation.h"

#include "Clock.h"
#include "Context.h"
#include "Error.h"
#include "Progress.h"

using namespace pprt;

/// The file that is read as those to train on are.
static DataOptions optionsOf(const Options &options) {
  DataOptions result = options.data;
  result.files = {options.evalData};
  result.order = WindowOrder::Windows;
  return result;
}

Evaluation::Evaluation(const Description &description, const Options &options,
                       int rank)
    : description(description), rank(rank), steps(options.steps),
      every(options.evalEvery), numBatches(options.evalBatches),
      data(optionsOf(options)),
      batches(data, description, options.seed,
              description.mesh.coordinate(rank, "data")) {
  batches.takeInOrder();
  // Windows overlap by the token that is the target of one and begins the next.
  const uint64_t needed =
      uint64_t(numBatches) * uint64_t(description.tokensPerStep()) + 1;
  const TokenFile &file = data.file(0);
  if (file.tokens() < needed)
    throw Error("found " + std::to_string(file.tokens()) + " tokens in '" +
                file.path() + "', expected at least " + std::to_string(needed) +
                " for " + std::to_string(numBatches) + " batches of " +
                std::to_string(description.tokensPerStep()) +
                " tokens each: give a longer file or a smaller --eval-batches");
  // Unknown tokens would end the run at the first evaluation.
  for (int64_t batch = 0; batch < numBatches; ++batch)
    batches.load(batch);
}

std::string Evaluation::describe() const {
  const TokenFile &file = data.file(0);
  return file.path() + ", " + std::to_string(numBatches) + " x " +
         std::to_string(description.tokensPerStep()) + " of " +
         std::to_string(file.tokens()) + " tokens (" + file.formatName() + ")";
}

std::string Evaluation::summary() const {
  return "; " + std::to_string(runs) +
         (runs == 1 ? " evaluation" : " evaluations") + " in " +
         timeText(sumSeconds);
}

bool Evaluation::isDueAfter(int64_t step) const {
  return every == 0 ? step + 1 == steps : (step + 1) % every == 0;
}

void Evaluation::afterStep(int64_t step, pprt_context &context,
                           Backend &backend, const Batches &training,
                           const pprt_step_fn *functions) {
  if (!isDueAfter(step))
    return;
  // Behind those of steps.
  const pprt_step_fn function =
      functions[description.programs.size() +
                size_t(description.mesh.pipeOf(rank))];
  const uint64_t begin = nowNs();
  backend.useData(batches);
  // In the order of batches, on all ranks alike.
  pprt_context::LossSum sum;
  for (int64_t batch = 0; batch < numBatches; ++batch) {
    batches.load(batch);
    context.runEvaluation(function, sum);
  }
  backend.useData(training);
  lastLoss = sum.mean();
  ++runs;
  sumSeconds += toSeconds(nowNs() - begin);
}
