//===- Partitioning.cpp - Where to cut a model into stages ----------------===//
//
// Stages are runs of items in the order of the model, which is a topological
// order. So the best cut is a shortest path: state (stages used, items
// covered), edges the runs that may be one stage. Two sweeps over the same
// states: the first finds the smallest bottleneck, the second, among the runs
// that stay under it, the cut with the fewest bytes across and then the most
// even one (sums add up along a path, so the second sweep is exact as well;
// a bottleneck together with a sum would not be).
//
//===----------------------------------------------------------------------===//

#include "pp/Partitioning/Partitioning.h"

#include <algorithm>
#include <limits>

using namespace pp::partitioning;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Cost that compares bytes across the cuts first, evenness second.
struct Tie {
  double bytes = kInfinity, squares = kInfinity;
  bool operator<(const Tie &other) const {
    return bytes != other.bytes ? bytes < other.bytes : squares < other.squares;
  }
};

class Cutter {
public:
  explicit Cutter(const Problem &problem)
      : problem(problem), count(problem.items.size()), prefix(count + 1, 0) {
    for (size_t i = 0; i < count; ++i)
      prefix[i + 1] = prefix[i] + problem.items[i].seconds;
  }

  /// The smallest maximum over the stages of a cut: of memory, or of seconds
  /// under the memory limit. Infinite if there is no cut.
  double smallestBottleneck(bool byMemory) const {
    std::vector<double> best(count + 1, kInfinity), next;
    best[0] = 0;
    for (int64_t stage = 0; stage != problem.stages; ++stage) {
      next.assign(count + 1, kInfinity);
      for (size_t begin = 0; begin != count; ++begin) {
        if (best[begin] == kInfinity)
          continue;
        for (size_t end = begin + 1; end <= count; ++end) {
          if (byMemory ? !pinAllows(stage, end) : !mayEnd(stage, begin, end))
            break;
          double cost = byMemory ? problem.memory(stage, begin, end)
                                 : secondsOf(begin, end);
          next[end] = std::min(next[end], std::max(best[begin], cost));
        }
      }
      best = next;
    }
    return best[count];
  }

  std::vector<size_t> cut() const {
    const double bottleneck = smallestBottleneck(/*byMemory=*/false);
    if (bottleneck == kInfinity)
      return {};
    // Prefix sums round; runs of equal layers must stay equal.
    const double limit = bottleneck * (1 + 1e-9);
    const auto stages = static_cast<size_t>(problem.stages);
    std::vector<std::vector<Tie>> best(stages + 1, std::vector<Tie>(count + 1));
    std::vector<std::vector<size_t>> from(stages + 1,
                                          std::vector<size_t>(count + 1, 0));
    best[0][0] = {0, 0};
    for (size_t stage = 0; stage != stages; ++stage)
      for (size_t begin = 0; begin != count; ++begin) {
        if (best[stage][begin].bytes == kInfinity)
          continue;
        for (size_t end = begin + 1; end <= count; ++end) {
          const double seconds = secondsOf(begin, end);
          if (seconds > limit ||
              !mayEnd(static_cast<int64_t>(stage), begin, end))
            break;
          const double bytes = end < count ? problem.items[end].cutBytes : 0;
          const Tie candidate{best[stage][begin].bytes + bytes,
                              best[stage][begin].squares + seconds * seconds};
          if (candidate < best[stage + 1][end]) {
            best[stage + 1][end] = candidate;
            from[stage + 1][end] = begin;
          }
        }
      }
    std::vector<size_t> ends(stages);
    size_t end = count;
    for (size_t stage = stages; stage-- > 0;) {
      ends[stage] = end;
      end = from[stage + 1][end];
    }
    return ends;
  }

private:
  bool pinAllows(int64_t stage, size_t end) const {
    const int64_t pin = problem.items[end - 1].pin;
    return pin < 0 || pin == stage;
  }
  /// A run that may not end before `end` may not grow past it either.
  bool mayEnd(int64_t stage, size_t begin, size_t end) const {
    return pinAllows(stage, end) &&
           (!problem.memory ||
            problem.memory(stage, begin, end) <= problem.memoryLimit);
  }
  double secondsOf(size_t begin, size_t end) const {
    return prefix[end] - prefix[begin];
  }

  const Problem &problem;
  size_t count;
  std::vector<double> prefix; ///< seconds of the items before i
};
} // namespace

std::vector<size_t> pp::partitioning::cut(const Problem &problem) {
  return Cutter(problem).cut();
}

double pp::partitioning::smallestMemoryLimit(const Problem &problem) {
  return Cutter(problem).smallestBottleneck(/*byMemory=*/true);
}
