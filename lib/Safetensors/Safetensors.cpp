//===- Safetensors.cpp - Files of named tensors ---------------------------===//
//
// What does not fit is listed as a whole, so that one look says whether a
// download is incomplete or the weights are those of another model.
//
//===----------------------------------------------------------------------===//

#include "pp/Safetensors/Safetensors.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

using namespace pp::safetensors;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

std::string pp::safetensors::shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

static std::optional<uint64_t> bytesOf(const std::string &dtype) {
  static const std::map<std::string, uint64_t> sizes = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  auto it = sizes.find(dtype);
  return it == sizes.end() ? std::nullopt : std::optional(it->second);
}

/// An object whose names stand once: the last of two would silently win.
static Json parse(const std::string &text, const std::string &path) {
  std::set<std::string> names;
  std::string twice;
  // Messages show values: they must not be deep.
  bool isDeep = false;
  auto watch = [&](int depth, Json::parse_event_t event, Json &value) {
    isDeep |= depth > 10;
    if (event == Json::parse_event_t::key && depth == 1 &&
        !names.insert(value.get<std::string>()).second)
      twice = value.get<std::string>();
    return depth <= 10;
  };
  Json object = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (object.is_discarded() || !object.is_object() || isDeep)
    throw Error("found a header that is not JSON in '" + path +
                "', expected an object, { ... }: the file is damaged");
  if (!twice.empty())
    throw Error("found '" + twice + "' twice in '" + path +
                "', expected each name once: the file is damaged");
  return object;
}

static Tensor readTensor(const std::string &name, const Json &entry,
                         const std::string &path, uint64_t dataBegin,
                         uint64_t dataBytes) {
  const std::string subject = "found tensor '" + name + "' in '" + path + "'";
  if (!entry.is_object() || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets") ||
      !entry["dtype"].is_string() || !entry["shape"].is_array() ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2)
    throw Error(subject + " without dtype, shape or data_offsets: "
                          "the file is damaged");
  auto isCount = [](const Json &value) { return value.is_number_unsigned(); };
  if (!std::all_of(entry["shape"].begin(), entry["shape"].end(), isCount) ||
      !std::all_of(entry["data_offsets"].begin(), entry["data_offsets"].end(),
                   isCount))
    throw Error(subject + " with a shape or offsets that are not counts: "
                          "the file is damaged");
  Tensor tensor;
  tensor.name = name;
  tensor.dtype = entry["dtype"].get<std::string>();
  tensor.shape = entry["shape"].get<std::vector<int64_t>>();
  const uint64_t begin = entry["data_offsets"][0];
  const uint64_t end = entry["data_offsets"][1];
  // Of a type that is not known any size is right: nobody reads it.
  uint64_t expected = bytesOf(tensor.dtype).value_or(end - begin);
  if (bytesOf(tensor.dtype))
    for (int64_t extent : tensor.shape)
      if (__builtin_mul_overflow(expected, uint64_t(extent), &expected))
        throw Error(subject + " of shape " + shapeText(tensor.shape) +
                    ", expected fewer elements: the file is damaged");
  if (end < begin || end - begin != expected)
    throw Error(subject + " at data_offsets [" + std::to_string(begin) + ", " +
                std::to_string(end) + "], expected " +
                std::to_string(expected) + " bytes: the file is damaged");
  if (end > dataBytes)
    throw Error(subject + " up to byte " + std::to_string(end) + " of " +
                std::to_string(dataBytes) +
                " bytes of data: the file is truncated");
  tensor.begin = dataBegin + begin;
  tensor.bytes = end - begin;
  return tensor;
}

