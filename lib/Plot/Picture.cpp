//===- Picture.cpp - Curves as SVG ----------------------------------------===//
//
// The loss above, what explains it below. A curve has two points for each
// column of pixels, the least and the greatest value there, so that a picture
// of a million steps is as small as that of a thousand and shows every spike.
//
//===----------------------------------------------------------------------===//

#include "Output.h"
#include "pp/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace pp::plot;
using pp::format;

namespace {
constexpr double kWidth = 1000, kEdge = 16, kGap = 24;
constexpr double kLeft = 52, kBottom = 24, kHeading = 24;
constexpr double kLetter = 7, kLine = 20;

/// What of UTF-8 XML cannot have becomes a question mark.
std::string escape(const std::string &text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80   ? 1
                          : c < 0xc2 ? 0
                          : c < 0xe0 ? 2
                          : c < 0xf0 ? 3
                          : c < 0xf5 ? 4
                                     : 0;
    bool isWhole = length > 0 && i + length <= text.size() && c >= 0x20;
    for (size_t k = 1; isWhole && k < length; ++k)
      isWhole = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (!isWhole)
      result += '?';
    else if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else
      result += text.substr(i, length);
    i += isWhole ? length : 1;
  }
  return result;
}

/// Runs' colours, by class c0, c1, ... A page's script does the same.
size_t colourOf(size_t run) { return run % std::size(kColours); }
const char *dashesOf(size_t run) {
  const char *patterns[] = {"", "7 3", "2 3", "9 3 2 3"};
  return patterns[run / std::size(kColours) % std::size(patterns)];
}

/// The mark of a run: circle, square, triangle, diamond.
std::string mark(size_t run, double x, double y) {
  const char *shapes[] = {"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
                          "m-3 -3h6v6h-6z", "m0 -4l3.6 6.5h-7.2z",
                          "m0 -4.4l3.6 4.4l-3.6 4.4l-3.6 -4.4z"};
  return format("M%.1f %.1f%s", x, y, shapes[run % std::size(shapes)]);
}

/// A rectangle of pixels with scales on two sides.
class Chart {
public:
  Chart(double left, double top, double width, double height)
      : left(left + kLeft), top(top + kHeading), width(width - kLeft),
        height(height - kHeading - kBottom) {}

  Scale x, y;

  /// Grid, labels and title, behind the curves.
  std::string frame(const std::string &title, const std::string &below) const {
    std::string svg = format("<text class=\"heading\" x=\"%.1f\" y=\"%.1f\">",
                             left, top - 8) +
                      escape(title) + "</text>\n";
    for (const Scale::Tick &tick : y.ticks(int(height / 45))) {
      const double at = yOf(tick.value);
      svg += format("<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/><text "
                    "x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                    left, at, width, left - 6, at + 4, tick.label.c_str());
    }
    for (const Scale::Tick &tick : x.ticks(int(width / 75)))
      svg += format("<text x=\"%.1f\" y=\"%.1f\" "
                    "text-anchor=\"middle\">%s</text>\n",
                    xOf(tick.value), top + height + 16, tick.label.c_str());
    svg += format("<path class=\"axis\" d=\"M%.1f %.1fh%.1f\"/>", left,
                  top + height, width);
    return svg + format("<text class=\"faint\" x=\"%.1f\" y=\"%.1f\" "
                        "text-anchor=\"end\">%s</text>\n",
                        left + width, top - 8, below.c_str());
  }

  std::string curve(const std::vector<double> &along,
                    const std::vector<double> &values, const std::string &kind,
                    size_t run) const {
    std::string path;
    bool isDown = false;
    for (size_t i = 0; i < values.size();) {
      const double column = columnOf(along[i]);
      double first = NAN, last = NAN, least = NAN, most = NAN;
      for (; i < values.size() && columnOf(along[i]) == column; ++i) {
        const double at = yOf(values[i]);
        if (std::isnan(at))
          continue;
        first = std::isnan(first) ? at : first;
        last = at;
        least = std::isnan(least) ? at : std::min(least, at);
        most = std::isnan(most) ? at : std::max(most, at);
      }
      if (std::isnan(first)) {
        isDown = false;
        continue;
      }
      double before = NAN;
      for (double at : {first, least, most, last}) {
        if (at != before)
          path += format("%c%.1f %.1f", isDown ? 'L' : 'M', column, at);
        isDown = true;
        before = at;
      }
    }
    const std::string dashes = dashesOf(run);
    return format("<path class=\"%s c%zu\"", kind.c_str(), colourOf(run)) +
           (dashes.empty() ? "" : " stroke-dasharray=\"" + dashes + "\"") +
           " d=\"" + path + "\"/>\n";
  }
  double xOf(double value) const { return left + width * x.place(value); }
  double yOf(double value) const { return top + height * (1 - y.place(value)); }

private:
  /// Two columns a pixel, for sharp screens.
  double columnOf(double value) const { return std::round(2 * xOf(value)) / 2; }

  double left, top, width, height;
};
} // namespace

