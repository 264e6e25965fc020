//===- LowerBound.cpp - What no schedule can beat -------------------------===//

#include "../Execution.h"
#include "pp/Schedule/Search.h"

#include <algorithm>
#include <limits>

using namespace pp::schedule;

template <typename T> static T at(const std::vector<T> &values, size_t i) {
  return values.size() == 1 ? values.front() : values[i];
}

double pp::schedule::lowerBound(const SearchProblem &problem,
                                const std::vector<int32_t> &placement) {
  const Costs &costs = problem.costs;
  const size_t stages = placement.size();
  const double m = problem.microbatches;

  // When a micro-batch alone starts F and I of each stage.
  std::vector<double> forward(stages), gradient(stages);
  double clock = 0;
  auto move = [&](size_t from, size_t to, const std::vector<double> &times) {
    if (placement[from] != placement[to])
      clock += at(times, std::min(from, to));
  };
  for (size_t s = 0; s < stages; ++s) {
    forward[s] = clock;
    clock += costs.forward[s];
    if (s + 1 < stages)
      move(s, s + 1, costs.forwardTransfer);
  }
  for (size_t s = stages; s-- > 0;) {
    gradient[s] = clock;
    clock += costs.inputGradient[s];
    if (s > 0)
      move(s, s - 1, costs.backwardTransfer);
  }
  const std::vector<double> optimizer =
      detail::optimizerTimes(costs, placement, problem.ranks);
  std::vector<double> bounds(problem.ranks, 0);
  bounds[placement.front()] = clock + costs.weightGradient.front();

  for (int32_t rank = 0; rank < problem.ranks; ++rank) {
    double work = 0, allForwards = 0;
    double firstForward = std::numeric_limits<double>::max();
    double firstGradient = firstForward;
    double room = problem.memoryCap.empty()
                      ? std::numeric_limits<double>::infinity()
                      : static_cast<double>(at(problem.memoryCap, rank));
    double densest = 0; // most time of F in a byte
    for (size_t s = 0; s < stages; ++s) {
      if (placement[s] != rank)
        continue;
      allForwards += m * costs.forward[s];
      work += m * (costs.forward[s] + costs.inputGradient[s] +
                   costs.weightGradient[s]);
      firstForward = std::min(firstForward, forward[s]);
      firstGradient = std::min(firstGradient, gradient[s]);
      room -= static_cast<double>(at(problem.memory.fixed, s));
      const auto bytes = static_cast<double>(at(problem.memory.activation, s));
      densest = bytes > 0 ? std::max(densest, costs.forward[s] / bytes)
                          : std::numeric_limits<double>::infinity();
    }
    double early = std::min(allForwards, firstGradient - firstForward);
    if (room < std::numeric_limits<double>::infinity() &&
        densest < std::numeric_limits<double>::infinity())
      early = std::min(early, std::max(room, 0.0) * densest);
    bounds[rank] = std::max(bounds[rank], firstGradient + work - early);
  }
  if (costs.reduction > 0) // All meet first.
    bounds.assign(bounds.size(),
                  *std::max_element(bounds.begin(), bounds.end()) +
                      costs.reduction);
  for (size_t rank = 0; rank < bounds.size(); ++rank)
    bounds[rank] += optimizer[rank];
  return *std::max_element(bounds.begin(), bounds.end());
}
