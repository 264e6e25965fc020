//===- TransportTest.cpp - The transport under mpirun ---------------------===//
//
// Each rank checks what it receives, how waits behave, and what they cost, and
// says so at the end; transport_test.py reads that.
//
//===----------------------------------------------------------------------===//
#include "Clock.h"
#include "ClockSync.h"
#include "Collectives.h"
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
static void testExchangeOfManySizes(Transport &t) {
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
      t.irecv(i, previous, i, in[i].data(), sizes[i]);
    }
    for (int i = 0; i < count; ++i)
      t.isend(count + i, next, i, out[i].data(), sizes[i]);
    for (int i = 1; i < count; i += 2) {
      in[i].resize(sizes[i]);
      t.irecv(i, previous, i, in[i].data(), sizes[i]);
    }
    for (int i = count - 1; i >= 0; --i) {
      TransferTimes times = t.wait(i);
      CHECK(times.posted <= times.completed);
      CHECK(in[i] == message(previous, i, sizes[i]));
    }
    for (int i = 0; i < count; ++i)
      t.wait(count + i);
  }
}

/// Messages of one (peer, tag) arrive in the order of their sends.
static void testOrder(Transport &t) {
  if (t.rank() == 0)
    for (int i = 0; i < 50; ++i) {
      t.isend(0, 1, 9, &i, sizeof i);
      t.wait(0);
    }
  if (t.rank() == 1)
    for (int i = 0; i < 50; ++i) {
      int value = -1;
      t.irecv(0, 0, 9, &value, sizeof value);
      t.wait(0);
      CHECK(value == i);
    }
}

/// A sender gets its buffer back although the receiver computes.
static void testProgressDuringComputation(Transport &t, Collectives &c) {
  const size_t bytes = 2 << 20;
  for (int round = 0; round < 3; ++round) {
    c.barrier();
    if (t.rank() == 0) {
      std::vector<char> data = message(0, 5, bytes);
      compute(0.05); // so that the receiver computes already
      uint64_t begin = nowNs();
      t.isend(0, 1, 5, data.data(), bytes);
      t.wait(0);
      double seconds = toSeconds(nowNs() - begin);
      std::printf("the sender was free after %.2f ms\n", 1e3 * seconds);
      CHECK(seconds < 0.5);
    }
    if (t.rank() == 1) {
      std::vector<char> data(bytes);
      t.irecv(0, 0, 5, data.data(), bytes);
      compute(1.0);
      TransferTimes times = t.wait(0);
      CHECK(times.completed - times.posted < 900000000);
      CHECK(data == message(0, 5, bytes));
    }
  }
}

/// A rank that waits uses next to no processor time.
static void testWaitingIsCheap(Transport &t) {
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

static void testLatency(Transport &t) {
  if (t.rank() > 1)
    return;
  for (size_t bytes : {size_t(8), size_t(65536), size_t(1) << 20}) {
    std::vector<char> data(bytes);
    const int rounds = 50;
    uint64_t begin = 0;
    const int peer = 1 - t.rank();
    auto send = [&] {
      t.isend(0, peer, 8, data.data(), bytes);
      t.wait(0);
    };
    auto receive = [&] {
      t.irecv(1, peer, 8, data.data(), bytes);
      t.wait(1);
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

static void testCollectives(Transport &t, Collectives &c) {
  int size = t.size(), rank = t.rank();
  // One contributor each: exact bits, whatever the values.
  std::vector<double> values(size, 0.0);
  values[rank] = 0.1 * (rank + 1);
  c.sum(values.data(), values.size());
  for (int i = 0; i < size; ++i)
    CHECK(values[i] == 0.1 * (i + 1));
  for (int root = 0; root < size; ++root) {
    int value = rank == root ? 42 + root : -1;
    c.broadcast(&value, sizeof value, root);
    CHECK(value == 42 + root);
  }
  auto all = c.gather(std::string(size_t(rank) * 100000, char('a' + rank)));
  CHECK(all.size() == (rank == 0 ? size_t(size) : 0));
  for (size_t i = 0; i < all.size(); ++i)
    CHECK(all[i] == std::string(i * 100000, char('a' + i)));
  c.agree("");
}

/// On one node the clock is common, so that the comparison must find next to
/// no difference: at most the time of a fast round trip.
static void testClocks(Transport &t) {
  CHECK(t.onOneNode());
  CHECK(compareClocks(t).toRank0 == 0);
  ClockPoint point = compareClocks(t, /*always=*/true);
  CHECK(point.mine <= nowNs());
  CHECK(std::abs(double(point.toRank0)) < 20e6);
}

/// A message of another size is an error of the wait, as is a missing one.
static void testErrors(Transport &t, Collectives &c) {
  c.barrier();
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
    t.isend(0, 1, 1, data, 32);
    t.wait(0);
    t.isend(0, 1, 2, data, 64);
    t.wait(0);
  }
  if (t.rank() == 1) {
    t.irecv(0, 0, 1, data, 64);
    CHECK(throws([&] { t.wait(0); }, "found a message of 32 bytes"));
    t.irecv(0, 0, 2, data, 32);
    CHECK(throws([&] { t.wait(0); }, " 32"));
    t.setTimeout(0.2);
    t.irecv(0, 0, 3, data, 64);
    uint64_t begin = nowNs();
    bool late = false;
    try {
      t.wait(0);
    } catch (const TimeoutError &) {
      late = true;
    }
    CHECK(late);
    CHECK(nowNs() - begin < 5000000000);
    t.setTimeout(300);
  }
  c.barrier();
  if (t.rank() == 0) {
    t.isend(0, 1, 3, data, 64);
    t.wait(0);
  }
  if (t.rank() == 1)
    t.wait(0);
  CHECK(throws([&] { t.wait(1); }, "not started"));
  CHECK(throws([&] { t.isend(1, t.size(), 1, data, 4); },
               "found a transfer with rank"));
}

/// A control-plane call that gave up leaves its caller's memory alone: nothing
/// arrives in it later, and what was to be sent has been taken. The last test,
/// for the control plane is used up afterwards.
static void testMessagesAfterATimeout(Transport &t) {
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
    t.isend(0, 0, 7, &token, 1);
    t.wait(0);
    // Rank 0 is done with both.
    t.irecv(1, 0, 7, &token, 1);
    t.wait(1);
    CHECK(in == std::vector<char>(8, 'x'));
  }
  if (t.rank() == 0) {
    std::vector<char> in(bytes), out(8, 'b');
    t.irecv(0, 1, 7, &token, 1);
    t.wait(0);
    t.send(1, out.data(), out.size());
    t.receive(1, in.data(), in.size());
    CHECK(in == std::vector<char>(bytes, 'a'));
    t.isend(1, 1, 7, &token, 1);
    t.wait(1);
  }
}

int main() {
  std::unique_ptr<Transport> transport = createMpiTransport();
  Transport &t = *transport;
  rankHere = t.rank();
  t.reserve(32);
  Collectives c(t);
  testExchangeOfManySizes(t);
  testOrder(t);
  testCollectives(t, c);
  testClocks(t);
  testErrors(t, c);
  testProgressDuringComputation(t, c);
  c.barrier();
  testWaitingIsCheap(t);
  c.barrier();
  testLatency(t);
  c.barrier();
  // An agreement on an error reaches every rank.
  bool disagreed = false;
  try {
    c.agree(t.rank() == t.size() - 1 ? "expected by the test" : "");
  } catch (const Disagreement &) {
    disagreed = true;
  }
  CHECK(disagreed);
  testMessagesAfterATimeout(t);
  std::printf("all checks passed\n");
  transport->finish();
}
