//===- SharedProcess.cpp - Several ranks in one process -------------------===//
//
// A rank's messages to others of its process go through a LocalBootstrap of as
// many ranks, those to other processes through the process's own Messages:
// their tags say from which of its ranks to which of the other's. All of this
// happens in the turn of one rank, so nothing here is locked but the turn
// itself, which hands over what the last one wrote.
//
// A rank that waits leaves its condition; whoever would wait next looks whether
// another one's holds. Conditions of communicators move their collectives on,
// so what a rank has under way goes on while it has no turn.
//
//===----------------------------------------------------------------------===//
#include "SharedProcess.h"

#include "Clock.h"
#include "Error.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

using namespace pprt;

namespace {

/// What the ranks of the process share, in turns.
class Turns {
public:
  Turns(Bootstrap &process, int ranks)
      : process(process), ranks(ranks), seats(size_t(ranks)),
        errors(size_t(ranks)), spacesAdded(size_t(ranks)) {}

  /// The first call of each rank's thread; false if there is nothing to do.
  bool begin(int me);
  /// Its last.
  void end(int me);
  /// Nobody has begun, and nobody will.
  void cancel();
  /// Counts to the limit, in seconds, only while no rank of the process has
  /// anything to do.
  void wait(int me, double limit, Condition isDone);
  void checkStopped() {
    if (!isStopped)
      process.checkStopped();
    if (isStopped)
      throw Stopped();
  }
  /// Every rank comes here; the last one reports for the process.
  void report(int me, const std::string &error, const RankNames &names);

  /// The number of each rank's next space, which has one of the process.
  size_t addSpace(int me);
  void removeSpace(int number);
  int spaceOf(int number) const { return spaces[size_t(number)].number; }
  /// Numbers below are of spaces from before the last failure.
  size_t firstSpace = 0;

  Bootstrap &process;
  const int ranks;

private:
  struct Seat {
    std::condition_variable turn;
    bool isReporting = false, isDone = false;
    std::optional<Condition> awaits;
    double left = 0; ///< seconds that the wait may still take
  };
  struct Space {
    int number;    ///< the process's
    int users = 0; ///< ranks that have not removed it
    bool isOpen = true;
  };

  bool canGoOn(const Seat &seat) const;
  void sleepUntil(Condition canGoOn);
  std::optional<int> findNext(int me) const;
  void pass(int me, int next, bool comesBack = true);
  void close(Space &space);
  void reportAll(const RankNames &names);

  std::mutex mutex;
  int turn = 0; ///< guarded, as the next; all below is the turn's
  bool isCancelled = false;
  std::deque<Seat> seats;
  bool isStopped = false;
  std::vector<std::string> errors;
  uint64_t reports = 0;
  std::vector<Space> spaces;
  std::vector<size_t> spacesAdded; ///< since the last failure, by each rank
};

/// One of the ranks.
class SharingRank final : public Bootstrap, private Messages {
public:
  SharingRank(Turns &turns, int number, std::unique_ptr<Bootstrap> local)
      : turns(turns), number(number), local(std::move(local)),
        near(this->local->messages()), far(turns.process.messages()) {}
  /// In its turn.
  void open() { openControlPlane(); }

  int rank() const override {
    return turns.process.rank() * turns.ranks + number;
  }
  int size() const override { return turns.process.size() * turns.ranks; }
  bool onOneNode() const override { return turns.process.onOneNode(); }
  int nodeRank() const override {
    return turns.process.nodeRank() * turns.ranks + number;
  }
  int nodeRanks() const override {
    return turns.process.nodeRanks() * turns.ranks;
  }
  void setTimeout(double seconds) override { limit = seconds; }
  double timeout() const override { return limit; }
  void checkStopped() override { turns.checkStopped(); }
  Messages &messages() override { return *this; }
  void reportFailure(const std::string &error) override;
  void finish() override {}

private:
  /// A request is one of either way, as its message goes.
  struct Request {
    int near, far;
    bool isFar = false;
  };

  int addRequests(int count) override;
  void removeRequests(int first, int count) override;
  int countRequests() override { return near.countRequests(); }
  int addSpace() override;
  void removeSpace(int space) override;
  int largestTag() const override {
    return far.largestTag() / (turns.ranks * turns.ranks) - 1;
  }
  void isend(int request, int peer, int space, int tag, const void *data,
             uint64_t bytes) override;
  void irecv(int request, int peer, int space, int tag, void *data,
             uint64_t bytes) override;
  bool isComplete(int request) override;
  TransferTimes take(int request) override;
  void waitUntil(Condition isDone) override {
    turns.wait(number, limit, isDone);
  }
  bool cancel(int request) override;

  bool isNear(int peer) const {
    return peer / turns.ranks == turns.process.rank();
  }
  int tagBetween(int tag, int from, int to) const {
    return (tag * turns.ranks + from) * turns.ranks + to;
  }

