#include "NodeMemory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace pprt;

static_assert(sizeof(MessageHeader) == 64 && sizeof(RankEntry) == 64,
              "a cache line each");

/// Cells of all ranks of a node together: containers often have 64 MB.
static constexpr uint64_t mostCellBytes = 16 << 20;

static size_t sizeFor(int ranks, uint32_t cells) {
  return size_t(ranks) * (sizeof(EventCount) + sizeof(RankEntry) +
                          NodeMemory::headersPerRank * sizeof(MessageHeader) +
                          cells * NodeMemory::cellBytes);
}

bool NodeMemory::layOut(int ranks) {
  eventCounts = reinterpret_cast<EventCount *>(memory);
  entries = reinterpret_cast<RankEntry *>(eventCounts + ranks);
  headers = reinterpret_cast<MessageHeader *>(entries + ranks);
  cellMemory =
      reinterpret_cast<char *>(headers + size_t(ranks) * headersPerRank);
  return true;
}

bool NodeMemory::map(const std::string &name, int ranks, bool create) {
  cells = uint32_t(std::clamp<uint64_t>(
      mostCellBytes / (uint64_t(ranks) * cellBytes), 4, 64));
  bytes = sizeFor(ranks, cells);
  int fd =
      shm_open(name.c_str(), create ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
  if (fd < 0)
    return false;
  // Memory that cannot be had must fail here, not at the first touch.
  void *mapped = MAP_FAILED;
  if (!create || posix_fallocate(fd, 0, off_t(bytes)) == 0)
    mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED)
    return false;
  memory = static_cast<char *>(mapped);
  return layOut(ranks);
}

void NodeMemory::remove(const std::string &name) { shm_unlink(name.c_str()); }

void NodeMemory::usePrivate() {
  if (memory)
    munmap(memory, bytes);
  cells = 0;
  bytes = sizeFor(1, cells);
  void *mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory = mapped == MAP_FAILED ? nullptr : static_cast<char *>(mapped);
  layOut(1);
}

NodeMemory::~NodeMemory() {
  if (memory)
    munmap(memory, bytes);
}

void NodeMemory::introduce(int rank) {
  std::random_device random;
  proof = uint64_t(random()) << 32 | random();
  // Where only a parent may read a process's memory (Yama's ptrace_scope 1),
  // the process may permit it; elsewhere this is an error without effect.
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  entries[rank].process = getpid();
  entries[rank].proof = proof;
  entries[rank].proofAddress = reinterpret_cast<uint64_t>(&proof);
}

bool NodeMemory::canRead(int rank) const {
  // In containers of their own, ranks may have equal process numbers.
  uint64_t found = 0;
  const RankEntry &peer = entries[rank];
  return readProcess(peer.process, peer.proofAddress, &found, sizeof found) &&
         found == peer.proof;
}

char *NodeMemory::cell(const MessageHeader &header) {
  uint32_t index = indexOf(header);
  return cellMemory +
         (uint64_t(index / headersPerRank) * cells + index % headersPerRank) *
             cellBytes;
}

void NodeMemory::push(int rank, MessageHeader &header) {
  std::atomic<uint32_t> &inbox = entries[rank].inbox;
  header.next = inbox.load();
  while (!inbox.compare_exchange_weak(header.next, indexOf(header) + 1)) {
  }
}

MessageHeader *NodeMemory::take(int rank) {
  std::atomic<uint32_t> &inbox = entries[rank].inbox;
  uint32_t at = inbox.load() ? inbox.exchange(0) : 0;
  MessageHeader *first = nullptr;
  while (at) {
    MessageHeader &header = headers[at - 1];
    at = header.next;
    link(header, first);
    first = &header;
  }
  return first;
}

bool pprt::readProcess(int32_t process, uint64_t address, void *to,
                       uint64_t bytes) {
  // The system moves less than 2 GiB at once.
  for (uint64_t at = 0; at < bytes;) {
    uint64_t piece = std::min<uint64_t>(bytes - at, 1 << 30);
    iovec local = {static_cast<char *>(to) + at, piece};
    iovec remote = {reinterpret_cast<void *>(address + at), piece};
    ssize_t count = process_vm_readv(process, &local, 1, &remote, 1, 0);
    if (count <= 0) {
      if (count < 0 && errno == EINTR)
        continue;
      if (count == 0)
        errno = EFAULT;
      return false;
    }
    at += uint64_t(count);
  }
  return true;
}
