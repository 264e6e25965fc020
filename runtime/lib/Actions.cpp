//===- Actions.cpp - What actions are called ------------------------------===//
#include "Description.h"

using namespace pprt;

const char *pprt::actionKindName(ActionKind kind) {
  switch (kind) {
  case ActionKind::Forward:
    return "F";
  case ActionKind::Backward:
    return "B";
  case ActionKind::BackwardInput:
    return "I";
  case ActionKind::BackwardWeight:
    return "W";
  case ActionKind::Send:
    return "send";
  case ActionKind::Receive:
    return "recv";
  case ActionKind::Collective:
    return "collective";
  case ActionKind::Reduce:
    return "reduce";
  case ActionKind::Report:
    return "report";
  case ActionKind::Update:
    return "update";
  }
  return "?";
}

std::string pprt::describeAction(const Program &program, int action) {
  if (action < 0)
    return "";
  const Action &a = program.actionAt(size_t(action));
  std::string text = std::string(" of ") + actionKindName(a.kind);
  if (!a.name.empty())
    text += " '" + a.name + "'";
  if (a.stage >= 0)
    text += ", stage " + std::to_string(a.stage);
  if (a.microbatch >= 0)
    text += ", micro-batch " + std::to_string(a.microbatch);
  return text;
}
