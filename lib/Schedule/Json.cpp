//===- Json.cpp - Strings and numbers of JSON -----------------------------===//

#include "Json.h"

#include <charconv>
#include <cmath>
#include <cstdio>

using namespace pp::schedule;

std::string detail::quoteJson(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string detail::toJson(double number) {
  if (!std::isfinite(number))
    return "null";
  char text[32];
  auto [end, status] = std::to_chars(text, text + sizeof text, number);
  return std::string(text, end);
}
