//===- CudnnPlansTest.cpp - Plans of attention by the real cuDNN ----------===//
//
// cuDNN plans for a chip that is described in a file: nothing is executed, and
// no GPU is there (PlanningDriver.cpp stands in for the driver). The graphs are
// the runtime's own, the workspaces the compiler's.
//
//   pprt-cudnn-plans-test DEVICES CHIPS sweep|sweep-all
//   pprt-cudnn-plans-test DEVICES CHIPS program < SHAPES
//   pprt-cudnn-plans-test DEVICES CHIPS files FOLDER
//
// DEVICES is a folder with sm_80.json and the like, CHIPS a list as 80,90.
// "sweep" plans shapes of many kinds in a workspace of just what the formulas
// say for the chip, and "sweep-all" many more (a plan takes half a second).
// "program" plans the shapes of a compiled program, as attention_shapes.py
// prints them, in the workspace that it has. "files" keeps a plan of a forward
// and of a backward in files, and has cuDNN make them again from these.
//
//===----------------------------------------------------------------------===//
#include "AttentionPlan.h"
#include "Error.h"
#include "pprt_gpu_workspace.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <vector>

using namespace pprt;
using namespace pprt::cuda;

namespace {
struct Case {
  pprt_gpu_attention shape = {};
  bool isAdjoint = false;
};

/// A chip that is described to the library.
struct Chip {
  Chip(const CudnnLibrary &library, const std::string &folder, int capability)
      : capability(capability),
        properties(library, devicePropertiesDescriptor) {
    std::string path = folder + "/sm_" + std::to_string(capability) + ".json";
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty())
      throw Error("found no '" + path + "', expected the chip's properties");
    const std::string json = text.str();
    properties.set(devicePropertiesJson, typeChar, int64_t(json.size()),
                   json.data());
    properties.finalize();
  }
  int capability;
  Descriptor properties;
};
} // namespace

static int plans = 0, wrong = 0;

static std::string textOf(const Case &c) {
  const pprt_gpu_attention &s = c.shape;
  std::string text = c.isAdjoint ? "backward" : "forward";
  if (c.isAdjoint)
    text += s.any_order ? " in any order" : " in a fixed order";
  const char *separator = " ";
  for (int64_t number : {s.batch, s.heads, s.kv_heads, s.t, s.s, s.d}) {
    text += separator + std::to_string(number);
    separator = ",";
  }
  return text + (s.causal ? " causal" : "");
}

/// Whether cuDNN is known not to do it: a rule of its own, and so of ours.
static bool isLeft(const Case &c, int capability) {
  const pprt_gpu_attention &s = c.shape;
  return s.d % 8 != 0 || (s.d > 128 && capability / 10 != 9) ||
         (s.causal && s.t != s.s);
}

/// Plans `c` within its workspace. Says what came of it; `most` is what may be
/// planned too much.
static void plan(const CudnnLibrary &library, const Chip &chip, const Case &c,
                 int64_t most) {
  ++plans;
  AttentionPlan plan =
      planAttention({library, int64_t(library.version()), chip.capability,
                     nullptr, &chip.properties},
                    c.shape, c.isAdjoint);
  std::string line = "sm_" + std::to_string(chip.capability) + " " + textOf(c);
  bool isFine = plan.plan ? c.shape.workspace_bytes - plan.bytes <= most
                          : isLeft(c, chip.capability);
  line += plan.plan ? ": engine " + std::to_string(plan.engine) + ", " +
                          std::to_string(plan.bytes) + " of " +
                          std::to_string(c.shape.workspace_bytes) + " bytes"
                    : ": " + plan.whyNot;
  std::printf("%s%s\n", isFine ? "" : "WRONG: ", line.c_str());
  wrong += !isFine;
}

//===----------------------------------------------------------------------===//
// Sweep
//===----------------------------------------------------------------------===//

namespace {
struct Sizes {
  int64_t batch, heads, kv_heads, t, s, d;
  bool causal = true;
  bool isPacked = false; ///< q, k and v are slices of one matrix
};
} // namespace

static pprt_gpu_attention shapeOf(const Sizes &z) {
  pprt_gpu_attention s = {};
  s.batch = z.batch, s.heads = z.heads, s.kv_heads = z.kv_heads;
  s.t = z.t, s.s = z.s, s.d = z.d;
  s.causal = z.causal;
  s.scale = 0.125f;
  s.type = PPRT_GPU_BF16;
  const int64_t q = z.heads * z.d, k = z.kv_heads * z.d;
  s.ldo = s.lddo = q;
  s.ldq = s.lddq = z.isPacked ? q + 2 * k : q;
  s.ldk = s.ldv = s.lddk = s.lddv = z.isPacked ? q + 2 * k : k;
  return s;
}

static std::vector<Sizes> sweep(bool isWhole) {
  std::vector<Sizes> all = {
      {16, 12, 12, 1024, 1024, 64, true, true},
      {1, 16, 16, 4096, 4096, 128},
      {2, 8, 2, 150, 150, 64, true, true},
      {2, 4, 4, 5, 5, 8},
      {3, 6, 3, 37, 150, 64, false},
      {2, 4, 4, 200, 5, 128, false},
      {1, 2, 1, 300, 300, 256},
  };
  if (!isWhole)
    return all;
  all.push_back({2, 32, 8, 2048, 2048, 128});
  all.push_back({2, 8, 1, 200, 200, 96});
  for (int64_t t : {2, 5, 37, 64, 65, 127, 150, 200, 300, 1000})
    for (int64_t kv : {1, 2, 4})
      all.push_back({2, 4, kv, t, t, 64, t % 2 == 0, kv == 2});
  for (int64_t d = 8; d <= 256; d += 8)
    all.push_back({2, 4, d % 16 == 0 ? 2 : 4, 150, 150, d, true, d % 24 == 0});
  return all;
}

