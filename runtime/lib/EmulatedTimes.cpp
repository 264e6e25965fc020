#include "EmulatedTimes.h"

#include "Error.h"

#include <cmath>
#include <sstream>

using namespace pprt;

static void require(bool good, const std::string &found,
                    const std::string &expected, const std::string &remedy) {
  if (!good)
    throw Error("found --emulate " + found + ", expected " + expected + ": " +
                remedy);
}

/// Collectives are made, so what is said of computations is without them, and
/// what is predicted has them as the compiler planned them.
static void addCollectives(const StageTimes &planned, StageTimes &times) {
  auto add = [](const std::vector<double> &seconds, std::vector<double> &to) {
    for (size_t stage = 0; stage < to.size(); ++stage)
      to[stage] += seconds[seconds.size() == 1 ? 0 : stage];
  };
  add(planned.forwardCollectives, times.forward);
  add(planned.inputCollectives, times.inputGradient);
  add(planned.weightCollectives, times.weightGradient);
  times.forwardCollectives = planned.forwardCollectives;
  times.inputCollectives = planned.inputCollectives;
  times.weightCollectives = planned.weightCollectives;
  times.parameterGather = planned.parameterGather;
  times.gradientReduction = planned.gradientReduction;
  times.gradientGather = planned.gradientGather;
}

StageTimes pprt::parseEmulatedTimes(const std::string &text,
                                    const Description &description) {
  if (text.empty()) {
    require(description.times.has_value(), "without durations",
            "them for a program that was compiled without planned ones",
            "give --emulate=F,I,W in ms");
    StageTimes times = *description.times;
    // What is sent, is sent.
    times.transfer = {0};
    return times;
  }
  std::vector<double> ms;
  std::istringstream fields(text);
  bool good = text.back() != ',';
  for (std::string field; good && std::getline(fields, field, ',');) {
    char *end = nullptr;
    ms.push_back(std::strtod(field.c_str(), &end));
    good = !field.empty() && *end == 0 && std::isfinite(ms.back()) &&
           ms.back() >= 0 && ms.back() <= 1e6;
  }
  require(good && (ms.size() == 1 || ms.size() == 3), "'" + text + "'",
          "one duration in ms for all computations, or three, from 0 to 1e6",
          "--emulate=5 or, for F, I and W, --emulate=5,4,3");
  const size_t stages = size_t(description.stages);
  StageTimes times;
  times.forward.assign(stages, ms.front() * 1e-3);
  times.inputGradient.assign(stages, ms[ms.size() / 2] * 1e-3);
  times.weightGradient.assign(stages, ms.back() * 1e-3);
  // A stage without an input gradient of its own, where W is all there is.
  std::vector<bool> hasInputGradient(stages);
  for (const Program &program : description.programs)
    for (const Action &action : program.actions)
      if (action.kind == ActionKind::Backward ||
          action.kind == ActionKind::BackwardInput)
        hasInputGradient[size_t(action.stage)] = true;
  for (size_t stage = 0; stage < stages; ++stage)
    if (!hasInputGradient[stage])
      times.inputGradient[stage] = 0;
  if (description.times)
    addCollectives(*description.times, times);
  return times;
}
