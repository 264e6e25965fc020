//===- GeneratorsTest.cpp - The formulas of each schedule -----------------===//
//
// By property, for all ranks and micro-batches of a range: what the generators'
// files promise is what the simulator finds. Times are integers, so that
// sums are exact and formulas can be compared with ==.
//
//===----------------------------------------------------------------------===//

#include "pp/Schedule/Generators.h"
#include "pp/Schedule/Simulator.h"
#include "pp/Schedule/Verifier.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

using namespace pp::schedule;

namespace {
struct Times {
  double f, i, w;
};
// Balanced, backward twice the forward, forward the longest, W the longest.
constexpr Times kTimes[] = {{1, 1, 1}, {2, 3, 1}, {7, 2, 3}, {3, 4, 9}};

void forAll(const std::function<void(int p, int m)> &body) {
  for (int p = 1; p <= 16; ++p)
    for (int m = 1; m <= 64; ++m) {
      body(p, m);
      if (testing::Test::HasFailure())
        FAIL() << "at p = " << p << ", m = " << m;
    }
}

Timeline run(const char *name, int p, int m, bool split, Times t) {
  Result<Schedule> schedule = generate(name, {p, m, split});
  EXPECT_TRUE(schedule) << schedule.error();
  Result<Timeline> timeline =
      simulate(*schedule, Costs::uniform(p, t.f, t.i, t.w));
  EXPECT_TRUE(timeline) << timeline.error();
  return *timeline;
}
} // namespace

TEST(Generators, EverySettingIsLegal) {
  for (const std::string &name : names())
    for (bool split : {false, true})
      forAll([&](int p, int m) {
        Result<Schedule> schedule = generate(name, {p, m, split});
        ASSERT_TRUE(schedule) << schedule.error();
        EXPECT_EQ(schedule->name, name);
        for (const std::string &problem : verify(*schedule))
          ADD_FAILURE() << name << ": " << problem;
      });
}

TEST(Generators, GPipe) {
  for (Times t : kTimes)
    forAll([&](int p, int m) {
      Timeline full = run("gpipe", p, m, false, t);
      EXPECT_EQ(full.makespan, (m + p - 1) * (t.f + t.i + t.w));
      EXPECT_NEAR(full.meanBubble(), (p - 1.0) / (m + p - 1), 1e-12);
      Timeline split = run("gpipe", p, m, true, t);
      EXPECT_EQ(split.makespan,
                (m + p - 1) * t.f + m * (t.i + t.w) + (p - 1) * t.i);
      for (int r = 0; r < p; ++r) {
        EXPECT_EQ(full.peakActivations[r], m);
        EXPECT_EQ(split.peakActivations[r], m);
      }
    });
}

TEST(Generators, OneForwardOneBackward) {
  for (Times t : kTimes)
    forAll([&](int p, int m) {
      Timeline full = run("1f1b", p, m, false, t);
      EXPECT_EQ(full.makespan, (m + p - 1) * (t.f + t.i + t.w));
      EXPECT_NEAR(full.meanBubble(), (p - 1.0) / (m + p - 1), 1e-12);
      Timeline split = run("1f1b", p, m, true, t);
      EXPECT_EQ(split.makespan,
                m * (t.f + t.i + t.w) + (p - 1) * (t.f + t.i));
      for (int r = 0; r < p; ++r) {
        EXPECT_EQ(full.peakActivations[r], std::min(p - r, m));
        EXPECT_EQ(split.peakActivations[r], std::min(p - r, m));
      }
    });
}

TEST(Generators, OrderOfOneForwardOneBackward) {
  Result<Schedule> schedule = generate("1f1b", {2, 3, false});
  ASSERT_TRUE(schedule);
  EXPECT_EQ(printCSV(*schedule), "0F0,0F1,0B0,0F2,0B1,0B2\n"
                                 "1F0,1B0,1F1,1B1,1F2,1B2\n");
  schedule = generate("1f1b", {2, 1, true});
  ASSERT_TRUE(schedule);
  EXPECT_EQ(printCSV(*schedule), "0F0,0I0,0W0\n1F0,1I0,1W0\n");
}

// Zero Bubble Pipeline Parallelism (arXiv 2401.10241), table 5 from the times
// in table 6, whose bubble rate is 1 - m (F + B + W) / cost.
TEST(Generators, ZeroBubblePaper1F1B) {
  struct Row {
    double f, b, w, t, expected;
  };
  for (Row row : {Row{18.522, 18.086, 9.337, 0.601, 0.2431},
                  Row{29.718, 29.444, 19.927, 0.527, 0.2347}}) {
    Result<Schedule> schedule = generate("1f1b", {8, 24, false});
    ASSERT_TRUE(schedule);
    Result<Timeline> timeline = simulate(
        *schedule, Costs::uniform(8, row.f, row.b, row.w, row.t));
    ASSERT_TRUE(timeline);
    EXPECT_NEAR(timeline->meanBubble(), row.expected, 0.5e-4);
  }
}

TEST(Generators, Errors) {
  EXPECT_EQ(generate("1f2b", {2, 2, false}).error(),
            "found schedule name '1f2b', expected one of 'gpipe', '1f1b'");
  for (const std::string &name : names()) {
    EXPECT_EQ(generate(name, {0, 4, false}).error(),
              "found 0 ranks, expected at least 1");
    EXPECT_EQ(generate(name, {4, 0, false}).error(),
              "found 0 micro-batches, expected at least 1");
  }
}
