#include "ProfileFile.h"

#include "EscapeJson.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <tuple>
#include <unistd.h>

using namespace pprt;

static std::string quote(const std::string &text) {
  return '"' + escapeJson(text) + '"';
}

static std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

static std::string cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0)
      if (size_t colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown";
}

static std::string layersJson(const Description &description,
                              const Measurements &measured) {
  std::vector<std::map<char, double>> times(description.layers.size());
  for (auto &rank : measured.parts)
    for (const MeasuredPart &part : rank)
      times[size_t(part.layer)][part.kind] = part.seconds;
  std::string out;
  for (size_t i = 0; i < times.size(); ++i) {
    const Layer &layer = description.layers[i];
    out += (i ? ",\n    " : "\n    ") + ("{\"layer\": " + quote(layer.name)) +
           ", \"flops\": " + std::to_string(layer.flops) +
           ", \"output_bytes\": " + std::to_string(layer.outputBytes) +
           ", \"parameter_bytes\": " + std::to_string(layer.parameterBytes);
    for (char kind : {'F', 'I', 'W', 'R', 'B'})
      if (auto time = times[i].find(kind); time != times[i].end())
        out += std::string(", \"") + kind + "\": " + number(time->second);
    out += "}";
  }
  return out;
}

namespace {
/// A value on its way from one rank to another.
struct Edge {
  std::string value;
  int from = 0, to = 0;
  uint64_t bytes = 0;
  double seconds = 0;
};
} // namespace

/// From when both sides have posted to when the receiver has it.
static std::vector<Edge> findEdges(const Description &description,
                                   const Measurements &measured) {
  using Key = std::tuple<int, int, std::string, int, int64_t>;
  std::map<Key, Event> sends;
  auto keyOf = [&](int rank, const Event &event, int64_t step) {
    const Action &action = description.programOf(rank).actions[event.action];
    bool isSend = action.kind == ActionKind::Send;
    const int peer = description.mesh.rankWith(rank, "pipe", action.peer);
    return Key{isSend ? rank : peer, isSend ? peer : rank, action.name,
               action.microbatch, step};
  };
  auto forEach = [&](ActionKind kind, auto visit) {
    for (int rank = 0; rank < int(measured.steps.size()); ++rank)
      for (const StepEvents &step : measured.steps[rank])
        for (const Event &event : step.events)
          if (event.kind == Event::Transfer && event.action >= 0 &&
              step.step >= profileWarmUp &&
              description.programOf(rank).actions[event.action].kind == kind)
            visit(rank, event, keyOf(rank, event, step.step));
  };
  forEach(ActionKind::Send,
          [&](int, const Event &event, const Key &key) { sends[key] = event; });
  std::map<std::tuple<int, int, std::string>,
           std::pair<uint64_t, std::vector<double>>>
      times;
  forEach(
      ActionKind::Receive, [&](int rank, const Event &event, const Key &key) {
        auto send = sends.find(key);
        if (send == sends.end())
          return;
        auto &[from, to, value, microbatch, step] = key;
        auto &entry = times[{from, to, value}];
        entry.first = measured.transferBytes[rank][event.action];
        uint64_t begin = std::max(event.begin, send->second.begin);
        entry.second.push_back(toSeconds(std::max(event.end, begin) - begin));
      });
  std::vector<Edge> edges;
  for (auto &[key, entry] : times)
    edges.push_back({std::get<2>(key), std::get<0>(key), std::get<1>(key),
                     entry.first, median(entry.second)});
  return edges;
}

/// The line of seconds over bytes by least squares. Where sizes are equal, or
/// the line makes no sense, all time is bandwidth.
static std::pair<double, double> fitLine(const std::vector<Edge> &edges) {
  double n = double(edges.size()), x = 0, y = 0, xx = 0, xy = 0;
  for (const Edge &edge : edges) {
    double bytes = double(edge.bytes);
    x += bytes;
    y += edge.seconds;
    xx += bytes * bytes;
    xy += bytes * edge.seconds;
  }
  double spread = n * xx - x * x;
  double slope = spread > 1e-6 * xx ? (n * xy - x * y) / spread : 0;
  double latency = (y - slope * x) / n;
  if (slope <= 0 || latency < 0) {
    slope = x > 0 ? y / x : 0;
    latency = 0;
  }
  return {latency, slope > 0 ? 1 / slope : 1e12};
}

