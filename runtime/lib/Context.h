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
#include "PortableMath.h"
#include "StepReport.h"
#include "Update.h"
#include "pprt.h"

#include <exception>

/// What the functions of pprt.h work on: one rank's run. No virtual functions:
/// the head comes first.
struct pprt_context : pprt_context_head {
  /// Together with all other ranks.
  pprt_context(const pprt::BackendSetup &setup, pprt::Backend &backend);
  ~pprt_context();

  const pprt::Program &program() const {
    return description.programOf(size_t(bootstrap.rank()));
  }

  void beginStep(int64_t step);
  /// What `function` does in a step on this rank; throws what went wrong in it.
  void runStep(pprt_step_fn function);
  /// Checks that the step did what each step has to; throws Error.
  void endStep();

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
  void reportLoss(int microbatch, const float *loss);
  void reportSquareNorm(int parameter, const float *gradient, uint64_t n);
  void exchange();
  /// `copy` is p in bf16, or null.
  void update(int parameter, float *p, const float *g, float *m, float *v,
              uint64_t n, uint16_t *copy = nullptr);

  // For the backend.
  /// Sums the report over all ranks. Throws TimeoutError.
  void sumReport();
  /// What follows from the report of all ranks; throws where the step has
  /// failed.
  void conclude();
  /// Sets what AdamW's formula takes in this step.
  template <typename Scalars> void setAdamW(Scalars &scalars) const;
  /// The key of dropout of a micro-batch in this step.
  int64_t keyOf(int microbatch) const;

  const pprt::Description &description;
  const pprt::Options &options;
  pprt::Bootstrap &bootstrap;
  pprt::Recorder &recorder;
  pprt::Backend &backend;
  /// What times layers; null if nothing does.
  pprt::LayerTimes *layerTimes = nullptr;

  /// What the last step gave, the same on all ranks.
  double loss = 0, gradientNorm = 0, learningRate = 0;
  /// The signal that ends the run after this step; 0: none.
  int endingSignal = 0;

  /// The first error; the ABI's statuses cannot carry it.
  std::exception_ptr failure;
  int64_t step = 0;
  uint64_t dropoutKey = 0;
  pprt::StepReport report;
  bool exchanged = false;
  pprt::AdamWStep adamWStep = {};

private:
  void keepFailure();
  void checkAction(int action) const;
  [[noreturn]] void throwTimeout(int request) const;
  void checkParameter(int parameter, uint64_t n) const;
  void checkIds();
  void checkFinite() const;

  struct Request {
    int channel = -1, tag = 0, action = -1;
    uint64_t bytes = 0;
    bool isReceive = false, active = false;
  };
  std::vector<Request> requests;
  int activeRequests = 0;
  std::unique_ptr<pprt::Communicator> world; ///< for the report
};

/// The corrections are of the betas as they are in f32: near 1 the difference
/// to what the user wrote is as large as 1 - beta.
template <typename Scalars>
void pprt_context::setAdamW(Scalars &scalars) const {
  const uint64_t t = uint64_t(step) + 1;
  scalars.learningRate = float(learningRate);
  scalars.beta1 = float(options.beta1);
  scalars.beta2 = float(options.beta2);
  scalars.epsilon = float(options.epsilon);
  scalars.correction1 = float(1 - pprt::portablePower(scalars.beta1, t));
  scalars.correction2 = float(1 - pprt::portablePower(scalars.beta2, t));
}

#endif // PPRT_CONTEXT_H
