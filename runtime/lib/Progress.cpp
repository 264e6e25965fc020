#include "Progress.h"

#include "Bootstrap.h"
#include "Clock.h"
#include "Error.h"
#include "Json.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <sys/stat.h>
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
  double weight = shown++ < 2 ? 1.0 : 0.1;
  meanSeconds += weight * (result.seconds - meanSeconds);
  if (mode == None)
    return;
  bool always = shown == 1 || result.step + 1 == steps || result.evaluationLoss;
  uint64_t now = nowNs();
  uint64_t interval = mode == Line ? 100000000u : 2000000000u;
  if (!always && now - lastShown < interval)
    return;
  lastShown = now;
  double tokens = meanSeconds > 0
                      ? result.tokensPerSecond * result.seconds / meanSeconds
                      : 0;
  std::string left = timeText(meanSeconds * double(steps - 1 - result.step));
  char loss[96] = "";
  if (result.evaluationLoss)
    std::snprintf(loss, sizeof loss, "loss %.4f  eval loss %.4f  ", result.loss,
                  *result.evaluationLoss);
  else if (!std::isnan(result.loss))
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

Metrics::Metrics(const std::string &path, int64_t firstStep) : path(path) {
  if (path.empty())
    return;
  const int keep = firstStep > 0 ? 0 : O_TRUNC;
  fd = open(path.c_str(),
            (keep ? O_WRONLY : O_RDWR) | O_CREAT | keep | O_CLOEXEC, 0666);
  if (fd < 0)
    throw Error("cannot create the metrics file '" + path +
                "': " + systemError());
  struct stat info;
  // A pipe has no past.
  if (firstStep > 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    keepBefore(firstStep);
}

/// Cuts the file behind the last whole line of a step before `firstStep`.
void Metrics::keepBefore(int64_t firstStep) {
  std::string line;
  char block[1 << 14];
  bool isOver = false;
  for (uint64_t at = 0; !isOver;) {
    const ssize_t count = pread(fd, block, sizeof block, off_t(at));
    if (count < 0)
      throw Error("cannot read the metrics file '" + path +
                  "': " + systemError());
    if (count == 0)
      break;
    at += uint64_t(count);
    for (ssize_t i = 0; i < count && !isOver; ++i) {
      if (block[i] != '\n') {
        line += block[i];
        // No line of ours is as long.
        isOver = line.size() > sizeof block;
        continue;
      }
      const Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (!value.is_object() || !value.contains("step") ||
          !value["step"].is_number_integer())
        throw Error("found a line in '" + path + "' that is no metrics ('" +
                    line.substr(0, 60) +
                    "'), expected those of the run that goes on: give "
                    "--metrics its file, or a new one");
      isOver = value["step"].get<int64_t>() >= firstStep;
      bytes += isOver ? 0 : line.size() + 1;
      line.clear();
    }
  }
  if (ftruncate(fd, off_t(bytes)) != 0 || lseek(fd, off_t(bytes), SEEK_SET) < 0)
    throw Error("cannot cut the metrics file '" + path + "': " + systemError());
}

Metrics::~Metrics() {
  if (fd >= 0)
    close(fd);
}

void Metrics::write(const StepResult &result) {
  if (fd < 0)
    return;
  Json fields{{"step", result.step},
              {"loss", roundTo(result.loss, 10)},
              {"grad_norm", roundTo(result.gradientNorm, 10)},
              {"lr", roundTo(result.learningRate, 10)},
              {"tokens_per_second", roundTo(result.tokensPerSecond, 6)},
              {"seconds", roundTo(result.seconds, 6)}};
  if (result.evaluationLoss)
    fields["eval_loss"] = roundTo(*result.evaluationLoss, 10);
  const std::string line = toLine(fields) + "\n";
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
