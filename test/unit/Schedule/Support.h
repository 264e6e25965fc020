//===- Support.h - What the tests of schedules share ------------*- C++ -*-===//

#ifndef PP_TEST_UNIT_SCHEDULE_SUPPORT_H
#define PP_TEST_UNIT_SCHEDULE_SUPPORT_H

#include "pp/Schedule/Generators.h"

/// Names of schedules that exist for the setting, in turn.
inline std::string existingName(size_t round, int p, int m) {
  const auto &names = pp::schedule::names();
  const std::string &name = names[round % names.size()];
  return name == "dualpipe-v" && m < 2 * p ? "1f1b" : name;
}

#endif // PP_TEST_UNIT_SCHEDULE_SUPPORT_H
