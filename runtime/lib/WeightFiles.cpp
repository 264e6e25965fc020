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
#include <cmath>
#include <cstring>

using namespace pprt;

/// A half: 1 bit of sign, 5 of exponent (biased by 15), 10 of mantissa.
static float widenF16(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
  const float magnitude =
      exponent == 0    ? std::ldexp(float(mantissa), -24)
      : exponent == 31 ? (mantissa ? NAN : INFINITY)
                       : std::ldexp(float(1024 + mantissa), exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

static float widenBF16(uint16_t bits) {
  const uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

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
                         each.dtype == "F32"    ? Type::F32
                         : each.dtype == "BF16" ? Type::BF16
                                                : Type::F16});
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
  if (extent.type == Type::F32)
    return file.read(extent.begin + first * sizeof(float), out,
                     count * sizeof(float));
  constexpr uint64_t block = 1 << 16;
  std::vector<uint16_t> narrow(std::min(count, block));
  for (uint64_t at = 0; at < count; at += block) {
    const uint64_t part = std::min(block, count - at);
    file.read(extent.begin + (first + at) * sizeof(uint16_t), narrow.data(),
              part * sizeof(uint16_t));
    std::transform(narrow.begin(), narrow.begin() + std::ptrdiff_t(part),
                   out + at, extent.type == Type::BF16 ? widenBF16 : widenF16);
  }
}
