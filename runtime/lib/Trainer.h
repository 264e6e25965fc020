//===- Trainer.h - A run from the command line to the last step -----------===//
#ifndef PPRT_TRAINER_H
#define PPRT_TRAINER_H

#include "Backend.h"
#include "Interrupt.h"

#include <optional>

namespace pprt {

/// What the generated object exports beside its description.
struct CompiledCode {
  const pprt_step_fn *steps;
  const pprt_function *functions;
};

/// Trains; returns the signal that ended the run early, 0 if none did.
/// `optionError` is what was wrong with this rank's command line.
/// `createBackend` is called once all ranks agree on what to run.
/// Throws Disagreement, Stopped or Error; collective but for the last. Whatever
/// it throws, all that the run had is freed (Backend::teardown). `watch` begins
/// with the steps and ends behind them; not if it throws: a launcher ends ranks
/// while they still report.
int train(const Description &description, const Options &options,
          const std::string &optionError, Bootstrap &bootstrap,
          const CompiledCode &compiled, const BackendFactory &createBackend,
          InterruptWatch &watch);

} // namespace pprt

#endif // PPRT_TRAINER_H
