//===- PlanTool.cpp - The command line of pp-plan -------------------------===//

#include "pp/PlanTool/PlanTool.h"
#include "Commands.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <new>

using namespace pp::plan;

static int fail(const std::string &message, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "pp-plan: error: %s\n", message.c_str());
  return status;
}

int pp::plan::run(int argc, const char *const *argv) {
  CLI::App app("pp-plan: how long a schedule takes, what it holds, and whether "
               "it ends, before anything is compiled",
               "pp-plan");
  app.footer("EXAMPLE:\n"
             "  pp-plan simulate --schedule=zb-h1 --ranks=8 --microbatches=24 "
             "--forward=18.5 --backward-input=18.1 --backward-weight=9.3 "
             "--transfer=0.6\n"
             "  pp-plan compare --ranks=8 --microbatches=24");
  RawOptions raw;
  CLI::App *simulateApp = app.add_subcommand(
      "simulate", "one schedule in detail; times are one for every stage, or "
                  "one for each with commas between");
  addScheduleOptions(*simulateApp, raw);
  addCommonOptions(*simulateApp, raw);
  CLI::App *compareApp = app.add_subcommand(
      "compare", "all schedules that exist for a number of ranks and "
                 "micro-batches; times are of a rank's share of the model");
  addCommonOptions(*compareApp, raw);
  app.require_subcommand(0, 1);

  try {
    app.parse(argc, argv);
    CLI::App *command = simulateApp->parsed()  ? simulateApp
                        : compareApp->parsed() ? compareApp
                                               : nullptr;
    if (!command || argc == 2) {
      std::fputs((command ? command->help("pp-plan") : app.help()).c_str(),
                 stdout);
      return 0;
    }
    const Options options = readOptions(raw);
    command == simulateApp ? simulate(options) : compare(options);
    if (std::fflush(stdout) != 0)
      return fail("cannot write to standard output", 1);
    return 0;
  } catch (const CLI::CallForHelp &) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError &error) {
    return fail(std::string(error.what()) + "; see pp-plan --help", 2);
  } catch (const Failure &failure) {
    return fail(failure.message, failure.status);
  } catch (const std::bad_alloc &) {
    return fail("found too little memory for this many ranks, stages and "
                "micro-batches",
                1);
  }
}