  Turns &turns;
  const int number;
  const std::unique_ptr<Bootstrap> local;
  Messages &near, &far;
  double limit = turns.process.timeout();
  std::vector<Request> requests;
  std::vector<int> nearSpaces; ///< by the numbers of Turns
};

} // namespace

//===----------------------------------------------------------------------===//
// Turns
//===----------------------------------------------------------------------===//

bool Turns::begin(int me) {
  std::unique_lock<std::mutex> lock(mutex);
  seats[size_t(me)].turn.wait(lock, [&] { return turn == me || isCancelled; });
  return !isCancelled;
}

void Turns::end(int me) {
  seats[size_t(me)].isDone = true;
  if (std::optional<int> next = findNext(me))
    return pass(me, *next, /*comesBack=*/false);
  // Those that are left wait for other processes, or to report.
  for (int i = 1; i < ranks; ++i)
    if (const int other = (me + i) % ranks; !seats[size_t(other)].isDone)
      return pass(me, other, /*comesBack=*/false);
}

void Turns::cancel() {
  std::lock_guard<std::mutex> lock(mutex);
  isCancelled = true;
  for (Seat &seat : seats)
    seat.turn.notify_one();
}

/// Whether a rank has something to do in its turn: a condition that throws is
/// one that its own rank is to ask.
bool Turns::canGoOn(const Seat &seat) const {
  if (seat.isReporting || seat.isDone)
    return false;
  if (!seat.awaits || isStopped || seat.left <= 0)
    return true;
  try {
    return (*seat.awaits)();
  } catch (const std::exception &) {
    return true;
  }
}

std::optional<int> Turns::findNext(int me) const {
  for (int i = 1; i < ranks; ++i)
    if (const int other = (me + i) % ranks; canGoOn(seats[size_t(other)]))
      return other;
  return std::nullopt;
}

void Turns::pass(int me, int next, bool comesBack) {
  std::unique_lock<std::mutex> lock(mutex);
  turn = next;
  seats[size_t(next)].turn.notify_one();
  if (comesBack)
    seats[size_t(me)].turn.wait(lock, [&] { return turn == me; });
}

void Turns::wait(int me, double limit, Condition isDone) {
  Seat &seat = seats[size_t(me)];
  seat.left = limit;
  while (!isDone()) {
    checkStopped();
    if (seat.left <= 0)
      throw TimeoutError("");
    seat.awaits = isDone;
    try {
      // What comes from another process may be for any of them.
      auto canAnyGoOn = [&] { return isDone() || findNext(me).has_value(); };
      if (std::optional<int> next = findNext(me))
        pass(me, *next);
      else
        sleepUntil(canAnyGoOn);
    } catch (...) {
      seat.awaits.reset();
      throw;
    }
    seat.awaits.reset();
  }
}

/// Sleeps as long as the rank that may wait least.
void Turns::sleepUntil(Condition canGoOn) {
  std::vector<Seat *> waiting;
  for (Seat &seat : seats)
    if (seat.awaits && !seat.isReporting && !seat.isDone)
      waiting.push_back(&seat);
  double longest = waiting.front()->left;
  for (Seat *seat : waiting)
    longest = std::min(longest, seat->left);
  const double limit = process.timeout();
  const uint64_t begin = nowNs();
  process.setTimeout(longest);
  // A process that was stopped has not waited: see WaitTimer.h.
  double slept = 0;
  try {
    process.messages().waitUntil(canGoOn);
    slept = std::min(toSeconds(nowNs() - begin), longest / 16);
  } catch (const TimeoutError &) {
    slept = longest;
  } catch (...) {
    process.setTimeout(limit);
    throw;
  }
  process.setTimeout(limit);
  for (Seat *seat : waiting)
    seat->left -= slept;
}

void Turns::report(int me, const std::string &error, const RankNames &names) {
  isStopped = true;
  errors[size_t(me)] = error;
  const uint64_t mine = reports;
  seats[size_t(me)].isReporting = true;
  // The last one has nobody to pass to, and reports; the others come back to
  // what it did.
  while (reports == mine)
    if (std::optional<int> next = findNext(me))
      pass(me, *next);
    else
      reportAll(names);
}

void Turns::reportAll(const RankNames &names) {
  for (size_t i = firstSpace; i < spaces.size(); ++i)
    close(spaces[i]);
  firstSpace = spaces.size();
  spacesAdded.assign(spacesAdded.size(), 0);
  process.nameRanks(names);
  process.reportFailure(joinErrors(errors));
  errors.assign(errors.size(), "");
  isStopped = false;
  ++reports;
  for (Seat &seat : seats)
    seat.isReporting = false;
}

size_t Turns::addSpace(int me) {
  const size_t number = firstSpace + spacesAdded[size_t(me)]++;
  if (number == spaces.size())
    spaces.push_back({process.messages().addSpace(), ranks});
  return number;
}

void Turns::removeSpace(int number) {
  Space &space = spaces[size_t(number)];
  if (--space.users == 0)
    close(space);
}

