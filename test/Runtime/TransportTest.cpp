//===- TransportTest.cpp - Bootstrap and communicators under mpirun -------===//
//
// Each rank checks what it receives, how waits behave, and what they cost, and
// says so at the end; transport_test.py reads that.
//
//===----------------------------------------------------------------------===//
#include "Bootstrap.h"
#include "Clock.h"
#include "ClockSync.h"
#include "CommunicatorChecks.h"
#include "Error.h"
#include "Philox.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>
#include <vector>

using namespace pprt;

static int rankHere = 0;
/// Messages and collectives of all ranks.
static std::unique_ptr<Communicator> world;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      std::fprintf(stderr, "rank %d: line %d: %s\n", rankHere, __LINE__,       \
                   #condition);                                                \
      std::exit(1);                                                            \
    }                                                                          \
  } while (0)

static double cpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void compute(double seconds) {
  static volatile double sink;
  uint64_t end = nowNs() + uint64_t(seconds * 1e9);
  double x = 1;
  while (nowNs() < end)
    for (int i = 0; i < 1000; ++i)
      x = x * 1.0000001 + 1e-9;
  sink = x;
}

/// Bytes that tell sender, tag and position.
static std::vector<char> message(int sender, int tag, size_t bytes) {
  std::vector<char> data(bytes);
  for (size_t i = 0; i < bytes; ++i)
    data[i] = char(philox64(uint64_t(sender) << 32 | uint64_t(tag), i / 8, 0) >>
                   (i % 8 * 8));
  return data;
}

/// Around the ring with many sizes in flight, completed in another order than
/// posted.
static void testExchangeOfManySizes(Bootstrap &t) {
  const std::vector<size_t> sizes = {0,    1,     64,     4095,         4096,
                                     4097, 65536, 524288, (4 << 20) + 4};
  int next = (t.rank() + 1) % t.size();
  int previous = (t.rank() + t.size() - 1) % t.size();
  int count = int(sizes.size());
  for (int round = 0; round < 3; ++round) {
    std::vector<std::vector<char>> out, in(sizes.size());
    for (int i = 0; i < count; ++i)
      out.push_back(message(t.rank(), i, sizes[i]));
    // Half of the receives are posted before the messages can be there.
    for (int i = 0; i < count; i += 2) {
      in[i].resize(sizes[i]);
      world->irecv(i, previous, i, in[i].data(), sizes[i]);
    }
    for (int i = 0; i < count; ++i)
      world->isend(count + i, next, i, out[i].data(), sizes[i]);
    for (int i = 1; i < count; i += 2) {
      in[i].resize(sizes[i]);
      world->irecv(i, previous, i, in[i].data(), sizes[i]);
    }
    for (int i = count - 1; i >= 0; --i) {
      TransferTimes times = world->wait(i);
      CHECK(times.posted <= times.completed);
      CHECK(in[i] == message(previous, i, sizes[i]));
    }
    for (int i = 0; i < count; ++i)
      world->wait(count + i);
  }
}

/// Messages of one (peer, tag) arrive in the order of their sends.
static void testOrder(Bootstrap &t) {
  if (t.rank() == 0)
    for (int i = 0; i < 50; ++i) {
      world->isend(0, 1, 9, &i, sizeof i);
      world->wait(0);
    }
  if (t.rank() == 1)
    for (int i = 0; i < 50; ++i) {
      int value = -1;
      world->irecv(0, 0, 9, &value, sizeof value);
      world->wait(0);
      CHECK(value == i);
    }
}

