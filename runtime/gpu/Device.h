//===- Device.h - What a program for GPUs computes on ---------------------===//
//
// One rank's device: memory, streams with events between them, and the work
// that compiled code enqueues. Two implementations: CUDA, and an emulated
// device that does everything at once on the host, for tests where no GPU is.
//
// Stream 0 computes; transfers have streams of their own. Work of one stream
// runs in order. Everything that can fail throws Error.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_DEVICE_H
#define PPRT_GPU_DEVICE_H

#include "pprt_gpu.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pprt {

struct Grid {
  int32_t x = 1, y = 1, z = 1;
};

/// What the bits of a result depend on beside the program; empty for what the
/// program does not use.
struct DeviceLibraries {
  std::string chip;        ///< "NVIDIA H100 (sm_90)"
  std::string gemm;        ///< "cuBLASLt 13.1.0"
  std::string attention;   ///< "cuDNN 9.19.0"
  std::string noAttention; ///< why there is no cuDNN
};

class Device {
public:
  virtual ~Device() = default;

  /// "NVIDIA H100 (sm_90, 80.0 GB)".
  virtual std::string description() const = 0;
  /// The wrapped device if this one is a decorator (TimedDevice), else itself.
  virtual Device &actual() { return *this; }
  /// Devices on this node, of which this is one.
  virtual int deviceCount() const = 0;

  //===--------------------------------------------------------------------===//
  // Memory
  //===--------------------------------------------------------------------===//

  /// Bytes that are free on the device now.
  virtual uint64_t availableBytes() const = 0;
  /// Memory of the device, all zeros; lives as long as the device.
  virtual uint8_t *allocate(uint64_t bytes) = 0;
  /// Memory of the host that copies to and from the device can use in place.
  virtual uint8_t *allocateHost(uint64_t bytes) = 0;

  virtual void copy(int stream, void *to, const void *from, uint64_t bytes) = 0;
  virtual void upload(int stream, void *to, const void *from,
                      uint64_t bytes) = 0;
  virtual void download(int stream, void *to, const void *from,
                        uint64_t bytes) = 0;
  virtual void zero(int stream, void *data, uint64_t bytes) = 0;

  //===--------------------------------------------------------------------===//
  // Work
  //===--------------------------------------------------------------------===//

  /// Bytes that the next launch reads and writes, where the kernel does not say
  /// so: for reports.
  virtual void setTraffic(uint64_t) {}
  /// On stream 0. `kernel` is an index into the program's kernels.
  virtual void launch(int32_t kernel, Grid grid, Grid block,
                      void **arguments) = 0;
  virtual void matmul(const pprt_gpu_gemm &shape, const void *a, const void *b,
                      void *c, void *bias, void *aux, void *workspace) = 0;
  virtual void attentionForward(const pprt_gpu_attention &shape, const void *q,
                                const void *k, const void *v, void *out,
                                float *lse, void *workspace) = 0;
  virtual void attentionBackward(const pprt_gpu_attention &shape, const void *q,
                                 const void *k, const void *v, const void *out,
                                 const float *lse, const void *dout, void *dq,
                                 void *dk, void *dv, void *workspace) = 0;

  //===--------------------------------------------------------------------===//
  // Libraries
  //===--------------------------------------------------------------------===//

  /// Opens the libraries that the program calls. Throws Error.
  virtual DeviceLibraries openLibraries() { return {}; }
  /// From here on attention runs by the program's kernels.
  virtual void leaveAttention() {}

  //===--------------------------------------------------------------------===//
  // Order
  //===--------------------------------------------------------------------===//

  /// A stream beside those that exist; its number.
  virtual int addStream() = 0;
  /// An event for `record` and `wait`; its number.
  virtual int addEvent() = 0;
  /// The event is what `stream` has done so far.
  virtual void record(int event, int stream) = 0;
  /// What follows on `stream` waits for the event.
  virtual void wait(int stream, int event) = 0;
  /// Whether `stream` has done everything. Throws what its work ran into.
  virtual bool isDone(int stream) = 0;

