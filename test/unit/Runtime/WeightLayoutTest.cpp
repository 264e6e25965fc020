#include "WeightLayout.h"

#include "Support.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace pprt;
using nlohmann::json;

static Parameter parameter(const std::string &name, int64_t size) {
  Parameter result;
  result.name = name;
  result.shape = {size};
  result.elements = uint64_t(size);
  return result;
}

/// The names in a header, in their order.
static std::vector<std::string> namesOf(const WeightLayout::File &file) {
  std::vector<std::string> names;
  auto header = nlohmann::ordered_json::parse(file.header.substr(8));
  for (auto &[name, entry] : header.items())
    names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

TEST(WeightLayout, OneFileWhereAllFits) {
  WeightLayout layout =
      layOutWeights({parameter("b", 3), parameter("a", 2)}, ValueType::F32, 20);
  ASSERT_EQ(layout.files.size(), 1u);
  EXPECT_EQ(layout.files[0].name, "model.safetensors");
  EXPECT_EQ(layout.index, "");
  EXPECT_EQ(namesOf(layout.files[0]), (Names{"__metadata__", "a", "b"}));
  const uint64_t begin = layout.files[0].header.size();
  EXPECT_EQ(layout.places[1].begin, begin);
  EXPECT_EQ(layout.places[0].begin, begin + 8);
  EXPECT_EQ(layout.files[0].bytes, begin + 20);
}

TEST(WeightLayout, ShardsFillUpInTheModelsOrder) {
  // As huggingface_hub cuts 6, 6, 2, 6, 2, 2 at 10: [6], [6+2], [6+2+2].
  std::vector<Parameter> model;
  for (int64_t size : {6, 6, 2, 6, 2, 2})
    model.push_back(parameter("p" + std::to_string(9 - model.size()), size));
  WeightLayout layout = layOutWeights(model, ValueType::F32, 40);
  ASSERT_EQ(layout.files.size(), 3u);
  EXPECT_EQ(layout.files[1].name, "model-00002-of-00003.safetensors");
  EXPECT_EQ(namesOf(layout.files[0]), (Names{"__metadata__", "p9"}));
  EXPECT_EQ(namesOf(layout.files[1]), (Names{"__metadata__", "p7", "p8"}));
  EXPECT_EQ(namesOf(layout.files[2]),
            (Names{"__metadata__", "p4", "p5", "p6"}));
  json index = json::parse(layout.index);
  EXPECT_EQ(index["metadata"]["total_size"], 24 * 4);
  EXPECT_EQ(index["metadata"]["total_parameters"], 24);
  EXPECT_EQ(index["weight_map"].size(), 6u);
  EXPECT_EQ(index["weight_map"]["p8"], "model-00002-of-00003.safetensors");
}

TEST(WeightLayout, WhatIsTooLargeHasAFileOfItsOwn) {
  WeightLayout layout = layOutWeights(
      {parameter("a", 1), parameter("large", 100), parameter("b", 1)},
      ValueType::BF16, 10);
  ASSERT_EQ(layout.files.size(), 2u);
  EXPECT_EQ(namesOf(layout.files[0]), (Names{"__metadata__", "large"}));
  EXPECT_EQ(namesOf(layout.files[1]), (Names{"__metadata__", "a", "b"}));
  // Half as many bytes as in f32.
  EXPECT_EQ(layout.files[0].bytes, layout.files[0].header.size() + 200);
}

TEST(WeightLayout, Sizes) {
  EXPECT_EQ(parseShardSize("5GB"), 5000000000u);
  EXPECT_EQ(parseShardSize("1.5KB"), 1500u);
  EXPECT_EQ(parseShardSize("2MiB"), 2u << 20);
  EXPECT_EQ(parseShardSize("1TB"), 1000000000000u);
  EXPECT_EQ(parseShardSize("77"), 77u);
  EXPECT_EQ(parseShardSize("77B"), 77u);
  for (const char *wrong :
       {"", "GB", "5gb", "-1GB", "0", "0.1", "5GBx", "1e3", "1..2KB", "5 GB",
        "9999999999TB", "1K", "KiB1", "nan", "inf"})
    EXPECT_ERROR(parseShardSize(wrong), "expected a size such as 5GB") << wrong;
}

TEST(NarrowValues, WhatWasNarrowComesBack) {
  for (uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const float half = widenF16(uint16_t(bits));
    const float brain = widenBF16(uint16_t(bits));
    uint16_t back;
    narrow(&brain, 1, ValueType::BF16, reinterpret_cast<char *>(&back));
    if (!std::isnan(brain)) {
      EXPECT_EQ(back, bits);
    }
    if (!std::isnan(half)) {
      EXPECT_EQ(roundToF16(half), bits);
    } else {
      EXPECT_TRUE(std::isnan(widenF16(roundToF16(half))));
    }
  }
}

TEST(NarrowValues, HalvesRoundToNearestEven) {
  // Between two neighbours: below the middle down, above up, at it to even.
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float low = widenF16(uint16_t(bits)),
                high = widenF16(uint16_t(bits + 1));
    const float middle = low + (high - low) / 2;
    EXPECT_EQ(roundToF16(middle), bits + (bits & 1));
    EXPECT_EQ(roundToF16(std::nextafter(middle, 0.0f)), bits);
    EXPECT_EQ(roundToF16(std::nextafter(middle, 1e9f)), bits + 1);
    EXPECT_EQ(roundToF16(-middle), 0x8000 | (bits + (bits & 1)));
  }
}

TEST(NarrowValues, WhatBecomesInfiniteIsFound) {
  auto first = [](ValueType type, float value) {
    const float values[] = {1, value};
    return firstInfiniteAs(type, values, 2);
  };
  EXPECT_EQ(first(ValueType::F16, 65519.0f), 2u);
  EXPECT_EQ(first(ValueType::F16, 65520.0f), 1u);
  EXPECT_EQ(first(ValueType::F16, -65520.0f), 1u);
  EXPECT_EQ(first(ValueType::BF16, std::nextafter(0x1.ffp127f, 0.0f)), 2u);
  EXPECT_EQ(first(ValueType::BF16, 0x1.ffp127f), 1u);
  EXPECT_EQ(first(ValueType::F32, 3.4e38f), 2u);
  EXPECT_EQ(first(ValueType::F16, INFINITY), 2u); // it is no finite value
  EXPECT_EQ(roundToF16(65519.0f), 0x7bff);
  EXPECT_EQ(roundToF16(65520.0f), 0x7c00);
}