/// Data is without gaps and overlaps, and ends with the file.
static void checkData(std::vector<Tensor> tensors, const File &file,
                      uint64_t dataBegin) {
  std::sort(tensors.begin(), tensors.end(),
            [](const Tensor &a, const Tensor &b) {
              return std::pair(a.begin, a.bytes) < std::pair(b.begin, b.bytes);
            });
  uint64_t at = dataBegin;
  for (const Tensor &tensor : tensors) {
    if (tensor.begin != at)
      throw Error("found " +
                  std::string(tensor.begin < at ? "overlapping data"
                                                : "a gap in the data") +
                  " before tensor '" + tensor.name + "' in '" + file.path +
                  "', expected tensors one after another: the file is damaged");
    at += tensor.bytes;
  }
  if (at != file.bytes)
    throw Error("found " + std::to_string(file.bytes - at) +
                " bytes behind the last tensor in '" + file.path +
                "', expected none: the file is damaged");
}

/// Adds a file and its tensors.
static void addFile(const fs::path &path, Directory &directory) {
  File file{path.string(), 0};
  std::error_code error;
  // Of a pipe there is no size, and opening one would wait for its writer.
  file.bytes = fs::file_size(path, error);
  std::ifstream stream;
  if (!error)
    stream.open(path, std::ios::binary);
  if (error || !stream.is_open())
    throw Error("cannot read weights file '" + file.path +
                "': " + (error ? error.message() : "it cannot be opened") +
                ", expected a file that can be read");
  unsigned char bytes[8] = {};
  if (file.bytes < sizeof bytes ||
      !stream.read(reinterpret_cast<char *>(bytes), sizeof bytes))
    throw Error("found " + std::to_string(file.bytes) + " bytes in '" +
                file.path + "', expected a safetensors file: it is truncated");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | bytes[i];
  constexpr uint64_t most = 100'000'000; // of the format
  if (length > most || length > file.bytes - sizeof bytes)
    throw Error("found a header of " + std::to_string(length) + " bytes in '" +
                file.path + "' of " + std::to_string(file.bytes) +
                " bytes: the file is truncated or not safetensors");
  std::string text(length, '\0');
  if (!stream.read(text.data(), std::streamsize(length)))
    throw Error("cannot read the header of '" + file.path +
                "', expected a file that can be read");
  const Json header = parse(text, file.path);
  const uint64_t dataBegin = sizeof bytes + length;
  std::vector<Tensor> tensors;
  for (const auto &[name, entry] : header.items())
    if (name != "__metadata__")
      tensors.push_back(readTensor(name, entry, file.path, dataBegin,
                                   file.bytes - dataBegin));
  checkData(tensors, file, dataBegin);
  for (Tensor &tensor : tensors) {
    tensor.file = directory.files.size();
    directory.tensors.push_back(std::move(tensor));
  }
  directory.files.push_back(std::move(file));
}

Directory pp::safetensors::readFile(const std::string &path) {
  Directory directory;
  directory.path = path;
  addFile(path, directory);
  return directory;
}

