#include "Communicator.h"

#include "Bootstrap.h"
#include "Context.h"
#include "Error.h"
#include "HostBackend.h"
#include "SharedProcess.h"
#include "Support.h"

#include "../../Runtime/CommunicatorChecks.h"

#include <gtest/gtest.h>
#include <thread>

using namespace pprt;

namespace {
/// Runs `action` on ranks of which so many share a process, where a thread is
/// each process; what is wrong on any of them.
template <typename F>
std::string onProcesses(int ranks, int sharing, F action) {
  std::vector<std::unique_ptr<Bootstrap>> all =
      createLocalBootstraps(ranks / sharing);
  std::vector<std::string> errors(size_t(ranks), "did not end");
  auto act = [&](Bootstrap &bootstrap) {
    std::string &error = errors[size_t(bootstrap.rank())];
    try {
      error = bootstrap.size() == ranks ? action(bootstrap) : "is of others";
    } catch (const std::exception &e) {
      error = std::string("threw ") + e.what();
    }
    return 0;
  };
  std::vector<std::thread> threads;
  for (std::unique_ptr<Bootstrap> &process : all)
    threads.emplace_back([&, &process = *process] {
      if (sharing == 1)
        act(process);
      else
        runSharing(process, sharing, act);
    });
  for (std::thread &thread : threads)
    thread.join();
  std::string text;
  for (int rank = 0; rank < ranks; ++rank)
    if (!errors[size_t(rank)].empty())
      text += std::to_string(sharing) + " a process, rank " +
              std::to_string(rank) + ": " + errors[size_t(rank)] + "\n";
  return text;
}

/// With one rank a process, all in one, and all between.
template <typename F> std::string onRanks(int ranks, F action) {
  std::string text;
  for (int sharing = 1; sharing <= ranks; ++sharing)
    if (ranks % sharing == 0)
      text += onProcesses(ranks, sharing, action);
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

// Collectives of layers, by their numbers, over two axes of a mesh.
TEST(Communicator, CollectivesOfLayers) {
  const Mesh mesh({{"pipe", 1}, {"data", 2}, {"tensor", 3}});
  Description d;
  setPipe(d, 1);
  d.mesh = mesh;
  d.layerCollectives = {
      {"layers", {"tensor"}, Collective::AllReduce, ElementType::F32, 2},
      {"layers", {"data"}, Collective::AllGather, ElementType::Bytes, 8},
      {"layers", {"tensor"}, Collective::ReduceScatter, ElementType::F64, 1},
      {"layers",
       {"data", "tensor"},
       Collective::AllReduce,
       ElementType::F64,
       1}};
  const Options options;
  auto run = [&](Bootstrap &bootstrap) -> std::string {
    const int rank = bootstrap.rank(), data = rank / 3, tensor = rank % 3;
    Recorder recorder(d.programs[0], false, false);
    const BackendSetup setup{d, options, bootstrap, recorder};
    HostBackend backend(setup);
    backend.prepare(std::make_shared<Arena>(64));
    pprt_context context(setup, backend, nullptr);
    std::vector<char> workspace(4096);
    const float in[2] = {float(rank), float(tensor)};
    float out[2] = {};
    pprt_collective(&context, 0, in, out, workspace.data());
    const double own = rank;
    double all[2] = {}, parts[3] = {1, 10, 100}, part = 0, whole = 0;
    pprt_collective(&context, 1, &own, all, workspace.data());
    pprt_collective(&context, 2, parts, &part, workspace.data());
    pprt_collective(&context, 3, &own, &whole, workspace.data());
    int64_t place = -1, along = -1;
    pprt_coordinate(&context, "data,tensor", &place);
    pprt_coordinate(&context, "tensor", &along);
    if (context.failure)
      std::rethrow_exception(context.failure);
    if (out[0] != float(9 * data + 3) || out[1] != 3)
      return "found another sum";
    if (all[0] != tensor || all[1] != 3 + tensor)
      return "found other parts";
    if (part != 3 * parts[tensor] || whole != 15)
      return "found another part of a sum";
    if (place != rank || along != tensor)
      return "found another coordinate";
    bootstrap.barrier();
    pprt_collective(&context, 4, in, out, workspace.data());
    std::string error = errorOf([&] {
      if (context.failure)
        std::rethrow_exception(context.failure);
    });
    // An index is one after a failure, too.
    along = -1;
    pprt_coordinate(&context, "tensor", &along);
    return error.find("found collective 4 in a layer, expected one of the "
                      "program's 4") == std::string::npos ||
                   along != tensor
               ? "found the error: " + error
               : "";
  };
  EXPECT_EQ(onRanks(6, run), "");
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
