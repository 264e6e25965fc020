//===- collectives.cpp - Sums over a fixed tree against those of MPI ------===//
//
// Every rank times, in turns, the runtime's collectives, whose sums are of one
// fixed order, and those of MPI, which adds in whatever order it finds fastest.
// Rank 0 prints a line a size: bytes of all pieces together, the median seconds
// of both, the slowest rank of a round each.
//
//   collectives ROUNDS BYTES...
//
//===----------------------------------------------------------------------===//

#include "Bootstrap.h"
#include "Communicator.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mpi.h>

using namespace pprt;

static double seconds(const std::function<void()> &body) {
  MPI_Barrier(MPI_COMM_WORLD);
  const auto begin = std::chrono::steady_clock::now();
  body();
  double own = std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                             begin)
                   .count(),
         slowest = 0;
  MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return slowest;
}

static double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2,
                   values.end());
  return values[values.size() / 2];
}

int main(int argc, char **argv) {
  std::unique_ptr<Bootstrap> bootstrap = createMpiBootstrap();
  const int size = bootstrap->size(),
            rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  std::unique_ptr<Communicator> world = createHostCommunicator(
      *bootstrap,
      Group::all(Mesh({{"pipe", 1}, {"data", size}}), bootstrap->rank()),
      3 * argc);
  for (int i = 2; i < argc; ++i) {
    const uint64_t part =
        std::strtoull(argv[i], nullptr, 10) / 4 / uint64_t(size);
    const uint64_t all = part * uint64_t(size);
    std::vector<float> in(all, 1.0f), out(all), expected(all, float(size));
    const std::vector<uint64_t> parts(size_t(size), part);
    Collective reduce{Collective::AllReduce, ElementType::F32, {all}};
    Collective scatter{Collective::ReduceScatter, ElementType::F32, parts};
    Collective gather{Collective::AllGather, ElementType::F32, parts};
    const Collective *const kinds[] = {&reduce, &scatter, &gather};
    const std::function<void()> ofMpi[] = {
        [&] {
          MPI_Allreduce(in.data(), out.data(), int(all), MPI_FLOAT, MPI_SUM,
                        MPI_COMM_WORLD);
        },
        [&] {
          MPI_Reduce_scatter_block(in.data(), out.data(), int(part), MPI_FLOAT,
                                   MPI_SUM, MPI_COMM_WORLD);
        },
        [&] {
          MPI_Allgather(in.data(), int(part), MPI_FLOAT, out.data(), int(part),
                        MPI_FLOAT, MPI_COMM_WORLD);
        }};
    for (int kind = 0; kind < 3; ++kind) {
      const int request = 3 * (i - 2) + kind;
      world->prepare(request, *kinds[kind]);
      std::vector<char> workspace(kinds[kind]->workspaceBytes(size) + 64);
      std::vector<double> own, mpi;
      for (int round = -1; round < rounds; ++round) {
        const double tree = seconds([&] {
          world->start(request, in.data(), out.data(), workspace.data());
          world->wait(request);
        });
        const double other = seconds(ofMpi[kind]);
        if (round < 0)
          continue; // the first connects
        own.push_back(tree);
        mpi.push_back(other);
      }
      if (bootstrap->rank() == 0)
        std::printf("%s %llu %.9f %.9f\n",
                    Collective::kindNames[kinds[kind]->kind],
                    (unsigned long long)(all * 4), median(own), median(mpi));
    }
  }
  world.reset();
  bootstrap->finish();
}
