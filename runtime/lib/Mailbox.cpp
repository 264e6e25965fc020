#include "Mailbox.h"

#include "Clock.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

using namespace pprt;

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

void MessageQueue::append(Message &message) {
  message.next = nullptr;
  (last ? last->next : first) = &message;
  last = &message;
}

Message *MessageQueue::takeFront() {
  Message *front = first;
  if (front)
    remove(*front);
  return front;
}

Message *MessageQueue::takeMatch(int peer, uint64_t channel) {
  for (Message *t = first; t; t = t->next)
    if (t->peer == peer && t->channel == channel) {
      remove(*t);
      return t;
    }
  return nullptr;
}

bool MessageQueue::remove(Message &message) {
  Message *before = nullptr;
  for (Message *t = first; t; before = t, t = t->next)
    if (t == &message) {
      (before ? before->next : first) = t->next;
      if (last == t)
        last = before;
      return true;
    }
  return false;
}

//===----------------------------------------------------------------------===//
// Sending
//===----------------------------------------------------------------------===//

void Mailbox::send(Message &message) {
  // In order: nothing overtakes what waits.
  if (!backlog.empty() || !place(message))
    backlog.append(message);
}

bool Mailbox::place(Message &message) {
  if (tryPlace(message))
    return true;
  // An header may become free before its receiver sees that one is wanted.
  node.entry(me).starved = 1;
  if (!tryPlace(message))
    return false;
  node.entry(me).starved = 0;
  return true;
}

MessageHeader *Mailbox::findFree(uint32_t begin, uint32_t end,
                                 uint32_t &cursor) {
  for (uint32_t i = begin; i < end; ++i) {
    cursor = cursor + 1 < end && cursor + 1 > begin ? cursor + 1 : begin;
    MessageHeader &header = node.header(me, cursor);
    // One that was taken is free as soon as its sender knows.
    if (sender[cursor])
      updateSend(*sender[cursor]);
    if (header.state.load() == MessageHeader::Free)
      return &header;
  }
  return nullptr;
}

void Mailbox::placeBacklog() {
  while (!backlog.empty() && place(*backlog.front()))
    backlog.takeFront();
}

bool Mailbox::tryPlace(Message &t) {
  const uint32_t cells = node.cellsPerRank();
  MessageHeader *header = nullptr;
  MessageHeader::Way way = MessageHeader::InCell;
  if (t.bytes <= NodeMemory::cellBytes)
    header = findFree(0, cells, cellCursor);
  if (!header && (copies || t.bytes > NodeMemory::cellBytes)) {
    way = copies ? MessageHeader::InSenderMemory : MessageHeader::Elsewhere;
    header = findFree(cells, NodeMemory::headersPerRank, cursor);
  }
  if (!header)
    return false;
  header->source = uint32_t(me);
  header->way = way;
  header->channel = t.channel;
  header->bytes = t.bytes;
  header->address = reinterpret_cast<uint64_t>(t.data);
  header->time = nowNs();
  header->state = MessageHeader::Sent;
  // The receiver may have it as soon as it is pushed.
  EventCount &events = node.events(t.peer);
  if (way == MessageHeader::InCell) {
    if (t.bytes > 0)
      std::memcpy(node.cell(*header), t.data, t.bytes);
    t.times.completed = header->time;
    node.push(t.peer, *header);
    t.state = Message::Complete;
    // Without hurry: nothing depends on it but a main thread that waits.
    events.notifyMain();
    return true;
  }
  if (way == MessageHeader::InSenderMemory) {
    t.header = header;
    sender[cursor] = &t;
  }
  node.push(t.peer, *header);
  events.notify();
  return true;
}

void Mailbox::updateSend(Message &t) {
  if (!t.header)
    return;
  uint32_t state = t.header->state.load();
  if (state == MessageHeader::Sent || state == MessageHeader::Copying ||
      state == MessageHeader::Dropped)
    return;
  t.times.completed = t.header->time;
  t.failure = state == MessageHeader::Unread ? EFAULT : 0;
  t.header->state = MessageHeader::Free;
  sender[t.header - &node.header(me, 0)] = nullptr;
  t.header = nullptr;
  t.state = Message::Complete;
}

//===----------------------------------------------------------------------===//
// Receiving
//===----------------------------------------------------------------------===//

void Mailbox::receive(Message &message) {
  MessageHeader *before = nullptr;
  for (MessageHeader *e = firstUnexpected; e; before = e, e = node.after(*e)) {
    if (int(e->source) != message.peer || e->channel != message.channel)
      continue;
    MessageHeader *next = node.after(*e);
    if (before)
      node.link(*before, next);
    else
      firstUnexpected = next;
    if (lastUnexpected == e)
      lastUnexpected = before;
    match(message, *e, message.times.posted);
    return;
  }
  posted.append(message);
}

