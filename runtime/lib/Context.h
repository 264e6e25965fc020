//===- Context.h - The state behind the C ABI -----------------------------===//
//
// Checks what a program asks for, keeps what goes wrong, and draws the
// conclusions of a step; what computes and moves is the backend's.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_CONTEXT_H
#define PPRT_CONTEXT_H

#include "Backend.h"
#include "Communicator.h"
#include "StepNumbers.h"
#include "StepReport.h"
#include "pprt.h"
#include "pprt_scalars.h"

#include <exception>
#include <initializer_list>
#include <optional>

namespace pprt {
class Checkpoints;
} // namespace pprt

/// What the functions of pprt.h work on: one rank's run. No virtual functions:
/// the head comes first.
struct pprt_context : pprt_context_head {
  /// Together with all other ranks. `functions` are those of the program.
  pprt_context(const pprt::BackendSetup &setup, pprt::Backend &backend,
               const pprt_function *functions);
  ~pprt_context();

  const pprt::Program &program() const {
    return description.programOf(size_t(bootstrap.rank()));
  }

  void beginStep(int64_t step);
  /// What `function` does in a step on this rank; throws what went wrong in it.
  void runStep(pprt_step_fn function);
  /// Checks that the step did what each step has to; throws Error.
  void endStep();

  /// What losses add up to, each as often as it counts, in the order of
  /// micro-batches.
  struct LossSum {
    double losses = 0, count = 0;
    double mean() const { return count == 0 ? 0 : losses / count; }
  };
  /// Runs `function`, which computes the losses of what the backend has as data
  /// and trains nothing, between two steps; throws what went wrong. Adds the
  /// losses, those of all ranks, to `sum`.
  void runEvaluation(pprt_step_fn function, LossSum &sum);

  /// Runs `action` unless something has failed; keeps what it throws. Whether
  /// nothing has failed.
  template <typename F> bool guarded(F action) {
    if (failure)
      return false;
    try {
      action();
    } catch (...) {
      keepFailure();
    }
    return !failure;
  }

  // What pprt.h's functions do that have checks in common.
  void actionBegin(int action);
  void actionEnd(int action);
  const void *data(int input, int microbatch);
  void post(int channel, int tag, const void *data, void *buffer,
            uint64_t bytes, int request);
  void wait(int request);
  void startCollective(int collective, const void *in, void *out,
                       void *workspace);
  void finishCollective(int collective);
  /// A collective of a layer, to its end.
  void startLayerCollective(int collective, const void *in, void *out,
                            void *workspace);
  void finishLayerCollective(int collective);
  /// The number of this rank along axes, names with commas between.
  int64_t coordinateOn(const char *axes) const;
  /// This rank's piece among those that begin at `base`.
  void *pieceAt(void *base, uint64_t bytes) const {
    return static_cast<uint8_t *>(base) + bytes * uint64_t(replica);
  }
  void reportLoss(int microbatch, const float *loss);
  void reportLossWeight(int microbatch, const float *weight);
  void addGradient(int parameter, float *sum, const float *gradient, int pieces,
                   void *workspace);
  void reportSquareNorm(int parameter, const float *gradient, void *workspace);
  void allReduceReport(void *workspace);
  void update(int parameter, void *p, const float *gradient, void *workspace);

  // For the backend.
  /// Sums the report over all ranks. Throws TimeoutError.
  void sumReport();
  /// Calls the program's function of the end of a step on the sums of losses
  /// and norms, where the backend computes.
  void callConclude(void *workspace);
  /// What this rank adds to the flags of the report.
  void vote(double *flags) const;
  /// Checks what all ranks have reported; throws where the step has failed.
  void check();
  /// Takes over what the function of the end has found.
  void conclude(const double *summary);
  /// The key of dropout of a micro-batch in this step.
  int64_t keyOf(int microbatch) const;

  const pprt::Description &description;
  const pprt::Options &options;
  pprt::Bootstrap &bootstrap;
  pprt::Recorder &recorder;
  pprt::Backend &backend;
  /// What times layers; null if nothing does.
  pprt::LayerTimes *layerTimes = nullptr;
  /// What writes checkpoints; null if nothing does.
  const pprt::Checkpoints *checkpoints = nullptr;

  /// Whether an evaluation runs: without dropout, and nothing of it counts as
  /// time of a step.
  bool isEvaluating = false;

  /// What the last step gave, the same on all ranks.
  double loss = 0, gradientNorm = 0, learningRate = 0;
  /// The signal that ends the run after this step; 0: none.
  int endingSignal = 0;
  /// The flags of the last step's report, summed over all ranks.
  double flags[PPRT_NUM_FLAGS] = {};

  /// The first error; the ABI's statuses cannot carry it.
  std::exception_ptr failure;
  int64_t step = 0;
  uint64_t dropoutKey = 0;
  pprt::StepReport report;
  bool reportReduced = false;
  pprt::StepNumbers numbers;

private:
  void checkDone() const;
  void keepFailure();
  void checkAction(int action) const;
  [[noreturn]] void throwTimeout(int request) const;
  const pprt::Parameter &parameterAt(int parameter) const;
  void checkIds();
  void checkFinite() const;
  void checkWeights() const;
  /// Whether this rank reports what belongs to the loss of a micro-batch.
  bool reportsLoss(int microbatch) const;
  void reportValue(size_t place, const float *value);
  /// What updates take in this step.
  void setScalars();
  /// Calls a function of the program, unless computations are emulated.
  void call(int function, const void *const *operands);
  void call(int function, std::initializer_list<const void *> operands);

  struct Request {
    int channel = -1, tag = 0, action = -1;
    uint64_t bytes = 0;
    bool isReceive = false, active = false;
  };
  std::vector<Request> requests;
  int activeRequests = 0;
  struct StartedCollective {
    bool isActive = false;
    int action = -1;
  };
  std::vector<StartedCollective> collectives; ///< as the program's
  int activeCollectives = 0;
  StartedCollective &collectiveAt(int collective, bool isActive);
  std::unique_ptr<pprt::Communicator> world; ///< for the report
  /// For what ranks with the same samples report, where there are any.
  std::unique_ptr<pprt::Communicator> parts;
  std::vector<char> worldWorkspace;

  /// Of all micro-batches of a step, the number of one of this rank's.
  int numberOf(int microbatch) const {
    return replica * description.microbatches + microbatch;
  }

  const int replica; ///< coordinate on `data`
  const pprt_function *functions;
  const size_t optimizer; ///< of the description's
  /// The states of each parameter that the optimizer reads, in the order of
  /// its operands, and its master if it is bf16, as offsets from the arena;
  /// empty for those of other ranks.
  struct OwnStates {
    bool isOwn = false;
    std::optional<uint64_t> master;
    std::vector<uint64_t> offsets;
  };
  static std::vector<OwnStates> findStates(const pprt::Description &description,
                                           const pprt::Program &program,
                                           size_t optimizer);
  const std::vector<OwnStates> states;
  std::vector<const void *> operands; ///< of the call at hand
};

#endif // PPRT_CONTEXT_H
