//===- Json.h - Strings and numbers of JSON ---------------------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_JSON_H
#define PP_LIB_SCHEDULE_JSON_H

#include <string>
#include <string_view>

namespace pp::schedule::detail {

/// The text with quotes around it.
std::string quoteJson(std::string_view text);

/// The shortest text that reads as the same number; null for none.
std::string toJson(double number);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_JSON_H
