#include "pp/Partitioning/Partitioning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

using namespace pp::partitioning;

static double bottleneck(const Problem &problem,
                         const std::vector<size_t> &ends) {
  double most = 0;
  size_t next = 0;
  for (size_t end : ends) {
    double sum = 0;
    for (; next != end; ++next)
      sum += problem.items[next].seconds;
    most = std::max(most, sum);
  }
  return most;
}

/// Calls `visit` with every way to cut the items.
template <typename F>
static void forEachCut(size_t items, int64_t stages, std::vector<size_t> &ends,
                       F visit) {
  if (static_cast<int64_t>(ends.size()) + 1 == stages) {
    ends.push_back(items);
    visit(ends);
    ends.pop_back();
    return;
  }
  for (size_t end = (ends.empty() ? 0 : ends.back()) + 1; end < items; ++end) {
    ends.push_back(end);
    forEachCut(items, stages, ends, visit);
    ends.pop_back();
  }
}

TEST(Partitioning, NoCutHasASmallerBottleneck) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    Problem problem;
    const size_t items = 1 + random() % 9;
    problem.stages = static_cast<int64_t>(1 + random() % items);
    for (size_t i = 0; i < items; ++i)
      problem.items.push_back(
          {double(random() % 20), double(random() % 5), -1});
    const std::vector<size_t> found = cut(problem);
    ASSERT_EQ(found.size(), static_cast<size_t>(problem.stages));
    EXPECT_EQ(found.back(), items);
    double best = std::numeric_limits<double>::infinity();
    std::vector<size_t> ends;
    forEachCut(items, problem.stages, ends, [&](const auto &each) {
      best = std::min(best, bottleneck(problem, each));
    });
    EXPECT_EQ(bottleneck(problem, found), best);
  }
}

TEST(Partitioning, FewerBytesThenMoreEven) {
  Problem problem;
  problem.stages = 2;
  problem.items = {{1, 0, -1}, {1, 8, -1}, {1, 2, -1}, {5, 8, -1}};
  // The last item decides the bottleneck; the cheaper cut is before the third.
  problem.items[3].seconds = 6;
  EXPECT_EQ(cut(problem), (std::vector<size_t>{3, 4}));
  problem.items[3].seconds = 1;
  problem.items[2].seconds = 3;
  problem.items[1].cutBytes = problem.items[3].cutBytes = 2;
  EXPECT_EQ(cut(problem), (std::vector<size_t>{2, 4}));
}

TEST(Partitioning, PinsAndMemoryHold) {
  Problem problem;
  problem.stages = 2;
  problem.items = {{1, 0, -1}, {1, 0, -1}, {1, 0, 0}, {1, 0, -1}};
  EXPECT_EQ(cut(problem), (std::vector<size_t>{3, 4}));
  problem.items[2].pin = -1;
  problem.memory = [](int64_t stage, size_t begin, size_t end) {
    return double(end - begin) * (stage == 0 ? 2 : 1);
  };
  problem.memoryLimit = 3;
  EXPECT_EQ(cut(problem), (std::vector<size_t>{1, 4}));
  problem.memoryLimit = 2;
  EXPECT_TRUE(cut(problem).empty());
  EXPECT_EQ(smallestMemoryLimit(problem), 3);
  problem.items[0].pin = 1;
  EXPECT_EQ(smallestMemoryLimit(problem),
            std::numeric_limits<double>::infinity());
}
