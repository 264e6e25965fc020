//===- Deadlock.cpp - Do all rank programs end? ---------------------------===//
//
// The programs of a schedule as events of the communication model, which runs
// them; what it finds is told in the words of the schedule.
//
//===----------------------------------------------------------------------===//

#include "pp/Communication/Programs.h"
#include "pp/Schedule/Programs.h"

using namespace pp::schedule;
namespace communication = pp::communication;
using Problems = std::vector<std::string>;

namespace {
/// The events of all programs, and the instruction of each.
struct Model {
  communication::Programs programs;
  std::vector<std::vector<size_t>> instructions;
};
} // namespace

static Model makeModel(const Programs &programs) {
  using Kind = communication::Event::Kind;
  Model model;
  for (const Message &message : programs.messages)
    model.programs.messages.push_back({message.from, message.to});
  for (const std::vector<Instruction> &program : programs.ranks) {
    std::vector<communication::Event> &events =
        model.programs.programs.emplace_back();
    std::vector<size_t> &instructions = model.instructions.emplace_back();
    for (size_t i = 0; i < program.size(); ++i) {
      Kind kind = Kind::PostSend;
      switch (program[i].kind) {
      case Instruction::Kind::Compute:
        continue;
      case Instruction::Kind::PostSend:
        break;
      case Instruction::Kind::PostReceive:
        kind = Kind::PostReceive;
        break;
      case Instruction::Kind::WaitSend:
        kind = Kind::WaitSend;
        break;
      case Instruction::Kind::WaitReceive:
        kind = Kind::WaitReceive;
        break;
      }
      events.push_back({kind, static_cast<uint32_t>(program[i].message)});
      instructions.push_back(i);
    }
  }
  return model;
}

static std::string nameOf(const Programs &programs, communication::Side side) {
  const Message &message = programs.messages[side.message];
  return toString(side.isReceive ? message.receive : message.send);
}

static Wait describe(const Schedule &schedule, const Programs &programs,
                     const Model &model, const communication::Stop &stop) {
  const Instruction &instruction =
      programs
          .ranks[stop.program][model.instructions[stop.program][stop.event]];
  const bool isSend = instruction.kind == Instruction::Kind::WaitSend;
  const communication::Side waited = {
      static_cast<uint32_t>(instruction.message), !isSend};
  Wait wait;
  wait.rank = stop.program;
  wait.peer = stop.peer;
  wait.needs = nameOf(programs, waited);
  if (isSend) {
    wait.action = wait.needs;
    wait.microbatch = programs.messages[waited.message].send.microbatch;
  } else {
    const Action &action = schedule.ranks[stop.program][instruction.action];
    wait.action = toString(action);
    wait.microbatch = action.microbatch;
  }
  if (stop.behind)
    wait.behind = nameOf(programs, *stop.behind);
  return wait;
}

std::string pp::schedule::toString(const std::vector<Wait> &cycle) {
  std::string text;
  for (const Wait &wait : cycle)
    text += (text.empty() ? "rank " : "; rank ") + std::to_string(wait.rank) +
            " at '" + wait.action + "' waits for '" + wait.needs +
            "' of rank " + std::to_string(wait.peer) +
            (wait.behind.empty() ? "" : " behind '" + wait.behind + "'");
  return text;
}

std::vector<Wait> pp::schedule::findDeadlock(const Schedule &schedule,
                                             const Programs &programs,
                                             Semantics semantics,
                                             Problems &problems) {
  const Model model = makeModel(programs);
  communication::Execution execution(model.programs, semantics);
  const std::vector<communication::Mismatch> mismatches =
      execution.findMismatches();
  for (const auto &[from, to, position, send, receive] : mismatches)
    problems.push_back("found '" + nameOf(programs, {*receive, true}) +
                       "' as message " + std::to_string(position) +
                       " from rank " + std::to_string(from) + " to rank " +
                       std::to_string(to) + ", expected '" +
                       nameOf(programs, {*send, true}) + "', whose '" +
                       nameOf(programs, {*send, false}) +
                       "' is posted there: post both sides in one order");
  std::vector<Wait> cycle;
  if (!mismatches.empty() || execution.run())
    return cycle;
  for (const communication::Stop &stop : execution.findCycle())
    cycle.push_back(describe(schedule, programs, model, stop));
  return cycle;
}
