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
constexpr Times kUnit = {1, 1, 1};

void forAll(const std::function<void(int p, int m)> &body) {
  for (int p = 1; p <= 16; ++p)
    for (int m = 1; m <= 64; ++m) {
      body(p, m);
      if (testing::Test::HasFailure())
        FAIL() << "at p = " << p << ", m = " << m;
    }
}

Timeline run(const char *name, const Setting &setting, Times t) {
  Result<Schedule> schedule = generate(name, setting);
  EXPECT_TRUE(schedule) << schedule.error();
  Result<Timeline> timeline =
      simulate(*schedule, Costs::uniform(schedule->stages, t.f, t.i, t.w));
  EXPECT_TRUE(timeline) << timeline.error();
  return *timeline;
}

int maxPeak(const Timeline &timeline) {
  return *std::max_element(timeline.peakActivations.begin(),
                           timeline.peakActivations.end());
}

/// The longest time between a rank's first and last action.
double span(const Timeline &timeline) {
  double longest = 0;
  for (const auto &row : timeline.ranks)
    longest = std::max(longest, row.back().end - row.front().start);
  return longest;
}
} // namespace

TEST(Generators, EverySettingIsLegal) {
  for (const std::string &name : names())
    for (bool split : {false, true})
      for (int v : {0, 1, 3})
        forAll([&](int p, int m) {
          if (v != 0 && (p > 8 || m > 24))
            return;
          bool any = name == "interleaved" || name == "looped-bfs";
          int own = hasOneStageARank(name) ? 1 : 2;
          Result<Schedule> schedule = generate(name, {p, m, split, v});
          if (v != 0 && v != own && !any) {
            EXPECT_FALSE(schedule) << name;
            return;
          }
          if (name == "dualpipe-v" && m < 2 * p) {
            EXPECT_FALSE(schedule);
            return;
          }
          ASSERT_TRUE(schedule) << schedule.error();
          EXPECT_EQ(schedule->name, name);
          EXPECT_EQ(schedule->numRanks(), p);
          EXPECT_EQ(schedule->stages, p * (v ? v : own));
          for (const std::string &problem : verify(*schedule))
            ADD_FAILURE() << name << ", v = " << v << ": " << problem;
        });
}

