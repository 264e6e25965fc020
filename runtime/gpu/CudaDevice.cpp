//===- CudaDevice.cpp - A GPU through CUDA's driver -----------------------===//
//
// The primary context of one GPU, shared with the libraries. Functions are
// looked up once. Libraries are opened when something needs them: a program
// without matrix products runs without cuBLASLt.
//
//===----------------------------------------------------------------------===//
#include "CudaDevice.h"

#include "Clock.h"
#include "Environment.h"
#include "Error.h"
#include "WaitTimer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <time.h>

using namespace pprt;
using namespace pprt::cuda;

static DevicePtr address(const void *pointer) {
  return reinterpret_cast<DevicePtr>(pointer);
}

static std::string gigabytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", double(bytes) / 1e9);
  return text;
}

//===----------------------------------------------------------------------===//
// Device and code
//===----------------------------------------------------------------------===//

CudaDevice::CudaDevice(const pprt_gpu_code &code, int wanted,
                       AttentionChoice choice)
    : code(code) {
  // Streams that share a queue of the hardware wait for each other: one that
  // receives must not hold up the one that computes what the peer waits for.
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", /*overwrite=*/0);
  Result result = driver.init(0);
  if (result == success)
    result = driver.deviceCount(&count);
  if (result == noDevice || (result == success && count == 0))
    throw Error("found no GPU, expected one for each rank or a shared one: see "
                "nvidia-smi and CUDA_VISIBLE_DEVICES, or run a program "
                "compiled with --target=cpu");
  check(result, "cuInit");
  index = wanted % count;
  check(driver.deviceGet(&device, index), "cuDeviceGet");
  int major = 0, minor = 0;
  check(driver.deviceAttribute(&major, attributeComputeMajor, device),
        "cuDeviceGetAttribute");
  check(driver.deviceAttribute(&minor, attributeComputeMinor, device),
        "cuDeviceGetAttribute");
  capability = 10 * major + minor;
  check(driver.contextRetain(&context, device), "cuDevicePrimaryCtxRetain");
  check(driver.contextSet(context), "cuCtxSetCurrent");
  check(driver.eventCreate(&clock, eventDefault), "cuEventCreate");
  addStream();
  loadCode();
  openCache(choice.note);
  attention =
      std::make_unique<Attention>(std::move(choice), capability, *plans);
}

/// Plans hold for a chip, as many of its multiprocessors as are there, and the
/// driver.
void CudaDevice::openCache(PlanCache::Note note) {
  char name[256] = {};
  int version = 0, multiprocessors = 0;
  check(driver.deviceName(name, sizeof name - 1, device), "cuDeviceGetName");
  check(driver.driverVersion(&version), "cuDriverGetVersion");
  check(driver.deviceAttribute(&multiprocessors, attributeMultiprocessors,
                               device),
        "cuDeviceGetAttribute");
  const char *folder = Environment().cacheDir;
  plans = std::make_unique<PlanCache>(
      folder ? folder : "",
      std::string(name) + " sm_" + std::to_string(capability) + ", " +
          std::to_string(multiprocessors) + " multiprocessors, driver " +
          std::to_string(version),
      std::move(note));
}

CudaDevice::~CudaDevice() {
  // Nothing can be done about errors here.
  if (!isLost)
    freeAll();
  if (context)
    driver.contextRelease(device);
}

void CudaDevice::freeAll() {
  gemm.reset();
  attention.reset();
  for (GraphExec graph : graphs)
    if (graph)
      driver.graphExecDestroy(graph);
  for (Event event : events)
    driver.eventDestroy(event);
  for (Event mark : marks)
    driver.eventDestroy(mark);
  if (clock)
    driver.eventDestroy(clock);
  for (Stream stream : streams)
    driver.streamDestroy(stream);
  for (DevicePtr block : blocks)
    driver.free(block);
  for (void *block : hostBlocks)
    driver.freeHost(block);
}

