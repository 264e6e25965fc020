#include "Description.h"

#include "Support.h"

#include <nlohmann/json.hpp>

using namespace pprt;
using nlohmann::json;

static json good() {
  return json::parse(R"({
    "format": 3, "scalars": 9, "name": "m", "hash": "ab", "stages": 2,
    "mesh": [{"axis": "pipe", "size": 2}, {"axis": "data", "size": 1}],
    "placement": [0, 1], "empty_input_gradients": [1],
    "microbatches": 4, "schedule": "1f1b", "batch": 2, "sequence": 8,
    "vocabulary": 100,
    "inputs": [{"name": "ids", "kind": "tokens", "shape": [2, 8]},
               {"name": "targets", "shape": [2, 8]}],
    "parameters": [
      {"name": "w", "shape": [3, 4], "elements": 12, "owner": 0, "uses": 2,
       "init": {"kind": "normal", "std": 0.02},
       "norm": 0, "add": 1, "updates": [2, 3]},
      {"name": "b", "shape": [4], "elements": 4, "owner": 1, "uses": 1,
       "init": {"kind": "ones"}, "norm": 0, "add": -1, "updates": [2, 3]}],
    "functions": ["norm", "add", "adamw", "sgd", "conclude"], "conclude": 4,
    "optimizers": [{"name": "adamw", "states": ["m", "v"]},
                   {"name": "sgd", "states": []}],
    "states": [
      {"name": "w.m", "kind": "m", "parameter": 0, "type": "f32", "init": {"kind": "zeros"}},
      {"name": "w.v", "kind": "v", "parameter": 0, "type": "f32", "init": {"kind": "zeros"}},
      {"name": "b.m", "kind": "m", "parameter": 1, "type": "f32", "init": {"kind": "zeros"}},
      {"name": "b.v", "kind": "v", "parameter": 1, "type": "f32", "init": {"kind": "zeros"}}],
    "channels": [{"src": 0, "dst": 1}, {"src": 1, "dst": 0}],
    "programs": [
      {"arena_bytes": 256, "optimizer_offset": 256, "optimizer_bytes": 128,
       "parameters": [{"index": 0, "offset": 64, "owned": true}],
       "states": [{"index": 0, "offset": 0}, {"index": 1, "offset": 64}],
       "actions": [{"kind": "F", "stage": 0, "microbatch": 1, "name": "f"},
                   {"kind": "send", "peer": 1}],
       "requests": 3, "predicted": {"bubble": 0.25}},
      {"arena_bytes": 300, "optimizer_offset": 320, "optimizer_bytes": 128,
       "memory": {"parameters": 64},
       "parameters": [{"index": 0, "offset": 0, "owned": false},
                      {"index": 1, "offset": 64, "owned": true}],
       "states": [{"index": 2, "offset": 0}, {"index": 3, "offset": 64}],
       "actions": [], "requests": 0}]})");
}

static std::string problem(const json &document) {
  std::string text = document.dump();
  return errorOf([&] { parseDescription(text.c_str()); });
}

TEST(Description, KindsOfInputs) {
  json document = good();
  document["inputs"].push_back(
      {{"name", "of"}, {"kind", "documents"}, {"shape", {2, 8}}});
  document["ignored_target"] = -100;
  Description d = parseDescription(document.dump().c_str());
  EXPECT_EQ(d.inputs[2].kind, Input::Documents);
  EXPECT_EQ(d.ignoredTarget, -100);
  EXPECT_FALSE(parseDescription(good().dump().c_str()).ignoredTarget);
  // By its name where it has no kind.
  document["inputs"][2] = {{"name", "documents"}, {"shape", {2, 8}}};
  EXPECT_EQ(parseDescription(document.dump().c_str()).inputs[2].kind,
            Input::Documents);
  document["inputs"][2]["kind"] = "images";
  EXPECT_NE(problem(document).find("the kind 'images'"), std::string::npos);
  document["inputs"][2] = {
      {"name", "of"}, {"kind", "documents"}, {"shape", {2, 7}}};
  EXPECT_NE(problem(document).find("'of' is not 2 x 8"), std::string::npos);
}