static void runSweep(const CudnnLibrary &library, const Chip &chip,
                     bool isWhole) {
  const int64_t version = int64_t(library.version());
  for (const Sizes &sizes : sweep(isWhole)) {
    Case c{shapeOf(sizes)};
    auto planWith = [&](int64_t cudnn, int64_t most) {
      c.shape.workspace_bytes = pprt_gpu_attention_workspace(
          &c.shape, c.isAdjoint, chip.capability, chip.capability, cudnn);
      plan(library, chip, c, most);
    };
    planWith(PPRT_CUDNN_USUAL, 512);
    c.isAdjoint = true;
    planWith(PPRT_CUDNN_USUAL, 512);
    // Of short sequences another engine may keep dS in less.
    if (version >= PPRT_CUDNN_ORDERED_DQ && chip.capability / 10 == 9)
      planWith(PPRT_CUDNN_ORDERED_DQ, INT64_MAX);
    c.shape.any_order = true;
    // On sm_100 small shapes have another engine than large ones.
    planWith(PPRT_CUDNN_USUAL, chip.capability / 10 == 10 ? INT64_MAX : 512);
  }
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// All that cuDNN says of a plan, its graph and its kernels among it.
static std::string jsonOf(const AttentionPlan &plan) {
  std::string json(size_t(plan.plan->get(planJson, typeChar, 0, nullptr)),
                   '\0');
  plan.plan->get(planJson, typeChar, int64_t(json.size()), json.data());
  return json;
}

static void compareFiles(const CudnnLibrary &library, const Chip &chip,
                         const std::string &folder) {
  Case c{shapeOf({2, 8, 4, 256, 256, 64, true, true})};
  c.shape.workspace_bytes = 64 << 20;
  for (int i = 0; i < 3; ++i) {
    c.isAdjoint = i > 0;
    c.shape.any_order = i == 2;
    std::string note;
    PlanCache cache(folder, "sm_" + std::to_string(chip.capability),
                    [&](const std::string &text) { note = text; });
    auto make = [&] {
      return planAttention({library, int64_t(library.version()),
                            chip.capability, nullptr, &chip.properties, &cache},
                           c.shape, c.isAdjoint);
    };
    AttentionPlan made = make(), restored = make();
    bool isFine = made.plan && made.graph && restored.plan && !restored.graph &&
                  restored.engine == made.engine &&
                  restored.bytes == made.bytes &&
                  restored.hasDqSums == made.hasDqSums &&
                  jsonOf(restored) == jsonOf(made) && note.empty();
    ++plans;
    wrong += !isFine;
    std::printf("%ssm_%d %s: engine %d from a file %s\n",
                isFine ? "" : "WRONG: ", chip.capability, textOf(c).c_str(),
                int(restored.engine), note.c_str());
  }
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

static Case readCase(const std::string &line) {
  Case c;
  pprt_gpu_attention &s = c.shape;
  int64_t causal = 0, type = 0, anyOrder = 0, isAdjoint = 0;
  std::istringstream text(line);
  for (int64_t *number :
       {&s.batch, &s.heads, &s.kv_heads, &s.t, &s.s, &s.d, &s.ldq, &s.ldk,
        &s.ldv, &s.ldo, &s.lddo, &s.lddq, &s.lddk, &s.lddv, &s.workspace_bytes,
        &causal, &type, &anyOrder, &isAdjoint})
    text >> *number;
  std::string more;
  if (!text || text >> more)
    throw Error("found the shape '" + line + "', expected 19 numbers");
  s.causal = int32_t(causal), s.type = int32_t(type);
  s.any_order = int32_t(anyOrder);
  s.scale = 0.125f;
  c.isAdjoint = isAdjoint;
  return c;
}

int main(int argc, char **argv) {
  try {
    std::string mode = argc >= 4 ? argv[3] : "";
    const bool isSweep = mode == "sweep" || mode == "sweep-all";
    const bool isProgram = mode == "program", isFiles = mode == "files";
    if ((!isSweep && !isProgram && !isFiles) || argc != (isFiles ? 5 : 4))
      throw Error("found other arguments, expected DEVICES CHIPS and sweep, "
                  "sweep-all, program or files FOLDER");
    std::vector<Case> cases;
    for (std::string line; isProgram && std::getline(std::cin, line);)
      if (Case c = readCase(line); c.shape.type == PPRT_GPU_BF16)
        cases.push_back(c);
    if (isProgram && cases.empty())
      throw Error("found no attention of bf16, expected some");
    CudnnLibrary library;
    std::printf("cuDNN %s\n",
                cudnnVersionText(int64_t(library.version())).c_str());
    std::istringstream list(argv[2]);
    for (std::string number; std::getline(list, number, ',');) {
      Chip chip(library, argv[1], std::stoi(number));
      if (isSweep)
        runSweep(library, chip, mode == "sweep-all");
      if (isFiles)
        compareFiles(library, chip, argv[4]);
      for (const Case &c : cases)
        plan(library, chip, c, INT64_MAX);
    }
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::printf("%d plans, %d of them wrong\n", plans, wrong);
  return wrong != 0;
}
