//===- Interrupt.h - Ending a run from outside, after a step --------------===//
//
// SIGINT and SIGTERM end a training after the step that runs, on all ranks
// after the same one: each votes in the report of losses and norms. A second
// signal ends the process at once.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_INTERRUPT_H
#define PPRT_INTERRUPT_H

namespace pprt {

/// Notes the two signals while it lives, unless they are ignored already.
/// `announce`: says on stderr that one has been noted. One at a time.
class InterruptWatch {
public:
  explicit InterruptWatch(bool announce);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch &) = delete;
  InterruptWatch &operator=(const InterruptWatch &) = delete;
};

/// What this rank adds to the sum of all: 0 if nothing was noted.
double interruptVote();

/// The signal that the sum of all votes stands for, 0 for none: SIGTERM where
/// any rank got it.
int signalOfVotes(double sum);

} // namespace pprt

#endif // PPRT_INTERRUPT_H
