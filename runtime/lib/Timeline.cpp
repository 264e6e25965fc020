//===- Timeline.cpp - A measured step as a picture ------------------------===//
//
// One row a rank: a tall lane for what its main thread did, a thin one below
// for transfers in flight. Blank means idle: nothing was ready, or the rank
// slept until a transfer came.
//
//===----------------------------------------------------------------------===//
#include "Reports.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

using namespace pprt;

std::string pprt::escapeXml(const std::string &text) {
  std::string out;
  for (char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      // Control characters are not allowed in XML at all.
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

static const StepEvents *findStep(const std::vector<StepEvents> &steps,
                                  int64_t step) {
  for (const StepEvents &candidate : steps)
    if (candidate.step == step)
      return &candidate;
  return nullptr;
}

int64_t pprt::medianStep(const RankSteps &ranks) {
  std::vector<std::pair<uint64_t, int64_t>> durations;
  for (const StepEvents &step : ranks.front()) {
    uint64_t begin = step.begin, end = step.end;
    bool everywhere = true;
    for (auto &steps : ranks) {
      const StepEvents *other = findStep(steps, step.step);
      everywhere &= other != nullptr;
      if (other) {
        begin = std::min(begin, other->begin);
        end = std::max(end, other->end);
      }
    }
    if (everywhere)
      durations.push_back({end - begin, step.step});
  }
  if (durations.empty())
    return -1;
  std::sort(durations.begin(), durations.end());
  return durations[durations.size() / 2].second;
}

namespace {
struct Style {
  const char *name, *fill, *text;
};
} // namespace

// Colours that differ in lightness too, for print and for colour blindness.
static Style styleOf(ActionKind kind) {
  switch (kind) {
  case ActionKind::Forward:
    return {"forward (F)", "#4c78a8", "#ffffff"};
  case ActionKind::Backward:
    return {"backward (B)", "#f2a541", "#1d1d1f"};
  case ActionKind::BackwardInput:
    return {"input gradient (I)", "#e4713b", "#ffffff"};
  case ActionKind::BackwardWeight:
    return {"weight gradient (W)", "#f7cf7d", "#1d1d1f"};
  case ActionKind::Send:
    return {"send", "#8e6bb0", "#ffffff"};
  case ActionKind::Receive:
    return {"receive", "#b9a3d0", "#1d1d1f"};
  case ActionKind::Reduce:
    return {"gradient sums", "#7fb77e", "#1d1d1f"};
  case ActionKind::Exchange:
    return {"exchange of norms (waits for all)", "#e2e2e2", "#1d1d1f"};
  case ActionKind::Update:
    return {"update", "#3f8f5b", "#ffffff"};
  }
  return {"", "#000000", "#ffffff"};
}

/// A step of 1, 2 or 5 times a power of ten with about `count` of them.
static double niceTick(double range, int count) {
  double raw = range / count;
  double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw)
      return factor * power;
  return 10 * power;
}

namespace {
class Picture {
public:
  std::string out;
  void add(const char *format, ...) __attribute__((format(printf, 2, 3))) {
    char buffer[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    out += buffer;
  }
};
} // namespace

std::string pprt::timelineSvg(const Description &description,
                              const RankSteps &ranks, int64_t step) {
  constexpr double left = 70, top = 64, plot = 1200, right = 24;
  constexpr double lane = 34, flightLane = 9, rowGap = 12;
  constexpr double row = lane + 3 + flightLane + rowGap;
  const double plotHeight = row * double(ranks.size());
  const double width = left + plot + right;
  const double height = top + plotHeight + 78;

  uint64_t begin = UINT64_MAX, end = 0;
  std::vector<const StepEvents *> steps;
  for (auto &rank : ranks) {
    steps.push_back(findStep(rank, step));
    if (steps.back()) {
      begin = std::min(begin, steps.back()->begin);
      end = std::max(end, steps.back()->end);
    }
  }
  if (begin >= end) {
    begin = 0;
    end = 1;
  }
  double total = double(end - begin);
  auto x = [&](uint64_t time) {
    return left + plot * double(time - std::min(time, begin)) / total;
  };

  // Idle: neither action nor exchange; the share over all ranks.
  double computing = 0;
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    if (steps[rank])
      for (const Event &event : steps[rank]->events)
        if (event.kind == Event::Run)
          switch (description.programs[rank].actions[event.action].kind) {
          case ActionKind::Send:
          case ActionKind::Receive:
          case ActionKind::Exchange:
            break;
          default:
            computing += double(event.end - event.begin);
          }
  double idle = 1 - computing / (total * double(ranks.size()));

  Picture p;
  p.add("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
        "font-family=\"Helvetica, Arial, sans-serif\">\n",
        width, height, width, height);
  p.add("<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
  p.add("<text x=\"%.0f\" y=\"26\" font-size=\"17\" fill=\"#1d1d1f\">%s: step "
        "%lld, measured</text>\n",
        left, escapeXml(description.name.substr(0, 80)).c_str(),
        static_cast<long long>(step));
  std::string predicted;
  double bubble = -1;
  for (const Program &program : description.programs)
    bubble = std::max(bubble, program.predictedBubble);
  if (bubble >= 0) {
    char text[64];
    std::snprintf(text, sizeof text, ", predicted bubble %.1f%%", 100 * bubble);
    predicted = text;
  }
  p.add("<text x=\"%.0f\" y=\"46\" font-size=\"12\" fill=\"#555555\">%s, %zu "
        "ranks, %d stages, %d micro-batches, %.1f ms; %.1f%% of the ranks' "
        "time without computation%s</text>\n",
        left, escapeXml(description.schedule.substr(0, 40)).c_str(),
        ranks.size(), description.stages, description.microbatches,
        total * 1e-6, 100 * idle, predicted.c_str());

  // Grid and axis.
  double tick = niceTick(total * 1e-6, 10);
  double bottom = top + plotHeight;
  for (double ms = 0; ms <= total * 1e-6 * 1.0001; ms += tick) {
    double at = left + plot * ms * 1e6 / total;
    p.add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
          "stroke=\"#e3e3e3\"/>\n",
          at, top - 6, at, bottom);
    p.add("<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" fill=\"#555555\" "
          "text-anchor=\"middle\">%g%s</text>\n",
          at, bottom + 14, ms, ms == 0 ? " ms" : "");
  }

  bool used[9] = {};
  bool usedFlight = false;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    double y = top + row * double(rank);
    p.add("<text x=\"%.1f\" y=\"%.1f\" font-size=\"13\" fill=\"#1d1d1f\" "
          "text-anchor=\"end\">rank %zu</text>\n",
          left - 10, y + lane / 2 + 4, rank);
    p.add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
          "fill=\"none\" stroke=\"#d0d0d0\" stroke-dasharray=\"3 3\"/>\n",
          left, y, plot, lane);
    if (!steps[rank])
      continue;
    const std::vector<Action> &actions = description.programs[rank].actions;
    for (const Event &event : steps[rank]->events) {
      double from = x(event.begin), to = x(event.end);
      double extent = std::max(to - from, 0.4);
      double ms = double(event.end - event.begin) * 1e-6;
      const Action *action =
          event.action >= 0 ? &actions[event.action] : nullptr;
      if (event.kind == Event::Wait ||
          (!action && event.kind == Event::Transfer))
        continue;
      ActionKind kind = action ? action->kind : ActionKind::Exchange;
      Style style = styleOf(kind);
      std::string title = style.name;
      if (action && action->stage >= 0)
        title += ", stage " + std::to_string(action->stage);
      if (action && action->microbatch >= 0)
        title += ", micro-batch " + std::to_string(action->microbatch);
      if (action && action->peer >= 0)
        title += ", rank " + std::to_string(action->peer);
      if (action && !action->name.empty())
        title += ", " + action->name;
      title = escapeXml(title.substr(0, 100));
      if (event.kind == Event::Transfer) {
        usedFlight = true;
        p.add("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
              "fill=\"%s\" fill-opacity=\"0.55\"><title>%s in flight, "
              "%.3f ms</title></rect>\n",
              from,
              y + lane + 3 + (kind == ActionKind::Receive ? flightLane / 2 : 0),
              extent, flightLane / 2, style.fill, title.c_str(), ms);
        used[size_t(kind)] = true;
        continue;
      }
      used[size_t(kind)] = true;
      p.add("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
            "fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"%.1f\"><title>%s, "
            "%.3f ms</title></rect>\n",
            from, y, extent, lane, style.fill, extent > 3 ? 0.8 : 0.0,
            title.c_str(), ms);
      // A number where it fits.
      if (action && action->microbatch >= 0 && event.kind == Event::Run) {
        std::string number = std::to_string(action->microbatch);
        double size = std::min(14.0, extent * 1.5 / double(number.size()));
        if (size >= 6)
          p.add("<text x=\"%.2f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"%s\" "
                "text-anchor=\"middle\" pointer-events=\"none\">%s</text>\n",
                from + extent / 2, y + lane / 2 + size * 0.36, size, style.text,
                number.c_str());
      }
    }
  }

  // Legend.
  double at = left, y = bottom + 34;
  auto entry = [&](const char *fill, const char *stroke,
                   const std::string &name) {
    double extent = 34 + 6.4 * double(name.size());
    if (at + extent > left + plot) {
      at = left;
      y += 20;
    }
    p.add("<rect x=\"%.1f\" y=\"%.1f\" width=\"13\" height=\"13\" fill=\"%s\" "
          "stroke=\"%s\"/>\n<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\" "
          "fill=\"#1d1d1f\">%s</text>\n",
          at, y - 11, fill, stroke, at + 18, y, name.c_str());
    at += extent;
  };
  for (size_t kind = 0; kind < 9; ++kind)
    if (used[kind]) {
      Style style = styleOf(ActionKind(kind));
      entry(style.fill, "none", style.name);
    }
  entry("none", "#b0b0b0", "idle: waiting");
  if (usedFlight)
    p.add("<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\" fill=\"#555555\">thin "
          "lanes: transfers from posting to completion; numbers: "
          "micro-batches</text>\n",
          left, y + 20);
  p.out += "</svg>\n";
  return p.out;
}
