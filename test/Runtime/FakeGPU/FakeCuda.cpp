//===- FakeCuda.cpp - A driver that is none of NVIDIA's -------------------===//
//
// By the documentation of CUDA 13.0's driver: no real one works without a GPU.
//
//===----------------------------------------------------------------------===//
#include "FakeCuda.h"

#include "KernelEmulation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

using Operation = std::function<bool()>;

/// One recording of an event: what waits for it refers to it.
struct Recording {
  bool done = false;
  double milliseconds = 0;
};
struct Event {
  std::shared_ptr<Recording> last = std::make_shared<Recording>();
};
struct Graph;
struct Stream {
  std::deque<Operation> queue;
  Graph *capture = nullptr;
};
/// How many nodes of each stream come before something.
using Before = std::map<Stream *, size_t>;
/// Operations of each stream that took part, to be done again and again.
struct Graph {
  Stream *origin = nullptr;
  std::map<Stream *, std::vector<Operation>> streams;
  std::vector<std::shared_ptr<Recording>> recordings;
  std::map<Recording *, Before> known;
  /// Nodes that each stream has enqueued, and those it waits for.
  std::map<Stream *, size_t> nodes;
  std::map<Stream *, Before> before;
};

// Never destroyed, as what follows: devices are given back later than that.
std::vector<Stream *> &streams = *new std::vector<Stream *>;
using Blocks = std::map<const char *, size_t>;
Blocks &deviceBlocks = *new Blocks;
/// What is not freed yet, but for device blocks and streams.
std::set<void *> &hostBlocks = *new std::set<void *>;
std::set<Event *> &events = *new std::set<Event *>;
std::set<Graph *> &graphs = *new std::set<Graph *>;
int retained = 0;
Graph *capturing = nullptr;
int failed = 0;
std::string &problem = *new std::string;

long number(const char *name, long otherwise) {
  const char *text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

double now() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Lets all streams go on until none can.
void progress() {
  for (bool any = true; any && !failed;) {
    any = false;
    for (size_t i = streams.size(); i-- > 0;)
      while (!failed && !streams[i]->queue.empty() &&
             streams[i]->queue.front()()) {
        streams[i]->queue.pop_front();
        any = true;
      }
  }
}

} // namespace

static void enqueue(Stream *stream, Operation operation, bool isNode) {
  Graph *graph = stream->capture;
  if (!graph) {
    stream->queue.push_back(std::move(operation));
    return;
  }
  graph->streams[stream].push_back(std::move(operation));
  graph->nodes[stream] += isNode;
}

void fakeEnqueue(void *stream, Operation operation) {
  enqueue(static_cast<Stream *>(stream), std::move(operation), true);
}

int fakeCall(const char *name) {
  static FILE *log = [] {
    const char *path = std::getenv("FAKE_CUDA_LOG");
    return path ? std::fopen(path, "a") : nullptr;
  }();
  if (log) {
    std::fprintf(log, "%s\n", name);
    std::fflush(log);
  }
  static std::map<std::string, int> calls;
  int count = calls[name]++;
  const char *fail = std::getenv("FAKE_CUDA_FAIL");
  if (fail) {
    const char *at = std::strchr(fail, '@');
    if (at && std::string(fail, at) == name && std::atoi(at + 1) == count)
      return 719;
  }
  return 0;
}

