//===- NodeMemory.h - Memory that the ranks of a node share ---------------===//
//
// For each rank an event count, an inbox, and headers. A message is a header of
// its sender, pushed onto the inbox of its receiver. A short message lies in
// the header's cell; of a long one the header tells where it lies in the
// sender's memory, and the receiver reads it there.
//
// An inbox is a stack without locks: senders push one header, the receiver
// takes all at once, so no header comes back while it is looked at. Nothing
// here can overflow but the headers of a sender, which then waits for one.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_NODEMEMORY_H
#define PPRT_NODEMEMORY_H

#include "EventCount.h"

#include <cstddef>
#include <string>

namespace pprt {

struct alignas(64) MessageHeader {
  enum State : uint32_t {
    Free,
    Sent,
    Copying,   ///< the receiver reads the sender's memory
    Taken,     ///< the sender may have its memory back
    Unread,    ///< the receiver could not read the sender's memory
    Withdrawn, ///< the sender has its memory back; nothing is to be read
    Dropped,   ///< nobody will read it; the sender may withdraw it
  };
  /// Where the message is.
  enum Way : uint32_t {
    InCell,
    InSenderMemory,
    Elsewhere, ///< the transport moves it; the header only announces it
  };

  std::atomic<uint32_t> state;
  uint32_t next; ///< one more than the next header's index, 0 at the end
  uint32_t source;
  Way way;
  uint64_t channel; ///< messages of a channel match in order
  uint64_t bytes;
  uint64_t address; ///< in the sender's memory
  uint64_t time;    ///< of the last change of state
};

/// What a node knows about one of its ranks.
struct alignas(64) RankEntry {
  /// One more than the index of the header pushed last, 0 if there is none.
  std::atomic<uint32_t> inbox;
  /// Set by a rank that wants to be notified when one of its headers is free.
  std::atomic<uint32_t> starved;
  /// How many notices others have sent to it by MPI.
  std::atomic<uint32_t> notices;
  int32_t process;
  uint64_t proof;        ///< a random number
  uint64_t proofAddress; ///< where it stands in the rank's own memory
};

class NodeMemory {
public:
  static constexpr uint64_t cellBytes = 4096;
  static constexpr uint32_t headersPerRank = 256;

  NodeMemory() = default;
  ~NodeMemory();
  NodeMemory(const NodeMemory &) = delete;
  NodeMemory &operator=(const NodeMemory &) = delete;

  /// Maps the memory of `ranks` ranks; the creator makes it, under a name that
  /// it removes once all have it mapped. False if the system has none.
  bool map(const std::string &name, int ranks, bool create);
  static void remove(const std::string &name);
  /// Takes private memory instead, for a rank that is alone.
  void usePrivate();

  /// Says who `rank` is, for `canRead` of the others.
  void introduce(int rank);
  /// Whether this process may read the memory of `rank`, as introduced.
  bool canRead(int rank) const;

  EventCount &events(int rank) { return eventCounts[rank]; }
  RankEntry &entry(int rank) { return entries[rank]; }
  /// The headers of a rank; the first ones have cells.
  MessageHeader &header(int rank, uint32_t index) {
    return headers[uint32_t(rank) * headersPerRank + index];
  }
  uint32_t cellsPerRank() const { return cells; }
  char *cell(const MessageHeader &header);

  /// Puts a header into the inbox of `rank`.
  void push(int rank, MessageHeader &header);
  /// Empties the inbox of `rank`: the oldest header, linked by `after`.
  MessageHeader *take(int rank);
  MessageHeader *after(const MessageHeader &header) {
    return header.next ? &headers[header.next - 1] : nullptr;
  }
  void link(MessageHeader &header, MessageHeader *next) {
    header.next = next ? indexOf(*next) + 1 : 0;
  }

private:
  bool layOut(int ranks);
  uint32_t indexOf(const MessageHeader &header) const {
    return uint32_t(&header - headers);
  }

  char *memory = nullptr;
  size_t bytes = 0;
  uint32_t cells = 0;
  EventCount *eventCounts = nullptr;
  RankEntry *entries = nullptr;
  MessageHeader *headers = nullptr;
  char *cellMemory = nullptr;
  uint64_t proof = 0;
};

/// Reads another process's memory (process_vm_readv); false with errno set.
bool readProcess(int32_t process, uint64_t address, void *to, uint64_t bytes);

} // namespace pprt

#endif // PPRT_NODEMEMORY_H
