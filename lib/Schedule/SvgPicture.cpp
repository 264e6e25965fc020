//===- SvgPicture.cpp - Timelines as SVG ----------------------------------===//
//
// Kinds have colours; the stages of a rank have shades of them, later ones
// darker, as papers draw virtual stages. The picture is as wide as the numbers
// of micro-batches need.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Picture.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

using namespace pp::schedule;

namespace {
constexpr double kLeft = 64, kRight = 96, kTop = 40, kTitle = 26, kAxis = 36;
constexpr double kDigit = 7; ///< width of a digit in pixels

struct Colour {
  Kind kind;
  const char *fill;
  const char *meaning;
};
constexpr Colour kColours[] = {
    {Kind::Forward, "#7aa6dc", "forward"},
    {Kind::Backward, "#8fc98b", "backward"},
    {Kind::InputGradient, "#f0c368", "input gradient"},
    {Kind::WeightGradient, "#c59bd4", "weight gradient"},
};

const Colour &colourOf(Kind kind) {
  for (const Colour &colour : kColours)
    if (colour.kind == kind)
      return colour;
  return kColours[0];
}

[[gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
  va_end(arguments);
  return buffer;
}

std::string escape(const std::string &text) {
  std::string result;
  for (char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else
      result += c;
  }
  return result;
}

/// A step of 1, 2 or 5 times a power of ten that gives about `count` ticks.
double tickStep(double span, int count) {
  double raw = span / count;
  double power = std::pow(10, std::floor(std::log10(raw)));
  for (double factor : {1.0, 2.0, 5.0})
    if (raw <= factor * power)
      return factor * power;
  return 10 * power;
}

/// The colour of a stage that is the k-th of its rank.
std::string shade(const char *fill, size_t k) {
  unsigned red, green, blue;
  std::sscanf(fill, "#%2x%2x%2x", &red, &green, &blue);
  const double light =
      std::pow(0.8, static_cast<double>(std::min<size_t>(k, 4)));
  return format("#%02x%02x%02x", static_cast<unsigned>(red * light),
                static_cast<unsigned>(green * light),
                static_cast<unsigned>(blue * light));
}

std::vector<int32_t> stagesOf(const std::vector<TimedAction> &row) {
  std::vector<int32_t> stages;
  for (const TimedAction &timed : row)
    stages.push_back(timed.action.stage);
  std::sort(stages.begin(), stages.end());
  stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
  return stages;
}

/// So wide that numbers fit into all but the shortest quarter of actions,
/// within what a browser still draws.
double chooseWidth(const std::vector<Panel> &panels, double span) {
  std::vector<double> lengths;
  int32_t microbatches = 1;
  for (const Panel &panel : panels)
    for (const auto &row : panel.timeline.ranks)
      for (const TimedAction &timed : row) {
        lengths.push_back(timed.end - timed.start);
        microbatches = std::max(microbatches, timed.action.microbatch);
      }
  if (lengths.empty())
    return 1600;
  auto small = lengths.begin() + static_cast<long>(lengths.size() / 4);
  std::nth_element(lengths.begin(), small, lengths.end());
  const double digits =
      static_cast<double>(std::to_string(microbatches).size());
  const double needed =
      *small > 0 ? kLeft + kRight + span / *small * (kDigit * digits + 3) : 0;
  return std::clamp(needed, 1600.0, 12000.0);
}

std::string drawLegend(const std::vector<Panel> &panels) {
  std::string svg =
      format("<rect x=\"%.0f\" y=\"12\" width=\"14\" height=\"14\" "
             "fill=\"#f1f1f1\" stroke=\"#444\" stroke-width=\"0.5\"/>"
             "<text x=\"%.0f\" y=\"24\">idle</text>\n",
             kLeft, kLeft + 20);
  double x = kLeft + 80;
  for (const Colour &colour : kColours) {
    bool used = false;
    for (const Panel &panel : panels)
      for (const auto &row : panel.timeline.ranks)
        for (const TimedAction &timed : row)
          used |= timed.action.kind == colour.kind;
    if (!used)
      continue;
    svg += format("<rect x=\"%.0f\" y=\"12\" width=\"14\" height=\"14\" "
                  "fill=\"%s\" stroke=\"#444\" stroke-width=\"0.5\"/>"
                  "<text x=\"%.0f\" y=\"24\">%c: %s</text>\n",
                  x, colour.fill, x + 20, static_cast<char>(colour.kind),
                  colour.meaning);
    x += 160;
  }
  return svg;
}

std::string drawAction(const TimedAction &timed, size_t stageOfRank,
                       double scale, double y, double height,
                       const std::string &unit) {
  const double x = kLeft + timed.start * scale;
  const double width = std::max((timed.end - timed.start) * scale, 0.2);
  std::string svg =
      format("<g><title>%s: %.6g to %.6g%s%s</title>"
             "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
             "fill=\"%s\" stroke=\"#444\" stroke-width=\"0.5\"/>",
             toString(timed.action).c_str(), timed.start, timed.end,
             unit.empty() ? "" : " ", unit.c_str(), x, y + 2, width, height - 4,
             shade(colourOf(timed.action.kind).fill, stageOfRank).c_str());
  const std::string label = std::to_string(timed.action.microbatch);
  if (kDigit * static_cast<double>(label.size()) + 2 <= width)
    svg += format("<text x=\"%.2f\" y=\"%.1f\" text-anchor=\"middle\">%s"
                  "</text>",
                  x + width / 2, y + height / 2 + 4, label.c_str());
  return svg + "</g>\n";
}
/// Idle time has the colour of the background, and tells its reason.
std::string drawIdle(const Idle &idle, double scale, double y, double height) {
  std::string svg = format("<g><title>idle, %s: %.6g to %.6g",
                           toString(idle.reason), idle.start, idle.end);
  if (idle.waitsFor)
    svg += ", waits for " + toString(*idle.waitsFor);
  return svg + format("</title><rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
                      "height=\"%.1f\" fill=\"#f1f1f1\"/></g>\n",
                      kLeft + idle.start * scale, y + 2,
                      (idle.end - idle.start) * scale, height - 4);
}
} // namespace

std::string pp::schedule::drawSvg(const std::vector<Panel> &panels,
                                  const SvgOptions &options) {
  double span = 0;
  double height = kTop + kAxis;
  for (const Panel &panel : panels) {
    span = std::max(span, panel.timeline.makespan);
    height += kTitle + options.rowHeight *
                           static_cast<double>(panel.timeline.ranks.size());
  }
  const double picture =
      options.width > 0 ? options.width : chooseWidth(panels, span);
  const double scale = span > 0 ? (picture - kLeft - kRight) / span : 0;

  std::string svg =
      format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
             "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
             picture, height, picture, height);
  svg += drawLegend(panels);
  double y = kTop;
  for (const Panel &panel : panels) {
    const Timeline &timeline = panel.timeline;
    svg += format("<text x=\"%.0f\" y=\"%.1f\" font-weight=\"bold\">", kLeft,
                  y + 17) +
           escape(panel.title) + "</text>\n";
    y += kTitle;
    for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
      svg += format("<text x=\"8\" y=\"%.1f\">rank %zu</text>"
                    "<rect x=\"%.0f\" y=\"%.1f\" width=\"%.2f\" "
                    "height=\"%.1f\" fill=\"#f1f1f1\"/>\n",
                    y + options.rowHeight / 2 + 4, rank, kLeft, y + 2,
                    timeline.makespan * scale, options.rowHeight - 4);
      if (rank < timeline.idle.size())
        for (const Idle &idle : timeline.idle[rank])
          svg += drawIdle(idle, scale, y, options.rowHeight);
      const std::vector<int32_t> stages = stagesOf(timeline.ranks[rank]);
      for (const TimedAction &timed : timeline.ranks[rank]) {
        auto place =
            std::lower_bound(stages.begin(), stages.end(), timed.action.stage);
        svg += drawAction(timed, static_cast<size_t>(place - stages.begin()),
                          scale, y, options.rowHeight, options.unit);
      }
      if (rank < timeline.bubble.size())
        svg += format("<text x=\"%.1f\" y=\"%.1f\">%.1f %% idle</text>\n",
                      picture - kRight + 8, y + options.rowHeight / 2 + 4,
                      100 * timeline.bubble[rank]);
      y += options.rowHeight;
    }
  }
  if (span > 0) {
    const double step = tickStep(span, static_cast<int>(picture / 130));
    for (int tick = 0; tick * step <= span; ++tick)
      svg += format("<line x1=\"%.2f\" y1=\"%.1f\" x2=\"%.2f\" y2=\"%.1f\" "
                    "stroke=\"#888\"/><text x=\"%.2f\" y=\"%.1f\" "
                    "text-anchor=\"middle\">%g%s%s</text>\n",
                    kLeft + tick * step * scale, y + 2,
                    kLeft + tick * step * scale, y + 8,
                    kLeft + tick * step * scale, y + 22, tick * step,
                    options.unit.empty() ? "" : " ", options.unit.c_str());
  }
  return svg + "</svg>\n";
}