#define CALL(NAME)                                                             \
  if (int status = fakeCall(#NAME))                                            \
    return status;                                                             \
  if (failed)                                                                  \
  return failed

/// What must not be called while a stream of the thread is captured.
#define UNSAFE(NAME)                                                           \
  CALL(NAME);                                                                  \
  if (capturing)                                                               \
  return 900

#define API extern "C" __attribute__((visibility("default"))) int

API cuInit(unsigned) { return number("FAKE_CUDA_DEVICES", 8) ? 0 : 100; }
API cuDriverGetVersion(int *version) {
  *version = 13000;
  return 0;
}
API cuGetErrorName(int error, const char **name) {
  *name = error == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == 218 ? "CUDA_ERROR_INVALID_PTX"
          : error == 719 ? "CUDA_ERROR_LAUNCH_FAILED"
          : error == 900 ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
          : error == 904 ? "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"
                         : nullptr;
  return 0;
}
API cuGetErrorString(int error, const char **text) {
  *text = error == 719 ? (problem.empty() ? "unspecified launch failure"
                                          : problem.c_str())
                       : nullptr;
  return 0;
}
API cuDeviceGetCount(int *count) {
  *count = int(number("FAKE_CUDA_DEVICES", 8));
  return 0;
}
API cuDeviceGet(int *device, int index) {
  *device = index;
  return 0;
}
API cuDeviceGetName(char *name, int bytes, int) {
  std::snprintf(name, size_t(bytes), "Fake GPU");
  return 0;
}
API cuDeviceGetAttribute(int *value, int attribute, int) {
  long capability = number("FAKE_CUDA_CAPABILITY", 90);
  *value = int(attribute == 16   ? 132 // multiprocessors
               : attribute == 75 ? capability / 10
                                 : capability % 10);
  return 0;
}
API cuDevicePrimaryCtxRetain(void **context, int) {
  ++retained;
  *context = &streams;
  return 0;
}
API cuDevicePrimaryCtxRelease_v2(int) {
  --retained;
  return 0;
}
/// Frees all that is in the context, and what has failed in it is over.
API cuDevicePrimaryCtxReset_v2(int) {
  fakeCall("cuDevicePrimaryCtxReset");
  for (auto &[block, bytes] : deviceBlocks)
    std::free(const_cast<char *>(block));
  deviceBlocks.clear();
  for (void *block : hostBlocks)
    std::free(block);
  hostBlocks.clear();
  for (Stream *stream : streams)
    delete stream;
  streams.clear();
  for (Event *event : events)
    delete event;
  events.clear();
  for (Graph *graph : graphs)
    delete graph;
  graphs.clear();
  capturing = nullptr;
  failed = 0;
  problem.clear();
  return 0;
}
/// For tests: how much has been made and not freed.
API fakeCudaLive() {
  return int(deviceBlocks.size() + hostBlocks.size() + streams.size() +
             events.size() + graphs.size()) +
         retained;
}
API cuCtxSetCurrent(void *) { return 0; }
API cuCtxSynchronize() {
  UNSAFE(cuCtxSynchronize);
  progress();
  return failed;
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

API cuModuleLoadDataEx(void **module, const void *image, unsigned count,
                       int *options, void **values) {
  UNSAFE(cuModuleLoadDataEx);
  if (std::strncmp(static_cast<const char *>(image), "bad", 3) == 0) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == 5)
        std::strcpy(static_cast<char *>(values[i]), "line 1: syntax error");
    return 218;
  }
  *module = const_cast<void *>(image);
  return 0;
}
API cuModuleGetFunction(const void **function, void *, const char *name) {
  CALL(cuModuleGetFunction);
  for (int i = 0; i < pprt_gpu_program_code.num_kernels; ++i)
    if (!std::strcmp(pprt_gpu_program_code.kernels[i].name, name)) {
      *function = &pprt_gpu_program_code.kernels[i];
      return 0;
    }
  return 500;
}
/// An argument, of which only its kernel knows whether it has 4 or 8 bytes:
/// what lies behind the smaller ones is read and not used.
__attribute__((no_sanitize("address"))) static uint64_t
readArgument(const void *argument) {
  auto bytes = static_cast<const volatile unsigned char *>(argument);
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i)
    value |= uint64_t(bytes[i]) << 8 * i;
  return value;
}

