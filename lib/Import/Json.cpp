//===- Json.cpp - Files of JSON -------------------------------------------===//

#include "Json.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

using namespace pp::hf;

Json pp::hf::parseObject(const std::string &text, const std::string &what) {
  // The last of two equal keys would silently win.
  std::vector<std::set<std::string>> keys;
  std::string twice;
  // No configuration is nested deeper; what is deeper could not be written.
  constexpr int deepest = 100;
  bool isDeep = false;
  auto watch = [&](int depth, Json::parse_event_t event, Json &value) {
    isDeep |= depth > deepest;
    if (event == Json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == Json::parse_event_t::key && twice.empty() &&
             !keys.back().insert(value.get<std::string>()).second)
      twice = value.get<std::string>();
    return depth <= deepest;
  };
  Json result;
  try {
    result = Json::parse(text, watch);
  } catch (const Json::exception &error) {
    // "[json.exception.parse_error.101] parse error at line 3, column 5: ..."
    std::string why = error.what();
    const size_t at = why.find("at line");
    // "[json.exception.out_of_range.406] number overflow parsing '1e999'"
    if (const size_t end = why.find("] ");
        at == std::string::npos && end != std::string::npos)
      why = why.substr(end + 2);
    throw Failure{{what + ": found a syntax error " +
                   (at == std::string::npos ? why : why.substr(at)) +
                   ", expected JSON: correct the file"}};
  }
  if (isDeep)
    throw Failure{{what + ": found more than " + std::to_string(deepest) +
                   " objects and arrays in each other, expected a "
                   "configuration: correct the file"}};
  if (!twice.empty())
    throw Failure{{what + ": found key '" + twice +
                   "' twice, expected each once: drop one"}};
  if (!result.is_object())
    throw Failure{{what + ": found " + brief(result) +
                   ", expected an object, { ... }: correct the file"}};
  return result;
}

std::string pp::hf::readText(const std::string &path,
                             const std::string &remedy) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    throw Failure{{"cannot read '" + path + "': " + std::strerror(errno) +
                   ", " + remedy}};
  return text;
}

std::string pp::hf::brief(const Json &value) {
  constexpr size_t most = 80;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

std::string pp::hf::numberText(double number) {
  char buffer[32];
  const bool isReadable = number == 0 || (number >= 1e-4 && number < 1e9);
  char *end = std::to_chars(buffer, buffer + sizeof buffer, number,
                            isReadable ? std::chars_format::fixed
                                       : std::chars_format::general)
                  .ptr;
  std::string text(buffer, end);
  if (text.find('.') == std::string::npos) {
    const size_t exponent = text.find('e');
    text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
  }
  return text;
}
