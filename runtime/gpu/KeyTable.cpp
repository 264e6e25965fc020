#include "KeyTable.h"

#include <algorithm>

using namespace pprt;

void KeyTable::beginStep(const std::vector<int64_t> &keys) {
  const uint64_t bytes = keys.size() * sizeof(int64_t);
  if (!onHost) {
    onHost = reinterpret_cast<int64_t *>(device.allocateHost(bytes));
    onDevice = reinterpret_cast<int64_t *>(device.allocate(bytes));
  }
  std::copy(keys.begin(), keys.end(), onHost);
  device.upload(0, onDevice, onHost, bytes);
}
