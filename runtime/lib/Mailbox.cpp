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
  // An envelope may become free before its receiver sees that one is wanted.
  node.post(me).starved = 1;
  if (!tryPlace(message))
    return false;
  node.post(me).starved = 0;
  return true;
}

Envelope *Mailbox::findFree(uint32_t begin, uint32_t end, uint32_t &cursor) {
  for (uint32_t i = begin; i < end; ++i) {
    cursor = cursor + 1 < end && cursor + 1 > begin ? cursor + 1 : begin;
    Envelope &envelope = node.envelope(me, cursor);
    // One that was taken is free as soon as its sender knows.
    if (sender[cursor])
      updateSend(*sender[cursor]);
    if (envelope.state.load() == Envelope::Free)
      return &envelope;
  }
  return nullptr;
}

void Mailbox::placeBacklog() {
  while (!backlog.empty() && place(*backlog.front()))
    backlog.takeFront();
}

bool Mailbox::tryPlace(Message &t) {
  const uint32_t cells = node.cellsPerRank();
  Envelope *envelope = nullptr;
  Envelope::Way way = Envelope::InCell;
  if (t.bytes <= NodeMemory::cellBytes)
    envelope = findFree(0, cells, cellCursor);
  if (!envelope && (copies || t.bytes > NodeMemory::cellBytes)) {
    way = copies ? Envelope::InSenderMemory : Envelope::Elsewhere;
    envelope = findFree(cells, NodeMemory::envelopesPerRank, cursor);
  }
  if (!envelope)
    return false;
  envelope->source = uint32_t(me);
  envelope->way = way;
  envelope->channel = t.channel;
  envelope->bytes = t.bytes;
  envelope->address = reinterpret_cast<uint64_t>(t.data);
  envelope->time = nowNs();
  envelope->state = Envelope::Sent;
  // The receiver may have it as soon as it is pushed.
  Bell &bell = node.bell(t.peer);
  if (way == Envelope::InCell) {
    if (t.bytes > 0)
      std::memcpy(node.cell(*envelope), t.data, t.bytes);
    t.times.completed = envelope->time;
    node.push(t.peer, *envelope);
    t.state = Message::Complete;
    // Without hurry: nothing depends on it but a main thread that waits.
    bell.ringMain();
    return true;
  }
  if (way == Envelope::InSenderMemory) {
    t.envelope = envelope;
    sender[cursor] = &t;
  }
  node.push(t.peer, *envelope);
  bell.ring();
  return true;
}

void Mailbox::updateSend(Message &t) {
  if (!t.envelope)
    return;
  uint32_t state = t.envelope->state.load();
  if (state == Envelope::Sent || state == Envelope::Copying ||
      state == Envelope::Dropped)
    return;
  t.times.completed = t.envelope->time;
  t.failure = state == Envelope::Unread ? EFAULT : 0;
  t.envelope->state = Envelope::Free;
  sender[t.envelope - &node.envelope(me, 0)] = nullptr;
  t.envelope = nullptr;
  t.state = Message::Complete;
}

//===----------------------------------------------------------------------===//
// Receiving
//===----------------------------------------------------------------------===//

void Mailbox::receive(Message &message) {
  Envelope *before = nullptr;
  for (Envelope *e = firstUnexpected; e; before = e, e = node.after(*e)) {
    if (int(e->source) != message.peer || e->channel != message.channel)
      continue;
    Envelope *next = node.after(*e);
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
  for (Envelope *e = node.take(me), *next; e; e = next) {
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

void Mailbox::match(Message &t, Envelope &e, uint64_t time) {
  t.received = e.bytes;
  t.times.completed = time;
  // Another size is an error of the wait; nothing is copied.
  bool fits = e.bytes == t.bytes;
  if (fits && e.way == Envelope::InSenderMemory) {
    t.envelope = &e;
    toCopy.append(t);
    return;
  }
  if (fits && e.way == Envelope::InCell && t.bytes > 0)
    std::memcpy(t.data, node.cell(e), t.bytes);
  const int source = int(e.source);
  const Envelope::Way way = e.way;
  // From here on the envelope is its sender's again.
  if (way == Envelope::InSenderMemory) {
    uint32_t expected = Envelope::Sent;
    if (!e.state.compare_exchange_strong(expected, Envelope::Taken))
      e.state = Envelope::Free; // withdrawn
    node.bell(source).ringMain();
  } else {
    e.state = Envelope::Free;
  }
  ringStarved(source);
  if (way == Envelope::Elsewhere)
    toMove.append(t);
  else
    t.state = Message::Complete;
}

void Mailbox::copy(Message &t) {
  Envelope &e = *t.envelope;
  uint32_t expected = Envelope::Sent;
  if (!e.state.compare_exchange_strong(expected, Envelope::Copying))
    return; // withdrawn
  if (int(e.source) == me)
    std::memcpy(t.data, reinterpret_cast<const void *>(e.address), t.bytes);
  else if (!readProcess(node.post(int(e.source)).process, e.address, t.data,
                        t.bytes))
    t.failure = errno;
}

void Mailbox::finishCopy(Message &t) {
  Envelope &e = *t.envelope;
  const int source = int(e.source);
  t.envelope = nullptr;
  if (e.state.load() == Envelope::Withdrawn) {
    // As if it had never come.
    e.state = Envelope::Free;
    ringStarved(source);
    posted.append(t);
    return;
  }
  e.time = t.times.completed = nowNs();
  e.state = t.failure ? Envelope::Unread : Envelope::Taken;
  node.bell(source).ringMain();
  ringStarved(source);
  t.state = Message::Complete;
}

//===----------------------------------------------------------------------===//
// Giving up
//===----------------------------------------------------------------------===//

bool Mailbox::withdraw(Message &t) {
  if (t.isReceive) {
    // Matched and in no queue: it is being copied.
    if (!posted.remove(t) && t.envelope && !toCopy.remove(t))
      return false;
    toMove.remove(t);
    if (t.envelope)
      drop(*std::exchange(t.envelope, nullptr));
    return true;
  }
  backlog.remove(t);
  if (!t.envelope)
    return true;
  // The receiver frees it when it comes to it, unless it has dropped it.
  uint32_t state = Envelope::Sent;
  const bool isWithdrawn =
      t.envelope->state.compare_exchange_strong(state, Envelope::Withdrawn);
  if (!isWithdrawn && state != Envelope::Dropped) {
    updateSend(t);
    return !t.envelope;
  }
  sender[t.envelope - &node.envelope(me, 0)] = nullptr;
  Envelope *envelope = std::exchange(t.envelope, nullptr);
  if (!isWithdrawn)
    envelope->state = Envelope::Free;
  return true;
}

/// The sender of a long message waits on: it is told of the failure, too.
void Mailbox::drop(Envelope &e) {
  const int source = int(e.source);
  uint32_t expected = Envelope::Sent;
  if (e.way != Envelope::InSenderMemory ||
      !e.state.compare_exchange_strong(expected, Envelope::Dropped))
    e.state = Envelope::Free;
  ringStarved(source);
}

void Mailbox::close(uint32_t space) {
  if (closed.size() <= space)
    closed.resize(space + 1);
  closed[space] = true;
  Envelope *before = nullptr;
  for (Envelope *e = firstUnexpected, *next; e; e = next) {
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

void Mailbox::ringStarved(int source) {
  std::atomic<uint32_t> &starved = node.post(source).starved;
  if (starved.load() && starved.exchange(0))
    node.bell(source).ring();
}
