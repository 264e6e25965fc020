//===- EscapeJson.h - Text as a string of JSON ----------------------------===//
#ifndef PPRT_CHECK_ESCAPEJSON_H
#define PPRT_CHECK_ESCAPEJSON_H

#include <cstdio>
#include <string>

namespace pprt {

/// `text` with the characters escaped that JSON does not take.
inline std::string escapeJson(const std::string &text) {
  std::string out;
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += char(c);
    } else if (c < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += char(c);
    }
  }
  return out;
}

} // namespace pprt

#endif // PPRT_CHECK_ESCAPEJSON_H
