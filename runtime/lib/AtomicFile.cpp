#include "AtomicFile.h"

#include "Error.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;

static std::string directoryOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "."
         : slash == 0               ? "/"
                                    : path.substr(0, slash);
}

void pprt::checkCanCreate(const std::string &path) {
  std::string remedy = ": give a file in a directory that can be written";
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    throw Error("found '" + path +
                "', which is no regular file, expected a "
                "place for one" +
                remedy);
  if (access(directoryOf(path).c_str(), W_OK | X_OK) != 0)
    throw Error("cannot create '" + path + "' (" + systemError() + ")" +
                remedy);
}

/// Where an open file can be given a name.
static std::string linkOf(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

AtomicFile::AtomicFile(const std::string &path)
    : path(path), temporary(path + ".XXXXXX") {
#ifdef O_TMPFILE
  // Without a name until it is whole, nothing is left of it whatever ends the
  // process. Not all file systems have such files.
  fd = open(directoryOf(path).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (fd >= 0 && access(linkOf(fd).c_str(), F_OK) == 0) {
    isNamed = false;
    return;
  }
  if (fd >= 0)
    close(fd);
#endif
  fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0)
    throw Error("cannot create a file beside '" + path + "': " + systemError());
  // mkostemp makes private files; a result is as readable as any other file.
  mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
}

AtomicFile::~AtomicFile() {
  if (fd < 0)
    return;
  close(fd);
  if (isNamed)
    unlink(temporary.c_str());
}

/// Gives a file without one a name that nothing has.
void AtomicFile::giveName() {
  for (int tries = 0; tries < 100; ++tries) {
    // mkostemp knows how to find one; what it makes is in the way.
    temporary = path + ".XXXXXX";
    int other = mkostemp(temporary.data(), O_CLOEXEC);
    if (other < 0)
      break;
    close(other);
    unlink(temporary.c_str());
    if (linkat(AT_FDCWD, linkOf(fd).c_str(), AT_FDCWD, temporary.c_str(),
               AT_SYMLINK_FOLLOW) == 0) {
      isNamed = true;
      return;
    }
    if (errno != EEXIST)
      break;
  }
  throw Error("cannot create a file beside '" + path + "': " + systemError());
}

void AtomicFile::write(const void *data, uint64_t bytes) {
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t written = ::write(fd, from, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      throw Error("cannot write '" + path + "': " + systemError());
    from += written;
    bytes -= uint64_t(written);
  }
}

void AtomicFile::commit() {
  if (fsync(fd) != 0)
    throw Error("cannot write '" + path + "': " + systemError());
  if (!isNamed)
    giveName();
  if (rename(temporary.c_str(), path.c_str()) != 0)
    throw Error("cannot rename '" + temporary + "' to '" + path +
                "': " + systemError());
  close(fd);
  fd = -1;
  // The new name has to reach the disk as well.
  int directoryFd =
      open(directoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directoryFd >= 0) {
    fsync(directoryFd);
    close(directoryFd);
  }
}
