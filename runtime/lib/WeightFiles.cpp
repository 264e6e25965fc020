//===- WeightFiles.cpp - First values of parameters from files ------------===//
//
// A rank reads the elements that it holds and no others, so that the ranks
// together read a file about once however large it is. Narrow types are widened
// in blocks, which is exact.
//
//===----------------------------------------------------------------------===//

#include "WeightFiles.h"

#include "Error.h"
#include "pp/Safetensors/Safetensors.h"

#include <algorithm>

using namespace pprt;

WeightFiles::WeightFiles(const std::string &directory,
                         const std::vector<Parameter> &parameters) {
  std::vector<pp::safetensors::Expected> expected;
  for (const Parameter &parameter : parameters)
    expected.push_back({parameter.name, parameter.shape});
  try {
    const pp::safetensors::Directory found = pp::safetensors::readDirectory(
        directory, "give --load the directory that holds one of them");
    for (size_t tensor : pp::safetensors::match(found, expected)) {
      const pp::safetensors::Tensor &each = found.tensors[tensor];
      extents.push_back({each.file, each.begin,
                         each.dtype == "F32"    ? ValueType::F32
                         : each.dtype == "BF16" ? ValueType::BF16
                                                : ValueType::F16});
    }
    for (const pp::safetensors::File &file : found.files)
      files.push_back(std::make_unique<InputFile>(
          file.path, "weights file",
          "give --load a directory of files that can be read"));
  } catch (const pp::safetensors::Error &error) {
    throw Error(error.what());
  }
}

void WeightFiles::read(int index, uint64_t first, uint64_t count,
                       float *out) const {
  const Extent &extent = extents[size_t(index)];
  const InputFile &file = *files[extent.file];
  if (extent.type == ValueType::F32)
    return file.read(extent.begin + first * sizeof(float), out,
                     count * sizeof(float));
  constexpr uint64_t block = 1 << 16;
  std::vector<uint16_t> narrow(std::min(count, block));
  for (uint64_t at = 0; at < count; at += block) {
    const uint64_t part = std::min(block, count - at);
    file.read(extent.begin + (first + at) * sizeof(uint16_t), narrow.data(),
              part * sizeof(uint16_t));
    std::transform(narrow.begin(), narrow.begin() + std::ptrdiff_t(part),
                   out + at,
                   extent.type == ValueType::BF16 ? widenBF16 : widenF16);
  }
}
