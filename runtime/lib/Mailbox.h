//===- Mailbox.h - A rank's messages with the ranks of its node -----------===//
//
// Matches what arrives in the inbox with the receives that were posted, by
// sender and channel, in order. Short messages are copied into a cell when they
// are sent, so that their sender is free at once, and out of it when they
// match. Long ones are copied once, by the receiver, out of the sender's
// memory; where that is forbidden the mailbox only matches them, and the
// transport moves them.
//
// Calls must exclude each other, but for `copy`.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_MAILBOX_H
#define PPRT_MAILBOX_H

#include "Messages.h"
#include "NodeMemory.h"

namespace pprt {

/// A send or receive of this rank.
struct Message {
  enum State { Idle, Active, Complete };
  std::atomic<int> state{Idle};
  bool isReceive = false;
  int peer = 0; ///< its number on the node, where the mailbox is meant
  uint64_t channel = 0;
  void *data = nullptr;
  uint64_t bytes = 0;
  uint64_t received = 0;
  int failure = 0; ///< errno of a copy that failed
  TransferTimes times;
  MessageHeader *header = nullptr; ///< of a long message that is under way
  Message *next = nullptr;
};

/// Transfers in order, linked through them.
class MessageQueue {
public:
  bool empty() const { return !first; }
  Message *front() const { return first; }
  void append(Message &message);
  Message *takeFront();
  /// Takes out the first one for a channel of a peer; null if there is none.
  Message *takeMatch(int peer, uint64_t channel);
  /// Takes one out wherever it is; false if it is not here.
  bool remove(Message &message);

private:
  Message *first = nullptr, *last = nullptr;
};

class Mailbox {
public:
  /// `copies` tells whether this node's ranks may read each other's memory.
  Mailbox(NodeMemory &node, int me, bool copies)
      : node(node), me(me), copies(copies) {}

  /// Whether a message of this size is moved by the mailbox itself.
  bool moves(uint64_t bytes) const {
    return copies || bytes <= NodeMemory::cellBytes;
  }

  void send(Message &message);
  void receive(Message &message);
  /// Looks into the inbox, and sends what waited for a header. `now` is the
  /// time of arrival for messages that were sent after `since`: earlier ones
  /// had come already.
  void look(uint64_t since, uint64_t now);

  /// Matched receives that are still to be copied (then `finishCopy`), or to
  /// be moved by the transport. Null if there is none.
  Message *nextCopy() { return toCopy.takeFront(); }
  Message *nextElsewhere() { return toMove.takeFront(); }
  void copy(Message &message);
  void finishCopy(Message &message);

  /// Completes a long send that the receiver has taken.
  void updateSend(Message &message);

  /// Takes back a message that is not complete. False while its memory is being
  /// copied from or to.
  bool withdraw(Message &message);
  /// Drops what has come and will come in channels of a space, which is the
  /// upper half of their numbers.
  void close(uint32_t space);

private:
  bool place(Message &message);
  bool tryPlace(Message &message);
  MessageHeader *findFree(uint32_t begin, uint32_t end, uint32_t &cursor);
  void placeBacklog();
  void match(Message &message, MessageHeader &header, uint64_t time);
  void notifyStarved(int source);
  bool isClosed(const MessageHeader &header) const {
    const uint32_t space = uint32_t(header.channel >> 32);
    return space < closed.size() && closed[space];
  }
  void drop(MessageHeader &header);

  NodeMemory &node;
  int me;
  bool copies;
  MessageQueue posted;  // receives without a message
  MessageQueue backlog; // sends without a header
  MessageQueue toCopy, toMove;
  MessageHeader *firstUnexpected = nullptr, *lastUnexpected = nullptr;
  uint32_t cellCursor = 0, cursor = 0;
  std::vector<bool> closed; ///< by space
  /// Whose long message a header of this rank carries.
  Message *sender[NodeMemory::headersPerRank] = {};
};

} // namespace pprt

#endif // PPRT_MAILBOX_H
