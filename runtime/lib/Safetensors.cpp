#include "Safetensors.h"

#include "Error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace pprt;
using nlohmann::json;

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string pprt::safetensorsHeader(const std::vector<Parameter> &parameters) {
  nlohmann::ordered_json header;
  // "pt" is what Hugging Face's loaders ask for.
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const Parameter &parameter : parameters) {
    uint64_t end = offset + parameter.wholeElements() * sizeof(float);
    nlohmann::ordered_json entry;
    entry["dtype"] = "F32";
    entry["shape"] = parameter.shape;
    entry["data_offsets"] = {offset, end};
    header[parameter.name] = std::move(entry);
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  uint64_t length = text.size();
  std::string result(8, '\0');
  for (int i = 0; i < 8; ++i)
    result[i] = char(length >> (8 * i) & 0xff);
  return result + text;
}

SafetensorsFile::SafetensorsFile(const std::string &path,
                                 const std::vector<Parameter> &parameters)
    : file(path, "weights file",
           "give --load the directory that holds model.safetensors") {
  check(parameters);
}

void SafetensorsFile::check(const std::vector<Parameter> &parameters) {
  const std::string &path = file.path();
  const uint64_t fileBytes = file.size();
  if (fileBytes < 8)
    throw Error("found " + std::to_string(fileBytes) + " bytes in '" + path +
                "', expected a safetensors file: it is truncated");
  uint8_t bytes[8];
  file.read(0, bytes, sizeof bytes);
  uint64_t length = 0;
  for (int i = 0; i < 8; ++i)
    length |= uint64_t(bytes[i]) << (8 * i);
  if (length > fileBytes - 8)
    throw Error("found a header of " + std::to_string(length) + " bytes in '" +
                path + "' of " + std::to_string(fileBytes) +
                " bytes: the file is truncated or not safetensors");
  std::string text(length, '\0');
  file.read(8, text.data(), length);
  // A name that stands twice would silently hide the first tensor.
  std::set<std::string> names;
  std::string twice;
  auto watch = [&](int depth, json::parse_event_t event, json &value) {
    if (event == json::parse_event_t::key && depth == 1 &&
        !names.insert(value.get<std::string>()).second)
      twice = value.get<std::string>();
    return true;
  };
  json header = json::parse(text, watch, false);
  if (header.is_discarded() || !header.is_object())
    throw Error("found a header that is not JSON in '" + path +
                "', expected a safetensors file: it is damaged");

  if (!twice.empty())
    throw Error("found tensor '" + twice + "' twice in '" + path +
                "', expected each name once: the file is damaged");

  std::map<std::string, size_t> indices;
  for (size_t i = 0; i < parameters.size(); ++i)
    indices[parameters[i].name] = i;
  uint64_t dataBegin = 8 + length;
  uint64_t dataBytes = fileBytes - dataBegin;
  extents.assign(parameters.size(), {});
  std::vector<bool> found(parameters.size());
  struct Span {
    uint64_t begin, end;
    std::string name;
  };
  std::vector<Span> spans;
  for (auto &[name, entry] : header.items()) {
    if (name == "__metadata__")
      continue;
    std::string tensor = "tensor '" + name + "' in '" + path + "'";
    auto it = indices.find(name);
    if (it == indices.end())
      throw Error("found " + tensor +
                  ", which is no parameter of the model: "
                  "the weights are those of another model");
    const Parameter &parameter = parameters[it->second];
    if (!entry.is_object() || !entry.contains("dtype") ||
        !entry.contains("shape") || !entry.contains("data_offsets") ||
        !entry["dtype"].is_string() || !entry["shape"].is_array() ||
        !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2)
      throw Error("found " + tensor +
                  " without dtype, shape or data_offsets: "
                  "the file is damaged");
    auto isCount = [](const json &value) { return value.is_number_unsigned(); };
    if (!std::all_of(entry["shape"].begin(), entry["shape"].end(), isCount) ||
        !std::all_of(entry["data_offsets"].begin(), entry["data_offsets"].end(),
                     isCount))
      throw Error("found " + tensor +
                  " with a shape or offsets that are not "
                  "counts: the file is damaged");
    std::string dtype = entry["dtype"];
    if (dtype != "F32")
      throw Error("found " + tensor + " of dtype " + dtype +
                  ", expected F32: convert the weights");
    auto shape = entry["shape"].get<std::vector<int64_t>>();
    if (shape != parameter.shape)
      throw Error("found " + tensor + " of shape " + shapeText(shape) +
                  ", expected " + shapeText(parameter.shape) +
                  ": the weights are those of another model");
    uint64_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    if (end < begin || end - begin != parameter.wholeElements() * sizeof(float))
      throw Error("found " + tensor + " at data_offsets [" +
                  std::to_string(begin) + ", " + std::to_string(end) +
                  "], expected " +
                  std::to_string(parameter.wholeElements() * sizeof(float)) +
                  " bytes: the file is damaged");
    if (end > dataBytes)
      throw Error("found " + tensor + " up to byte " + std::to_string(end) +
                  " of " + std::to_string(dataBytes) +
                  " bytes of data: the file is truncated");
    found[it->second] = true;
    extents[it->second] = {dataBegin + begin, end - begin};
    spans.push_back({begin, end, name});
  }
  for (size_t i = 0; i < parameters.size(); ++i)
    if (!found[i])
      throw Error("found no tensor '" + parameters[i].name + "' in '" + path +
                  "', expected all parameters of the model: the weights are "
                  "those of another model");
  std::sort(spans.begin(), spans.end(),
            [](const Span &a, const Span &b) { return a.begin < b.begin; });
  uint64_t at = 0;
  for (const Span &span : spans) {
    if (span.begin != at)
      throw Error("found " +
                  std::string(span.begin < at ? "overlapping data"
                                              : "a gap in the data") +
                  " before tensor '" + span.name + "' in '" + path +
                  "', expected tensors one after another: the file is damaged");
    at = span.end;
  }
  if (at != dataBytes)
    throw Error("found " + std::to_string(dataBytes - at) +
                " bytes behind the last tensor in '" + path +
                "', expected none: the file is damaged");
}

void SafetensorsFile::read(int index, float *out) const {
  file.read(extents[index].begin, out, extents[index].bytes);
}
