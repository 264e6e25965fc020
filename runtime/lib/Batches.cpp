#include "Batches.h"

#include "Error.h"

#include <algorithm>
#include <cstdio>

using namespace pprt;

Batches::Batches(DataSet &data, const Description &description, uint64_t seed,
                 int replica)
    : data(data), description(description), replica(uint64_t(replica)) {
  const uint64_t needed = uint64_t(description.sequence) + 1;
  for (size_t i = 0; i < data.size(); ++i)
    if (data.file(i).tokens() < needed)
      throw Error("found " + std::to_string(data.file(i).tokens()) +
                  " tokens in '" + data.file(i).path() +
                  "', expected at least " + std::to_string(needed) +
                  " for one sequence: give a longer file");
  for (const Input &input : description.inputs)
    hasDocuments |= input.kind == Input::Documents;
  if (hasDocuments)
    checkDocuments();
  samples = std::make_unique<SampleOrder>(data.tokens(), data.weights(),
                                          uint64_t(description.sequence),
                                          data.order(), seed);
  window.resize(needed);
  borders = std::make_unique<bool[]>(needed);
  lines = (size_t(description.batch * description.sequence) + 15) / 16;
  for (Input::Kind kind : {Input::Tokens, Input::Targets, Input::Documents})
    if (kind != Input::Documents || hasDocuments)
      arrays[kind].resize(size_t(description.microbatches) * lines);
  valid.resize(size_t(description.microbatches));
}

/// Of a model that asks for documents.
void Batches::checkDocuments() const {
  for (size_t i = 0; i < data.size(); ++i)
    if (!data.file(i).knowsDocuments())
      throw Error("found no documents in '" + data.file(i).path() +
                  "', expected to know where they end, for a model that keeps "
                  "them apart: give the token that ends each (--document-end), "
                  "or that begins each (--document-begin), or a data set with "
                  "Megatron's index");
  const bool hasTargets = std::any_of(
      description.inputs.begin(), description.inputs.end(),
      [](const Input &input) { return input.kind == Input::Targets; });
  if (hasTargets && !description.ignoredTarget)
    throw Error("found a model that keeps documents apart and whose loss "
                "ignores no target, expected one for the last token of each "
                "document: give nn.cross_entropy an ignore_index that is none "
                "of the classes");
}

void Batches::startAt(int64_t step, uint64_t sample) {
  baseStep = step;
  baseSample = sample;
}

uint64_t Batches::samplesPerStep() const {
  return uint64_t(description.allMicrobatches()) * uint64_t(description.batch);
}

uint64_t Batches::firstSampleOf(int64_t step) const {
  return baseSample + uint64_t(step - baseStep) * samplesPerStep();
}

std::string Batches::identity() const {
  std::string text = data.order() == WindowOrder::Epochs
                         ? "epochs of windows"
                         : "windows at random places";
  text += " of " + std::to_string(description.sequence) + " + 1 tokens";
  for (size_t i = 0; i < data.size(); ++i) {
    const TokenFile &file = data.file(i);
    std::string name = file.path().substr(file.path().rfind('/') + 1);
    for (char &c : name)
      if (static_cast<unsigned char>(c) < ' ')
        c = '?';
    char hash[17];
    std::snprintf(hash, sizeof hash, "%016llx",
                  static_cast<unsigned long long>(file.fingerprint()));
    text += (i == 0 ? " of '" : ", of '") + name + "' (" +
            std::to_string(file.tokens()) + " tokens as " + file.formatName() +
            ", fingerprint " + hash;
    if (hasDocuments)
      text += ", documents " + file.documentsName();
    if (data.size() > 1)
      text += ", share " + std::to_string(samples->blend().shareOf(i));
    text += ")";
  }
  return text;
}

std::string Batches::summary() const {
  std::string text;
  for (size_t i = 0; i < data.size(); ++i) {
    const TokenFile &file = data.file(i);
    text += "data: " + file.path() + ", " + std::to_string(file.tokens()) +
            " tokens (" + file.formatName() + ")";
    if (data.order() == WindowOrder::Epochs)
      text +=
          ", an epoch of " + std::to_string(samples->windowsOf(i)) + " samples";
    if (hasDocuments)
      text += ", documents " + file.documentsName();
    if (data.size() > 1) {
      char share[32];
      std::snprintf(share, sizeof share, ", %.4g %% of all",
                    100 * samples->blend().fractionOf(i));
      text += share;
    }
    text += "\n";
  }
  return text;
}

void Batches::check(int32_t token, int64_t limit, const TokenFile &file,
                    uint64_t position) const {
  if (token >= 0 && token < limit)
    return;
  throw Error("found token " +
              (token < 0 ? std::string("below 0 or above 2147483647")
                         : std::to_string(token)) +
              " at position " + std::to_string(position) + " of '" +
              file.path() + "' (read as " + file.formatName() +
              "), expected less than the model's vocabulary of " +
              std::to_string(limit) +
              ": use the tokenizer of the model, or a "
              "model with a larger vocabulary");
}

void Batches::load(int64_t step) {
  const uint64_t rows =
      uint64_t(description.microbatches) * uint64_t(description.batch);
  // The samples of a step are those of the replicas in turn.
  const uint64_t first = firstSampleOf(step) + replica * rows;
  data.checkUnchanged();
  std::fill(valid.begin(), valid.end(), 0);
  for (uint64_t row = 0; row < rows; ++row)
    loadRow(first + row, row);
}

/// Reads a sample to its row of those that this rank has in a step.
void Batches::loadRow(uint64_t sample, uint64_t row) {
  const uint64_t sequence = uint64_t(description.sequence);
  const uint64_t batch = uint64_t(description.batch);
  const auto [number, begin] = inOrder
                                   ? SampleOrder::Place{0, sample * sequence}
                                   : samples->placeOf(sample);
  const TokenFile &file = data.file(number);
  file.read(begin, sequence + 1, window.data());
  if (hasDocuments)
    file.markDocuments(begin, sequence + 1, window.data(), borders.get());
  const size_t line = row / batch * lines, place = row % batch * sequence;
  int32_t *tokens = arrays[Input::Tokens][line].tokens + place;
  int32_t *targets = arrays[Input::Targets][line].tokens + place;
  for (uint64_t i = 0; i <= sequence; ++i) {
    if (i < sequence) {
      check(window[i], description.vocabulary, file, begin + i);
      tokens[i] = window[i];
    }
    if (i == 0)
      continue;
    targets[i - 1] = window[i];
    if (hasDocuments && borders[i] && description.ignoredTarget)
      targets[i - 1] = int32_t(*description.ignoredTarget);
    else if (window[i] < 0 || window[i] != description.ignoredTarget)
      check(window[i], description.targetClasses, file, begin + i);
    valid[row / batch] += targets[i - 1] != description.ignoredTarget;
  }
  if (!hasDocuments)
    return;
  int32_t *documents = arrays[Input::Documents][line].tokens + place;
  documents[0] = 0;
  for (uint64_t i = 1; i < sequence; ++i)
    documents[i] = documents[i - 1] + int32_t(borders[i]);
}

const int32_t *Batches::input(int input, int microbatch) const {
  return arrays[description.inputs[size_t(input)].kind]
               [size_t(microbatch) * lines]
                   .tokens;
}

int64_t Batches::validTargets(int microbatch) const {
  return valid[size_t(microbatch)];
}
