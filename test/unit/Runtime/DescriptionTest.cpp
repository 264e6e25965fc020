#include "Description.h"

#include "Support.h"

#include <nlohmann/json.hpp>

using namespace pprt;
using nlohmann::json;

static json good() {
  return json::parse(R"({
    "format": 1, "name": "m", "hash": "ab", "ranks": 2, "stages": 2,
    "microbatches": 4, "schedule": "1f1b", "batch": 2, "sequence": 8,
    "vocabulary": 100,
    "inputs": [{"name": "ids", "kind": "tokens", "shape": [2, 8]},
               {"name": "targets", "shape": [2, 8]}],
    "parameters": [
      {"name": "w", "shape": [3, 4], "elements": 12, "owner": 0, "uses": 2,
       "init": {"kind": "normal", "std": 0.02}},
      {"name": "b", "shape": [4], "elements": 4, "owner": 1, "uses": 1,
       "init": {"kind": "ones"}, "decay": true}],
    "channels": [{"src": 0, "dst": 1}, {"src": 1, "dst": 0}],
    "programs": [
      {"arena_bytes": 256, "optimizer_offset": 256, "optimizer_bytes": 128,
       "parameters": [{"index": 0, "offset": 64, "owned": true, "m_offset": 0, "v_offset": 64}],
       "actions": [{"kind": "F", "stage": 0, "microbatch": 1, "name": "f"},
                   {"kind": "send", "peer": 1}],
       "requests": 3, "predicted": {"bubble": 0.25}},
      {"arena_bytes": 300, "optimizer_offset": 320, "optimizer_bytes": 128,
       "memory": {"parameters": 64},
       "parameters": [{"index": 0, "offset": 0, "owned": false},
                      {"index": 1, "offset": 64, "owned": true, "m_offset": 0, "v_offset": 64}],
       "actions": [], "requests": 0}]})");
}

static std::string problem(const json &document) {
  std::string text = document.dump();
  return errorOf([&] { parseDescription(text.c_str()); });
}

TEST(Description, IsRead) {
  std::string text = good().dump();
  Description d = parseDescription(text.c_str());
  EXPECT_EQ(d.targetClasses, 100);
  EXPECT_EQ(d.tokensPerStep(), 64);
  EXPECT_FALSE(d.inputs[0].isTargets);
  EXPECT_TRUE(d.inputs[1].isTargets);
  EXPECT_EQ(d.parameters[0].init.kind, Initializer::Normal);
  EXPECT_EQ(d.parameters[0].init.deviation, 0.02);
  EXPECT_TRUE(d.parameters[0].decay); // a matrix
  EXPECT_EQ(d.parameters[1].init.value, 1);
  EXPECT_EQ(d.channels[1].source, 1);
  EXPECT_EQ(d.programs[0].actions[0].kind, ActionKind::Forward);
  EXPECT_EQ(d.programs[0].actions[1].peer, 1);
  EXPECT_EQ(d.programs[0].actions[1].microbatch, -1);
  EXPECT_EQ(d.programs[0].predictedBubble, 0.25);
  EXPECT_EQ(d.programs[1].memory.parameters, 64u);
}

TEST(Description, Masters) {
  json document = good();
  document["parameters"][0]["type"] = "bf16";
  document["programs"][0]["optimizer_bytes"] = 192;
  document["programs"][0]["master_bytes"] = 64;
  json &held = document["programs"][0]["parameters"][0];
  held["m_offset"] = 64;
  held["v_offset"] = 128;
  held["master_offset"] = 0;
  held["offset"] = 232; // half the bytes of f32
  EXPECT_EQ(problem(document), "");
  Description d = parseDescription(document.dump().c_str());
  EXPECT_TRUE(d.parameters[0].isBF16);
  EXPECT_FALSE(d.parameters[1].isBF16);
  EXPECT_EQ(d.programs[0].masterBytes, 64u);
  held["master_offset"] = 32;
  EXPECT_NE(problem(document).find("lies outside of the masters"),
            std::string::npos);
}

TEST(Description, MissingFieldsAreNamed) {
  for (const char *name : {"format", "name", "hash", "ranks", "microbatches",
                           "inputs", "parameters", "programs", "vocabulary"}) {
    json document = good();
    document.erase(name);
    EXPECT_NE(problem(document).find(std::string("'") + name + "'"),
              std::string::npos)
        << problem(document);
  }
  json document = good();
  document["programs"][1]["parameters"][0].erase("offset");
  EXPECT_NE(problem(document).find("'programs[1].parameters[0].offset'"),
            std::string::npos);
  EXPECT_EQ(problem(good()), "");
}

TEST(Description, WhatCannotBe) {
  auto with = [](const char *pointer, json value) {
    json document = good();
    document[json::json_pointer(pointer)] = value;
    return problem(document);
  };
  auto has = [](const std::string &text, const char *part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(errorOf([] { parseDescription("{"); }), "not JSON");
  has(with("/format", 2), "of format 2");
  has(with("/ranks", "two"), "wrong type");
  has(with("/ranks", 3), "2 programs for 3 ranks");
  has(with("/inputs/0/shape", {2, 9}), "is not 2 x 8");
  has(with("/inputs/0/shape", {1, 2, 8}), "3 dimensions");
  has(with("/parameters/0/elements", 11), "a shape for 12");
  has(with("/parameters/0/owner", 1), "by its owner alone");
  has(with("/parameters/0/init/kind", "orthogonal"),
      "initialiser 'orthogonal'");
  has(with("/channels/0/dst", 0), "a channel from rank 0 to rank 0");
  has(with("/programs/0/optimizer_offset", 128), "lies in the arena");
  has(with("/programs/0/parameters/0/offset", 240), "outside of the arena");
  has(with("/programs/0/parameters/0/v_offset", 100),
      "outside of the optimizer");
  has(with("/programs/0/parameters/0/index", 7), "is no parameter");
  has(with("/programs/0/actions/0/kind", "X"), "action of kind 'X'");
  has(with("/parameters/0/type", "f64"), "type 'f64', expected f32 or bf16");
  has(with("/parameters/0/type", "bf16"), "lies outside of the masters");
  has(with("/programs/0/master_bytes", 129), "more than the optimizer area");
  has(with("/programs/1/parameters/0/owned", true), "by its owner alone");
}
