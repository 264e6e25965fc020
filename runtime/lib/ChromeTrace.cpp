#include "Reports.h"

#include "EscapeJson.h"

#include <algorithm>
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

  std::string out = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  bool first = true;
  char line[1536];
  auto emit = [&] {
    if (!first)
      out += ",\n";
    first = false;
    out += line;
  };
  auto micros = [&](uint64_t time) { return double(time - origin) * 1e-3; };

  uint64_t flight = 0;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    std::snprintf(line, sizeof line,
                  "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%zu,"
                  "\"args\":{\"name\":\"rank %zu\"}}",
                  rank, rank);
    emit();
    const char *threads[] = {"actions", "transfers", "predicted"};
    for (int thread = 0; thread < (panels.size() > 1 ? 3 : 2); ++thread) {
      std::snprintf(line, sizeof line,
                    "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%zu,"
                    "\"tid\":%d,\"args\":{\"name\":\"%s\"}}",
                    rank, thread, threads[thread]);
      emit();
    }
    const std::vector<Action> &actions = description.programOf(rank).actions;
    for (const StepEvents &step : ranks[rank]) {
      for (const Event &event : step.events) {
        std::string title = category(event.kind), args;
        if (event.action >= 0) {
          const Action &action = actions[event.action];
          std::string what = actionTitle(action);
          title = event.kind == Event::Run || event.kind == Event::Transfer
                      ? what
                      : title + " " + what;
          args =
              ",\"kind\":\"" + std::string(actionKindName(action.kind)) + "\"";
          if (action.stage >= 0)
            args += ",\"stage\":" + std::to_string(action.stage);
          if (action.microbatch >= 0)
            args += ",\"microbatch\":" + std::to_string(action.microbatch);
          if (action.peer >= 0)
            args += ",\"peer\":" + std::to_string(description.mesh.rankWith(
                                       int(rank), "pipe", action.peer));
        }
        title = escapeJson(title.substr(0, 120));
        if (event.kind == Event::Transfer) {
          // Transfers of a rank overlap: asynchronous events, each its own.
          for (int end = 0; end < 2; ++end) {
            std::snprintf(line, sizeof line,
                          "{\"ph\":\"%s\",\"name\":\"%s\",\"cat\":\"transfer\","
                          "\"id\":%llu,\"pid\":%zu,\"tid\":1,\"ts\":%.3f,"
                          "\"args\":{\"step\":%lld%s}}",
                          end ? "e" : "b", title.c_str(),
                          static_cast<unsigned long long>(flight), rank,
                          micros(end ? event.end : event.begin),
                          static_cast<long long>(step.step), args.c_str());
            emit();
          }
          ++flight;
          continue;
        }
        std::snprintf(line, sizeof line,
                      "{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"%s\","
                      "\"pid\":%zu,\"tid\":0,\"ts\":%.3f,\"dur\":%.3f,"
                      "\"args\":{\"step\":%lld%s}}",
                      title.c_str(), category(event.kind), rank,
                      micros(event.begin),
                      double(event.end - event.begin) * 1e-3,
                      static_cast<long long>(step.step), args.c_str());
        emit();
      }
    }
  }
  // The prediction lies below the step it is for.
  const uint64_t begin = stepSpan(ranks, predictedStep).first;
  for (size_t rank = 0; panels.size() > 1 && rank < ranks.size(); ++rank)
    for (const pp::schedule::TimedAction &timed :
         panels[1].timeline.ranks[size_t(description.mesh.pipeOf(int(rank)))]) {
      std::snprintf(
          line, sizeof line,
          "{\"ph\":\"X\",\"name\":\"%c %d\",\"cat\":\"predicted\","
          "\"pid\":%zu,\"tid\":2,\"ts\":%.3f,\"dur\":%.3f,\"args\":"
          "{\"step\":%lld,\"stage\":%d,\"microbatch\":%d}}",
          static_cast<char>(timed.action.kind), timed.action.microbatch, rank,
          micros(begin) + timed.start * 1e3, (timed.end - timed.start) * 1e3,
          static_cast<long long>(predictedStep), timed.action.stage,
          timed.action.microbatch);
      emit();
    }
  out += "\n]}\n";
  return out;
}
