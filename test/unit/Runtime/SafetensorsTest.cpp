#include "Safetensors.h"
#include "WeightFiles.h"
#include "WeightLayout.h"

#include "Support.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace pprt;
using nlohmann::ordered_json;

static std::vector<Parameter> model() {
  Parameter a, b;
  a.name = "z \"first\"";
  a.shape = {2, 3};
  a.elements = 6;
  b.name = "a.second";
  b.shape = {4};
  b.elements = 4;
  return {a, b};
}

static std::string headerOf(const std::vector<Parameter> &parameters) {
  return layOutWeights(parameters, ValueType::F32, 1 << 20).files[0].header;
}

static std::string data() {
  std::string bytes;
  for (int i = 0; i < 10; ++i) {
    float value = float(i) + 0.5f;
    bytes.append(reinterpret_cast<const char *>(&value), 4);
  }
  return bytes;
}

static ordered_json header() {
  ordered_json h;
  h["z \"first\""] = {
      {"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}};
  h["a.second"] = {
      {"dtype", "F32"}, {"shape", {4}}, {"data_offsets", {24, 40}}};
  return h;
}

static std::string fileOf(const std::string &headerText,
                          const std::string &bytes) {
  uint64_t length = headerText.size();
  std::string file(reinterpret_cast<const char *>(&length), 8);
  return file + headerText + bytes;
}

static std::string problem(const std::string &bytes) {
  TemporaryDirectory directory;
  directory.write("model.safetensors", bytes);
  return errorOf([&] { WeightFiles(directory.file(""), model()); });
}

#define EXPECT_PROBLEM(bytes, part)                                            \
  EXPECT_NE(problem(bytes).find(part), std::string::npos) << problem(bytes)

TEST(Safetensors, RoundTrip) {
  // The second name comes first.
  const std::string bytes = data();
  TemporaryDirectory directory;
  directory.write("model.safetensors",
                  headerOf(model()) + bytes.substr(24) + bytes.substr(0, 24));
  WeightFiles files(directory.file(""), model());
  float first[6], second[2];
  files.read(0, 0, 6, first);
  files.read(1, 1, 2, second);
  EXPECT_EQ(first[5], 5.5f);
  EXPECT_EQ(second[0], 7.5f);
  EXPECT_EQ(second[1], 8.5f);
}

TEST(Safetensors, HeaderHasAscendingNamesAndAlignment) {
  std::string text = headerOf(model());
  EXPECT_EQ(text.size() % 8, 0u);
  EXPECT_LT(text.find("a.second"), text.find("z \\\"first\\\""));
  auto parsed = ordered_json::parse(text.substr(8));
  EXPECT_EQ(parsed["a.second"]["data_offsets"], (ordered_json{0, 16}));
  EXPECT_EQ(parsed["__metadata__"]["format"], "pt");
}

TEST(Safetensors, AnyOrderOfDataIsRead) {
  ordered_json h = header();
  h["z \"first\""]["data_offsets"] = {16, 40};
  h["a.second"]["data_offsets"] = {0, 16};
  TemporaryDirectory directory;
  directory.write("model.safetensors", fileOf(h.dump(), data()));
  WeightFiles files(directory.file(""), model());
  float second[4];
  files.read(1, 0, 4, second);
  EXPECT_EQ(second[0], 0.5f);
}

TEST(Safetensors, TruncatedOrNot) {
  std::string whole = fileOf(header().dump(), data());
  EXPECT_EQ(problem(whole), "");
  // Wherever it is cut, it is an error.
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(problem(whole.substr(0, size)), "") << size;
  EXPECT_PROBLEM(whole.substr(0, whole.size() - 1), "the file is truncated");
  EXPECT_PROBLEM(whole.substr(0, 5), "it is truncated");
  EXPECT_PROBLEM(whole + "x", "1 bytes behind the last tensor");
}

TEST(Safetensors, BrokenHeaders) {
  EXPECT_PROBLEM(fileOf("{\"a\": ", data()), "not JSON");
  EXPECT_PROBLEM(fileOf("[]", data()), "not JSON");
  EXPECT_PROBLEM(std::string(8, '\xff') + "{}", "truncated or not safetensors");
  ordered_json h = header();
  h["a.second"].erase("dtype");
  EXPECT_PROBLEM(fileOf(h.dump(), data()),
                 "without dtype, shape or data_offsets");
  h = header();
  h["a.second"]["shape"] = {"4"};
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "not counts");
  h = header();
  h["a.second"]["data_offsets"] = {-16, 0};
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "not counts");
  EXPECT_PROBLEM(fileOf("{\"a.second\":{},\"a.second\":{}}", data()), "twice");
}

