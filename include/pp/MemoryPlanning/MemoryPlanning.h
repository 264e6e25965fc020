//===- MemoryPlanning.h - Offsets for buffers of known lifetime -*- C++ -*-===//
//
// Offline placement: every buffer has a size and a lifetime known in advance,
// and gets an offset in one arena such that buffers live at the same time do
// not overlap. Knows no MLIR; used for rank arenas, stage workspaces and the
// temporaries of layer functions alike.
//
//===----------------------------------------------------------------------===//

#ifndef PP_MEMORYPLANNING_MEMORYPLANNING_H
#define PP_MEMORYPLANNING_MEMORYPLANNING_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace pp::memory {

/// All offsets and the arena size are multiples of this many bytes: one cache
/// line, and the widest vector register.
constexpr uint64_t kAlignment = 64;

constexpr uint64_t alignUp(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// A buffer of `size` bytes, live at the points of time begin <= t < end.
/// A buffer that is written and never read still has end = begin + 1. A buffer
/// of size 0 or with end <= begin is never live: its offset is 0.
struct Interval {
  uint64_t size;
  uint32_t begin;
  uint32_t end;
};

/// Where everything lies.
struct Plan {
  std::vector<uint64_t> offsets; ///< one per interval, multiples of kAlignment
  uint64_t bytes = 0;            ///< size of the arena
  uint64_t lowerBound = 0;       ///< no plan can be smaller than this
};

struct Options {
  /// How many pairs of conflicting buffers the search may look at, beyond the
  /// linear-time heuristics that always run. The result depends on this
  /// number, never on the clock: equal input gives equal plans everywhere.
  uint64_t effort = 2'000'000;
};

/// The largest sum of aligned sizes live at one point of time.
uint64_t lowerBound(const std::vector<Interval> &intervals);

/// Places the intervals. Deterministic; O(n log n) plus `effort`; stops as
/// soon as the plan meets its lower bound.
Plan planMemory(const std::vector<Interval> &intervals,
                const Options &options = {});

/// Two intervals that are live at the same time and share bytes, if any.
/// O(n log n): this is the check of a plan, so it shares no code with
/// planMemory.
std::optional<std::pair<size_t, size_t>>
findOverlap(const std::vector<Interval> &intervals,
            const std::vector<uint64_t> &offsets);

} // namespace pp::memory

#endif // PP_MEMORYPLANNING_MEMORYPLANNING_H
