#include "CheckpointDirectory.h"
#include "CheckpointIndex.h"
#include "WeightLayout.h"

#include "Support.h"

#include <nlohmann/json.hpp>

using namespace pprt;
using nlohmann::ordered_json;

static CheckpointIndex exampleIndex() {
  CheckpointIndex index;
  index.step = 7;
  index.samples = 56;
  index.seed = 3;
  index.model = "gpt";
  index.modelHash = "0123";
  index.vocabulary = 256;
  index.sequence = 16;
  index.data = "a file";
  index.optimizer = "adamw";
  index.mesh = "pipe 2";
  index.options = {{"--lr", "0.001"}};
  index.states["w.m"] = {
      {4, 6},
      {{"optimizer-00000.safetensors", "w.m[0:2, 0:6]", {{0, 0}, {2, 6}}},
       {"optimizer-00001.safetensors", "w.m[2:4, 0:6]", {{2, 0}, {2, 6}}}}};
  return index;
}

TEST(CheckpointIndex, RoundTrip) {
  TemporaryDirectory directory;
  directory.write("checkpoint.json", exampleIndex().text());
  const CheckpointIndex index = readCheckpointIndex(directory.file(""));
  EXPECT_EQ(index.text(), exampleIndex().text());
  EXPECT_EQ(index.step, 7);
  EXPECT_EQ(index.states.at("w.m").slices[1].box, (Box{{2, 0}, {2, 6}}));
}

/// What is said of an index of which `change` has changed something.
template <typename F> static std::string problem(F change) {
  ordered_json index = ordered_json::parse(exampleIndex().text());
  change(index);
  TemporaryDirectory directory;
  directory.write("checkpoint.json", index.dump());
  return errorOf([&] { readCheckpointIndex(directory.file("")); });
}

#define EXPECT_PROBLEM(change, part)                                           \
  EXPECT_NE(problem([](ordered_json &i) { change; }).find(part),               \
            std::string::npos)                                                 \
      << problem([](ordered_json &i) { change; })

TEST(CheckpointIndex, WhatIsWrongIsNamed) {
  EXPECT_EQ(problem([](ordered_json &) {}), "");
  EXPECT_PROBLEM(i.erase("step"), "found no step");
  EXPECT_PROBLEM(i["step"] = -1, "found -1 as step, expected a count");
  EXPECT_PROBLEM(i["step"] = 1.5, "found 1.5 as step, expected a count");
  EXPECT_PROBLEM(i["step"] = ~uint64_t(0), "as step, expected less");
  EXPECT_PROBLEM(i["samples"] = "x", "found \"x\" as samples");
  EXPECT_PROBLEM(i["version"] = 2, "found version 2");
  EXPECT_PROBLEM(i["format"] = "x", "expected 'pp-checkpoint'");
  EXPECT_PROBLEM(i["model"] = 1, "found no name in model");
  EXPECT_PROBLEM(i["model"].erase("hash"), "found no hash in model");
  EXPECT_PROBLEM(i["options"] = 1, "found 1 as options, expected an object");
  EXPECT_PROBLEM(i["options"]["--lr"] = 1, "expected a text");
  EXPECT_PROBLEM(i["states"][0]["shape"] = 4, "expected a list");
  EXPECT_PROBLEM(i["states"][0]["slices"] = 4, "expected a list");
  EXPECT_PROBLEM(i["states"][0]["slices"][1]["begin"][0] = 3,
                 "outside of its tensor");
  EXPECT_PROBLEM(i["states"][0]["slices"][1]["size"][1] = ~uint64_t(0),
                 "outside of its tensor");
  EXPECT_PROBLEM(i["states"][0]["slices"][1]["size"] = {2},
                 "outside of its tensor");
  EXPECT_PROBLEM(i["states"][0]["slices"][1]["file"] = "../x",
                 "expected the name of one beside");
  EXPECT_PROBLEM(i["states"][0]["shape"] =
                     ordered_json::array({~uint64_t(0), 6}),
                 "more than 2^64 bytes");
  EXPECT_PROBLEM(i["states"].push_back(i["states"][0]), "twice as a state");
  EXPECT_PROBLEM(i["states"][0].erase("name"), "found no name in states");
  EXPECT_PROBLEM(i = 1, "found no JSON object");
  TemporaryDirectory directory;
  EXPECT_ERROR(readCheckpointIndex(directory.file("")), "cannot read");
  const std::string text = exampleIndex().text();
  for (size_t size = 0; size + 2 < text.size(); size += 7) {
    directory.write("checkpoint.json", text.substr(0, size));
    EXPECT_NE(errorOf([&] { readCheckpointIndex(directory.file("")); }), "");
  }
}

