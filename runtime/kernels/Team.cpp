//===- Team.cpp - Threads of a kernel -------------------------------------===//

#include "Team.h"

#include <cerrno>
#include <cstdlib>
#include <new>

using namespace pprt;

namespace {
class Lock {
public:
  explicit Lock(pthread_mutex_t &mutex) : mutex(mutex) {
    pthread_mutex_lock(&mutex);
  }
  ~Lock() { pthread_mutex_unlock(&mutex); }

private:
  pthread_mutex_t &mutex;
};
} // namespace

struct Team::Helper {
  Team *team = nullptr;
  pthread_t thread{};
  pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
  /// Guarded by the team's mutex.
  void (*work)(Team &, void *) = nullptr;
  void *argument = nullptr;
  bool ends = false;
};

Team &Team::ofThisThread() {
  static thread_local Team team;
  return team;
}

void *Team::help(void *argument) {
  Helper &helper = *static_cast<Helper *>(argument);
  Team &team = *helper.team;
  for (;;) {
    void (*work)(Team &, void *);
    void *of;
    {
      Lock lock(team.mutex);
      while (!helper.work && !helper.ends)
        pthread_cond_wait(&helper.wake, &team.mutex);
      if (!helper.work)
        return nullptr;
      work = helper.work;
      of = helper.argument;
      helper.work = nullptr;
    }
    work(team, of);
    team.meet();
  }
}

void Team::end(int32_t threads) {
  {
    Lock lock(mutex);
    for (int32_t i = 0; i < threads; ++i) {
      helpers[i].ends = true;
      pthread_cond_signal(&helpers[i].wake);
    }
  }
  for (int32_t i = 0; i < threads; ++i)
    pthread_join(helpers[i].thread, nullptr);
  delete[] helpers;
  helpers = nullptr;
  numHelpers = 0;
}

int Team::resize(int32_t threads) {
  if (threads == size())
    return 0;
  end(numHelpers);
  if (threads <= 1)
    return 0;
  helpers = new (std::nothrow) Helper[threads - 1];
  if (!helpers)
    return ENOMEM;
  for (; numHelpers < threads - 1; ++numHelpers) {
    Helper &helper = helpers[numHelpers];
    helper.team = this;
    if (int error = pthread_create(&helper.thread, nullptr, help, &helper))
      return error;
  }
  return 0;
}

void Team::run(int32_t threads, void (*work)(Team &, void *), void *argument) {
  counter.store(0, std::memory_order_relaxed);
  if (threads <= 1) {
    work(*this, argument);
    return;
  }
  {
    Lock lock(mutex);
    members = threads;
    for (int32_t i = 0; i < threads - 1; ++i) {
      helpers[i].work = work;
      helpers[i].argument = argument;
      pthread_cond_signal(&helpers[i].wake);
    }
  }
  work(*this, argument);
  meet();
  members = 1;
}

void Team::meet() {
  if (members == 1) {
    counter.store(0, std::memory_order_relaxed);
    return;
  }
  Lock lock(mutex);
  if (++arrived == members) {
    arrived = 0;
    ++meetings;
    counter.store(0, std::memory_order_relaxed);
    pthread_cond_broadcast(&allHere);
    return;
  }
  for (uint64_t before = meetings; meetings == before;)
    pthread_cond_wait(&allHere, &mutex);
}

Team::~Team() { end(numHelpers); }
