//===- KeyTable.h - Keys in device memory ---------------------------------===//
//
// A key of dropout changes with every step, its place does not: kernels get the
// address, and load it.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_KEYTABLE_H
#define PPRT_GPU_KEYTABLE_H

#include "Device.h"

#include <vector>

namespace pprt {

class KeyTable {
public:
  explicit KeyTable(Device &device) : device(device) {}

  /// Uploads the keys of a step's micro-batches, as many in each step.
  void beginStep(const std::vector<int64_t> &keys);
  int64_t addressOf(int microbatch) const {
    return reinterpret_cast<int64_t>(onDevice + microbatch);
  }

private:
  Device &device;
  int64_t *onHost = nullptr, *onDevice = nullptr;
};

} // namespace pprt

#endif // PPRT_GPU_KEYTABLE_H