/// Adds the files of an index, and what does not agree with it.
static void readIndexed(const fs::path &index, Directory &directory) {
  std::ifstream stream(index, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Json object = parse(text, index.string());
  if (!object.contains("weight_map") || !object["weight_map"].is_object())
    throw Error("found no weight_map in '" + index.string() +
                "', expected one from names of tensors to names of files: "
                "the file is damaged");
  std::set<std::string> names;
  for (const auto &[tensor, file] : object["weight_map"].items()) {
    if (!file.is_string() ||
        fs::path(file.get<std::string>()).has_parent_path())
      throw Error("found " + file.dump() + " as the file of tensor '" + tensor +
                  "' in '" + index.string() +
                  "', expected the name of a file beside it: the file is "
                  "damaged");
    names.insert(file.get<std::string>());
  }
  std::string absent;
  for (const std::string &name : names)
    if (!fs::exists(index.parent_path() / name))
      absent += (absent.empty() ? "" : ", ") + name;
  if (!absent.empty())
    throw Error("found no file " + absent + " in '" +
                index.parent_path().string() + "', expected the " +
                std::to_string(names.size()) + " that " +
                index.filename().string() + " names: fetch what is missing");
  std::map<std::string, std::string> found;
  for (const std::string &name : names) {
    const size_t first = directory.tensors.size();
    addFile(index.parent_path() / name, directory);
    for (size_t i = first; i < directory.tensors.size(); ++i)
      if (!found.emplace(directory.tensors[i].name, name).second)
        directory.problems.push_back("twice: " + directory.tensors[i].name +
                                     " in " + found[directory.tensors[i].name] +
                                     " and in " + name);
  }
  for (const auto &[tensor, file] : object["weight_map"].items())
    if (auto it = found.find(tensor);
        it == found.end() || it->second != file.get<std::string>())
      directory.problems.push_back("not where the index says: " + tensor +
                                   " in " + file.get<std::string>());
}

Directory pp::safetensors::readDirectory(const std::string &path,
                                         const std::string &remedy) {
  Directory directory;
  directory.path = path;
  const fs::path folder = path;
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(single)) {
    addFile(single, directory);
  } else if (fs::exists(index)) {
    readIndexed(index, directory);
  } else {
    const bool isPickled = fs::exists(folder / "pytorch_model.bin") ||
                           fs::exists(folder / "pytorch_model.bin.index.json");
    throw Error("found neither model.safetensors nor "
                "model.safetensors.index.json in '" +
                path + "', expected weights: " +
                (isPickled ? "save the model of pytorch_model.bin with "
                             "save_pretrained, which writes safetensors"
                           : remedy));
  }
  return directory;
}

/// Buffers that old files hold beside the weights: GPT-2's causal masks,
/// Llama's frequencies.
static bool isBuffer(const std::string &name) {
  for (const std::string suffix :
       {".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"})
    if (name.size() > suffix.size() &&
        name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0)
      return true;
  return false;
}

std::vector<size_t>
pp::safetensors::match(const Directory &directory,
                       const std::vector<Expected> &expected) {
  constexpr size_t none = SIZE_MAX;
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < expected.size(); ++i)
    places[expected[i].name] = i;
  auto placeOf = [&](const std::string &name) {
    const std::string prefix = "transformer.";
    for (const std::string &candidate :
         {name,
          name.compare(0, prefix.size(), prefix) ? name
                                                 : name.substr(prefix.size()),
          "model." + name})
      if (auto it = places.find(candidate); it != places.end())
        return it->second;
    return none;
  };
  std::vector<std::string> lines = directory.problems;
  std::vector<size_t> result(expected.size(), none);
  for (size_t i = 0; i < directory.tensors.size(); ++i) {
    const Tensor &tensor = directory.tensors[i];
    const size_t place = placeOf(tensor.name);
    if (place == none) {
      if (!isBuffer(tensor.name) && tensor.name != "lm_head.weight")
        lines.push_back("surplus: " + tensor.name + " " +
                        shapeText(tensor.shape));
      continue;
    }
    const Expected &parameter = expected[place];
    if (result[place] != none) {
      const Tensor &first = directory.tensors[result[place]];
      if (first.name != tensor.name) // else it is among the problems
        lines.push_back("twice: " + first.name + " and " + tensor.name);
      continue;
    }
    result[place] = i;
    if (tensor.shape != parameter.shape)
      lines.push_back("misshapen: " + tensor.name + " is " +
                      shapeText(tensor.shape) + ", expected " +
                      shapeText(parameter.shape));
    if (tensor.dtype != "F32" && tensor.dtype != "BF16" &&
        tensor.dtype != "F16")
      lines.push_back("of another type: " + tensor.name + " is " +
                      tensor.dtype + ", expected F32, BF16 or F16");
  }
  for (size_t i = 0; i < expected.size(); ++i)
    if (result[i] == none)
      lines.push_back("missing: " + expected[i].name + " " +
                      shapeText(expected[i].shape));
  if (lines.empty())
    return result;
  std::string message = "found tensors in '" + directory.path +
                        "' that do not fit, expected the " +
                        std::to_string(expected.size()) +
                        " parameters of the model: the weights are those of "
                        "another model";
  for (const std::string &line : lines)
    message += "\n  " + line;
  throw Error(message);
}