/// A sender gets its buffer back, and a receiver its message, while the
/// receiver computes. Clocks of a node are one.
static void testProgressDuringComputation(Bootstrap &t) {
  const size_t bytes = 2 << 20;
  for (int round = 0; round < 3; ++round) {
    t.barrier();
    if (t.rank() == 0) {
      std::vector<char> data = message(0, 5, bytes);
      compute(0.05); // so that the receiver computes already
      uint64_t begin = nowNs();
      world->isend(0, 1, 5, data.data(), bytes);
      world->wait(0);
      uint64_t free = nowNs(), computed = 0;
      std::printf("the sender was free after %.2f ms\n",
                  1e3 * toSeconds(free - begin));
      t.receive(1, &computed, sizeof computed);
      CHECK(free < computed);
    }
    if (t.rank() == 1) {
      std::vector<char> data(bytes);
      world->irecv(0, 0, 5, data.data(), bytes);
      compute(1.0);
      uint64_t computed = nowNs();
      TransferTimes times = world->wait(0);
      CHECK(times.completed < computed);
      t.send(0, &computed, sizeof computed);
      CHECK(data == message(0, 5, bytes));
    }
  }
}

/// A rank that waits uses next to no processor time.
static void testWaitingIsCheap(Bootstrap &t) {
  char token = 0;
  if (t.rank() == 0) {
    compute(1.0);
    for (int peer = 1; peer < t.size(); ++peer)
      t.send(peer, &token, 1);
    return;
  }
  double cpu = cpuSeconds();
  uint64_t begin = nowNs();
  t.receive(0, &token, 1);
  double seconds = toSeconds(nowNs() - begin);
  std::printf("waiting used %.3f%%\n", 100 * (cpuSeconds() - cpu) / seconds);
}

static void testLatency(Bootstrap &t) {
  if (t.rank() > 1)
    return;
  for (size_t bytes : {size_t(8), size_t(65536), size_t(1) << 20}) {
    std::vector<char> data(bytes);
    const int rounds = 50;
    uint64_t begin = 0;
    const int peer = 1 - t.rank();
    auto send = [&] {
      world->isend(0, peer, 8, data.data(), bytes);
      world->wait(0);
    };
    auto receive = [&] {
      world->irecv(1, peer, 8, data.data(), bytes);
      world->wait(1);
    };
    for (int i = -5; i < rounds; ++i) {
      if (i == 0)
        begin = nowNs();
      if (t.rank() == 0) {
        send();
        receive();
      } else {
        receive();
        send();
      }
    }
    if (t.rank() == 0)
      std::printf("%zu bytes one way: %.1f us\n", bytes,
                  1e6 * toSeconds(nowNs() - begin) / rounds / 2);
  }
}

static void testControlPlane(Bootstrap &t) {
  int size = t.size(), rank = t.rank();
  CHECK(t.any(rank == size - 1));
  CHECK(!t.any(false));
  for (int root = 0; root < size; ++root) {
    int value = rank == root ? 42 + root : -1;
    t.broadcast(&value, sizeof value, root);
    CHECK(value == 42 + root);
  }
  auto all = t.gather(std::string(size_t(rank) * 100000, char('a' + rank)));
  CHECK(all.size() == (rank == 0 ? size_t(size) : 0));
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(all[i] == std::string(i * 100000, char('a' + i)));
  t.agree("");
}

/// On one node the clock is common, so that the comparison must find next to
/// no difference: less than it took.
static void testClocks(Bootstrap &t) {
  CHECK(t.onOneNode());
  CHECK(compareClocks(t).toRank0 == 0);
  const uint64_t begin = nowNs();
  ClockPoint point = compareClocks(t, /*always=*/true);
  const uint64_t end = nowNs();
  CHECK(begin <= point.mine && point.mine <= end);
  CHECK(uint64_t(std::abs(point.toRank0)) < end - begin);
}

/// A message of another size is an error of the wait, as is a missing one.
static void testErrors(Bootstrap &t) {
  t.barrier();
  char data[64] = {};
  auto throws = [&](auto action, const char *part) {
    try {
      action();
    } catch (const Error &error) {
      return std::strstr(error.what(), part) != nullptr;
    }
    return false;
  };
  if (t.rank() == 0) {
    world->isend(0, 1, 1, data, 32);
    world->wait(0);
    world->isend(0, 1, 2, data, 64);
    world->wait(0);
  }
  if (t.rank() == 1) {
    world->irecv(0, 0, 1, data, 64);
    CHECK(throws([&] { world->wait(0); }, "found a message of 32 bytes"));
    world->irecv(0, 0, 2, data, 32);
    CHECK(throws([&] { world->wait(0); }, " 32"));
    t.setTimeout(0.2);
    world->irecv(0, 0, 3, data, 64);
    bool late = false;
    try {
      world->wait(0);
    } catch (const TimeoutError &) {
      late = true;
    }
    CHECK(late);
    t.setTimeout(300); // more than the test may take
  }
  t.barrier();
  if (t.rank() == 0) {
    world->isend(0, 1, 3, data, 64);
    world->wait(0);
  }
  if (t.rank() == 1)
    world->wait(0);
  CHECK(throws([&] { world->wait(1); }, "not started"));
  CHECK(throws([&] { world->isend(1, t.size(), 1, data, 4); },
               "found a transfer with member"));
}

