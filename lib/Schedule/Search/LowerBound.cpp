//===- LowerBound.cpp - What no schedule can beat -------------------------===//
//
// Each rank is looked at alone: others only delay what it needs, as if nothing
// else ran there. A rank must do its work, and some of its time passes idle:
//   warm-up    until the first gradient can be there, it has forwards to run,
//              as many as have arrived and as memory has room for;
//   cool-down  behind its last input gradient come those of all earlier stages;
//              only weight gradients whose activations all fit remain for then;
//   memory     an activation lives from its forward to its weight gradient, the
//              way to the last stage and back between them: with room for c,
//              the forward number i + c waits for a release after number i.
// PrecedenceBound.cpp looks at all ranks together; the larger bound counts.
//
//===----------------------------------------------------------------------===//

#include "../Execution.h"
#include "../OneForAll.h"
#include "PrecedenceBound.h"
#include "pp/Schedule/Search.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What is known of a stage, with every other micro-batch out of the way.
struct Stage {
  double forward = 0, input = 0, weight = 0; ///< durations
  double forwardStart = 0, inputStart = 0;
  double sendForward = 0, sendInput = 0; ///< time that sending takes the rank
  /// The longest forward on the way here: forwards arrive no faster.
  double pace = 0;
  /// From the end of the input gradient to that of the step.
  double tail = 0;
  double whole = 0, kept = 0; ///< bytes until I, until W

  /// From the start of the forward to the end of the input gradient.
  double wayAndBack() const { return inputStart + input - forwardStart; }
};

class Bound {
public:
  Bound(const SearchProblem &problem, const std::vector<int32_t> &placement)
      : problem(problem), placement(placement), stages(placement.size()),
        ofRank(problem.ranks), optimizer(detail::optimizerTimes(
                                   problem.costs, placement, problem.ranks)) {
    const Costs &costs = problem.costs;
    for (size_t s = 0; s < stages.size(); ++s) {
      ofRank[placement[s]].push_back(s);
      Stage &stage = stages[s];
      stage.forward = costs.forward[s];
      stage.input = costs.inputGradient[s];
      stage.weight = costs.weightGradient[s];
      stage.whole = static_cast<double>(at(problem.memory.activation, s));
      // What I adds, a full backward never holds.
      stage.kept = stage.whole;
      if (!problem.memory.afterInputGradient.empty())
        stage.kept = std::min(
            stage.whole,
            static_cast<double>(at(problem.memory.afterInputGradient, s)));
      if (!costs.overlapTransfers) {
        stage.sendForward = transfer(s, s + 1);
        stage.sendInput = s > 0 ? transfer(s, s - 1) : 0;
      }
    }
    double clock = 0, pace = 0;
    for (size_t s = 0; s < stages.size(); ++s) {
      stages[s].forwardStart = clock;
      clock += stages[s].forward + transfer(s, s + 1);
      pace = std::max(pace, stages[s].forward + stages[s].sendForward);
      stages[s].pace = pace;
    }
    for (size_t s = stages.size(); s-- > 0;) {
      stages[s].inputStart = clock;
      clock += stages[s].input + (s > 0 ? transfer(s, s - 1) : 0);
    }
    for (size_t s = 0; s < stages.size(); ++s) {
      stages[s].tail = stages[s].weight + endOf(placement[s]);
      if (s > 0)
        stages[s].tail =
            std::max(stages[s].tail, transfer(s, s - 1) + stages[s - 1].input +
                                         stages[s - 1].tail);
    }
  }

  double find() const {
    double bound = 0;
    for (int32_t rank = 0; rank < problem.ranks; ++rank)
      bound = std::max({bound, ofWork(rank), ofMemory(rank)});
    for (const Stage &stage : stages)
      bound = std::max(bound, ofWay(stage));
    bound = std::max(bound, precedenceBound(problem, placement));
    if (problem.costs.reduction > 0) // All meet first.
      bound += problem.costs.reduction +
               *std::max_element(optimizer.begin(), optimizer.end());
    return bound;
  }

private:
  /// Of results of a stage to a neighbour.
  double transfer(size_t from, size_t to) const {
    if (to >= stages.size() || placement[from] == placement[to])
      return 0;
    return from < to ? at(problem.costs.forwardTransfer, from)
                     : at(problem.costs.backwardTransfer, to);
  }
  /// What a rank does behind its last action before all meet.
  double endOf(int32_t rank) const {
    return problem.costs.reduction > 0 ? 0 : optimizer[rank];
  }
  double roomOf(int32_t rank) const {
    if (problem.memoryCap.empty())
      return kInfinity;
    auto room = static_cast<double>(at(problem.memoryCap, rank));
    for (size_t s : ofRank[rank])
      room -= static_cast<double>(at(problem.memory.fixed, s));
    return std::max(room, 0.0);
  }

  /// All micro-batches through one stage, and the last one's way from there.
  double ofWay(const Stage &stage) const {
    const double others = problem.microbatches - 1;
    const double end = stage.wayAndBack() + stage.tail;
    return std::max(stage.forwardStart + others * stage.pace + end,
                    stage.forwardStart +
                        others * (stage.input + stage.sendInput) + end);
  }

