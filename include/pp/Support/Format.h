//===- Format.h - printf into a string --------------------------*- C++ -*-===//

#ifndef PP_SUPPORT_FORMAT_H
#define PP_SUPPORT_FORMAT_H

#include <cstdarg>
#include <cstdio>
#include <string>

namespace pp {

/// What printf would print, up to 511 characters of it.
[[gnu::format(printf, 1, 2)]] inline std::string format(const char *pattern,
                                                        ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
  va_end(arguments);
  return buffer;
}

} // namespace pp

#endif // PP_SUPPORT_FORMAT_H
