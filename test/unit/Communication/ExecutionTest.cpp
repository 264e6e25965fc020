//===- ExecutionTest.cpp - Programs that communicate, and their proof -----===//
//
// One execution is compared with an exploration of all interleavings, over
// random programs with messages and collectives.
//
//===----------------------------------------------------------------------===//

#include "pp/Communication/Programs.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <random>
#include <set>

using namespace pp::communication;

namespace {
using Kind = Event::Kind;

/// All interleavings of small programs. A state is how far each program is, and
/// how many transfers of each edge have been done (FifoPerEdge), or which.
class Explorer {
public:
  Explorer(const Programs &programs, Semantics semantics)
      : programs(programs), semantics(semantics) {}

  /// Whether every interleaving ends.
  bool endsAlways() {
    return visit({std::vector<size_t>(programs.programs.size(), 0),
                  std::vector<bool>(2 * programs.messages.size(), false)});
  }

private:
  struct State {
    std::vector<size_t> next;
    std::vector<bool> done; ///< of each side: twice the message, plus receive
    bool operator<(const State &other) const {
      return std::tie(next, done) < std::tie(other.next, other.done);
    }
  };

  /// Where a program posts or starts something, the length if never.
  size_t placeOf(size_t program, Kind kind, uint32_t index) const {
    const std::vector<Event> &events = programs.programs[program];
    size_t place = 0;
    while (place < events.size() &&
           (events[place].kind != kind || events[place].index != index))
      ++place;
    return place;
  }
  bool hasPassed(const State &state, size_t program, Kind kind,
                 uint32_t index) const {
    return placeOf(program, kind, index) < state.next[program];
  }
  bool isPosted(const State &state, uint32_t message, bool isReceive) const {
    const Message &ends = programs.messages[message];
    return hasPassed(state, isReceive ? ends.to : ends.from,
                     isReceive ? Kind::PostReceive : Kind::PostSend, message);
  }
  /// Whether all messages posted before this one on its edge are done.
  bool isFirst(const State &state, uint32_t message, bool isReceive) const {
    const Message &ends = programs.messages[message];
    const Kind kind = isReceive ? Kind::PostReceive : Kind::PostSend;
    const size_t program = isReceive ? ends.to : ends.from;
    const size_t place = placeOf(program, kind, message);
    for (uint32_t other = 0; other < programs.messages.size(); ++other)
      if (programs.messages[other].from == ends.from &&
          programs.messages[other].to == ends.to &&
          !state.done[2 * other + isReceive] &&
          placeOf(program, kind, other) < place)
        return false;
    return true;
  }

  bool visit(const State &state) {
    if (!seen.insert(state).second)
      return true; // judged on the other way here
    bool moved = false;
    auto go = [&](const State &after) {
      moved = true;
      return visit(after);
    };
    for (uint32_t message = 0; message < programs.messages.size(); ++message) {
      const bool sent = isPosted(state, message, false);
      if (semantics == Semantics::Buffered && sent &&
          !state.done[2 * message]) {
        State after = state;
        after.done[2 * message] = true;
        if (!go(after))
          return false;
      }
      if (!sent || !isPosted(state, message, true) ||
          state.done[2 * message + 1])
        continue;
      if (semantics == Semantics::FifoPerEdge &&
          (!isFirst(state, message, false) || !isFirst(state, message, true)))
        continue;
      State after = state;
      after.done[2 * message] = after.done[2 * message + 1] = true;
      if (!go(after))
        return false;
    }
    bool ended = true;
    for (size_t program = 0; program < state.next.size(); ++program) {
      const std::vector<Event> &events = programs.programs[program];
      if (state.next[program] == events.size())
        continue;
      ended = false;
      const Event &event = events[state.next[program]];
      if (event.kind == Kind::WaitCollective) {
        const auto &members =
            programs.groups[programs.collectives[event.index]];
        if (!std::all_of(members.begin(), members.end(), [&](int32_t member) {
              return hasPassed(state, member, Kind::StartCollective,
                               event.index);
            }))
          continue;
      } else if (!event.isPost() &&
                 !state.done[2 * event.index + event.isReceive()]) {
        continue;
      }
      State after = state;
      ++after.next[program];
      if (!go(after))
        return false;
    }
    return moved || ended;
  }

