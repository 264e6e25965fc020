#include "Interrupt.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pprt;

TEST(Interrupt, TheFirstSignalIsNoted) {
  for (int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    {
      InterruptWatch watch;
      watch.begin(/*announce=*/false);
      EXPECT_EQ(signalOfVotes(interruptVote()), 0);
      raise(signal);
      EXPECT_EQ(signalOfVotes(interruptVote()), signal);
    }
    // What was there before is there again.
    struct sigaction now;
    sigaction(signal, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
  }
  InterruptWatch watch;
  watch.begin(/*announce=*/false);
  EXPECT_EQ(interruptVote(), 0);
}

// Ranks that share a process.
TEST(Interrupt, TheLastWatchRestores) {
  InterruptWatch first, second;
  first.begin(/*announce=*/false);
  second.begin(/*announce=*/true);
  first.end();
  raise(SIGINT);
  EXPECT_EQ(signalOfVotes(interruptVote()), SIGINT);
  second.end();
  struct sigaction now;
  sigaction(SIGINT, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(Interrupt, AnyRankIsEnoughAndTerminationIsTheStronger) {
  double interrupted, terminated;
  {
    InterruptWatch watch;
    watch.begin(/*announce=*/false);
    raise(SIGINT);
    interrupted = interruptVote();
  }
  {
    InterruptWatch watch;
    watch.begin(/*announce=*/false);
    raise(SIGTERM);
    terminated = interruptVote();
  }
  double user;
  {
    InterruptWatch watch;
    watch.begin(/*announce=*/false);
    // Asked for in time, twice, and then because the time is over.
    raise(SIGUSR1);
    raise(SIGUSR1);
    user = interruptVote();
    raise(SIGTERM);
    EXPECT_EQ(interruptVote(), terminated);
    raise(SIGUSR1);
    EXPECT_EQ(interruptVote(), terminated);
  }
  EXPECT_EQ(signalOfVotes(1000 * interrupted + user), SIGUSR1);
  EXPECT_EQ(signalOfVotes(1000 * user + terminated), SIGTERM);
  EXPECT_EQ(signalOfVotes(0), 0);
  EXPECT_EQ(signalOfVotes(1000 * interrupted), SIGINT);
  EXPECT_EQ(signalOfVotes(1000 * interrupted + terminated), SIGTERM);
}

TEST(InterruptDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        InterruptWatch watch;
        watch.begin(/*announce=*/true);
        raise(SIGTERM);
        raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "once more to end at once");
}

TEST(Interrupt, WhatIsIgnoredStaysSo) {
  std::signal(SIGINT, SIG_IGN);
  {
    InterruptWatch watch;
    watch.begin(/*announce=*/false);
    raise(SIGINT);
    EXPECT_EQ(interruptVote(), 0);
  }
  std::signal(SIGINT, SIG_DFL);
}

TEST(InterruptDeathTest, TheFirstRankLeftSaysWhoIsGone) {
  auto peerOf = [](pid_t process, std::string error) {
    return NodePeer{process, "/proc/" + std::to_string(process) + "/stat",
                    std::move(error)};
  };
  auto ended = [](bool isReaped) {
    const pid_t child = fork();
    if (child == 0)
      _exit(0);
    siginfo_t info;
    waitid(P_PID, child, &info, WEXITED | (isReaped ? 0 : WNOWAIT));
    return child;
  };
  for (bool isReaped : {false, true})
    EXPECT_EXIT(
        {
          InterruptWatch watch;
          watch.begin(false, {peerOf(ended(isReaped), "rank 0 gone\n"),
                              peerOf(getpid(), "rank 1 gone\n"),
                              peerOf(getppid(), "rank 2 gone\n"),
                              peerOf(ended(isReaped), "rank 3 gone\n")});
          raise(SIGTERM);
          raise(SIGTERM);
        },
        testing::KilledBySignal(SIGTERM), "^rank 0 gone\nrank 3 gone\n$");
  // Another one that lives stands before: that one speaks.
  EXPECT_EXIT(
      {
        InterruptWatch watch;
        watch.begin(false, {peerOf(getppid(), "rank 0 gone\n"),
                            peerOf(getpid(), "rank 1 gone\n"),
                            peerOf(ended(true), "rank 2 gone\n")});
        raise(SIGTERM);
        raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "^$");
}
