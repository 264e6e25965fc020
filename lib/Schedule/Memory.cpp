//===- Memory.cpp - What a schedule holds at once -------------------------===//
//
// A rank runs one action at a time, so what it holds follows from the order of
// its row alone, not from times.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Memory.h"
#include "OneForAll.h"

#include <algorithm>

using namespace pp::schedule;
using namespace pp::schedule::detail;

int64_t Memory::during(Kind kind, int32_t stage) const {
  const std::vector<int64_t> &sizes = kind == Kind::Forward    ? duringForward
                                      : kind == Kind::Backward ? duringBackward
                                      : kind == Kind::InputGradient
                                          ? duringInputGradient
                                          : duringWeightGradient;
  return sizes.empty() ? 0 : at(sizes, stage);
}

int64_t Memory::duringHalves(const std::vector<int32_t> &placement,
                             int32_t rank) const {
  int64_t most = 0;
  for (size_t stage = 0; stage < placement.size(); ++stage)
    if (placement[stage] == rank)
      for (Kind kind :
           {Kind::Forward, Kind::InputGradient, Kind::WeightGradient})
        most = std::max(most, during(kind, static_cast<int32_t>(stage)));
  return most;
}

std::string pp::schedule::checkMemory(const Schedule &schedule,
                                      const Memory &memory) {
  for (auto [what, sizes] :
       {std::pair{"activation", &memory.activation},
        std::pair{"kept activation", &memory.afterInputGradient},
        std::pair{"fixed", &memory.fixed},
        std::pair{"forward", &memory.duringForward},
        std::pair{"backward", &memory.duringBackward},
        std::pair{"input gradient", &memory.duringInputGradient},
        std::pair{"weight gradient", &memory.duringWeightGradient}}) {
    const bool mayBeEmpty =
        sizes != &memory.activation && sizes != &memory.fixed;
    if (sizes->size() != 1 && !(mayBeEmpty && sizes->empty()) &&
        sizes->size() != static_cast<size_t>(schedule.stages))
      return "found " + std::to_string(sizes->size()) + " " + what +
             " sizes for " + std::to_string(schedule.stages) +
             " stages, expected one for each or one for all";
    for (int64_t size : *sizes)
      if (size < 0)
        return "found " + std::to_string(size) + " bytes as " + what +
               " size, expected none below 0";
  }
  return {};
}

std::vector<Peak> pp::schedule::findPeaks(const Schedule &schedule,
                                          const Memory &memory) {
  std::vector<Peak> peaks(schedule.ranks.size());
  std::vector<int64_t> held(schedule.ranks.size(), 0);
  for (int32_t stage = 0; stage < schedule.stages; ++stage)
    held[schedule.placement[stage]] += at(memory.fixed, stage);
  for (size_t rank = 0; rank < peaks.size(); ++rank) {
    peaks[rank].bytes = held[rank];
    for (const Action &action : schedule.ranks[rank]) {
      const int64_t whole = at(memory.activation, action.stage);
      const int64_t kept = memory.afterInputGradient.empty()
                               ? whole
                               : at(memory.afterInputGradient, action.stage);
      const int64_t before = held[rank];
      switch (action.kind) {
      case Kind::Forward:
        held[rank] += whole;
        break;
      case Kind::Backward:
        held[rank] -= whole;
        break;
      case Kind::InputGradient:
        held[rank] += kept - whole;
        break;
      case Kind::WeightGradient:
        held[rank] -= kept;
        break;
      }
      const int64_t most = std::max(
          held[rank], (action.kind == Kind::Forward ? held[rank] : before) +
                          memory.during(action.kind, action.stage));
      if (most > peaks[rank].bytes)
        peaks[rank] = {most, action};
    }
  }
  return peaks;
}