static std::string style() {
  std::string light, dark;
  for (size_t i = 0; i < std::size(kColours); ++i) {
    light += format(".c%zu{stroke:%s}", i, kColours[i].onLight);
    dark += format(".c%zu{stroke:%s}", i, kColours[i].onDark);
  }
  return "<style>\n"
         "text{font:12px system-ui,sans-serif;fill:#555}"
         ".heading{font-weight:600;font-size:13px;fill:#222}"
         ".title{font-weight:600;font-size:16px;fill:#222}"
         ".faint{fill:#767676}.paper{fill:#fff}"
         ".grid{stroke:#e6e6e6}.axis{stroke:#aaa}"
         ".raw,.mean,.eval{fill:none;stroke-linejoin:round}"
         ".raw{stroke-opacity:.35}.mean{stroke-width:2}.eval{stroke-width:1.4}"
         ".mark{fill:#fff;stroke-width:1.4}\n" +
         light +
         "\n@media(prefers-color-scheme:dark){"
         "text{fill:#bbb}.heading,.title{fill:#eee}.faint{fill:#999}"
         ".paper,.mark{fill:#16181d}.grid{stroke:#2c2f36}.axis{stroke:#666}" +
         dark + "}\n</style>\n";
}

/// Rows of names with their lines; returns the height.
static double legend(const std::vector<Run> &runs, double top,
                     std::string &svg) {
  double x = kEdge, y = top;
  for (size_t run = 0; run < runs.size(); ++run) {
    // Bytes are at least letters.
    const double wide = 44 + kLetter * double(runs[run].name.size());
    if (x > kEdge && x + wide > kWidth - kEdge) {
      x = kEdge;
      y += kLine;
    }
    const char *dashes = dashesOf(run);
    svg += format("<path class=\"mean c%zu\" %s%s%s d=\"M%.1f %.1fh26\"/>",
                  colourOf(run), *dashes ? "stroke-dasharray=\"" : "", dashes,
                  *dashes ? "\"" : "", x, y - 4);
    svg += format("<path class=\"mark c%zu\" d=\"%s\"/>", colourOf(run),
                  mark(run, x + 13, y - 4).c_str());
    svg += format("<text x=\"%.1f\" y=\"%.1f\">", x + 32, y) +
           escape(runs[run].name) + "</text>\n";
    x += wide;
  }
  return y + kLine - top;
}

namespace {
struct Panel {
  const char *title;
  Metric metric;
  bool hasEval;
  double x, y, width, height;
};
} // namespace

