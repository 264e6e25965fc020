//===- ConfigAttribute.cpp - A config.json as an attribute of the model ---===//
//
// Objects are dictionaries, null is a unit attribute: what a program writes
// beside its weights is the configuration that its model was made from.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Json.h"

#include <cctype>
#include <cstdio>

using namespace pp::hf;

static std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (unsigned char c : text) {
    char code[4];
    std::snprintf(code, sizeof code, "\\%02X", c);
    const bool isPlain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
    result += isPlain ? std::string(1, char(c)) : code;
  }
  return result + "\"";
}

/// As a name where it is one.
static std::string keyText(const std::string &key) {
  bool isName =
      !key.empty() && !std::isdigit(static_cast<unsigned char>(key[0]));
  for (unsigned char c : key)
    isName &= std::isalnum(c) || c == '_';
  if (key.empty())
    throw Failure{{"found an empty key in config.json, expected names: correct "
                   "it"}};
  return isName ? key : quoted(key);
}

static std::string valueText(const Json &value);

static std::string entryText(const std::string &key, const Json &value) {
  return keyText(key) + (value.is_null() ? "" : " = " + valueText(value));
}

static std::string valueText(const Json &value) {
  std::string list;
  auto add = [&](const std::string &text) {
    list += (list.empty() ? "" : ", ") + text;
  };
  if (value.is_object()) {
    for (const auto &[key, element] : value.items())
      add(entryText(key, element));
    return "{" + list + "}";
  }
  if (value.is_array()) {
    for (const Json &element : value)
      add(valueText(element));
    return "[" + list + "]";
  }
  if (value.is_null())
    return "unit";
  if (value.is_string())
    return quoted(value.get<std::string>());
  if (value.is_boolean())
    return value.get<bool>() ? "true" : "false";
  const bool isLarge =
      value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX);
  return value.is_number_float() || isLarge ? numberText(value.get<double>())
                                            : value.dump();
}

std::string pp::hf::configAttribute(const Json &config,
                                    const std::string &architecture) {
  // What is trained has a head, whatever the weights had that it started from.
  Json object = config;
  object["architectures"] = Json::array({architecture});
  std::string text = "{";
  for (const auto &[key, value] : object.items())
    text += (text == "{" ? "\n      " : ",\n      ") + entryText(key, value);
  return text + "}";
}