static std::string transfersJson(const Description &description,
                                 const Measurements &measured) {
  std::vector<Edge> edges = findEdges(description, measured);
  if (edges.empty())
    return "null";
  auto [latency, bandwidth] = fitLine(edges);
  std::string out = "{\"latency\": " + number(latency) +
                    ", \"bandwidth\": " + number(bandwidth) + ", \"values\": [";
  for (size_t i = 0; i < edges.size(); ++i) {
    const Edge &edge = edges[i];
    out += (i ? ",\n    " : "\n    ") + ("{\"value\": " + quote(edge.value)) +
           ", \"from\": " + std::to_string(edge.from) +
           ", \"to\": " + std::to_string(edge.to) +
           ", \"bytes\": " + std::to_string(edge.bytes) +
           ", \"seconds\": " + number(edge.seconds) + "}";
  }
  return out + "]}";
}

namespace {
/// Seconds of a step that are not layers, nor waiting for transfers.
struct StepTimes {
  double whole = 0, update = 0, report = 0;
};
} // namespace

static StepTimes medianSteps(const Description &description,
                             const Measurements &measured) {
  struct OneStep {
    uint64_t begin = UINT64_MAX, end = 0;
    double update = 0, report = 1e300;
  };
  std::map<int64_t, OneStep> all;
  for (size_t rank = 0; rank < measured.steps.size(); ++rank)
    for (const StepEvents &step : measured.steps[rank]) {
      if (step.step < profileWarmUp)
        continue;
      OneStep &one = all[step.step];
      one.begin = std::min(one.begin, step.begin);
      one.end = std::max(one.end, step.end);
      // What remains of a step is the update and what nothing else accounts
      // for, such as clearing gradients.
      double rest = toSeconds(step.end - step.begin), report = 0;
      for (const Event &event : step.events) {
        double time = toSeconds(event.end - event.begin);
        if (event.kind == Event::Report)
          report += time;
        bool isEnd = event.kind == Event::Run &&
                     (description.programOf(rank).actions[event.action].kind ==
                          ActionKind::Update ||
                      description.programOf(rank).actions[event.action].kind ==
                          ActionKind::Reduce);
        if (event.kind != Event::Transfer && !isEnd)
          rest -= time;
      }
      one.update += std::max(rest, 0.0);
      one.report = std::min(one.report, report);
    }
  std::vector<double> whole, update, report;
  for (auto &[step, one] : all) {
    whole.push_back(toSeconds(one.end - one.begin));
    update.push_back(one.update);
    report.push_back(one.report);
  }
  return {median(whole), median(update), median(report)};
}

std::string pprt::profileJson(const Description &description,
                              const Measurements &measured, int threads) {
  StepTimes step = medianSteps(description, measured);
  uint64_t bytes = 0;
  for (const Parameter &parameter : description.parameters)
    bytes += parameter.elements * sizeof(float);
  std::string out = "{\n";
  auto add = [&](const char *key, const std::string &value) {
    out += (out.size() > 2 ? ",\n  \"" : "  \"") + (key + ("\": " + value));
  };
  add("format", "1");
  add("model", quote(description.name));
  add("fingerprint", quote(description.fingerprint));
  add("machine", "{\"cpu\": " + quote(cpuName()) + ", \"cores\": " +
                     std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) +
                     ", \"threads\": " + std::to_string(threads) + "}");
  add("program",
      "{\"ranks\": " + std::to_string(description.ranks()) +
          ", \"stages\": " + std::to_string(description.stages) +
          ", \"schedule\": " + quote(description.schedule) +
          ", \"microbatches\": " + std::to_string(description.microbatches) +
          ", \"recompute\": " + quote(description.recompute) + "}");
  add("batch", std::to_string(description.batch));
  add("sequence", std::to_string(description.sequence));
  add("step", number(step.whole));
  add("update", "{\"bytes\": " + std::to_string(bytes) +
                    ", \"seconds\": " + number(step.update) + "}");
  add("exchange", number(step.report));
  add("transfers", transfersJson(description, measured));
  add("layers", "[" + layersJson(description, measured) + "]");
  return out + "\n}\n";
}
