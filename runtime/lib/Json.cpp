#include "Json.h"

#include <cstdio>
#include <cstdlib>

using namespace pprt;

std::string pprt::toLine(const Json &value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// With each element of `value` on a line, or all of them on one.
static std::string layOut(const Json &value, bool onLines, size_t indent) {
  if (!value.is_structured() || value.empty())
    return toLine(value);
  const std::string lineBreak = "\n" + std::string(indent, ' ');
  std::string out;
  for (const auto &[key, element] : value.items()) {
    out += out.empty() ? "" : onLines ? "," : ", ";
    out += onLines ? lineBreak : "";
    out += value.is_object() ? toLine(key) + ": " : "";
    out += layOut(element, element.is_array(), onLines ? indent + 2 : indent);
  }
  return value.is_object() ? "{" + out + "}" : "[" + out + "]";
}

std::string pprt::toLines(const Json &document) {
  std::string text = layOut(document, true, 2);
  text.insert(text.size() - 1, "\n");
  return text + "\n";
}

double pprt::roundTo(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return std::strtod(text, nullptr);
}
