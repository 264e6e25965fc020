//===- VerifierTest.cpp ---------------------------------------------------===//

#include "pp/Schedule/Verifier.h"
#include "Support.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace pp::schedule;

using Problems = std::vector<std::string>;

static Problems verifyText(const char *text, VerifyOptions options = {}) {
  Result<Schedule> schedule = parseCSV(text);
  EXPECT_TRUE(schedule) << schedule.error();
  return schedule ? verify(*schedule, options) : Problems{schedule.error()};
}

TEST(Verifier, Work) {
  EXPECT_EQ(verifyText("0F0,0B0\n1F0,1B0\n"), Problems{});
  EXPECT_EQ(verifyText("0F0,0B0,0B1\n1F0,1F1,1B0,1B1\n"),
            Problems{"missing '0F1' on rank 0"});
  EXPECT_EQ(verifyText("0F0\n1F0,1B0\n"),
            Problems{"missing '0B0' on rank 0, or its halves I and W"});
  EXPECT_EQ(verifyText("0F0,0I0\n"), Problems{"missing '0W0' on rank 0"});
  EXPECT_EQ(verifyText("0F0,0W0\n"), Problems{"missing '0I0' on rank 0"});
  EXPECT_EQ(verifyText("0F0,0B0,0W0\n"),
            Problems{"found '0B0' and '0W0' on rank 0, expected either the "
                     "full backward or its halves: write I for the input "
                     "gradient alone, which PyTorch called B before 2.5"});
  EXPECT_EQ(verifyText("0F0,0I0,0B0,0W0\n"),
            Problems{"found '0B0' and '0I0' on rank 0, expected either the "
                     "full backward or its halves"});
  EXPECT_EQ(verifyText("0F0,0F0,0B0\n"),
            Problems{"found '0F0' on rank 0 a second time, expected every "
                     "action once"});
}

TEST(Verifier, Placement) {
  Result<Schedule> schedule = generate("gpipe", {2, 1, false});
  ASSERT_TRUE(schedule);
  schedule->placement = {0, 0};
  EXPECT_EQ(verify(*schedule).front(),
            "found '1F0' on rank 1, expected it on rank 0, where stage 1 is "
            "placed");
  schedule->placement = {0, 2};
  EXPECT_EQ(verify(*schedule).front(),
            "found stage 1 on rank 2, expected a rank below 2");
  schedule->placement = {0};
  EXPECT_EQ(verify(*schedule).front(),
            "found a placement of 1 stages, expected 2");
  schedule->placement = {0, 1};
  schedule->ranks[0].push_back({0, Kind::Forward, 1});
  EXPECT_EQ(verify(*schedule).front(),
            "found '0F1' on rank 0, expected a stage below 2 and a "
            "micro-batch below 1");
}

TEST(Verifier, GradientOrder) {
  const char *descending = "0F0,0F1,0B1,0B0\n";
  EXPECT_EQ(verifyText(descending),
            Problems{"found '0B0' on rank 0 after the gradient of micro-batch "
                     "1, expected ascending micro-batches, so that gradients "
                     "accumulate in the same order under every schedule"});
  VerifyOptions options;
  options.ascendingGradients = false;
  EXPECT_EQ(verifyText(descending, options), Problems{});
  EXPECT_EQ(verifyText("0F0,0F1,0I1,0I0,0W0,0W1\n"), Problems{})
      << "the order of input gradients is free";
}

TEST(Verifier, WaitCycles) {
  EXPECT_EQ(verifyText("0B0,0F0\n"),
            Problems{"deadlock: rank 0 at '0B0' waits for '0F0' of rank 0"});
  EXPECT_EQ(verifyText("0F0,0W0,0I0\n"),
            Problems{"deadlock: rank 0 at '0W0' waits for '0I0' of rank 0"});
  EXPECT_EQ(verifyText("0F0,0I0,0F1,0I1,0W0,0W1\n1F0,1F1,1I0,1I1,1W0,1W1\n"),
            Problems{"deadlock: rank 0 at '0I0' waits for '1I0' of rank 1; "
                     "rank 1 at '1F1' waits for '0F1' of rank 0"});
}

