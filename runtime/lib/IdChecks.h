//===- IdChecks.h - Ids that the model computes -----------------*- C++ -*-===//
//
// Layer functions return nothing: the first id that an op cannot take is kept
// here, and ends the step for all ranks at the all-reduce of losses, before
// anything is updated.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_IDCHECKS_H
#define PPRT_IDCHECKS_H

#include "Recorder.h"
#include "pprt_ids.h"

#include <string>
#include <utility>

namespace pprt {

class IdChecks {
public:
  IdChecks(const Program &program, const Recorder &recorder)
      : program(program), recorder(recorder) {}
  IdChecks(const IdChecks &) = delete;

  void beginStep(int64_t number) { step = number; }
  void note(const IdRange &range, const void *ids, int64_t count,
            int64_t stride, int32_t bits);
  /// What was wrong with an id since the last call; empty if nothing was.
  std::string take() { return std::exchange(error, std::string()); }

private:
  const Program &program;
  const Recorder &recorder;
  int64_t step = 0;
  std::string error;
};

} // namespace pprt

#endif // PPRT_IDCHECKS_H
