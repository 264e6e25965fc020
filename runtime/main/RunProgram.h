//===- RunProgram.h - One run of a compiled program -------------*- C++ -*-===//
#ifndef PPRT_RUNPROGRAM_H
#define PPRT_RUNPROGRAM_H

#include "Bootstrap.h"
#include "Options.h"

namespace pprt {

/// The program that is linked, and what its command line asks for.
struct CommandLine {
  Description description;
  /// Empty if the user asked for help.
  std::optional<Options> options;
  std::string error, help;
};

/// Throws Error for a broken description alone.
CommandLine readCommandLine(int argc, const char *const *argv);

/// Trains and returns the exit status: 0 for a finished training, 1 for an
/// error, which rank 0 has printed, and 128 plus the number of a signal that
/// ended it early. Only the bootstrap is left afterwards, on which another run
/// may follow.
int32_t runProgram(Bootstrap &bootstrap, const CommandLine &line);

} // namespace pprt

#endif // PPRT_RUNPROGRAM_H
