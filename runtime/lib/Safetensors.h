//===- Safetensors.h - Files of named tensors -----------------------------===//
//
// The format of https://github.com/huggingface/safetensors: 8 bytes length of
// the header, the header (JSON: name -> dtype, shape, data_offsets), the data.
// The writer's header lists the model's parameters in the model's order and
// nothing that depends on ranks, so that equal weights make equal bytes.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_SAFETENSORS_H
#define PPRT_SAFETENSORS_H

#include "Description.h"
#include "InputFile.h"

#include <string>
#include <vector>

namespace pprt {

/// The length and header of a file with all parameters, f32, in order.
std::string safetensorsHeader(const std::vector<Parameter> &parameters);

/// A file to be read, checked against the parameters that it has to
/// hold: exactly these names, their shapes, f32, data without gaps or overlaps.
class SafetensorsFile {
public:
  /// Throws Error.
  SafetensorsFile(const std::string &path,
                  const std::vector<Parameter> &parameters);

  /// Reads all values of parameter `index`; throws Error.
  void read(int index, float *out) const;

private:
  void check(const std::vector<Parameter> &parameters);

  InputFile file;
  struct Extent {
    uint64_t begin = 0, bytes = 0;
  };
  std::vector<Extent> extents; // by parameter, from the file's begin
};

} // namespace pprt

#endif // PPRT_SAFETENSORS_H
