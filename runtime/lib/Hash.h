//===- Hash.h - FNV-1a of bytes ---------------------------------*- C++ -*-===//
#ifndef PPRT_HASH_H
#define PPRT_HASH_H

#include <cstdint>
#include <string_view>

namespace pprt {

constexpr uint64_t kHashStart = 0xcbf29ce484222325u;

/// FNV-1a (Fowler, Noll, Vo), 64 bits, going on from `hash`.
inline uint64_t hashOf(std::string_view bytes, uint64_t hash = kHashStart) {
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

} // namespace pprt

#endif // PPRT_HASH_H
