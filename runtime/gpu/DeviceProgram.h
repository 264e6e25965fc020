//===- DeviceProgram.h - A rank's program on a device ---------------------===//
//
// What pprt.h's functions do where the program computes on a device. The host
// enqueues a step and waits for it once, at its end. Everything that differs
// between steps (data, keys, learning rate) is uploaded before the step into
// fixed places, so that a step can be recorded as a graph and done again.
//
// The first step runs directly: it makes plans and loads code. The second one
// is recorded, if the transfers allow it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_DEVICEPROGRAM_H
#define PPRT_GPU_DEVICEPROGRAM_H

#include "Batches.h"
#include "Collectives.h"
#include "Device.h"
#include "KeyTable.h"
#include "Links.h"
#include "Options.h"
#include "Recorder.h"
#include "pprt.h"
#include "pprt_ids.h"

#include <map>
#include <vector>

namespace pprt {

/// What of a step's numbers the kernels of the update read. The layout is that
/// of lib/CodeGen/GPU/RuntimeKernels.mlir.
struct UpdateScalars {
  float gradientScale = 0; // written on the device
  float learningRate = 0, beta1 = 0, beta2 = 0, epsilon = 0;
  float correction1 = 0, correction2 = 0;
  float isFinite = 0; // written on the device: 1, or 0 and nothing is updated
  double clip = 0;
};

class DeviceProgram {
public:
  DeviceProgram(Device &device, const Description &description,
                const Options &options, Transport &transport,
                Collectives &collectives, Recorder &recorder);

  /// The arena, checked against what is free; zeros. Throws Error.
  uint8_t *allocateArena(uint64_t bytes);
  /// Makes the links, together with all other ranks.
  void connect();

  /// Parameters and masters to, and what a checkpoint has from, the same
  /// offsets of host memory.
  void uploadParameters(const uint8_t *host);
  void downloadParameters(uint8_t *host);

  /// One step of `function`; `keys` has one for each micro-batch. Returns
  /// whether it was called, false where a graph did its work.
  bool run(pprt_step_fn function, pprt_context *context, const Batches &batches,
           const std::vector<int64_t> &keys, const UpdateScalars &scalars,
           double vote);
  /// After a step: losses of micro-batches, square norms of parameters, the
  /// number of ranks with an id out of range, and the sum of all ranks' votes.
  const double *results() const { return hostResults; }
  /// What was wrong with an id of this rank in the last step, number `step`;
  /// empty if nothing was.
  std::string idError(int64_t step) const;

  // What a step enqueues.
  const void *data(int input, int microbatch) const;
  int64_t key(int microbatch);
  void *constant(const void *host, uint64_t bytes);
  void loss(int microbatch, const float *value);
  void squareNorm(int parameter, const float *gradient, uint64_t n);
  void add(float *to, const float *from, uint64_t n);
  /// As pprt_gpu_check_ids.
  void checkIds(const IdRange &range, const void *ids, int64_t count,
                int64_t stride, int32_t bits);
  void exchange();
  /// `copy` is the parameter in bf16, whose master p is, or null.
  void update(float *p, const float *g, float *m, float *v, float decay,
              uint64_t n, uint16_t *copy);
  void start(int request, const Transfer &transfer);
  void wait(int request, int action);
  void actionBegin(int action);
  void actionEnd(int action);

  /// Runs `enqueue`, unless something has failed; keeps what it throws, with
  /// the action that ran. Whether nothing has failed.
  template <typename F> bool guarded(F enqueue) {
    if (failure)
      return false;
    try {
      enqueue();
    } catch (...) {
      keepFailure();
    }
    return !failure;
  }
  void throwFailure();

  Device &getDevice() { return device; }
  /// Ends what is under way on this rank after a failure.
  void abort();
  /// The line that says what a run computes on.
  std::string description() const;

private:
  int32_t kernel(const char *name) const;
  void launch(const char *name, int64_t blocks, int32_t threads,
              std::initializer_list<void *> arguments);
  void uploadStep(const Batches &, const std::vector<int64_t> &keys,
                  const UpdateScalars &);
  void finish();
  void recordEvents();
  void keepFailure();
  [[noreturn]] void throwStuck();
  std::string where() const;
  /// A mark whose number is that of the call in the step.
  int mark(int stream);

  Device &device;
  const Description &program_description;
  const Options &options;
  Transport &transport;
  Collectives &collectives;
  Recorder &recorder;
  const Program &program;
  std::unique_ptr<Links> links;
  mutable std::map<std::string, int32_t> kernels;
  std::map<const void *, void *> constants;

  uint8_t *arena = nullptr;
  // On the device: data and keys of a step, its scalars, what it reports, and
  // partial sums.
  uint8_t *deviceInputs = nullptr;
  UpdateScalars *deviceScalars = nullptr;
  double *deviceResults = nullptr, *devicePartials = nullptr;
  uint8_t *hostInputs = nullptr;
  double *hostResults = nullptr, *hostVote = nullptr;
  /// Losses, norms and what is summed over the ranks with them: 1 if an id is
  /// out of range, and the vote to end the run. Behind these, for this rank
  /// alone, the number of the check and the id, as integers.
  uint64_t numSums = 0;
  static constexpr uint64_t kFlags = 2, kRecord = 2;
  uint64_t numResults() const { return numSums + kRecord; }
  struct IdCheck {
    IdRange range;
    int action;
  };
  std::vector<IdCheck> idRanges; ///< check number n is at n - 1
  std::map<std::pair<const char *, int>, int64_t> idChecks;
  uint64_t slotBytes = 0, scalarsOffset = 0, inputBytes = 0;
  KeyTable keys;

  struct Span {
    Event::Kind kind;
    int action, begin, end;
  };
  std::vector<Span> spans;
  std::vector<int> marks;
  size_t usedMarks = 0;
  std::vector<Transfer> requests;

  enum class Mode { Direct, Record, Replay } mode = Mode::Direct;
  int64_t stepsDone = 0;
  std::exception_ptr failure;
};

} // namespace pprt

#endif // PPRT_GPU_DEVICEPROGRAM_H
