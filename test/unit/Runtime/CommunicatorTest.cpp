#include "Communicator.h"

#include "Bootstrap.h"
#include "Error.h"

#include "../../Runtime/CommunicatorChecks.h"

#include <gtest/gtest.h>
#include <thread>

using namespace pprt;

namespace {
/// Runs `action` on the ranks of one process; what is wrong on any of them.
template <typename F> std::string onRanks(int ranks, F action) {
  std::vector<std::unique_ptr<Bootstrap>> all = createLocalBootstraps(ranks);
  std::vector<std::string> errors(size_t(ranks), "did not end");
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      try {
        errors[size_t(rank)] = action(*all[size_t(rank)]);
      } catch (const std::exception &e) {
        errors[size_t(rank)] = std::string("threw ") + e.what();
      }
    });
  std::string text;
  for (int rank = 0; rank < ranks; ++rank) {
    threads[size_t(rank)].join();
    if (!errors[size_t(rank)].empty())
      text +=
          "rank " + std::to_string(rank) + ": " + errors[size_t(rank)] + "\n";
  }
  return text;
}
} // namespace

TEST(Communicator, CollectivesOfGroups) {
  for (const Mesh &mesh :
       {Mesh({{"pipe", 1}}), Mesh({{"pipe", 2}}),
        Mesh({{"pipe", 2}, {"data", 2}}), Mesh({{"pipe", 1}, {"tensor", 3}}),
        Mesh({{"pipe", 1}, {"data", 4}})})
    EXPECT_EQ(onRanks(mesh.size(),
                      [&](Bootstrap &bootstrap) {
                        return test::checkCollectives(bootstrap, mesh);
                      }),
              "")
        << mesh.describe();
}

TEST(Communicator, GoesOnAfterAFailure) {
  const Mesh mesh({{"pipe", 2}, {"data", 2}});
  testing::internal::CaptureStderr();
  std::string wrong = onRanks(4, [&](Bootstrap &bootstrap) {
    for (int misses : {3, 0, 1})
      if (std::string error = test::checkRecovery(bootstrap, mesh, misses);
          !error.empty())
        return error;
    return std::string();
  });
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(wrong, "");
}

TEST(Communicator, NamesOfGroups) {
  const Mesh mesh({{"pipe", 2}, {"data", 2}, {"tensor", 2}});
  Group group = Group::along(mesh, 5, {"data"});
  EXPECT_EQ(group.ranks, (std::vector<int>{5, 7}));
  EXPECT_EQ(group.member, 0);
  EXPECT_EQ(group.name(), "data");
  EXPECT_EQ(group.describe(1), "rank 7 (pipe 1, data 1, tensor 1)");
  EXPECT_EQ(Group::all(mesh, 3).name(), "pipe and data and tensor");
  EXPECT_EQ(Group::all(mesh, 3).member, 3);
  EXPECT_EQ(Group::along(mesh, 3, {}).name(), "one rank");
}

TEST(Communicator, WrongNumbersAreErrors) {
  auto bootstrap = createLocalBootstrap();
  auto communicator =
      createHostCommunicator(*bootstrap, Group::all(Mesh({{"pipe", 1}}), 0), 2);
  auto errorOf = [](auto action) -> std::string {
    try {
      action();
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  };
  float x = 0;
  EXPECT_EQ(errorOf([&] {
              communicator->prepare(
                  0, {Collective::ReduceScatter, ElementType::F32, {1, 2}});
            }),
            "found 2 pieces of a reduce_scatter of 3 f32 over one rank, "
            "expected 1: compile the program again");
  EXPECT_EQ(errorOf([&] {
              communicator->prepare(
                  0, {Collective::AllReduce, ElementType::Bytes, {4}});
            }),
            "found an all_reduce of 4 bytes, expected elements of f32 or f64 "
            "for a sum: compile the program again");
  EXPECT_EQ(errorOf([&] { communicator->isend(0, 1, 0, &x, 4); }),
            "found a transfer with member 1, expected one of the 1 of one "
            "rank: compile the program again");
  EXPECT_EQ(errorOf([&] { communicator->isend(0, 0, -1, &x, 4); }),
            "found the tag -1, expected one that the transport can carry: "
            "compile the program again");
  EXPECT_EQ(errorOf([&] { communicator->start(0, &x, &x, nullptr); }),
            "found a start of a collective with request 0, expected one that "
            "was prepared and waited for: compile the program again");
  EXPECT_EQ(errorOf([&] { communicator->wait(1); }),
            "found a wait for a request that was not started, expected one "
            "start for each: compile the program again");
  communicator->prepare(0, {Collective::AllReduce, ElementType::F32, {1}});
  EXPECT_EQ(errorOf([&] { communicator->isend(0, 0, 0, &x, 4); }),
            "found a transfer with request 0, expected one that no collective "
            "has: compile the program again");
}
