//===- Json.h - JSON that a run writes ------------------------------------===//
//
// Metrics, profiles, traces and times of kernels. Keys keep the order in which
// they were added, and what is no finite number becomes null.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_JSON_H
#define PPRT_JSON_H

#include <nlohmann/json.hpp>

#include <string>

namespace pprt {

using Json = nlohmann::ordered_json;

/// `value` on one line. Names may have any bytes: what is no UTF-8 is replaced.
std::string toLine(const Json &value);

/// `document`, an object, to be read by people as well: each of its keys, and
/// each element of an array, on a line of its own.
std::string toLines(const Json &document);

/// `value` with so many significant decimal digits: what a clock cannot tell is
/// not written.
double roundTo(double value, int digits);

} // namespace pprt

#endif // PPRT_JSON_H
