//===- HostCommunicator.cpp - Collectives by messages ---------------------===//
//
// An all-gather sends the own piece to every member, an all-to-all each member
// its piece. A reduce-scatter is that and a sum of what has come: as many bytes
// as around a ring, and nothing depends on the order of arrival. A large
// all-reduce is the one after the other. A small one, whose cost is the number
// of messages, goes up a tree to the first member and down again, which adds in
// the same order.
//
// What an all-reduce does between its messages it does in waits, of whatever
// request (Messages::Activity).
//
//===----------------------------------------------------------------------===//
#include "Communicator.h"

#include "Bootstrap.h"
#include "Clock.h"
#include "Error.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

/// All-reduces of up to so many bytes take the tree.
static constexpr uint64_t treeBytes = 64 << 10;

//===----------------------------------------------------------------------===//
// Groups, sums
//===----------------------------------------------------------------------===//

Group Group::along(const Mesh &mesh, int rank, std::vector<std::string> axes) {
  Group group{mesh, std::move(axes), {}, 0};
  // Ranks ascend with their coordinates, the first axis first.
  group.ranks = mesh.group(rank, group.axes);
  group.member = int(std::find(group.ranks.begin(), group.ranks.end(), rank) -
                     group.ranks.begin());
  return group;
}

Group Group::all(const Mesh &mesh, int rank) {
  std::vector<std::string> axes;
  for (const Mesh::Axis &axis : mesh.getAxes())
    axes.push_back(axis.name);
  return along(mesh, rank, axes);
}

std::string Group::name() const {
  std::string text;
  for (const std::string &axis : axes)
    if (mesh.sizeOf(axis) > 1)
      text += (text.empty() ? "" : " and ") + axis;
  return text.empty() ? "one rank" : text;
}

uint64_t pprt::sizeOf(ElementType type) {
  return type == ElementType::Bytes ? 1 : type == ElementType::F32 ? 4 : 8;
}

uint64_t Collective::workspaceBytes(int members) const {
  return pprt_collective_workspace(
      kind,
      counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end()),
      sizeOf(type), uint64_t(members));
}

const char *const Collective::kindNames[] = {"all_reduce", "reduce_scatter",
                                             "all_gather", "all_to_all"};

std::string Collective::describe() const {
  const std::string name = kindNames[kind];
  const char *types[] = {"bytes", "f32", "f64"};
  return (name.front() == 'a' ? "an " : "a ") + name + " of " +
         std::to_string(total()) + " " + types[size_t(type)];
}

template <typename T>
static void addInto(char *to, const char *from, uint64_t elements) {
  T *__restrict sum = reinterpret_cast<T *>(to);
  const T *__restrict values = reinterpret_cast<const T *>(from);
  for (uint64_t i = 0; i < elements; ++i)
    sum[i] += values[i];
}

static void addPiece(ElementType type, char *to, const char *from,
                     uint64_t elements) {
  if (type == ElementType::F32)
    addInto<float>(to, from, elements);
  else
    addInto<double>(to, from, elements);
}

