//===- Communicator.h - The data plane of one group of ranks ----*- C++ -*-===//
//
// A group is the ranks that differ in their coordinates on some axes of the
// mesh only; a rank has one communicator for each group that it is in. Members
// have numbers, in the order of their coordinates. They exchange messages, and
// do collectives of a closed set. All members start the collectives of a group
// in the same order; several may be in flight.
//
// A sum over a group is one binary tree over its members: in the first round
// those at 2i + 1 are added to those at 2i, in the next the sums at 4i + 2 to
// those at 4i, and so on. So its bits are the same for every member, every
// order of arrival and every algorithm.
//
// The collectives of a program are known before its first step: `prepare` makes
// what a request needs, `start` and `wait` allocate nothing. Memory that a
// collective needs while it is under way is the caller's.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_COMMUNICATOR_H
#define PPRT_COMMUNICATOR_H

#include "Mesh.h"
#include "Messages.h"
#include "pprt_collectives.h"

#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace pprt {

class Bootstrap;

struct Group {
  Mesh mesh;
  std::vector<std::string> axes;
  std::vector<int> ranks; ///< by member
  int member = 0;         ///< this rank's

  /// The ranks that have the coordinates of `rank` on all axes but these.
  static Group along(const Mesh &mesh, int rank, std::vector<std::string> axes);
  /// All ranks.
  static Group all(const Mesh &mesh, int rank);

  int size() const { return int(ranks.size()); }
  /// "rank 5 (pipe 2, data 1)".
  std::string describe(int member) const {
    return mesh.describe(ranks[size_t(member)]);
  }
  /// "data and tensor": the axes of more than one.
  std::string name() const;
};

enum class ElementType { Bytes, F32, F64 };
uint64_t sizeOf(ElementType type);

struct Collective {
  /// Names: `kindNames`.
  enum Kind {
    AllReduce = PPRT_ALL_REDUCE,         ///< `out` is the sum of all `in`
    ReduceScatter = PPRT_REDUCE_SCATTER, ///< `out` is the own piece of that sum
    AllGather = PPRT_ALL_GATHER, ///< `out` is all `in`, one behind the other
    /// `out` is the own piece of each `in`, one behind the other.
    AllToAll = PPRT_ALL_TO_ALL
  };
  Kind kind = AllReduce;
  ElementType type = ElementType::F32;
  /// Elements of each member's piece; of an all-reduce all, once.
  std::vector<uint64_t> counts;

  uint64_t total() const {
    return std::accumulate(counts.begin(), counts.end(), uint64_t(0));
  }
  bool isSum() const { return pprt_is_sum(kind); }
  /// Elements of a member's `in` and `out`.
  uint64_t elementsIn(int member) const {
    return kind == AllGather ? counts[size_t(member)] : total();
  }
  uint64_t elementsOut(int member) const {
    if (kind == AllToAll)
      return counts[size_t(member)] * counts.size();
    return kind == ReduceScatter ? counts[size_t(member)] : total();
  }
  /// Bytes of workspace over so many members.
  uint64_t workspaceBytes(int members) const;
  /// "an all_reduce of 48 f64".
  std::string describe() const;
  static const char *const kindNames[PPRT_NUM_COLLECTIVES];
};

class Communicator {
public:
  explicit Communicator(Group group) : members(std::move(group)) {}
  virtual ~Communicator() = default;
  Communicator(const Communicator &) = delete;
  Communicator &operator=(const Communicator &) = delete;

  const Group &group() const { return members; }
  int size() const { return members.size(); }
  int member() const { return members.member; }

  /// `data` stays valid until the request is complete or has been given back by
  /// `abort`, whatever `wait` throws. `peer` is a member.
  virtual void isend(int request, int peer, int tag, const void *data,
                     uint64_t bytes) = 0;
  virtual void irecv(int request, int peer, int tag, void *data,
                     uint64_t bytes) = 0;
  /// The request is that of a collective from now on. Every member prepares the
  /// same under the same number. Throws Error.
  virtual void prepare(int request, const Collective &collective) = 0;
  /// Starts it. `in` and `out` may begin at the same address, but of an
  /// all-to-all; a reduce-scatter may write the own piece of `in`, an
  /// all-gather read that of `out`; otherwise they do not overlap. `workspace`,
  /// of the bytes that the collective says, is its own until it is complete, as
  /// `in` and `out` are.
  virtual void start(int request, const void *in, void *out,
                     void *workspace) = 0;
  /// Sleeps until the request is complete. Throws TimeoutError, which names the
  /// group and who did not come, Error and Stopped.
  virtual TransferTimes wait(int request) = 0;

  /// Gives up what is under way; nothing but the destructor follows. False if
  /// memory of it may still be read or written: it has to stay until the job
  /// has ended.
  virtual bool abort() = 0;

private:
  Group members;
};

/// Between memories of the host. Requests are 0 .. requests - 1. All members
/// create their communicators in the same order.
std::unique_ptr<Communicator> createHostCommunicator(Bootstrap &bootstrap,
                                                     Group group, int requests);

/// The sum of `count` pieces of `elements` each, `stride` bytes apart, over the
/// tree of all communicators; it is where the first piece was.
void sumPieces(ElementType type, char *pieces, uint64_t stride, int count,
               uint64_t elements);

} // namespace pprt

#endif // PPRT_COMMUNICATOR_H
