#include "Recorder.h"

#include "Clock.h"
#include "Options.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

double Profile::compute() const {
  return kind(ActionKind::Forward) + kind(ActionKind::Backward) +
         kind(ActionKind::BackwardInput) + kind(ActionKind::BackwardWeight);
}

double Profile::update() const {
  return kind(ActionKind::Reduce) + kind(ActionKind::Update);
}

Recorder::Recorder(const Program &program, bool keepAll, bool keepLast)
    : program(program), keepAll(keepAll), keepLast(keepLast) {
  // Each action may post a transfer that is waited for later.
  now.events.reserve(3 * program.actions.size() + 16);
  if (keepLast)
    last.resize(timelineWindow);
}

void Recorder::beginStep(int64_t step) {
  if (missed) {
    now.events.reserve(2 * (now.events.capacity() + missed));
    missed = 0;
  }
  if (missedCollectives) {
    now.collectives.reserve(2 *
                            (now.collectives.capacity() + missedCollectives));
    missedCollectives = 0;
  }
  now.events.clear();
  now.collectives.clear();
  now.step = step;
  current = -1;
  now.begin = nowNs();
}

void Recorder::endStep() {
  now.end = nowNs();
  seconds = toSeconds(now.end - now.begin);
  sums.steps += seconds;
  for (const Event &event : now.events) {
    double time = toSeconds(event.end - event.begin);
    switch (event.kind) {
    case Event::Run: {
      ActionKind kind = program.actions[event.action].kind;
      sums.byKind[size_t(kind)] += time;
      if (kind == ActionKind::Send || kind == ActionKind::Receive ||
          kind == ActionKind::Collective)
        sums.transfers += time;
      break;
    }
    case Event::Wait:
      sums.waiting += time;
      break;
    case Event::Transfer:
      sums.inFlight += time;
      break;
    case Event::Report:
      sums.byKind[size_t(ActionKind::Report)] += time;
      break;
    }
  }
  if (layers)
    layers->endStep(now.step);
  if (keepAll)
    kept.push_back(now);
  if (keepLast)
    last[size_t(now.step) % last.size()] = now;
}

void Recorder::actionBegin(int action) {
  current = action;
  currentBegin = nowNs();
  if (layers && !isPaused)
    layers->beginAction(action, currentBegin);
}

void Recorder::actionEnd(int action) {
  add(Event::Run, currentBegin, nowNs(), action);
  current = -1;
}

void Recorder::add(Event::Kind kind, uint64_t begin, uint64_t end, int action) {
  if (isPaused)
    return;
  // No allocation in a step: what does not fit makes room in the next one.
  if (now.events.size() == now.events.capacity()) {
    ++missed;
    return;
  }
  Event event;
  event.kind = kind;
  event.begin = begin;
  event.end = end;
  event.action = action;
  now.events.push_back(event);
}

void Recorder::timeCollectives() {
  notesCollectives = true;
  // As many as a few layers have, up to 1.5 MB; where there are more, the first
  // step keeps fewer of them.
  now.collectives.reserve(std::min<size_t>(64 * program.actions.size(), 65536));
}

void Recorder::addCollective(int collective, uint64_t begin, uint64_t end,
                             int action) {
  if (isPaused)
    return;
  ++sums.collectives;
  sums.inCollectives += toSeconds(end - begin);
  if (now.collectives.size() == now.collectives.capacity()) {
    ++missedCollectives;
    return;
  }
  now.collectives.push_back({begin, end, collective, action});
}

template <typename T> static void put(std::string &bytes, const T &value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}

template <typename T> static T take(const std::string &bytes, size_t &at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  at += sizeof value;
  return value;
}

std::string pprt::packSteps(const std::vector<StepEvents> &steps) {
  std::string bytes;
  for (const StepEvents &step : steps) {
    if (step.step < 0)
      continue;
    put(bytes, step.step);
    put(bytes, step.begin);
    put(bytes, step.end);
    put(bytes, uint64_t(step.events.size()));
    for (const Event &event : step.events)
      put(bytes, event);
    put(bytes, uint64_t(step.collectives.size()));
    for (const TimedCollective &timed : step.collectives)
      put(bytes, timed);
  }
  return bytes;
}

std::vector<StepEvents> pprt::unpackSteps(const std::string &bytes) {
  std::vector<StepEvents> steps;
  for (size_t at = 0; at < bytes.size();) {
    StepEvents step;
    step.step = take<int64_t>(bytes, at);
    step.begin = take<uint64_t>(bytes, at);
    step.end = take<uint64_t>(bytes, at);
    step.events.resize(take<uint64_t>(bytes, at));
    for (Event &event : step.events)
      event = take<Event>(bytes, at);
    step.collectives.resize(take<uint64_t>(bytes, at));
    for (TimedCollective &timed : step.collectives)
      timed = take<TimedCollective>(bytes, at);
    steps.push_back(std::move(step));
  }
  return steps;
}