/// A context in which work has failed answers every call with the same error,
/// those that free, too. All that is in it is freed with it.
Device::State CudaDevice::drain(double seconds) {
  WaitTimer timer(uint64_t(seconds * 1e9), nowNs());
  for (Stream stream : streams)
    for (Result result; (result = driver.streamQuery(stream)) != success;) {
      if (result != notReady) {
        gemm.reset();
        attention.reset();
        driver.contextReset(device);
        isLost = true;
        return State::Lost;
      }
      if (timer.isOver(nowNs()))
        return State::Busy;
      timespec nap = {0, 1000000};
      nanosleep(&nap, nullptr);
    }
  return State::Idle;
}

std::string CudaDevice::description() const {
  char name[256] = {};
  size_t available = 0, total = 0;
  driver.deviceName(name, sizeof name - 1, device);
  driver.memoryInfo(&available, &total);
  return std::string(name) + " (GPU " + std::to_string(index) + ", sm_" +
         std::to_string(capability) + ", " + gigabytes(total) + ")";
}

DeviceLibraries CudaDevice::openLibraries() {
  DeviceLibraries result;
  char name[256] = {};
  driver.deviceName(name, sizeof name - 1, device);
  result.chip = std::string(name) + " (sm_" + std::to_string(capability) + ")";
  if (code.libraries & PPRT_GPU_CALLS_PRODUCTS) {
    gemm = std::make_unique<DeviceGemm>(*plans);
    result.gemm = "cuBLASLt " + gemm->version();
  }
  if (code.libraries & PPRT_GPU_CALLS_BF16_ATTENTION) {
    std::string version = attention->open(result.noAttention);
    if (!version.empty())
      result.attention = "cuDNN " + version;
  }
  return result;
}

void CudaDevice::leaveAttention() { attention->leave(); }

/// 90 of "sm_90a"; `exact` if code for it runs on no other chip.
static int numberOf(const char *chip, bool &exact) {
  char *end = nullptr;
  const char *digits = std::strchr(chip, '_');
  int number = digits ? int(std::strtol(digits + 1, &end, 10)) : 0;
  exact = end && *end != 0;
  return number;
}

/// How well an image fits: 0 not at all, cubins before PTX, newer chips first.
static int fitOf(const pprt_gpu_image &image, int capability) {
  bool exact = false;
  int number = numberOf(image.chip, exact);
  if (number <= 0 || number > capability || (exact && number != capability))
    return 0;
  if (image.is_ptx)
    return number;
  return number / 10 == capability / 10 ? 1000 + number : 0;
}

/// Empty, or why the driver does not take the image.
std::string CudaDevice::loadImage(const pprt_gpu_image &image) {
  std::vector<char> errors(16 << 10);
  int options[] = {jitErrorLogBuffer, jitErrorLogBytes};
  void *values[] = {errors.data(),
                    reinterpret_cast<void *>(uintptr_t(errors.size()))};
  Module module = nullptr;
  Result result = driver.moduleLoad(&module, image.data, 2, options, values);
  if (result != success) {
    errors.back() = 0;
    return driver.text(result) + " for " + image.chip +
           (image.is_ptx ? " PTX" : " cubin") +
           (errors[0] ? std::string(": ") + errors.data() : std::string());
  }
  functions.clear();
  for (int32_t i = 0; i < code.num_kernels; ++i) {
    Function function = nullptr;
    check(driver.moduleFunction(&function, module, code.kernels[i].name),
          ("cuModuleGetFunction of '" + std::string(code.kernels[i].name) + "'")
              .c_str());
    functions.push_back(function);
  }
  return "";
}

