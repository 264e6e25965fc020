//===- Profile.cpp - Measured times of a model's layers -------------------===//
//
// The compiler is built without exceptions, so the reader asks before it takes
// and tells where in the file it stands.
//
//===----------------------------------------------------------------------===//

#include "pp/Profile/Profile.h"
#include "pp/Limits.h"
#include "pp/Schedule/ReadFile.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>

using namespace pp::profile;
using nlohmann::json;
namespace limits = pp::limits;

static const char *const kRemedy =
    ": write it again with --profile-out of a compiled program";

namespace {
/// Finds the place of a syntax error; takes everything else as it comes.
class ErrorFinder : public json::json_sax_t {
public:
  size_t position = 0;
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t &) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t at, const std::string &,
                   const nlohmann::detail::exception &) override {
    position = at;
    return false;
  }
};

/// Reads fields; keeps the first thing that is wrong.
class Reader {
public:
  std::string error;

  const json *find(const json &object, const std::string &path,
                   const char *key) {
    if (object.is_object())
      if (auto it = object.find(key); it != object.end())
        return &*it;
    fail("no '" + path + key + "'", "expected it");
    return nullptr;
  }

  double number(const json &object, const std::string &path, const char *key) {
    const json *value = find(object, path, key);
    return value ? number(*value, path + key) : 0;
  }

  double number(const json &value, const std::string &path) {
    double result = value.is_number() ? value.get<double>() : -1;
    if (result >= 0 && result <= limits::kTime)
      return result;
    fail("'" + path + "' as " + value.dump().substr(0, 40),
         "expected a number from 0 to 1e15");
    return 0;
  }

  int64_t whole(const json &object, const std::string &path, const char *key) {
    const json *found = find(object, path, key);
    double value = found && found->is_number() ? found->get<double>() : -1;
    if (found && !(value >= 0 && value <= 1e18 && value == std::floor(value)))
      fail("'" + path + key + "' as " + found->dump().substr(0, 40),
           "expected a whole number from 0 to 1e18");
    return error.empty() ? int64_t(value) : 0;
  }

  std::string text(const json &object, const std::string &path,
                   const char *key) {
    const json *value = find(object, path, key);
    if (value && value->is_string())
      return value->get<std::string>();
    if (value)
      fail("'" + path + key + "' as " + value->dump().substr(0, 40),
           "expected a text");
    return "";
  }

  void fail(const std::string &found, const std::string &expected) {
    if (error.empty())
      error = "found " + found + ", " + expected;
  }
};
} // namespace

static Layer readLayer(const json &object, const std::string &path,
                       Reader &reader) {
  Layer layer;
  layer.name = reader.text(object, path, "layer");
  layer.flops = reader.whole(object, path, "flops");
  layer.outputBytes = reader.whole(object, path, "output_bytes");
  layer.parameterBytes = reader.whole(object, path, "parameter_bytes");
  layer.seconds['F'] = reader.number(object, path, "F");
  for (char part : {'I', 'W', 'R', 'B'}) {
    const std::string key(1, part);
    if (object.is_object() && object.contains(key))
      layer.seconds[part] = reader.number(object, path, key.c_str());
  }
  return layer;
}

static void read(const json &root, Profile &profile, Reader &reader) {
  int64_t format = reader.whole(root, "", "format");
  if (reader.error.empty() && format != 1)
    reader.fail("format " + std::to_string(format), "expected format 1");
  profile.model = reader.text(root, "", "model");
  profile.batch = reader.whole(root, "", "batch");
  profile.sequence = reader.whole(root, "", "sequence");
  profile.exchange = reader.number(root, "", "exchange");
  if (const json *update = reader.find(root, "", "update")) {
    double bytes = double(reader.whole(*update, "update.", "bytes"));
    double seconds = reader.number(*update, "update.", "seconds");
    profile.updatePerByte = bytes > 0 ? seconds / bytes : 0;
  }
  const json *transfers = reader.find(root, "", "transfers");
  if (transfers && !transfers->is_null()) {
    profile.hasTransfers = true;
    profile.latency = reader.number(*transfers, "transfers.", "latency");
    profile.bandwidth = reader.number(*transfers, "transfers.", "bandwidth");
    if (reader.error.empty() && profile.bandwidth < 1)
      reader.fail("'transfers.bandwidth' as " +
                      transfers->at("bandwidth").dump().substr(0, 40),
                  "expected at least one byte a second");
  }
  const json *layers = reader.find(root, "", "layers");
  if (!layers)
    return;
  if (!layers->is_array() || layers->empty())
    return reader.fail("'layers' that is no list of layers",
                       "expected one entry for each apply of the model");
  for (size_t i = 0; i < layers->size(); ++i)
    profile.layers.push_back(
        readLayer((*layers)[i], "layers[" + std::to_string(i) + "].", reader));
}

