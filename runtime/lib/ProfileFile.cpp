#include "ProfileFile.h"

#include "Json.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <tuple>
#include <unistd.h>

using namespace pprt;

/// Seconds to the nanosecond or less, and bytes a second.
static double measure(double value) { return roundTo(value, 9); }

static std::string cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0)
      if (size_t colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "unknown";
}

static Json layersJson(const Description &description,
                       const Measurements &measured) {
  std::vector<std::map<char, double>> times(description.layers.size());
  for (auto &rank : measured.parts)
    for (const MeasuredPart &part : rank)
      times[size_t(part.layer)][part.kind] = part.seconds;
  Json layers = Json::array();
  for (size_t i = 0; i < times.size(); ++i) {
    const Layer &layer = description.layers[i];
    Json &entry =
        layers.emplace_back(Json{{"layer", layer.name},
                                 {"flops", layer.flops},
                                 {"output_bytes", layer.outputBytes},
                                 {"parameter_bytes", layer.parameterBytes}});
    for (char kind : {'F', 'I', 'W', 'R', 'B'})
      if (auto time = times[i].find(kind); time != times[i].end())
        entry[std::string(1, kind)] = measure(time->second);
  }
  return layers;
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

/// Null where nothing was transferred.
static Json transfersJson(const Description &description,
                          const Measurements &measured) {
  std::vector<Edge> edges = findEdges(description, measured);
  if (edges.empty())
    return nullptr;
  auto [latency, bandwidth] = fitLine(edges);
  Json values = Json::array();
  for (const Edge &edge : edges)
    values.push_back(Json{{"value", edge.value},
                          {"from", edge.from},
                          {"to", edge.to},
                          {"bytes", edge.bytes},
                          {"seconds", measure(edge.seconds)}});
  return Json{{"latency", measure(latency)},
              {"bandwidth", measure(bandwidth)},
              {"values", std::move(values)}};
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
  return toLines(Json{
      {"format", 1},
      {"model", description.name},
      {"fingerprint", description.fingerprint},
      {"machine", Json{{"cpu", cpuName()},
                       {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
                       {"threads", threads}}},
      {"program", Json{{"ranks", description.ranks()},
                       {"stages", description.stages},
                       {"schedule", description.schedule},
                       {"microbatches", description.microbatches},
                       {"recompute", description.recompute}}},
      {"batch", description.batch},
      {"sequence", description.sequence},
      {"step", measure(step.whole)},
      {"update", Json{{"bytes", bytes}, {"seconds", measure(step.update)}}},
      {"exchange", measure(step.report)},
      {"transfers", transfersJson(description, measured)},
      {"layers", layersJson(description, measured)}});
}
