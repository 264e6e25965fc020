#include "LayerTimes.h"

#include "ProfileFile.h"
#include "Support.h"

#include <nlohmann/json.hpp>

using namespace pprt;
using nlohmann::json;

/// Two ranks with a layer each, of which the second computes its forward again.
static Description description() {
  Description d;
  d.name = "m";
  setPipe(d, 2);
  d.microbatches = 1;
  d.batch = 2;
  d.sequence = 8;
  d.layers = {{"a \"x\"", 5, 64, 400}, {"b", 6, 4, 0}};
  d.parts.resize(2);
  d.parts[0].byKind[size_t(ActionKind::Forward)] = {{0, 'F'}};
  d.parts[0].byKind[size_t(ActionKind::BackwardWeight)] = {{0, 'W'}};
  d.parts[1].byKind[size_t(ActionKind::Forward)] = {{1, 'F'}};
  // A half and the sum that it goes into.
  d.parts[1].byKind[size_t(ActionKind::Backward)] = {
      {1, 'R'}, {1, 'I'}, {1, 'W'}, {1, 'I'}};
  d.programs.resize(2);
  d.programs[0].actions = {{ActionKind::Forward, 0, 0, -1, "f"},
                           {ActionKind::Send, -1, 0, 1, "x"},
                           {ActionKind::BackwardWeight, 0, 0, -1, "w"},
                           {ActionKind::Update, -1, -1, -1, "p"}};
  d.programs[1].actions = {{ActionKind::Receive, -1, 0, 0, "x"},
                           {ActionKind::Forward, 1, 0, -1, "f"},
                           {ActionKind::Backward, 1, 0, -1, "b"}};
  Parameter p;
  p.name = "p";
  p.elements = 100;
  d.parameters = {p};
  return d;
}

static double secondsOf(const std::vector<MeasuredPart> &parts, int layer,
                        char kind) {
  for (const MeasuredPart &part : parts)
    if (part.layer == layer && part.kind == kind)
      return part.seconds;
  return -1;
}

TEST(LayerTimes, MarksGoToThePartsOfTheAction) {
  Description d = description();
  LayerTimes times(d, d.programs[1], /*warmUp=*/1, /*window=*/2);
  for (int64_t step = 0; step < 4; ++step) {
    // A begin long ago makes a part long, whatever the clock does.
    uint64_t begin = nowNs() - uint64_t(1e9) * uint64_t(10 * step + 1);
    times.beginAction(1, begin);
    times.mark();
    times.beginAction(2, begin);
    for (int i = 0; i < 4; ++i)
      times.mark();
    times.mark(); // one too many is ignored
    times.endStep(step);
  }
  std::vector<MeasuredPart> parts = times.measured();
  EXPECT_EQ(parts.size(), 4u);
  // The last two steps: 21 and 31 s from begin to the first mark.
  EXPECT_NEAR(secondsOf(parts, 1, 'F'), 26, 1);
  EXPECT_NEAR(secondsOf(parts, 1, 'R'), 26, 1);
  EXPECT_GE(secondsOf(parts, 1, 'I'), 0);
  EXPECT_LT(secondsOf(parts, 1, 'I'), 5);
  EXPECT_EQ(secondsOf(parts, 0, 'F'), -1);
}

TEST(LayerTimes, MedianIsInTheMiddle) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
}

