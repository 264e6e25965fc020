//===- FakeCudnn.cpp - cuDNN's backend API that is none of NVIDIA's -------===//
//
// Descriptors, their attributes with the rules of cudnn_graph.h, heuristics and
// plans, as cuDNN 9.19.0 has them (FAKE_CUDNN=version= only changes the
// number). What a graph means and computes is FakeCudnnGraph.cpp's.
//
// A plan writes over its whole workspace, and reads values when it is executed
// and memory when its turn on the stream comes.
//
//===----------------------------------------------------------------------===//
#include "FakeCudnn.h"
#include "FakeCuda.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

using namespace fake;

std::string fake::reason;

/// A line of the log that is no call.
static void tell(const std::string &text) {
  if (const char *path = std::getenv("FAKE_CUDA_LOG"))
    if (FILE *log = std::fopen(path, "a")) {
      std::fprintf(log, "%s\n", text.c_str());
      std::fclose(log);
    }
}

int fake::refuse(int status, const std::string &text) {
  reason = text;
  tell("refused: " + text);
  return status;
}

namespace {
struct Handle {
  void *stream = nullptr;
};
Handle *theHandle = nullptr;

/// What an attribute of a descriptor has to be.
struct Rule {
  int descriptor, attribute, type;
  int64_t least, most;
  bool isRequired;
  int refersTo = -1; ///< the type of a descriptor that it holds
};
constexpr int64_t many = 1 << 20;
const Rule rules[] = {
    {tensorDescriptor, tensorType, typeDataType, 1, 1, true},
    {tensorDescriptor, tensorDims, typeInt64, 1, 8, true},
    {tensorDescriptor, tensorStrides, typeInt64, 1, 8, true},
    {tensorDescriptor, tensorId, typeInt64, 1, 1, true},
    {tensorDescriptor, tensorAlignment, typeInt64, 1, 1, true},
    {tensorDescriptor, tensorIsVirtual, typeBool, 1, 1, false},
    {tensorDescriptor, tensorIsValue, typeBool, 1, 1, false},
    {pointwiseDescriptor, pointwiseMode, typePointwiseMode, 1, 1, true},
    {pointwiseDescriptor, pointwiseType, typeDataType, 1, 1, true},
    {pointwiseDescriptor, pointwiseAxis, typeInt64, 1, 1, false},
    {matmulDescriptor, matmulType, typeDataType, 1, 1, true},
    {reductionDescriptor, reductionType, typeDataType, 1, 1, true},
    {reductionDescriptor, reductionOperator, typeReductionOperator, 1, 1, true},
    {pointwiseOperation, operationPointwise, typeDescriptor, 1, 1, true,
     pointwiseDescriptor},
    {pointwiseOperation, operationPointwiseX, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {pointwiseOperation, operationPointwiseY, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {pointwiseOperation, operationPointwiseB, typeDescriptor, 1, 1, false,
     tensorDescriptor},
    {pointwiseOperation, operationPointwiseT, typeDescriptor, 1, 1, false,
     tensorDescriptor},
    {matmulOperation, operationMatmul, typeDescriptor, 1, 1, true,
     matmulDescriptor},
    {matmulOperation, operationMatmulA, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {matmulOperation, operationMatmulB, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {matmulOperation, operationMatmulC, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {reductionOperation, operationReduction, typeDescriptor, 1, 1, true,
     reductionDescriptor},
    {reductionOperation, operationReductionX, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {reductionOperation, operationReductionY, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {reshapeOperation, operationReshapeX, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {reshapeOperation, operationReshapeY, typeDescriptor, 1, 1, true,
     tensorDescriptor},
    {graphDescriptor, graphHandle, typeHandle, 1, 1, true},
    {graphDescriptor, graphOperations, typeDescriptor, 1, many, true},
    {heuristicsDescriptor, heuristicsGraph, typeDescriptor, 1, 1, true,
     graphDescriptor},
    {heuristicsDescriptor, heuristicsMode, typeHeuristicMode, 1, 1, true},
    {engineDescriptor, engineGraph, typeDescriptor, 1, 1, true,
     graphDescriptor},
    {engineDescriptor, engineIndex, typeInt64, 1, 1, true},
    {knobChoiceDescriptor, knobChoiceType, typeKnob, 1, 1, true},
    {knobChoiceDescriptor, knobChoiceValue, typeInt64, 1, 1, true},
    {engineConfigDescriptor, configEngine, typeDescriptor, 1, 1, true,
     engineDescriptor},
    {engineConfigDescriptor, configKnobs, typeDescriptor, 0, many, false,
     knobChoiceDescriptor},
    {planDescriptor, planHandle, typeHandle, 1, 1, true},
    {planDescriptor, planConfig, typeDescriptor, 1, 1, false,
     engineConfigDescriptor},
    {planDescriptor, planJson, typeChar, 1, many, false},
    {packDescriptor, packIds, typeInt64, 1, many, true},
    {packDescriptor, packPointers, typePointer, 1, many, true},
    {packDescriptor, packWorkspace, typePointer, 1, 1, true},
};

const Rule *ruleOf(int descriptor, int attribute) {
  for (const Rule &rule : rules)
    if (rule.descriptor == descriptor && rule.attribute == attribute)
      return &rule;
  return nullptr;
}

int64_t sizeOf(int type) {
  switch (type) {
  case typeInt64:
  case typePointer:
  case typeHandle:
  case typeDescriptor:
    return 8;
  case typeBool:
  case typeChar:
    return 1;
  default:
    return 4;
  }
}

/// "workspace=4096" of "nondeterministic,workspace=4096".
std::string setting(const char *name) {
  const char *text = std::getenv("FAKE_CUDNN");
  const char *rank = std::getenv("OMPI_COMM_WORLD_RANK");
  const char *only = text ? std::strstr(text, "rank=") : nullptr;
  if (only && std::atoi(only + 5) != (rank ? std::atoi(rank) : 0))
    text = nullptr;
  std::string list = std::string(",") + (text ? text : "") + ",";
  size_t at = list.find("," + std::string(name));
  if (at == std::string::npos)
    return "";
  at += 1;
  return list.substr(at, list.find(',', at) - at);
}

/// "scores=N" is what a backward without sums of dq keeps of scores.
int64_t workspaceOf(const Desc &desc) {
  std::string text = setting("workspace="), scores = setting("scores=");
  int64_t bytes = text.empty() ? 256 : std::atoll(&text[10]);
  if (!scores.empty() && isBackward(*desc.graph) && !hasDqSums(*desc.graph))
    bytes += std::atoll(&scores[7]);
  return bytes;
}
} // namespace

//===----------------------------------------------------------------------===//
// Plans as JSON
//===----------------------------------------------------------------------===//

extern "C" __attribute__((visibility("default"))) size_t cudnnGetVersion();

/// Writes `desc` after all that it refers to: its type, then attributes with
/// their bytes or the numbers of other descriptors. Returns its own number.
static size_t write(const Desc &desc, std::map<const Desc *, size_t> &numbers,
                    std::string &text) {
  if (auto it = numbers.find(&desc); it != numbers.end())
    return it->second;
  std::string line = std::to_string(desc.type);
  for (auto &[attribute, bytes] : desc.values) {
    const int type = ruleOf(desc.type, attribute)->type;
    if (type == typeHandle)
      continue;
    line += " " + std::to_string(attribute) + " ";
    if (type == typeDescriptor) {
      for (const Desc *part : desc.all<Desc *>(attribute))
        line += "@" + std::to_string(write(*part, numbers, text));
      continue;
    }
    char digits[3];
    for (unsigned char c : bytes) {
      std::snprintf(digits, sizeof digits, "%02x", c);
      line += digits;
    }
  }
  text += line + ";";
  return numbers.emplace(&desc, numbers.size()).first->second;
}

/// As cuDNN does, a plan with its version, chip, graph and engine.
static std::string jsonOf(const Desc &plan) {
  std::map<const Desc *, size_t> numbers;
  std::string graph;
  write(*plan.graph, numbers, graph);
  const char *chip = std::getenv("FAKE_CUDA_CAPABILITY");
  return "{\"cudnnVersion\":" + std::to_string(cudnnGetVersion()) +
         ",\"smVersion\":" + (chip ? chip : "90") +
         ",\"engineId\":" + std::to_string(plan.engine) +
         ",\"operationGraph\":\"" + graph + "\"}";
}

/// Makes the graph of `text` again, the last of its descriptors.
static Desc *readGraph(const std::string &text) {
  std::vector<Desc *> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line, ';');) {
    std::istringstream words(line);
    Desc *desc = all.emplace_back(new Desc);
    words >> desc->type;
    int attribute;
    for (std::string value; words >> attribute >> value;) {
      std::string &bytes = desc->values[attribute];
      std::istringstream parts(value);
      char at;
      size_t number;
      if (value[0] == '@')
        while (parts >> at >> number)
          bytes.append(reinterpret_cast<const char *>(&all.at(number)),
                       sizeof(Desc *));
      else
        for (size_t i = 0; i + 1 < value.size(); i += 2)
          bytes += char(std::stoi(value.substr(i, 2), nullptr, 16));
    }
    desc->isFinal = true;
  }
  return all.empty() ? nullptr : all.back();
}

/// What cuDNN 9.19 and 9.26 were seen to say of other texts, other versions'
/// plans and other chips'.
static int restore(Desc &plan) {
  const std::string &json = plan.values.at(planJson);
  if (json.empty() || json[0] != '{' || json.back() != '}')
    return refuse(cudnnBadParam, "!d.IsObject()");
  int version = 0, chip = 0, used = 0;
  if (std::sscanf(json.c_str(),
                  "{\"cudnnVersion\":%d,\"smVersion\":%d,\"engineId\":%d,"
                  "\"operationGraph\":\"%n",
                  &version, &chip, &plan.engine, &used) != 3 ||
      used == 0)
    return refuse(cudnnBadParam, "!json_object.HasMember(key)");
  if (version != int(cudnnGetVersion()))
    return refuse(cudnnVersionMismatch, "cudnn_version != ...");
  const char *text = std::getenv("FAKE_CUDA_CAPABILITY");
  if (chip != (text ? std::atoi(text) : 90))
    return refuse(cudnnArchMismatch, "");
  plan.graph = readGraph(json.substr(size_t(used), json.size() - used - 2));
  if (!plan.graph || plan.graph->type != graphDescriptor)
    return refuse(cudnnBadParam, "!json_object.HasMember(key)");
  tell("plan: restored");
  return 0;
}

#define API extern "C" __attribute__((visibility("default")))
#define CALL(NAME)                                                             \
  if (fakeCall(#NAME))                                                         \
  return cudnnExecutionFailed

API size_t cudnnGetVersion() {
  std::string text = setting("version=");
  return text.empty() ? 91900 : size_t(std::atoll(&text[8]));
}

API const char *cudnnGetErrorString(int status) {
  switch (status) {
  case cudnnOk:
    return "CUDNN_STATUS_SUCCESS";
  case cudnnVersionMismatch:
    return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
  case cudnnArchMismatch:
    return "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH";
  case cudnnPrerequisiteMissing:
    return "CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING";
  case cudnnBadParam:
    return "CUDNN_STATUS_BAD_PARAM";
  case cudnnNotSupported:
    return "CUDNN_STATUS_NOT_SUPPORTED";
  case cudnnExecutionFailed:
    return "CUDNN_STATUS_EXECUTION_FAILED";
  }
  return "CUDNN_STATUS_INTERNAL_ERROR";
}

API void cudnnGetLastErrorString(char *text, size_t room) {
  std::snprintf(text, room, "%s", reason.c_str());
  reason.clear();
}

API int cudnnCreate(Handle **handle) {
  CALL(cudnnCreate);
  if (!setting("broken").empty())
    return 1001; // CUDNN_STATUS_NOT_INITIALIZED
  *handle = theHandle = new Handle;
  return 0;
}

API int cudnnDestroy(Handle *handle) {
  delete handle;
  return 0;
}

API int cudnnSetStream(Handle *handle, void *stream) {
  CALL(cudnnSetStream);
  handle->stream = stream;
  return 0;
}

API int cudnnBackendCreateDescriptor(int type, Desc **desc) {
  CALL(cudnnBackendCreateDescriptor);
  *desc = new Desc;
  (*desc)->type = type;
  return 0;
}

API int cudnnBackendDestroyDescriptor(Desc *desc) {
  desc->type = -1; // whoever refers to it still is found out
  return 0;
}

API int cudnnBackendSetAttribute(Desc *desc, int attribute, int type,
                                 int64_t count, const void *values) {
  CALL(cudnnBackendSetAttribute);
  const Rule *rule = ruleOf(desc->type, attribute);
  std::string name = "attribute " + std::to_string(attribute) +
                     " of descriptor type " + std::to_string(desc->type);
  if (desc->isFinal)
    return refuse(cudnnNotSupported, name + " set after it was finalized");
  if (!rule || rule->type != type || count < rule->least ||
      count > rule->most || !values)
    return refuse(cudnnBadParam, name + " with type " + std::to_string(type) +
                                     ", count " + std::to_string(count));
  auto bytes = static_cast<const char *>(values);
  if (type == typeDescriptor)
    for (int64_t i = 0; i < count; ++i) {
      Desc *part = reinterpret_cast<Desc *const *>(bytes)[i];
      if (!part || !part->isFinal ||
          (rule->refersTo >= 0 && part->type != rule->refersTo))
        return refuse(cudnnBadParam, name + " is not finalized or another");
    }
  if (type == typeHandle &&
      *reinterpret_cast<Handle *const *>(bytes) != theHandle)
    return refuse(cudnnBadParam, name + " is another handle");
  desc->values[attribute].assign(bytes, bytes + count * sizeOf(type));
  return 0;
}

/// What engines that are asked for by number have to be told: one of sm_100 and
/// one of sm_90, which keep sums of dq in a fixed order.
static int checkKnobs(const Desc &config) {
  std::map<int, int64_t> knobs;
  if (config.has(configKnobs))
    for (Desc *knob : config.all<Desc *>(configKnobs))
      knobs[knob->one<int>(knobChoiceType)] =
          knob->one<int64_t>(knobChoiceValue);
  int64_t version = int64_t(cudnnGetVersion());
  bool isOrdered100 = config.engine == 5 && knobs[knobStages] == 2 &&
                      knobs[knobKernelConfig] == (version < 92300 ? 31 : 2);
  bool isOrdered90 = config.engine == 6 && knobs[knobStages] == 4 &&
                     version >= 92500 && hasDqSums(*config.graph);
  if (!isOrdered100 && !isOrdered90)
    return refuse(cudnnNotSupported, "an engine with other knobs");
  return 0;
}

API int cudnnBackendFinalize(Desc *desc) {
  CALL(cudnnBackendFinalize);
  for (const Rule &rule : rules)
    if (rule.descriptor == desc->type && rule.isRequired &&
        !desc->has(rule.attribute))
      return refuse(cudnnBadParam,
                    "descriptor type " + std::to_string(desc->type) +
                        " without attribute " + std::to_string(rule.attribute));
  int status = 0;
  if (desc->type == tensorDescriptor)
    status = checkTensor(*desc);
  else if (desc->type == graphDescriptor)
    status = checkGraph(*desc);
  else if (desc->type == packDescriptor &&
           desc->all<int64_t>(packIds).size() !=
               desc->all<void *>(packPointers).size())
    status = refuse(cudnnBadParam, "other numbers of ids and pointers");
  else if (isOperation(*desc))
    status = checkOperation(*desc);
  else if (desc->type == heuristicsDescriptor)
    tell("asked: heuristics");
  else if (desc->type == engineDescriptor) {
    desc->graph = desc->one<Desc *>(engineGraph);
    desc->engine = int(desc->one<int64_t>(engineIndex));
    status = explain(*desc->graph);
  } else if (desc->type == engineConfigDescriptor) {
    desc->graph = desc->one<Desc *>(configEngine)->graph;
    desc->engine = desc->one<Desc *>(configEngine)->engine;
    status = checkKnobs(*desc);
  } else if (desc->type == planDescriptor && desc->has(planJson)) {
    status = restore(*desc);
  } else if (desc->type == planDescriptor) {
    if (!desc->has(planConfig))
      return refuse(cudnnBadParam, "a plan of no configuration");
    const Desc &config = *desc->one<Desc *>(planConfig);
    if (config.engine < 0 || config.graph->type != graphDescriptor)
      return refuse(cudnnBadParam, "a plan of no engine");
    if (!setting("refuse").empty())
      return refuse(cudnnNotSupported, "an engine that does not take it");
    if (!setting("mendable").empty())
      return refuse(cudnnPrerequisiteMissing, "no library for it");
    tell("plan: made");
    desc->engine = config.engine;
    desc->graph = config.graph;
  }
  desc->isFinal = status == 0;
  return status;
}

/// Engine 0 gives other bits each time, if it is asked for; engines 1 and 2 do
/// what they should.
static std::vector<int> enginesOf(const Desc &heuristics) {
  bool isFallback = heuristics.one<int>(heuristicsMode) == heuristicFallback;
  if (!setting("none").empty() ||
      explain(*heuristics.one<Desc *>(heuristicsGraph)))
    return {};
  if (!setting("nondeterministic").empty())
    return isFallback ? std::vector<int>{2} : std::vector<int>{0};
  return isFallback ? std::vector<int>{2} : std::vector<int>{1, 2};
}

API int cudnnBackendGetAttribute(Desc *desc, int attribute, int type,
                                 int64_t room, int64_t *count, void *values) {
  CALL(cudnnBackendGetAttribute);
  if (desc->type == heuristicsDescriptor && attribute == heuristicsResults &&
      type == typeDescriptor && desc->isFinal) {
    std::vector<int> engines = enginesOf(*desc);
    *count = int64_t(engines.size());
    for (size_t i = 0; i < engines.size() && int64_t(i) < room; ++i) {
      Desc *config = static_cast<Desc **>(values)[i];
      if (config->type != engineConfigDescriptor)
        return refuse(cudnnBadParam, "a result that is no configuration");
      config->engine = engines[i];
      config->graph = desc->one<Desc *>(heuristicsGraph);
      config->isFinal = true;
    }
    return 0;
  }
  if (desc->type == engineConfigDescriptor && attribute == configEngine &&
      type == typeDescriptor && desc->isFinal && room == 1) {
    Desc *engine = *static_cast<Desc **>(values);
    if (engine->type != engineDescriptor)
      return refuse(cudnnBadParam, "a result that is no engine");
    engine->engine = desc->engine;
    engine->isFinal = true;
    *count = 1;
    return 0;
  }
  if (desc->type == engineDescriptor && attribute == engineNotes &&
      type == typeNumericalNote && desc->isFinal) {
    *count = desc->engine == 0 ? 2 : 1;
    int notes[] = {0 /* tensor cores */, noteNondeterministic};
    for (int64_t i = 0; i < *count && i < room; ++i)
      static_cast<int *>(values)[i] = notes[i];
    return 0;
  }
  if (desc->type == engineDescriptor && attribute == engineIndex &&
      type == typeInt64 && desc->isFinal && room == 1) {
    *count = 1;
    *static_cast<int64_t *>(values) = desc->engine;
    return 0;
  }
  if (((desc->type == planDescriptor && attribute == planWorkspace) ||
       (desc->type == engineConfigDescriptor &&
        attribute == configWorkspace)) &&
      type == typeInt64 && desc->isFinal && room == 1) {
    *count = 1;
    *static_cast<int64_t *>(values) = workspaceOf(*desc);
    return 0;
  }
  if (desc->type == planDescriptor && attribute == planJson &&
      type == typeChar && desc->isFinal) {
    if (!setting("unwritten").empty())
      return refuse(cudnnNotSupported, "an engine that does not write plans");
    const std::string json = jsonOf(*desc);
    *count = int64_t(json.size());
    if (values)
      std::memcpy(values, json.data(), std::min(size_t(room), json.size()));
    return 0;
  }
  return refuse(cudnnBadParam,
                "no attribute " + std::to_string(attribute) + " to get");
}

API int cudnnBackendExecute(Handle *handle, Desc *plan, Desc *pack) {
  CALL(cudnnBackendExecute);
  if (handle != theHandle || plan->type != planDescriptor || !plan->isFinal ||
      pack->type != packDescriptor || !pack->isFinal)
    return refuse(cudnnBadParam, "no plan or no variant pack");
  auto ids = pack->all<int64_t>(packIds);
  auto pointers = pack->all<void *>(packPointers);
  std::map<int64_t, void *> addresses;
  for (size_t i = 0; i < ids.size(); ++i)
    if (!addresses.emplace(ids[i], pointers[i]).second)
      return refuse(cudnnBadParam, "a tensor twice in a variant pack");
  void *workspace = pack->one<void *>(packWorkspace);
  if (!workspace || reinterpret_cast<uint64_t>(workspace) % 256 != 0)
    return refuse(cudnnBadParam, "a workspace not aligned to 256");
  if (!fakeIsOnDevice(workspace))
    return refuse(cudnnBadParam, "a workspace in memory of the host");
  auto run = prepare(*plan->graph, addresses, plan->engine == 0);
  if (!run)
    return cudnnBadParam;
  tell("engine: " + std::to_string(plan->engine) +
       (hasDqSums(*plan->graph) ? " with sums of dq" : ""));
  int64_t bytes = workspaceOf(*plan);
  fakeEnqueue(handle->stream, [=] {
    std::memset(workspace, 0xff, size_t(bytes));
    run();
    return true;
  });
  return 0;
}
