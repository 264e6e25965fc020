//===- ReadFile.h - A whole file as text ------------------------*- C++ -*-===//

#ifndef PP_SCHEDULE_READFILE_H
#define PP_SCHEDULE_READFILE_H

#include "pp/Schedule/Result.h"

#include <string>

namespace pp::schedule {
/// The bytes of a file; the error is the system's reason alone.
Result<std::string> readFile(const std::string &path);
} // namespace pp::schedule

#endif // PP_SCHEDULE_READFILE_H
