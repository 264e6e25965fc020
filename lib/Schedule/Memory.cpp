//===- Memory.cpp - What a schedule holds at once -------------------------===//
//
// A rank runs one action at a time, so what it holds follows from the order of
// its row alone, not from times.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Memory.h"
#include "OneForAll.h"

using namespace pp::schedule;
using namespace pp::schedule::detail;

std::string pp::schedule::checkMemory(const Schedule &schedule,
                                      const Memory &memory) {
  for (auto [what, sizes] :
       {std::pair{"activation", &memory.activation},
        std::pair{"kept activation", &memory.afterInputGradient},
        std::pair{"fixed", &memory.fixed}}) {
    const bool mayBeEmpty = sizes == &memory.afterInputGradient;
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
      if (held[rank] > peaks[rank].bytes)
        peaks[rank] = {held[rank], action};
    }
  }
  return peaks;
}
