//===- StepNumbers.h - Numbers that functions of the program read ---------===//
#ifndef PPRT_STEPNUMBERS_H
#define PPRT_STEPNUMBERS_H

#include "pprt_scalars.h"

namespace pprt {

/// On the host or, uploaded before each step, on a device; the program writes
/// the first scalars. Each begins a cache line, as kernels may expect.
struct StepNumbers {
  alignas(64) pprt_scalars scalars = {};
  alignas(64) double clip = 0; ///< the largest norm of the gradient; 0: any
};

} // namespace pprt

#endif // PPRT_STEPNUMBERS_H