TEST(Safetensors, WeightsOfAnotherModel) {
  ordered_json h = header();
  h["a.second"]["shape"] = {2, 2};
  EXPECT_PROBLEM(fileOf(h.dump(), data()),
                 "misshapen: a.second is [2, 2], expected [4]");
  h = header();
  h["a.second"]["dtype"] = "I32";
  EXPECT_PROBLEM(fileOf(h.dump(), data()),
                 "of another type: a.second is I32, expected F32, BF16 or F16");
  h = header();
  h["third"] = h["a.second"];
  h["third"]["data_offsets"] = {40, 56};
  EXPECT_PROBLEM(fileOf(h.dump(), data() + std::string(16, 'x')),
                 "surplus: third [4]");
  h = header();
  h.erase("a.second");
  EXPECT_PROBLEM(fileOf(h.dump(), data().substr(0, 24)),
                 "missing: a.second [4]");
}

TEST(Safetensors, OffsetsMustTile) {
  ordered_json h = header();
  h["a.second"]["data_offsets"] = {20, 36};
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "overlapping data");
  h["a.second"]["data_offsets"] = {28, 44};
  EXPECT_PROBLEM(fileOf(h.dump(), data() + "1234"), "a gap in the data");
  h["a.second"]["data_offsets"] = {24, 36};
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "expected 16 bytes");
  h["a.second"]["data_offsets"] = {40, 24};
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "the file is damaged");
  h["a.second"]["data_offsets"] = {4000, 4016};
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "the file is truncated");
}

TEST(Safetensors, NarrowTypesAreWidened) {
  // 1, -2.5, the smallest number of a half, infinity.
  const uint16_t halves[] = {0x3c00, 0xc100, 0x0001, 0x7c00};
  const uint16_t brains[] = {0x3f80, 0xc020, 0x0001, 0x7f80};
  for (bool isHalf : {true, false}) {
    ordered_json h = header();
    h["a.second"] = {{"dtype", isHalf ? "F16" : "BF16"},
                     {"shape", {4}},
                     {"data_offsets", {24, 32}}};
    std::string bytes = data().substr(0, 24);
    bytes.append(reinterpret_cast<const char *>(isHalf ? halves : brains), 8);
    TemporaryDirectory directory;
    directory.write("model.safetensors", fileOf(h.dump(), bytes));
    WeightFiles files(directory.file(""), model());
    float values[4];
    files.read(1, 0, 4, values);
    EXPECT_EQ(values[0], 1);
    EXPECT_EQ(values[1], -2.5f);
    EXPECT_EQ(values[2], isHalf ? 0x1p-24f : 0x1p-133f);
    EXPECT_EQ(values[3], INFINITY);
    files.read(1, 1, 1, values);
    EXPECT_EQ(values[0], -2.5f);
  }
}

TEST(Safetensors, SeveralFilesWithAnIndex) {
  TemporaryDirectory directory;
  ordered_json h = header();
  h["a.second"]["data_offsets"] = {0, 16};
  ordered_json first, second;
  first["z \"first\""] = h["z \"first\""];
  second["a.second"] = h["a.second"];
  directory.write("1.safetensors", fileOf(first.dump(), data().substr(0, 24)));
  directory.write("2.safetensors", fileOf(second.dump(), data().substr(24)));
  ordered_json index;
  index["weight_map"] = {{"a.second", "2.safetensors"},
                         {"z \"first\"", "1.safetensors"}};
  directory.write("model.safetensors.index.json", index.dump());
  WeightFiles files(directory.file(""), model());
  float values[4];
  files.read(0, 5, 1, values);
  EXPECT_EQ(values[0], 5.5f);
  files.read(1, 0, 4, values);
  EXPECT_EQ(values[0], 6.5f);
}

TEST(Safetensors, NamesOfHuggingFace) {
  // Prefixes may be there or not; masks and a tied head are passed over.
  std::vector<Parameter> parameters = model();
  parameters[0].name = "wte.weight";
  parameters[1].name = "model.norm.weight";
  ordered_json h;
  h["transformer.wte.weight"] = header()["z \"first\""];
  h["norm.weight"] = header()["a.second"];
  h["transformer.h.0.attn.bias"] = {
      {"dtype", "BOOL"}, {"shape", {4}}, {"data_offsets", {40, 44}}};
  h["lm_head.weight"] = {
      {"dtype", "F32"}, {"shape", {1}}, {"data_offsets", {44, 48}}};
  TemporaryDirectory directory;
  directory.write("model.safetensors", fileOf(h.dump(), data() + "12345678"));
  WeightFiles files(directory.file(""), parameters);
  float value;
  files.read(1, 3, 1, &value);
  EXPECT_EQ(value, 9.5f);
}
