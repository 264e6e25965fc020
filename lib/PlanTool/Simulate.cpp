//===- Simulate.cpp - One schedule in detail ------------------------------===//

#include "Commands.h"
#include "Inputs.h"
#include "Report.h"
#include "pp/Schedule/Picture.h"
#include "pp/Support/OutputFile.h"

#include <cstdio>

using namespace pp::plan;
using namespace pp::schedule;

static void write(const std::string &path, const std::string &text) {
  if (std::string error = pp::writeFile(path, text); !error.empty())
    throw Failure{error};
}

void pp::plan::simulate(const Options &options) {
  Outcome outcome;
  outcome.schedule = makeSchedule(options);
  const Schedule &schedule = outcome.schedule;
  const Costs costs = costsFor(schedule.stages, options);

  VerifyOptions verify;
  verify.memoryCap = options.memoryCap;
  verify.memory = options.memory;
  verify.semantics = options.semantics;
  const Verdict verdict = check(schedule, verify);
  outcome.deadlock = verdict.deadlock;
  if (!verdict.problems.empty()) {
    // A deadlock is an answer as well, for whoever reads JSON.
    if (!verdict.deadlock.empty() && options.json) {
      for (const Peak &peak : findPeaks(schedule, Memory()))
        outcome.peakActivations.push_back(peak.bytes);
      std::fputs(printJson(outcome, options.semantics).c_str(), stdout);
    }
    std::string message;
    for (const std::string &problem : verdict.problems)
      message += (message.empty() ? "" : "\npp-plan: error: ") + problem;
    throw Failure{message};
  }

  Result<Timeline> timeline =
      pp::schedule::simulate(schedule, costs, options.memory);
  if (!timeline)
    throw Failure{timeline.error()};
  outcome.timeline = std::move(*timeline);
  outcome.peakActivations.assign(outcome.timeline.peakActivations.begin(),
                                 outcome.timeline.peakActivations.end());

  const SearchProblem problem{schedule.numRanks(), schedule.microbatches, costs,
                              options.memory, options.memoryCap};
  outcome.lowerBound = options.schedule == "search"
                           ? lowerBound(problem)
                           : lowerBound(problem, schedule.placement);

  const std::vector<Panel> panels = {
      {(schedule.name.empty() ? options.schedule : schedule.name) +
           ", bubble " + fixed(outcome.timeline.meanBubble(), 4),
       outcome.timeline}};
  if (!options.svg.empty())
    write(options.svg, drawSvg(panels));
  if (!options.trace.empty())
    write(options.trace, drawTrace(panels));
  if (!options.csv.empty())
    write(options.csv, printCSV(schedule));
  const std::string report = options.json
                                 ? printJson(outcome, options.semantics)
                                 : printText(outcome, options.semantics);
  std::fputs(report.c_str(), stdout);
}
