//===- Trace.cpp - Timelines for Perfetto ---------------------------------===//
//
// The JSON of Chrome's trace viewer: complete events ("X") with a start and a
// duration in microseconds, and metadata events that name the rows.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Picture.h"

#include <nlohmann/json.hpp>

using namespace pp::schedule;
using Json = nlohmann::ordered_json;

std::string pp::schedule::drawTrace(const std::vector<Panel> &panels,
                                    const TraceOptions &options) {
  // There may be millions of events: each becomes text at once, and is filled
  // key by key, in half the time that a list of pairs takes.
  std::string events;
  auto add = [&](const Json &event) {
    events += events.empty() ? "\n" : ",\n";
    events += event.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  for (size_t panel = 0; panel < panels.size(); ++panel) {
    const Timeline &timeline = panels[panel].timeline;
    auto name = [&](const char *what, size_t rank, const std::string &text) {
      add({{"ph", "M"},
           {"name", what},
           {"pid", panel},
           {"tid", rank},
           {"args", Json{{"name", text}}}});
    };
    auto complete = [&](size_t rank, const std::string &text,
                        const char *category, double start, double end,
                        Json arguments = Json::object()) {
      Json event;
      event["ph"] = "X";
      event["name"] = text;
      event["cat"] = category;
      event["pid"] = panel;
      event["tid"] = rank;
      event["ts"] = start * options.microseconds;
      event["dur"] = (end - start) * options.microseconds;
      event["args"] = std::move(arguments);
      add(event);
    };
    name("process_name", 0, panels[panel].title);
    for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
      name("thread_name", rank, "rank " + std::to_string(rank));
      for (const TimedAction &timed : timeline.ranks[rank]) {
        Json arguments;
        arguments["stage"] = timed.action.stage;
        arguments["microbatch"] = timed.action.microbatch;
        complete(rank, toString(timed.action), "action", timed.start, timed.end,
                 std::move(arguments));
      }
      if (rank < timeline.idle.size())
        for (const Idle &idle : timeline.idle[rank]) {
          Json arguments = Json::object();
          if (idle.waitsFor)
            arguments["waits_for"] = toString(*idle.waitsFor);
          complete(rank, std::string("idle: ") + toString(idle.reason), "idle",
                   idle.start, idle.end, std::move(arguments));
        }
      if (rank < timeline.ends.size())
        for (const EndWork &work : timeline.ends[rank])
          complete(rank, toString(work.kind), "step", work.start, work.end);
      if (rank < timeline.collectives.size() &&
          !timeline.collectives[rank].empty()) {
        // Events of one row must not overlap.
        const size_t row = timeline.ranks.size() + rank;
        name("thread_name", row, "rank " + std::to_string(rank) + ", replicas");
        for (const Collective &each : timeline.collectives[rank])
          complete(row, each.label, "collective", each.start, each.end);
      }
    }
  }
  return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" + events + "\n]}\n";
}