TEST(Generators, GPipe) {
  for (Times t : kTimes)
    forAll([&](int p, int m) {
      Timeline full = run("gpipe", {p, m, false}, t);
      EXPECT_EQ(full.makespan, (m + p - 1) * (t.f + t.i + t.w));
      EXPECT_NEAR(full.meanBubble(), (p - 1.0) / (m + p - 1), 1e-12);
      Timeline split = run("gpipe", {p, m, true}, t);
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
      Timeline full = run("1f1b", {p, m, false}, t);
      EXPECT_EQ(full.makespan, (m + p - 1) * (t.f + t.i + t.w));
      EXPECT_NEAR(full.meanBubble(), (p - 1.0) / (m + p - 1), 1e-12);
      Timeline split = run("1f1b", {p, m, true}, t);
      EXPECT_EQ(split.makespan, m * (t.f + t.i + t.w) + (p - 1) * (t.f + t.i));
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

TEST(Generators, Interleaved) {
  for (Times t : kTimes)
    for (int v : {1, 2, 3})
      forAll([&](int p, int m) {
        if (v != 2 && (p > 8 || m > 24))
          return;
        Timeline timeline = run("interleaved", {p, m, false, v}, t);
        EXPECT_EQ(timeline.makespan,
                  ((v - 1) * std::max(m, p) + m + p - 1) * (t.f + t.i + t.w));
        if (m >= p)
          EXPECT_NEAR(timeline.meanBubble(), (p - 1.0) / (v * m + p - 1),
                      1e-12);
        const int groups = std::max(1, m / p);
        const int group = (m + groups - 1) / groups;
        for (int r = 0; r < p; ++r)
          EXPECT_EQ(timeline.peakActivations[r],
                    std::min(v * m, (v - 1) * group + 2 * (p - 1 - r) + 1));
      });
}

TEST(Generators, OrderOfInterleaved) {
  Result<Schedule> schedule = generate("interleaved", {2, 2, false});
  ASSERT_TRUE(schedule);
  EXPECT_EQ(schedule->placement, (std::vector<int32_t>{0, 1, 0, 1}));
  EXPECT_EQ(printCSV(*schedule), "0F0,0F1,2F0,2F1,2B0,2B1,0B0,0B1\n"
                                 "1F0,1F1,3F0,3B0,3F1,3B1,1B0,1B1\n");
}

TEST(Generators, LoopedBreadthFirst) {
  for (Times t : kTimes)
    for (int v : {1, 2, 3})
      forAll([&](int p, int m) {
        if (v != 2 && (p > 8 || m > 24))
          return;
        Timeline full = run("looped-bfs", {p, m, false, v}, t);
        EXPECT_EQ(full.makespan,
                  ((v - 1) * std::max(m, p) + m + p - 1) * (t.f + t.i + t.w));
        Timeline split = run("looped-bfs", {p, m, true, v}, t);
        EXPECT_EQ(split.makespan,
                  ((v - 1) * std::max(m, p) + m + p - 1) * t.f +
                      (v - 1) * std::max(m * (t.i + t.w), p * t.i) +
                      m * (t.i + t.w) + (p - 1) * t.i);
        for (int r = 0; r < p; ++r)
          EXPECT_EQ(full.peakActivations[r], v * m);
      });
}

TEST(Generators, ZeroBubbleH1) {
  for (Times t : {kTimes[0], kTimes[2], kTimes[3], Times{5, 9, 4},
                  Times{9, 5, 4}, Times{1, 9, 2}})
    forAll([&](int p, int m) {
      Timeline timeline = run("zb-h1", {p, m}, t);
      const double work = m * (t.f + t.i + t.w);
      if (m >= p)
        EXPECT_EQ(timeline.makespan,
                  work + (p - 1) * std::max({t.f, t.i, t.f + t.i - t.w}));
      if (t.w <= std::min(t.f, t.i))
        EXPECT_EQ(timeline.makespan,
                  work + (p - 1) * (t.f + t.i) - (std::min(p, m) - 1) * t.w);
      for (int r = 0; r < p; ++r)
        EXPECT_EQ(timeline.peakActivations[r], std::min(p, m));
    });
}

TEST(Generators, ZeroBubbleH2) {
  for (Times t : {Times{1, 1, 1}, Times{2, 3, 1}, Times{3, 4, 2},
                  Times{5, 9, 4}, Times{9, 5, 4}})
    forAll([&](int p, int m) {
      Timeline timeline = run("zb-h2", {p, m}, t);
      if (m >= 2 * p - 1) {
        const double work = m * (t.f + t.i + t.w);
        EXPECT_EQ(timeline.makespan,
                  work + (p - 1) * std::max(t.f, t.f + t.i - 2 * t.w));
        if (t.f + t.i >= 2 * t.w)
          EXPECT_EQ(span(timeline), work + (p - 1) * (t.f + t.i - 2 * t.w));
      }
      for (int r = 0; r < p; ++r)
        EXPECT_EQ(timeline.peakActivations[r], std::min(2 * p - 1, m));
    });
}

TEST(Generators, ZeroBubbleV) {
  forAll([&](int p, int m) {
    Timeline timeline = run("zb-v", {p, m}, kUnit);
    if (m >= 2 * p - 1) {
      EXPECT_EQ(timeline.makespan, 6 * m + p - 1);
      EXPECT_EQ(span(timeline), 6 * m) << "no bubble inside a rank";
    }
    EXPECT_LE(timeline.makespan, 6 * m + 4 * (p - 1));
    for (int r = 0; r < p; ++r)
      if (m >= 2 * p - 1)
        EXPECT_EQ(timeline.peakActivations[r], 2 * p);
      else
        EXPECT_LE(timeline.peakActivations[r], 2 * std::min(p, m));
  });
}

TEST(Generators, DualPipeV) {
  forAll([&](int p, int m) {
    if (m < 2 * p)
      return;
    Timeline timeline = run("dualpipe-v", {p, m}, kUnit);
    EXPECT_EQ(timeline.makespan, 6 * m + p - 1);
    for (int r = 0; r < p; ++r)
      EXPECT_EQ(timeline.peakActivations[r], 2 * p + 1);
  });
}

TEST(Generators, VHalf) {
  forAll([&](int p, int m) {
    Timeline timeline = run("v-half", {p, m}, kUnit);
    EXPECT_LE(timeline.makespan, 6 * m + 4 * (p - 1));
    EXPECT_LE(maxPeak(timeline), std::min(2 * m, p + 3));
  });
}

TEST(Generators, VMin) {
  forAll([&](int p, int m) {
    Timeline timeline = run("v-min", {p, m}, kUnit);
    if (p > 1 && m > 1)
      EXPECT_EQ(timeline.makespan, 6 * m + 4 * p - 5 + (p % 3 ? 0 : 2));
    EXPECT_LE(maxPeak(timeline), std::min(2 * m, (p + 1) / 3 * 2 + 2));
  });
}

// Zero Bubble Pipeline Parallelism (arXiv 2401.10241), table 5 from the times
// in table 6, whose bubble rate is 1 - m (F + B + W) / cost.
TEST(Generators, ZeroBubblePaper) {
  struct Row {
    const char *name;
    double f, b, w, t, expected;
  };
  for (Row row : {Row{"1f1b", 18.522, 18.086, 9.337, 0.601, 0.2431},
                  Row{"zb-h1", 18.522, 18.086, 9.337, 0.601, 0.1585},
                  Row{"1f1b", 29.718, 29.444, 19.927, 0.527, 0.2347},
                  Row{"zb-h1", 29.718, 29.444, 19.927, 0.527, 0.1323}}) {
    Result<Schedule> schedule = generate(row.name, {8, 24, false});
    ASSERT_TRUE(schedule);
    Result<Timeline> timeline =
        simulate(*schedule, Costs::uniform(8, row.f, row.b, row.w, row.t));
    ASSERT_TRUE(timeline);
    EXPECT_NEAR(timeline->meanBubble(), row.expected, 0.5e-4) << row.name;
  }
}

TEST(Generators, Errors) {
  EXPECT_EQ(generate("1f2b", {2, 2, false}).error(),
            "found schedule name '1f2b', expected one of 'gpipe', '1f1b', "
            "'interleaved', 'looped-bfs', 'zb-h1', 'zb-h2', 'zb-v', 'v-half', "
            "'v-min', 'dualpipe-v'");
  for (const std::string &name : names()) {
    EXPECT_EQ(generate(name, {0, 4, false}).error(),
              "found 0 ranks, expected at least 1");
    EXPECT_EQ(generate(name, {4, 0, false}).error(),
              "found 0 micro-batches, expected at least 1");
  }
  EXPECT_EQ(generate("gpipe", {1 << 20, 1 << 20, false}).error(),
            "found 1048576 ranks with 1 stages each and 1048576 micro-batches, "
            "expected a product of at most 4194304");
  EXPECT_EQ(generate("1f1b", {4, 4, false, 2}).error(),
            "found 2 stages a rank for '1f1b', expected 1; 'interleaved' has "
            "several");
  EXPECT_EQ(generate("zb-v", {4, 4, false, 3}).error(),
            "found 3 stages a rank for 'zb-v', expected 2; 'interleaved' has "
            "any number");
  EXPECT_EQ(generate("looped-bfs", {4, 4, false, -1}).error(),
            "found -1 stages a rank for 'looped-bfs', expected at least 1");
  EXPECT_EQ(generate("dualpipe-v", {4, 5, false}).error(),
            "found 5 micro-batches for 4 ranks, expected at least 2 a rank "
            "under 'dualpipe-v': take 8 micro-batches or 2 ranks");
  EXPECT_EQ(generate("dualpipe-v", {4, 1, false}).error(),
            "found 1 micro-batches for 4 ranks, expected at least 2 a rank "
            "under 'dualpipe-v': take 8 micro-batches");
}