/// A control-plane call that gave up leaves its caller's memory alone: nothing
/// arrives in it later, and what was to be sent has been taken. The last test,
/// for the control plane is used up afterwards.
static void testMessagesAfterATimeout(Bootstrap &t) {
  const size_t bytes = 100000;
  char token = 0;
  auto isLate = [](auto action) {
    try {
      action();
    } catch (const TimeoutError &) {
      return true;
    }
    return false;
  };
  if (t.rank() == 1) {
    std::vector<char> in(8, 'x'), out(bytes, 'a');
    t.setTimeout(0.05);
    CHECK(isLate([&] { t.receive(0, in.data(), in.size()); }));
    CHECK(isLate([&] { t.send(0, out.data(), out.size()); }));
    t.setTimeout(300);
    out.assign(bytes, 'x'); // as if it were somebody else's by now
    world->isend(0, 0, 7, &token, 1);
    world->wait(0);
    // Rank 0 is done with both.
    world->irecv(1, 0, 7, &token, 1);
    world->wait(1);
    CHECK(in == std::vector<char>(8, 'x'));
  }
  if (t.rank() == 0) {
    std::vector<char> in(bytes), out(8, 'b');
    world->irecv(0, 1, 7, &token, 1);
    world->wait(0);
    t.send(1, out.data(), out.size());
    t.receive(1, in.data(), in.size());
    CHECK(in == std::vector<char>(bytes, 'a'));
    world->isend(1, 1, 7, &token, 1);
    world->wait(1);
  }
}

static void testGroups(Bootstrap &t) {
  std::vector<Mesh> meshes = {Mesh({{"pipe", t.size()}})};
  if (t.size() == 4)
    meshes.push_back(Mesh({{"pipe", 2}, {"data", 2}}));
  auto isRight = [](const std::string &error) {
    if (!error.empty())
      std::fprintf(stderr, "%s\n", error.c_str());
    return error.empty();
  };
  for (const Mesh &mesh : meshes)
    CHECK(isRight(test::checkCollectives(t, mesh)));
  const bool mpiMoves = std::getenv("OMPI_MCA_btl") ||
                        std::getenv("OMPI_MCA_btl_vader_single_copy_mechanism");
  for (int misses : {0, t.size() - 1})
    CHECK(isRight(test::checkRecovery(t, meshes.back(), misses,
                                      /*mayKeep=*/mpiMoves)));
}

int main() {
  std::unique_ptr<Bootstrap> bootstrap = createMpiBootstrap();
  Bootstrap &t = *bootstrap;
  rankHere = t.rank();
  world = createHostCommunicator(
      t, Group::all(Mesh({{"pipe", t.size()}}), t.rank()), 32);
  testExchangeOfManySizes(t);
  testOrder(t);
  testControlPlane(t);
  testClocks(t);
  testErrors(t);
  testGroups(t);
  testProgressDuringComputation(t);
  t.barrier();
  testWaitingIsCheap(t);
  t.barrier();
  testLatency(t);
  t.barrier();
  // An agreement on an error reaches every rank.
  bool disagreed = false;
  try {
    t.agree(t.rank() == t.size() - 1 ? "expected by the test" : "");
  } catch (const Disagreement &) {
    disagreed = true;
  }
  CHECK(disagreed);
  testMessagesAfterATimeout(t);
  std::printf("all checks passed\n");
  world.reset();
  bootstrap->finish();
}
