#include "CheckpointIndex.h"

#include "Error.h"
#include "Json.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

using namespace pprt;
namespace fs = std::filesystem;

static constexpr const char *format = "pp-checkpoint";
static constexpr uint64_t version = 1;

std::string CheckpointIndex::text() const {
  Json states = Json::array();
  for (const auto &[name, state] : this->states) {
    Json slices = Json::array();
    for (const StoredSlice &slice : state.slices)
      slices.push_back({{"file", slice.file},
                        {"tensor", slice.tensor},
                        {"begin", slice.box.begin},
                        {"size", slice.box.size}});
    states.push_back({{"name", name},
                      {"shape", state.shape},
                      {"slices", std::move(slices)}});
  }
  const Json document = {{"format", format},
                         {"version", version},
                         {"step", step},
                         {"samples", samples},
                         {"seed", seed},
                         {"model",
                          {{"name", model},
                           {"hash", modelHash},
                           {"vocabulary", vocabulary},
                           {"sequence", sequence}}},
                         {"data", data},
                         {"optimizer", optimizer},
                         {"mesh", mesh},
                         {"options", options},
                         {"states", std::move(states)}};
  return toLines(document);
}

namespace {
/// A value of the index with its place in it, for errors.
class Field {
public:
  Field(const Json &value, std::string place, const std::string &path)
      : value(value), place(std::move(place)), path(path) {}

  Field operator[](const std::string &name) const {
    if (!value.is_object() || !value.contains(name))
      fail("found no " + name + " in " + place);
    return {value[name], name, path};
  }
  std::string text() const {
    if (!value.is_string())
      fail("found " + found() + " as " + place + ", expected a text");
    return value.get<std::string>();
  }
  uint64_t count() const {
    if (!value.is_number_unsigned())
      fail("found " + found() + " as " + place + ", expected a count");
    return value.get<uint64_t>();
  }
  /// A count that is an int64_t.
  int64_t number() const {
    const uint64_t all = count();
    if (all > uint64_t(std::numeric_limits<int64_t>::max()))
      fail("found " + found() + " as " + place + ", expected less");
    return int64_t(all);
  }
  std::vector<uint64_t> counts() const {
    std::vector<uint64_t> all;
    for (const Field &each : elements())
      all.push_back(each.count());
    return all;
  }
  std::vector<Field> elements() const {
    if (!value.is_array())
      fail("found " + found() + " as " + place + ", expected a list");
    std::vector<Field> all;
    for (const Json &each : value)
      all.emplace_back(each, place, path);
    return all;
  }
  std::vector<std::pair<std::string, Field>> members() const {
    if (!value.is_object())
      fail("found " + found() + " as " + place + ", expected an object");
    std::vector<std::pair<std::string, Field>> all;
    for (const auto &[name, each] : value.items())
      all.emplace_back(name, Field(each, "'" + name + "'", path));
    return all;
  }
  [[noreturn]] void fail(const std::string &what) const {
    throw Error(what + " of '" + path +
                "': the file is damaged; resume from another checkpoint");
  }

private:
  std::string found() const {
    std::string text = toLine(value);
    if (text.size() > 60)
      text = text.substr(0, 57) + "...";
    return text;
  }

  const Json &value;
  std::string place;
  const std::string &path;
};
} // namespace

/// Throws unless the product of `sizes` can be counted.
static void checkShape(const Field &field, const std::vector<uint64_t> &sizes) {
  uint64_t all = sizeof(float);
  for (uint64_t size : sizes)
    if (__builtin_mul_overflow(all, size, &all))
      field.fail("found a shape of more than 2^64 bytes in a state");
}

static StoredState readState(const Field &field) {
  StoredState state;
  state.shape = field["shape"].counts();
  checkShape(field, state.shape);
  for (const Field &each : field["slices"].elements()) {
    StoredSlice slice{each["file"].text(),
                      each["tensor"].text(),
                      {each["begin"].counts(), each["size"].counts()}};
    if (slice.file.empty() || fs::path(slice.file).has_parent_path() ||
        slice.file == "." || slice.file == "..")
      each.fail("found '" + slice.file +
                "' as the file of a slice, expected the name of one beside");
    bool isWithin = slice.box.begin.size() == state.shape.size() &&
                    slice.box.size.size() == state.shape.size();
    for (size_t dim = 0; isWithin && dim < state.shape.size(); ++dim)
      isWithin = slice.box.begin[dim] <= state.shape[dim] &&
                 slice.box.size[dim] <= state.shape[dim] - slice.box.begin[dim];
    if (!isWithin)
      each.fail("found the slice '" + slice.tensor +
                "' outside of its tensor in a state");
    state.slices.push_back(std::move(slice));
  }
  return state;
}

CheckpointIndex pprt::readCheckpointIndex(const std::string &directory) {
  const std::string path =
      (fs::path(directory) / CheckpointIndex::fileName).string();
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    throw Error("cannot read '" + path + "' (" + systemError() +
                "), expected the index of a checkpoint: give --resume a "
                "directory step-N, or one that has such");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Field field(root, "it", path);
  if (root.is_discarded() || !root.is_object())
    field.fail("found no JSON object, expected one as the text");
  if (field["format"].text() != format)
    field.fail("found '" + field["format"].text() + "', expected '" +
               std::string(format) + "' as the format");
  if (const uint64_t found = field["version"].count(); found != version)
    throw Error("found version " + std::to_string(found) + " of '" + path +
                "', expected " + std::to_string(version) +
                ": resume with the version of pp that wrote it");
  CheckpointIndex index;
  index.step = field["step"].number();
  index.samples = field["samples"].count();
  index.seed = field["seed"].count();
  const Field model = field["model"];
  index.model = model["name"].text();
  index.modelHash = model["hash"].text();
  index.vocabulary = model["vocabulary"].number();
  index.sequence = model["sequence"].number();
  index.data = field["data"].text();
  index.optimizer = field["optimizer"].text();
  index.mesh = field["mesh"].text();
  for (const auto &[name, value] : field["options"].members())
    index.options[name] = value.text();
  for (const Field &value : field["states"].elements())
    if (!index.states.emplace(value["name"].text(), readState(value)).second)
      value.fail("found '" + value["name"].text() + "' twice as a state");
  return index;
}
