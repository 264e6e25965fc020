#include "Mailbox.h"
#include "Clock.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <unistd.h>
#include <vector>

using namespace pprt;

namespace {
/// Ranks of one process, each with its own mapping of the same memory.
struct Node {
  Node(int ranks, bool copies) {
    std::string name = "/pprt-test-" + std::to_string(getpid()) + "-" +
                       std::to_string(nowNs());
    for (int i = 0; i < ranks; ++i) {
      memory.push_back(std::make_unique<NodeMemory>());
      EXPECT_TRUE(memory[i]->map(name, ranks, /*create=*/i == 0));
      memory[i]->introduce(i);
      boxes.push_back(std::make_unique<Mailbox>(*memory[i], i, copies));
    }
    NodeMemory::remove(name);
  }

  void send(int from, int to, uint64_t channel, std::vector<char> &data,
            Message &t) {
    start(t, to, channel, data, false);
    boxes[from]->send(t);
  }
  void receive(int from, int to, uint64_t channel, std::vector<char> &data,
               Message &t) {
    start(t, from, channel, data, true);
    boxes[to]->receive(t);
    copyAll(to);
  }
  void look(int rank) {
    boxes[rank]->look(UINT64_MAX, nowNs());
    copyAll(rank);
  }
  void copyAll(int rank) {
    while (Message *t = boxes[rank]->nextCopy()) {
      boxes[rank]->copy(*t);
      boxes[rank]->finishCopy(*t);
    }
  }

  std::vector<std::unique_ptr<NodeMemory>> memory;
  std::vector<std::unique_ptr<Mailbox>> boxes;

private:
  static void start(Message &t, int peer, uint64_t channel,
                    std::vector<char> &data, bool isReceive) {
    t.state = Message::Active;
    t.isReceive = isReceive;
    t.peer = peer;
    t.channel = channel;
    t.data = data.data();
    t.bytes = data.size();
    t.times.posted = nowNs();
  }
};

std::vector<char> message(size_t bytes, int seed) {
  std::vector<char> data(bytes);
  std::iota(data.begin(), data.end(), char(seed));
  return data;
}
} // namespace

TEST(Mailbox, MappingsShareMemory) {
  std::string name = "/pprt-test-" + std::to_string(nowNs());
  NodeMemory one, two, none;
  ASSERT_TRUE(one.map(name, 3, true));
  ASSERT_TRUE(two.map(name, 3, false));
  NodeMemory::remove(name);
  one.events(2).notify();
  EXPECT_EQ(two.events(2).count, 1u);
  EXPECT_EQ(two.events(1).count, 0u);
  EXPECT_FALSE(none.map(name, 3, false));
  EXPECT_EQ(one.take(1), nullptr);
  one.push(1, one.header(0, 5));
  one.push(1, one.header(2, 7));
  MessageHeader *first = two.take(1);
  EXPECT_EQ(first, &two.header(0, 5));
  EXPECT_EQ(two.after(*first), &two.header(2, 7));
  EXPECT_EQ(two.after(*two.after(*first)), nullptr);
  EXPECT_EQ(two.take(1), nullptr);
}

TEST(Mailbox, CellsFitIntoSmallSharedMemory) {
  std::string name = "/pprt-test-" + std::to_string(nowNs());
  NodeMemory few, many;
  ASSERT_TRUE(few.map(name, 2, true));
  NodeMemory::remove(name);
  ASSERT_TRUE(many.map(name, 512, true));
  NodeMemory::remove(name);
  EXPECT_EQ(few.cellsPerRank(), 64u);
  EXPECT_EQ(many.cellsPerRank(), 8u);
}

TEST(Mailbox, WhoIsNotWhoItSaysCannotBeRead) {
  Node node(2, true);
  EXPECT_TRUE(node.memory[0]->canRead(1));
  node.memory[1]->entry(1).proof += 1;
  EXPECT_FALSE(node.memory[0]->canRead(1));
}

TEST(Mailbox, ShortMessagesFreeTheirSenderAtOnce) {
  Node node(2, true);
  std::vector<char> data = message(100, 1), in(100);
  Message out, t;
  node.send(0, 1, 7, data, out);
  EXPECT_EQ(out.state, Message::Complete);
  data.assign(100, 'x');
  node.look(1);
  node.receive(0, 1, 7, in, t);
  EXPECT_EQ(t.state, Message::Complete);
  EXPECT_EQ(in, message(100, 1));
  EXPECT_GE(t.times.completed, t.times.posted);
}

