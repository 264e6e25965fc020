//===- MpiBootstrap.cpp - The end of a job under MPI ----------------------===//
//
// A rank that has failed, or has been stopped, sends its report to rank 0 and
// waits. Rank 0 stops all others, gathers their reports, prints them, and tells
// them to go on: then nobody is in the failed step any more, and the job is
// what it was before it began. Where a rank does not answer within seconds, the
// job ends.
//
// These notices have an MPI communicator of their own. A rank always has a
// receive for one.
//
//===----------------------------------------------------------------------===//
#include "MpiJob.h"

#include "Clock.h"
#include "Diagnostics.h"
#include "Error.h"
#include "JobAbort.h"
#include "WaitTimer.h"

#include <algorithm>
#include <cstring>
#include <unistd.h>

using namespace pprt;

/// When a run fails: how long rank 0 waits for the others, how long the others
/// wait for rank 0 (then the lowest of them that can speaks for all), and how
/// long MPI_Finalize may take.
static constexpr uint64_t collectNs = 2500 * millisecond;
static constexpr uint64_t rank0Ns = 4000 * millisecond,
                          staggerNs = 200 * millisecond;
static constexpr unsigned finalizeSeconds = 8;
/// How long what is left of a step may take after all have left it.
static constexpr uint64_t settleNs = 2000 * millisecond;
static constexpr int noticeTag = 2;
static constexpr int maxNotice = 2048;
/// First byte of a notice: a report to rank 0, a stop from it, and that all
/// have stopped. The number of spaces that the sender has follows, then the
/// text.
static constexpr char noticeError = 'E', noticeStop = 'S', noticeResume = 'R';

void MpiJob::checkStopped() {
  look();
  if (stopRequested)
    throw Stopped();
}

void MpiJob::postNoticeReceive() {
  noticeBuffer.resize(maxNotice);
  MPI_Request request;
  MPI_Irecv(noticeBuffer.data(), maxNotice, MPI_BYTE, MPI_ANY_SOURCE, noticeTag,
            noticeComm, &request);
  slots[noticeSlot].state = Slot::Active;
  active.push_back(request);
  activeSlot.push_back(noticeSlot);
}

void MpiJob::takeNotice(int source, int bytes) {
  if (numberOnNode[size_t(source)] >= 0)
    ++noticesTaken;
  int number = 0;
  const int head = 1 + int(sizeof number);
  if (bytes < head)
    return;
  std::memcpy(&number, noticeBuffer.data() + 1, sizeof number);
  nextSpace = std::max(nextSpace, number);
  // A stop behind a resumption is that of the next failure.
  stopRequested = noticeBuffer[0] != noticeResume;
  if (noticeBuffer[0] == noticeResume)
    resumed = true;
  if (noticeBuffer[0] == noticeError)
    reports.emplace_back(
        source, std::string(noticeBuffer.data() + head, size_t(bytes - head)));
}

void MpiJob::sendNotice(int peer, char kind, int number,
                        const std::string &text) {
  // MPI may read it after this call has given up.
  std::string &message = noticesOut.emplace_back(1, kind);
  message.append(reinterpret_cast<const char *>(&number), sizeof number);
  message += text.substr(0, size_t(maxNotice) - message.size());
  WaitTimer timer(collectNs, nowNs());
  MPI_Request request;
  MPI_Isend(message.data(), int(message.size()), MPI_BYTE, peer, noticeTag,
            noticeComm, &request);
  if (int local = numberOnNode[size_t(peer)]; local >= 0) {
    ++node.entry(local).notices;
    node.events(local).notify();
  }
  int done = 0;
  for (;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done || timer.isOver(nowNs()))
      break;
    usleep(1000);
  }
}

/// Looks and sleeps in turn, at most so long.
template <typename F> void MpiJob::napUntil(uint64_t ns, F isDone) {
  WaitTimer timer(ns, nowNs());
  while (!isDone() && !timer.isOver(nowNs())) {
    uint32_t seen = myEvents().count.load();
    look();
    myEvents().sleep(EventCount::Main, seen, millisecond);
  }
}

/// On rank 0.
void MpiJob::gatherReports(const std::string &error) {
  for (int peer = 1; peer < worldSize; ++peer)
    sendNotice(peer, noticeStop, 0, "");
  std::vector<bool> answered(size_t(worldSize), false);
  answered[0] = true;
  auto areAllHere = [&] {
    for (auto &report : reports)
      answered[size_t(report.first)] = true;
    return std::find(answered.begin(), answered.end(), false) == answered.end();
  };
  napUntil(collectNs, areAllHere);
  std::vector<std::string> errors(static_cast<size_t>(worldSize));
  const bool allAnswered = areAllHere();
  errors[0] = error;
  for (auto &[source, text] : reports)
    errors[size_t(source)] = text;
  for (size_t peer = 0; peer < errors.size(); ++peer)
    if (!answered[peer])
      errors[peer] = "does not answer";
  printErrors(errors, rankNames);
  if (!allAnswered)
    abortJob();
  // Before anyone goes on, and may fail anew.
  reports.clear();
  stopRequested = false;
  for (int peer = 1; peer < worldSize; ++peer)
    sendNotice(peer, noticeResume, nextSpace, "");
}

/// On the other ranks.
void MpiJob::awaitRank0(const std::string &error) {
  sendNotice(0, noticeError, spaces, error);
  napUntil(rank0Ns + staggerNs * uint64_t(std::min(worldRank, 20)),
           [&] { return resumed.load(); });
  if (resumed)
    return;
  std::vector<std::string> errors(static_cast<size_t>(worldSize));
  errors[size_t(worldRank)] = error;
  errors[0] = "does not answer";
  printErrors(errors, rankNames);
  abortJob();
}

void MpiJob::reportFailure(const std::string &error) {
  stopProgressThread();
  myEvents().mainInCharge = 1;
  nextSpace = std::max(nextSpace, spaces);
  resumed = false;
  if (worldRank == 0)
    gatherReports(error);
  else
    awaitRank0(error);
  // All have left the step, and go on from where the farthest has come.
  myEvents().mainInCharge = 0;
  closeControlPlane();
  while (spaces < nextSpace)
    removeSpace(addSpace());
  openControlPlane();
  settle();
  startProgressThread();
}

/// Receives for one another what MPI could not take back. Nothing else is under
/// way but the control plane.
void MpiJob::settle() {
  isSettling = true;
  napUntil(settleNs, [&] { return mpiRequests == 0; });
  try {
    barrier();
  } catch (const std::exception &) {
    abortJob(); // a second failure in the midst of the first
  }
  isSettling = false;
}

void MpiJob::finish() {
  stopProgressThread();
  leave();
}

void MpiJob::leave() {
  // Transfers that a failure left behind can keep MPI_Finalize waiting.
  bool leftBehind = false;
  for (size_t i = 0; i < active.size(); ++i) {
    leftBehind |= activeSlot[i] != noticeSlot;
    if (slots[size_t(activeSlot[i])].isReceive)
      MPI_Cancel(&active[i]);
    MPI_Request_free(&active[i]);
  }
  active.clear();
  activeSlot.clear();
  if (leftBehind)
    std::thread([] {
      sleepAwake(finalizeSeconds);
      abortJob();
    }).detach();
  MPI_Finalize();
}

std::unique_ptr<Bootstrap> pprt::createMpiBootstrap() {
  return std::make_unique<MpiJob>();
}