/// A complete checkpoint with one file.
static void commit(CheckpointDirectory &directory, int64_t step,
                   const std::string &content) {
  const std::string partial = directory.begin(step);
  std::ofstream(partial + "/checkpoint.json") << content;
  directory.commit(partial, step);
}

TEST(CheckpointDirectory, CompleteOrAbsent) {
  TemporaryDirectory temporary;
  const std::string path = temporary.file("a/b");
  EXPECT_TRUE(CheckpointDirectory::stepsOf(path).empty());
  EXPECT_EQ(CheckpointDirectory::newestOf(path), "");
  {
    CheckpointDirectory directory(path);
    directory.begin(3);
    EXPECT_EQ(CheckpointDirectory::newestOf(path), "");
    commit(directory, 9, "nine");
    commit(directory, 10, "ten");
    EXPECT_EQ(CheckpointDirectory::newestOf(path), path + "/step-00000010");
    EXPECT_EQ(std::filesystem::read_symlink(path + "/latest"), "step-00000010");
    // Of the same step the new one counts.
    commit(directory, 10, "again");
    EXPECT_EQ(readFile(path + "/latest/checkpoint.json"), "again");
    EXPECT_ERROR(CheckpointDirectory{path}, "another run");
    commit(directory, 200, "x");
    directory.prune(0);
    EXPECT_EQ(CheckpointDirectory::stepsOf(path),
              (std::vector<int64_t>{9, 10, 200}));
    directory.prune(2);
    EXPECT_EQ(CheckpointDirectory::stepsOf(path),
              (std::vector<int64_t>{10, 200}));
  }
  // What was begun and not ended goes with the next run, and nothing else.
  std::filesystem::create_directory(path + "/mine.partial-x");
  EXPECT_EQ(std::filesystem::exists(path + "/mine.partial-x"), true);
  CheckpointDirectory next(path);
  size_t entries = 0;
  for (auto &entry : std::filesystem::directory_iterator(path))
    entries += entry.path().filename() != ".lock";
  EXPECT_EQ(entries, 4u); // two, latest, mine
}

TEST(CheckpointDirectory, NamesThatAreNone) {
  TemporaryDirectory temporary;
  for (const char *name :
       {"step-9", "step-000000009", "step-0000000x", "step--0000001", "latest",
        "step-00000009.partial-a"}) {
    std::filesystem::create_directory(temporary.file(name));
    temporary.write(std::string(name) + "/checkpoint.json", "");
  }
  // Without its index it is none.
  std::filesystem::create_directory(temporary.file("step-00000001"));
  EXPECT_TRUE(CheckpointDirectory::stepsOf(temporary.file("")).empty());
  temporary.write("file", "");
  EXPECT_ERROR(CheckpointDirectory(temporary.file("file")), "cannot make");
}

static Parameter parameter(const std::string &name,
                           std::vector<int64_t> shape) {
  Parameter result;
  result.name = name;
  result.elements = 1;
  for (int64_t size : shape)
    result.elements *= uint64_t(size);
  result.shape = std::move(shape);
  return result;
}

TEST(WeightLayout, FilesTakeWhatFits) {
  const std::vector<Parameter> model = {
      parameter("a", {5}), parameter("b", {5}), parameter("c", {100}),
      parameter("d", {}), parameter("e", {9})};
  const WeightLayout one = layOutWeights(model, ValueType::BF16, 1 << 20);
  ASSERT_EQ(one.files.size(), 1u);
  EXPECT_EQ(one.files[0].name, "model.safetensors");
  EXPECT_EQ(one.index, "");
  EXPECT_EQ(one.files[0].bytes, one.files[0].header.size() + 120 * 2);
  EXPECT_EQ(one.places[4].begin, one.files[0].header.size() + 111 * 2);

  const WeightLayout several = layOutWeights(model, ValueType::F32, 40);
  ASSERT_EQ(several.files.size(), 3u);
  EXPECT_EQ(several.files[1].name, "model-00002-of-00003.safetensors");
  const ordered_json index = ordered_json::parse(several.index);
  EXPECT_EQ(index["metadata"]["total_size"], 480);
  // As save_pretrained does it, what has a file of its own goes before.
  EXPECT_EQ(index["weight_map"]["b"], "model-00002-of-00003.safetensors");
  EXPECT_EQ(index["weight_map"]["c"], "model-00001-of-00003.safetensors");
  EXPECT_EQ(index["weight_map"]["e"], "model-00003-of-00003.safetensors");
  EXPECT_EQ(several.places[1].begin, several.files[1].header.size() + 20);
  EXPECT_EQ(several.places[2].begin, several.files[0].header.size());
}
