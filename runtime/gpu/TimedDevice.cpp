//===- TimedDevice.cpp - Times of single kernels and library calls --------===//
#include "TimedDevice.h"

#include "Clock.h"
#include "Error.h"
#include "WaitTimer.h"

#include <algorithm>
#include <time.h>

using namespace pprt;

int TimedDevice::mark() {
  if (usedMarks == marks.size())
    marks.push_back(device->addMark());
  int number = marks[usedMarks++];
  device->mark(number, 0);
  return number;
}

template <typename F>
void TimedDevice::timed(std::string name, uint64_t bytes, double operations,
                        F enqueue) {
  int begin = mark();
  enqueue();
  spans.push_back({std::move(name), begin, mark(), bytes, operations});
}

void TimedDevice::endStep() {
  if (steps++ > 0)
    for (const Span &span : spans) {
      Sum &sum = sums[span.name];
      ++sum.calls;
      uint64_t begin = device->timeOf(span.begin);
      uint64_t end = device->timeOf(span.end);
      sum.ns += end > begin ? end - begin : 0;
      sum.bytes += span.bytes;
      sum.operations += span.operations;
    }
  spans.clear();
  usedMarks = 0;
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

static uint64_t bytesOf(int32_t type) {
  return type == PPRT_GPU_BF16 ? 2 : type == PPRT_GPU_F64 ? 8 : 4;
}
static const char *nameOf(int32_t type) {
  return type == PPRT_GPU_BF16 ? "bf16" : type == PPRT_GPU_F64 ? "f64" : "f32";
}

void TimedDevice::copy(int stream, void *to, const void *from, uint64_t bytes) {
  if (stream != 0)
    return device->copy(stream, to, from, bytes);
  timed("copy", 2 * bytes, 0, [&] { device->copy(0, to, from, bytes); });
}

void TimedDevice::zero(int stream, void *data, uint64_t bytes) {
  if (stream != 0)
    return device->zero(stream, data, bytes);
  timed("zero", bytes, 0, [&] { device->zero(0, data, bytes); });
}

void TimedDevice::launch(int32_t kernel, Grid grid, Grid block,
                         void **arguments) {
  const pprt_gpu_kernel &k = code.kernels[kernel];
  uint64_t bytes = k.bytes ? uint64_t(k.bytes) : traffic;
  traffic = 0;
  timed(k.name, bytes, 0,
        [&] { device->launch(kernel, grid, block, arguments); });
}

void TimedDevice::matmul(const pprt_gpu_gemm &s, const void *a, const void *b,
                         void *c, void *bias, void *aux, void *workspace) {
  const uint64_t batch = uint64_t(s.batch), out = uint64_t(s.m * s.n);
  uint64_t bytes =
      batch * (uint64_t(s.m * s.k) * bytesOf(s.type_a) +
               uint64_t(s.k * s.n) * bytesOf(s.type_b) +
               out * bytesOf(s.type_c) * (s.add == PPRT_GPU_ADD_C ? 2 : 1));
  if (aux)
    bytes += batch * out * bytesOf(s.type_c);
  std::string name = "product " + std::to_string(s.m) + "x" +
                     std::to_string(s.n) + "x" + std::to_string(s.k) + " " +
                     nameOf(s.type_a) + " to " + nameOf(s.type_c);
  if (s.batch > 1)
    name += ", batch " + std::to_string(s.batch);
  if (s.epilogue)
    name += ", epilogue " + std::to_string(s.epilogue);
  timed(name, bytes,
        2.0 * double(s.batch) * double(s.m) * double(s.n) * double(s.k),
        [&] { device->matmul(s, a, b, c, bias, aux, workspace); });
}

/// Elements that queries, and that keys and values have.
static uint64_t attentionBytes(const pprt_gpu_attention &s, uint64_t queries,
                               uint64_t keys) {
  return uint64_t(s.batch * s.d) * bytesOf(s.type) *
         (queries * uint64_t(s.t * s.heads) +
          keys * uint64_t(s.s * s.kv_heads));
}

/// Of one product of queries and keys; half of them where it is causal.
static double attentionOperations(const pprt_gpu_attention &s) {
  return 2.0 * double(s.batch * s.heads) * double(s.t) * double(s.s) *
         double(s.d) * (s.causal ? 0.5 : 1);
}

static std::string attentionName(const pprt_gpu_attention &s,
                                 const char *what) {
  return std::string(what) + " " + std::to_string(s.batch) + "x" +
         std::to_string(s.heads) + "x" + std::to_string(s.t) + "x" +
         std::to_string(s.d) + " " + nameOf(s.type);
}

void TimedDevice::attentionForward(const pprt_gpu_attention &s, const void *q,
                                   const void *k, const void *v, void *out,
                                   float *lse, void *workspace) {
  timed(attentionName(s, "attention"), attentionBytes(s, 2, 2),
        2 * attentionOperations(s),
        [&] { device->attentionForward(s, q, k, v, out, lse, workspace); });
}

void TimedDevice::attentionBackward(const pprt_gpu_attention &s, const void *q,
                                    const void *k, const void *v,
                                    const void *out, const float *lse,
                                    const void *dout, void *dq, void *dk,
                                    void *dv, void *workspace) {
  timed(attentionName(s, "attention backward"), attentionBytes(s, 4, 4),
        5 * attentionOperations(s), [&] {
          device->attentionBackward(s, q, k, v, out, lse, dout, dq, dk, dv,
                                    workspace);
        });
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

static void waitFor(Device &device) {
  WaitTimer timer(60000000000, nowNs());
  while (!device.isDone(0)) {
    if (timer.isOver(nowNs()))
      throw Error("found a copy on the device that takes longer than 60 s, "
                  "expected it to end: see what else runs on it");
    timespec nap = {0, 20000};
    nanosleep(&nap, nullptr);
  }
}

/// Bytes read and written a second by the best of several large copies; 0 where
/// there is no memory for them.
double TimedDevice::copyBandwidth() {
  const uint64_t bytes =
      std::min<uint64_t>(256 << 20, device->availableBytes() / 4) / 256 * 256;
  if (bytes < (1 << 20))
    return 0;
  uint8_t *from = device->allocate(bytes), *to = device->allocate(bytes);
  int begin = device->addMark(), end = device->addMark();
  double best = 0;
  for (int i = 0; i < 10; ++i) {
    device->startClock();
    device->mark(begin, 0);
    device->copy(0, to, from, bytes);
    device->mark(end, 0);
    waitFor(*device);
    uint64_t ns = device->timeOf(end) - device->timeOf(begin);
    if (ns)
      best = std::max(best, 2 * double(bytes) / toSeconds(ns));
  }
  return best;
}

std::string TimedDevice::report() {
  // Before the copies take memory for themselves.
  const uint64_t used = allocated;
  const uint64_t measured = steps > 1 ? steps - 1 : 0;
  char text[256];
  std::snprintf(text, sizeof text,
                "{\n\"steps\": %llu,\n\"device_bytes\": %llu,\n"
                "\"copy_bytes_per_second\": %.6g,\n\"kernels\": [",
                static_cast<unsigned long long>(measured),
                static_cast<unsigned long long>(used), copyBandwidth());
  std::string result = text;
  const char *separator = "\n";
  for (const auto &[name, sum] : sums) {
    std::snprintf(text, sizeof text,
                  "\", \"calls\": %llu, \"seconds\": %.9g, \"bytes\": %llu, "
                  "\"operations\": %.9g}",
                  static_cast<unsigned long long>(sum.calls), toSeconds(sum.ns),
                  static_cast<unsigned long long>(sum.bytes), sum.operations);
    result += separator + std::string("{\"name\": \"") + name + text;
    separator = ",\n";
  }
  return result + "\n]\n}\n";
}
