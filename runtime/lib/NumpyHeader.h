//===- NumpyHeader.h - The header of numpy's .npy files -------------------===//
#ifndef PPRT_NUMPYHEADER_H
#define PPRT_NUMPYHEADER_H

#include "InputFile.h"

namespace pprt {

/// An array of whole numbers in the order in which they count up (C order), of
/// any shape.
struct NumpyArray {
  uint64_t offset = 0; ///< in the file
  uint64_t count = 0;
  int width = 0; ///< bytes of a number
  bool isSigned = false;
};

/// Whether the file begins as .npy files do.
bool isNumpy(const InputFile &file);

/// Reads the header (versions 1 to 3) and checks it against the file; throws
/// Error for what is no array of little-endian whole numbers in C order.
NumpyArray readNumpyHeader(const InputFile &file);

} // namespace pprt

#endif // PPRT_NUMPYHEADER_H
