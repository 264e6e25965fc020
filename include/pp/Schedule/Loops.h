//===- Loops.h - What repeats in an order of steps --------------*- C++ -*-===//
//
// Schedules repeat: a forward after the other in warm-up, a forward and a
// backward in the steady state, each time for other micro-batches. A list with
// loops instead is as long as what is distinct in it.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_LOOPS_H
#define PP_SCHEDULE_LOOPS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pp::schedule {

/// Something that a rank does for a micro-batch; for none, once, if that is
/// negative. Each pair stands in a list once, but for the latter.
struct Step {
  uint32_t series; ///< what all micro-batches have in common, a small number
  int32_t microbatch;

  friend bool operator==(const Step &a, const Step &b) {
    return a.series == b.series && a.microbatch == b.microbatch;
  }
};

/// `rounds` times `period` steps from `begin` on: the same series in each
/// round, with micro-batches that grow by `step`.
struct Loop {
  size_t begin, period, rounds;
  int32_t step;

  size_t end() const { return begin + period * rounds; }
  /// By how much the list is shorter with it.
  size_t saved() const { return period * (rounds - 1); }
};

/// Loops that make a list of steps short, in order and apart. What repeats less
/// than eight times is none.
std::vector<Loop> findLoops(const std::vector<Step> &steps);

} // namespace pp::schedule

#endif // PP_SCHEDULE_LOOPS_H