TEST(Verifier, MemoryCap) {
  VerifyOptions options;
  options.memoryCap = {2};
  const char *text = "0F0,0F1,0F2,0I0,0W0,0I1,0W1,0I2,0W2\n"
                     "1F0,1B0,1F1,1B1,1F2,1B2\n";
  EXPECT_EQ(verifyText(text, options),
            Problems{"found 3 bytes on rank 0 at '0F2', expected at most 2: "
                     "take a schedule with fewer micro-batches in flight"});
  options.memoryCap = {3, 1};
  EXPECT_EQ(verifyText(text, options), Problems{});
  options.memory.fixed = {10, 0};
  EXPECT_EQ(verifyText(text, options).size(), 1u);
  options.memoryCap = {13, 1};
  EXPECT_EQ(verifyText(text, options), Problems{});

  // What is only kept for W is less.
  options.memory.fixed = {0};
  options.memory.activation = {5, 5};
  options.memory.afterInputGradient = {2};
  options.memoryCap = {12};
  EXPECT_EQ(verifyText("0F0,0F1,0I0,0I1,0F2,0W0,0W1,0I2,0W2\n1F0,1B0,1F1,1B1,"
                       "1F2,1B2\n",
                       options),
            Problems{});
  options.memoryCap = {1, 2, 3};
  EXPECT_EQ(verifyText(text, options),
            Problems{"found 3 memory caps for 2 ranks, expected one for each "
                     "or one for all"});
  options.memoryCap = {1};
  options.memory.activation = {1, 2, 3};
  EXPECT_EQ(verifyText(text, options),
            Problems{"found 3 activation sizes for 2 stages, expected one for "
                     "each or one for all"});
  options.memory.activation = {-1};
  EXPECT_EQ(verifyText(text, options),
            Problems{"found -1 bytes as activation size, expected none below "
                     "0"});
}

TEST(Verifier, Transfers) {
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1B0,1SEND_B0\n"),
            Problems{});
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0RECV_B0,0B0\n1F0,1B0,1SEND_B0\n"),
            Problems{"missing '1RECV_F0' on rank 1"});
  EXPECT_EQ(verifyText("0SEND_F0,0F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1B0,1SEND_B0\n"),
            Problems{"found '0SEND_F0' on rank 0 before the action that "
                     "produces its value, expected it behind"});
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0RECV_B0,0B0\n"
                       "1F0,1RECV_F0,1B0,1SEND_B0\n"),
            Problems{"found '1RECV_F0' on rank 1 after the action that needs "
                     "its value, expected it before"});
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0SEND_F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1B0,1SEND_B0\n"),
            Problems{"found '0SEND_F0' on rank 0 a second time, expected every "
                     "transfer once"});
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0RECV_B0,1RECV_F0,0B0\n"
                       "1F0,1B0,1SEND_B0\n")
                .front(),
            "found '1RECV_F0' on rank 0, expected it on rank 1, where stage 1 "
            "is placed");
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1SEND_F0,1B0,1SEND_B0\n"),
            Problems{"found '1SEND_F0' on rank 1, expected a transfer between "
                     "neighbouring stages on two ranks: remove it"});
  Result<Schedule> schedule = generate("1f1b", {2, 2, false});
  ASSERT_TRUE(schedule);
  schedule->transfers.resize(1);
  EXPECT_EQ(verify(*schedule),
            Problems{"found transfers of 1 ranks, expected 2"});
}

TEST(Verifier, Semantics) {
  // Posting orders follow from data flow, and then every schedule ends.
  for (const std::string &name : names())
    for (Semantics semantics :
         {Semantics::Buffered, Semantics::Rendezvous, Semantics::FifoPerEdge})
      for (int p = 1; p <= 8; ++p)
        for (bool split : {false, true}) {
          Result<Schedule> schedule = generate(name, {p, 17, split});
          ASSERT_TRUE(schedule) << schedule.error();
          VerifyOptions options;
          options.semantics = semantics;
          EXPECT_EQ(verify(*schedule, options), Problems{}) << name << p;
        }

  // Receives behind one that waits for what the other rank sends later.
  VerifyOptions options;
  options.semantics = Semantics::Rendezvous;
  Result<Schedule> schedule =
      parseCSV("0F0,0SEND_F0,0WAIT_SEND_F0,0F1,0SEND_F1,0WAIT_SEND_F1,"
               "0RECV_B0,0B0,0RECV_B1,0B1\n"
               "1RECV_F0,1F0,1B0,1SEND_B0,1WAIT_SEND_B0,1RECV_F1,1F1,1B1,"
               "1SEND_B1\n");
  ASSERT_TRUE(schedule) << schedule.error();
  Verdict verdict = check(*schedule, options);
  EXPECT_EQ(verdict.problems,
            Problems{"deadlock under rendezvous semantics: rank 0 at "
                     "'0SEND_F1' waits for '0SEND_F1' of rank 1; rank 1 at "
                     "'1SEND_B0' waits for '1SEND_B0' of rank 0"});
  ASSERT_EQ(verdict.deadlock.size(), 2u);
  EXPECT_EQ(verdict.deadlock[1].rank, 1);
  EXPECT_EQ(verdict.deadlock[1].microbatch, 0);
  EXPECT_EQ(verdict.deadlock[1].peer, 0);
  options.semantics = Semantics::Buffered;
  EXPECT_EQ(verify(*schedule, options), Problems{});

  // A stream cannot tell messages apart.
  options.semantics = Semantics::FifoPerEdge;
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
                       "1RECV_F1,1RECV_F0,1F0,1B0,1SEND_B0,1F1,1B1,1SEND_B1\n",
                       options),
            Problems{"found '1RECV_F1' as message 0 from rank 0 to rank 1, "
                     "expected '1RECV_F0', whose '0SEND_F0' is posted there: "
                     "post both sides in one order"});
}

