//===- Loops.cpp - What repeats in an order of steps ----------------------===//
//
// For a stride of s micro-batches, each step looks at how far behind it the
// same series stands for the micro-batch s later. Where that distance stays the
// same, the list repeats with this distance as its period. 1F1B and the
// zero-bubble schedules repeat with a stride of 1, in warm-up and cool-down as
// well; the steady state of interleaved ones with the size of their groups. The
// stride that saves most comes first; what it leaves is tried with 1. No
// schedule is known by its name.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Loops.h"

#include <algorithm>

using namespace pp::schedule;

namespace {
constexpr int32_t kLargestStride = 256;

/// A loop of few rounds is no easier to read, and its values would have to take
/// turns in memory.
constexpr size_t kFewestRounds = 8, kFewestSaved = 24;

/// So few steps of micro-batches are not worth another try.
constexpr size_t kShort = 128;

class LoopFinder {
public:
  explicit LoopFinder(const std::vector<Step> &steps);

  std::vector<Loop> find() const;

private:
  static constexpr uint32_t kNowhere = ~uint32_t(0);

  /// From a place to that of the same `stride` micro-batches later, 0 for none.
  uint32_t distance(size_t place, int32_t stride) const {
    const Step &step = steps[place];
    const std::vector<uint32_t> &ofSeries = places[step.series];
    const size_t later = size_t(step.microbatch + stride);
    if (step.microbatch < 0 || later >= ofSeries.size() ||
        ofSeries[later] == kNowhere || ofSeries[later] <= place)
      return 0;
    return uint32_t(ofSeries[later] - place);
  }
  /// The longest loop from a place on, at most up to `end`.
  Loop loopAt(size_t begin, size_t end, int32_t stride) const {
    const uint32_t period = distance(begin, stride);
    size_t place = begin + 1;
    while (place + period < end && distance(place, stride) == period)
      ++place;
    return {begin, period, period ? (place - begin) / period + 1 : 0, stride};
  }
  static bool isWorthIt(const Loop &loop) {
    return loop.rounds >= kFewestRounds && loop.saved() >= kFewestSaved;
  }
  bool mayRepeat(int32_t stride) const;
  void findIn(size_t begin, size_t end, int32_t stride,
              std::vector<Loop> &loops) const;

  const std::vector<Step> &steps;
  int32_t microbatches = 0;
  size_t length = 0;                         ///< steps of micro-batches
  std::vector<std::vector<uint32_t>> places; ///< by series and micro-batch
};
} // namespace

LoopFinder::LoopFinder(const std::vector<Step> &steps) : steps(steps) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto [series, microbatch] = steps[i];
    if (places.size() <= series)
      places.resize(series + 1);
    if (microbatch < 0)
      continue;
    ++length;
    microbatches = std::max(microbatches, microbatch + 1);
    std::vector<uint32_t> &ofSeries = places[series];
    if (ofSeries.size() <= size_t(microbatch))
      ofSeries.resize(microbatch + 1, kNowhere);
    ofSeries[microbatch] = uint32_t(i);
  }
}

/// Whether there is a loop around one of a few places: what is worth a stride
/// of its own covers much of the list.
bool LoopFinder::mayRepeat(int32_t stride) const {
  for (size_t part : {2, 3, 4, 5, 6})
    if (isWorthIt(loopAt(steps.size() * part / 8, steps.size(), stride)))
      return true;
  return false;
}

void LoopFinder::findIn(size_t begin, size_t end, int32_t stride,
                        std::vector<Loop> &loops) const {
  while (begin < end) {
    const Loop loop = loopAt(begin, end, stride);
    if (isWorthIt(loop) && loop.end() <= end) {
      loops.push_back(loop);
      begin = loop.end();
      continue;
    }
    // No place of the same distance begins a longer one.
    do
      ++begin;
    while (begin < end && distance(begin, stride) == loop.period);
  }
}

std::vector<Loop> LoopFinder::find() const {
  std::vector<Loop> best;
  size_t mostSaved = 0;
  const int32_t largest =
      std::min(kLargestStride, microbatches / int32_t(kFewestRounds));
  for (int32_t stride = 1; stride <= largest; ++stride) {
    if (mostSaved > 0 && length - mostSaved <= kShort)
      break;
    if (stride > 1 && !mayRepeat(stride))
      continue;
    std::vector<Loop> loops;
    findIn(0, steps.size(), stride, loops);
    size_t saved = 0;
    for (const Loop &loop : loops)
      saved += loop.saved();
    if (saved > mostSaved) {
      mostSaved = saved;
      best = std::move(loops);
    }
  }
  std::vector<Loop> result;
  size_t next = 0;
  for (const Loop &loop : best) {
    findIn(next, loop.begin, 1, result);
    result.push_back(loop);
    next = loop.end();
  }
  findIn(next, steps.size(), 1, result);
  return result;
}

std::vector<Loop> pp::schedule::findLoops(const std::vector<Step> &steps) {
  return LoopFinder(steps).find();
}
