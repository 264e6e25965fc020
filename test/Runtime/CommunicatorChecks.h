//===- CommunicatorChecks.h - Collectives and failures ----------*- C++ -*-===//
//
// What holds for communicators on any bootstrap: for threads of one process
// (test/unit/Runtime/CommunicatorTest.cpp) and for processes under mpirun
// (TransportTest.cpp). Every rank calls the functions with the same arguments;
// they return what is wrong, or an empty string.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TEST_COMMUNICATORCHECKS_H
#define PPRT_TEST_COMMUNICATORCHECKS_H

#include "Bootstrap.h"
#include "Communicator.h"
#include "Error.h"
#include "Philox.h"

#include <cstring>
#include <list>
#include <unistd.h>

namespace pprt::test {

/// A number of which a sum depends on its order.
template <typename T> T valueOf(int rank, uint64_t index, int round) {
  const uint64_t bits =
      philox64(uint64_t(rank) << 8 | uint64_t(round), index, 0);
  return T(double(int64_t(bits)) * (index % 3 ? 1e-18 : 1e-12));
}

/// The sum over members [first, first + width), by the words of Communicator.h.
template <typename T>
T treeSum(const std::vector<T> &values, size_t first, size_t width) {
  if (width == 1)
    return values[first];
  const size_t half = width / 2;
  const T left = treeSum(values, first, half);
  return first + half < values.size()
             ? left + treeSum(values, first + half, half)
             : left;
}

template <typename T>
std::vector<T> expectedSum(const Group &group, uint64_t begin, uint64_t count,
                           int round) {
  size_t width = 1;
  while (width < group.ranks.size())
    width *= 2;
  std::vector<T> result(count), values(group.ranks.size());
  for (uint64_t i = 0; i < count; ++i) {
    for (size_t m = 0; m < values.size(); ++m)
      values[m] = valueOf<T>(group.ranks[m], begin + i, round);
    result[i] = treeSum(values, 0, width);
  }
  return result;
}

/// Pieces of many sizes, some empty.
inline std::vector<uint64_t> unevenCounts(int members) {
  std::vector<uint64_t> counts;
  for (int i = 0; i < members; ++i)
    counts.push_back(i % 3 == 1 ? 0 : uint64_t(i) * 1711 + 5);
  return counts;
}

inline constexpr char kGuard = 0x5a;

/// Whose communicators these are, and the memory that they work on.
class Place {
public:
  explicit Place(Bootstrap &bootstrap) : bootstrap(bootstrap) {}
  virtual ~Place() = default;
  virtual std::unique_ptr<Communicator> create(const Group &group,
                                               int requests) {
    return createHostCommunicator(bootstrap, group, requests);
  }
  /// After all has been prepared.
  virtual void connect(Communicator &) {}
  /// A copy of memory of the host where collectives find it.
  virtual void *put(const void *data, uint64_t bytes) {
    const char *from = static_cast<const char *>(data);
    // One that is empty has an address, too.
    buffers.emplace_back(from, from + bytes).push_back(0);
    return buffers.back().data();
  }
  virtual void get(void *data, const void *from, uint64_t bytes) {
    if (bytes)
      std::memcpy(data, from, bytes);
  }

