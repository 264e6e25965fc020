//===- Recorder.h - What a rank did when ----------------------------------===//
//
// Every action, wait and transfer of a step, and the all-reduce of its report,
// becomes one event in a buffer that is made before the step. Between steps the
// events are summed up for the profile, and kept for --trace (all steps) and
// --timeline (the last few steps).
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_RECORDER_H
#define PPRT_RECORDER_H

#include "LayerTimes.h"

#include <array>
#include <string>
#include <vector>

namespace pprt {

struct Event {
  enum Kind : int32_t {
    Run,      // an action of the program on the main thread
    Wait,     // the main thread asleep until a transfer completes
    Transfer, // a transfer from its posting to its completion
    Report,   // the all-reduce of losses and norms
  };
  uint64_t begin = 0, end = 0; // ns
  Kind kind = Run;
  int32_t action = -1; // index into the program's actions, -1 unknown
};

/// The events of one step of one rank.
struct StepEvents {
  int64_t step = -1;
  uint64_t begin = 0, end = 0;
  std::vector<Event> events;
};

/// Seconds of a rank's steps, by what they were spent on.
struct Profile {
  double steps = 0;                   // all of it
  std::array<double, 10> byKind = {}; // by ActionKind; Report holds the wait
  double waiting = 0;                 // for transfers
  double transfers = 0;               // posting and completing them
  double inFlight = 0;                // sum over transfers, overlap included

  double kind(ActionKind k) const { return byKind[size_t(k)]; }
  double compute() const;
  double update() const;
};

class Recorder {
public:
  Recorder(const Program &program, bool keepAll, bool keepLast);

  void beginStep(int64_t step);
  void endStep();

  /// Layers are timed within actions from now on.
  void timeLayers(LayerTimes &times) { layers = &times; }

  void actionBegin(int action);
  void actionEnd(int action);
  /// The same without an event: a device's times come later, by add().
  void enter(int action) { current = action; }
  void leave() { current = -1; }
  /// The action that runs now, -1 if none does.
  int currentAction() const { return current; }
  uint64_t currentActionBegin() const { return currentBegin; }
  void add(Event::Kind kind, uint64_t begin, uint64_t end, int action);

  const Profile &profile() const { return sums; }
  const std::vector<StepEvents> &allSteps() const { return kept; }
  const std::vector<StepEvents> &lastSteps() const { return last; }

private:
  const Program &program;
  bool keepAll, keepLast;
  StepEvents now;
  LayerTimes *layers = nullptr;
  size_t missed = 0;
  int current = -1;
  uint64_t currentBegin = 0;
  double seconds = 0;
  Profile sums;
  std::vector<StepEvents> kept;
  std::vector<StepEvents> last; // a ring of timelineWindow steps
};

/// Steps as bytes and back, for their way to rank 0.
std::string packSteps(const std::vector<StepEvents> &steps);
std::vector<StepEvents> unpackSteps(const std::string &bytes);

} // namespace pprt

#endif // PPRT_RECORDER_H
