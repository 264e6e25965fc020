//===- ReadFile.cpp - A whole file as text --------------------------------===//

#include "pp/Schedule/ReadFile.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace pp::schedule;

Result<std::string> pp::schedule::readFile(const std::string &path) {
  std::string text;
  errno = 0;
  if (std::FILE *file = std::fopen(path.c_str(), "rb")) {
    char buffer[1 << 16];
    while (size_t count = std::fread(buffer, 1, sizeof buffer, file))
      text.append(buffer, count);
    bool isComplete = !std::ferror(file);
    int reason = errno;
    std::fclose(file);
    if (isComplete)
      return text;
    errno = reason;
  }
  return Error{std::strerror(errno)};
}
