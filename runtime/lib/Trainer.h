//===- Trainer.h - A run from the command line to the last step -----------===//
#ifndef PPRT_TRAINER_H
#define PPRT_TRAINER_H

#include "Options.h"
#include "Transport.h"
#include "pprt.h"

namespace pprt {

/// Trains. `optionError` is what was wrong with this rank's command line.
/// Throws Disagreement, Stopped or Error; collective but for the last.
void train(const Description &description, const Options &options,
           const std::string &optionError, Transport &transport,
           const pprt_step_fn *steps);

} // namespace pprt

#endif // PPRT_TRAINER_H
