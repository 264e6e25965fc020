//===- MpiJob.h - Ranks connected by MPI ------------------------*- C++ -*-===//
//
// Ranks of one node exchange messages through memory that they share
// (Mailbox.h), and sleep at an event count until there is something
// to see (EventCount.h). MPI moves the rest: messages between nodes, and long
// ones where a process may not read another's memory. It also starts the ranks,
// and tells them of failures.
//
// MPI only makes progress inside its calls, and its blocking calls spin. So all
// requests are nonblocking, kept in one array, and looked at ("polled"), like
// the mailbox, by
//
//   - the main thread, while it waits for something;
//   - a progress thread, while the main thread computes, so that a large
//     message does not stand still because its receiver is busy.
//
// While MPI has requests the sleep between two looks is timed, an eighth of the
// time waited so far within bounds: a short wait is answered fast, a long one
// costs next to nothing. Without, only a notification ends it.
//
// A lock makes calls to MPI and to the mailbox one at a time
// (MPI_THREAD_SERIALIZED). MpiMessages.cpp moves messages, MpiBootstrap.cpp is
// the control plane and the end of a job.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_MPIJOB_H
#define PPRT_MPIJOB_H

#include "Bootstrap.h"
#include "Mailbox.h"

#include <mpi.h>

#include <deque>
#include <list>
#include <mutex>
#include <thread>

namespace pprt {

constexpr uint64_t millisecond = 1000000; // ns

class MpiJob final : public Bootstrap, private Messages {
public:
  MpiJob();
  ~MpiJob() override;

  int rank() const override { return worldRank; }
  int size() const override { return worldSize; }
  bool onOneNode() const override { return nodeSize == worldSize; }
  int nodeRank() const override { return rankOnNode; }
  int nodeRanks() const override { return nodeSize; }
  bool allowsThreads() const override { return threadsAllowed; }
  void setTimeout(double seconds) override {
    timeoutNs = uint64_t(seconds * 1e9);
  }
  double timeout() const override { return double(timeoutNs) * 1e-9; }
  void checkStopped() override;
  Messages &messages() override { return *this; }
  void reportFailure(const std::string &error) override;
  void finish() override;

private:
  struct Slot : Message {
    int index = 0;
    int rank = 0; ///< the peer's
    int tag = 0;  ///< MPI's
    MPI_Comm comm = MPI_COMM_NULL;
    int mpiError = MPI_SUCCESS;
  };
  /// The slot that is not one of a request: of the notices of failures.
  static constexpr int noticeSlot = 0;

  // Messages
  int addRequests(int count) override;
  void removeRequests(int first, int count) override;
  int countRequests() override;
  int addSpace() override;
  void removeSpace(int space) override;
  int largestTag() const override { return tagBound; }
  void isend(int request, int peer, int space, int tag, const void *data,
             uint64_t bytes) override {
    post(request, peer, space, tag, const_cast<void *>(data), bytes,
         /*isReceive=*/false);
  }
  void irecv(int request, int peer, int space, int tag, void *data,
             uint64_t bytes) override {
    post(request, peer, space, tag, data, bytes, /*isReceive=*/true);
  }
  bool isComplete(int request) override;
  TransferTimes take(int request) override;
  void waitUntil(Condition isDone) override;
  bool cancel(int request) override;

  void connectNode();
  void post(int request, int peer, int space, int tag, void *data,
            uint64_t bytes, bool isReceive);
  void startMpi(Slot &slot);
  bool look(uint64_t since = UINT64_MAX);
  bool doMatched(std::unique_lock<std::mutex> &lock);
  bool testMpi();
  void complete(Slot &slot, const MPI_Status &status);
  void dropActive(size_t position);
  bool cancelMpi(size_t position);
  void receiveLeftOver();
  EventCount &myEvents() { return node.events(mailbox ? rankOnNode : 0); }
  /// Whether MPI has to be looked at without being asked to.
  bool mpiIsDue() {
    return mpiRequests.load() > 0 || !mailbox || nodeSize != worldSize ||
           node.entry(rankOnNode).notices.load() != noticesTaken.load();
  }
  uint64_t sleepTime(uint64_t sinceEventNs);
  void startProgressThread();
  void progressLoop();
  void stopProgressThread();

  // The end
  void postNoticeReceive();
  void takeNotice(int source, int bytes);
  void sendNotice(int peer, char kind, int number, const std::string &text);
  template <typename F> void napUntil(uint64_t ns, F isDone);
  void gatherReports(const std::string &error);
  void awaitRank0(const std::string &error);
  void settle();
  void leave();

  int worldRank = 0, worldSize = 1, nodeSize = 1, rankOnNode = 0;
  int tagBound = 0;
  MPI_Comm noticeComm = MPI_COMM_NULL, controlComm = MPI_COMM_NULL,
           dataComm = MPI_COMM_NULL;
  bool threadsAllowed = false;
  uint64_t timeoutNs;

  std::mutex mutex;
  std::deque<Slot> slots; ///< the requests' places do not move
  std::vector<std::pair<int, int>> freeSlots; ///< first, count
  int spaces = 0;                             ///< added so far
  /// The requests that MPI works on, and the slot of each. Guarded.
  std::vector<MPI_Request> active;
  std::vector<int> activeSlot;
  std::vector<int> doneIndices;
  std::vector<MPI_Status> statuses;
  /// Active requests of slots other than the notice's.
  std::atomic<int> mpiRequests{0};
  std::list<std::string> noticesOut;

  NodeMemory node;
  std::vector<int> numberOnNode;    ///< by world rank, -1 on other nodes
  std::unique_ptr<Mailbox> mailbox; ///< guarded; null if it is not to be used

  std::thread progressThread;
  std::atomic<bool> quit{false};

  std::vector<char> noticeBuffer;
  std::atomic<uint32_t> noticesTaken{0}; ///< from this node
  std::atomic<bool> stopRequested{false};
  std::atomic<bool> resumed{false};
  bool isSettling = false; ///< what is left of a failed step is received
  int nextSpace = 0;       ///< from where all ranks go on after a failure
  std::vector<std::pair<int, std::string>> reports; ///< rank 0 only
};

} // namespace pprt

#endif // PPRT_MPIJOB_H