TEST(Description, IsRead) {
  std::string text = good().dump();
  Description d = parseDescription(text.c_str());
  EXPECT_EQ(d.targetClasses, 100);
  EXPECT_EQ(d.tokensPerStep(), 64);
  EXPECT_EQ(d.inputs[0].kind, Input::Tokens);
  EXPECT_EQ(d.inputs[1].kind, Input::Targets);
  EXPECT_EQ(d.parameters[0].init.kind, Initializer::Normal);
  EXPECT_EQ(d.parameters[0].init.deviation, 0.02);
  EXPECT_EQ(d.states[3].kind, "v");
  EXPECT_EQ(d.programs[1].states[1].offset, 384u); // from the arena's begin
  EXPECT_EQ(d.stateBytes(d.programs[0], d.optimizers[0]), 128u);
  EXPECT_EQ(d.stateBytes(d.programs[0], d.optimizers[1]), 0u);
  EXPECT_EQ(d.findOptimizer("sgd"), 1u);
  EXPECT_EQ(d.findOptimizer(""), 0u);
  EXPECT_EQ(d.parameters[1].init.value, 1);
  EXPECT_EQ(d.channels[1].source, 1);
  EXPECT_EQ(d.programs[0].actions[0].kind, ActionKind::Forward);
  EXPECT_EQ(d.programs[0].actions[1].peer, 1);
  EXPECT_EQ(d.programs[0].actions[1].microbatch, -1);
  EXPECT_EQ(d.programs[0].predictedBubble, 0.25);
  EXPECT_EQ(d.programs[1].memory.parameters, 64u);
}

TEST(Description, LoopsOfActionsAreWrittenOut) {
  json document = good();
  document["microbatches"] = 10;
  document["programs"][0]["actions"].push_back(json::parse(R"(
    {"repeat": 3, "step": 2, "actions": [
      {"kind": "F", "stage": 0, "microbatch": 5, "name": "f"},
      {"kind": "reduce", "name": "w"}]})"));
  document["programs"][0]["actions"].push_back({{"kind", "report"}});
  std::string text = document.dump();
  Description d = parseDescription(text.c_str());
  const std::vector<Action> &actions = d.programs[0].actions;
  ASSERT_EQ(actions.size(), 2u + 3 * 2 + 1);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(actions[2 + 2 * round].microbatch, 5 + 2 * round);
    EXPECT_EQ(actions[2 + 2 * round].name, "f");
    EXPECT_EQ(actions[3 + 2 * round].microbatch, -1);
  }
  EXPECT_EQ(actions.back().kind, ActionKind::Report);

  auto has = [](const std::string &text, const char *part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  json &loop = document["programs"][0]["actions"][2];
  loop["repeat"] = 0;
  has(problem(document), "'programs[0].actions[2].repeat' is 0");
  loop["repeat"] = 1 << 30;
  has(problem(document), "actions[2].repeat' is 1073741824");
  loop["repeat"] = 2;
  loop.erase("step");
  has(problem(document), "without 'programs[0].actions[2].step'");
  loop["step"] = 1;
  loop["actions"][0]["kind"] = "X";
  has(problem(document), "action of kind 'X'");
}

TEST(Description, Evaluations) {
  json document = good();
  EXPECT_FALSE(parseDescription(document.dump().c_str()).canEvaluate());
  const json evaluation = json::parse(R"({"bytes": 192, "actions": [
      {"repeat": 2, "step": 1, "actions": [
        {"kind": "F", "stage": 0, "microbatch": 0, "name": "f"}]},
      {"kind": "report"}]})");
  for (int pipe = 0; pipe < 2; ++pipe)
    document["programs"][pipe]["evaluation"] = evaluation;
  Description d = parseDescription(document.dump().c_str());
  EXPECT_TRUE(d.canEvaluate());
  const Program &program = d.programs[0];
  EXPECT_EQ(program.evaluationBytes, 192u);
  ASSERT_EQ(program.evaluation.size(), 3u);
  EXPECT_EQ(program.allActions(), program.actions.size() + 3);
  // Numbered behind those of a step.
  EXPECT_EQ(&program.actionAt(1), &program.actions[1]);
  EXPECT_EQ(&program.actionAt(3), &program.evaluation[1]);
  EXPECT_EQ(describeAction(program, 3), " of F 'f', stage 0, micro-batch 1");

  auto has = [](const std::string &text, const char *part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  json &first = document["programs"][0]["evaluation"];
  first["bytes"] = 257;
  has(problem(document),
      "'programs[0].evaluation.bytes' are more than the arena's");
  first["bytes"] = 256;
  first["actions"][0]["repeat"] = 5;
  has(problem(document), "rank 0 computes stage 0 of micro-batch 4");
  first["actions"] = json::array();
  has(problem(document), "'programs[0].evaluation.actions' are none");
  document["programs"][0].erase("evaluation");
  has(problem(document), "of which some ranks evaluate and others do not");
}

