//===- TextTest.cpp - Schedules as text -----------------------------------===//

#include "pp/Schedule/Generators.h"
#include "pp/Schedule/Simulator.h"
#include "pp/Schedule/Verifier.h"

#include <gtest/gtest.h>
#include <iterator>
#include <random>

using namespace pp::schedule;

TEST(Text, Actions) {
  for (const char *text : {"2F0", "1I3", "1W3", "1B3", "0F0", "17B1023"}) {
    Result<Action> action = parseAction(text);
    ASSERT_TRUE(action) << action.error();
    EXPECT_EQ(toString(*action), text);
  }
  Result<Action> action = parseAction(" 12W7\r");
  ASSERT_TRUE(action);
  EXPECT_EQ(*action, (Action{12, Kind::WeightGradient, 7}));
}

TEST(Text, RejectsWhatIsNoAction) {
  for (const char *text : {"F0", "2", "2F", "2X0", "2F0x", "-1F0", "2f0",
                           "+1F0", "2F-1", "99999999999F0", "2 F0"}) {
    Result<Action> action = parseAction(text);
    ASSERT_FALSE(action) << text;
    EXPECT_EQ(action.error(), "found action '" + std::string(text) +
                                  "', expected stage, kind (F, B, I or W) and "
                                  "micro-batch as in '2F0'");
  }
  EXPECT_EQ(parseAction("\x7f" + std::string(1000, 'x')).error().substr(0, 60),
            "found action '?" + std::string(39, 'x') + "...', ");
  Result<Action> send = parseAction("0SEND_F1");
  ASSERT_FALSE(send);
  EXPECT_NE(send.error().find("remove it, transfers follow from data flow"),
            std::string::npos);
  EXPECT_EQ(parseAction("1UNSHARD").error(),
            "found action '1UNSHARD', which is no computation: remove it, "
            "parameters are not sharded");
}

TEST(Text, RoundTripsEverySchedule) {
  for (const std::string &name : names())
    for (bool split : {false, true})
      for (int p = 1; p <= 8; ++p)
        for (int m = 1; m <= 12; ++m) {
          if (name == "dualpipe-v" && m < 2 * p)
            continue;
          Result<Schedule> schedule = generate(name, {p, m, split});
          ASSERT_TRUE(schedule) << schedule.error();
          std::string text = printCSV(*schedule);
          Result<Schedule> again = parseCSV(text);
          ASSERT_TRUE(again) << again.error();
          EXPECT_EQ(again->ranks, schedule->ranks);
          EXPECT_EQ(again->placement, schedule->placement);
          EXPECT_EQ(again->stages, schedule->stages);
          EXPECT_EQ(again->microbatches, m);
          EXPECT_EQ(printCSV(*again), text);
        }
}

TEST(Text, ReadsPyTorchsIdleSlotsAndLineEnds) {
  Result<Schedule> schedule = parseCSV("0F0,,,0B0\r\n,1F0,1B0,\r\n");
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(printCSV(*schedule), "0F0,0B0\n1F0,1B0\n");
}

TEST(Text, RoundTripsTransfers) {
  const char *text = "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
                     "1RECV_F0,1RECV_F1,1F0,1B0,1SEND_B0,1F1,1B1,1SEND_B1\n";
  Result<Schedule> schedule = parseCSV(text);
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(printCSV(*schedule), text);
  EXPECT_EQ(printRow(schedule->ranks[1]), "1F0,1B0,1F1,1B1");
  ASSERT_EQ(schedule->transfers.size(), 2u);
  EXPECT_EQ(schedule->transfers[0][2],
            (PlacedTransfer{2, {0, Transfer::Kind::RecvB, 0}}));
  EXPECT_EQ(parseCSV("0F0,0SEND_G0\n").error(),
            "line 1, cell 2: found action '0SEND_G0', expected stage, kind (F, "
            "B, I or W) and micro-batch as in '2F0'");
}

