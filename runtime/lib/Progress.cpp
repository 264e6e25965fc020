#include "Progress.h"

#include "Bootstrap.h"
#include "Clock.h"
#include "Error.h"
#include "Json.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
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
  char loss[64] = "";
  if (!std::isnan(result.loss))
    std::snprintf(loss, sizeof loss, "loss %.4f  ", result.loss);
  std::printf("%sstep %lld/%lld  %s%.0f tokens/s  %s left%s",
              mode == Line ? "\r\033[K" : "",
              static_cast<long long>(result.step + 1),
              static_cast<long long>(steps), loss, tokens, left.c_str(),
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
  fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    throw Error("cannot create the metrics file '" + path +
                "': " + systemError());
}

Metrics::~Metrics() {
  if (fd >= 0)
    close(fd);
}

void Metrics::write(const StepResult &result) {
  if (fd < 0)
    return;
  const std::string line =
      toLine(Json{{"step", result.step},
                  {"loss", roundTo(result.loss, 10)},
                  {"grad_norm", roundTo(result.gradientNorm, 10)},
                  {"lr", roundTo(result.learningRate, 10)},
                  {"tokens_per_second", roundTo(result.tokensPerSecond, 6)},
                  {"seconds", roundTo(result.seconds, 6)}}) +
      "\n";
  for (size_t at = 0; at < line.size();) {
    ssize_t written = ::write(fd, line.data() + at, line.size() - at);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0) {
      std::string error = systemError();
      // What stays are whole lines. A pipe has no end to cut off.
      if (ftruncate(fd, off_t(bytes)) != 0)
        error += "; the last line may be incomplete";
      throw Error("cannot write the metrics file '" + path + "': " + error);
    }
    at += size_t(written);
  }
  bytes += line.size();
}
