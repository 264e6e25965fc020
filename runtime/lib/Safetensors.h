//===- Safetensors.h - The header of files of parameters ------------------===//
//
// The format of https://github.com/huggingface/safetensors: 8 bytes length of
// the header, the header (JSON: name -> dtype, shape, data_offsets), the data.
// The header lists the model's parameters in the model's order and nothing that
// depends on ranks, so that equal weights make equal bytes. Files are read by
// WeightFiles.h.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_SAFETENSORS_H
#define PPRT_SAFETENSORS_H

#include "Description.h"

#include <string>
#include <vector>

namespace pprt {

/// The length and header of a file with all parameters, f32, in order.
std::string safetensorsHeader(const std::vector<Parameter> &parameters);

} // namespace pprt

#endif // PPRT_SAFETENSORS_H