  const Programs &programs;
  const Semantics semantics;
  std::set<State> seen;
};

size_t anyOf(std::mt19937 &random, size_t count) { return random() % count; }

/// Every post at a random place, every wait at a random place behind it; with
/// `inOrder`, messages of an edge and collectives in one order on all sides.
Programs makeRandom(std::mt19937 &random) {
  Programs programs;
  const size_t count = 2 + anyOf(random, 2);
  programs.programs.resize(count);
  std::vector<int32_t> all(count);
  for (size_t i = 0; i < count; ++i)
    all[i] = static_cast<int32_t>(i);
  programs.groups = {all, {0, 1}};
  auto insertAt = [&](int32_t program, Event event, size_t least) {
    std::vector<Event> &events = programs.programs[program];
    const size_t place = least + anyOf(random, events.size() + 1 - least);
    events.insert(events.begin() + static_cast<long>(place), event);
    return place;
  };
  const size_t messages = anyOf(random, 4);
  for (uint32_t i = 0; i < messages; ++i) {
    const int32_t from = static_cast<int32_t>(anyOf(random, count));
    const int32_t to =
        static_cast<int32_t>((from + 1 + anyOf(random, count - 1)) % count);
    programs.messages.push_back({from, to});
    size_t place = insertAt(from, {Kind::PostSend, i}, 0);
    insertAt(from, {Kind::WaitSend, i}, place + 1);
    place = insertAt(to, {Kind::PostReceive, i}, 0);
    insertAt(to, {Kind::WaitReceive, i}, place + 1);
  }
  const size_t collectives = anyOf(random, 3);
  for (uint32_t i = 0; i < collectives; ++i) {
    programs.collectives.push_back(static_cast<uint32_t>(anyOf(random, 2)));
    for (int32_t member : programs.groups[programs.collectives[i]]) {
      const size_t place = insertAt(member, {Kind::StartCollective, i}, 0);
      insertAt(member, {Kind::WaitCollective, i}, place + 1);
    }
  }
  return programs;
}
} // namespace

TEST(Semantics, Names) {
  for (std::string_view name : kSemanticsNames)
    EXPECT_EQ(toString(*parseSemantics(name)), name);
  EXPECT_FALSE(parseSemantics("hope"));
  EXPECT_EQ(listSemantics(), "buffered, rendezvous or fifo-per-edge");
}

TEST(Execution, AgreesWithAllInterleavings) {
  std::mt19937 random(5);
  int ended = 0, stopped = 0, mismatched = 0;
  for (int round = 0; round < 6000; ++round) {
    const Programs programs = makeRandom(random);
    const auto semantics = static_cast<Semantics>(round % 3);
    Execution execution(programs, semantics);
    if (!execution.findMismatches().empty() ||
        !execution.findCollectiveMismatches().empty()) {
      ++mismatched;
      continue;
    }
    const bool ends = execution.run();
    ASSERT_EQ(ends, Explorer(programs, semantics).endsAlways())
        << "round " << round << " under " << toString(semantics);
    ++(ends ? ended : stopped);
    const std::vector<Stop> cycle = execution.findCycle();
    EXPECT_EQ(cycle.empty(), ends);
    // Each waits for the next one, at a wait.
    for (size_t i = 0; i < cycle.size(); ++i) {
      EXPECT_EQ(cycle[i].peer, cycle[(i + 1) % cycle.size()].program);
      EXPECT_FALSE(
          programs.programs[cycle[i].program][cycle[i].event].isPost());
    }
  }
  EXPECT_GT(ended, 500);
  EXPECT_GT(stopped, 300);
  EXPECT_GT(mismatched, 200);
}

// Collectives of two groups in other orders: each member waits for a start that
// comes behind a wait of the other.
TEST(Execution, CollectivesOfTwoGroups) {
  Programs programs;
  programs.groups = {{0, 1}, {0, 1}};
  programs.collectives = {0, 1};
  const Event s0{Kind::StartCollective, 0}, w0{Kind::WaitCollective, 0};
  const Event s1{Kind::StartCollective, 1}, w1{Kind::WaitCollective, 1};
  programs.programs = {{s0, w0, s1, w1}, {s1, w1, s0, w0}};
  Execution blocking(programs, Semantics::FifoPerEdge);
  EXPECT_TRUE(blocking.findCollectiveMismatches().empty());
  EXPECT_FALSE(blocking.run());
  ASSERT_EQ(blocking.findCycle().size(), 2u);
  EXPECT_EQ(blocking.findCycle()[0].event, 1u);
  // Started before either is waited for, they end.
  programs.programs = {{s0, s1, w0, w1}, {s1, s0, w1, w0}};
  EXPECT_TRUE(Execution(programs, Semantics::FifoPerEdge).run());
}

TEST(Execution, CollectiveMismatch) {
  Programs programs;
  programs.groups = {{0, 1, 2}};
  programs.collectives = {0, 0};
  const Event s0{Kind::StartCollective, 0}, s1{Kind::StartCollective, 1};
  programs.programs = {{s0, s1}, {s0, s1}, {s0}};
  auto found =
      Execution(programs, Semantics::Buffered).findCollectiveMismatches();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].other, 2);
  EXPECT_EQ(found[0].position, 1u);
  EXPECT_EQ(found[0].expected, 1u);
  EXPECT_FALSE(found[0].found);
}

TEST(Execution, Mismatch) {
  Programs programs;
  programs.messages = {{0, 1}, {0, 1}};
  programs.programs = {{{Kind::PostSend, 0}, {Kind::PostSend, 1}},
                       {{Kind::PostReceive, 1}, {Kind::PostReceive, 0}}};
  EXPECT_TRUE(
      Execution(programs, Semantics::Rendezvous).findMismatches().empty());
  auto found = Execution(programs, Semantics::FifoPerEdge).findMismatches();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].position, 0u);
  EXPECT_EQ(found[0].send, 0u);
  EXPECT_EQ(found[0].receive, 1u);
}
