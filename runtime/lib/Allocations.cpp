#include "Allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>

using namespace pprt;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define PPRT_SANITIZED
#endif
#endif

static std::atomic<bool> counting{false};
static std::atomic<uint64_t> programCount{0}, mpiCount{0}, libraryCount{0};
static thread_local int mpiDepth = 0;
static thread_local bool isIgnored = false;

MpiScope::MpiScope() { ++mpiDepth; }
MpiScope::~MpiScope() { --mpiDepth; }

void pprt::countAllocations(bool on) { counting = on; }

void pprt::ignoreAllocations() { isIgnored = true; }

AllocationCounts pprt::allocationCounts() {
  return {programCount, mpiCount, libraryCount};
}

#if !defined(PPRT_SANITIZED) && defined(__GLIBC__)

bool pprt::canCountAllocations() { return true; }

// Provided by the linker: where this executable begins and its code ends.
extern "C" const char __executable_start, etext;

static void noteAllocation(const void *caller) {
  if (!counting.load(std::memory_order_relaxed) || isIgnored)
    return;
  const char *address = static_cast<const char *>(caller);
  if (mpiDepth)
    ++mpiCount;
  else if (address >= &__executable_start && address < &etext)
    ++programCount;
  else
    ++libraryCount;
}

#define PPRT_CALLER __builtin_return_address(0)

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

void *malloc(size_t bytes) {
  noteAllocation(PPRT_CALLER);
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  noteAllocation(PPRT_CALLER);
  return __libc_calloc(count, bytes);
}
void *realloc(void *old, size_t bytes) {
  noteAllocation(PPRT_CALLER);
  return __libc_realloc(old, bytes);
}
void free(void *memory) { __libc_free(memory); }
void *memalign(size_t alignment, size_t bytes) {
  noteAllocation(PPRT_CALLER);
  return __libc_memalign(alignment, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  noteAllocation(PPRT_CALLER);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **out, size_t alignment, size_t bytes) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)))
    return EINVAL;
  noteAllocation(PPRT_CALLER);
  void *memory = __libc_memalign(alignment, bytes);
  if (!memory)
    return ENOMEM;
  *out = memory;
  return 0;
}
}

// libstdc++'s operators call malloc from a shared library; here the caller is
// who wrote `new`.
static void *allocate(size_t bytes, const void *caller) {
  noteAllocation(caller);
  if (void *memory = __libc_malloc(bytes ? bytes : 1))
    return memory;
  throw std::bad_alloc();
}
void *operator new(size_t bytes) { return allocate(bytes, PPRT_CALLER); }
void *operator new[](size_t bytes) { return allocate(bytes, PPRT_CALLER); }
void operator delete(void *memory) noexcept { __libc_free(memory); }
void operator delete[](void *memory) noexcept { __libc_free(memory); }
void operator delete(void *memory, size_t) noexcept { __libc_free(memory); }
void operator delete[](void *memory, size_t) noexcept { __libc_free(memory); }

#else

bool pprt::canCountAllocations() { return false; }

#endif
