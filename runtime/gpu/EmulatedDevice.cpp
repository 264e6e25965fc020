//===- EmulatedDevice.cpp - A device on the host --------------------------===//
//
// Everything is done when it is enqueued, which is one of the orders that
// streams and events allow. Kernels are those of the program, compiled for the
// host; products are HostMath's.
//
//===----------------------------------------------------------------------===//
#include "Device.h"

#include "Clock.h"
#include "Error.h"
#include "HostMath.h"
#include "KernelEmulation.h"

#include <cstring>
#include <new>
#include <unistd.h>
#include <vector>

using namespace pprt;

namespace {

class EmulatedDevice final : public Device {
public:
  explicit EmulatedDevice(const pprt_gpu_code &code) : code(code) {}

  std::string description() const override { return "emulated on the host"; }

  int deviceCount() const override { return 1; }

  uint64_t availableBytes() const override {
    return uint64_t(sysconf(_SC_AVPHYS_PAGES)) *
           uint64_t(sysconf(_SC_PAGESIZE));
  }
  uint8_t *allocate(uint64_t bytes) override {
    uint64_t rounded = (bytes + 255) / 256 * 256 + 256;
    auto *data = static_cast<uint8_t *>(std::aligned_alloc(256, rounded));
    if (!data)
      throw std::bad_alloc();
    std::memset(data, 0, rounded);
    blocks.emplace_back(data);
    return data;
  }
  uint8_t *allocateHost(uint64_t bytes) override { return allocate(bytes); }

  void copy(int, void *to, const void *from, uint64_t bytes) override {
    std::memmove(to, from, bytes);
  }
  void upload(int, void *to, const void *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void download(int, void *to, const void *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void zero(int, void *data, uint64_t bytes) override {
    std::memset(data, 0, bytes);
  }

  void launch(int32_t kernel, Grid grid, Grid block,
              void **arguments) override {
    const int32_t grids[3] = {grid.x, grid.y, grid.z};
    const int32_t blocks[3] = {block.x, block.y, block.z};
    std::string error =
        runEmulated(code.kernels[kernel], grids, blocks, arguments);
    if (!error.empty())
      throw Error(error);
  }
  void matmul(const pprt_gpu_gemm &shape, const void *a, const void *b, void *c,
              void *bias, void *aux, void *) override {
    hostMatmul(shape, a, b, c, bias, aux);
  }
  void attentionForward(const pprt_gpu_attention &shape, const void *q,
                        const void *k, const void *v, void *out, float *lse,
                        void *workspace) override {
    if (shape.fallback_kernel >= 0)
      fallbackForward(*this, shape, q, k, v, out, lse, workspace);
    else
      hostAttentionForward(shape, q, k, v, out, lse);
  }
  void attentionBackward(const pprt_gpu_attention &shape, const void *q,
                         const void *k, const void *v, const void *out,
                         const float *lse, const void *dout, void *dq, void *dk,
                         void *dv, void *workspace) override {
    if (shape.fallback_kernel >= 0)
      fallbackBackward(*this, shape, q, k, v, out, lse, dout, dq, dk, dv,
                       workspace);
    else
      hostAttentionBackward(shape, q, k, v, out, lse, dout, dq, dk, dv);
  }

  int addStream() override { return ++streams; }
  int addEvent() override { return events++; }
  void record(int, int) override {}
  void wait(int, int) override {}
  bool isDone(int) override { return true; }

  void startClock() override {}
  int addMark() override {
    marks.push_back(0);
    return int(marks.size()) - 1;
  }
  void mark(int mark, int) override { marks[size_t(mark)] = nowNs(); }
  uint64_t timeOf(int mark) override { return marks[size_t(mark)]; }

private:
  struct Freed {
    void operator()(uint8_t *data) const { std::free(data); }
  };
  const pprt_gpu_code &code;
  std::vector<std::unique_ptr<uint8_t, Freed>> blocks;
  std::vector<uint64_t> marks;
  int streams = 0, events = 0;
};

} // namespace

std::unique_ptr<Device> pprt::createEmulatedDevice(const pprt_gpu_code &code) {
  for (int32_t i = 0; i < code.num_kernels; ++i)
    if (!code.kernels[i].host)
      throw Error("found --device=emulated and a kernel '" +
                  std::string(code.kernels[i].name) +
                  "' without host code, expected it for all: compile the "
                  "program with --emulate-device, or run it on a GPU");
  return std::make_unique<EmulatedDevice>(code);
}
