//===- Entry.cpp - From main() to the run, and back with a status ---------===//
//
// Chooses the bootstrap, and turns what ended the run into an exit status.
//
//===----------------------------------------------------------------------===//
#include "Bootstrap.h"
#include "CreateBackend.h"
#include "Diagnostics.h"
#include "Error.h"
#include "RunProgram.h"
#include "SharedProcess.h"
#include "Trainer.h"

#include <csignal>
#include <cstdio>
#include <malloc.h>
#include <new>

using namespace pprt;

/// An error before ranks can talk to each other: the first one speaks for all.
static int32_t failEarly(const std::string &error) {
  if (launchedRank() == 0)
    printErrors({error});
  return 1;
}

CommandLine pprt::readCommandLine(int argc, const char *const *argv) {
  CommandLine line{parseDescription(pp_program_description), Options(), "", ""};
  try {
    line.options = parseOptions(argc, argv, line.description, line.help);
  } catch (const Error &error) {
    line.error = error.what();
  }
  return line;
}

int32_t pprt::runProgram(Bootstrap &bootstrap, const CommandLine &line) {
  std::string error;
  InterruptWatch watch;
  try {
    int signal =
        train(line.description, *line.options, line.error, bootstrap,
              {pp_program_steps, pp_program_functions}, createBackend, watch);
    return signal ? 128 + signal : 0;
  } catch (const Disagreement &) {
    return 1;
  } catch (const Stopped &) {
    // Empty: another rank says what it was.
  } catch (const std::bad_alloc &) {
    error = "out of memory: compile for more ranks or with --recompute=full";
  } catch (const std::exception &e) {
    error = e.what();
  }
  bootstrap.reportFailure(error);
  return 1;
}

/// Libraries for matrix products allocate scratch memory in each call. Kept in
/// the heap instead of given back to the system, it costs neither system calls
/// nor page faults from the second step on.
static void keepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20); // the most that glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int32_t pprt_main(int32_t argc, char **argv) {
  keepFreedMemory();
  // A limit of file sizes is an error of the write, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    CommandLine line = readCommandLine(argc, argv);
    if (!line.options) {
      if (launchedRank() == 0)
        std::fputs(line.help.c_str(), stdout);
      return 0;
    }
    // A rank that is alone needs no MPI, not even to say that it is alone.
    bool alone = !launchedAsRank() || launchedSize() == 1;
    std::unique_ptr<Bootstrap> bootstrap =
        alone ? createLocalBootstrap() : createMpiBootstrap();
    const int32_t status =
        line.description.ranksPerProcess == 1
            ? runProgram(*bootstrap, line)
            : runSharing(
                  *bootstrap, line.description.ranksPerProcess,
                  [&](Bootstrap &rank) { return runProgram(rank, line); });
    bootstrap->finish();
    return status;
  } catch (const std::exception &error) {
    return failEarly(error.what());
  }
}