void Mailbox::look(uint64_t since, uint64_t now) {
  for (MessageHeader *e = node.take(me), *next; e; e = next) {
    next = node.after(*e);
    if (isClosed(*e)) {
      drop(*e);
      continue;
    }
    if (Message *t = posted.takeMatch(int(e->source), e->channel)) {
      match(*t, *e,
            e->time >= since ? now : std::max(t->times.posted, e->time));
      continue;
    }
    node.link(*e, nullptr);
    if (lastUnexpected)
      node.link(*lastUnexpected, e);
    else
      firstUnexpected = e;
    lastUnexpected = e;
  }
  placeBacklog();
}

void Mailbox::match(Message &t, MessageHeader &e, uint64_t time) {
  t.received = e.bytes;
  t.times.completed = time;
  // Another size is an error of the wait; nothing is copied.
  bool fits = e.bytes == t.bytes;
  if (fits && e.way == MessageHeader::InSenderMemory) {
    t.header = &e;
    toCopy.append(t);
    return;
  }
  if (fits && e.way == MessageHeader::InCell && t.bytes > 0)
    std::memcpy(t.data, node.cell(e), t.bytes);
  const int source = int(e.source);
  const MessageHeader::Way way = e.way;
  // From here on the header is its sender's again.
  if (way == MessageHeader::InSenderMemory) {
    uint32_t expected = MessageHeader::Sent;
    if (!e.state.compare_exchange_strong(expected, MessageHeader::Taken))
      e.state = MessageHeader::Free; // withdrawn
    node.events(source).notifyMain();
  } else {
    e.state = MessageHeader::Free;
  }
  notifyStarved(source);
  if (way == MessageHeader::Elsewhere)
    toMove.append(t);
  else
    t.state = Message::Complete;
}

void Mailbox::copy(Message &t) {
  MessageHeader &e = *t.header;
  uint32_t expected = MessageHeader::Sent;
  if (!e.state.compare_exchange_strong(expected, MessageHeader::Copying))
    return; // withdrawn
  if (int(e.source) == me)
    std::memcpy(t.data, reinterpret_cast<const void *>(e.address), t.bytes);
  else if (!readProcess(node.entry(int(e.source)).process, e.address, t.data,
                        t.bytes))
    t.failure = errno;
}

void Mailbox::finishCopy(Message &t) {
  MessageHeader &e = *t.header;
  const int source = int(e.source);
  t.header = nullptr;
  if (e.state.load() == MessageHeader::Withdrawn) {
    // As if it had never come.
    e.state = MessageHeader::Free;
    notifyStarved(source);
    posted.append(t);
    return;
  }
  e.time = t.times.completed = nowNs();
  e.state = t.failure ? MessageHeader::Unread : MessageHeader::Taken;
  node.events(source).notifyMain();
  notifyStarved(source);
  t.state = Message::Complete;
}

//===----------------------------------------------------------------------===//
// Giving up
//===----------------------------------------------------------------------===//

bool Mailbox::withdraw(Message &t) {
  if (t.isReceive) {
    // Matched and in no queue: it is being copied.
    if (!posted.remove(t) && t.header && !toCopy.remove(t))
      return false;
    toMove.remove(t);
    if (t.header)
      drop(*std::exchange(t.header, nullptr));
    return true;
  }
  backlog.remove(t);
  if (!t.header)
    return true;
  // The receiver frees it when it comes to it, unless it has dropped it.
  uint32_t state = MessageHeader::Sent;
  const bool isWithdrawn =
      t.header->state.compare_exchange_strong(state, MessageHeader::Withdrawn);
  if (!isWithdrawn && state != MessageHeader::Dropped) {
    updateSend(t);
    return !t.header;
  }
  sender[t.header - &node.header(me, 0)] = nullptr;
  MessageHeader *header = std::exchange(t.header, nullptr);
  if (!isWithdrawn)
    header->state = MessageHeader::Free;
  return true;
}

/// The sender of a long message waits on: it is told of the failure, too.
void Mailbox::drop(MessageHeader &e) {
  const int source = int(e.source);
  uint32_t expected = MessageHeader::Sent;
  if (e.way != MessageHeader::InSenderMemory ||
      !e.state.compare_exchange_strong(expected, MessageHeader::Dropped))
    e.state = MessageHeader::Free;
  notifyStarved(source);
}

void Mailbox::close(uint32_t space) {
  if (closed.size() <= space)
    closed.resize(space + 1);
  closed[space] = true;
  MessageHeader *before = nullptr;
  for (MessageHeader *e = firstUnexpected, *next; e; e = next) {
    next = node.after(*e);
    if (!isClosed(*e)) {
      before = e;
      continue;
    }
    if (before)
      node.link(*before, next);
    else
      firstUnexpected = next;
    if (lastUnexpected == e)
      lastUnexpected = before;
    drop(*e);
  }
}

void Mailbox::notifyStarved(int source) {
  std::atomic<uint32_t> &starved = node.entry(source).starved;
  if (starved.load() && starved.exchange(0))
    node.events(source).notify();
}
