//===- Verifier.cpp - Is a schedule legal? --------------------------------===//

#include "pp/Schedule/Verifier.h"
#include "Execution.h"
#include "OneForAll.h"

using namespace pp::schedule;
using namespace pp::schedule::detail;
using Problems = std::vector<std::string>;

static void checkShape(const Schedule &schedule, Problems &problems) {
  if (schedule.stages < 1 || schedule.microbatches < 1)
    problems.push_back("found " + std::to_string(schedule.stages) +
                       " stages and " + std::to_string(schedule.microbatches) +
                       " micro-batches, expected at least 1 of each");
  if (schedule.placement.size() != static_cast<size_t>(schedule.stages)) {
    problems.push_back("found a placement of " +
                       std::to_string(schedule.placement.size()) +
                       " stages, expected " + std::to_string(schedule.stages));
    return;
  }
  for (int32_t stage = 0; stage < schedule.stages; ++stage)
    if (int32_t rank = schedule.placement[stage];
        rank < 0 || rank >= schedule.numRanks())
      problems.push_back("found stage " + std::to_string(stage) + " on rank " +
                         std::to_string(rank) + ", expected a rank below " +
                         std::to_string(schedule.numRanks()));
}

/// How often each kind of work appears for one stage and micro-batch.
namespace {
struct Work {
  uint32_t forward = 0, full = 0, input = 0, weight = 0;
  uint32_t &of(Kind kind) {
    switch (kind) {
    case Kind::Forward:
      return forward;
    case Kind::Backward:
      return full;
    case Kind::InputGradient:
      return input;
    case Kind::WeightGradient:
      return weight;
    }
    return forward;
  }
};
} // namespace

static void checkWork(const Schedule &schedule, Problems &problems) {
  std::vector<Work> all(size_t(schedule.stages) * schedule.microbatches);
  auto workOf = [&](int32_t stage, int32_t microbatch) -> Work & {
    return all[size_t(stage) * schedule.microbatches + microbatch];
  };
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    for (const Action &action : schedule.ranks[rank]) {
      auto where = [&] { // made only where something is wrong
        return "'" + toString(action) + "' on rank " + std::to_string(rank);
      };
      if (action.stage < 0 || action.stage >= schedule.stages ||
          action.microbatch < 0 || action.microbatch >= schedule.microbatches) {
        problems.push_back("found " + where() + ", expected a stage below " +
                           std::to_string(schedule.stages) +
                           " and a micro-batch below " +
                           std::to_string(schedule.microbatches));
        continue;
      }
      if (schedule.placement[action.stage] != rank)
        problems.push_back("found " + where() + ", expected it on rank " +
                           std::to_string(schedule.placement[action.stage]) +
                           ", where stage " + std::to_string(action.stage) +
                           " is placed");
      if (++workOf(action.stage, action.microbatch).of(action.kind) == 2)
        problems.push_back("found " + where() +
                           " a second time, expected every action once");
    }
  }

  for (int32_t stage = 0; stage < schedule.stages; ++stage) {
    for (int32_t mb = 0; mb < schedule.microbatches; ++mb) {
      Work work = workOf(stage, mb);
      auto missing = [&](Kind kind, const char *more = "") {
        problems.push_back("missing '" + toString({stage, kind, mb}) +
                           "' on rank " +
                           std::to_string(schedule.placement[stage]) + more);
      };
      if (!work.forward)
        missing(Kind::Forward);
      if (!work.full && !work.input && !work.weight)
        missing(Kind::Backward, ", or its halves I and W");
      else if (work.full && (work.input || work.weight))
        problems.push_back(
            "found '" + toString({stage, Kind::Backward, mb}) + "' and '" +
            toString({stage,
                      work.input ? Kind::InputGradient : Kind::WeightGradient,
                      mb}) +
            "' on rank " + std::to_string(schedule.placement[stage]) +
            ", expected either the full backward or its halves" +
            (work.input ? ""
                        : ": write I for the input gradient alone, which "
                          "PyTorch called B before 2.5"));
      else if (!work.full && !work.input)
        missing(Kind::InputGradient);
      else if (!work.full && !work.weight)
        missing(Kind::WeightGradient);
    }
  }
}

