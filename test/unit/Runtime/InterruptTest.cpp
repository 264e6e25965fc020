#include "Interrupt.h"

#include <csignal>
#include <gtest/gtest.h>

using namespace pprt;

TEST(Interrupt, TheFirstSignalIsNoted) {
  for (int signal : {SIGINT, SIGTERM}) {
    {
      InterruptWatch watch(/*announce=*/false);
      EXPECT_EQ(signalOfVotes(interruptVote()), 0);
      raise(signal);
      EXPECT_EQ(signalOfVotes(interruptVote()), signal);
    }
    // What was there before is there again.
    struct sigaction now;
    sigaction(signal, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
  }
  InterruptWatch watch(/*announce=*/false);
  EXPECT_EQ(interruptVote(), 0);
}

TEST(Interrupt, AnyRankIsEnoughAndTerminationIsTheStronger) {
  double interrupted, terminated;
  {
    InterruptWatch watch(/*announce=*/false);
    raise(SIGINT);
    interrupted = interruptVote();
  }
  {
    InterruptWatch watch(/*announce=*/false);
    raise(SIGTERM);
    terminated = interruptVote();
  }
  EXPECT_EQ(signalOfVotes(0), 0);
  EXPECT_EQ(signalOfVotes(1000 * interrupted), SIGINT);
  EXPECT_EQ(signalOfVotes(1000 * interrupted + terminated), SIGTERM);
}

TEST(InterruptDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        InterruptWatch watch(/*announce=*/true);
        raise(SIGTERM);
        raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "once more to end at once");
}

TEST(Interrupt, WhatIsIgnoredStaysSo) {
  std::signal(SIGINT, SIG_IGN);
  {
    InterruptWatch watch(/*announce=*/false);
    raise(SIGINT);
    EXPECT_EQ(interruptVote(), 0);
  }
  std::signal(SIGINT, SIG_DFL);
}
