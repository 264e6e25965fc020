#include "Progress.h"

#include "Clock.h"
#include "Error.h"
#include "Transport.h"

#include <algorithm>
#include <cmath>
#include <unistd.h>

using namespace pprt;

std::string pprt::timeText(double seconds) {
  char text[64];
  long long whole = (long long)(std::ceil(std::max(seconds, 0.0)));
  if (whole < 60)
    std::snprintf(text, sizeof text, "%lld s", whole);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600,
                  whole / 60 % 60, whole % 60);
  return text;
}

/// Whether what this process prints ends on a terminal. mpirun gives its ranks
/// a pseudo-terminal whatever its own output is, so there the launcher is
/// asked.
static bool printsToTerminal() {
  if (!isatty(STDOUT_FILENO))
    return false;
  if (!launchedAsRank())
    return true;
  char target[256];
  std::string link = "/proc/" + std::to_string(getppid()) + "/fd/1";
  ssize_t length = readlink(link.c_str(), target, sizeof target);
  std::string path(target, size_t(std::max<ssize_t>(length, 0)));
  return path.rfind("/dev/pts/", 0) == 0 || path.rfind("/dev/tty", 0) == 0;
}

Progress::Progress(const Options &options) : steps(options.steps) {
  if (options.quiet || options.progress == "none")
    mode = None;
  else if (options.progress == "line" ||
           (options.progress == "auto" && printsToTerminal()))
    mode = Line;
  else
    mode = Plain;
}

void Progress::show(const StepResult &result) {
  // The first step is slower than the others: it says little about the rest.
  double weight = result.step < 2 ? 1.0 : 0.1;
  meanSeconds += weight * (result.seconds - meanSeconds);
  if (mode == None)
    return;
  bool always = result.step == 0 || result.step + 1 == steps;
  uint64_t now = nowNs();
  uint64_t interval = mode == Line ? 100000000u : 2000000000u;
  if (!always && now - lastShown < interval)
    return;
  lastShown = now;
  double tokens = meanSeconds > 0
                      ? result.tokensPerSecond * result.seconds / meanSeconds
                      : 0;
  std::string left = timeText(meanSeconds * double(steps - 1 - result.step));
  std::printf("%sstep %lld/%lld  loss %.4f  %.0f tokens/s  %s left%s",
              mode == Line ? "\r\033[K" : "",
              static_cast<long long>(result.step + 1),
              static_cast<long long>(steps), result.loss, tokens, left.c_str(),
              mode == Line ? "" : "\n");
  std::fflush(stdout);
  open = mode == Line;
}

void Progress::end() {
  if (open)
    std::printf("\n");
  open = false;
}

Metrics::Metrics(const std::string &path) : path(path) {
  if (path.empty())
    return;
  file = std::fopen(path.c_str(), "we");
  if (!file)
    throw Error("cannot create the metrics file '" + path +
                "': " + systemError());
}

Metrics::~Metrics() {
  if (file)
    std::fclose(file);
}

void Metrics::write(const StepResult &result) {
  if (!file)
    return;
  int status = std::fprintf(
      file,
      "{\"step\": %lld, \"loss\": %.10g, \"grad_norm\": %.10g, \"lr\": %.10g, "
      "\"tokens_per_second\": %.6g, \"seconds\": %.6g}\n",
      static_cast<long long>(result.step), result.loss, result.gradientNorm,
      result.learningRate, result.tokensPerSecond, result.seconds);
  if (status < 0 || std::fflush(file) != 0)
    throw Error("cannot write the metrics file '" + path +
                "': " + systemError());
}
