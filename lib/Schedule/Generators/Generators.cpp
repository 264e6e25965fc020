//===- Generators.cpp - Schedules by name ---------------------------------===//

#include "Detail.h"

#include <numeric>

using namespace pp::schedule;

namespace {
struct Generator {
  std::string_view name;
  Result<Schedule> (*make)(const Setting &);
};
constexpr Generator generators[] = {
    {"gpipe", makeGPipe},
    {"1f1b", makeOneForwardOneBackward},
};
} // namespace

const std::vector<std::string> &pp::schedule::names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> result;
    for (const Generator &generator : generators)
      result.emplace_back(generator.name);
    return result;
  }();
  return all;
}

Result<Schedule> pp::schedule::generate(std::string_view name,
                                        const Setting &setting) {
  std::string known;
  for (const Generator &generator : generators) {
    if (generator.name == name)
      return generator.make(setting);
    known += (known.empty() ? "'" : ", '") + std::string(generator.name) + "'";
  }
  return Error{"found schedule name '" + std::string(name) +
               "', expected one of " + known};
}

Result<Schedule> detail::emptySchedule(const char *name,
                                       const Setting &setting) {
  if (setting.ranks < 1)
    return Error{"found " + std::to_string(setting.ranks) +
                 " ranks, expected at least 1"};
  if (setting.microbatches < 1)
    return Error{"found " + std::to_string(setting.microbatches) +
                 " micro-batches, expected at least 1"};
  Schedule schedule;
  schedule.name = name;
  schedule.stages = setting.ranks;
  schedule.microbatches = setting.microbatches;
  schedule.placement.resize(setting.ranks);
  std::iota(schedule.placement.begin(), schedule.placement.end(), 0);
  schedule.ranks.resize(setting.ranks);
  return schedule;
}
