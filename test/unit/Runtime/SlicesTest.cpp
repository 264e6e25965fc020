#include "Slices.h"

#include "Support.h"

#include <map>
#include <numeric>
#include <random>

using namespace pprt;

TEST(Slices, ARangeIsFewBoxes) {
  EXPECT_EQ(boxesOfRange({}, 0, 1).size(), 1u);
  EXPECT_EQ(boxesOfRange({4, 5}, 0, 20), (std::vector<Box>{{{0, 0}, {4, 5}}}));
  EXPECT_EQ(boxesOfRange({4, 5}, 3, 0).size(), 0u);
  EXPECT_EQ(
      boxesOfRange({4, 5}, 3, 14),
      (std::vector<Box>{{{0, 3}, {1, 2}}, {{1, 0}, {2, 5}}, {{3, 0}, {1, 2}}}));
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint64_t> shape(random() % 4 + 1);
    uint64_t all = 1;
    for (uint64_t &size : shape)
      all *= size = random() % 4 + 1;
    const uint64_t first = random() % all, count = random() % (all - first) + 1;
    const std::vector<Box> boxes = boxesOfRange(shape, first, count);
    EXPECT_LE(boxes.size(), 2 * shape.size() - 1);
    // In order, the elements of boxes are those of the range.
    uint64_t next = first;
    for (const Box &box : boxes)
      for (uint64_t i = 0; i < box.elements(); ++i, ++next) {
        uint64_t rest = i, at = 0, scale = 1;
        for (size_t dim = shape.size(); dim-- > 0;) {
          at += (box.begin[dim] + rest % box.size[dim]) * scale;
          rest /= box.size[dim];
          scale *= shape[dim];
        }
        ASSERT_EQ(at, next);
      }
    EXPECT_EQ(next, first + count);
  }
}

TEST(Slices, CommonPartsOfBoxes) {
  EXPECT_EQ(intersect({{0, 2}, {4, 4}}, {{2, 0}, {5, 3}}),
            (Box{{2, 2}, {2, 1}}));
  EXPECT_EQ(intersect({{0}, {4}}, {{4}, {2}}).elements(), 0u);
  EXPECT_EQ((Box{{2, 0}, {3, 5}}.describe()), "[2:5, 0:5]");
}

/// A parameter that is cut at random over axes of the mesh but pipe and data.
static Parameter randomParameter(std::mt19937 &random, const Mesh &mesh) {
  Parameter parameter;
  const size_t dims = random() % 4;
  parameter.shape.resize(dims);
  parameter.sharding.resize(dims);
  parameter.blocks.assign(dims, 1);
  parameter.padded.assign(dims, false);
  std::vector<std::string> axes;
  for (const Mesh::Axis &axis : mesh.getAxes())
    if (axis.name != "pipe" && axis.name != "data" && random() % 3)
      axes.push_back(axis.name);
  if (dims)
    for (const std::string &axis : axes)
      parameter.sharding[random() % dims].push_back(axis);
  parameter.elements = 1;
  for (size_t dim = 0; dim < dims; ++dim) {
    int64_t parts = 1;
    for (const std::string &axis : parameter.sharding[dim])
      parts *= mesh.sizeOf(axis);
    int64_t size = parts * int64_t(random() % 3 + 1);
    uint64_t part = uint64_t(size / parts);
    if (random() % 2 == 0) {
      const int64_t blocks = int64_t(random() % 3 + 1);
      parameter.blocks[dim] = blocks;
      size *= blocks;
      part *= uint64_t(blocks);
    } else if (parts > 1 && random() % 2) {
      // Padded: the last parts are shorter, or nothing at all.
      parameter.padded[dim] = true;
      size = std::max<int64_t>(1, size - int64_t(random() % uint64_t(size)));
      part = uint64_t((size + parts - 1) / parts);
    }
    parameter.shape[dim] = size;
    parameter.elements *= part;
  }
  if (axes.empty() || !dims)
    parameter.sharding.clear();
  parameter.isCut = random() % 2;
  const uint64_t replicas = uint64_t(mesh.sizeOf("data"));
  parameter.piece = (parameter.elements + replicas - 1) / replicas;
  return parameter;
}

