//===- ReadRuns.cpp - Metrics files ---------------------------------------===//
//
// Tokens are not among a line's fields: they are the speed times the seconds of
// the step, whole up to rounding, summed. Steps that a file leaves out count as
// the line after them.
//
//===----------------------------------------------------------------------===//

#include "Runs.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>

using namespace pp::plot;

namespace {
constexpr size_t kLongestLine = 1 << 20;
/// Far beyond f32, so that differences and ratios of numbers stay finite.
/// Smaller ones than the inverse are 0.
constexpr double kMost = 1e100;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Lines of a file, of bounded length.
class Lines {
public:
  explicit Lines(const std::string &path)
      : path(path), file(std::fopen(path.c_str(), "rb"), std::fclose) {
    if (!file)
      fail("cannot open '" + path + "': " + std::strerror(errno) +
           ", expected a file that a program wrote with --metrics");
  }

  /// False at the end of the file.
  bool next(std::string &line) {
    line.clear();
    hasEnd = false;
    for (;;) {
      if (at == filled) {
        filled = std::fread(buffer, 1, sizeof buffer, file.get());
        at = 0;
        if (filled == 0) {
          if (std::ferror(file.get()))
            fail("cannot read '" + path + "': " + std::strerror(errno) +
                 ", expected a file");
          break;
        }
      }
      const void *end = std::memchr(buffer + at, '\n', filled - at);
      const size_t stop =
          end ? size_t(static_cast<const char *>(end) - buffer) : filled;
      if (line.size() + (stop - at) > kLongestLine)
        fail("found more than 1 MiB in line " + std::to_string(number + 1) +
             " of '" + path +
             "', expected a JSON object of some numbers: is "
             "it a metrics file?");
      line.append(buffer + at, stop - at);
      at = stop + (end ? 1 : 0);
      if (end) {
        hasEnd = true;
        break;
      }
    }
    if (line.empty() && !hasEnd)
      return false;
    ++number;
    return true;
  }

  [[noreturn]] static void fail(const std::string &message) {
    throw Failure{message};
  }
  [[noreturn]] void failHere(const std::string &found) const {
    fail("found " + found + " in line " + std::to_string(number) + " of '" +
         path +
         "', expected lines as --metrics writes them, such as "
         "{\"step\": 0, \"loss\": 4.2}: correct the line");
  }

  bool hasEnd = false; ///< of the last line
  size_t number = 0;

private:
  std::string path;
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file;
  char buffer[1 << 16];
  size_t at = 0, filled = 0;
};

/// A field's number; NaN where there is none.
double numberOf(const nlohmann::json &line, const char *field,
                const Lines &lines) {
  const auto found = line.find(field);
  if (found == line.end() || found->is_null())
    return kNone;
  if (!found->is_number())
    lines.failHere("\"" + std::string(field) + "\" that is no number");
  const double value = found->get<double>();
  if (!(std::abs(value) <= kMost))
    lines.failHere("\"" + std::string(field) + "\" beyond 1e100");
  return std::abs(value) < 1 / kMost ? 0 : value;
}

std::string countOf(size_t count, const char *one, const char *several) {
  return std::to_string(count) + " " + (count == 1 ? one : several);
}

/// Speeds and seconds of the steps, of which tokens and time are sums.
struct Pace {
  std::vector<double> tokensPerSecond, seconds;
};

/// Empty where a line does not say.
std::vector<double> sumOver(const std::vector<double> &steps,
                            const std::vector<double> &amounts) {
  std::vector<double> sums;
  double sum = 0, before = -1;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (!std::isfinite(amounts[i]))
      return {};
    sum += amounts[i] * (steps[i] - before);
    before = steps[i];
    sums.push_back(sum);
  }
  return sums;
}

void cut(Run &run, Pace &pace, size_t rows) {
  run.steps.resize(rows);
  pace.tokensPerSecond.resize(rows);
  pace.seconds.resize(rows);
  for (std::vector<double> &column : run.values)
    column.resize(rows);
}
} // namespace