  //===--------------------------------------------------------------------===//
  // Failures
  //===--------------------------------------------------------------------===//

  enum class State {
    Idle, ///< all work is done
    Lost, ///< the device takes no work any more; all that it had is freed
    Busy, ///< work on it does not end
  };
  /// After a failure: waits until all streams have done what they have, at most
  /// `seconds`. Nothing but the destructor follows, which must not be called
  /// while the device is busy.
  virtual State drain(double seconds) {
    (void)seconds;
    return State::Idle;
  }

  //===--------------------------------------------------------------------===//
  // Times
  //===--------------------------------------------------------------------===//

  /// Begins a step: the clock that marks are read on is set to the host's.
  virtual void startClock() = 0;
  /// Makes place for a time; its number.
  virtual int addMark() = 0;
  /// Notes the time at which `stream` comes here.
  virtual void mark(int mark, int stream) = 0;
  /// A step is done: its marks may be used again. Only what `counts` is
  /// reported.
  virtual void endStep(bool counts) { (void)counts; }
  /// The time of a mark in ns, once its stream is done.
  virtual uint64_t timeOf(int mark) = 0;

  //===--------------------------------------------------------------------===//
  // Graphs
  //===--------------------------------------------------------------------===//

  /// One for each program of a rank.
  enum Graph { StepGraph, EvaluationGraph, NumGraphs };

  virtual bool hasGraphs() const { return false; }
  /// From here on work is recorded instead of done. All streams that take part
  /// have to wait for stream 0 first, and stream 0 for them in the end.
  virtual void beginCapture() {}
  virtual void endCapture(Graph) {}
  /// Does what was recorded.
  virtual void launchGraph(Graph) {}
};

/// The device on the host. `code` has kernels with host code; throws Error.
std::unique_ptr<Device> createEmulatedDevice(const pprt_gpu_code &code);

/// What attention runs by, and where a device says what it does not run by.
struct AttentionChoice {
  enum Mode { Auto, Cudnn, Generated };
  /// The value of --attention: auto, cudnn or generated; nothing for others.
  static std::optional<Mode> named(const std::string &name) {
    return name == "auto"        ? std::optional(Auto)
           : name == "cudnn"     ? std::optional(Cudnn)
           : name == "generated" ? std::optional(Generated)
                                 : std::nullopt;
  }
  Mode mode = Auto;
  std::function<void(const std::string &)> note;
};

/// CUDA device number `index` modulo the number of devices. Throws Error where
/// there is none, or no code for it.
std::unique_ptr<Device> createCudaDevice(const pprt_gpu_code &code, int index,
                                         AttentionChoice attention = {});

/// The number of a kernel of the program. Throws Error.
int32_t findKernel(const pprt_gpu_code &code, const char *name);
/// Adds n elements on stream 0, by the program's kernel for it: to += from.
void addOnDevice(Device &device, bool isF64, void *to, const void *from,
                 uint64_t n);

/// Does what the epilogue of a product would have done to `c`, by the program's
/// kernels for it. Throws Error where it has none.
void fallbackEpilogue(Device &device, const pprt_gpu_code &code,
                      const pprt_gpu_gemm &shape, const void *a, const void *b,
                      void *c, void *bias, void *aux);

/// Runs the attention's kernels that the compiler generated. Throws Error where
/// it generated none. `documents` is null where positions see those of all.
void fallbackForward(Device &device, const pprt_gpu_attention &shape,
                     const void *q, const void *k, const void *v, void *out,
                     float *lse, void *workspace,
                     const int32_t *documents = nullptr);
void fallbackBackward(Device &device, const pprt_gpu_attention &shape,
                      const void *q, const void *k, const void *v,
                      const void *out, const float *lse, const void *dout,
                      void *dq, void *dk, void *dv, void *workspace,
                      const int32_t *documents = nullptr);

} // namespace pprt

#endif // PPRT_GPU_DEVICE_H
