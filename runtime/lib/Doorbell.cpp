#include "Doorbell.h"

#include "Clock.h"

#include <climits>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace pprt;

static_assert(sizeof(Bell) == 64 && std::atomic<uint32_t>::is_always_lock_free,
              "bells are shared between processes");

static long futex(std::atomic<uint32_t> &word, int operation, uint32_t value,
                  const timespec *timeout, uint32_t mask) {
  return syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), operation,
                 value, timeout, nullptr, mask);
}

void Bell::wake(Sleeper sleeper) {
  futex(rings, FUTEX_WAKE_BITSET, INT_MAX, nullptr, sleeper);
}

void Bell::ring() {
  rings.fetch_add(1);
  if (sleepers.load())
    wake(mainInCharge.load() ? Main : Progress);
}

void Bell::sleep(Sleeper sleeper, uint32_t seen, uint64_t ns) {
  // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC.
  uint64_t deadline = nowNs() + ns;
  timespec t;
  t.tv_sec = time_t(deadline / 1000000000u);
  t.tv_nsec = long(deadline % 1000000000u);
  sleepers.fetch_add(1);
  futex(rings, FUTEX_WAIT_BITSET, seen, &t, sleeper);
  sleepers.fetch_sub(1);
}

bool BellTower::map(const std::string &name, int count, bool create) {
  int fd =
      shm_open(name.c_str(), create ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
  if (fd < 0)
    return false;
  bytes = size_t(count) * sizeof(Bell);
  void *memory = MAP_FAILED;
  if (!create || ftruncate(fd, off_t(bytes)) == 0)
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory == MAP_FAILED)
    return false;
  bells = static_cast<Bell *>(memory);
  return true;
}

void BellTower::remove(const std::string &name) { shm_unlink(name.c_str()); }

void BellTower::usePrivate() {
  if (bells)
    munmap(bells, bytes);
  bytes = sizeof(Bell);
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bells = memory == MAP_FAILED ? nullptr : static_cast<Bell *>(memory);
}

BellTower::~BellTower() {
  if (bells)
    munmap(bells, bytes);
}
