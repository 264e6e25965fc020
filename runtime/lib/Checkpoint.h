//===- Checkpoint.h - Parameters to and from DIR/model.safetensors --------===//
#ifndef PPRT_CHECKPOINT_H
#define PPRT_CHECKPOINT_H

#include "Collectives.h"
#include "Safetensors.h"

namespace pprt {

std::string checkpointPath(const std::string &directory);

/// Makes the directory if it is missing, and checks that a file can be written
/// there: before the training, not after it. Throws Error.
void prepareDirectory(const std::string &directory);

/// Writes all parameters; collective. Each owner sends its own to rank 0, which
/// writes them in the model's order. `arena` is this rank's. Ends with an
/// agreement of all ranks.
void saveCheckpoint(const std::string &directory,
                    const Description &description, const uint8_t *arena,
                    Transport &transport, Collectives &collectives);

} // namespace pprt

#endif // PPRT_CHECKPOINT_H
