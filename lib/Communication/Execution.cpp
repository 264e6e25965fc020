//===- Execution.cpp - One execution of programs that communicate ---------===//
//
// Each program runs until it waits for a transfer or a collective that is not
// done; what becomes done puts the programs that may wait for it back on the
// work list. Where the execution stops, every program that has not ended waits
// for one that waits as well: following them leads into the circle.
//
//===----------------------------------------------------------------------===//

#include "pp/Communication/Programs.h"

#include <algorithm>
#include <array>

using namespace pp::communication;

using Kind = Event::Kind;

static size_t sideOf(const Event &event) {
  return 2 * size_t(event.index) + event.isReceive();
}

static Side toSide(size_t number) {
  return {static_cast<uint32_t>(number / 2), number % 2 == 1};
}

Execution::Execution(const Programs &programs, Semantics semantics)
    : programs(programs), semantics(semantics),
      next(programs.programs.size(), 0), sides(2 * programs.messages.size()),
      collectives(programs.collectives.size()) {
  if (!isFifo())
    return;
  // A stream for each side of a directed edge.
  std::map<std::pair<int32_t, int32_t>, size_t> numbers;
  for (size_t i = 0; i < programs.messages.size(); ++i) {
    const Message &message = programs.messages[i];
    const auto [it, isNew] =
        numbers.try_emplace({message.from, message.to}, streams.size());
    if (isNew)
      streams.resize(streams.size() + 2);
    sides[2 * i].stream = it->second;
    sides[2 * i + 1].stream = it->second + 1;
  }
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

std::vector<Mismatch> Execution::findMismatches() const {
  std::vector<Mismatch> result;
  if (!isFifo())
    return result;
  // Messages in the order of sends and of receives.
  std::map<std::pair<int32_t, int32_t>, std::array<std::vector<uint32_t>, 2>>
      edges;
  for (const std::vector<Event> &program : programs.programs)
    for (const Event &event : program)
      if (event.kind == Kind::PostSend || event.kind == Kind::PostReceive) {
        const Message &message = programs.messages[event.index];
        edges[{message.from, message.to}][event.isReceive()].push_back(
            event.index);
      }
  for (const auto &[edge, orders] : edges) {
    const auto &[sends, receives] = orders;
    const auto at = [](const std::vector<uint32_t> &order, size_t i) {
      return i < order.size() ? std::optional(order[i]) : std::nullopt;
    };
    const size_t most = std::max(sends.size(), receives.size());
    for (size_t i = 0; i < most; ++i) {
      if (at(sends, i) == at(receives, i))
        continue;
      result.push_back(
          {edge.first, edge.second, i, at(sends, i), at(receives, i)});
      break;
    }
  }
  return result;
}

std::vector<CollectiveMismatch> Execution::findCollectiveMismatches() const {
  // What each program starts of each group, in order.
  std::map<std::pair<uint32_t, int32_t>, std::vector<uint32_t>> started;
  for (size_t program = 0; program < programs.programs.size(); ++program)
    for (const Event &event : programs.programs[program])
      if (event.kind == Kind::StartCollective)
        started[{programs.collectives[event.index],
                 static_cast<int32_t>(program)}]
            .push_back(event.index);
  std::vector<CollectiveMismatch> result;
  for (uint32_t group = 0; group < programs.groups.size(); ++group) {
    const std::vector<int32_t> &members = programs.groups[group];
    if (members.empty())
      continue;
    const std::vector<uint32_t> &expected = started[{group, members.front()}];
    for (int32_t other : members) {
      const std::vector<uint32_t> &found = started[{group, other}];
      if (found == expected)
        continue;
      const size_t i = std::mismatch(expected.begin(), expected.end(),
                                     found.begin(), found.end())
                           .first -
                       expected.begin();
      const auto at = [i](const std::vector<uint32_t> &order) {
        return i < order.size() ? std::optional(order[i]) : std::nullopt;
      };
      result.push_back(
          {group, i, members.front(), other, at(expected), at(found)});
      break;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

std::optional<size_t> Execution::headOf(const Stream &stream) const {
  if (stream.done == stream.posted.size())
    return std::nullopt;
  return stream.posted[stream.done];
}

/// Both sides of a message are done; the programs that wait for it go on.
void Execution::complete(size_t side) {
  for (size_t both : {side, side ^ 1}) {
    sides[both].done = true;
    runnable.push_back(programOf(both));
  }
}

void Execution::post(size_t side) {
  sides[side].posted = true;
  if (isFifo()) {
    Stream &stream = streams[sides[side].stream];
    stream.posted.push_back(side);
    // Transfers end at the head of both sides.
    while (std::optional<size_t> head = headOf(stream)) {
      Stream &other = streams[sides[*head ^ 1].stream];
      if (headOf(other) != (*head ^ 1))
        return;
      complete(*head);
      ++stream.done;
      ++other.done;
    }
    return;
  }
  if (semantics == Semantics::Buffered && side % 2 == 0)
    sides[side].done = true;
  if (sides[side ^ 1].posted)
    complete(side);
}

void Execution::start(uint32_t collective) {
  ++collectives[collective].started;
  if (isDone(collective))
    for (int32_t member : membersOf(collective))
      runnable.push_back(member);
}

bool Execution::isBlocked(const Event &event) const {
  if (event.isPost())
    return false;
  return event.isCollective() ? !isDone(event.index)
                              : !sides[sideOf(event)].done;
}

/// Runs a program until it waits.
void Execution::advance(int32_t program) {
  const std::vector<Event> &events = programs.programs[program];
  for (size_t &at = next[program]; at != events.size(); ++at) {
    const Event &event = events[at];
    if (isBlocked(event))
      return;
    if (event.kind == Kind::StartCollective)
      start(event.index);
    else if (event.isPost())
      post(sideOf(event));
  }
}

bool Execution::run() {
  for (size_t program = programs.programs.size(); program-- > 0;)
    runnable.push_back(static_cast<int32_t>(program));
  while (!runnable.empty()) {
    const int32_t program = runnable.back();
    runnable.pop_back();
    advance(program);
  }
  for (size_t program = 0; program < next.size(); ++program)
    if (next[program] != programs.programs[program].size())
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Wait cycles
//===----------------------------------------------------------------------===//

/// What a stopped program waits for.
Stop Execution::describe(int32_t program) const {
  Stop stop;
  stop.program = program;
  stop.event = next[program];
  const Event &event = programs.programs[program][stop.event];
  if (event.isCollective()) {
    // Some member has not started it.
    for (int32_t member : membersOf(event.index)) {
      const std::vector<Event> &events = programs.programs[member];
      const auto reached = events.begin() + next[member];
      if (std::none_of(events.begin(), reached, [&](const Event &other) {
            return other.kind == Kind::StartCollective &&
                   other.index == event.index;
          })) {
        stop.peer = member;
        break;
      }
    }
    return stop;
  }
  // What stops a stream is its head, on this side first.
  const size_t waited = sideOf(event);
  size_t blocking = waited;
  if (isFifo())
    blocking = headOf(streams[sides[waited].stream]).value_or(waited);
  if (blocking != waited)
    stop.behind = toSide(blocking);
  const size_t other = blocking ^ 1;
  stop.peer = programOf(other);
  if (!sides[other].posted)
    stop.missing = toSide(other);
  else if (isFifo())
    if (std::optional<size_t> head = headOf(streams[sides[other].stream]))
      if (!stop.behind)
        stop.behind = toSide(*head);
  return stop;
}

std::vector<Stop> Execution::findCycle() const {
  std::vector<Stop> path;
  int32_t program = 0;
  while (size_t(program) < next.size() &&
         next[program] == programs.programs[program].size())
    ++program;
  if (size_t(program) == next.size())
    return path;
  const auto seen = [&] {
    return std::find_if(path.begin(), path.end(), [&](const Stop &stop) {
      return stop.program == program;
    });
  };
  while (seen() == path.end()) {
    path.push_back(describe(program));
    program = path.back().peer;
  }
  path.erase(path.begin(), seen());
  return path;
}
