//===- Inputs.h - Schedules and costs for the options -----------*- C++ -*-===//

#ifndef PP_LIB_PLANTOOL_INPUTS_H
#define PP_LIB_PLANTOOL_INPUTS_H

#include "Options.h"

namespace pp::plan {

/// The schedule that is named, or read from a file. Throws Failure.
schedule::Schedule makeSchedule(const Options &options);

/// The costs with one time for each stage. Throws Failure.
schedule::Costs costsFor(int32_t stages, const schedule::Costs &costs);

/// What this many stages cost: those of the options, or of the best cut of the
/// profile. Throws Failure.
schedule::Costs costsFor(int32_t stages, const Options &options);

} // namespace pp::plan

#endif // PP_LIB_PLANTOOL_INPUTS_H
