//===- Entry.cpp - From main() to the run, and back with a status ---------===//
//
// Chooses the bootstrap, and turns what ended the run into an exit status: 0
// for a finished training, 1 for an error, which rank 0 has printed, and 128
// plus the number of a signal that ended it early, after a step.
//
//===----------------------------------------------------------------------===//
#include "Bootstrap.h"
#include "CreateBackend.h"
#include "Diagnostics.h"
#include "Error.h"
#include "Trainer.h"

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

static int32_t runOn(Bootstrap &bootstrap, const Description &description,
                     const Options &options, const std::string &optionError) {
  std::string error;
  // It outlives a step that fails: what other ranks have sent by then may still
  // arrive in it while the ranks agree on the error.
  std::optional<Arena> arena;
  try {
    int signal = train(description, options, optionError, bootstrap,
                       pp_program_steps, createBackend, arena);
    bootstrap.finish();
    return signal ? 128 + signal : 0;
  } catch (const Disagreement &) {
    bootstrap.finish();
    return 1;
  } catch (const Stopped &) {
    // Empty: another rank says what it was.
  } catch (const std::bad_alloc &) {
    error = "out of memory: compile for more ranks or with --recompute=full";
  } catch (const std::exception &e) {
    error = e.what();
  }
  bootstrap.reportFailure(error);
  bootstrap.finish();
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
  try {
    Description description = parseDescription(pp_program_description);
    std::optional<Options> options = Options();
    std::string optionError, help;
    try {
      options = parseOptions(argc, argv, description, help);
    } catch (const Error &error) {
      optionError = error.what();
    }
    if (!options) {
      if (launchedRank() == 0)
        std::fputs(help.c_str(), stdout);
      return 0;
    }
    // A rank that is alone needs no MPI, not even to say that it is alone.
    bool alone = !launchedAsRank() || launchedSize() == 1;
    std::unique_ptr<Bootstrap> bootstrap =
        alone ? createLocalBootstrap() : createMpiBootstrap();
    return runOn(*bootstrap, description, *options, optionError);
  } catch (const std::exception &error) {
    return failEarly(error.what());
  }
}
