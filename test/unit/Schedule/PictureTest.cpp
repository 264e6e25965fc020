//===- PictureTest.cpp ----------------------------------------------------===//

#include "pp/Schedule/Picture.h"
#include "pp/Schedule/Generators.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace pp::schedule;
using nlohmann::json;

static Timeline timelineOf(const char *name, int p, int m, bool split) {
  Result<Schedule> schedule = generate(name, {p, m, split});
  EXPECT_TRUE(schedule) << schedule.error();
  Result<Timeline> timeline = simulate(*schedule, Costs::uniform(p, 1, 1, 1));
  EXPECT_TRUE(timeline) << timeline.error();
  return *timeline;
}

static size_t count(const std::string &text, const std::string &what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + what.size()))
    ++n;
  return n;
}

/// Of the events of a trace, those with this value.
static int countEvents(const json &trace, const char *key, const char *value) {
  const json &events = trace["traceEvents"];
  return int(std::count_if(events.begin(), events.end(), [&](const json &e) {
    return e.contains(key) && e[key] == value;
  }));
}

TEST(Picture, Ascii) {
  AsciiOptions options;
  options.columns = 27;
  EXPECT_EQ(drawAscii(timelineOf("1f1b", 2, 2, false), options),
            "rank 0 |F0-F1-......B0----...B1----|  33.3 % idle\n"
            "rank 1 |...F0-B0----F1-B1----......|  33.3 % idle\n");
}

TEST(Picture, AsciiKeepsItsWidthWhenActionsDoNotFit) {
  AsciiOptions options;
  options.columns = 10;
  std::string text = drawAscii(timelineOf("gpipe", 1, 40, true), options);
  EXPECT_EQ(text.find("| "), std::string("rank 0 |").size() + 10) << text;
}

TEST(Picture, Svg) {
  Timeline timeline = timelineOf("1f1b", 4, 8, true);
  std::string svg = drawSvg({{"measured <1>", timeline}, {"model", timeline}});
  EXPECT_EQ(svg.substr(0, 4), "<svg");
  EXPECT_NE(svg.find("viewBox=\"0 0 "), std::string::npos)
      << "it scales with the page that shows it";
  EXPECT_EQ(svg.substr(svg.size() - 7), "</svg>\n");
  EXPECT_EQ(count(svg, "<title>") - count(svg, "<title>idle"), 2u * 4 * 8 * 3);
  EXPECT_EQ(count(svg, "<title>idle, warm-up: 0 to 1, waits for 0F0<"), 2u);
  EXPECT_EQ(count(svg, "<title>2I7: "), 2u);
  EXPECT_EQ(count(svg, ">rank 3<"), 2u);
  EXPECT_EQ(count(svg, "measured &lt;1&gt;"), 2u) << "heading and table";
  EXPECT_EQ(count(svg, "weight gradient"), 1u);
  EXPECT_EQ(count(svg, "B: backward"), 0u) << "no full backward is drawn";
  EXPECT_EQ(count(svg, "<g>"), count(svg, "</g>"));
  EXPECT_EQ(count(svg, "% idle"), 8u);
}

// All numbers are there at the sizes that people look at, in two shades where
// a rank has two stages.
TEST(Picture, SvgIsReadable) {
  for (auto [p, m] : {std::pair{4, 8}, {16, 64}})
    for (const char *name : {"1f1b", "zb-h1", "zb-v"}) {
      Result<Schedule> schedule = generate(name, {p, m, false});
      ASSERT_TRUE(schedule);
      Result<Timeline> timeline =
          simulate(*schedule, Costs::uniform(schedule->stages, 1, 1, 1));
      ASSERT_TRUE(timeline);
      std::string svg = drawSvg({{name, *timeline}});
      size_t actions = 0;
      for (const auto &row : schedule->ranks)
        actions += row.size();
      EXPECT_EQ(count(svg, "<title>") - count(svg, "<title>idle"), actions);
      EXPECT_GE(count(svg, "text-anchor=\"middle\""), actions) << name;
      EXPECT_EQ(count(svg, "#6184b0") > 0, std::string(name) == "zb-v");
    }
}

TEST(Picture, Trace) {
  Timeline timeline = timelineOf("1f1b", 2, 2, false);
  const json trace = json::parse(drawTrace({{"the \"model\"\n", timeline}}));
  EXPECT_EQ(trace["displayTimeUnit"], "ms");
  const json title = {{"ph", "M"},
                      {"name", "process_name"},
                      {"pid", 0},
                      {"tid", 0},
                      {"args", {{"name", "the \"model\"\n"}}}};
  const json action = {
      {"ph", "X"},       {"name", "1F0"},
      {"cat", "action"}, {"pid", 0},
      {"tid", 1},        {"ts", 1000},
      {"dur", 1000},     {"args", {{"stage", 1}, {"microbatch", 0}}}};
  const json &events = trace["traceEvents"];
  EXPECT_EQ(std::count(events.begin(), events.end(), title), 1) << trace;
  EXPECT_EQ(std::count(events.begin(), events.end(), action), 1) << trace;
  EXPECT_EQ(countEvents(trace, "cat", "action"), 8);
  EXPECT_EQ(countEvents(trace, "name", "idle: warm-up"), 2);
}

// Event by event: text that other tools search line by line.
TEST(Picture, TraceHasAnEventALine) {
  const std::string trace = drawTrace({{"m", timelineOf("1f1b", 2, 2, false)}});
  const json events = json::parse(trace)["traceEvents"];
  EXPECT_EQ(count(trace, "\n{\"ph\":"), events.size());
}

TEST(Picture, CollectivesOfReplicas) {
  Result<Schedule> schedule = generate("1f1b", {2, 2, false});
  ASSERT_TRUE(schedule);
  Costs costs = Costs::uniform(2, 1, 1, 1);
  costs.parameterGather = {0.5, 1};
  costs.gradientReduction = {2, 0};
  Result<Timeline> timeline = simulate(*schedule, costs);
  ASSERT_TRUE(timeline) << timeline.error();
  const std::string svg = drawSvg({{"replicas", *timeline}});
  EXPECT_EQ(count(svg, "<title>gather, stage 0: 0 to 0.5</title>"), 1u);
  EXPECT_EQ(count(svg, "<title>gather, stage 1: 0 to 1</title>"), 1u);
  EXPECT_EQ(count(svg, "<title>reduction, stage 0: 9.5 to 11.5</title>"), 1u);
  EXPECT_EQ(count(svg, "waits for parameters of replicas"), 1u);
  EXPECT_EQ(count(svg, "waits for gradients of replicas"), 2u);
  EXPECT_EQ(count(svg, ">gradients</text>"), 1u) << "a column of the table";
  const json trace = json::parse(drawTrace({{"replicas", *timeline}}));
  EXPECT_EQ(countEvents(trace, "cat", "collective"), 3);
  const json row = {{"ph", "M"},
                    {"name", "thread_name"},
                    {"pid", 0},
                    {"tid", 3},
                    {"args", {{"name", "rank 1, replicas"}}}};
  const json &events = trace["traceEvents"];
  EXPECT_EQ(std::count(events.begin(), events.end(), row), 1) << trace;
}

TEST(Picture, SvgOfNothing) {
  EXPECT_EQ(count(drawSvg({{"empty", Timeline()}}), "</svg>"), 1u);
}
