//===- DeviceBackend.h - Programs that compute on a device ------*- C++ -*-===//
//
// What pprt.h's functions do where the program computes on a GPU, or on one
// that is emulated. The host enqueues a step and waits for it once, at its end.
// Everything that differs between steps (data, keys, learning rate) is uploaded
// before the step into fixed places, so that a step can be recorded as a graph
// and done again.
//
// The first step runs directly: it makes plans and loads code. The second one
// is recorded, if the transfers allow it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_DEVICEBACKEND_H
#define PPRT_GPU_DEVICEBACKEND_H

#include "Backend.h"
#include "Device.h"
#include "DeviceCommunicator.h"
#include "KeyTable.h"
#include "ProgramCollectives.h"
#include "RankNotes.h"
#include "TimedDevice.h"

#include <map>
#include <optional>
#include <vector>

namespace pprt {

class DeviceBackend final : public Backend {
public:
  explicit DeviceBackend(const BackendSetup &setup);

  std::string describe() const override;
  void prepare(std::shared_ptr<Arena> arena) override;
  void upload(Copied what) override;
  void download(Copied what) override;
  void sayNotes() override { notes.say(setup.bootstrap, rank()); }
  std::string kernelTimes() override;
  void teardown(bool hasFailed) override;
  /// Whether --attention says that attention runs by cuDNN or not at all.
  bool wantsCudnn() const { return setup.options.attention == "cudnn"; }

  void runStep(pprt_context &context, pprt_step_fn function) override;
  std::string place(const pprt_context &context) const override;
  void actionBegin(int action) override;
  void actionEnd(int action) override;
  const void *data(int input, int microbatch) override;
  int64_t key(int microbatch, int64_t key) override;
  void zero(void *data, uint64_t bytes) override;
  void checkIds(const pprt_context &context, const IdRange &range,
                const void *ids, int64_t count, int64_t stride,
                int32_t bits) override;
  void report(pprt_context &context, size_t place, const float *value) override;
  StepMemory memory(pprt_context &context) override;
  void allReduceReport(pprt_context &context, void *workspace) override;
  void start(int request, const Transfer &transfer) override;
  void wait(int request, int action) override;
  void startCollective(int collective, const void *in, void *out,
                       void *workspace) override;
  void finishCollective(int collective, int action) override;
  void startLayerCollective(int collective, const void *in, void *out,
                            void *workspace) override;
  void finishLayerCollective(int collective) override;
  void write(pprt_context &context, int64_t *to, int64_t number) override;

  // What pprt_gpu.h's functions do beside.
  Device &getDevice() { return *device; }
  /// The device's copy of a constant of the program.
  void *constant(const void *host, uint64_t bytes);

private:
  int32_t kernel(const char *name) const;
  void launch(const char *name, int64_t blocks, int32_t threads,
              std::initializer_list<void *> arguments);
  int rank() const { return setup.bootstrap.rank(); }
  DeviceLibraries open();
  void allocate(uint64_t bytes);
  void connect();
  bool usesGraphs() const;
  bool sumsByNccl() const { return setup.options.collectives == "nccl"; }
  void enqueueStep(pprt_context &context, pprt_step_fn function);
  void uploadStep(const pprt_context &context);
  void takeResults(pprt_context &context, bool isEnqueued);
  /// What was wrong with an id of this rank in the step; empty if nothing was.
  std::string idError(int64_t step) const;
  /// Visits the own states that the optimizer reads: offset and bytes.
  void forEachState(const std::function<void(uint64_t, uint64_t)> &visit) const;
  void finish(int64_t step);
  void poll();
  void recordEvents();
  [[noreturn]] void throwStuck(int64_t step);
  /// A mark whose number is that of the call in the step.
  int mark(int stream);

  const Description &description;
  const Program &program;
  Recorder &recorder;
  RankNotes notes;
  std::unique_ptr<Device> device;
  TimedDevice *timedDevice = nullptr; ///< `device`, with --kernel-times
  /// For the program's messages, and for what all ranks report.
  std::unique_ptr<DeviceCommunicator> pipe, world, parts;
  std::optional<ProgramCollectives<DeviceCommunicator>> groups, layerGroups;
  /// The mark at the start of each collective of layers, if it is timed.
  std::vector<int> layerBegins;
  /// All of them, as far as they are made.
  std::vector<DeviceCommunicator *> communicators() {
    std::vector<DeviceCommunicator *> all;
    for (DeviceCommunicator *each : {pipe.get(), world.get(), parts.get()})
      if (each)
        all.push_back(each);
    for (auto *made : {&groups, &layerGroups})
      if (*made)
        for (auto &each : **made)
          all.push_back(each.get());
    return all;
  }
  mutable std::map<std::string, int32_t> kernels;
  std::map<const void *, void *> constants;
  /// Numbers that layers get, in pinned memory: graphs copy from there.
  std::map<int64_t, int64_t *> numbers;

  uint8_t *deviceArena = nullptr;
  // On the device: data and keys of a step, its numbers, and what it reports.
  uint8_t *deviceInputs = nullptr, *deviceWorkspace = nullptr;
  StepNumbers *deviceNumbers = nullptr;
  double *deviceResults = nullptr;
  uint8_t *hostInputs = nullptr;
  double *hostResults = nullptr, *hostVotes = nullptr;
  /// Losses, norms and what is summed over the ranks with them: 1 if an id is
  /// out of range, and votes. Behind these, for this rank
  /// alone, the number of the check and the id, as integers; then the summary.
  uint64_t numSums = 0;
  static constexpr uint64_t kRecord = 2;
  /// The summary begins a cache line.
  uint64_t summaryAt() const { return (numSums + kRecord + 7) / 8 * 8; }
  Collective reports() const {
    return {Collective::AllReduce, ElementType::F64, {numSums}};
  }
  uint64_t numResults() const { return summaryAt() + PPRT_NUM_SUMMARY; }
  struct IdCheck {
    IdRange range;
    int action;
  };
  std::vector<IdCheck> idRanges; ///< check number n is at n - 1
  std::map<std::pair<const char *, int>, int64_t> idChecks;
  uint64_t slotBytes = 0, numbersOffset = 0, inputBytes = 0;
  std::optional<KeyTable> keys;

  struct Span {
    Event::Kind kind;
    int action, begin, end;
  };
  struct CollectiveSpan {
    int collective, action, begin, end;
  };
  std::vector<int> marks;
  size_t usedMarks = 0;

  enum class Mode { Direct, Record, Replay } mode = Mode::Direct;
  /// What is known of a program of this rank since it was last enqueued, which
  /// holds while a graph does it again.
  struct Enqueued {
    int64_t stepsDone = 0;
    std::vector<Span> spans;
    std::vector<CollectiveSpan> collectiveSpans; ///< of layers, within actions
    std::vector<Transfer> transfers; ///< that a step has started, in order
    /// How often the first step reported each value, summed over all ranks: the
    /// same in all steps.
    std::vector<double> timesReported;
  };
  Enqueued enqueued[Device::NumGraphs];
  Device::Graph graph = Device::StepGraph; ///< of the program that runs
  Enqueued &now() { return enqueued[graph]; }
};

} // namespace pprt

#endif // PPRT_GPU_DEVICEBACKEND_H