static std::string draw(const Panel &panel, const std::vector<Run> &runs,
                        const View &view) {
  Chart chart(panel.x, panel.y, panel.width, panel.height);
  chart.y.isLogarithmic =
      view.isLogarithmic &&
      (panel.metric == Metric::Loss || panel.metric == Metric::GradientNorm);
  const bool isSpeed = panel.metric == Metric::TokensPerSecond;
  if (isSpeed)
    chart.y.add(0);
  for (const Run &run : runs) {
    for (double value : run.along(view.axis))
      chart.x.add(value);
    for (double value : run.of(panel.metric))
      chart.y.add(value);
    if (panel.hasEval)
      for (double value : run.of(Metric::EvalLoss))
        chart.y.add(value);
  }
  if (!(chart.x.low < chart.x.high))
    chart.x.pad(0.05);
  const double least = chart.y.low;
  chart.y.pad(0.04);
  if (isSpeed && least == 0)
    chart.y.low = 0;
  const char *axes[] = {"steps", "tokens", "seconds"};
  std::string svg = chart.frame(panel.title, axes[size_t(view.axis)]);
  const bool isSmooth = view.span > 0 && panel.metric != Metric::LearningRate;
  for (size_t run = 0; run < runs.size(); ++run) {
    const std::vector<double> &along = runs[run].along(view.axis);
    const std::vector<double> &values = runs[run].of(panel.metric);
    if (isSmooth)
      svg += chart.curve(along, values, "raw", run);
    svg += chart.curve(
        along, isSmooth ? smooth(runs[run].steps, values, view.span) : values,
        "mean", run);
  }
  if (!panel.hasEval)
    return svg;
  for (size_t run = 0; run < runs.size(); ++run) {
    const std::vector<double> &values = runs[run].of(Metric::EvalLoss);
    std::vector<double> along, present;
    std::string marks;
    double before = -1e9;
    for (size_t i = 0; i < values.size(); ++i) {
      const double y = chart.yOf(values[i]);
      if (std::isnan(y))
        continue;
      along.push_back(runs[run].along(view.axis)[i]);
      present.push_back(values[i]);
      // Marks that would lie on each other are left out.
      if (chart.xOf(along.back()) - before < 8)
        continue;
      before = chart.xOf(along.back());
      marks += mark(run, before, y);
    }
    if (present.empty())
      continue;
    svg += chart.curve(along, present, "eval", run) +
           format("<path class=\"mark c%zu\" d=\"", colourOf(run)) + marks +
           "\"/>\n";
  }
  return svg;
}

std::string pp::plot::picture(const std::vector<Run> &runs, const View &view) {
  std::string body =
      format("<text class=\"title\" x=\"%.1f\" y=\"28\">", kEdge) +
      escape(view.title) + "</text>\n";
  double top = 52;
  top += legend(runs, top, body);
  bool hasEval = false;
  for (const Run &run : runs)
    for (double value : run.of(Metric::EvalLoss))
      hasEval |= !std::isnan(value);
  std::string lines = view.span > 0 ? "light: each step; dark: mean of about " +
                                          labelOf(2 * view.span) + " steps"
                                    : "";
  if (hasEval)
    lines += std::string(lines.empty() ? "" : "; ") + "marks: evaluation";
  if (!lines.empty()) {
    body += format("<text class=\"faint\" x=\"%.1f\" y=\"%.1f\">", kEdge, top) +
            lines + "</text>\n";
    top += kLine - 8;
  }
  constexpr double tall = 420, low = 210;
  constexpr double third = (kWidth - 2 * kEdge - 2 * kGap) / 3;
  const double second = top + tall + kGap;
  const Panel panels[] = {
      {"loss", Metric::Loss, true, kEdge, top, kWidth - 2 * kEdge, tall},
      {"gradient norm", Metric::GradientNorm, false, kEdge, second, third, low},
      {"learning rate", Metric::LearningRate, false, kEdge + third + kGap,
       second, third, low},
      {"tokens/s", Metric::TokensPerSecond, false, kEdge + 2 * (third + kGap),
       second, third, low}};
  for (const Panel &panel : panels)
    body += draw(panel, runs, view);
  const double height = second + low + kEdge;
  return format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
                "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
                kWidth, height, kWidth, height) +
         style() +
         format("<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n",
                kWidth, height) +
         body + "</svg>\n";
}