const char *pp::plot::fieldOf(Metric metric) {
  switch (metric) {
  case Metric::Loss:
    return "loss";
  case Metric::EvalLoss:
    return "eval_loss";
  case Metric::LearningRate:
    return "lr";
  case Metric::GradientNorm:
    return "grad_norm";
  case Metric::TokensPerSecond:
    return "tokens_per_second";
  }
  return "";
}

Run pp::plot::readRun(const std::string &path) {
  Lines lines(path);
  Run run;
  Pace pace;
  size_t restarts = 0, dropped = 0;
  std::string text;
  while (lines.next(text)) {
    if (text.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    const nlohmann::json line =
        nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_discarded() && !lines.hasEnd) {
      run.notes.push_back("the last line is not whole, and passed over");
      continue;
    }
    if (line.is_discarded())
      lines.failHere("no JSON");
    if (!line.is_object())
      lines.failHere("JSON that is no object");
    // nlohmann-json takes the last of equal keys, as most readers do.
    const double step = numberOf(line, "step", lines);
    constexpr double most = 9007199254740992; // 2^53
    if (!(step >= 0) || step > most || step != std::floor(step))
      lines.failHere(std::isnan(step) ? "no \"step\""
                                      : "a \"step\" that is no whole number "
                                        "from 0 to 2^53");
    if (!run.steps.empty() && step <= run.steps.back()) {
      const size_t kept =
          size_t(std::lower_bound(run.steps.begin(), run.steps.end(), step) -
                 run.steps.begin());
      ++restarts;
      dropped += run.steps.size() - kept;
      cut(run, pace, kept);
    }
    run.steps.push_back(step);
    for (size_t metric = 0; metric < kMetrics; ++metric)
      run.values[metric].push_back(
          numberOf(line, fieldOf(Metric(metric)), lines));
    pace.tokensPerSecond.push_back(run.of(Metric::TokensPerSecond).back());
    pace.seconds.push_back(numberOf(line, "seconds", lines));
  }
  if (run.steps.empty())
    Lines::fail("found no step in '" + path +
                "', expected a line for each: has the run begun?");
  if (restarts)
    run.notes.push_back("steps go back " + countOf(restarts, "time", "times") +
                        ": what follows is in the place of " +
                        countOf(dropped, "line", "lines") + " before");
  for (size_t metric : {size_t(Metric::Loss), size_t(Metric::GradientNorm)}) {
    size_t without = 0;
    for (double value : run.values[metric])
      without += std::isnan(value);
    if (without && without < run.steps.size())
      run.notes.push_back(countOf(without, "line", "lines") + " without " +
                          fieldOf(Metric(metric)));
  }
  std::vector<double> tokens(run.steps.size());
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = std::round(pace.tokensPerSecond[i] * pace.seconds[i]);
  run.tokens = sumOver(run.steps, tokens);
  run.time = sumOver(run.steps, pace.seconds);
  return run;
}

std::vector<std::string>
pp::plot::nameRuns(const std::vector<std::string> &paths) {
  // Parts of each path, the last one first.
  std::vector<std::vector<std::string>> parts;
  for (const std::string &path : paths) {
    std::vector<std::string> own;
    const auto whole = std::filesystem::path(path).lexically_normal();
    for (const auto &part : whole)
      own.insert(own.begin(), part.string());
    own.front() = whole.stem().string();
    parts.push_back(own);
  }
  std::vector<std::string> names(paths.size());
  std::vector<size_t> depth(paths.size(), 1);
  auto nameOf = [&](size_t i) {
    std::string name = parts[i][0];
    for (size_t part = 1; part < std::min(depth[i], parts[i].size()); ++part)
      name = parts[i][part] + "/" + name;
    return name;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < names.size(); ++i)
      names[i] = nameOf(i);
    for (size_t i = 0; i < names.size(); ++i)
      if (std::count(names.begin(), names.end(), names[i]) > 1 &&
          depth[i] < parts[i].size()) {
        ++depth[i];
        changed = true;
      }
  }
  // Files of one folder that differ in their extension alone.
  const std::vector<std::string> found = names;
  for (size_t i = 0; i < names.size(); ++i)
    if (std::count(found.begin(), found.end(), found[i]) > 1)
      names[i] = paths[i];
  return names;
}
