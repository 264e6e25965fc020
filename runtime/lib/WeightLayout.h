//===- WeightLayout.h - Which weight lies where in which file -------------===//
//
// Files as save_pretrained of Hugging Face's transformers writes them: one
// model.safetensors, or shards and model.safetensors.index.json. The layout
// follows from the model alone, not from ranks, so that equal weights are equal
// files. They are read by WeightFiles.h.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_WEIGHTLAYOUT_H
#define PPRT_WEIGHTLAYOUT_H

#include "Description.h"
#include "NarrowValues.h"

#include <string>
#include <vector>

namespace pprt {

struct WeightLayout {
  struct File {
    std::string name;
    std::string header; ///< what stands before the values
    uint64_t bytes = 0; ///< header included
  };
  /// Where the values of a parameter begin, in row-major order.
  struct Place {
    size_t file = 0;
    uint64_t begin = 0; ///< bytes from the file's begin
  };
  ValueType type = ValueType::F32;
  std::vector<File> files;
  std::vector<Place> places; ///< by parameter
  std::string index;         ///< of several files, empty for one

  static constexpr const char *indexName = "model.safetensors.index.json";
  uint64_t totalBytes() const;
};

/// Fills files in the model's order up to `maxShardBytes` of values each; what
/// alone is larger has a file of its own. Within a file names ascend, as the
/// safetensors library writes them.
WeightLayout layOutWeights(const std::vector<Parameter> &parameters,
                           ValueType type, uint64_t maxShardBytes);

/// `5GB`: KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024; a
/// number without a unit is bytes. Throws Error for what is none of these, and
/// for less than a byte.
uint64_t parseShardSize(const std::string &text);

} // namespace pprt

#endif // PPRT_WEIGHTLAYOUT_H
