//===- Commands.h - What pp-plan can do -------------------------*- C++ -*-===//

#ifndef PP_LIB_PLANTOOL_COMMANDS_H
#define PP_LIB_PLANTOOL_COMMANDS_H

#include "Options.h"

namespace pp::plan {

/// Both print to standard output and throw Failure.
void simulate(const Options &options);
void compare(const Options &options);

} // namespace pp::plan

#endif // PP_LIB_PLANTOOL_COMMANDS_H
