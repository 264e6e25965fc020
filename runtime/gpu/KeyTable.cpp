#include "KeyTable.h"

#include "Error.h"

#include <algorithm>

using namespace pprt;

int64_t pprt::mixKey(int64_t key, int64_t salt) {
  uint64_t z = uint64_t(key) + (uint64_t(salt) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return int64_t(z ^ z >> 31);
}

size_t KeyTable::add(size_t parent, int64_t salt) {
  size_t index = keys.size();
  if (index / chunk == hostChunks.size()) {
    hostChunks.push_back(reinterpret_cast<int64_t *>(
        device.allocateHost(chunk * sizeof(int64_t))));
    deviceChunks.push_back(
        reinterpret_cast<int64_t *>(device.allocate(chunk * sizeof(int64_t))));
  }
  int64_t address =
      reinterpret_cast<int64_t>(deviceChunks[index / chunk] + index % chunk);
  keys.push_back({address, parent, salt});
  byAddress[address] = index;
  return index;
}

void KeyTable::beginStep(const std::vector<int64_t> &microbatchKeys) {
  while (keys.size() < microbatchKeys.size())
    add(keys.size(), 0);
  for (size_t i = 0; i < keys.size(); ++i)
    host(i) = i < microbatchKeys.size()
                  ? microbatchKeys[i]
                  : mixKey(host(keys[i].parent), keys[i].salt);
  for (size_t i = 0; i < hostChunks.size(); ++i)
    device.upload(0, deviceChunks[i], hostChunks[i],
                  std::min(chunk, keys.size() - i * chunk) * sizeof(int64_t));
}

int64_t KeyTable::mix(int64_t address, int64_t salt) {
  auto parent = byAddress.find(address);
  if (parent == byAddress.end())
    throw Error("found a key to mix at an address that holds none, expected "
                "that of pprt_key: compile the program again");
  auto [it, isNew] = mixed.try_emplace({parent->second, salt}, 0);
  if (isNew) {
    size_t key = it->second = add(parent->second, salt);
    host(key) = mixKey(host(parent->second), salt);
    device.upload(0, reinterpret_cast<void *>(keys[key].address), &host(key),
                  sizeof(int64_t));
  }
  return keys[it->second].address;
}
