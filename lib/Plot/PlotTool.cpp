//===- PlotTool.cpp - The command line of pp-plot -------------------------===//

#include "Output.h"

#include "pp/Plot/Plot.h"
#include "pp/Support/OutputFile.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <new>
#include <set>

using namespace pp::plot;

namespace {
struct Options {
  std::vector<std::string> files;
  std::string output, axis = "step", scale = "linear", span, points, title;
};
} // namespace

/// A whole number from `least` to 2^40.
static double readCount(const std::string &option, const std::string &text,
                        int least) {
  const bool isNumber =
      !text.empty() && text.size() <= 13 &&
      text.find_first_not_of("0123456789") == std::string::npos;
  const double value = isNumber ? std::strtod(text.c_str(), nullptr) : -1;
  if (!isNumber || value < least || value > double(1ll << 40))
    throw Failure{"found " + option + "=" + text +
                      ", expected a whole number from " +
                      std::to_string(least) + " to 2^40: correct it",
                  2};
  return value;
}

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

static size_t choose(const std::string &option, const std::string &text,
                     const std::vector<std::string> &names) {
  std::string known;
  for (size_t i = 0; i < names.size(); ++i) {
    if (text == names[i])
      return i;
    known += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  throw Failure{"found " + option + "=" + text + ", expected " + known +
                    ": choose one of them",
                2};
}

static void plotFiles(const Options &o) {
  if (o.files.empty())
    throw Failure{"found no metrics file, expected at least one: write pp-plot "
                  "FILE... -o loss.html",
                  2};
  const bool isPicture = endsWith(o.output, ".svg");
  if (!isPicture && !endsWith(o.output, ".html"))
    throw Failure{"found -o " +
                      (o.output.empty() ? "without a file" : o.output) +
                      ", expected a name that ends in .html or .svg: write -o "
                      "loss.html",
                  2};
  View view;
  view.axis = Axis(choose("--x", o.axis, {"step", "tokens", "time"}));
  view.isLogarithmic = choose("--y", o.scale, {"linear", "log"}) == 1;
  if (!o.points.empty())
    view.points = size_t(readCount("--points", o.points, 10));
  double span = o.span.empty() ? -1 : readCount("--smooth", o.span, 0);

  std::set<std::string> seen;
  for (const std::string &file : o.files)
    if (!seen.insert(file).second)
      throw Failure{"found '" + file +
                        "' twice, expected each file once: drop "
                        "one",
                    2};
  std::vector<Run> runs;
  const std::vector<std::string> names = nameRuns(o.files);
  for (const std::string &file : o.files) {
    runs.push_back(readRun(file));
    Run &run = runs.back();
    run.name = names[runs.size() - 1];
    for (const std::string &note : run.notes)
      std::fprintf(stderr, "pp-plot: note: %s: %s\n", file.c_str(),
                   note.c_str());
    if (run.along(view.axis).empty())
      throw Failure{"found lines without \"seconds\" or \"tokens_per_second\" "
                    "in '" +
                    file + "', expected both for --x=" + o.axis +
                    ": choose --x=step"};
  }
  view.span = span < 0 ? defaultSpan(runs) : span;
  view.title = o.title;
  if (view.title.empty())
    for (const Run &run : runs)
      view.title += (view.title.empty() ? "" : ", ") + run.name;
  if (std::string error = pp::writeFile(
          o.output, isPicture ? picture(runs, view) : page(runs, view));
      !error.empty())
    throw Failure{error};
}

static int fail(const std::string &message, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "pp-plot: error: %s\n", message.c_str());
  return status;
}

int pp::plot::run(int argc, const char *const *argv) {
  CLI::App app("pp-plot: curves of loss, gradient norm, learning rate and "
               "speed, of files that programs write with --metrics",
               "pp-plot");
  app.footer("EXAMPLES:\n"
             "  pp-plot metrics.jsonl -o loss.html\n"
             "  pp-plot base.jsonl wide.jsonl --x=tokens --y=log -o loss.svg");
  Options o;
  app.add_option(
      "FILE", o.files,
      "metrics files, a run each; one that is being written will do");
  app.add_option("-o", o.output,
                 "page to write (.html: to look at in a browser, without a "
                 "network) or picture (.svg)")
      ->type_name("FILE");
  app.add_option("--x", o.axis, "step, tokens or time")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--y", o.scale, "linear or log, of losses and gradient norms")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option(
         "--smooth", o.span,
         "steps over which curves are smoothed to each side (a two-hundredth "
         "of the longest run; 0: none)")
      ->type_name("STEPS");
  app.add_option("--points", o.points,
                 "of a curve in a page at most; of longer runs a point is the "
                 "mean, least and greatest value of several lines (4000)")
      ->type_name("N");
  app.add_option("--title", o.title, "heading (the names of the files)")
      ->type_name("TEXT");
  try {
    app.parse(argc, argv);
    plotFiles(o);
    return 0;
  } catch (const CLI::CallForHelp &) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError &error) {
    return fail(std::string(error.what()) + "; see pp-plot --help", 2);
  } catch (const Failure &failure) {
    return fail(failure.message, failure.status);
  } catch (const std::bad_alloc &) {
    return fail("found too little memory for so many lines", 1);
  }
}