TEST(Description, Masters) {
  json document = good();
  document["parameters"][0]["type"] = "bf16";
  document["programs"][0]["optimizer_bytes"] = 192;
  document["states"].push_back({{"name", "w.master"},
                                {"kind", "master"},
                                {"parameter", 0},
                                {"type", "f32"}});
  json &program = document["programs"][0];
  program["states"] = {{{"index", 4}, {"offset", 0}},
                       {{"index", 0}, {"offset", 64}},
                       {{"index", 1}, {"offset", 128}}};
  program["parameters"][0]["offset"] = 232; // half the bytes of f32
  EXPECT_EQ(problem(document), "");
  Description d = parseDescription(document.dump().c_str());
  EXPECT_TRUE(d.parameters[0].isBF16);
  EXPECT_FALSE(d.parameters[1].isBF16);
  EXPECT_EQ(d.programs[0].parameters[0].masterOffset, 256u);
  EXPECT_EQ(d.stateBytes(d.programs[0], d.optimizers[0]), 192u);
  EXPECT_EQ(d.stateBytes(d.programs[0], d.optimizers[1]), 64u);
  auto has = [](const std::string &text, const char *part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  program["states"][0]["offset"] = 32;
  has(problem(document), "'programs[0].states[0].offset' lies outside");
  program["states"].erase(0);
  has(problem(document), "whose states of parameter 'w' are not those of its");
  document["parameters"][0]["type"] = "f32";
  has(problem(document), "'w.master' is the master of a parameter that is not");
}

TEST(Description, MissingFieldsAreNamed) {
  for (const char *name :
       {"format", "name", "hash", "mesh", "placement", "empty_input_gradients",
        "microbatches", "inputs", "parameters", "programs", "vocabulary",
        "states", "optimizers", "functions", "conclude", "scalars"}) {
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
  has(with("/format", 1), "of format 1, expected 3");
  has(with("/mesh/0/size", "two"), "wrong type");
  has(with("/mesh/0/size", 3),
      "2 programs for 3 coordinates on the axis 'pipe'");
  EXPECT_EQ(with("/mesh/1", {{"axis", "tensor"}, {"size", 2}}), "");
  has(with("/ranks_per_process", 2),
      "with 2 ranks a process on a mesh of pipe 2");
  has(with("/ranks_per_process", 0), "with 0 ranks a process");
  has(with("/parameters/0/sharding", json::parse(R"([["tensor"], [], []])")),
      "has a sharding that does not fit its shape");
  has(with("/mesh/1/axis", "pipe"),
      "whose 'mesh' is none (found the axis 'pipe'");
  has(with("/placement", json::parse("[0]")), "whose 'placement' is not");
  has(with("/placement", json::parse("[0, 2]")), "whose 'placement' is not");
  has(with("/empty_input_gradients", json::parse("[2]")), "names stage 2");
  has(with("/inputs/0/shape", {2, 9}), "is not 2 x 8");
  has(with("/inputs/0/shape", {1, 2, 8}), "3 dimensions");
  has(with("/parameters/0/elements", 11), "a shape for 12");
  has(with("/parameters/0/owner", 1), "by its owner alone");
  has(with("/parameters/0/init/kind", "orthogonal"),
      "initialiser 'orthogonal'");
  has(with("/channels/0/dst", 0), "a channel from rank 0 to rank 0");
  has(with("/programs/0/optimizer_offset", 128), "lies in the arena");
  has(with("/programs/0/parameters/0/offset", 240), "outside of the arena");
  has(with("/programs/0/states/1/offset", 128), "outside of the states");
  has(with("/programs/0/states/1/index", 4), "is no state");
  has(with("/programs/0/states/1/index", 3), "are not those of its owner");
  has(with("/states/0/parameter", 2), "is no parameter");
  has(with("/states/0/type", "bf16"), "expected f32");
  has(with("/scalars", 8), "read 8 numbers of a step, expected 9");
  has(with("/conclude", 5), "without a function for the norm");
  has(with("/parameters/0/norm", -1), "without a function for the norm");
  has(with("/parameters/0/add", -1), "without a function for the norm");
  has(with("/parameters/0/updates", {2}), "without a function for the norm");
  has(with("/optimizers/1/states", {"s"}),
      "without the state 's' of parameter 'w', which sgd needs");
  has(with("/programs/0/parameters/0/index", 7), "is no parameter");
  has(with("/programs/0/actions/0/kind", "X"), "action of kind 'X'");
  has(with("/parameters/0/type", "f64"), "type 'f64', expected f32 or bf16");
  has(with("/programs/1/parameters/0/owned", true), "by its owner alone");
  has(with("/layers", json::array({json::object()})),
      "without 'layers[0].layer'");
  auto withPart = [&](const char *part) {
    return with("/parts", json::parse(std::string(R"([{"stage": 0, "F": [")") +
                                      part + R"("]}])"));
  };
  for (const char *part : {"", "F", "0", "0X", "0F1", "0F"}) // no layers at all
    has(withPart(part), "of a stage");
  has(with("/parts", json::parse(R"([{"stage": 9}])")), "is no stage");
}

