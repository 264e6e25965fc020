//===- PlanTool.h - The command line of pp-plan -----------------*- C++ -*-===//

#ifndef PP_PLANTOOL_PLANTOOL_H
#define PP_PLANTOOL_PLANTOOL_H

namespace pp::plan {

/// Runs pp-plan: reports go to standard output, errors to standard error.
/// Returns the exit status: 0, 1 for bad input, an illegal schedule or one that
/// deadlocks, 2 for a bad command line.
int run(int argc, const char *const *argv);

} // namespace pp::plan

#endif // PP_PLANTOOL_PLANTOOL_H
