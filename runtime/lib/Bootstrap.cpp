//===- Bootstrap.cpp - The control plane of a job -------------------------===//
#include "Bootstrap.h"

#include "Diagnostics.h"
#include "Error.h"

#include <algorithm>
#include <cstring>
#include <utility>

using namespace pprt;

static constexpr int controlTag = 1;

Bootstrap::~Bootstrap() = default;

void Bootstrap::openControlPlane() {
  firstRequest = messages().addRequests(numRequests);
  space = messages().addSpace();
  isSending = isReceiving = false;
}

void Bootstrap::closeControlPlane() {
  bool areFree = true;
  for (int i = 0; i < numRequests; ++i)
    areFree &= messages().cancel(firstRequest + i);
  messages().removeSpace(space);
  if (areFree) {
    messages().removeRequests(firstRequest, numRequests);
    return;
  }
  for (std::vector<char> *buffer : {&out, &in})
    keepUntilEnd(
        std::make_shared<std::vector<char>>(std::exchange(*buffer, {})));
}

void Bootstrap::checkFree(bool isFree) const {
  if (!isFree)
    throw Error("found a message of the control plane after one that was given "
                "up, expected none: report the failure first");
}

void Bootstrap::wait(int request, int peer, bool &isBusy) {
  auto isDone = [&] { return messages().isComplete(firstRequest + request); };
  try {
    messages().waitUntil(isDone);
  } catch (const TimeoutError &) {
    throw TimeoutError("found no answer from rank " + std::to_string(peer) +
                       " in time, expected it to take part: see what it does, "
                       "or raise --timeout");
  }
  isBusy = false;
  messages().take(firstRequest + request);
}

void Bootstrap::send(int peer, const void *data, uint64_t bytes) {
  checkFree(!isSending);
  const char *from = static_cast<const char *>(data);
  out.assign(from, from + bytes);
  isSending = true;
  messages().isend(firstRequest + sending, peer, space, controlTag, out.data(),
                   bytes);
  wait(sending, peer, isSending);
}

void Bootstrap::receive(int peer, void *data, uint64_t bytes) {
  checkFree(!isReceiving);
  in.resize(bytes);
  isReceiving = true;
  messages().irecv(firstRequest + receiving, peer, space, controlTag, in.data(),
                   bytes);
  wait(receiving, peer, isReceiving);
  if (bytes > 0)
    std::memcpy(data, in.data(), bytes);
}

bool Bootstrap::any(bool mine) {
  // Towards rank 0 in a tree: in round `bit`, ranks with that lowest bit set
  // hand over.
  uint8_t result = mine;
  for (int bit = 1; bit < size(); bit <<= 1) {
    if (rank() & bit) {
      send(rank() - bit, &result, 1);
      break;
    }
    if (rank() + bit < size()) {
      uint8_t theirs = 0;
      receive(rank() + bit, &theirs, 1);
      result |= theirs;
    }
  }
  broadcast(&result, 1);
  return result != 0;
}

void Bootstrap::broadcast(void *data, uint64_t bytes, int root) {
  const int place = (rank() - root + size()) % size();
  int bit = 1;
  for (; bit < size(); bit <<= 1)
    if (place & bit) {
      receive((place - bit + root) % size(), data, bytes);
      break;
    }
  for (bit >>= 1; bit > 0; bit >>= 1)
    if (place + bit < size())
      send((place + bit + root) % size(), data, bytes);
}

std::vector<std::string> Bootstrap::gather(const std::string &mine) {
  std::vector<std::string> all;
  // Pieces bound the copies.
  constexpr uint64_t piece = 4 << 20;
  uint64_t bytes = mine.size();
  if (rank() != 0) {
    send(0, &bytes, sizeof bytes);
    for (uint64_t at = 0; at < bytes; at += piece)
      send(0, mine.data() + at, std::min(piece, bytes - at));
    return all;
  }
  all.resize(size_t(size()));
  all[0] = mine;
  for (int peer = 1; peer < size(); ++peer) {
    std::string &theirs = all[size_t(peer)];
    receive(peer, &bytes, sizeof bytes);
    theirs.resize(bytes);
    for (uint64_t at = 0; at < bytes; at += piece)
      receive(peer, theirs.data() + at, std::min(piece, bytes - at));
  }
  return all;
}

void Bootstrap::agree(const std::string &error) {
  if (!any(!error.empty()))
    return;
  std::vector<std::string> all = gather(error);
  if (rank() == 0)
    printErrors(all, rankNames);
  throw Disagreement();
}
