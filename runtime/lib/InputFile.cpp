#include "InputFile.h"

#include "Error.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;

InputFile::InputFile(const std::string &path, std::string kind,
                     std::string remedy)
    : name(path), kind(std::move(kind)) {
  // Without waiting for the writer of a pipe, which is refused below.
  descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0)
    throw Error("cannot open the " + this->kind + " '" + path +
                "': " + systemError() +
                ", expected a file that can be read: " + remedy);
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(descriptor);
    throw Error("found '" + path +
                "', which is not a regular file, expected a " + this->kind +
                ": " + remedy);
  }
  bytes = lastBytes = uint64_t(info.st_size);
  lastTime = info.st_mtim;
}

InputFile::~InputFile() { close(descriptor); }

void InputFile::read(uint64_t offset, void *to, uint64_t count) const {
  char *at = static_cast<char *>(to);
  while (count > 0) {
    ssize_t got = pread(descriptor, at, count, off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      throw Error("cannot read the " + kind + " '" + name +
                  "': " + systemError());
    if (got == 0)
      throw Error("found the " + kind + " '" + name + "' cut to " +
                  std::to_string(offset) +
                  " bytes or less during the run, "
                  "expected the " +
                  std::to_string(bytes) +
                  " that it had: leave it alone until the run ends");
    at += got;
    offset += uint64_t(got);
    count -= uint64_t(got);
  }
}

bool InputFile::isTouched() {
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return true;
  bool touched = !isSettled || uint64_t(info.st_size) != lastBytes ||
                 info.st_mtim.tv_sec != lastTime.tv_sec ||
                 info.st_mtim.tv_nsec != lastTime.tv_nsec;
  // Systems count file times in steps of up to two seconds.
  isSettled = std::abs(time(nullptr) - info.st_mtim.tv_sec) > 2;
  lastBytes = uint64_t(info.st_size);
  lastTime = info.st_mtim;
  return touched;
}
