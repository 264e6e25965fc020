//===- WeightLayout.h - Where a model's weights lie in files --------------===//
//
// A model is one file of safetensors, or several with an index, as
// `save_pretrained` of Hugging Face's transformers writes them: whole tensors
// in the model's order, so that equal weights are equal files whatever the
// mesh, and every rank knows where its elements go.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_WEIGHTLAYOUT_H
#define PPRT_WEIGHTLAYOUT_H

#include "Description.h"

#include <string>
#include <vector>

namespace pprt {

enum class WeightType { F32, BF16 };

struct WeightLayout {
  struct File {
    std::string name;   ///< model.safetensors, model-00001-of-00003.safetensors
    std::string header; ///< its first bytes
    uint64_t bytes = 0; ///< of all of it
  };
  struct Place {
    size_t file = 0;
    uint64_t begin = 0; ///< from the file's begin
  };
  std::vector<File> files;
  std::vector<Place> places; ///< by parameter
  /// Text of model.safetensors.index.json; empty for one file.
  std::string index;

  static constexpr const char *indexName = "model.safetensors.index.json";
};

/// A file takes parameters until the next one would make its data longer than
/// `shardBytes`; one that is longer by itself has a file of its own.
WeightLayout layOutWeights(const std::vector<Parameter> &parameters,
                           WeightType type, uint64_t shardBytes);

} // namespace pprt

#endif // PPRT_WEIGHTLAYOUT_H
