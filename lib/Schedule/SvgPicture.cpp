//===- SvgPicture.cpp - Timelines as SVG ----------------------------------===//
//
// Kinds have colours; the stages of a rank have shades of them, later ones
// darker, as papers draw virtual stages. Idle time is pale, with a tint for its
// reason. The picture is as wide as the numbers of micro-batches need.
//
//===----------------------------------------------------------------------===//

#include "Scale.h"
#include "pp/Schedule/Picture.h"
#include "pp/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace pp::schedule;
using pp::format;

namespace {
constexpr double kLeft = 64, kRight = 96, kTop = 12, kTitle = 30, kAxis = 36;
constexpr double kHeading = 26, kLegend = 22, kFlights = 10, kTableRow = 20;
constexpr double kTableName = 250, kTableColumn = 92;
constexpr double kDigit = 7; ///< width of a digit in pixels
constexpr double kLetter = 6.6;

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

constexpr const char *kReduction = "#c9c9c9", *kOptimizer = "#4f9a6b";
constexpr const char *kSend = "#8e6bb0", *kReceive = "#b9a3d0";
constexpr const char *kGather = "#3f8f8f", *kScatter = "#c27d38";

const char *colourOf(IdleReason reason) {
  switch (reason) {
  case IdleReason::WarmUp:
    return "#eef2f7";
  case IdleReason::Transfer:
    return "#e2d6ee";
  case IdleReason::Imbalance:
    return "#fbe9d0";
  case IdleReason::CoolDown:
    return "#f1f1f1";
  case IdleReason::Parameters:
    return "#cfe8e6";
  case IdleReason::Gradients:
    return "#f5dcbf";
  case IdleReason::Runtime:
    return "#f2b3b3";
  }
  return "";
}

const char *colourOf(EndWork::Kind kind) {
  return kind == EndWork::Kind::Reduction ? kReduction : kOptimizer;
}

const Colour &colourOf(Kind kind) {
  for (const Colour &colour : kColours)
    if (colour.kind == kind)
      return colour;
  return kColours[0];
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
    else // control characters are not allowed in XML at all
      result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
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

/// Text that ends before the next column begins.
std::string shorten(const std::string &text, double width) {
  size_t letters = static_cast<size_t>(width / kLetter);
  if (text.size() <= letters)
    return text;
  letters -= 3;
  while (letters > 0 && (text[letters] & 0xc0) == 0x80)
    --letters; // not in the middle of a character
  return text.substr(0, letters) + "...";
}

struct LegendEntry {
  std::string fill, meaning;
};

/// What is drawn, in the order of the enumerations.
std::vector<LegendEntry> legendOf(const std::vector<Panel> &panels) {
  bool kinds[std::size(kColours)] = {}, reasons[7] = {}, ends[2] = {};
  bool flights = false, collectives[2] = {};
  for (const Panel &panel : panels) {
    for (const auto &row : panel.timeline.ranks)
      for (const TimedAction &timed : row)
        kinds[&colourOf(timed.action.kind) - kColours] = true;
    for (const auto &row : panel.timeline.idle)
      for (const Idle &idle : row)
        reasons[static_cast<size_t>(idle.reason)] = true;
    for (const auto &row : panel.timeline.ends)
      for (const EndWork &work : row)
        ends[static_cast<size_t>(work.kind)] = true;
    for (const auto &row : panel.flights)
      flights |= !row.empty();
    for (const auto &row : panel.timeline.collectives)
      for (const Collective &collective : row)
        collectives[static_cast<size_t>(collective.kind)] = true;
  }
  std::vector<LegendEntry> legend;
  for (size_t i = 0; i < std::size(kColours); ++i)
    if (kinds[i])
      legend.push_back({kColours[i].fill,
                        std::string(1, static_cast<char>(kColours[i].kind)) +
                            ": " + kColours[i].meaning});
  for (EndWork::Kind kind :
       {EndWork::Kind::Reduction, EndWork::Kind::Optimizer})
    if (ends[static_cast<size_t>(kind)])
      legend.push_back({colourOf(kind), toString(kind)});
  for (IdleReason reason :
       {IdleReason::WarmUp, IdleReason::Imbalance, IdleReason::CoolDown,
        IdleReason::Transfer, IdleReason::Parameters, IdleReason::Gradients,
        IdleReason::Runtime})
    if (reasons[static_cast<size_t>(reason)])
      legend.push_back(
          {colourOf(reason), std::string("idle: ") + toString(reason)});
  if (flights) {
    legend.push_back({kSend, "send in flight"});
    legend.push_back({kReceive, "receive in flight"});
  }
  if (collectives[0])
    legend.push_back({kGather, "gather of replicas"});
  if (collectives[1])
    legend.push_back({kScatter, "reduction of replicas"});
  return legend;
}

/// Draws the entries in as many lines as they need; `y` moves below them.
std::string drawLegend(const std::vector<Panel> &panels, double width,
                       double &y) {
  std::string svg;
  double x = kLeft;
  for (const LegendEntry &entry : legendOf(panels)) {
    const double extent =
        40 + kLetter * static_cast<double>(entry.meaning.size());
    if (x > kLeft && x + extent > width) {
      x = kLeft;
      y += kLegend;
    }
    svg +=
        format("<rect x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"14\" "
               "fill=\"%s\" stroke=\"#444\" stroke-width=\"0.5\"/>"
               "<text x=\"%.0f\" y=\"%.0f\">%s</text>\n",
               x, y, entry.fill.c_str(), x + 20, y + 12, entry.meaning.c_str());
    x += extent;
  }
  y += kLegend;
  return svg;
}

/// Where the time of each panel went: a row a panel, a column a reason.
std::string drawTable(const std::vector<Panel> &panels, const std::string &unit,
                      double &y) {
  std::vector<std::vector<Share>> rows;
  std::vector<bool> used;
  for (const Panel &panel : panels) {
    rows.push_back(panel.timeline.meanShares());
    used.resize(rows.back().size(), false);
    for (size_t i = 0; i < rows.back().size(); ++i)
      used[i] = used[i] || i == 0 || rows.back()[i].part > 0;
  }
  auto cell = [&](size_t column, const std::string &text) {
    return format("<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                  kLeft + kTableName +
                      kTableColumn * static_cast<double>(column + 1),
                  y, text.c_str());
  };
  auto percent = [](double part) { return format("%.2f %%", 100 * part); };
  y += kTableRow;
  std::string svg =
      format("<text x=\"%.0f\" y=\"%.1f\" font-weight=\"bold\">mean over the "
             "ranks</text>",
             kLeft, y) +
      cell(0, "makespan") + cell(1, "bubble");
  for (size_t i = 0, column = 2; i < used.size(); ++i)
    for (const std::vector<Share> &row : rows)
      if (used[i] && !row.empty()) {
        svg += cell(column++, row[i].name);
        break;
      }
  svg += "\n";
  for (size_t panel = 0; panel < panels.size(); ++panel) {
    y += kTableRow;
    const Timeline &timeline = panels[panel].timeline;
    svg += format("<text x=\"%.0f\" y=\"%.1f\">", kLeft, y) +
           escape(shorten(panels[panel].title, kTableName)) + "</text>" +
           cell(0, format("%.6g%s%s", timeline.makespan,
                          unit.empty() ? "" : " ", unit.c_str())) +
           cell(1, percent(timeline.meanBubble()));
    size_t column = 2;
    for (size_t i = 0; i < rows[panel].size(); ++i)
      if (used[i])
        svg += cell(column++, percent(rows[panel][i].part));
    svg += "\n";
  }
  y += kTableRow;
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

/// Idle time is pale, and tells its reason.
std::string drawIdle(const Idle &idle, double scale, double y, double height) {
  std::string svg = format("<g><title>idle, %s: %.6g to %.6g",
                           toString(idle.reason), idle.start, idle.end);
  if (idle.waitsFor)
    svg += ", waits for " + toString(*idle.waitsFor);
  else if (idle.reason == IdleReason::Parameters ||
           idle.reason == IdleReason::Gradients)
    svg += format(", waits for %s of replicas", toString(idle.reason));
  return svg + format("</title><rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
                      "height=\"%.1f\" fill=\"%s\"/></g>\n",
                      kLeft + idle.start * scale, y + 2,
                      (idle.end - idle.start) * scale, height - 4,
                      colourOf(idle.reason));
}

std::string drawEnd(const EndWork &work, double scale, double y,
                    double height) {
  return format("<g><title>%s: %.6g to %.6g</title><rect x=\"%.2f\" y=\"%.1f\" "
                "width=\"%.2f\" height=\"%.1f\" fill=\"%s\"/></g>\n",
                toString(work.kind), work.start, work.end,
                kLeft + work.start * scale, y + 2,
                std::max((work.end - work.start) * scale, 0.2), height - 4,
                colourOf(work.kind));
}

/// Sends and gathers above, receives and reductions below, in a lane of their
/// own.
std::string drawFlight(const std::string &label, double start, double end,
                       bool isBelow, const char *fill, double scale, double y) {
  const double half = kFlights / 2 - 1;
  return format("<g><title>%s: %.6g to %.6g</title>",
                escape(shorten(label, 400)).c_str(), start, end) +
         format("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
                "fill=\"%s\" fill-opacity=\"0.6\"/></g>\n",
                kLeft + start * scale, y + (isBelow ? half : 0),
                std::max((end - start) * scale, 0.2), half, fill);
}

std::string drawFlights(const Panel &panel, size_t rank, double scale,
                        double y) {
  std::string svg;
  if (rank < panel.flights.size())
    for (const Flight &flight : panel.flights[rank])
      svg +=
          drawFlight(flight.label, flight.start, flight.end, flight.isReceive,
                     flight.isReceive ? kReceive : kSend, scale, y);
  if (rank < panel.timeline.collectives.size())
    for (const Collective &each : panel.timeline.collectives[rank]) {
      const bool isGather = each.kind == Collective::Kind::Gather;
      svg += drawFlight(each.label, each.start, each.end, !isGather,
                        isGather ? kGather : kScatter, scale, y);
    }
  return svg;
}

/// What a rank spent its time on, for the pointer.
std::string describeShares(const Timeline &timeline, size_t rank) {
  std::string text = format("idle %.2f %%", 100 * timeline.bubble[rank]);
  const char *separator = ": ";
  for (const Share &share : timeline.shares(static_cast<int32_t>(rank)))
    if (share.part > 0) {
      text += format("%s%s %.2f %%", separator, share.name, 100 * share.part);
      separator = ", ";
    }
  return text;
}

/// One rank of a panel; `y` is its upper edge.
std::string drawRank(const Panel &panel, size_t rank, double scale, double y,
                     double picture, const SvgOptions &options) {
  const Timeline &timeline = panel.timeline;
  std::string svg = format("<text x=\"8\" y=\"%.1f\">rank %zu</text>"
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
    svg += drawAction(timed, static_cast<size_t>(place - stages.begin()), scale,
                      y, options.rowHeight, options.unit);
  }
  if (rank < timeline.ends.size())
    for (const EndWork &work : timeline.ends[rank])
      svg += drawEnd(work, scale, y, options.rowHeight);
  svg += drawFlights(panel, rank, scale, y + options.rowHeight - 1);
  if (rank < timeline.bubble.size() && rank < timeline.idle.size())
    svg += format("<text x=\"%.1f\" y=\"%.1f\">%.1f %% idle<title>%s</title>"
                  "</text>\n",
                  picture - kRight + 8, y + options.rowHeight / 2 + 4,
                  100 * timeline.bubble[rank],
                  describeShares(timeline, rank).c_str());
  return svg;
}

double rowHeightOf(const Panel &panel, const SvgOptions &options) {
  auto isDrawn = [](const auto &row) { return !row.empty(); };
  const bool hasFlights =
      std::any_of(panel.flights.begin(), panel.flights.end(), isDrawn) ||
      std::any_of(panel.timeline.collectives.begin(),
                  panel.timeline.collectives.end(), isDrawn);
  return options.rowHeight + (hasFlights ? kFlights : 0);
}
} // namespace

std::string pp::schedule::drawSvg(const std::vector<Panel> &panels,
                                  const SvgOptions &options) {
  double span = 0, rows = 0;
  for (const Panel &panel : panels) {
    span = std::max(span, panel.timeline.makespan);
    rows += kTitle + rowHeightOf(panel, options) *
                         static_cast<double>(panel.timeline.ranks.size());
  }
  const double picture =
      options.width > 0 ? options.width : chooseWidth(panels, span);
  const double scale = scaleOf(picture - kLeft - kRight, span);

  std::string svg;
  double y = kTop;
  if (!options.heading.empty()) {
    svg +=
        format("<text x=\"%.0f\" y=\"%.1f\" font-size=\"16\">", kLeft, y + 14) +
        escape(options.heading) + "</text>\n";
    y += kHeading;
  }
  svg += drawLegend(panels, picture, y);
  // Lines through all panels, so that the eye can compare them.
  const double step = scale > 0 ? tickStep(span, int(picture / 130)) : 0;
  const double top = y, bottom = y + rows;
  for (int tick = 0; step > 0 && tick * step <= span; ++tick)
    svg += format("<line x1=\"%.2f\" y1=\"%.1f\" x2=\"%.2f\" y2=\"%.1f\" "
                  "stroke=\"#dddddd\"/>\n",
                  kLeft + tick * step * scale, top, kLeft + tick * step * scale,
                  bottom);
  for (const Panel &panel : panels) {
    svg += format("<text x=\"%.0f\" y=\"%.1f\"><tspan font-weight=\"bold\">",
                  kLeft, y + 21) +
           escape(panel.title) + "</tspan>";
    if (!panel.notes.empty())
      svg +=
          "<tspan dx=\"12\" fill=\"#555\">" + escape(panel.notes) + "</tspan>";
    svg += "</text>\n";
    y += kTitle;
    for (size_t rank = 0; rank < panel.timeline.ranks.size(); ++rank) {
      svg += drawRank(panel, rank, scale, y, picture, options);
      y += rowHeightOf(panel, options);
    }
  }
  for (int tick = 0; step > 0 && tick * step <= span; ++tick)
    svg +=
        format("<line x1=\"%.2f\" y1=\"%.1f\" x2=\"%.2f\" y2=\"%.1f\" "
               "stroke=\"#888\"/><text x=\"%.2f\" y=\"%.1f\" "
               "text-anchor=\"middle\">%g%s%s</text>\n",
               kLeft + tick * step * scale, y + 2, kLeft + tick * step * scale,
               y + 8, kLeft + tick * step * scale, y + 22, tick * step,
               options.unit.empty() ? "" : " ", options.unit.c_str());
  y += kAxis;
  if (span > 0)
    svg += drawTable(panels, options.unit, y);
  return format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
                "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                picture, y, picture, y) +
         svg + "</svg>\n";
}
