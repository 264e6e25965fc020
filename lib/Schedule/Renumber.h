//===- Renumber.h - Micro-batches of files numbered as ours -----*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_RENUMBER_H
#define PP_LIB_SCHEDULE_RENUMBER_H

#include "pp/Schedule/Schedule.h"

namespace pp::schedule::detail {

/// Gives the micro-batches of a schedule from a file the numbers that all
/// schedules here have, where that is a matter of numbers alone; adds a note
/// for each change. What is left is for verify() to refuse.
void renumber(Schedule &schedule);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_RENUMBER_H
