//===- Backend.h - What a rank's program computes on ------------*- C++ -*-===//
//
// The trainer and the functions of pprt.h know of the processor or device only
// what stands here: where the arena lies, how a step runs, and what each call
// of a step does. `HostBackend` computes on this CPU, `EmulationBackend` sleeps
// instead (--emulate), `DeviceBackend` (gpu/DeviceBackend.h) enqueues work for
// a GPU or an emulated one.
//
// The context has checked what it hands on: numbers of channels, requests,
// micro-batches and parameters exist.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_BACKEND_H
#define PPRT_BACKEND_H

#include "Arena.h"
#include "Batches.h"
#include "Bootstrap.h"
#include "Communicator.h"
#include "Options.h"
#include "Recorder.h"
#include "StepNumbers.h"
#include "pprt.h"
#include "pprt_ids.h"

#include <functional>
#include <memory>
#include <string>

namespace pprt {

/// One message of the program.
struct Transfer {
  /// `peer` is a coordinate on pipe.
  int channel = -1, peer = -1, tag = 0, action = -1;
  bool isReceive = false;
  uint8_t *data = nullptr; ///< where the backend computes
  uint64_t bytes = 0;

  /// Starts it with a communicator along pipe.
  void post(Communicator &pipe, int request) const {
    if (isReceive)
      pipe.irecv(request, peer, tag, data, bytes);
    else
      pipe.isend(request, peer, tag, data, bytes);
  }
};

/// What functions of the program read and write in a step, where the backend
/// computes.
struct StepMemory {
  uint8_t *arena;
  double *values; ///< as in StepReport
  StepNumbers *numbers;
  double *summary; ///< PPRT_NUM_SUMMARY
};

/// What a backend is made for; all of it outlives the backend.
struct BackendSetup {
  const Description &description;
  const Options &options;
  Bootstrap &bootstrap;
  Recorder &recorder;

  const Program &program() const {
    return description.programOf(size_t(bootstrap.rank()));
  }
};

class Backend {
public:
  explicit Backend(const BackendSetup &setup) : setup(setup) {}
  virtual ~Backend() = default;
  Backend(const Backend &) = delete;
  Backend &operator=(const Backend &) = delete;

  //===--------------------------------------------------------------------===//
  // Before and after the steps
  //===--------------------------------------------------------------------===//

  /// False where nothing is computed: no data is needed and no loss is known.
  virtual bool computes() const { return true; }
  /// "device: emulated on the host": the line that a run prints of what it
  /// computes on; empty for none.
  virtual std::string describe() const { return ""; }
  /// Gets what the steps need, together with all other ranks. `arena` is memory
  /// of the host with the layout of the program's arena, for the first values
  /// of parameters and for checkpoints.
  virtual void prepare(std::shared_ptr<Arena> arena) {
    this->arena = std::move(arena);
  }
  /// The tokens of the steps, which the trainer loads before each.
  void useData(const Batches &data) { batches = &data; }
  enum class Copied { Weights, WeightsAndStates };
  /// Parameters and masters from `arena` to where steps compute; states where
  /// they are not all zeros.
  virtual void upload(Copied) {}
  /// What this rank updates, back to `arena`.
  virtual void download(Copied) {}
  /// Prints what the ranks have to note since the last call, on rank 0;
  /// collective.
  virtual void sayNotes() {}
  /// The times of kernels as JSON, for --kernel-times.
  virtual std::string kernelTimes() { return ""; }
  /// Frees all that the steps needed, also in the midst of one, if that has
  /// failed: then only the bootstrap is left. Memory that other ranks may still
  /// read or write, and a device whose work does not end, are left to the
  /// bootstrap until the process ends. Nothing but the destructor follows.
  virtual void teardown(bool hasFailed) = 0;

  //===--------------------------------------------------------------------===//
  // A step
  //===--------------------------------------------------------------------===//

  /// One step of `function`; what goes wrong in it is kept in the context, or
  /// thrown. The report of the step is whole afterwards.
  virtual void runStep(pprt_context &context, pprt_step_fn function) = 0;
  /// Text behind an error: where the step was when it was found.
  virtual std::string place(const pprt_context &) const { return ""; }

  virtual void actionBegin(int action) = 0;
  virtual void actionEnd(int action) = 0;
  virtual const void *data(int input, int microbatch) = 0;
  /// The key of a micro-batch as layers get it; `key` is its value.
  virtual int64_t key(int microbatch, int64_t key) = 0;
  virtual void zero(void *data, uint64_t bytes) = 0;
  virtual void checkIds(const pprt_context &context, const IdRange &range,
                        const void *ids, int64_t count, int64_t stride,
                        int32_t bits) = 0;
  /// Puts a number that a stage has computed into the report.
  virtual void report(pprt_context &context, size_t place,
                      const float *value) = 0;
  virtual StepMemory memory(pprt_context &context) = 0;
  /// Sums what all ranks have reported, and calls the function of the end of
  /// the step on the sums.
  virtual void allReduceReport(pprt_context &context, void *workspace) = 0;
  virtual void start(int request, const Transfer &transfer) = 0;
  /// Throws TimeoutError where the transfer takes longer than --timeout.
  virtual void wait(int request, int action) = 0;
  /// Collectives of the program, by their position in it.
  virtual void startCollective(int collective, const void *in, void *out,
                               void *workspace) = 0;
  virtual void finishCollective(int collective, int action) = 0;
  /// Those of layers, by their positions in the description. The end throws
  /// TimeoutError as `wait`.
  virtual void startLayerCollective(int collective, const void *in, void *out,
                                    void *workspace) = 0;
  virtual void finishLayerCollective(int collective) = 0;
  /// Writes a number into memory of the layers; an error stays in the context.
  virtual void write(pprt_context &context, int64_t *to, int64_t number) = 0;

protected:
  const BackendSetup setup;
  std::shared_ptr<Arena> arena;
  const Batches *batches = nullptr;
};

/// Makes the backend that options and program ask for.
using BackendFactory =
    std::function<std::unique_ptr<Backend>(const BackendSetup &)>;

} // namespace pprt

#endif // PPRT_BACKEND_H
