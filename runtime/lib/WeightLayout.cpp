//===- WeightLayout.cpp - Which weight lies where in which file -----------===//
//
// The order of names is that of https://github.com/huggingface/safetensors, the
// cut into files that of huggingface_hub's
// split_state_dict_into_shards_factory.
//
//===----------------------------------------------------------------------===//

#include "WeightLayout.h"

#include "Error.h"
#include "Safetensors.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace pprt;

uint64_t WeightLayout::totalBytes() const {
  uint64_t total = 0;
  for (const File &file : files)
    total += file.bytes;
  return total;
}

/// The parameters of each file.
static std::vector<std::vector<size_t>>
cutIntoShards(const std::vector<Parameter> &parameters, uint64_t valueBytes,
              uint64_t maxShardBytes) {
  std::vector<std::vector<size_t>> shards;
  std::vector<size_t> open;
  uint64_t openBytes = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const uint64_t bytes = parameters[i].wholeElements() * valueBytes;
    if (bytes > maxShardBytes) {
      shards.push_back({i});
      continue;
    }
    if (openBytes + bytes > maxShardBytes) {
      shards.push_back(std::move(open));
      open.clear();
      openBytes = 0;
    }
    open.push_back(i);
    openBytes += bytes;
  }
  if (!open.empty() || shards.empty())
    shards.push_back(std::move(open));
  return shards;
}

/// `model-00002-of-00007.safetensors`.
static std::string shardName(size_t number, size_t count) {
  if (count == 1)
    return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors",
                number + 1, count);
  return name;
}

WeightLayout pprt::layOutWeights(const std::vector<Parameter> &parameters,
                                 ValueType type, uint64_t maxShardBytes) {
  WeightLayout layout;
  layout.type = type;
  layout.places.resize(parameters.size());
  const uint64_t valueBytes = bytesOfValue(type);
  std::vector<std::vector<size_t>> shards =
      cutIntoShards(parameters, valueBytes, maxShardBytes);
  nlohmann::json weightMap = nlohmann::json::object();
  uint64_t totalBytes = 0;
  for (std::vector<size_t> &shard : shards) {
    std::sort(shard.begin(), shard.end(), [&](size_t a, size_t b) {
      return parameters[a].name < parameters[b].name;
    });
    const std::string name = shardName(layout.files.size(), shards.size());
    std::vector<TensorEntry> entries;
    uint64_t offset = 0;
    for (size_t i : shard) {
      const Parameter &parameter = parameters[i];
      const uint64_t bytes = parameter.wholeElements() * valueBytes;
      entries.push_back({parameter.name, nameOf(type), parameter.shape, bytes});
      layout.places[i] = {layout.files.size(), offset};
      offset += bytes;
      weightMap[parameter.name] = name;
    }
    const std::string text = safetensorsHeader(entries);
    for (size_t i : shard)
      layout.places[i].begin += text.size();
    layout.files.push_back({name, text, text.size() + offset});
    totalBytes += offset;
  }
  if (shards.size() > 1) {
    nlohmann::json index;
    index["metadata"] = {{"total_parameters", totalBytes / valueBytes},
                         {"total_size", totalBytes}};
    index["weight_map"] = std::move(weightMap);
    layout.index = index.dump(2, ' ', /*ensure_ascii=*/true) + "\n";
  }
  return layout;
}

uint64_t pprt::parseShardSize(const std::string &text) {
  auto wrong = [&]() -> Error {
    return Error("found --max-shard-size " + text +
                 ", expected a size such as 5GB, 500MB or 2GiB, from a byte to "
                 "2^60: write a number and one of KB, MB, GB, TB, KiB, MiB, "
                 "GiB, TiB");
  };
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string number = text.substr(0, digits);
  std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  double scale = 1;
  if (unit != "" && unit != "B") {
    const std::string prefixes = "KMGT";
    const size_t power = prefixes.find(unit[0]);
    const std::string rest = unit.substr(1);
    if (power == std::string::npos || (rest != "B" && rest != "iB"))
      throw wrong();
    scale = std::pow(rest == "B" ? 1000.0 : 1024.0, double(power + 1));
  }
  char *end = nullptr;
  const double value = std::strtod(number.c_str(), &end) * scale;
  if (number.empty() || *end != '\0' || !(value >= 1) || value > 0x1p60)
    throw wrong();
  return uint64_t(value);
}
