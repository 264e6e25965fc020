//===- Generators.h - Schedules by name -------------------------*- C++ -*-===//
//
// One generator a file (lib/Schedule/Generators), each with its paper and its
// formulas. In all of them the weight gradients of a stage come in ascending
// micro-batch order: gradients then accumulate in the same order whatever the
// schedule and the number of ranks, which makes the results bit-identical.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SCHEDULE_GENERATORS_H
#define PP_SCHEDULE_GENERATORS_H

#include "pp/Schedule/Schedule.h"

namespace pp::schedule {

/// What a schedule is generated for.
struct Setting {
  int32_t ranks = 1;
  int32_t microbatches = 1; ///< may be fewer than the ranks
  /// Emit I and W instead of B: the gradient leaves before the weight gradient
  /// is computed.
  bool splitBackward = false;
};

/// All forwards, then all backwards.
Result<Schedule> makeGPipe(const Setting &setting);

/// One forward, one backward, after a warm-up.
Result<Schedule> makeOneForwardOneBackward(const Setting &setting);

/// The names that generate() knows, in the order of the documentation.
const std::vector<std::string> &names();

/// A schedule by its name. Errors: unknown name; ranks or micro-batches < 1.
Result<Schedule> generate(std::string_view name, const Setting &setting);

} // namespace pp::schedule

#endif // PP_SCHEDULE_GENERATORS_H