void pprt::sumPieces(ElementType type, char *pieces, uint64_t stride, int count,
                     uint64_t elements) {
  for (int bit = 1; bit < count; bit <<= 1)
    for (int i = 0; i + bit < count; i += 2 * bit)
      addPiece(type, pieces + uint64_t(i) * stride,
               pieces + uint64_t(i + bit) * stride, elements);
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

namespace {

/// Where an operation's messages go.
struct Channel {
  Messages &messages;
  const Group &group;
  int space, tag;
};

/// One collective, again and again. Its messages have numbers of their own.
class Operation {
public:
  Operation(Channel channel, int count)
      : channel(channel), first(channel.messages.addRequests(count)),
        pending(size_t(count)) {}
  virtual ~Operation() {
    if (isAbandoned)
      return;
    channel.messages.removeRequests(first, int(pending.size()));
  }

  virtual void start(const char *in, char *out, char *workspace) = 0;
  /// Goes on as far as messages have come; true when all is done.
  virtual bool progress() = 0;
  /// The member whose message is still to come, -1 if none is.
  virtual int missing() const {
    for (const Message &message : pending)
      if (message.isPending)
        return message.member;
    return -1;
  }
  virtual bool cancel() {
    bool isFree = true;
    for (size_t i = 0; i < pending.size(); ++i) {
      Message &message = pending[i];
      message.isPending =
          message.isPending && !channel.messages.cancel(first + int(i));
      isFree &= !message.isPending;
    }
    return isFree;
  }
  /// Messages may still be read from its memory or arrive in it. It lives until
  /// the job has ended, and nothing is asked of it but the destructor.
  virtual void abandon() { isAbandoned = true; }

protected:
  const Group &group() const { return channel.group; }
  int size() const { return channel.group.size(); }
  int me() const { return channel.group.member; }

  void send(int number, int member, const char *data, uint64_t bytes) {
    if (!bytes)
      return;
    pending[size_t(number)] = {true, member};
    channel.messages.isend(first + number, group().ranks[size_t(member)],
                           channel.space, channel.tag, data, bytes);
  }
  void receive(int number, int member, char *data, uint64_t bytes) {
    if (!bytes)
      return;
    pending[size_t(number)] = {true, member};
    channel.messages.irecv(first + number, group().ranks[size_t(member)],
                           channel.space, channel.tag, data, bytes);
  }
  bool isDone(int number) {
    Message &message = pending[size_t(number)];
    if (!message.isPending)
      return true;
    if (!channel.messages.isComplete(first + number))
      return false;
    message.isPending = false;
    channel.messages.take(first + number);
    return true;
  }
  bool areAllDone() {
    bool all = true;
    for (size_t i = 0; i < pending.size(); ++i)
      all &= isDone(int(i));
    return all;
  }

private:
  struct Message {
    bool isPending = false;
    int member = -1;
  };
  Channel channel;
  int first;
  std::vector<Message> pending;
  bool isAbandoned = false;
};

/// Pieces of a buffer, one a member.
struct Pieces {
  explicit Pieces(const Collective &collective) {
    uint64_t at = 0;
    for (uint64_t count : collective.counts) {
      offsets.push_back(at);
      bytes.push_back(count * sizeOf(collective.type));
      at += bytes.back();
    }
  }
  std::vector<uint64_t> offsets, bytes;
};

/// Of a group of one, whatever it is.
class Alone final : public Operation {
public:
  Alone(Channel channel, const Collective &collective)
      : Operation(channel, 0),
        bytes(collective.total() * sizeOf(collective.type)) {}
  void start(const char *in, char *out, char *) override {
    if (in != out && bytes)
      std::memcpy(out, in, bytes);
  }
  bool progress() override { return true; }

private:
  uint64_t bytes;
};

class AllGather final : public Operation {
public:
  AllGather(Channel channel, const Collective &collective)
      : Operation(channel, 2 * channel.group.size()), pieces(collective) {}

  void start(const char *in, char *out, char *) override {
    const uint64_t own = pieces.bytes[size_t(me())];
    char *place = out + pieces.offsets[size_t(me())];
    for (int i = 0; i < size(); ++i)
      if (i != me())
        receive(i, i, out + pieces.offsets[size_t(i)], pieces.bytes[size_t(i)]);
    // The neighbour first, so that not all write to one member.
    for (int distance = 1; distance < size(); ++distance) {
      const int to = (me() + distance) % size();
      send(size() + to, to, in, own);
    }
    if (place != in && own)
      std::memcpy(place, in, own);
  }
  bool progress() override { return areAllDone(); }

private:
  Pieces pieces;
};

class AllToAll : public Operation {
public:
  /// What comes lies apart by multiples of `alignment`.
  AllToAll(Channel channel, const Collective &collective,
           uint64_t alignment = 1)
      : Operation(channel, 2 * channel.group.size()), pieces(collective),
        own(pieces.bytes[size_t(me())]),
        stride((own + alignment - 1) / alignment * alignment) {}

  void start(const char *in, char *out, char *) override {
    auto placeOf = [&](int i) { return out + stride * uint64_t(i); };
    for (int i = 0; i < size(); ++i)
      if (i != me())
        receive(i, i, placeOf(i), own);
    for (int distance = 1; distance < size(); ++distance) {
      const int peer = (me() + distance) % size();
      send(size() + peer, peer, in + pieces.offsets[size_t(peer)],
           pieces.bytes[size_t(peer)]);
    }
    if (own)
      std::memcpy(placeOf(me()), in + pieces.offsets[size_t(me())], own);
  }
  bool progress() override { return areAllDone(); }

protected:
  const Pieces pieces;
  const uint64_t own;    ///< bytes of the own piece
  const uint64_t stride; ///< from what one member sends to the next
};

class ReduceScatter final : public AllToAll {
public:
  ReduceScatter(Channel channel, const Collective &collective)
      : AllToAll(channel, collective, PPRT_PIECE_ALIGNMENT),
        type(collective.type), elements(collective.counts[size_t(me())]) {}

  void start(const char *in, char *to, char *workspace) override {
    out = to;
    arrived = workspace;
    AllToAll::start(in, arrived, nullptr);
  }
  bool progress() override {
    if (!AllToAll::progress())
      return false;
    if (!elements)
      return true;
    sumPieces(type, arrived, stride, size(), elements);
    std::memcpy(out, arrived, own);
    return true;
  }

private:
  ElementType type;
  uint64_t elements;
  char *arrived = nullptr, *out = nullptr;
};

/// Up a binomial tree to the first member, and down again.
class TreeAllReduce final : public Operation {
public:
  TreeAllReduce(Channel channel, const Collective &collective)
      : Operation(channel, 2 * countRounds(channel.group.size()) + 2),
        rounds(countRounds(size())), type(collective.type),
        elements(collective.total()), bytes(elements * sizeOf(type)) {
    // Those of the children in order, the member itself at 2^child less than
    // the next one.
    for (int round = 0; round < rounds && !(me() >> round & 1); ++round)
      if (me() + (1 << round) < size())
        children.push_back(round);
    if (me() != 0)
      parent = me() & (me() - 1);
  }

  void start(const char *in, char *to, char *workspace) override {
    out = to;
    arrived = workspace;
    summed = 0;
    phase = elements ? Up : Done;
    for (size_t i = 0; i < children.size(); ++i)
      receive(children[i], childAt(i), placeOf(i), bytes);
    if (out != in && bytes)
      std::memcpy(out, in, bytes);
  }

  bool progress() override {
    if (phase == Up) {
      // In the order of the tree, whoever comes first.
      for (; summed < children.size(); ++summed) {
        if (!isDone(children[summed]))
          return false;
        addPiece(type, out, placeOf(summed), elements);
      }
      if (parent >= 0)
        send(toParent(), parent, out, bytes);
      phase = Sent;
    }
    if (phase == Sent) {
      if (!isDone(toParent()))
        return false;
      // Nobody reads `out` any more.
      if (parent >= 0)
        receive(fromParent(), parent, out, bytes);
      phase = Down;
    }
    if (phase == Down) {
      if (!isDone(fromParent()))
        return false;
      for (size_t i = children.size(); i-- > 0;)
        send(rounds + children[i], childAt(i), out, bytes);
      phase = Done;
    }
    return areAllDone();
  }

private:
  static int countRounds(int size) {
    int rounds = 0;
    while (1 << rounds < size)
      ++rounds;
    return rounds;
  }
  int toParent() const { return 2 * rounds; }
  int fromParent() const { return 2 * rounds + 1; }
  int childAt(size_t i) const { return me() + (1 << children[i]); }
  char *placeOf(size_t i) { return arrived + bytes * i; }

  int rounds;
  ElementType type;
  uint64_t elements, bytes;
  std::vector<int> children; // rounds in which one hands over
  int parent = -1;
  char *arrived = nullptr, *out = nullptr;
  size_t summed = 0;
  enum { Up, Sent, Down, Done } phase = Done;
};

/// Each member sums a piece, and all get all pieces.
class LargeAllReduce final : public Operation {
public:
  LargeAllReduce(Channel channel, const Collective &collective)
      : Operation(channel, 0), cut(cutOf(collective, channel.group.size())),
        pieces(cut), scatter(channel, cut),
        gather(Channel{channel.messages, channel.group, channel.space,
                       channel.tag - 1},
               cut) {}

  void start(const char *in, char *to, char *workspace) override {
    out = to;
    isGathering = false;
    scatter.start(in, placeOfOwn(), workspace);
  }
  bool progress() override {
    if (!isGathering) {
      if (!scatter.progress())
        return false;
      // Whoever sends a piece of the result has read what was there.
      gather.start(placeOfOwn(), out, nullptr);
      isGathering = true;
    }
    return gather.progress();
  }
  int missing() const override {
    return isGathering ? gather.missing() : scatter.missing();
  }
  bool cancel() override {
    const bool isFree = scatter.cancel();
    return gather.cancel() && isFree;
  }
  void abandon() override {
    Operation::abandon();
    scatter.abandon();
    gather.abandon();
  }

private:
  static Collective cutOf(const Collective &whole, int size) {
    Collective cut = whole;
    const uint64_t total = whole.total(), members = uint64_t(size);
    cut.counts.clear();
    for (uint64_t i = 0; i < members; ++i)
      cut.counts.push_back(total / members + (i < total % members));
    return cut;
  }
  char *placeOfOwn() { return out + pieces.offsets[size_t(me())]; }

  Collective cut;
  Pieces pieces;
  ReduceScatter scatter;
  AllGather gather;
  char *out = nullptr;
  bool isGathering = false;
};

//===----------------------------------------------------------------------===//
// The communicator
//===----------------------------------------------------------------------===//

class HostCommunicator final : public Communicator, private Messages::Activity {
public:
  HostCommunicator(Bootstrap &bootstrap, Group group, int requests)
      : Communicator(std::move(group)), bootstrap(bootstrap),
        messages(bootstrap.messages()), space(messages.addSpace()),
        first(messages.addRequests(requests)), peers(size_t(requests), -1),
        collectives(size_t(requests)) {
    running.reserve(size_t(requests));
    messages.add(*this);
  }
  ~HostCommunicator() override {
    abort();
    messages.remove(*this);
    for (Started &started : collectives)
      if (started.operation && !started.operation->cancel()) {
        started.operation->abandon();
        bootstrap.keepUntilEnd(
            std::shared_ptr<Operation>(std::move(started.operation)));
      }
    collectives.clear();
    if (!isAbandoned)
      messages.removeRequests(first, int(peers.size()));
    messages.removeSpace(space);
  }

  void isend(int request, int peer, int tag, const void *data,
             uint64_t bytes) override {
    check(request, peer, tag);
    messages.isend(first + request, group().ranks[size_t(peer)], space, tag,
                   data, bytes);
    peers[size_t(request)] = peer;
  }
  void irecv(int request, int peer, int tag, void *data,
             uint64_t bytes) override {
    check(request, peer, tag);
    messages.irecv(first + request, group().ranks[size_t(peer)], space, tag,
                   data, bytes);
    peers[size_t(request)] = peer;
  }

  void prepare(int request, const Collective &collective) override;
  void start(int request, const void *in, void *out, void *workspace) override;
  TransferTimes wait(int request) override;
  bool abort() override;

private:
  struct Started {
    Collective collective;
    std::unique_ptr<Operation> operation;
    TransferTimes times;
    bool isRunning = false, isDone = false;
    std::exception_ptr failure;
  };

  void check(int request, int peer, int tag) const;
  void progress() override;
  TransferTimes waitForCollective(Started &started);
  std::string text(double value) const;

  Bootstrap &bootstrap;
  Messages &messages;
  const int space, first;
  std::vector<int> peers; // of messages under way, by request
  std::vector<Started> collectives;
  std::vector<Started *> running;
  bool isAbandoned = false;
};

} // namespace

std::unique_ptr<Communicator>
pprt::createHostCommunicator(Bootstrap &bootstrap, Group group, int requests) {
  return std::make_unique<HostCommunicator>(bootstrap, std::move(group),
                                            requests);
}

/// Tags of a collective count down from the largest.
static int tagOf(const Messages &messages, int request) {
  return messages.largestTag() - 2 * request;
}

void HostCommunicator::check(int request, int peer, int tag) const {
  if (peer < 0 || peer >= size())
    throw Error("found a transfer with member " + std::to_string(peer) +
                ", expected one of the " + std::to_string(size()) + " of " +
                group().name() + ": compile the program again");
  if (tag < 0 || tag > tagOf(messages, int(peers.size())))
    throw Error("found the tag " + std::to_string(tag) +
                ", expected one that the transport can carry: compile the "
                "program again");
  if (request < 0 || size_t(request) >= peers.size() ||
      collectives[size_t(request)].operation)
    throw Error("found a transfer with request " + std::to_string(request) +
                ", expected one that no collective has: compile the program "
                "again");
}

void HostCommunicator::prepare(int request, const Collective &collective) {
  const size_t pieces =
      collective.kind == Collective::AllReduce ? 1 : size_t(size());
  if (collective.counts.size() != pieces)
    throw Error("found " + std::to_string(collective.counts.size()) +
                " pieces of " + collective.describe() + " over " +
                group().name() + ", expected " + std::to_string(pieces) +
                ": compile the program again");
  if (collective.type == ElementType::Bytes && collective.isSum())
    throw Error("found " + collective.describe() +
                ", expected elements of f32 or f64 for a sum: compile the "
                "program again");
  const Channel channel{messages, group(), space, tagOf(messages, request)};
  const uint64_t bytes = collective.total() * sizeOf(collective.type);
  Started &started = collectives[size_t(request)];
  started.collective = collective;
  if (size() == 1)
    started.operation = std::make_unique<Alone>(channel, collective);
  else if (collective.kind == Collective::AllGather)
    started.operation = std::make_unique<AllGather>(channel, collective);
  else if (collective.kind == Collective::AllToAll)
    started.operation = std::make_unique<AllToAll>(channel, collective);
  else if (collective.kind == Collective::ReduceScatter)
    started.operation = std::make_unique<ReduceScatter>(channel, collective);
  else if (bytes <= treeBytes)
    started.operation = std::make_unique<TreeAllReduce>(channel, collective);
  else
    started.operation = std::make_unique<LargeAllReduce>(channel, collective);
}

void HostCommunicator::start(int request, const void *in, void *out,
                             void *workspace) {
  if (request < 0 || size_t(request) >= collectives.size() ||
      !collectives[size_t(request)].operation ||
      collectives[size_t(request)].isRunning)
    throw Error("found a start of a collective with request " +
                std::to_string(request) +
                ", expected one that was prepared and waited for: compile the "
                "program again");
  Started &started = collectives[size_t(request)];
  started.times.posted = nowNs();
  started.isRunning = true;
  started.isDone = false;
  started.failure = nullptr;
  running.push_back(&started);
  started.operation->start(static_cast<const char *>(in),
                           static_cast<char *>(out),
                           static_cast<char *>(workspace));
  progress();
}

/// An error belongs to who waits for the collective.
void HostCommunicator::progress() {
  for (size_t i = 0; i < running.size();) {
    Started &started = *running[i];
    try {
      started.isDone = started.operation->progress();
    } catch (const std::exception &) {
      started.failure = std::current_exception();
    }
    if (!started.isDone && !started.failure) {
      ++i;
      continue;
    }
    started.times.completed = nowNs();
    running.erase(running.begin() + long(i));
  }
}

std::string HostCommunicator::text(double value) const {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%g", value);
  return digits;
}

TransferTimes HostCommunicator::waitForCollective(Started &started) {
  auto isDone = [&] {
    messages.progress();
    return started.isDone || started.failure;
  };
  try {
    messages.waitUntil(isDone);
  } catch (const TimeoutError &) {
    const int missing = started.operation->missing();
    throw TimeoutError(
        "found " + started.collective.describe() + " over " + group().name() +
        " that took longer than " + text(bootstrap.timeout()) + " s on " +
        group().describe(member()) + ", expected " +
        (missing < 0 ? "all members" : group().describe(missing)) +
        " to take part: see what it does, or raise --timeout");
  }
  started.isRunning = false;
  if (started.failure)
    std::rethrow_exception(started.failure);
  return started.times;
}

TransferTimes HostCommunicator::wait(int request) {
  if (request < 0 || size_t(request) >= peers.size())
    throw Error("found a wait for request " + std::to_string(request) +
                ", expected one of " + std::to_string(peers.size()) +
                ": compile the program again");
  Started &started = collectives[size_t(request)];
  if (started.isRunning)
    return waitForCollective(started);
  int &peer = peers[size_t(request)];
  if (started.operation || peer < 0)
    throw Error("found a wait for a request that was not started, expected one "
                "start for each: compile the program again");
  auto isDone = [&] {
    messages.progress();
    return messages.isComplete(first + request);
  };
  try {
    messages.waitUntil(isDone);
  } catch (const TimeoutError &) {
    throw TimeoutError("found no answer from " + group().describe(peer) +
                       " within " + text(bootstrap.timeout()) +
                       " s, expected it to take part: see what it does, or "
                       "raise --timeout");
  }
  peer = -1;
  return messages.take(first + request);
}

bool HostCommunicator::abort() {
  bool isFree = true;
  for (size_t i = 0; i < peers.size(); ++i)
    if (peers[i] >= 0 && messages.cancel(first + int(i)))
      peers[i] = -1;
    else
      isFree &= peers[i] < 0;
  isAbandoned = !isFree;
  for (Started &started : collectives)
    if (started.operation) {
      isFree &= started.operation->cancel();
      started.isRunning = false;
    }
  running.clear();
  return isFree;
}
