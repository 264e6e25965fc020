//===- Json.h - Files of JSON -----------------------------------*- C++ -*-===//

#ifndef PP_LIB_IMPORT_JSON_H
#define PP_LIB_IMPORT_JSON_H

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace pp::hf {

using Json = nlohmann::ordered_json;

/// What is wrong with a command line or a directory; lower case, found,
/// expected, remedy. All that was found, not only the first.
struct Failure {
  std::vector<std::string> messages;
  int status = 1;
};

/// The object that `text` holds; `what` names it in errors. Throws Failure for
/// a syntax error, with line and column, and for a key that stands twice.
Json parseObject(const std::string &text, const std::string &what);

/// All of a file; throws Failure, which ends with `remedy`.
std::string readText(const std::string &path, const std::string &remedy);

/// A value as it stands in an error: short.
std::string brief(const Json &value);

/// Shortest decimal that reads back as the same number, as MLIR writes it: with
/// a point.
std::string numberText(double number);

} // namespace pp::hf

#endif // PP_LIB_IMPORT_JSON_H