void CudaDevice::loadCode() {
  std::vector<const pprt_gpu_image *> images;
  std::string chips, errors;
  for (int32_t i = 0; i < code.num_images; ++i) {
    const pprt_gpu_image &image = code.images[i];
    chips += (chips.empty() ? "" : ", ") + std::string(image.chip) +
             (image.is_ptx ? " (PTX)" : "");
    if (fitOf(image, capability))
      images.push_back(&image);
  }
  std::sort(images.begin(), images.end(), [&](auto *a, auto *b) {
    return fitOf(*a, capability) > fitOf(*b, capability);
  });
  for (const pprt_gpu_image *image : images) {
    std::string error = loadImage(*image);
    if (error.empty())
      return;
    errors += (errors.empty() ? "" : "; ") + error;
  }
  if (images.empty())
    throw Error("found a GPU of sm_" + std::to_string(capability) +
                " and code for " + (chips.empty() ? "no chip" : chips) +
                ", expected code for it: compile with --chip=sm_" +
                std::to_string(capability));
  throw Error("found code that the driver cannot load (" + errors +
              "), expected it to: update the driver, or compile with --chip "
              "for this GPU where ptxas is installed");
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

uint64_t CudaDevice::availableBytes() const {
  size_t available = 0, total = 0;
  check(driver.memoryInfo(&available, &total), "cuMemGetInfo");
  return available;
}

uint8_t *CudaDevice::allocate(uint64_t bytes) {
  bytes = std::max<uint64_t>(bytes, 256);
  DevicePtr block = 0;
  Result result = driver.allocate(&block, bytes);
  if (result == outOfMemory)
    throw Error("found " + gigabytes(availableBytes()) +
                " free on the GPU, expected " + gigabytes(bytes) + " (" +
                std::to_string(bytes) +
                " bytes) at once: end other programs on it (nvidia-smi), "
                "compile for more ranks or with --recompute=full");
  check(result, "cuMemAlloc");
  blocks.push_back(block);
  check(driver.fill8(block, 0, bytes, streams[0]), "cuMemsetD8Async");
  return reinterpret_cast<uint8_t *>(block);
}

uint8_t *CudaDevice::allocateHost(uint64_t bytes) {
  void *block = nullptr;
  check(driver.allocateHost(&block, std::max<uint64_t>(bytes, 64),
                            hostAllocPortable | hostAllocDeviceMap),
        "cuMemHostAlloc");
  hostBlocks.push_back(block);
  std::memset(block, 0, bytes);
  return static_cast<uint8_t *>(block);
}

void CudaDevice::copy(int stream, void *to, const void *from, uint64_t bytes) {
  if (bytes)
    check(driver.copyOnDevice(address(to), address(from), bytes,
                              getStream(stream)),
          "cuMemcpyDtoDAsync");
}

void CudaDevice::upload(int stream, void *to, const void *from,
                        uint64_t bytes) {
  if (bytes)
    check(driver.copyToDevice(address(to), from, bytes, getStream(stream)),
          "cuMemcpyHtoDAsync");
}

void CudaDevice::download(int stream, void *to, const void *from,
                          uint64_t bytes) {
  if (bytes)
    check(driver.copyToHost(to, address(from), bytes, getStream(stream)),
          "cuMemcpyDtoHAsync");
}

void CudaDevice::zero(int stream, void *data, uint64_t bytes) {
  if (bytes)
    check(driver.fill8(address(data), 0, bytes, getStream(stream)),
          "cuMemsetD8Async");
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

void CudaDevice::launch(int32_t kernel, Grid grid, Grid block,
                        void **arguments) {
  Result result = driver.launch(
      functions[size_t(kernel)], unsigned(grid.x), unsigned(grid.y),
      unsigned(grid.z), unsigned(block.x), unsigned(block.y), unsigned(block.z),
      0, streams[0], arguments, nullptr);
  if (result != success)
    check(result,
          ("the launch of '" + std::string(code.kernels[kernel].name) + "'")
              .c_str());
}

void CudaDevice::matmul(const pprt_gpu_gemm &shape, const void *a,
                        const void *b, void *c, void *bias, void *aux,
                        void *workspace) {
  if (!gemm)
    gemm = std::make_unique<DeviceGemm>(*plans);
  if (!gemm->run(streams[0], shape, a, b, c, bias, aux, workspace))
    fallbackEpilogue(*this, code, shape, a, b, c, bias, aux);
}

void CudaDevice::attentionForward(const pprt_gpu_attention &shape,
                                  const void *q, const void *k, const void *v,
                                  void *out, float *lse, void *workspace) {
  if (!attention->forward(streams[0], shape, q, k, v, out, lse, workspace))
    fallbackForward(*this, shape, q, k, v, out, lse, workspace);
}

void CudaDevice::attentionBackward(const pprt_gpu_attention &shape,
                                   const void *q, const void *k, const void *v,
                                   const void *out, const float *lse,
                                   const void *dout, void *dq, void *dk,
                                   void *dv, void *workspace) {
  if (!attention->backward(streams[0], shape, q, k, v, out, lse, dout, dq, dk,
                           dv, workspace))
    fallbackBackward(*this, shape, q, k, v, out, lse, dout, dq, dk, dv,
                     workspace);
}

//===----------------------------------------------------------------------===//
// Order and times
//===----------------------------------------------------------------------===//

int CudaDevice::addStream() {
  Stream stream = nullptr;
  check(driver.streamCreate(&stream, streamNonBlocking), "cuStreamCreate");
  streams.push_back(stream);
  return int(streams.size()) - 1;
}

int CudaDevice::addEvent() {
  Event event = nullptr;
  check(driver.eventCreate(&event, eventDisableTiming), "cuEventCreate");
  events.push_back(event);
  return int(events.size()) - 1;
}

void CudaDevice::record(int event, int stream) {
  check(driver.eventRecord(events[size_t(event)], getStream(stream), 0),
        "cuEventRecord");
}

void CudaDevice::wait(int stream, int event) {
  check(driver.streamWait(getStream(stream), events[size_t(event)], 0),
        "cuStreamWaitEvent");
}

bool CudaDevice::isDone(int stream) {
  Result result = driver.streamQuery(getStream(stream));
  if (result == notReady)
    return false;
  check(result, "the work on the GPU");
  return true;
}

void CudaDevice::startClock() {
  check(driver.eventRecord(clock, streams[0], 0), "cuEventRecord");
  clockNs = nowNs();
}

int CudaDevice::addMark() {
  Event event = nullptr;
  check(driver.eventCreate(&event, eventDefault), "cuEventCreate");
  marks.push_back(event);
  return int(marks.size()) - 1;
}

void CudaDevice::mark(int mark, int stream) {
  // In a graph the event is to be recorded by each of its launches.
  check(driver.eventRecord(marks[size_t(mark)], getStream(stream),
                           isCapturing ? eventRecordExternal : 0),
        "cuEventRecord");
}

uint64_t CudaDevice::timeOf(int mark) {
  float milliseconds = 0;
  check(driver.eventElapsed(&milliseconds, clock, marks[size_t(mark)]),
        "cuEventElapsedTime");
  return clockNs + uint64_t(std::max(0.0, double(milliseconds) * 1e6));
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

void CudaDevice::beginCapture() {
  check(driver.captureBegin(streams[0], captureThreadLocal),
        "cuStreamBeginCapture");
  isCapturing = true;
}

void CudaDevice::endCapture(Graph number) {
  isCapturing = false;
  cuda::Graph recorded = nullptr;
  check(driver.captureEnd(streams[0], &recorded), "cuStreamEndCapture");
  Result result = driver.graphInstantiate(&graphs[number], recorded, 0);
  driver.graphDestroy(recorded);
  check(result, "cuGraphInstantiate");
}

void CudaDevice::launchGraph(Graph number) {
  check(driver.graphLaunch(graphs[number], streams[0]), "cuGraphLaunch");
}

std::unique_ptr<Device> pprt::createCudaDevice(const pprt_gpu_code &code,
                                               int index,
                                               AttentionChoice attention) {
  return std::make_unique<CudaDevice>(code, index, std::move(attention));
}