TEST(Text, ReadsCellsInQuotes) {
  for (const char *text : {"\"0F0\",\"0B0\"\r\n\"1F0\",\"1B0\"\r\n",
                           "\xef\xbb\xbf \"0F0\" ,\"\", 0B0,,\n1F0,\"1B0\" \n",
                           "\"0F0\",\" 0B0 \",\n,\"1F0\",1B0,,,\n\n"}) {
    Result<Schedule> schedule = parseCSV(text);
    ASSERT_TRUE(schedule) << text << schedule.error();
    EXPECT_EQ(printCSV(*schedule), "0F0,0B0\n1F0,1B0\n");
    EXPECT_TRUE(schedule->notes.empty());
  }
  EXPECT_EQ(parseCSV("0F0,\"0B0\n").error(),
            "line 1, cell 2: found '\"0B0', expected a comma or the end of the "
            "line behind a cell in quotes");
  EXPECT_EQ(parseCSV("\"0F0\"x,0B0\n").error(),
            "line 1, cell 1: found '\"0F0\"x,0B0', expected a comma or the end "
            "of the line behind a cell in quotes");
  EXPECT_EQ(parseCSV("\"0\"\"F0\"\n").error().substr(0, 42),
            "line 1, cell 1: found action '0\"F0', expec");
}

TEST(Text, ReadsOverlapsAsTheirActionsInOrder) {
  Result<Schedule> schedule =
      parseCSV("0F0,(0F1;0B0)OVERLAP_F_B,\"( 0B1 )OVERLAP_F_B\"\n");
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(printCSV(*schedule), "0F0,0F1,0B0,0B1\n");
  EXPECT_EQ(parseCSV("0F0,(0F1;0Q0)OVERLAP_F_B\n").error(),
            "line 1, cell 2: found action '0Q0', expected stage, kind (F, B, I "
            "or W) and micro-batch as in '2F0', in '(0F1;0Q0)OVERLAP_F_B'");
  EXPECT_EQ(printCSV(*parseCSV("0F0,(0UNSHARD;0SEND_F0;0B0)OVERLAP_F_B\n")),
            "0F0,0SEND_F0,0B0\n");
  for (const char *text : {"()OVERLAP_F_B", "(0F0;)OVERLAP_F_B", "(0F0)OVERLAP",
                           "(0F0;(0B0)OVERLAP_F_B)OVERLAP_F_B"})
    EXPECT_FALSE(parseCSV(text)) << text;
}

TEST(Text, LeavesOutWhatIsForShardedParameters) {
  Result<Schedule> schedule =
      parseCSV("0UNSHARD,0F0,0B0,0REDUCE_GRAD,0WAIT_REDUCE_GRAD,0RESHARD\n");
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(printCSV(*schedule), "0F0,0B0\n");
  EXPECT_EQ(schedule->notes,
            std::vector<std::string>{
                "found '0UNSHARD' and 3 more for sharded parameters, which are "
                "left out: no parameter is sharded"});
  for (const char *text : {"UNSHARD", "0UNSHARDED", "0REDUCE", "0WAIT_RESHARD"})
    EXPECT_FALSE(parseCSV(text + std::string(",0F0,0B0\n"))) << text;
}

TEST(Text, WaitsForSendsAreProven) {
  auto verifyText = [](const char *text, Semantics semantics) {
    Result<Schedule> schedule = parseCSV(text);
    EXPECT_TRUE(schedule) << schedule.error();
    EXPECT_EQ(printCSV(*schedule), text);
    VerifyOptions options;
    options.semantics = semantics;
    return verify(*schedule, options);
  };
  using Problems = std::vector<std::string>;
  const char *good = "0F0,0SEND_F0,0WAIT_SEND_F0,0RECV_B0,0B0\n"
                     "1RECV_F0,1F0,1B0,1SEND_B0,1WAIT_SEND_B0\n";
  EXPECT_EQ(verifyText(good, Semantics::Rendezvous), Problems{});
  // The wait comes before what the other side needs to get that far.
  const char *stuck =
      "0F0,0SEND_F0,0F1,0SEND_F1,0WAIT_SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F0,1F0,1B0,1SEND_B0,1WAIT_SEND_B0,1RECV_F1,1F1,1B1,1SEND_B1\n";
  EXPECT_EQ(verifyText(stuck, Semantics::Buffered), Problems{});
  EXPECT_EQ(verifyText(stuck, Semantics::Rendezvous),
            Problems{"deadlock under rendezvous semantics: rank 0 at "
                     "'0SEND_F1' waits for '0SEND_F1' of rank 1; rank 1 at "
                     "'1SEND_B0' waits for '1SEND_B0' of rank 0"});
  EXPECT_EQ(verifyText("0F0,0WAIT_SEND_F0,0SEND_F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1B0,1SEND_B0\n",
                       Semantics::Buffered),
            Problems{"found '0WAIT_SEND_F0' on rank 0 before '0SEND_F0', "
                     "expected it behind"});
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0WAIT_SEND_F0,0WAIT_SEND_F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1B0,1SEND_B0\n",
                       Semantics::Buffered),
            Problems{"found '0WAIT_SEND_F0' on rank 0 a second time, expected "
                     "every transfer once"});
  EXPECT_EQ(verifyText("0F0,0SEND_F0,0RECV_B0,0B0\n"
                       "1RECV_F0,1F0,1B0,1SEND_B0,1WAIT_SEND_F0\n",
                       Semantics::Buffered),
            Problems{"found '1WAIT_SEND_F0' on rank 1, expected a transfer "
                     "between neighbouring stages on two ranks: remove it"});
}

