//===- Trace.cpp - Timelines for Perfetto ---------------------------------===//
//
// The JSON of Chrome's trace viewer: complete events ("X") with a start and a
// duration in microseconds, and metadata events that name the rows.
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "pp/Schedule/Picture.h"

using namespace pp::schedule;

std::string pp::schedule::drawTrace(const std::vector<Panel> &panels,
                                    const TraceOptions &options) {
  std::string events;
  auto add = [&](const std::string &event) {
    events += (events.empty() ? "\n" : ",\n") + event;
  };
  for (size_t panel = 0; panel < panels.size(); ++panel) {
    const Timeline &timeline = panels[panel].timeline;
    auto name = [&](const char *what, size_t rank, const std::string &text) {
      add("{\"ph\":\"M\",\"name\":\"" + std::string(what) + "\",\"pid\":" +
          std::to_string(panel) + ",\"tid\":" + std::to_string(rank) +
          ",\"args\":{\"name\":" + detail::quoteJson(text) + "}}");
    };
    auto complete = [&](size_t rank, const std::string &text,
                        const char *category, double start, double end,
                        const std::string &arguments) {
      add("{\"ph\":\"X\",\"name\":" + detail::quoteJson(text) + ",\"cat\":\"" +
          category + "\",\"pid\":" + std::to_string(panel) +
          ",\"tid\":" + std::to_string(rank) +
          ",\"ts\":" + detail::toJson(start * options.microseconds) +
          ",\"dur\":" + detail::toJson((end - start) * options.microseconds) +
          ",\"args\":{" + arguments + "}}");
    };
    name("process_name", 0, panels[panel].title);
    for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
      name("thread_name", rank, "rank " + std::to_string(rank));
      for (const TimedAction &timed : timeline.ranks[rank])
        complete(
            rank, toString(timed.action), "action", timed.start, timed.end,
            "\"stage\":" + std::to_string(timed.action.stage) +
                ",\"microbatch\":" + std::to_string(timed.action.microbatch));
      if (rank < timeline.idle.size())
        for (const Idle &idle : timeline.idle[rank])
          complete(rank, std::string("idle: ") + toString(idle.reason), "idle",
                   idle.start, idle.end,
                   idle.waitsFor
                       ? "\"waits_for\":" +
                             detail::quoteJson(toString(*idle.waitsFor))
                       : "");
      if (rank < timeline.ends.size())
        for (const EndWork &work : timeline.ends[rank])
          complete(rank, toString(work.kind), "step", work.start, work.end, "");
      if (rank < timeline.collectives.size() &&
          !timeline.collectives[rank].empty()) {
        // Events of one row must not overlap.
        const size_t row = timeline.ranks.size() + rank;
        name("thread_name", row, "rank " + std::to_string(rank) + ", replicas");
        for (const Collective &each : timeline.collectives[rank])
          complete(row, each.label, "collective", each.start, each.end, "");
      }
    }
  }
  return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[" + events + "\n]}\n";
}