/// Two replicas of two pipe coordinates; states of "w" are cut, of "b" not.
static json replicated() {
  json document = good();
  document["mesh"][1]["size"] = 2;
  document["groups"] = 4;
  document["parameters"][0]["piece"] = 64;
  document["parameters"][0]["cut"] = true;
  document["parameters"][1]["piece"] = 64;
  for (json &program : document["programs"]) {
    program["arena_bytes"] = 1280;
    program["optimizer_offset"] = 1280;
    program["optimizer_bytes"] = 512;
  }
  document["programs"][0]["states"][1]["offset"] = 256;
  document["programs"][1]["parameters"][1]["offset"] = 512;
  document["programs"][0]["collectives"] = json::parse(R"([
    {"name": "w.grad.0", "kind": "reduce_scatter", "axes": ["data"],
     "type": "f32", "elements": 64},
    {"name": "w", "kind": "all_gather", "axes": ["data"], "type": "bytes",
     "elements": 256}])");
  document["layer_collectives"] = json::parse(R"([
    {"name": "layers", "kind": "all_reduce", "axes": ["data"], "type": "f64",
     "elements": 3}])");
  document["stage_collectives"] = json::parse(R"([
    {"stage": 1, "F": [0, 0], "W": [0]}])");
  return document;
}

TEST(Description, LossesHaveWeights) {
  json document = replicated();
  EXPECT_FALSE(parseDescription(document.dump().c_str()).hasLossWeights);
  document["loss_weights"] = true;
  Description d = parseDescription(document.dump().c_str());
  EXPECT_TRUE(d.hasLossWeights);
  EXPECT_EQ(d.reportedValues(), 8u + 8 + 2 * 4);
}