TEST(ProfileFile, HasAllThatWasMeasured) {
  Description d = description();
  Measurements measured;
  measured.parts = {{{0, 'F', 1}, {0, 'W', 2}},
                    {{1, 'F', 3}, {1, 'R', 2.5}, {1, 'I', 4}, {1, 'W', 5}}};
  measured.transferBytes = {{0, 64, 0, 0}, {64, 0, 0}};
  auto ms = [](double time) { return uint64_t(time * 1e6); };
  for (int64_t step : {0, 2}) {
    // Of step 0 nothing counts.
    double scale = step == 0 ? 100 : 1;
    auto event = [&](Event::Kind kind, double begin, double end, int action) {
      return Event{ms(begin * scale), ms(end * scale), kind, action};
    };
    measured.steps.resize(2);
    measured.steps[0].push_back(
        {step,
         0,
         ms(20 * scale),
         {event(Event::Run, 0, 4, 0), event(Event::Transfer, 4, 9, 1),
          event(Event::Run, 10, 15, 2), event(Event::Report, 15, 17, -1),
          event(Event::Run, 17, 19, 3)}});
    measured.steps[1].push_back(
        {step,
         0,
         ms(20 * scale),
         {event(Event::Wait, 0, 7, 0), event(Event::Transfer, 1, 7, 0),
          event(Event::Run, 7, 17, 1), event(Event::Report, 17, 18, -1)}});
  }
  const std::string text = profileJson(d, measured, 3);
  // A layer a line, as the value that was sent; to nine digits.
  EXPECT_NE(text.find("\n    {\"layer\": \"a \\\"x\\\"\", \"flops\": "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n    {\"value\": "), std::string::npos) << text;
  EXPECT_NE(text.find("\"bandwidth\": 21333.3333,"), std::string::npos) << text;
  json root = json::parse(text);
  EXPECT_EQ(root["format"], 1);
  EXPECT_EQ(root["machine"]["threads"], 3);
  EXPECT_EQ(root["batch"], 2);
  EXPECT_EQ(root["step"], 0.02);
  EXPECT_EQ(root["exchange"], 0.001); // of the rank that came last
  EXPECT_EQ(root["update"]["bytes"], 400);
  // Rank 0: 20 - 4 - 5 - 2 of which the update is a part; rank 1: 20 - 18.
  EXPECT_NEAR(root["update"]["seconds"].get<double>(), 0.011, 1e-9);
  ASSERT_EQ(root["transfers"]["values"].size(), 1u);
  // From when both had posted to when the receiver had it.
  EXPECT_NEAR(root["transfers"]["values"][0]["seconds"].get<double>(), 0.003,
              1e-9);
  EXPECT_EQ(root["transfers"]["values"][0]["bytes"], 64);
  EXPECT_EQ(root["transfers"]["latency"], 0);
  EXPECT_NEAR(root["transfers"]["bandwidth"].get<double>(), 64 / 0.003, 1e-3);
  ASSERT_EQ(root["layers"].size(), 2u);
  EXPECT_EQ(root["layers"][0]["layer"], "a \"x\"");
  EXPECT_EQ(root["layers"][0]["W"], 2);
  EXPECT_FALSE(root["layers"][0].contains("I"));
  EXPECT_EQ(root["layers"][1]["R"], 2.5);

  measured.steps[1].clear();
  EXPECT_TRUE(json::parse(profileJson(d, measured, 1))["transfers"].is_null());
}

TEST(ProfileFile, LatencyNeedsTwoSizes) {
  Description d = description();
  d.programs[0].actions = {{ActionKind::Send, -1, 0, 1, "small"},
                           {ActionKind::Send, -1, 0, 1, "large"}};
  d.programs[1].actions = {{ActionKind::Receive, -1, 0, 0, "small"},
                           {ActionKind::Receive, -1, 0, 0, "large"}};
  Measurements measured;
  measured.parts.resize(2);
  measured.transferBytes = {{1000, 3000}, {1000, 3000}};
  measured.steps = {
      {{5,
        0,
        9000,
        {{0, 9000, Event::Transfer, 0}, {0, 9000, Event::Transfer, 1}}}},
      {{5,
        0,
        9000,
        {{0, 2000, Event::Transfer, 0}, {0, 4000, Event::Transfer, 1}}}}};
  json transfers = json::parse(profileJson(d, measured, 1))["transfers"];
  EXPECT_NEAR(transfers["latency"].get<double>(), 1e-6, 1e-12);
  EXPECT_NEAR(transfers["bandwidth"].get<double>(), 1e9, 1);
}
