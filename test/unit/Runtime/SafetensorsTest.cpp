#include "Safetensors.h"

#include "Support.h"

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
  std::string path = directory.write("model.safetensors", bytes);
  return errorOf([&] { SafetensorsFile(path, model()); });
}

#define EXPECT_PROBLEM(bytes, part)                                            \
  EXPECT_NE(problem(bytes).find(part), std::string::npos) << problem(bytes)

TEST(Safetensors, RoundTrip) {
  TemporaryDirectory directory;
  std::string path = directory.write("m", safetensorsHeader(model()) + data());
  SafetensorsFile file(path, model());
  float first[6], second[4];
  file.read(0, first);
  file.read(1, second);
  EXPECT_EQ(first[5], 5.5f);
  EXPECT_EQ(second[0], 6.5f);
  EXPECT_EQ(second[3], 9.5f);
}

TEST(Safetensors, HeaderKeepsTheModelsOrderAndAlignment) {
  std::string text = safetensorsHeader(model());
  EXPECT_EQ(text.size() % 8, 0u);
  EXPECT_LT(text.find("z \\\"first\\\""), text.find("a.second"));
  auto parsed = ordered_json::parse(text.substr(8));
  EXPECT_EQ(parsed["a.second"]["data_offsets"], (ordered_json{24, 40}));
  EXPECT_EQ(parsed["__metadata__"]["format"], "pt");
}

TEST(Safetensors, AnyOrderOfDataIsRead) {
  ordered_json h = header();
  h["z \"first\""]["data_offsets"] = {16, 40};
  h["a.second"]["data_offsets"] = {0, 16};
  TemporaryDirectory directory;
  SafetensorsFile file(directory.write("m", fileOf(h.dump(), data())), model());
  float second[4];
  file.read(1, second);
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
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "of shape [2, 2], expected [4]");
  h = header();
  h["a.second"]["dtype"] = "F16";
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "dtype F16, expected F32");
  h = header();
  h["third"] = h["a.second"];
  EXPECT_PROBLEM(fileOf(h.dump(), data()), "'third'");
  h = header();
  h.erase("a.second");
  EXPECT_PROBLEM(fileOf(h.dump(), data().substr(0, 24)),
                 "found no tensor 'a.second'");
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
