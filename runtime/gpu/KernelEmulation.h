//===- KernelEmulation.h - Kernels for GPUs on the host ---------*- C++ -*-===//
//
// For tests without a device: a kernel that was compiled for the host too
// (pprt_gpu_kernel::host) runs block by block, each thread of a block a fiber.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_KERNELEMULATION_H
#define PPRT_GPU_KERNELEMULATION_H

#include "pprt_gpu.h"

#include <string>

namespace pprt {

/// Runs `kernel` to its end on the calling thread. Returns what was wrong (a
/// kernel without host code, a block that no device could start, a thread that
/// does not come to a barrier that the others wait at), empty if nothing.
std::string runEmulated(const pprt_gpu_kernel &kernel, const int32_t grid[3],
                        const int32_t block[3], void **arguments);

} // namespace pprt

#endif // PPRT_GPU_KERNELEMULATION_H
