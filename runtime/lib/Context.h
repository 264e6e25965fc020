//===- Context.h - The state behind the C ABI -----------------------------===//
#ifndef PPRT_CONTEXT_H
#define PPRT_CONTEXT_H

#include "Batches.h"
#include "Collectives.h"
#include "Emulation.h"
#include "IdChecks.h"
#include "Recorder.h"
#include "Update.h"
#include "pprt.h"

#include <exception>
#include <optional>

namespace pprt {
class DeviceProgram;
} // namespace pprt

/// What the functions of pprt.h work on: one rank's run. No virtual functions:
/// the head comes first.
struct pprt_context : pprt_context_head {
  pprt_context(const pprt::Description &description,
               const pprt::Options &options, pprt::Transport &transport,
               pprt::Collectives &collectives, pprt::Batches *batches,
               pprt::Recorder &recorder);

  const pprt::Program &program() const {
    return description.programOf(size_t(transport.rank()));
  }

  void beginStep(int64_t step);
  /// What `function` does in a step on this rank; throws what went wrong in it.
  void runStep(pprt_step_fn function, uint8_t *arena);
  /// Checks that the step did what each step has to; throws Error.
  void endStep();

  void post(int channel, int tag, const void *data, void *buffer,
            uint64_t bytes, int request);
  void wait(int request);
  void reportLoss(int microbatch, const float *loss);
  void reportSquareNorm(int parameter, const float *gradient, uint64_t n);
  void exchange();
  /// A device also writes `copy`, p in bf16, where that is not null.
  void update(int parameter, float *p, const float *g, float *m, float *v,
              uint64_t n, uint16_t *copy = nullptr);

  const pprt::Description &description;
  const pprt::Options &options;
  pprt::Transport &transport;
  pprt::Collectives &collectives;
  pprt::Batches *batches; ///< null if computations are emulated
  pprt::Recorder &recorder;
  pprt::IdChecks idChecks;

  std::optional<pprt::Emulation> emulation;
  /// What times layers; null if nothing does.
  pprt::LayerTimes *layerTimes = nullptr;
  /// Where the program computes; null: on this CPU.
  pprt::DeviceProgram *device = nullptr;

  /// What the last step gave, the same on all ranks.
  double loss = 0, gradientNorm = 0, learningRate = 0;
  /// The signal that ends the run after this step; 0: none.
  int endingSignal = 0;

  /// The first error; the ABI's statuses cannot carry it.
  std::exception_ptr failure;
  int64_t step = 0;
  uint64_t dropoutKey = 0;

  int64_t keyOf(int microbatch) const;

private:
  [[noreturn]] void throwTimeout(int request) const;
  void checkParameter(int parameter, uint64_t n) const;
  void checkIds();
  void checkFinite(const double *losses, const double *norms) const;
  void conclude();
  /// Sets what AdamW's formula takes in this step.
  template <typename Scalars> void setAdamW(Scalars &scalars) const;
  void runOnDevice(pprt_step_fn function);

  struct Request {
    int channel = -1, tag = 0, action = -1;
    uint64_t bytes = 0;
    bool isReceive = false, active = false;
  };
  std::vector<Request> requests;
  int activeRequests = 0;
  /// Losses of micro-batches, then square norms of parameters; how often each
  /// has been reported, so that a broken program is noticed; whether an id was
  /// out of range; and the votes to end the run.
  std::vector<double> reported;
  size_t values() const {
    return size_t(description.microbatches) + description.parameters.size();
  }
  double &idsOutOfRange() { return reported[2 * values()]; }
  double &votes() { return reported[2 * values() + 1]; }
  bool exchanged = false;
  std::string idError; ///< of this rank in this step
  /// On a device: how often the first step reported each value.
  std::vector<double> countsAgree;
  pprt::AdamWStep adamWStep = {};
};

#endif // PPRT_CONTEXT_H