  Bootstrap &bootstrap;

private:
  std::list<std::vector<char>> buffers;
};

/// Collectives of one type over one group, all in flight at a time.
template <typename T>
std::string checkGroup(Place &place, const Group &group, ElementType type) {
  Bootstrap &bootstrap = place.bootstrap;
  const int members = group.size();
  const std::vector<uint64_t> counts = unevenCounts(members);
  std::vector<Collective> all;
  // Around where an all-reduce takes another way, too.
  for (uint64_t count : {0, 1, 7, 1000, 8192, 8193, 20001})
    all.push_back({Collective::AllReduce, type, {count}});
  all.push_back({Collective::ReduceScatter, type, counts});
  all.push_back({Collective::AllGather, type, counts});
  all.push_back({Collective::AllToAll, type, counts});
  all.push_back({Collective::ReduceScatter, type,
                 std::vector<uint64_t>(size_t(members), 0)});
  auto communicator = place.create(group, int(all.size()) + 2);
  for (size_t i = 0; i < all.size(); ++i)
    communicator->prepare(int(i), all[i]);
  place.connect(*communicator);
  for (int round = 0; round < 3; ++round) {
    // Others come first in each round.
    usleep(useconds_t((group.member * 7 + round * 5) % 4) * 3000);
    std::vector<std::vector<T>> in(all.size()), out(all.size());
    std::vector<void *> results(all.size()), workspaces(all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const Collective &c = all[i];
      in[i].resize(c.elementsIn(group.member));
      out[i].resize(c.elementsOut(group.member));
      for (size_t k = 0; k < in[i].size(); ++k)
        in[i][k] = valueOf<T>(bootstrap.rank(), k, round);
      // Some in place.
      const bool inPlace = c.kind == Collective::AllReduce && i % 2;
      void *input = place.put(in[i].data(), in[i].size() * sizeof(T));
      results[i] =
          inPlace ? input : place.put(out[i].data(), out[i].size() * sizeof(T));
      // As many bytes as are said, and one that has to stay.
      std::vector<char> space(c.workspaceBytes(members) + 1, kGuard);
      workspaces[i] = place.put(space.data(), space.size());
      communicator->start(int(i), input, results[i], workspaces[i]);
    }
    for (size_t n = 0; n < all.size(); ++n) {
      // In another order than they were started.
      const size_t i = round % 2 ? n : all.size() - 1 - n;
      const Collective &c = all[i];
      communicator->wait(int(i));
      char guard = 0;
      place.get(&guard,
                static_cast<char *>(workspaces[i]) + c.workspaceBytes(members),
                1);
      if (guard != kGuard)
        return "written behind the workspace of " + c.describe() + " over " +
               group.name() + " on " + group.describe(group.member);
      place.get(out[i].data(), results[i], out[i].size() * sizeof(T));
      std::vector<T> expected;
      uint64_t begin = 0, count = 0;
      if (c.kind != Collective::AllReduce) {
        const auto own = c.counts.begin() + group.member;
        begin = std::accumulate(c.counts.begin(), own, begin);
        count = *own;
      }
      if (c.kind == Collective::AllReduce) {
        expected = expectedSum<T>(group, 0, c.total(), round);
      } else if (c.kind == Collective::ReduceScatter) {
        expected = expectedSum<T>(group, begin, count, round);
      } else if (c.kind == Collective::AllToAll) {
        for (int m = 0; m < members; ++m)
          for (uint64_t k = 0; k < count; ++k)
            expected.push_back(
                valueOf<T>(group.ranks[size_t(m)], begin + k, round));
      } else {
        for (int m = 0; m < members; ++m)
          for (uint64_t k = 0; k < c.counts[size_t(m)]; ++k)
            expected.push_back(valueOf<T>(group.ranks[size_t(m)], k, round));
      }
      if (out[i].size() != expected.size() ||
          (!expected.empty() && std::memcmp(out[i].data(), expected.data(),
                                            expected.size() * sizeof(T))))
        return "wrong bytes of " + c.describe() + " over " + group.name() +
               " on " + group.describe(group.member);
    }
  }
  // Messages between members beside collectives.
  const int next = (group.member + 1) % members;
  const int before = (group.member + members - 1) % members;
  const int send = int(all.size()), receive = send + 1;
  std::vector<int> mine(5000, bootstrap.rank()), theirs(5000, -1);
  const uint64_t bytes = mine.size() * sizeof(int);
  void *from = place.put(mine.data(), bytes);
  void *to = place.put(theirs.data(), bytes);
  if (members == 1)
    return "";
  communicator->irecv(receive, before, 3, to, bytes);
  communicator->isend(send, next, 3, from, bytes);
  communicator->wait(receive);
  communicator->wait(send);
  place.get(theirs.data(), to, bytes);
  if (theirs != std::vector<int>(5000, group.ranks[size_t(before)]))
    return "wrong bytes of a message over " + group.name();
  return "";
}

/// Groups along every set of axes of the mesh.
inline std::string checkCollectives(Place &place, const Mesh &mesh) {
  const auto &axes = mesh.getAxes();
  for (size_t set = 0; set < size_t(1) << axes.size(); ++set) {
    std::vector<std::string> names;
    for (size_t i = 0; i < axes.size(); ++i)
      if (set >> i & 1)
        names.push_back(axes[i].name);
    const Group group = Group::along(mesh, place.bootstrap.rank(), names);
    std::string error = checkGroup<float>(place, group, ElementType::F32);
    if (error.empty())
      error = checkGroup<double>(place, group, ElementType::F64);
    if (!error.empty())
      return error;
  }
  return "";
}

inline std::string checkCollectives(Bootstrap &bootstrap, const Mesh &mesh) {
  Place place(bootstrap);
  return checkCollectives(place, mesh);
}

/// A collective that one member does not come to: its timeout names both, and
/// afterwards everything works that is made anew. `misses` is that member.
/// `mayKeep`: messages may be of a kind that cannot be taken back.
inline std::string checkRecovery(Bootstrap &bootstrap, const Mesh &mesh,
                                 int misses, bool mayKeep = false) {
  const Group group = Group::all(mesh, bootstrap.rank());
  const double timeout = bootstrap.timeout();
  std::string error;
  struct Memory {
    std::vector<double> sums = std::vector<double>(40000, 1);
    std::vector<char> in = std::vector<char>(100000), out = in, workspace;
  };
  auto memory = std::make_shared<Memory>();
  auto &[sums, in, out, workspace] = *memory;
  const size_t keptBefore = bootstrap.countKept();
  bool isFree = true;
  {
    auto communicator = createHostCommunicator(bootstrap, group, 3);
    const Collective sum{
        Collective::AllReduce, ElementType::F64, {sums.size()}};
    communicator->prepare(0, sum);
    workspace.resize(sum.workspaceBytes(group.size()));
    try {
      const int next = (group.member + 1) % group.size();
      // A long message that nobody takes, and one that nobody sends.
      communicator->isend(1, next, 1, out.data(), out.size());
      communicator->irecv(2, next, 2, in.data(), in.size());
      if (group.member != misses) {
        communicator->start(0, sums.data(), sums.data(), workspace.data());
        bootstrap.setTimeout(group.member == (misses + 1) % group.size() ? 0.3
                                                                         : 60);
        communicator->wait(0);
      } else {
        communicator->wait(2);
      }
      error = "a wait ended although a member was missing";
    } catch (const TimeoutError &e) {
      for (const std::string &part :
           {std::string("all_reduce of 40000 f64"), " over " + group.name(),
            "expected " + group.describe(misses)})
        if (std::string(e.what()).find(part) == std::string::npos)
          error = "no '" + part + "' in '" + e.what() + "'";
    } catch (const Stopped &) {
    }
    bootstrap.setTimeout(timeout);
    isFree = communicator->abort();
    if (!isFree)
      bootstrap.keepUntilEnd(memory);
  }
  bootstrap.reportFailure(error.empty() ? "expected by the test" : error);
  // As much as before.
  if (std::string again = checkCollectives(bootstrap, mesh); !again.empty())
    error = "after a failure: " + again;
  bootstrap.barrier();
  // MPI alone cannot take a message back.
  if (isFree && bootstrap.countKept() > keptBefore)
    error = "memory was kept after a failure";
  if (!isFree && !mayKeep)
    error = "a message could not be taken back";
  return error;
}

} // namespace pprt::test

#endif // PPRT_TEST_COMMUNICATORCHECKS_H