TEST(Slices, AllRanksTogetherHaveEachElementOnce) {
  std::mt19937 random(2);
  for (int round = 0; round < 3000; ++round) {
    const Mesh mesh({{"pipe", 1 + int(random() % 2)},
                     {"data", 1 + int(random() % 3)},
                     {"tensor", 1 + int(random() % 4)},
                     {"other", 1 + int(random() % 2)}});
    const Parameter parameter = randomParameter(random, mesh);
    std::vector<int> times(parameter.wholeElements());
    for (int rank = 0; rank < mesh.size(); ++rank) {
      if (mesh.pipeOf(rank))
        continue;
      // Where the elements of the part are in the whole, said by another.
      std::map<uint64_t, uint64_t> wholeOf;
      forEachRun(parameter, mesh, rank,
                 [&](uint64_t whole, uint64_t part, uint64_t count) {
                   for (uint64_t i = 0; i < count; ++i)
                     wholeOf[part + i] = whole + i;
                 });
      const Parameter::Range range = writtenBy(parameter, mesh, rank);
      for (const Slice &slice : slicesOf(parameter, mesh, rank, range))
        for (const Slice::Rows rows :
             {Slice::Rows::OfPart, Slice::Rows::OfPartAndWhole}) {
          std::vector<int> inBox(slice.box.elements());
          slice.forEachRun(
              slice.box, slice.box, rows, [&](const Slice::Run &run) {
                for (uint64_t i = 0; i < run.count; ++i) {
                  const uint64_t part = run.part + i;
                  ASSERT_GE(part, range.begin);
                  ASSERT_LT(part, range.begin + range.count);
                  ASSERT_TRUE(wholeOf.count(part));
                  if (rows == Slice::Rows::OfPartAndWhole) {
                    ASSERT_EQ(wholeOf[part], run.whole + i);
                    ++times[run.whole + i];
                  }
                  // In the order of the box, as it lies in the whole.
                  uint64_t rest = run.box + i, at = 0, scale = 1;
                  for (size_t dim = slice.whole.size(); dim-- > 0;) {
                    at += (slice.box.begin[dim] + rest % slice.box.size[dim]) *
                          scale;
                    rest /= slice.box.size[dim];
                    scale *= slice.whole[dim];
                  }
                  ASSERT_EQ(wholeOf[part], at);
                  ++inBox[run.box + i];
                }
              });
          for (int count : inBox)
            ASSERT_EQ(count, 1);
        }
    }
    for (int count : times)
      ASSERT_EQ(count, 1) << "round " << round;
  }
}

/// What one mesh has written another one reads, box by box.
TEST(Slices, PartsOfTwoMeshesMeet) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    const Mesh mesh({{"pipe", 1},
                     {"data", 1 + int(random() % 3)},
                     {"tensor", 1 + int(random() % 4)}});
    const Parameter parameter = randomParameter(random, mesh);
    // Stored in boxes of ranges of the whole.
    std::vector<uint64_t> shape(parameter.shape.begin(), parameter.shape.end());
    std::vector<Box> stored;
    const uint64_t all = parameter.wholeElements();
    for (uint64_t at = 0; at < all;) {
      const uint64_t count = std::min<uint64_t>(all - at, random() % 7 + 1);
      for (Box &box : boxesOfRange(shape, at, count))
        stored.push_back(std::move(box));
      at += count;
    }
    for (int rank = 0; rank < mesh.size(); ++rank) {
      std::map<uint64_t, uint64_t> found, expected;
      forEachRun(parameter, mesh, rank,
                 [&](uint64_t whole, uint64_t part, uint64_t count) {
                   for (uint64_t i = 0; i < count; ++i)
                     expected[part + i] = whole + i;
                 });
      for (const Slice &slice :
           slicesOf(parameter, mesh, rank, {0, parameter.elements}))
        for (const Box &box : stored)
          slice.forEachRun(
              intersect(slice.box, box), box, Slice::Rows::OfPart,
              [&](const Slice::Run &run) {
                for (uint64_t i = 0; i < run.count; ++i) {
                  uint64_t rest = run.box + i, at = 0, scale = 1;
                  for (size_t dim = shape.size(); dim-- > 0;) {
                    at += (box.begin[dim] + rest % box.size[dim]) * scale;
                    rest /= box.size[dim];
                    scale *= shape[dim];
                  }
                  ASSERT_TRUE(found.emplace(run.part + i, at).second);
                }
              });
      ASSERT_EQ(found, expected) << "round " << round;
    }
  }
}
