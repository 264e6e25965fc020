//===- ConfigKeys.cpp - Keys of a config.json -----------------------------===//

#include "ConfigKeys.h"

#include <algorithm>
#include <cmath>

using namespace pp::hf;

bool ConfigKeys::has(const std::string &key) const {
  auto it = object.find(key);
  return it != object.end() && !it->is_null();
}

const Json *ConfigKeys::take(const std::string &key) {
  taken.insert(key);
  return has(key) ? &*object.find(key) : nullptr;
}

void ConfigKeys::failWith(const std::string &message) {
  errors.push_back(where + ": " + message);
}

void ConfigKeys::fail(const std::string &key, const std::string &expected) {
  failWith("found " + key + " = " + brief(*object.find(key)) + ", expected " +
           expected);
}

void ConfigKeys::missing(const std::string &key, const std::string &expected) {
  failWith("found no key '" + key + "', expected " + expected +
           ": is the file complete?");
}

int64_t ConfigKeys::count(const std::string &key,
                          std::optional<int64_t> fallback, int64_t lowest,
                          int64_t highest) {
  const std::string expected = "a whole number from " + std::to_string(lowest) +
                               " to " + std::to_string(highest);
  const Json *value = take(key);
  if (!value) {
    if (!fallback)
      missing(key, expected);
    return fallback.value_or(lowest);
  }
  if (value->is_number_integer()) {
    // Of a number above 2^63 this is negative.
    const auto number = value->get<int64_t>();
    if (number >= lowest && number <= highest)
      return number;
  }
  fail(key, expected + ": correct it");
  return lowest;
}

double ConfigKeys::number(const std::string &key,
                          std::optional<double> fallback, bool orZero) {
  const std::string expected =
      orZero ? "a number from 0 on" : "a number above 0";
  const Json *value = take(key);
  if (!value) {
    if (!fallback)
      missing(key, expected);
    return fallback.value_or(1);
  }
  if (value->is_number()) {
    const double number = value->get<double>();
    if (std::isfinite(number) && (number > 0 || (orZero && number == 0)))
      return number;
  }
  fail(key, expected + ": correct it");
  return fallback.value_or(1);
}

bool ConfigKeys::flag(const std::string &key, bool fallback) {
  const Json *value = take(key);
  if (!value)
    return fallback;
  if (value->is_boolean())
    return value->get<bool>();
  fail(key, "true or false: correct it");
  return fallback;
}

std::string ConfigKeys::text(const std::string &key,
                             std::optional<std::string> fallback) {
  const Json *value = take(key);
  if (!value) {
    if (!fallback)
      missing(key, "a name");
    return fallback.value_or("");
  }
  if (value->is_string())
    return value->get<std::string>();
  fail(key, "a name: correct it");
  return fallback.value_or("");
}

void ConfigKeys::require(const std::string &key, const Json &value,
                         const std::string &why) {
  const Json *found = take(key);
  if (found && *found != value)
    fail(key, brief(value) + ": " + why);
}

void ConfigKeys::passOver(const std::vector<std::string> &names) {
  taken.insert(names.begin(), names.end());
}

void ConfigKeys::refuse(const std::vector<std::string> &names,
                        const std::string &why) {
  for (const std::string &key : names) {
    const Json *value = take(key);
    const bool isOff =
        !value || *value == false || *value == 0 ||
        ((value->is_array() || value->is_object()) && value->empty());
    if (!isOff)
      fail(key, "no such key: " + why);
  }
}

void ConfigKeys::finish(const std::vector<std::string> &ignored,
                        const std::string &remedy) {
  for (const auto &[key, value] : object.items())
    if (!taken.count(key) &&
        std::find(ignored.begin(), ignored.end(), key) == ignored.end())
      failWith("found key '" + key + "', which this tool does not know: " +
               remedy + " --ignore-key=" + key);
  for (const std::string &key : ignored) {
    if (!object.contains(key))
      failWith("found --ignore-key=" + key +
               ", expected a key of the file: drop the option");
    else if (taken.count(key))
      failWith(
          "found --ignore-key=" + key +
          ", expected a key that this tool does not know: drop the option");
  }
}
