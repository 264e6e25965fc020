//===- Generators.cpp - Schedules by name ---------------------------------===//

#include "pp/Schedule/Generators.h"

#include <algorithm>

using namespace pp::schedule;

namespace {
struct Generator {
  std::string_view name;
  Result<Schedule> (*make)(const Setting &);
  bool hasOneStage; ///< stage s on rank s
};
constexpr Generator generators[] = {
    {"gpipe", makeGPipe, true},
    {"1f1b", makeOneForwardOneBackward, true},
    {"interleaved", makeInterleaved, false},
    {"looped-bfs", makeLoopedBreadthFirst, false},
    {"zb-h1", makeZeroBubbleH1, true},
    {"zb-h2", makeZeroBubbleH2, true},
    {"zb-v", makeZeroBubbleV, false},
    {"v-half", makeVHalf, false},
    {"v-min", makeVMin, false},
    {"dualpipe-v", makeDualPipeV, false},
};

const Generator *find(std::string_view name) {
  const Generator *end = std::end(generators);
  const Generator *found =
      std::find_if(std::begin(generators), end,
                   [&](const Generator &g) { return g.name == name; });
  return found == end ? nullptr : found;
}
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

bool pp::schedule::hasOneStageARank(std::string_view name) {
  const Generator *generator = find(name);
  return generator && generator->hasOneStage;
}

Result<Schedule> pp::schedule::generate(std::string_view name,
                                        const Setting &setting) {
  if (const Generator *generator = find(name))
    return generator->make(setting);
  std::string known;
  for (const Generator &generator : generators)
    known += (known.empty() ? "'" : ", '") + std::string(generator.name) + "'";
  return Error{"found schedule name '" + std::string(name) +
               "', expected one of " + known};
}
