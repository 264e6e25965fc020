//===- Clock.h - The one clock of the runtime -----------------------------===//
#ifndef PPRT_CLOCK_H
#define PPRT_CLOCK_H

#include <cstdint>
#include <ctime>

namespace pprt {

/// Nanoseconds of CLOCK_MONOTONIC: common to all ranks of a node.
inline uint64_t nowNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000000000u + uint64_t(t.tv_nsec);
}

inline double toSeconds(uint64_t ns) { return double(ns) * 1e-9; }

} // namespace pprt

#endif // PPRT_CLOCK_H
