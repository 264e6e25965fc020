//===- Page.cpp - Curves as a page ----------------------------------------===//
//
// The page is Page/page.html with style, script and data in its places. Numbers
// have six digits, more than any screen shows.
//
//===----------------------------------------------------------------------===//

#include "Output.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace pp::plot;
using Json = nlohmann::ordered_json;

static const char *const kHtml =
#include "page.html.inc"
    ;
static const char *const kStyle =
#include "page.css.inc"
    ;
static const char *const kScript =
#include "page.js.inc"
    ;

/// As short as a number of six digits can be.
static Json shortened(double value) {
  if (!std::isfinite(value))
    return nullptr;
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::strtod(text, nullptr);
}

static Json shortened(const std::vector<double> &values) {
  Json list = Json::array();
  for (double value : values)
    list.push_back(shortened(value));
  return list;
}

static Json describe(const Run &run, const std::vector<Metric> &metrics,
                     size_t atMost) {
  const Points points = reduce(run, metrics, atMost);
  Json result = {{"every", points.every}, {"x", Json::object()}};
  for (auto [axis, name] :
       {std::pair(Axis::Step, "step"), std::pair(Axis::Tokens, "tokens"),
        std::pair(Axis::Time, "time")}) {
    const std::vector<double> &along = run.along(axis);
    if (along.empty())
      continue;
    Json &list = result["x"][name] = Json::array();
    for (size_t row : points.rows)
      if (axis == Axis::Time)
        list.push_back(shortened(along[row]));
      else
        list.push_back(uint64_t(along[row]));
  }
  for (const Points::Column &column : points.columns) {
    Json &own =
        result[fieldOf(column.metric)] = {{"mean", shortened(column.mean)}};
    if (points.every > 1) {
      own["least"] = shortened(column.least);
      own["most"] = shortened(column.most);
    }
  }
  return result;
}

/// `text` where HTML expects text.
static std::string escape(const std::string &text) {
  std::string result;
  for (char c : text)
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else
      result += c;
  return result;
}

std::string pp::plot::page(const std::vector<Run> &runs, const View &view) {
  const char *axes[] = {"step", "tokens", "time"};
  Json data = {{"axis", axes[size_t(view.axis)]},
               {"log", view.isLogarithmic},
               {"span", view.span},
               {"runs", Json::array()}};
  for (const Colour &colour : kColours)
    data["colours"].push_back({colour.onLight, colour.onDark});
  for (const Run &run : runs)
    data["runs"].push_back(
        {{"name", run.name},
         {"lines", run.steps.size()},
         {"notes", run.notes},
         {"train", describe(run,
                            {Metric::Loss, Metric::GradientNorm,
                             Metric::LearningRate, Metric::TokensPerSecond},
                            view.points)},
         {"eval", describe(run, {Metric::EvalLoss}, view.points)}});
  std::string json = data.dump(-1, ' ', /*ensure_ascii=*/false,
                               nlohmann::json::error_handler_t::replace);
  // A name may not end the script that it stands in.
  std::string safe;
  for (char c : json)
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  // Places are looked for in the page alone, not in what came into others.
  const std::pair<const char *, std::string> places[] = {
      {"{{title}}", escape(view.title)},
      {"{{style}}", kStyle},
      {"{{data}}", safe},
      {"{{script}}", kScript}};
  std::string rest = kHtml, result;
  for (size_t begin; (begin = rest.find("{{")) != std::string::npos;) {
    const size_t end = rest.find("}}", begin) + 2;
    const std::string name = rest.substr(begin, end - begin);
    result += rest.substr(0, begin);
    for (const auto &[place, text] : places)
      if (name == place)
        result += text;
    rest = rest.substr(end);
  }
  return result + rest;
}
