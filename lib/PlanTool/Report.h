//===- Report.h - Results as text and JSON ----------------------*- C++ -*-===//

#ifndef PP_LIB_PLANTOOL_REPORT_H
#define PP_LIB_PLANTOOL_REPORT_H

#include "pp/Schedule/Simulator.h"
#include "pp/Schedule/Verifier.h"

namespace pp::plan {

/// What is known about a schedule: a timeline, or why it has none.
struct Outcome {
  schedule::Schedule schedule;
  std::vector<schedule::Wait> deadlock;
  schedule::Timeline timeline;          ///< unless there is a deadlock
  std::vector<int64_t> peakActivations; ///< of each rank
  double lowerBound = 0;                ///< of the makespan
};

std::string printText(const Outcome &outcome, schedule::Semantics semantics);
std::string printJson(const Outcome &outcome, schedule::Semantics semantics);

/// Rows with their columns under each other, the first one to the left.
std::string printTable(const std::vector<std::vector<std::string>> &rows);

/// With so many digits behind the point; of six digits in all.
std::string fixed(double value, int digits);
std::string brief(double value);

} // namespace pp::plan

#endif // PP_LIB_PLANTOOL_REPORT_H