static void checkGradientOrder(const Schedule &schedule, Problems &problems) {
  std::vector<int32_t> last(schedule.stages, -1);
  for (int32_t rank = 0; rank < schedule.numRanks(); ++rank) {
    for (const Action &action : schedule.ranks[rank]) {
      if (action.kind != Kind::Backward && action.kind != Kind::WeightGradient)
        continue;
      int32_t &previous = last[action.stage];
      if (action.microbatch < previous)
        problems.push_back(
            "found '" + toString(action) + "' on rank " + std::to_string(rank) +
            " after the gradient of micro-batch " + std::to_string(previous) +
            ", expected ascending micro-batches, so that gradients accumulate "
            "in the same order under every schedule");
      previous = action.microbatch;
    }
  }
}

static void checkMemoryCap(const Schedule &schedule,
                           const VerifyOptions &options, Problems &problems) {
  const std::vector<int64_t> &caps = options.memoryCap;
  if (caps.empty())
    return;
  if (caps.size() != 1 && caps.size() != schedule.ranks.size()) {
    problems.push_back("found " + std::to_string(caps.size()) +
                       " memory caps for " +
                       std::to_string(schedule.ranks.size()) +
                       " ranks, expected one for each or one for all");
    return;
  }
  if (std::string error = checkMemory(schedule, options.memory);
      !error.empty()) {
    problems.push_back(error);
    return;
  }
  const std::vector<Peak> peaks = findPeaks(schedule, options.memory);
  for (size_t rank = 0; rank < peaks.size(); ++rank) {
    const int64_t cap = at(caps, rank);
    if (peaks[rank].bytes > cap)
      problems.push_back(
          "found " + std::to_string(peaks[rank].bytes) + " bytes on rank " +
          std::to_string(rank) + " at '" + toString(peaks[rank].action) +
          "', expected at most " + std::to_string(cap) +
          ": take a schedule with fewer micro-batches in flight");
  }
}

static void checkTransfers(const Schedule &schedule,
                           const VerifyOptions &options, Verdict &verdict) {
  if (!schedule.transfers.empty() &&
      schedule.transfers.size() != schedule.ranks.size()) {
    verdict.problems.push_back(
        "found transfers of " + std::to_string(schedule.transfers.size()) +
        " ranks, expected " + std::to_string(schedule.ranks.size()));
    return;
  }
  const Semantics semantics = options.semantics.value_or(Semantics::Buffered);
  const Programs programs = makePrograms(schedule, verdict.problems);
  if (!verdict.problems.empty())
    return;
  verdict.deadlock =
      findDeadlock(schedule, programs, semantics, verdict.problems);
  if (!verdict.deadlock.empty())
    verdict.problems.push_back("deadlock under " +
                               std::string(toString(semantics)) +
                               " semantics: " + toString(verdict.deadlock));
}

static Verdict checkAll(const Schedule &schedule,
                        const VerifyOptions &options) {
  Verdict verdict;
  Problems &problems = verdict.problems;
  checkShape(schedule, problems);
  if (problems.empty())
    checkWork(schedule, problems);
  if (!problems.empty())
    return verdict;
  if (options.ascendingGradients)
    checkGradientOrder(schedule, problems);
  checkMemoryCap(schedule, options, problems);
  if (!problems.empty())
    return verdict;

  detail::Execution execution =
      detail::execute(schedule, Costs::uniform(schedule.stages, 1, 1, 1));
  if (!execution.finished) {
    verdict.deadlock = detail::findWaitCycle(schedule, execution);
    problems.push_back("deadlock: " + toString(verdict.deadlock));
  } else if (options.semantics || !schedule.transfers.empty()) {
    checkTransfers(schedule, options, verdict);
  }
  return verdict;
}

Verdict pp::schedule::check(const Schedule &schedule,
                            const VerifyOptions &options) {
  Verdict verdict = checkAll(schedule, options);
  // A long schedule that is cut off has a problem for each action behind it.
  constexpr size_t most = 100;
  if (const size_t found = verdict.problems.size(); found > most) {
    verdict.problems.resize(most);
    verdict.problems.push_back("found " + std::to_string(found - most) +
                               " more problems like these");
  }
  return verdict;
}

std::vector<std::string> pp::schedule::verify(const Schedule &schedule,
                                              const VerifyOptions &options) {
  return check(schedule, options).problems;
}
