//===- Checkpoint.h - Parameters to and from DIR/model.safetensors --------===//
#ifndef PPRT_CHECKPOINT_H
#define PPRT_CHECKPOINT_H

#include "Bootstrap.h"
#include "Description.h"

namespace pprt {

std::string checkpointPath(const std::string &directory);

/// Throws Error if no file can be written to the directory of --save: before
/// the training, not after it. Leaves nothing behind.
void checkCanSave(const std::string &directory);

/// A directory, made if it is missing, in which a file can be written. What is
/// still empty in the end, because writing has failed, goes away with the
/// object.
class PreparedDirectory {
public:
  /// Throws Error.
  explicit PreparedDirectory(const std::string &directory);
  ~PreparedDirectory();
  PreparedDirectory(const PreparedDirectory &) = delete;
  PreparedDirectory &operator=(const PreparedDirectory &) = delete;

private:
  void removeEmpty();

  std::vector<std::string> made; // the deepest first
};

/// Writes all parameters, which have to be finite; collective. Each owner sends
/// its own to rank 0, which writes them in the model's order. `arena` is this
/// rank's. Ends with an agreement of all ranks.
void saveCheckpoint(const std::string &directory,
                    const Description &description, const uint8_t *arena,
                    Bootstrap &bootstrap);

} // namespace pprt

#endif // PPRT_CHECKPOINT_H
