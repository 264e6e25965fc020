#include "LayerTimes.h"

#include <algorithm>
#include <map>

using namespace pprt;

double pprt::median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

LayerTimes::LayerTimes(const Description &description, const Program &program,
                       int64_t warmUp, int window)
    : warmUp(warmUp), window(size_t(window)) {
  std::map<std::pair<int, char>, uint32_t> slots;
  for (const Action &action : program.actions) {
    firstPart.push_back(slotOfPart.size());
    if (action.kind > ActionKind::BackwardWeight || action.stage < 0 ||
        size_t(action.stage) >= description.parts.size())
      continue;
    const StageParts &stage = description.parts[size_t(action.stage)];
    std::vector<bool> counted(parts.size());
    for (const Part &part : stage.byKind[size_t(action.kind)]) {
      auto [slot, isNew] =
          slots.try_emplace({part.layer, part.kind}, uint32_t(parts.size()));
      if (isNew) {
        parts.push_back(part);
        occurrences.push_back(0);
        counted.push_back(false);
      }
      slotOfPart.push_back(slot->second);
      // A half and the sum that it goes into are one occurrence.
      if (!counted[slot->second])
        ++occurrences[slot->second];
      counted[slot->second] = true;
    }
  }
  now.resize(parts.size());
  bytesOfAction.resize(program.actions.size());
  steps.assign(this->window, std::vector<float>(parts.size()));
}

void LayerTimes::endStep(int64_t step) {
  if (step >= warmUp)
    std::copy(now.begin(), now.end(), steps[count++ % window].begin());
  std::fill(now.begin(), now.end(), 0.0f);
}

std::vector<MeasuredPart> LayerTimes::measured() const {
  std::vector<MeasuredPart> all;
  for (size_t slot = 0; slot < parts.size(); ++slot) {
    std::vector<double> means;
    for (size_t i = 0; i < std::min(count, window); ++i)
      means.push_back(1e-9 * double(steps[i][slot]) / occurrences[slot]);
    all.push_back({parts[slot].layer, parts[slot].kind, median(means)});
  }
  return all;
}