// Random orders of small schedules: the verifier's answer is that of an
// exhaustive search for an order of all actions that respects the lists and
// the data flow.
TEST(Verifier, AgreesWithExhaustiveSearch) {
  std::mt19937 random(7);
  int legal = 0, stuck = 0;
  for (int round = 0; round < 3000; ++round) {
    int p = 1 + round % 3, m = 1 + round / 3 % 3;
    Result<Schedule> schedule =
        generate(existingName(round, p, m), {p, m, round % 5 < 2});
    ASSERT_TRUE(schedule);
    for (int swaps = static_cast<int>(random() % 3); swaps-- > 0;) {
      auto &row = schedule->ranks[random() % p];
      std::swap(row[random() % row.size()], row[random() % row.size()]);
    }
    // Greedy is exhaustive here: running an action never disables another.
    std::set<Action> done;
    std::vector<size_t> next(p, 0);
    size_t left = 0;
    for (const auto &row : schedule->ranks)
      left += row.size();
    auto has = [&](int stage, Kind kind, int mb) {
      return done.count({stage, kind, mb}) > 0;
    };
    auto hasGradient = [&](int stage, int mb) {
      return has(stage, Kind::Backward, mb) ||
             has(stage, Kind::InputGradient, mb);
    };
    for (bool progress = true; progress;) {
      progress = false;
      for (int r = 0; r < p; ++r) {
        if (next[r] == schedule->ranks[r].size())
          continue;
        Action a = schedule->ranks[r][next[r]];
        bool ready = false;
        if (a.kind == Kind::Forward)
          ready = a.stage == 0 || has(a.stage - 1, Kind::Forward, a.microbatch);
        else if (a.kind == Kind::WeightGradient)
          ready = has(a.stage, Kind::InputGradient, a.microbatch);
        else
          ready = has(a.stage, Kind::Forward, a.microbatch) &&
                  (a.stage == schedule->stages - 1 ||
                   hasGradient(a.stage + 1, a.microbatch));
        if (!ready)
          continue;
        done.insert(a);
        ++next[r];
        --left;
        progress = true;
      }
    }
    VerifyOptions options;
    options.ascendingGradients = false;
    Problems problems = verify(*schedule, options);
    EXPECT_EQ(problems.empty(), left == 0) << printCSV(*schedule);
    ++(left ? stuck : legal);
  }
  EXPECT_GT(legal, 300);
  EXPECT_GT(stuck, 300);
}

// Dropped and duplicated work never passes.
TEST(Verifier, FindsDroppedAndDuplicatedWork) {
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    int p = 1 + round % 4, m = 1 + round / 4 % 5;
    Result<Schedule> schedule =
        generate(existingName(round, p, m), {p, m, round % 2 == 0});
    ASSERT_TRUE(schedule);
    auto &row = schedule->ranks[random() % p];
    size_t at = random() % row.size();
    std::string name = "'" + toString(row[at]) + "'";
    if (round % 3 == 0)
      row.insert(row.begin() + static_cast<long>(random() % row.size()),
                 row[at]);
    else
      row.erase(row.begin() + static_cast<long>(at));
    Problems problems = verify(*schedule);
    ASSERT_EQ(problems.size(), 1u) << printCSV(*schedule);
    EXPECT_NE(problems.front().find(name), std::string::npos)
        << problems.front();
  }
}
