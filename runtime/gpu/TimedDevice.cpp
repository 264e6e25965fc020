//===- TimedDevice.cpp - Times of single kernels and library calls --------===//
#include "TimedDevice.h"

#include "Clock.h"
#include "Error.h"
#include "Json.h"
#include "WaitTimer.h"
#include "pprt_gpu_cost.h"

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

void TimedDevice::endStep(bool counts) {
  if (counts && steps++ > 0)
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
  char name[PPRT_GPU_NAME_BYTES];
  pprt_gpu_gemm_name(&s, name);
  timed(name, uint64_t(pprt_gpu_gemm_bytes(&s)), pprt_gpu_gemm_operations(&s),
        [&] { device->matmul(s, a, b, c, bias, aux, workspace); });
}

template <typename F>
void TimedDevice::timedAttention(const pprt_gpu_attention &s, bool isAdjoint,
                                 F enqueue) {
  char name[PPRT_GPU_NAME_BYTES];
  pprt_gpu_attention_name(&s, isAdjoint, name);
  timed(name, uint64_t(pprt_gpu_attention_bytes(&s, isAdjoint)),
        pprt_gpu_attention_operations(&s, isAdjoint), enqueue);
}

void TimedDevice::attentionForward(const pprt_gpu_attention &s, const void *q,
                                   const void *k, const void *v, void *out,
                                   float *lse, void *workspace) {
  timedAttention(s, /*isAdjoint=*/false, [&] {
    device->attentionForward(s, q, k, v, out, lse, workspace);
  });
}

void TimedDevice::attentionBackward(const pprt_gpu_attention &s, const void *q,
                                    const void *k, const void *v,
                                    const void *out, const float *lse,
                                    const void *dout, void *dq, void *dk,
                                    void *dv, void *workspace) {
  timedAttention(s, /*isAdjoint=*/true, [&] {
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
  Json kernels = Json::array();
  for (const auto &[name, sum] : sums)
    kernels.push_back(Json{{"name", name},
                           {"calls", sum.calls},
                           {"seconds", roundTo(toSeconds(sum.ns), 9)},
                           {"bytes", sum.bytes},
                           {"operations", sum.operations}});
  return toLines(Json{{"steps", measured},
                      {"device_bytes", used},
                      {"copy_bytes_per_second", roundTo(copyBandwidth(), 6)},
                      {"kernels", std::move(kernels)}});
}