  double ofWork(int32_t rank) const {
    if (ofRank[rank].empty())
      return 0;
    const double m = problem.microbatches;
    double forwards = 0, inputs = 0, weights = 0, lastSend = 0;
    double firstForward = kInfinity, firstInput = kInfinity, tail = kInfinity;
    double leastKept = kInfinity, longestWeight = 0;
    for (size_t s : ofRank[rank]) {
      const Stage &stage = stages[s];
      forwards += m * (stage.forward + stage.sendForward);
      inputs += m * (stage.input + stage.sendInput);
      weights += m * stage.weight;
      lastSend = std::max({lastSend, stage.sendForward, stage.sendInput});
      firstForward = std::min(firstForward, stage.forwardStart);
      firstInput = std::min(firstInput, stage.inputStart);
      tail = std::min(tail, stage.tail);
      leastKept = std::min(leastKept, stage.kept);
      longestWeight = std::max(longestWeight, stage.weight);
    }
    // Forwards before the first gradient: those that have arrived and fit.
    const double room = roomOf(rank);
    double arrived = 0, densest = 0;
    for (size_t s : ofRank[rank]) {
      const Stage &stage = stages[s];
      const double one = stage.forward + stage.sendForward;
      const double time = firstInput - stage.forwardStart;
      if (time > 0 && stage.pace > 0)
        arrived += one * std::min(m, std::ceil(time / stage.pace));
      if (one > 0)
        densest =
            std::max(densest, stage.whole > 0 ? one / stage.whole : kInfinity);
    }
    double early = std::min({forwards, firstInput - firstForward, arrived});
    if (room < kInfinity && densest < kInfinity)
      early = std::min(early, room * densest);

    // Weight gradients that remain when the last input gradient ends.
    double remain = weights;
    if (room < kInfinity && leastKept > 0)
      remain = std::min(remain, std::floor(room / leastKept) * longestWeight);
    const double begin = firstInput - early;
    return std::max(
        begin + forwards + inputs + weights - lastSend + endOf(rank),
        begin + forwards + inputs + weights - remain - lastSend + tail);
  }

  double ofMemory(int32_t rank) const {
    const double room = roomOf(rank);
    const std::vector<size_t> &mine = ofRank[rank];
    if (room == kInfinity || mine.empty())
      return 0;
    double begin = kInfinity, area = 0, largest = 0;
    double shortestForward = kInfinity, shortestRelease = kInfinity;
    for (size_t s : mine) {
      const Stage &stage = stages[s];
      begin = std::min(begin, stage.forwardStart);
      area += stage.whole * stage.wayAndBack() + stage.kept * stage.weight;
      largest = std::max(largest, stage.whole);
      shortestForward = std::min(shortestForward, stage.forward);
      // Where I gives something back, it may follow a W at once.
      shortestRelease = std::min(shortestRelease,
                                 stage.kept == stage.whole ? stage.weight : 0);
    }
    const double m = problem.microbatches;
    area *= m;
    const double most = std::min(room, m * double(mine.size()) * largest);
    if (!(most > 0))
      return 0;
    // Memory fills up forward by forward, and is given back one by one.
    const double steps = std::max(std::ceil(most / largest) - 1, 0.0);
    const double unused = steps * most - largest * steps * (steps + 1) / 2;
    double bound = begin + endOf(rank) +
                   (area + (shortestForward + shortestRelease) * unused) / most;

    for (size_t s : mine)
      bound = std::max(bound, ofSlots(stages[s], room));
    return bound;
  }

  /// Forward number i + c of a stage, from 0, starts after release number i if
  /// there is room for c: a life after forward number i, and behind the work of
  /// i + 1 releases and i forwards that cannot start before the first input
  /// gradient.
  double ofSlots(const Stage &stage, double room) const {
    if (!(stage.whole > 0) || (stage.kept != stage.whole && stage.kept != 0))
      return 0;
    const double slots = std::floor(room / stage.whole);
    if (slots < 1)
      return 0;
    const double release = stage.input + (stage.kept > 0 ? stage.weight : 0);
    const double life = stage.inputStart + release - stage.forwardStart;
    const double others = problem.microbatches - 1;
    const double turns = std::floor(others / slots);
    const double rest = others - turns * slots;
    double last = stage.forwardStart + turns * life + rest * stage.forward;
    if (turns >= 1)
      last = std::max(last, stage.inputStart + (rest + 1) * release +
                                rest * stage.forward + (turns - 1) * life);
    return last + stage.wayAndBack() + stage.tail;
  }

  const SearchProblem &problem;
  const std::vector<int32_t> &placement;
  std::vector<Stage> stages;
  std::vector<std::vector<size_t>> ofRank;
  std::vector<double> optimizer; ///< of each rank
};
} // namespace

double pp::schedule::lowerBound(const SearchProblem &problem,
                                const std::vector<int32_t> &placement) {
  return Bound(problem, placement).find();
}

std::vector<std::vector<int32_t>>
pp::schedule::searchedPlacements(int32_t ranks, int32_t stages) {
  std::vector<int32_t> looped(stages), vShape(stages);
  for (int32_t s = 0; s < stages; ++s) {
    looped[s] = s % ranks;
    vShape[s] = std::min(s, stages - 1 - s);
  }
  if (stages == 2 * ranks && ranks > 1)
    return {looped, vShape};
  return {looped};
}

double pp::schedule::lowerBound(const SearchProblem &problem) {
  double bound = kInfinity;
  for (const std::vector<int32_t> &placement : searchedPlacements(
           problem.ranks, static_cast<int32_t>(problem.costs.forward.size())))
    bound = std::min(bound, lowerBound(problem, placement));
  return bound;
}
