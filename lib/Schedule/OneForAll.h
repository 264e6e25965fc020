//===- OneForAll.h - Lists that may have one entry for all ------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_ONEFORALL_H
#define PP_LIB_SCHEDULE_ONEFORALL_H

#include <cstddef>
#include <vector>

namespace pp::schedule::detail {

/// Entry i of a list with an entry for each, or one for all.
template <typename T> T at(const std::vector<T> &values, size_t i) {
  return values.size() == 1 ? values.front() : values[i];
}

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_ONEFORALL_H
