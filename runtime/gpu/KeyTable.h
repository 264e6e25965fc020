//===- KeyTable.h - Keys in device memory ---------------------------------===//
//
// A key of dropout changes with every step, its place does not: kernels get the
// address. A key that is mixed from another gets a place of its own at the first
// time, and is mixed again on the host before each step.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_KEYTABLE_H
#define PPRT_GPU_KEYTABLE_H

#include "Device.h"

#include <map>
#include <vector>

namespace pprt {

class KeyTable {
public:
  explicit KeyTable(Device &device) : device(device) {}

  /// Uploads all keys of a step, given those of its micro-batches.
  void beginStep(const std::vector<int64_t> &microbatchKeys);
  /// The device address of a micro-batch's key.
  int64_t addressOf(int microbatch) const { return keys[size_t(microbatch)].address; }
  /// The device address of nn.mix_key(key at `address`, salt). Throws Error for
  /// an address that is no key's.
  int64_t mix(int64_t address, int64_t salt);

private:
  static constexpr size_t chunk = 4096; // keys allocated at a time

  struct Key {
    int64_t address = 0;
    size_t parent = 0; // itself for a micro-batch's
    int64_t salt = 0;
  };
  size_t add(size_t parent, int64_t salt);
  int64_t &host(size_t key) { return hostChunks[key / chunk][key % chunk]; }

  Device &device;
  std::vector<Key> keys; // parents first
  std::vector<int64_t *> hostChunks, deviceChunks;
  std::map<int64_t, size_t> byAddress;
  std::map<std::pair<size_t, int64_t>, size_t> mixed;
};

/// nn.mix_key: SplitMix64.
int64_t mixKey(int64_t key, int64_t salt);

} // namespace pprt

#endif // PPRT_GPU_KEYTABLE_H
