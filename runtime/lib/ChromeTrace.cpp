#include "Reports.h"

#include "Json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace pprt;

static std::string actionTitle(const Action &action) {
  std::string title = actionKindName(action.kind);
  if (action.microbatch >= 0)
    title += " " + std::to_string(action.microbatch);
  if (!action.name.empty())
    title += " " + action.name;
  return title;
}

std::string pprt::describeCollective(const Description &description,
                                     int collective) {
  const ProgramCollective &info =
      description.layerCollectives[size_t(collective)];
  int members = 1;
  std::string axes;
  for (const std::string &axis : info.axes) {
    axes += (axes.empty() ? "" : " and ") + axis;
    members *= description.mesh.sizeOf(axis);
  }
  double bytes = double(info.over(members).total() * sizeOf(info.type));
  const char *units[] = {"B", "KB", "MB", "GB"};
  size_t unit = 0;
  for (; bytes >= 1000 && unit < 3; ++unit)
    bytes /= 1024;
  char size[32];
  std::snprintf(size, sizeof size, unit ? "%.1f %s" : "%.0f %s", bytes,
                units[unit]);
  return std::string(Collective::kindNames[info.kind]) + " over " + axes +
         ", " + std::to_string(members) + " ranks, " + size;
}

static const char *category(Event::Kind kind) {
  switch (kind) {
  case Event::Run:
    return "action";
  case Event::Wait:
    return "wait";
  case Event::Transfer:
    return "transfer";
  case Event::Report:
    return "report";
  }
  return "";
}

std::string pprt::chromeTrace(const Description &description,
                              const RankSteps &ranks,
                              const std::vector<pp::schedule::Panel> &panels,
                              int64_t predictedStep) {
  uint64_t origin = UINT64_MAX;
  for (auto &steps : ranks)
    for (const StepEvents &step : steps)
      origin = std::min(origin, step.begin);

  // A long run has millions of events: each becomes text at once, and is filled
  // key by key, in half the time that a list of pairs takes.
  std::string out = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  const char *separator = "\n";
  auto emit = [&](const Json &event) {
    out += separator;
    out += toLine(event);
    separator = ",\n";
  };
  // Microseconds to the nanosecond.
  auto micros = [](uint64_t ns) { return double(ns) / 1e3; };
  auto emitComplete = [&](const std::string &name, const char *kind,
                          size_t rank, int thread, uint64_t begin, uint64_t ns,
                          Json args) {
    Json event;
    event["ph"] = "X";
    event["name"] = name;
    event["cat"] = kind;
    event["pid"] = rank;
    event["tid"] = thread;
    event["ts"] = micros(begin - origin);
    event["dur"] = micros(ns);
    event["args"] = std::move(args);
    emit(event);
  };

  uint64_t flight = 0;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    emit({{"ph", "M"},
          {"name", "process_name"},
          {"pid", rank},
          {"args", Json{{"name", "rank " + std::to_string(rank)}}}});
    const char *threads[] = {"actions", "transfers", "predicted"};
    for (int thread = 0; thread < (panels.size() > 1 ? 3 : 2); ++thread)
      emit({{"ph", "M"},
            {"name", "thread_name"},
            {"pid", rank},
            {"tid", thread},
            {"args", Json{{"name", threads[thread]}}}});
    const std::vector<Action> &actions = description.programOf(rank).actions;
    for (const StepEvents &step : ranks[rank]) {
      for (const Event &event : step.events) {
        std::string title = category(event.kind);
        Json args;
        args["step"] = step.step;
        if (event.action >= 0) {
          const Action &action = actions[event.action];
          std::string what = actionTitle(action);
          title = event.kind == Event::Run || event.kind == Event::Transfer
                      ? what
                      : title + " " + what;
          args["kind"] = actionKindName(action.kind);
          if (action.stage >= 0)
            args["stage"] = action.stage;
          if (action.microbatch >= 0)
            args["microbatch"] = action.microbatch;
          if (action.peer >= 0)
            args["peer"] =
                description.mesh.rankWith(int(rank), "pipe", action.peer);
        }
        title.resize(std::min<size_t>(title.size(), 120));
        if (event.kind == Event::Transfer) {
          // Transfers of a rank overlap: asynchronous events, each its own.
          for (bool isEnd : {false, true}) {
            Json half;
            half["ph"] = isEnd ? "e" : "b";
            half["name"] = title;
            half["cat"] = category(event.kind);
            half["id"] = flight;
            half["pid"] = rank;
            half["tid"] = 1;
            half["ts"] = micros((isEnd ? event.end : event.begin) - origin);
            half["args"] = args;
            emit(half);
          }
          ++flight;
          continue;
        }
        emitComplete(title, category(event.kind), rank, 0, event.begin,
                     event.end - event.begin, std::move(args));
      }
      // Within their actions, on the same thread.
      for (const TimedCollective &timed : step.collectives) {
        Json args;
        args["step"] = step.step;
        if (timed.action >= 0) {
          const Action &action = actions[size_t(timed.action)];
          args["within"] = actionTitle(action);
          if (action.stage >= 0)
            args["stage"] = action.stage;
          if (action.microbatch >= 0)
            args["microbatch"] = action.microbatch;
        }
        emitComplete(describeCollective(description, timed.collective),
                     "collective", rank, 0, timed.begin,
                     timed.end - timed.begin, std::move(args));
      }
    }
  }
  // The prediction lies below the step it is for.
  const uint64_t begin = stepSpan(ranks, predictedStep).first;
  auto toNs = [](double ms) { return uint64_t(std::llround(ms * 1e6)); };
  for (size_t rank = 0; panels.size() > 1 && rank < ranks.size(); ++rank)
    for (const pp::schedule::TimedAction &timed :
         panels[1].timeline.ranks[size_t(description.mesh.pipeOf(int(rank)))])
      emitComplete(std::string(1, static_cast<char>(timed.action.kind)) + " " +
                       std::to_string(timed.action.microbatch),
                   "predicted", rank, 2, begin + toNs(timed.start),
                   toNs(timed.end - timed.start),
                   Json{{"step", predictedStep},
                        {"stage", timed.action.stage},
                        {"microbatch", timed.action.microbatch}});
  return out + "\n]}\n";
}
