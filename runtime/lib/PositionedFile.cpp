#include "PositionedFile.h"

#include "Error.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;

PositionedFile::PositionedFile(const std::string &path) : path(path) {
  fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0)
    throw Error("cannot write '" + path + "' (" + systemError() +
                "), expected the directory that rank 0 has made: it has to be "
                "on a file system that all ranks see");
}

PositionedFile::~PositionedFile() {
  if (fd >= 0)
    ::close(fd);
}

void PositionedFile::extend(uint64_t bytes) {
  struct stat info;
  if (fstat(fd, &info) != 0 ||
      (uint64_t(info.st_size) < bytes && ftruncate(fd, off_t(bytes)) != 0))
    throw Error("cannot write '" + path + "': " + systemError());
}

void PositionedFile::write(uint64_t at, const void *data, uint64_t bytes) {
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    const ssize_t written = pwrite(fd, from, bytes, off_t(at));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      throw Error("cannot write '" + path + "': " + systemError());
    from += written;
    at += uint64_t(written);
    bytes -= uint64_t(written);
  }
}

void PositionedFile::close() {
  if (fsync(fd) != 0)
    throw Error("cannot write '" + path + "': " + systemError());
  if (::close(fd) != 0) {
    fd = -1;
    throw Error("cannot write '" + path + "': " + systemError());
  }
  fd = -1;
}