void Turns::close(Space &space) {
  if (space.isOpen)
    process.messages().removeSpace(space.number);
  space.isOpen = false;
}

//===----------------------------------------------------------------------===//
// Messages of a rank
//===----------------------------------------------------------------------===//

int SharingRank::addRequests(int count) {
  const int first = int(requests.size()), nearFirst = near.addRequests(count),
            farFirst = far.addRequests(count);
  for (int i = 0; i < count; ++i)
    requests.push_back({nearFirst + i, farFirst + i});
  return first;
}

void SharingRank::removeRequests(int first, int count) {
  near.removeRequests(requests[size_t(first)].near, count);
  far.removeRequests(requests[size_t(first)].far, count);
  // Numbers of others stay as they are.
  if (size_t(first) + size_t(count) == requests.size())
    requests.resize(size_t(first));
}

int SharingRank::addSpace() {
  nearSpaces.push_back(near.addSpace());
  return int(turns.addSpace(number));
}

void SharingRank::removeSpace(int space) {
  near.removeSpace(nearSpaces[size_t(space)]);
  turns.removeSpace(space);
}

void SharingRank::isend(int request, int peer, int space, int tag,
                        const void *data, uint64_t bytes) {
  Request &r = requests[size_t(request)];
  const int to = peer % turns.ranks;
  r.isFar = !isNear(peer);
  if (r.isFar)
    far.isend(r.far, peer / turns.ranks, turns.spaceOf(space),
              tagBetween(tag, number, to), data, bytes);
  else
    near.isend(r.near, to, nearSpaces[size_t(space)], tag, data, bytes);
}

void SharingRank::irecv(int request, int peer, int space, int tag, void *data,
                        uint64_t bytes) {
  Request &r = requests[size_t(request)];
  const int from = peer % turns.ranks;
  r.isFar = !isNear(peer);
  if (r.isFar)
    far.irecv(r.far, peer / turns.ranks, turns.spaceOf(space),
              tagBetween(tag, from, number), data, bytes);
  else
    near.irecv(r.near, from, nearSpaces[size_t(space)], tag, data, bytes);
}

bool SharingRank::isComplete(int request) {
  const Request &r = requests[size_t(request)];
  return r.isFar ? far.isComplete(r.far) : near.isComplete(r.near);
}

TransferTimes SharingRank::take(int request) {
  const Request &r = requests[size_t(request)];
  return r.isFar ? far.take(r.far) : near.take(r.near);
}

bool SharingRank::cancel(int request) {
  const Request &r = requests[size_t(request)];
  return r.isFar ? far.cancel(r.far) : near.cancel(r.near);
}

void SharingRank::reportFailure(const std::string &error) {
  closeControlPlane();
  turns.report(number, error, rankNames);
  // Who came less far has added fewer spaces; from here on all have as many.
  while (nearSpaces.size() < turns.firstSpace) {
    nearSpaces.push_back(near.addSpace());
    near.removeSpace(nearSpaces.back());
  }
  openControlPlane();
}

//===----------------------------------------------------------------------===//
// The process
//===----------------------------------------------------------------------===//

int32_t pprt::runSharing(Bootstrap &process, int ranks,
                         const std::function<int32_t(Bootstrap &)> &action) {
  if (!process.allowsThreads())
    throw Error(
        "found an MPI library without MPI_THREAD_SERIALIZED, expected "
        "it for " +
        std::to_string(ranks) +
        " ranks in a process: compile with --tensor-groups of --tp, and "
        "start a process for each");
  Turns turns(process, ranks);
  auto all = std::make_shared<std::vector<std::unique_ptr<SharingRank>>>();
  std::vector<std::unique_ptr<Bootstrap>> locals = createLocalBootstraps(ranks);
  for (int i = 0; i < ranks; ++i)
    all->push_back(
        std::make_unique<SharingRank>(turns, i, std::move(locals[size_t(i)])));
  // What they keep until the end is the process's.
  process.keepUntilEnd(all);

  std::vector<int32_t> results(size_t(ranks), 0);
  std::vector<std::exception_ptr> failures{size_t(ranks)};
  auto run = [&](int number) {
    if (!turns.begin(number))
      return;
    try {
      SharingRank &rank = *(*all)[size_t(number)];
      rank.open();
      results[size_t(number)] = action(rank);
    } catch (...) {
      failures[size_t(number)] = std::current_exception();
    }
    turns.end(number);
  };
  std::vector<std::thread> threads;
  try {
    for (int i = 1; i < ranks; ++i)
      threads.emplace_back(run, i);
  } catch (const std::system_error &error) {
    turns.cancel();
    for (std::thread &thread : threads)
      thread.join();
    throw Error("cannot start a thread for each of " + std::to_string(ranks) +
                " ranks of this process: " + error.what());
  }
  run(0);
  for (std::thread &thread : threads)
    thread.join();
  for (const std::exception_ptr &failure : failures)
    if (failure)
      std::rethrow_exception(failure);
  return *std::max_element(results.begin(), results.end());
}
