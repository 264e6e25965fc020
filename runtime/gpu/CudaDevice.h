//===- CudaDevice.h - A GPU through CUDA's driver -------------------------===//
#ifndef PPRT_GPU_CUDADEVICE_H
#define PPRT_GPU_CUDADEVICE_H

#include "Attention.h"
#include "Device.h"
#include "DeviceGemm.h"
#include "Driver.h"
#include "PlanCache.h"

#include <vector>

namespace pprt::cuda {

class CudaDevice final : public Device {
public:
  CudaDevice(const pprt_gpu_code &code, int index, AttentionChoice attention);
  ~CudaDevice() override;

  Stream getStream(int stream) const { return streams[size_t(stream)]; }
  int getIndex() const { return index; }
  /// For a thread that calls a library of CUDA beside the main one.
  void makeCurrent() { driver.contextSet(context); }

  std::string description() const override;
  int deviceCount() const override { return count; }
  uint64_t availableBytes() const override;
  uint8_t *allocate(uint64_t bytes) override;
  uint8_t *allocateHost(uint64_t bytes) override;
  void copy(int stream, void *to, const void *from, uint64_t bytes) override;
  void upload(int stream, void *to, const void *from, uint64_t bytes) override;
  void download(int stream, void *to, const void *from,
                uint64_t bytes) override;
  void zero(int stream, void *data, uint64_t bytes) override;
  DeviceLibraries openLibraries() override;
  void leaveAttention() override;
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
  int addStream() override;
  int addEvent() override;
  void record(int event, int stream) override;
  void wait(int stream, int event) override;
  bool isDone(int stream) override;
  State drain(double seconds) override;
  void startClock() override;
  int addMark() override;
  void mark(int mark, int stream) override;
  uint64_t timeOf(int mark) override;
  bool hasGraphs() const override { return true; }
  void beginCapture() override;
  void endCapture(Graph number) override;
  void launchGraph(Graph number) override;

private:
  void check(Result result, const char *call) const {
    driver.check(result, call);
  }
  void freeAll();
  void loadCode();
  void openCache(PlanCache::Note note);
  std::string loadImage(const pprt_gpu_image &image);

  const pprt_gpu_code &code;
  Driver driver;
  int index = 0, count = 0;
  DeviceId device = 0;
  int capability = 0; // 90 for sm_90
  Context context = nullptr;
  std::vector<Function> functions;
  std::vector<Stream> streams;
  std::vector<Event> events, marks;
  Event clock = nullptr;
  uint64_t clockNs = 0;
  bool isCapturing = false;
  bool isLost = false;
  GraphExec graphs[NumGraphs] = {};
  std::vector<DevicePtr> blocks;
  std::vector<void *> hostBlocks;
  std::unique_ptr<PlanCache> plans; // of the two that follow
  std::unique_ptr<DeviceGemm> gemm;
  std::unique_ptr<Attention> attention;
};

} // namespace pprt::cuda

#endif // PPRT_GPU_CUDADEVICE_H
