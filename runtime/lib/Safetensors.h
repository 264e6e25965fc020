//===- Safetensors.h - Headers of files of tensors ------------------------===//
//
// The format of https://github.com/huggingface/safetensors: 8 bytes length of
// the header, the header (JSON: name -> dtype, shape, data_offsets), the data.
// Files are read by WeightFiles.h and Resume.h.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_SAFETENSORS_H
#define PPRT_SAFETENSORS_H

#include <cstdint>
#include <string>
#include <vector>

namespace pprt {

struct TensorEntry {
  std::string name, dtype;
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
};

/// The length and header of a file of tensors, one behind the other. It says
/// `{"format": "pt"}`, as Hugging Face's loaders ask for, and nothing that
/// depends on ranks.
std::string safetensorsHeader(const std::vector<TensorEntry> &tensors);

} // namespace pprt

#endif // PPRT_SAFETENSORS_H