TEST(Description, Replicas) {
  std::string text = replicated().dump();
  Description d = parseDescription(text.c_str());
  EXPECT_EQ(d.replicas(), 2);
  EXPECT_EQ(d.allMicrobatches(), 8);
  EXPECT_EQ(d.reportedValues(), 8u + 2 * 4);
  EXPECT_EQ(d.tokensPerStep(), 128);
  const auto &collectives = d.programs[0].collectives;
  ASSERT_EQ(collectives.size(), 2u);
  EXPECT_EQ(collectives[0].describe(),
            "the reduce_scatter of 'w.grad.0' over data");
  EXPECT_EQ(collectives[0].over(2).total(), 128u);
  ASSERT_EQ(d.layerCollectives.size(), 1u);
  EXPECT_EQ(d.layerCollectives[0].describe(),
            "the all_reduce of 'layers' over data");
  EXPECT_EQ(d.layerCollectives[0].over(2).total(), 3u);
  auto meets = [&](ActionKind kind, int stage) {
    return d.collectivesOf({kind, stage, 0, -1, ""}).size();
  };
  EXPECT_EQ(meets(ActionKind::Forward, 1), 2u);
  EXPECT_EQ(meets(ActionKind::BackwardWeight, 1), 1u);
  EXPECT_EQ(meets(ActionKind::Backward, 1), 0u);
  EXPECT_EQ(meets(ActionKind::Forward, 0), 0u);
  EXPECT_EQ(meets(ActionKind::Update, -1), 0u);
  // The second piece of 12 elements is nothing but padding.
  EXPECT_EQ(d.parameters[0].updatedBy(0).count, 12u);
  EXPECT_EQ(d.parameters[0].updatedBy(1).count, 0u);
  EXPECT_EQ(d.parameters[0].stateElements(), 64u);
  EXPECT_EQ(d.parameters[1].updatedBy(1).count, 4u);
  EXPECT_EQ(d.parameters[1].stateElements(), 4u);

  auto with = [](const char *path, const json &value) {
    json document = replicated();
    document[json::json_pointer(path)] = value;
    return problem(document);
  };
  auto has = [](const std::string &found, const char *expected) {
    EXPECT_NE(found.find(expected), std::string::npos) << found;
  };
  has(with("/groups", 6), "whose 'groups' are not the replicas times a power");
  has(with("/groups", 1), "whose 'groups' are not the replicas times a power");
  has(with("/parameters/0/piece", 0), "is cut into no pieces");
  has(with("/parameters/1/piece", 0), "has pieces that are not those of its");
  has(with("/parameters/1/piece", 33), "has pieces that are not those of its");
  has(with("/programs/0/collectives/0/kind", "sum"),
      "with a collective of kind 'sum'");
  has(with("/programs/0/collectives/0/type", "bytes"),
      "with a reduce_scatter of elements of 'bytes'");
  json document = replicated();
  document["programs"][0]["collectives"][1]["kind"] = "all_to_all";
  EXPECT_EQ(parseDescription(document.dump().c_str())
                .programs[0]
                .collectives[1]
                .describe(),
            "the all_to_all of 'w' over data");
  has(with("/programs/0/collectives/1/axes/0", "expert"),
      "axes' names 'expert', which is no axis of the mesh");
  has(with("/layer_collectives/0/axes/0", "expert"),
      "axes' names 'expert', which is no axis of the mesh");
  has(with("/stage_collectives/0/stage", 2), "stage' is no stage");
  has(with("/stage_collectives/0/W/0", 1),
      "W' has the collective 1, which layers do not have");
  has(with("/programs/0/arena_bytes", 256), "lies outside of the arena");
}

