#include "WeightLayout.h"

#include "Json.h"
#include "Safetensors.h"

#include <cstdio>

using namespace pprt;

WeightLayout pprt::layOutWeights(const std::vector<Parameter> &parameters,
                                 WeightType type, uint64_t shardBytes) {
  const bool isF32 = type == WeightType::F32;
  std::vector<std::vector<TensorEntry>> shards(1);
  std::vector<uint64_t> sizes(1);
  WeightLayout layout;
  uint64_t total = 0;
  for (const Parameter &parameter : parameters) {
    const uint64_t bytes = parameter.wholeElements() * (isF32 ? 4 : 2);
    if (!shards.back().empty() && sizes.back() + bytes > shardBytes) {
      shards.emplace_back();
      sizes.push_back(0);
    }
    layout.places.push_back({shards.size() - 1, sizes.back()});
    shards.back().push_back(
        {parameter.name, isF32 ? "F32" : "BF16", parameter.shape, bytes});
    sizes.back() += bytes;
    total += bytes;
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    char name[64] = "model.safetensors";
    if (shards.size() > 1)
      std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors",
                    i + 1, shards.size());
    std::string header = safetensorsHeader(shards[i]);
    const uint64_t bytes = header.size() + sizes[i];
    layout.files.push_back({name, std::move(header), bytes});
  }
  for (WeightLayout::Place &place : layout.places)
    place.begin += layout.files[place.file].header.size();
  if (shards.size() == 1)
    return layout;
  Json files;
  for (size_t i = 0; i < parameters.size(); ++i)
    files[parameters[i].name] = layout.files[layout.places[i].file].name;
  layout.index = Json{{"metadata", {{"total_size", total}}},
                      {"weight_map", std::move(files)}}
                     .dump(2) +
                 "\n";
  return layout;
}