API cuLaunchKernel(const pprt_gpu_kernel *kernel, unsigned gx, unsigned gy,
                   unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned,
                   void *stream, void **arguments, void **) {
  CALL(cuLaunchKernel);
  // Values are read now, as by the driver.
  std::vector<uint64_t> values;
  for (int i = 0; i < kernel->num_arguments; ++i)
    values.push_back(readArgument(arguments[i]));
  fakeEnqueue(stream, [=]() mutable {
    std::vector<void *> pointers;
    for (uint64_t &value : values)
      pointers.push_back(&value);
    int32_t grid[] = {int32_t(gx), int32_t(gy), int32_t(gz)};
    int32_t block[] = {int32_t(bx), int32_t(by), int32_t(bz)};
    problem = pprt::runEmulated(*kernel, grid, block, pointers.data());
    if (!problem.empty())
      failed = 719;
    return true;
  });
  return 0;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

API cuMemGetInfo_v2(size_t *available, size_t *total) {
  *total = size_t(1) << 40;
  *available = size_t(number("FAKE_CUDA_FREE", long(*total)));
  return 0;
}
API cuMemAlloc_v2(void **memory, size_t bytes) {
  UNSAFE(cuMemAlloc);
  *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  // Whoever forgets to write it shall notice.
  std::memset(*memory, 0xff, bytes);
  deviceBlocks[static_cast<char *>(*memory)] = bytes;
  return *memory ? 0 : 2;
}
API cuMemFree_v2(void *memory) {
  if (failed)
    return failed;
  if (capturing)
    return 900;
  deviceBlocks.erase(static_cast<char *>(memory));
  std::free(memory);
  return 0;
}
API cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  UNSAFE(cuMemHostAlloc);
  *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  hostBlocks.insert(*memory);
  return *memory ? 0 : 2;
}
API cuMemFreeHost(void *memory) {
  if (failed)
    return failed;
  hostBlocks.erase(memory);
  std::free(memory);
  return 0;
}

bool fakeIsOnDevice(const void *memory) {
  auto address = static_cast<const char *>(memory);
  auto next = deviceBlocks.upper_bound(address);
  if (next == deviceBlocks.begin())
    return false;
  --next;
  return address < next->first + next->second;
}

static int enqueueCopy(void *to, const void *from, size_t bytes, void *stream) {
  fakeEnqueue(stream, [=] {
    std::memmove(to, from, bytes);
    return true;
  });
  return 0;
}
API cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes,
                         void *stream) {
  CALL(cuMemcpyHtoDAsync);
  if (!fakeIsOnDevice(to))
    return 1;
  return enqueueCopy(to, from, bytes, stream);
}
API cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes,
                         void *stream) {
  CALL(cuMemcpyDtoHAsync);
  if (!fakeIsOnDevice(from) || fakeIsOnDevice(to))
    return 1;
  return enqueueCopy(to, from, bytes, stream);
}
API cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t bytes,
                         void *stream) {
  CALL(cuMemcpyDtoDAsync);
  if (!fakeIsOnDevice(to) || !fakeIsOnDevice(from))
    return 1;
  return enqueueCopy(to, from, bytes, stream);
}
API cuMemsetD8Async(void *memory, unsigned char value, size_t bytes,
                    void *stream) {
  CALL(cuMemsetD8Async);
  if (!fakeIsOnDevice(memory))
    return 1;
  fakeEnqueue(stream, [=] {
    std::memset(memory, value, bytes);
    return true;
  });
  return 0;
}

//===----------------------------------------------------------------------===//
// Streams, events, graphs
//===----------------------------------------------------------------------===//