TEST(Mailbox, LongMessagesAreReadFromTheSender) {
  Node node(2, true);
  std::vector<char> data = message(1 << 20, 3), in(1 << 20);
  Message out, t;
  node.receive(0, 1, 7, in, t);
  node.send(0, 1, 7, data, out);
  node.boxes[0]->updateSend(out);
  EXPECT_EQ(out.state, Message::Active);
  node.look(1);
  EXPECT_EQ(t.state, Message::Complete);
  EXPECT_EQ(in, data);
  node.boxes[0]->updateSend(out);
  EXPECT_EQ(out.state, Message::Complete);
  EXPECT_EQ(out.times.completed, t.times.completed);
}

TEST(Mailbox, WithoutCopiesLongMessagesAreOnlyMatched) {
  Node node(2, false);
  EXPECT_TRUE(node.boxes[0]->moves(NodeMemory::cellBytes));
  EXPECT_FALSE(node.boxes[0]->moves(NodeMemory::cellBytes + 1));
  std::vector<char> data = message(5000, 3), in(5000);
  Message out, t;
  node.send(0, 1, 7, data, out);
  node.receive(0, 1, 7, in, t);
  node.look(1);
  EXPECT_EQ(node.boxes[1]->nextElsewhere(), &t);
  EXPECT_EQ(node.boxes[1]->nextElsewhere(), nullptr);
  EXPECT_EQ(t.state, Message::Active);
}

TEST(Mailbox, AnotherSizeIsSeenAndCopiesNothing) {
  for (size_t bytes : {size_t(10), size_t(100000)}) {
    Node node(2, true);
    std::vector<char> data = message(bytes, 3), in(bytes / 2, 'x');
    Message out, t;
    node.receive(0, 1, 7, in, t);
    node.send(0, 1, 7, data, out);
    node.look(1);
    EXPECT_EQ(t.state, Message::Complete);
    EXPECT_EQ(t.received, bytes);
    EXPECT_EQ(in, std::vector<char>(bytes / 2, 'x'));
    node.boxes[0]->updateSend(out);
    EXPECT_EQ(out.state, Message::Complete);
  }
}

TEST(Mailbox, ASenderThatIsGoneIsAFailure) {
  Node node(2, true);
  std::vector<char> data = message(1 << 16, 3), in(1 << 16);
  Message out, t;
  node.receive(0, 1, 7, in, t);
  node.send(0, 1, 7, data, out);
  node.memory[0]->entry(0).process = 0x7ffffff0;
  node.look(1);
  EXPECT_EQ(t.state, Message::Complete);
  EXPECT_NE(t.failure, 0);
}

// More messages than headers, in any order of sizes, channels and looks: all
// arrive, those of a channel in order.
TEST(Mailbox, AnyNumberOfMessagesArrivesInOrder) {
  for (bool early : {false, true})
    for (int seed = 0; seed < 6; ++seed) {
      Node node(3, true);
      std::mt19937 random(seed);
      const int count = 900, channels = 5;
      std::vector<std::vector<char>> out(count), in(count);
      std::vector<Message> sends(count), receives(count);
      std::vector<int> from(count), channel(count);
      for (int i = 0; i < count; ++i) {
        from[i] = int(random() % 2);
        channel[i] = int(random() % channels);
        out[i] = message(random() % 3 ? random() % 300 : 4000 + random() % 999,
                         int(random()));
        in[i].resize(out[i].size());
      }
      auto receiveAll = [&] {
        for (int i = 0; i < count; ++i) {
          node.receive(from[i], 2, uint64_t(channel[i]), in[i], receives[i]);
          if (random() % 50 == 0)
            node.look(2);
        }
      };
      if (early)
        receiveAll();
      for (int i = 0; i < count; ++i) {
        node.send(from[i], 2, uint64_t(channel[i]), out[i], sends[i]);
        if (random() % 100 == 0)
          node.look(2);
      }
      if (!early)
        receiveAll();
      for (int round = 0; round < count; ++round) {
        node.look(2);
        node.look(0);
        node.look(1);
      }
      for (int i = 0; i < count; ++i) {
        node.boxes[from[i]]->updateSend(sends[i]);
        ASSERT_EQ(sends[i].state, Message::Complete) << i;
        ASSERT_EQ(receives[i].state, Message::Complete) << i;
        ASSERT_EQ(in[i], out[i]) << i;
      }
    }
}
