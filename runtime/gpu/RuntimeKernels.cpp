//===- RuntimeKernels.cpp - Kernels that every program brings -------------===//
//
// Those of lib/CodeGen/GPU/RuntimeKernels.mlir that more than the backend
// needs.
//
//===----------------------------------------------------------------------===//
#include "Device.h"

#include "Error.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

int32_t pprt::findKernel(const pprt_gpu_code &code, const char *name) {
  for (int32_t i = 0; i < code.num_kernels; ++i)
    if (!std::strcmp(code.kernels[i].name, name))
      return i;
  throw Error(std::string("found no kernel '") + name +
              "' in the program, expected it: compile the program again");
}

void pprt::addOnDevice(Device &device, bool isF64, void *to, const void *from,
                       uint64_t n) {
  // Each thread adds four elements.
  constexpr int32_t threads = 256;
  const uint64_t perBlock = 4 * threads;
  int64_t count = int64_t(n);
  void *arguments[] = {&to, &from, &count};
  const int32_t blocks =
      int32_t(std::max<uint64_t>((n + perBlock - 1) / perBlock, 1));
  device.setTraffic((isF64 ? 24 : 12) * n);
  device.launch(findKernel(pprt_gpu_program_code,
                           isF64 ? "pprt_kernel_add_f64" : "pprt_kernel_add"),
                {blocks, 1, 1}, {threads, 1, 1}, arguments);
}