TEST(Text, PlacementFollowsTheRows) {
  Result<Schedule> schedule = parseCSV("0F0,3F0\n1F0,2F0\n");
  ASSERT_TRUE(schedule) << schedule.error();
  EXPECT_EQ(schedule->placement, (std::vector<int32_t>{0, 1, 1, 0}));
}

TEST(Text, Errors) {
  EXPECT_EQ(parseCSV("0F0,0B0\n1F0,1Q0\n").error(),
            "line 2, cell 2: found action '1Q0', expected stage, kind (F, B, I "
            "or W) and micro-batch as in '2F0'");
  EXPECT_EQ(parseCSV("0F0,0B0\n1F0,0B1\n").error(),
            "found stage 0 on rank 0 and on rank 1 ('0B1'), expected all its "
            "actions in one row");
  EXPECT_EQ(parseCSV("0F0\n2F0\n").error(),
            "found stages up to 2 but no action of stage 1, expected every "
            "stage in some row");
  EXPECT_EQ(parseCSV("").error(),
            "found no action, expected a row of actions for each rank");
  EXPECT_EQ(parseCSV("0F1000000,1F0,2F0,3F0,4F0,5F0,6F0,7F0,8F0,9F0,10F0,11F0,"
                     "12F0,13F0,14F0,15F0,16F0,17F0,18F0,19F0,20F0,21F0,22F0,"
                     "23F0,24F0,25F0,26F0,27F0,28F0,29F0,30F0,31F0,32F0,33F0\n")
                .error(),
            "found 34 stages and 1000001 micro-batches, expected a product of "
            "at most 4194304");
  EXPECT_EQ(parseCSV("0F0,2147483647RECV_B2147483647\n").error(),
            "found transfer '2147483647RECV_B2147483647', expected stages below "
            "1048576 and micro-batches below 1048576");
  EXPECT_EQ(parseCSV("2147483647F0\n").error().substr(0, 29),
            "found action '2147483647F0', ");
  EXPECT_EQ(parseCSV("1000000000F0\n").error(),
            "found action '1000000000F0', expected stages below 1048576 and "
            "micro-batches below 1048576");
}

// Whatever the text, it is read and judged, or refused with a message.
TEST(Text, SurvivesAnything) {
  const char *pieces[] = {"0",
                          "1",
                          "2",
                          "7",
                          "F",
                          "B",
                          "I",
                          "W",
                          ",",
                          ",",
                          "\n",
                          " ",
                          "\r",
                          "SEND_F",
                          "RECV_F",
                          "SEND_B",
                          "0F0",
                          "1F0,",
                          "-1",
                          "0B0,",
                          "RECV_B",
                          "1B0",
                          "\t",
                          "x",
                          "99999999999",
                          "\"",
                          "(",
                          ";",
                          ")OVERLAP_F_B",
                          "WAIT_SEND_F",
                          "0RESHARD"};
  std::mt19937 random(2);
  int legal = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = round % 2 ? "0F0,0B0\n" : "";
    for (size_t count = random() % 8; count > 0; --count)
      text += pieces[random() % std::size(pieces)];
    Result<Schedule> schedule = parseCSV(text);
    if (!schedule) {
      EXPECT_FALSE(schedule.error().empty()) << text;
      continue;
    }
    EXPECT_EQ(printCSV(*parseCSV(printCSV(*schedule))), printCSV(*schedule));
    VerifyOptions options;
    options.semantics = Semantics::FifoPerEdge;
    options.memoryCap = {100};
    if (!verify(*schedule, options).empty())
      continue;
    ++legal;
    EXPECT_TRUE(simulate(*schedule, Costs::uniform(schedule->stages, 1, 1, 1)));
  }
  EXPECT_GT(legal, 100);
}
