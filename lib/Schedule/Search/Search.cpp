//===- Search.cpp - A schedule for given times and memory -----------------===//
//
// Candidates first: every named schedule with as many stages, the same with
// weight gradients where they have time, repeated blocks made for the times and
// the memory, and list schedules of several policies. The best ones are then
// improved by small changes. Since the named schedules are among the
// candidates, the result is never slower than any of them.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Search.h"
#include "../OneForAll.h"
#include "Improvement.h"
#include "ListScheduler.h"
#include "Repetition.h"
#include "WeightPlacement.h"
#include "pp/Schedule/Generators.h"

#include <algorithm>
#include <limits>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
struct Candidate {
  double makespan;
  Schedule schedule;
};

class Searcher {
public:
  Searcher(const SearchProblem &problem, const SearchOptions &options)
      : problem(problem), budget(options.effort), random(options.seed),
        stages(static_cast<int32_t>(problem.costs.forward.size())),
        placements(searchedPlacements(problem.ranks, stages)) {
    for (const std::vector<int32_t> &placement : placements)
      bounds.push_back(lowerBound(problem, placement));
    goal = *std::min_element(bounds.begin(), bounds.end()) * (1 + 1e-12);
  }

  Result<Schedule> run() {
    addNamed();
    addRepetitions();
    addLists();
    if (candidates.empty())
      return Error{"found no schedule for " + std::to_string(problem.ranks) +
                   " ranks within a memory cap of " +
                   std::to_string(*std::min_element(problem.memoryCap.begin(),
                                                    problem.memoryCap.end())) +
                   ", expected at least " + std::to_string(smallestRoom()) +
                   ", which is room for one micro-batch in every stage of a "
                   "rank: raise the cap, recompute layers or take more ranks"};
    // Half of the budget for the best, half of the rest for the next, ...
    for (size_t i = 0; i < candidates.size() && !isOver(); ++i) {
      Candidate &candidate = candidates[i];
      int64_t share = i + 1 == candidates.size() ? budget : budget / 2;
      budget -= share;
      candidate.makespan =
          improve(problem, candidate.schedule, candidate.makespan,
                  boundOf(candidate.schedule.placement), share, random);
      budget += share;
    }
    auto best = std::min_element(candidates.begin(), candidates.end(),
                                 [](const Candidate &a, const Candidate &b) {
                                   return a.makespan < b.makespan;
                                 });
    best->schedule.name = "search";
    return std::move(best->schedule);
  }

private:
  /// What the rank that needs most holds with one micro-batch in each of its
  /// stages, under the placement for which this is least.
  int64_t smallestRoom() const {
    const Memory &memory = problem.memory;
    int64_t smallest = std::numeric_limits<int64_t>::max();
    for (const std::vector<int32_t> &placement : placements) {
      std::vector<int64_t> held(problem.ranks, 0), moment(problem.ranks, 0);
      for (int32_t stage = 0; stage < stages; ++stage) {
        int64_t kept = at(memory.activation, stage);
        if (!memory.afterInputGradient.empty())
          kept = std::max(kept, at(memory.afterInputGradient, stage));
        held[placement[stage]] += at(memory.fixed, stage) + kept;
        const int64_t halves =
            std::max(memory.during(Kind::InputGradient, stage),
                     memory.during(Kind::WeightGradient, stage));
        int64_t &most = moment[placement[stage]];
        most =
            std::max({most, memory.during(Kind::Forward, stage),
                      std::min(halves, memory.during(Kind::Backward, stage))});
      }
      for (int32_t rank = 0; rank < problem.ranks; ++rank)
        held[rank] += moment[rank];
      smallest =
          std::min(smallest, *std::max_element(held.begin(), held.end()));
    }
    return smallest;
  }

  /// Other placements than those searched have no bound.
  double boundOf(const std::vector<int32_t> &placement) const {
    auto found = std::find(placements.begin(), placements.end(), placement);
    return found == placements.end() ? 0 : bounds[found - placements.begin()];
  }

  bool isOver() const {
    return budget <= 0 ||
           (!candidates.empty() && candidates.front().makespan <= goal);
  }

