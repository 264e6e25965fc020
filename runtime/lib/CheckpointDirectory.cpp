#include "CheckpointDirectory.h"

#include "CheckpointIndex.h"
#include "Error.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;
namespace fs = std::filesystem;

static constexpr const char *partialMark = ".partial-";

std::string CheckpointDirectory::nameOf(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

/// The step that the name of a complete checkpoint says, or -1.
static int64_t stepOf(const std::string &name) {
  int64_t step = -1;
  const std::string prefix = "step-";
  if (name.compare(0, prefix.size(), prefix))
    return -1;
  const char *end = name.data() + name.size();
  const auto [last, error] =
      std::from_chars(name.data() + prefix.size(), end, step);
  return error == std::errc() && last == end && step >= 0 &&
                 CheckpointDirectory::nameOf(step) == name
             ? step
             : -1;
}

std::vector<int64_t> CheckpointDirectory::stepsOf(const std::string &path) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(path, error)) {
    const int64_t step = stepOf(entry.path().filename().string());
    if (step >= 0 &&
        fs::exists(entry.path() / CheckpointIndex::fileName, error))
      steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::string CheckpointDirectory::newestOf(const std::string &path) {
  std::error_code error;
  if (fs::exists(fs::path(path) / CheckpointIndex::fileName, error))
    return path;
  const std::vector<int64_t> steps = stepsOf(path);
  return steps.empty() ? "" : (fs::path(path) / nameOf(steps.back())).string();
}

CheckpointDirectory::CheckpointDirectory(const std::string &path) : path(path) {
  const std::string remedy =
      ": give --checkpoint a directory that can be written";
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, error))
    throw Error("cannot make the directory '" + path + "' of --checkpoint (" +
                (error ? error.message() : "a file is there") + ")" + remedy);
  const std::string name = (fs::path(path) / ".lock").string();
  lock = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0)
    throw Error("cannot write to the directory '" + path +
                "' of --checkpoint (" + systemError() + ")" + remedy);
  // A file system without locks has none to wait for.
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(lock);
    throw Error("found another run that writes checkpoints to '" + path +
                "', expected none: wait for its end, or give another "
                "--checkpoint");
  }
  std::vector<fs::path> left;
  for (const fs::directory_entry &entry : fs::directory_iterator(path, error)) {
    const std::string file = entry.path().filename().string();
    if (const size_t at = file.find(partialMark);
        at != std::string::npos && stepOf(file.substr(0, at)) >= 0)
      left.push_back(entry.path());
  }
  for (const fs::path &each : left)
    removeDirectory(each.string());
}

CheckpointDirectory::~CheckpointDirectory() {
  if (lock >= 0)
    close(lock);
}

/// A directory of a new name that begins with `prefix`.
static std::string makeDirectory(std::string prefix) {
  prefix += "XXXXXX";
  if (!mkdtemp(prefix.data()))
    throw Error("cannot make a directory '" + prefix + "': " + systemError());
  // mkdtemp makes private ones; results are as readable as any others.
  const mode_t mask = umask(0);
  umask(mask);
  chmod(prefix.c_str(), 0777 & ~mask);
  return prefix;
}

std::string CheckpointDirectory::begin(int64_t step) const {
  return makeDirectory((fs::path(path) / nameOf(step)).string() + partialMark);
}

void pprt::flushDirectory(const std::string &path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some file systems have nothing to flush in directories.
  const bool failed = fd < 0 || (fsync(fd) != 0 && errno != EINVAL);
  const std::string error = systemError();
  if (fd >= 0)
    close(fd);
  if (failed)
    throw Error("cannot flush the directory '" + path + "': " + error);
}

void pprt::removeDirectory(const std::string &path) {
  std::error_code error;
  // Without its index a checkpoint that is half removed is none.
  fs::remove(fs::path(path) / CheckpointIndex::fileName, error);
  fs::remove_all(path, error);
}

void CheckpointDirectory::commit(const std::string &partial,
                                 int64_t step) const {
  const std::string target = (fs::path(path) / nameOf(step)).string();
  flushDirectory(partial);
  // Where there is one of that step the two change places.
  const bool exists = fs::exists(target);
  if ((exists ? renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, target.c_str(),
                          RENAME_EXCHANGE)
              : rename(partial.c_str(), target.c_str())) != 0)
    throw Error("cannot rename '" + partial + "' to '" + target +
                "': " + systemError());
  flushDirectory(path);
  if (exists)
    removeDirectory(partial);
  const std::string link = (fs::path(path) / "latest").string();
  const std::string temporary = link + ".new";
  unlink(temporary.c_str());
  if (symlink(nameOf(step).c_str(), temporary.c_str()) != 0 ||
      rename(temporary.c_str(), link.c_str()) != 0)
    throw Error("cannot make the link '" + link + "': " + systemError());
  flushDirectory(path);
}

void CheckpointDirectory::prune(int64_t keep) const {
  const std::vector<int64_t> steps = stepsOf(path);
  if (keep == 0)
    return;
  for (size_t i = 0; i + size_t(keep) < steps.size(); ++i) {
    // What a run that is killed here leaves, the next one removes.
    const std::string whole = (fs::path(path) / nameOf(steps[i])).string();
    const std::string going = whole + partialMark + "removed";
    if (rename(whole.c_str(), going.c_str()) == 0)
      removeDirectory(going);
  }
}
