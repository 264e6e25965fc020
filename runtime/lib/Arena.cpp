#include "Arena.h"

#include "Error.h"

#include <algorithm>
#include <sys/mman.h>
#include <unistd.h>

using namespace pprt;

static uint64_t roundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

Arena::Arena(uint64_t bytes) : size(bytes) {
  constexpr uint64_t hugePage = 2 << 20;
  uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  mapped = std::max(roundUp(bytes, page), page);
  uint64_t alignment = mapped >= hugePage ? hugePage : page;
  uint64_t reserved = mapped + alignment - page;
  void *raw = mmap(nullptr, reserved, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED)
    throw Error("cannot allocate the " + std::to_string(bytes) +
                " bytes of the arena (" + systemError() +
                "): compile for more ranks or with --recompute=full");
  // Give back what lies before and behind the aligned part.
  uint64_t begin = reinterpret_cast<uint64_t>(raw);
  uint64_t aligned = roundUp(begin, alignment);
  if (aligned > begin)
    munmap(raw, aligned - begin);
  uint64_t end = aligned + mapped;
  if (begin + reserved > end)
    munmap(reinterpret_cast<void *>(end), begin + reserved - end);
  memory = reinterpret_cast<uint8_t *>(aligned);
  if (alignment == hugePage)
    madvise(memory, mapped, MADV_HUGEPAGE);
}

Arena::~Arena() { munmap(memory, mapped); }
