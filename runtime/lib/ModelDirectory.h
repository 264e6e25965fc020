//===- ModelDirectory.h - The trained model as --save writes it -----------===//
#ifndef PPRT_MODELDIRECTORY_H
#define PPRT_MODELDIRECTORY_H

#include "Bootstrap.h"
#include "ModelFiles.h"
#include "Options.h"
#include "WeightLayout.h"

#include <string>

namespace pprt {

/// A directory that Hugging Face's transformers loads: weights in one file or
/// in shards, config.json, the files of the tokenizer. Whole or not at all
/// (AtomicDirectory.h).
class ModelDirectory {
public:
  /// Of --save, --save-dtype and --max-shard-size. Rank 0 has the `files`
  /// beside the weights, others none; it tries that the directory can be made.
  /// Throws Error.
  ModelDirectory(const Options &options, const Description &description,
                 const ModelFiles *files);

  /// Writes all parameters, which have to be finite; collective. `arena` is
  /// this rank's. Where all ranks see rank 0's folder, each writes its own
  /// slices into the files; otherwise rank 0 collects them block by block. Ends
  /// with an agreement of all ranks.
  void write(const uint8_t *arena, Bootstrap &bootstrap) const;

  /// What readers open first.
  std::string path() const;

private:
  std::string directory;
  const Description &description;
  WeightLayout layout;
  const ModelFiles *files; ///< on rank 0
};

} // namespace pprt

#endif // PPRT_MODELDIRECTORY_H