API cuStreamCreate(Stream **stream, unsigned) {
  *stream = new Stream;
  streams.push_back(*stream);
  return 0;
}
API cuStreamDestroy_v2(Stream *stream) {
  if (failed)
    return failed;
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
  return 0;
}
API cuStreamQuery(Stream *stream) {
  if (failed)
    return failed;
  if (stream->capture)
    return 900;
  progress();
  return failed ? failed : stream->queue.empty() ? 0 : 600;
}
API cuStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  CALL(cuStreamWaitEvent);
  std::shared_ptr<Recording> recording = event->last;
  if (capturing) {
    auto known = capturing->known.find(recording.get());
    if (known != capturing->known.end()) {
      stream->capture = capturing; // joins the capture
      for (auto [other, count] : known->second) {
        size_t &before = capturing->before[stream][other];
        before = std::max(before, count);
      }
    } else if (stream->capture) {
      return 905; // an event from outside of the graph
    }
  }
  enqueue(
      stream, [=] { return recording->done; }, false);
  return 0;
}
API cuEventCreate(Event **event, unsigned) {
  *event = new Event;
  events.insert(*event);
  (*event)->last->done = true; // as one that was never recorded
  return 0;
}
API cuEventDestroy_v2(Event *event) {
  if (failed)
    return failed;
  events.erase(event);
  delete event;
  return 0;
}
API cuEventRecordWithFlags(Event *event, Stream *stream, unsigned flags) {
  CALL(cuEventRecord);
  auto recording = std::make_shared<Recording>();
  event->last = recording;
  if (stream->capture) {
    stream->capture->recordings.push_back(recording);
    // An external recording joins nothing.
    if (flags == 0) {
      Before &before = stream->capture->known[recording.get()];
      before = stream->capture->before[stream];
      before[stream] = stream->capture->nodes[stream];
    }
  }
  enqueue(
      stream,
      [=] {
        recording->done = true;
        recording->milliseconds = now();
        return true;
      },
      flags != 0);
  return 0;
}
API cuEventElapsedTime(float *milliseconds, Event *begin, Event *end) {
  if (!begin->last->done || !end->last->done)
    return 600;
  *milliseconds = float(end->last->milliseconds - begin->last->milliseconds);
  return 0;
}
API cuStreamBeginCapture_v2(Stream *stream, int) {
  CALL(cuStreamBeginCapture);
  if (stream->capture || capturing)
    return 900;
  stream->capture = capturing = new Graph;
  graphs.insert(capturing);
  capturing->origin = stream;
  return 0;
}
API cuStreamEndCapture(Stream *stream, Graph **graph) {
  CALL(cuStreamEndCapture);
  if (!stream->capture || stream != capturing->origin)
    return 901;
  *graph = capturing;
  // Whatever a graph does, its end has to wait for.
  bool isJoined = true;
  for (auto [each, count] : capturing->nodes)
    isJoined &= each == stream || capturing->before[stream][each] >= count;
  capturing = nullptr;
  for (Stream *each : streams)
    each->capture = nullptr;
  if (isJoined)
    return 0;
  *graph = nullptr;
  return 904;
}
API cuGraphInstantiateWithFlags(Graph **instance, Graph *graph,
                                unsigned long long) {
  CALL(cuGraphInstantiate);
  *instance = graph;
  return 0;
}
// A graph and what is made of it are one here.
API cuGraphDestroy(Graph *) { return 0; }
API cuGraphExecDestroy(Graph *graph) {
  if (failed)
    return failed;
  graphs.erase(graph);
  delete graph;
  return 0;
}
API cuGraphLaunch(Graph *graph, Stream *stream) {
  CALL(cuGraphLaunch);
  auto places = std::make_shared<std::map<Stream *, size_t>>();
  auto isNew = std::make_shared<bool>(true);
  fakeEnqueue(stream, [=] {
    if (*isNew)
      for (auto &recording : graph->recordings)
        recording->done = false;
    *isNew = false;
    bool all = true;
    for (bool any = true; any && !failed;) {
      any = false;
      all = true;
      for (auto it = graph->streams.rbegin(); it != graph->streams.rend();
           ++it) {
        size_t &place = (*places)[it->first];
        while (!failed && place < it->second.size() && it->second[place]()) {
          ++place;
          any = true;
        }
        all &= place == it->second.size();
      }
    }
    return all;
  });
  return 0;
}
