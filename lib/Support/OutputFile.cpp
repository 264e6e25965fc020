//===- OutputFile.cpp - Files that appear whole ---------------------------===//

#include "pp/Support/OutputFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

static std::string cannotWrite(const std::string &path, int error) {
  return "cannot write '" + path + "': " + std::strerror(error) +
         ", expected a path that can be written";
}

std::string pp::writeFile(const std::string &path, const std::string &text) {
  struct stat found;
  if (stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode))
      return cannotWrite(path, EISDIR);
    // A rename would put a file in the place of a device such as /dev/null.
    if (!S_ISREG(found.st_mode))
      return "cannot write '" + path +
             "': found a device or a pipe, expected a path that can be written";
  }
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0)
    return cannotWrite(path, errno);
  // mkstemp makes a file that only its owner can read.
  const mode_t mask = umask(0);
  umask(mask);
  int error = fchmod(descriptor, 0666 & ~mask) == 0 ? 0 : errno;
  for (size_t done = 0; done < text.size() && !error;) {
    const ssize_t written =
        write(descriptor, text.data() + done, text.size() - done);
    if (written >= 0)
      done += static_cast<size_t>(written);
    else if (errno != EINTR)
      error = errno;
  }
  if (close(descriptor) != 0 && !error)
    error = errno;
  if (!error && std::rename(temporary.c_str(), path.c_str()) != 0)
    error = errno;
  if (error) {
    unlink(temporary.c_str());
    return cannotWrite(path, error);
  }
  return "";
}