TEST(Description, PartsOfParameters) {
  const Mesh mesh({{"pipe", 2}, {"data", 2}, {"tensor", 3}});
  Parameter p;
  p.shape = {2, 6, 5};
  p.sharding = {{"data"}, {"tensor"}, {}};
  p.elements = 10;
  EXPECT_EQ(p.wholeElements(), 60u);
  EXPECT_TRUE(p.isShardedOver("tensor") && !p.isShardedOver("pipe"));
  // All elements, each on the ranks with its coordinates.
  std::vector<int> seen(60);
  for (int rank = 0; rank < mesh.size(); ++rank) {
    uint64_t next = 0;
    forEachRun(p, mesh, rank, [&](uint64_t whole, uint64_t part, uint64_t n) {
      EXPECT_EQ(part, next);
      next += n;
      for (uint64_t i = whole; i < whole + n; ++i) {
        ++seen[i];
        EXPECT_EQ(int(i / 30), mesh.coordinate(rank, "data"));
        EXPECT_EQ(int(i / 10 % 3), mesh.coordinate(rank, "tensor"));
      }
    });
    EXPECT_EQ(next, 10u);
  }
  EXPECT_EQ(seen, std::vector<int>(60, 2)); // pipe 0 and 1
  // Of two axes in one dimension the first counts slowest; columns are runs.
  p.shape = {3, 12};
  p.sharding = {{}, {"tensor", "data"}};
  p.elements = 6;
  std::vector<uint64_t> begins;
  forEachRun(p, mesh, mesh.rankWith(mesh.rankWith(0, "tensor", 1), "data", 1),
             [&](uint64_t whole, uint64_t, uint64_t n) {
               EXPECT_EQ(n, 2u);
               begins.push_back(whole);
             });
  EXPECT_EQ(begins, (std::vector<uint64_t>{6, 18, 30}));
  // Of each of 2 blocks of 6 columns its third: two runs a row.
  p.sharding = {{}, {"tensor"}};
  p.blocks = {1, 2};
  p.elements = 12;
  begins.clear();
  uint64_t next = 0;
  forEachRun(p, mesh, mesh.rankWith(0, "tensor", 1),
             [&](uint64_t whole, uint64_t part, uint64_t n) {
               EXPECT_EQ(part, next);
               EXPECT_EQ(n, 2u);
               next += n;
               begins.push_back(whole);
             });
  EXPECT_EQ(begins, (std::vector<uint64_t>{2, 8, 14, 20, 26, 32}));
  p.blocks.clear();
  // Not cut at all: one run.
  p.sharding = {{}, {}};
  p.elements = 36;
  forEachRun(p, mesh, 5, [&](uint64_t whole, uint64_t part, uint64_t n) {
    EXPECT_EQ(whole + part, 0u);
    EXPECT_EQ(n, 36u);
  });

  Description d;
  d.mesh = mesh;
  p.sharding = {{"tensor"}, {}};
  const int first = 0, second = mesh.rankWith(0, "tensor", 1);
  EXPECT_TRUE(d.isFirstOfEqual(first, nullptr));
  EXPECT_TRUE(d.isFirstOfEqual(mesh.rankWith(0, "data", 1), nullptr));
  EXPECT_FALSE(d.isFirstOfEqual(second, nullptr));
  EXPECT_TRUE(d.isFirstOfEqual(second, &p));
}

TEST(Description, PlannedTimes) {
  EXPECT_FALSE(parseDescription(good().dump().c_str()).times);
  json document = good();
  document["times"] = {{"forward", {1.0, 2.0}},
                       {"input_gradient", {0.0, 3.0}},
                       {"weight_gradient", {4.0, 5.0}},
                       {"transfer", {6.0}}};
  Description d = parseDescription(document.dump().c_str());
  ASSERT_TRUE(d.times);
  EXPECT_EQ(d.times->of({ActionKind::Backward, 1, 0, -1, ""}), 8);
  EXPECT_EQ(d.times->transfer, (std::vector<double>{6}));
  EXPECT_EQ(d.times->parameterGather, (std::vector<double>{0}));
  document["times"]["parameter_gather"] = {7.0, 8.0};
  document["times"]["gradient_reduction"] = {9.0, 10.0};
  document["times"]["gradient_gather"] = {0.0, 11.0};
  d = parseDescription(document.dump().c_str());
  EXPECT_EQ(d.times->parameterGather, (std::vector<double>{7, 8}));
  EXPECT_EQ(d.times->gradientReduction, (std::vector<double>{9, 10}));
  EXPECT_EQ(d.times->gradientGather, (std::vector<double>{0, 11}));
  auto with = [&](const char *key, json value) {
    json changed = document;
    changed["times"][key] = value;
    return problem(changed);
  };
  EXPECT_NE(with("forward", {1.0})
                .find("whose 'times.forward' has 1 times for 2 stages"),
            std::string::npos);
  EXPECT_NE(with("transfer", {1.0, 2.0}).find("'times.transfer'"),
            std::string::npos);
  EXPECT_NE(
      with("parameter_gather", {1.0})
          .find("whose 'times.parameter_gather' has 1 times for 2 stages"),
      std::string::npos);
  EXPECT_NE(with("forward", {1.0, -2.0}).find("is not a list of times"),
            std::string::npos);
  EXPECT_NE(with("forward", "x").find("'times.forward' is of the wrong type"),
            std::string::npos);
}

TEST(Description, ComputationsAreTheModels) {
  for (auto [key, value] : {std::pair{"stage", 2},
                            {"stage", -1},
                            {"microbatch", 4},
                            {"microbatch", -1}}) {
    json document = good();
    document["programs"][0]["actions"][0][key] = value;
    EXPECT_NE(problem(document).find("which the model does not have"),
              std::string::npos)
        << key << problem(document);
  }
}
