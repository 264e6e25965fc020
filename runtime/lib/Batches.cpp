#include "Batches.h"

#include "Error.h"
#include "Initialization.h"
#include "Philox.h"

#include <algorithm>
#include <cstdio>

using namespace pprt;

Batches::Batches(TokenFile &file, const Description &description, uint64_t seed,
                 int replica)
    : file(file), description(description), replica(uint64_t(replica)),
      key(streamKey(seed, "order of the data")) {
  uint64_t needed = uint64_t(description.sequence) + 1;
  if (file.tokens() < needed)
    throw Error("found " + std::to_string(file.tokens()) + " tokens in '" +
                file.path() + "', expected at least " + std::to_string(needed) +
                " for one sequence: give a longer file");
  window.resize(needed);
  lines = (size_t(description.batch * description.sequence) + 15) / 16;
  tokens.resize(size_t(description.microbatches) * lines);
  targets.resize(size_t(description.microbatches) * lines);
  valid.resize(size_t(description.microbatches));
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
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx",
                static_cast<unsigned long long>(file.fingerprint()));
  const std::string &path = file.path();
  return "windows of " + std::to_string(description.sequence) +
         " + 1 tokens at random places of '" +
         path.substr(path.rfind('/') + 1) + "' (" +
         std::to_string(file.tokens()) + " tokens as " + file.formatName() +
         ", fingerprint " + hash + ")";
}

uint64_t Batches::offsetOf(uint64_t sample) const {
  if (inOrder)
    return sample * uint64_t(description.sequence);
  uint64_t windows = file.tokens() - uint64_t(description.sequence);
  // The high half of the product maps 64 random bits to [0, windows).
  return uint64_t((unsigned __int128)philox64(key, sample, 0) * windows >> 64);
}

void Batches::check(int32_t token, int64_t limit, uint64_t position) const {
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
  const uint64_t sequence = uint64_t(description.sequence);
  const uint64_t batch = uint64_t(description.batch);
  const uint64_t rows = uint64_t(description.microbatches) * batch;
  // The samples of a step are those of the replicas in turn.
  const uint64_t first = firstSampleOf(step) + replica * rows;
  file.checkUnchanged();
  std::fill(valid.begin(), valid.end(), 0);
  for (uint64_t row = 0; row < rows; ++row) {
    uint64_t begin = offsetOf(first + row);
    file.read(begin, sequence + 1, window.data());
    for (uint64_t i = 0; i <= sequence; ++i) {
      if (i < sequence)
        check(window[i], description.vocabulary, begin + i);
      if (i == 0 || (window[i] >= 0 && window[i] == description.ignoredTarget))
        continue;
      check(window[i], description.targetClasses, begin + i);
      ++valid[row / batch];
    }
    size_t line = row / batch * lines, place = row % batch * sequence;
    std::copy_n(window.begin(), sequence, tokens[line].tokens + place);
    std::copy_n(window.begin() + 1, sequence, targets[line].tokens + place);
  }
}

const int32_t *Batches::input(int input, int microbatch) const {
  const std::vector<Line> &all =
      description.inputs[input].isTargets ? targets : tokens;
  return all[size_t(microbatch) * lines].tokens;
}

int64_t Batches::validTargets(int microbatch) const {
  return valid[size_t(microbatch)];
}
