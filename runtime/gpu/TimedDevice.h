//===- TimedDevice.h - Times of single kernels and library calls ----------===//
//
// Stands before a device and puts an event before and behind all that is
// enqueued on the compute stream. Steps are not graphs then, and events take
// time of their own, a microsecond or two each: sums are a little more than
// what a step as a graph takes.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_TIMEDDEVICE_H
#define PPRT_GPU_TIMEDDEVICE_H

#include "Device.h"

#include <map>
#include <vector>

namespace pprt {

class TimedDevice final : public Device {
public:
  TimedDevice(std::unique_ptr<Device> device, const pprt_gpu_code &code)
      : device(std::move(device)), code(code) {}

  /// Takes the times of a step that is done; those of the first step, which
  /// makes plans and loads code, do not count.
  void endStep(bool counts) override;
  /// What was measured, as JSON (docs/Gpu.md), with the bandwidth of copies on
  /// the device, measured now. Throws Error.
  std::string report();

  std::string description() const override { return device->description(); }
  Device &actual() override { return device->actual(); }
  int deviceCount() const override { return device->deviceCount(); }
  uint64_t availableBytes() const override { return device->availableBytes(); }
  uint8_t *allocate(uint64_t bytes) override {
    allocated += bytes;
    return device->allocate(bytes);
  }
  uint8_t *allocateHost(uint64_t bytes) override {
    return device->allocateHost(bytes);
  }
  void copy(int stream, void *to, const void *from, uint64_t bytes) override;
  void upload(int stream, void *to, const void *from, uint64_t bytes) override {
    device->upload(stream, to, from, bytes);
  }
  void download(int stream, void *to, const void *from,
                uint64_t bytes) override {
    device->download(stream, to, from, bytes);
  }
  void zero(int stream, void *data, uint64_t bytes) override;
  void setTraffic(uint64_t bytes) override { traffic = bytes; }
  void launch(int32_t kernel, Grid grid, Grid block, void **arguments) override;
  void matmul(const pprt_gpu_gemm &shape, const void *a, const void *b, void *c,
              void *bias, void *aux, void *workspace) override;
  void attentionForward(const pprt_gpu_attention &shape, const void *q,
                        const void *k, const void *v, void *out, float *lse,
                        void *workspace) override;
  void attentionBackward(const pprt_gpu_attention &shape, const void *q,
                         const void *k, const void *v, const void *out,
                         const float *lse, const void *dout, void *dq, void *dk,
                         void *dv, void *workspace) override;
  int addStream() override { return device->addStream(); }
  int addEvent() override { return device->addEvent(); }
  void record(int event, int stream) override { device->record(event, stream); }
  void wait(int stream, int event) override { device->wait(stream, event); }
  bool isDone(int stream) override { return device->isDone(stream); }
  State drain(double seconds) override { return device->drain(seconds); }
  void startClock() override { device->startClock(); }
  int addMark() override { return device->addMark(); }
  void mark(int mark, int stream) override { device->mark(mark, stream); }
  uint64_t timeOf(int mark) override { return device->timeOf(mark); }

private:
  struct Sum {
    uint64_t calls = 0, ns = 0;
    uint64_t bytes = 0; ///< of all calls, 0 where not known
    double operations = 0;
  };
  struct Span {
    std::string name;
    int begin, end;
    uint64_t bytes;
    double operations;
  };
  template <typename F>
  void timed(std::string name, uint64_t bytes, double operations, F enqueue);
  template <typename F>
  void timedAttention(const pprt_gpu_attention &shape, bool isAdjoint,
                      F enqueue);
  int mark();
  double copyBandwidth();

  std::unique_ptr<Device> device;
  const pprt_gpu_code &code;
  std::vector<int> marks;
  size_t usedMarks = 0;
  std::vector<Span> spans;
  std::map<std::string, Sum> sums;
  uint64_t allocated = 0, traffic = 0, steps = 0;
};

} // namespace pprt

#endif // PPRT_GPU_TIMEDDEVICE_H