  void add(Schedule schedule) {
    for (const auto &row : schedule.ranks)
      budget -= static_cast<int64_t>(row.size());
    const double makespan = evaluate(problem, schedule);
    if (makespan == std::numeric_limits<double>::infinity())
      return;
    auto place = std::find_if(
        candidates.begin(), candidates.end(),
        [&](const Candidate &other) { return makespan < other.makespan; });
    candidates.insert(place, {makespan, std::move(schedule)});
    if (candidates.size() > 3)
      candidates.pop_back();
  }

  /// These do not count as effort that can run out: the promise is about them.
  void addNamed() {
    for (const std::string &name : names())
      for (bool splitBackward : {true, false}) {
        Setting setting{problem.ranks, problem.microbatches, splitBackward,
                        stages / problem.ranks};
        Result<Schedule> schedule = generate(name, setting);
        if (!schedule)
          continue;
        if (splitBackward && !isOver())
          addWithWeights(*schedule);
        add(std::move(*schedule));
      }
  }

  /// The order of the others' actions with weight gradients placed anew.
  void addWithWeights(const Schedule &order) {
    for (int32_t most : {0, 1, 3, problem.ranks, problem.microbatches * stages})
      for (double patience : {1.0, 0.5, 0.0}) {
        if (isOver())
          return;
        if (std::optional<Schedule> schedule =
                placeWeights(problem, order, {patience, most}))
          add(std::move(*schedule));
        else
          budget -= int64_t(stages) * problem.microbatches;
      }
  }

  void addRepetitions() {
    for (double period : {1.0, 1.05, 1.1, 1.2, 1.35, 1.6, 2.0})
      for (double pause : {0.0, 0.5, 1.0})
        for (bool withWeights : {false, true})
          for (const std::vector<int32_t> &placement : placements)
            if (!isOver())
              addWithWeights(
                  repeatWay(problem, placement, {period, pause, withWeights}));
  }

  void addLists() {
    for (double patienceWeight : {1.0, 0.5, 0.0})
      for (int32_t aheadLimit : {0, 1, 2})
        for (bool forwardFirst : {false, true})
          for (double patienceForward : {1.0, 0.0})
            for (bool lateStagesFirst : {true, false})
              for (const std::vector<int32_t> &placement : placements) {
                if (isOver())
                  return;
                if (std::optional<Schedule> schedule = scheduleList(
                        problem, placement,
                        {patienceWeight, patienceForward, aheadLimit,
                         forwardFirst, lateStagesFirst}))
                  add(std::move(*schedule));
                else
                  budget -= int64_t(stages) * problem.microbatches;
              }
  }

  const SearchProblem &problem;
  int64_t budget;
  std::mt19937_64 random;
  int32_t stages;
  const std::vector<std::vector<int32_t>> placements;
  std::vector<double> bounds; ///< of the placements
  double goal;                ///< nothing is faster, less what rounding leaves
  std::vector<Candidate> candidates; ///< the best ones, the fastest first
};
} // namespace

Result<Schedule> pp::schedule::search(const SearchProblem &problem,
                                      const SearchOptions &options) {
  const size_t stages = problem.costs.forward.size();
  if (problem.ranks < 1 || problem.microbatches < 1)
    return Error{"found " + std::to_string(problem.ranks) + " ranks and " +
                 std::to_string(problem.microbatches) +
                 " micro-batches, expected at least 1 of each"};
  if (stages == 0 || stages % problem.ranks != 0)
    return Error{"found times of " + std::to_string(stages) + " stages for " +
                 std::to_string(problem.ranks) +
                 " ranks, expected a multiple of the ranks"};
  // One schedule that exists always shows what is wrong with times and sizes.
  Result<Schedule> example =
      generate("interleaved", {problem.ranks, problem.microbatches, true,
                               static_cast<int32_t>(stages) / problem.ranks});
  if (!example)
    return example;
  if (Result<Timeline> timeline =
          simulate(*example, problem.costs, problem.memory);
      !timeline)
    return Error{timeline.error()};
  if (problem.memoryCap.size() > 1 &&
      problem.memoryCap.size() != static_cast<size_t>(problem.ranks))
    return Error{"found " + std::to_string(problem.memoryCap.size()) +
                 " memory caps for " + std::to_string(problem.ranks) +
                 " ranks, expected one for each or one for all"};
  return Searcher(problem, options).run();
}
