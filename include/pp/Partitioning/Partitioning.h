//===- Partitioning.h - Where to cut a model into stages --------*- C++ -*-===//

#ifndef PP_PARTITIONING_PARTITIONING_H
#define PP_PARTITIONING_PARTITIONING_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace pp::partitioning {

/// What the cut needs to know of an apply.
struct Item {
  double seconds = 0;
  double cutBytes = 0; ///< of the values that a cut before it would send on
  int64_t pin = -1;    ///< its stage; -1: any
};

/// Items in the order of the model, of which each stage gets a run.
struct Problem {
  std::vector<Item> items;
  int64_t stages = 1;
  /// Bytes of the items [begin, end) on a stage, which must not shrink as the
  /// run grows; empty: no bound.
  std::function<double(int64_t stage, size_t begin, size_t end)> memory;
  double memoryLimit = 0;
};

/// Where each stage ends: the first item behind it. The slowest stage is as
/// fast as any cut allows; among the cuts which reach that, the one with the
/// fewest bytes across, and among these the most even. Empty if no cut keeps
/// pins and memory. Exact; O(stages items^2).
std::vector<size_t> cut(const Problem &problem);

/// The least memory limit under which there is a cut; infinite if the pins
/// alone leave none. Needs `memory`.
double smallestMemoryLimit(const Problem &problem);

} // namespace pp::partitioning

#endif // PP_PARTITIONING_PARTITIONING_H
