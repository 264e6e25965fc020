#include "Mesh.h"
#include "Support.h"

#include "gtest/gtest.h"

#include <set>

using namespace pprt;

TEST(Mesh, Coordinates) {
  Mesh mesh({{"pipe", 3}, {"data", 2}, {"tensor", 4}});
  EXPECT_EQ(mesh.size(), 24);
  // The last axis is the fastest.
  EXPECT_EQ(mesh.coordinate(1, "tensor"), 1);
  EXPECT_EQ(mesh.coordinate(4, "data"), 1);
  EXPECT_EQ(mesh.pipeOf(7), 0);
  EXPECT_EQ(mesh.pipeOf(8), 1);
  EXPECT_EQ(mesh.coordinate(23, "context"), 0);
  EXPECT_EQ(mesh.sizeOf("context"), 1);
  EXPECT_EQ(mesh.rankWith(13, "pipe", 2), 21);
  EXPECT_EQ(mesh.describe(), "pipe 3 x data 2 x tensor 4");
  EXPECT_EQ(mesh.describe(13), "rank 13 (pipe 1, data 1, tensor 1)");

  // Another order has other neighbours.
  Mesh other({{"tensor", 4}, {"data", 2}, {"pipe", 3}});
  EXPECT_EQ(other.pipeOf(1), 1);
  EXPECT_EQ(other.coordinate(6, "tensor"), 1);
}

// Coordinates tell ranks apart, and lead back to them; groups along any axes
// are a partition.
TEST(Mesh, GroupsArePartitions) {
  const std::vector<Mesh::Axis> axes = {
      {"a", 2}, {"pipe", 3}, {"b", 1}, {"c", 4}};
  Mesh mesh(axes);
  for (int chosen = 0; chosen < 16; ++chosen) {
    std::vector<std::string> along;
    size_t members = 1;
    for (int i = 0; i < 4; ++i)
      if (chosen >> i & 1) {
        along.push_back(axes[size_t(i)].name);
        members *= size_t(axes[size_t(i)].size);
      }
    std::set<std::vector<int>> groups;
    for (int rank = 0; rank < mesh.size(); ++rank) {
      std::vector<int> group = mesh.group(rank, along);
      EXPECT_EQ(group.size(), members);
      EXPECT_EQ(std::count(group.begin(), group.end(), rank), 1);
      for (int member : group)
        for (const Mesh::Axis &axis : axes)
          if (std::find(along.begin(), along.end(), axis.name) == along.end()) {
            EXPECT_EQ(mesh.coordinate(member, axis.name),
                      mesh.coordinate(rank, axis.name));
          }
      groups.insert(group);
    }
    EXPECT_EQ(groups.size() * members, size_t(mesh.size()));
  }
  for (int rank = 0; rank < mesh.size(); ++rank) {
    int found = 0;
    for (const Mesh::Axis &axis : axes)
      found = mesh.rankWith(found, axis.name, mesh.coordinate(rank, axis.name));
    EXPECT_EQ(found, rank);
  }
}

TEST(Mesh, OneAxisNeedsNoWords) {
  EXPECT_EQ(Mesh({{"pipe", 4}, {"data", 1}}).describe(), "pipe 4");
  EXPECT_EQ(Mesh({{"pipe", 4}, {"data", 1}}).describe(2), "rank 2");
  EXPECT_EQ(Mesh().size(), 1);
}

TEST(Mesh, Errors) {
  auto error = [](std::vector<Mesh::Axis> axes) {
    return errorOf([&] { Mesh mesh(std::move(axes)); });
  };
  EXPECT_EQ(error({{"pipe", 0}}),
            "found the axis 'pipe' of size 0 in a mesh, expected each axis "
            "once, of at least 1");
  EXPECT_EQ(error({{"pipe", 2}, {"pipe", 2}}),
            "found the axis 'pipe' of size 2 in a mesh, expected each axis "
            "once, of at least 1");
  EXPECT_EQ(error({{"data", 2}}),
            "found a mesh without the axis 'pipe', expected it");
  EXPECT_EQ(error({{"pipe", 65536}, {"data", 65536}}),
            "found a mesh of more than 2^31 ranks, expected fewer");
}
