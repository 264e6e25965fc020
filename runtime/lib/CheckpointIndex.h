//===- CheckpointIndex.h - What a checkpoint is, in one file ----*- C++ -*-===//
//
// A checkpoint is a directory step-00000500: the weights as whole tensors in
// f32, a model that Hugging Face's loaders read (WeightLayout.h), the
// optimizer's states in slices (boxes of tensors), a file of safetensors from
// each rank, and checkpoint.json, the index: what the run was at that step, and
// which box of which state lies where. It says nothing that only the mesh
// that wrote it could read.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_CHECKPOINTINDEX_H
#define PPRT_CHECKPOINTINDEX_H

#include "Slices.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pprt {

/// Where a box of a state is.
struct StoredSlice {
  std::string file;   ///< in the checkpoint's directory
  std::string tensor; ///< its name in the file
  Box box;
};

struct StoredState {
  std::vector<uint64_t> shape; ///< of the whole
  std::vector<StoredSlice> slices;
};

struct CheckpointIndex {
  static constexpr const char *fileName = "checkpoint.json";

  int64_t step = 0;     ///< steps done: the next one has this number
  uint64_t samples = 0; ///< that these have trained on
  uint64_t seed = 0;
  std::string model, modelHash;
  int64_t vocabulary = 0, sequence = 0;
  std::string data; ///< Batches::identity()
  std::string optimizer;
  std::string mesh; ///< of the run that wrote it, for people
  /// Options that say how it trained, by name: --lr, --warmup, ...
  std::map<std::string, std::string> options;
  std::map<std::string, StoredState> states; ///< by name: wte.m

  std::string text() const;
};

/// Reads DIRECTORY/checkpoint.json; throws Error where it is missing, damaged
/// or of a version that is not known. Boxes lie within their tensors then.
CheckpointIndex readCheckpointIndex(const std::string &directory);

} // namespace pprt

#endif // PPRT_CHECKPOINTINDEX_H