Result<Profile> pp::profile::parse(std::string_view text,
                                   const std::string &path) {
  auto fail = [&](const std::string &what) {
    return Error{"profile '" + path + "': " + what + kRemedy};
  };
  json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) {
    ErrorFinder finder;
    json::sax_parse(text, &finder);
    size_t end = std::min(finder.position, text.size());
    return fail(
        "found no JSON from line " +
        std::to_string(1 + std::count(text.begin(), text.begin() + end, '\n')) +
        " on, expected a whole profile");
  }
  Profile profile;
  profile.path = path;
  Reader reader;
  if (!root.is_object())
    reader.fail("no object", "expected a profile");
  else
    read(root, profile, reader);
  if (!reader.error.empty())
    return fail(reader.error);

  std::map<std::string, std::map<char, int>> counts;
  for (const Layer &layer : profile.layers)
    for (auto [part, seconds] : layer.seconds) {
      profile.means[layer.name][part] += seconds;
      ++counts[layer.name][part];
    }
  for (auto &[name, parts] : profile.means)
    for (auto &[part, seconds] : parts)
      seconds /= counts[name][part];
  return profile;
}

Result<Profile> pp::profile::load(const std::string &path) {
  Result<std::string> text = schedule::readFile(path);
  if (text)
    return parse(*text, path);
  return Error{"cannot read the profile '" + path + "': " + text.error() +
               ", expected a file that a compiled program wrote with "
               "--profile-out"};
}

double Profile::secondsOf(const std::string &layer, char part) const {
  auto parts = means.find(layer);
  if (parts == means.end())
    return 0;
  if (auto found = parts->second.find(part); found != parts->second.end())
    return found->second;
  if (part == 'R')
    return secondsOf(layer, 'F');
  if (part == 'B')
    return secondsOf(layer, 'I') + secondsOf(layer, 'W');
  return 0;
}

double Profile::secondsOf(size_t apply, char part) const {
  const Layer &layer = layers[apply];
  auto has = [&](char p) { return layer.seconds.count(p) != 0; };
  switch (part) {
  case 'B':
    return has('B') ? secondsOf(layer.name, 'B')
                    : secondsOf(apply, 'I') + secondsOf(apply, 'W');
  case 'R':
    return has('R') ? secondsOf(layer.name, 'R') : 0;
  default:
    return has(part) ? secondsOf(layer.name, part) : 0;
  }
}

std::string pp::profile::findDifference(const Profile &profile,
                                        const Model &model) {
  const std::string remedy =
      ": measure a program of this model with --profile-out";
  const std::string of = " in the profile '" + profile.path + "'";
  if (model.batch > 0 &&
      (model.batch != profile.batch || model.sequence != profile.sequence))
    return "found micro-batches of " + std::to_string(profile.batch) + " x " +
           std::to_string(profile.sequence) + " tokens" + of + ", expected " +
           std::to_string(model.batch) + " x " +
           std::to_string(model.sequence) + " as in the model" + remedy;
  std::map<std::string, int64_t> measured;
  for (const Layer &layer : profile.layers)
    measured[layer.name] = layer.flops;
  for (const Model::Layer &layer : model.layers) {
    auto found = measured.find(layer.name);
    if (found == measured.end()) {
      std::string names;
      for (auto &[name, flops] : measured)
        names += (names.empty() ? "@" : ", @") + name;
      return "found no times of layer @" + layer.name + of + ", which is of '" +
             profile.model + "' with " + names +
             "; expected times of all layers of the model" + remedy;
    }
    if (found->second != layer.flops)
      return "found layer @" + layer.name + " with " +
             std::to_string(found->second) + " operations" + of +
             ", expected the " + std::to_string(layer.flops) +
             " that it has in the model" + remedy;
  }
  return "";
}
