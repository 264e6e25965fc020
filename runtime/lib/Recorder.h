//===- Recorder.h - What a rank did when ----------------------------------===//
//
// Every action, wait and transfer of a step, and the all-reduce of its report,
// becomes one event in a buffer that is made before the step. Between steps the
// events are summed up for the profile, and kept for --trace (all steps) and
// --timeline (the last few steps). Collectives of layers, which are parts of
// actions, are noted beside them where one of the three is asked for.
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

/// A collective of a layer from its start to its end, within an action.
struct TimedCollective {
  uint64_t begin = 0, end = 0; // ns
  int32_t collective = 0;      // index into the description's
  int32_t action = -1;         // as Event's
};

/// The events of one step of one rank.
struct StepEvents {
  int64_t step = -1;
  uint64_t begin = 0, end = 0;
  std::vector<Event> events;
  std::vector<TimedCollective> collectives;
};

/// Seconds of a rank's steps, by what they were spent on.
struct Profile {
  double steps = 0;                   // all of it
  std::array<double, 10> byKind = {}; // by ActionKind; Report holds the wait
  double waiting = 0;                 // for transfers
  double transfers = 0;               // posting and completing them
  double inFlight = 0;                // sum over transfers, overlap included
  double inCollectives = 0;           // of layers: a part of compute
  uint64_t collectives = 0;           // how many these were

  double kind(ActionKind k) const { return byKind[size_t(k)]; }
  double compute() const;
  double update() const;
};

class Recorder {
public:
  Recorder(const Program &program, bool keepAll, bool keepLast);

  void beginStep(int64_t step);
  void endStep();

  /// What follows is no part of a step, up to resume(): nothing is noted but
  /// the action that runs.
  void pause() { isPaused = true; }
  void resume() { isPaused = false; }

  /// Layers are timed within actions from now on.
  void timeLayers(LayerTimes &times) { layers = &times; }

  /// Collectives of layers are noted from now on.
  void timeCollectives();
  bool timesCollectives() const { return notesCollectives && !isPaused; }

  void actionBegin(int action);
  void actionEnd(int action);
  /// The same without an event: a device's times come later, by add().
  void enter(int action) { current = action; }
  void leave() { current = -1; }
  /// The action that runs now, -1 if none does.
  int currentAction() const { return current; }
  uint64_t currentActionBegin() const { return currentBegin; }
  void add(Event::Kind kind, uint64_t begin, uint64_t end, int action);
  void addCollective(int collective, uint64_t begin, uint64_t end, int action);

  const Profile &profile() const { return sums; }
  const std::vector<StepEvents> &allSteps() const { return kept; }
  const std::vector<StepEvents> &lastSteps() const { return last; }

private:
  const Program &program;
  bool keepAll, keepLast;
  StepEvents now;
  LayerTimes *layers = nullptr;
  size_t missed = 0, missedCollectives = 0;
  bool notesCollectives = false, isPaused = false;
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
