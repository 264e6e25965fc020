//===- ResumeOptions.h - Options that checkpoints are about ---------------===//
#ifndef PPRT_RESUMEOPTIONS_H
#define PPRT_RESUMEOPTIONS_H

#include "CheckpointIndex.h"
#include "Options.h"

#include <string>

namespace pprt {

/// The checkpoint that --resume means: the newest of --checkpoint, or what it
/// names. Empty where there is none and the run begins with the first step;
/// throws Error where that cannot be meant.
std::string findCheckpoint(const Options &options);

/// What a run with these options says of itself in its checkpoints, but for
/// step, samples and states. `data`: Batches::identity().
CheckpointIndex describeRun(const Description &description,
                            const Options &options, const std::string &data);

} // namespace pprt

#endif // PPRT_RESUMEOPTIONS_H
