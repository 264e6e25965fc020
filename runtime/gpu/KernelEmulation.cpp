//===- KernelEmulation.cpp - Kernels for GPUs on the host -----------------===//
//
// Threads of a warp run one after the other until each waits or has ended. If
// all wait for a shuffle, its values are exchanged and the warp goes on; if all
// wait at the barrier, the warp waits for the other warps. Whatever else the
// threads of a block can come to would be undefined on a device: it is
// reported.
//
// Blocks run one after the other, so a kernel that needed two at once would not
// end: none is generated.
//
//===----------------------------------------------------------------------===//

#include "KernelEmulation.h"
#include "Fiber.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

namespace {

constexpr int32_t warpSize = 32;
constexpr int32_t maxThreads = 1024;
constexpr int32_t maxGridYZ = 65535;
constexpr size_t stackBytes = 64 << 10;

enum class Wait { None, Barrier, Shuffle, Ended };

struct Thread {
  pprt::Fiber fiber;
  pprt_gpu_thread registers;
  Wait wait = Wait::None;
  /// Of the shuffle that it waits for.
  int32_t mode = 0, value = 0, operand = 0, width = warpSize;

  explicit Thread(void *stack) : fiber(stack, stackBytes) {}
};

/// One thread of the host emulates one device at a time.
class Block {
public:
  std::string run(const pprt_gpu_kernel &kernel, const int32_t grid[3],
                  const int32_t block[3], void **arguments);
  Thread *current = nullptr;
  /// Ends the kernel; called by a thread of it, to which it does not return.
  void fail(const std::string &what);
  void *shared(int32_t key, uint64_t bytes);

private:
  void makeThreads(int32_t count);
  std::string runBlock();
  /// Runs a warp up to a barrier or its end.
  std::string runWarp(int32_t first, int32_t end);
  void exchange(int32_t first, int32_t end);
  std::string complain(const Thread &thread, const std::string &what);
  static void enter(void *);

  std::vector<Thread> threads;
  std::map<int32_t, std::vector<char>> memory; ///< shared, by key
  const pprt_gpu_kernel *kernel = nullptr;
  void **arguments = nullptr;
  int32_t count = 0;
  std::string failure;
  /// Whatever has no order on a device runs in the other one: a kernel that
  /// lacks a barrier gives other results.
  bool isReversed = false;
};

thread_local Block emulated;

} // namespace

static std::string show(const int32_t v[3]) {
  return "(" + std::to_string(v[0]) + ", " + std::to_string(v[1]) + ", " +
         std::to_string(v[2]) + ")";
}

void Block::makeThreads(int32_t wanted) {
  if (static_cast<int32_t>(threads.size()) >= wanted)
    return;
  // All at once, and once: pages come with their first use.
  threads.clear();
  void *stacks = mmap(nullptr, maxThreads * stackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stacks == MAP_FAILED)
    return;
  threads.reserve(maxThreads);
  for (int32_t i = 0; i < maxThreads; ++i)
    threads.emplace_back(static_cast<char *>(stacks) + i * stackBytes);
}

void Block::enter(void *argument) {
  auto *thread = static_cast<Thread *>(argument);
  emulated.kernel->host(emulated.arguments);
  thread->wait = Wait::Ended;
  thread->fiber.suspend();
}

std::string Block::complain(const Thread &thread, const std::string &what) {
  return "kernel '" + std::string(kernel->name) + "', block " +
         show(thread.registers.block) + ": found that thread " +
         show(thread.registers.thread) + " " + what;
}

void Block::fail(const std::string &what) {
  failure = complain(*current, what);
  current->wait = Wait::Ended;
  current->fiber.suspend();
}

/// The lane that `lane` gets its value from, itself where there is none.
static int32_t sourceOf(int32_t lane, const Thread &thread) {
  int32_t begin = lane & ~(thread.width - 1), end = begin + thread.width;
  int32_t source = lane;
  switch (thread.mode) {
  case 0:
    source = lane ^ thread.operand;
    break;
  case 1:
    source = lane - thread.operand;
    break;
  case 2:
    source = lane + thread.operand;
    break;
  case 3:
    source = begin + (thread.operand & (thread.width - 1));
    break;
  }
  return source >= begin && source < end ? source : lane;
}

void Block::exchange(int32_t first, int32_t end) {
  int32_t values[warpSize];
  for (int32_t i = first; i < end; ++i)
    values[i - first] = threads[i].value;
  for (int32_t i = first; i < end; ++i) {
    threads[i].value = values[sourceOf(i - first, threads[i])];
    threads[i].wait = Wait::None;
  }
}

std::string Block::runWarp(int32_t first, int32_t end) {
  while (true) {
    int32_t waiting[4] = {};
    for (int32_t i = first; i < end; ++i) {
      Thread &thread = threads[isReversed ? first + end - 1 - i : i];
      if (thread.wait == Wait::None) {
        current = &thread;
        thread.fiber.resume();
        if (!failure.empty())
          return failure;
      }
      ++waiting[static_cast<int>(thread.wait)];
    }
    int32_t shuffles = waiting[static_cast<int>(Wait::Shuffle)];
    if (shuffles == 0)
      return "";
    for (int32_t i = first; i < end; ++i)
      if (threads[i].wait != Wait::Shuffle)
        return complain(threads[i],
                        (threads[i].wait == Wait::Ended
                             ? std::string("has ended")
                             : std::string("waits at a barrier")) +
                            " while " + std::to_string(shuffles) +
                            " threads of its warp wait for a shuffle, expected "
                            "all 32 to take part");
    if (end - first != warpSize)
      return complain(threads[first],
                      "waits for a shuffle in a warp of " +
                          std::to_string(end - first) +
                          " threads, expected 32; make the block a multiple");
    exchange(first, end);
  }
}

std::string Block::runBlock() {
  while (true) {
    int32_t barriers = 0, ended = 0;
    const Thread *absent = nullptr;
    const int32_t warps = (count + warpSize - 1) / warpSize;
    for (int32_t i = 0; i < warps; ++i) {
      int32_t first = warpSize * (isReversed ? warps - 1 - i : i);
      int32_t end = std::min(first + warpSize, count);
      if (std::string error = runWarp(first, end); !error.empty())
        return error;
    }
    for (int32_t i = 0; i < count; ++i) {
      if (threads[i].wait == Wait::Barrier) {
        ++barriers;
      } else {
        ++ended;
        absent = &threads[i];
      }
    }
    if (barriers == 0)
      return "";
    if (ended != 0)
      return complain(*absent, "has ended while " + std::to_string(barriers) +
                                   " threads of its block wait at a barrier, "
                                   "expected all threads to come to it");
    for (int32_t i = 0; i < count; ++i)
      threads[i].wait = Wait::None;
  }
}

std::string Block::run(const pprt_gpu_kernel &which, const int32_t grid[3],
                       const int32_t block[3], void **values) {
  std::string name = "kernel '" + std::string(which.name) + "': found ";
  if (!which.host)
    return name + "no code for the host, expected it for an emulated device; "
                  "compile the program with --emulate";
  int64_t size = int64_t(block[0]) * block[1] * block[2];
  for (int i = 0; i < 3; ++i) {
    if (grid[i] < 1 || block[i] < 1)
      return name + "a grid of " + show(grid) + " blocks of " + show(block) +
             " threads, expected at least one";
    if (i > 0 && grid[i] > maxGridYZ)
      return name + "a grid of " + show(grid) + " blocks, expected at most " +
             std::to_string(maxGridYZ) + " along y and z";
  }
  if (size > maxThreads || size > which.max_threads)
    return name + "blocks of " + std::to_string(size) +
           " threads, expected at most " +
           std::to_string(std::min(maxThreads, which.max_threads));
  count = static_cast<int32_t>(size);
  makeThreads(count);
  if (threads.empty())
    return name + "no memory for the stacks of its threads, expected 64 MiB of "
                  "addresses";
  kernel = &which;
  arguments = values;
  memory.clear();
  failure.clear();
  const char *order = std::getenv("PPRT_EMULATED_ORDER");
  isReversed = order && !std::strcmp(order, "reverse");
  auto place = [&](int32_t i, int32_t size) {
    return isReversed ? size - 1 - i : i;
  };
  for (int32_t zi = 0; zi < grid[2]; ++zi)
    for (int32_t yi = 0; yi < grid[1]; ++yi)
      for (int32_t xi = 0; xi < grid[0]; ++xi) {
        const int32_t x = place(xi, grid[0]), y = place(yi, grid[1]),
                      z = place(zi, grid[2]);
        // Contents of shared memory mean nothing at the start: NaN shows.
        for (auto &[key, bytes] : memory)
          std::memset(bytes.data(), 0xff, bytes.size());
        for (int32_t i = 0; i < count; ++i) {
          Thread &thread = threads[i];
          thread.wait = Wait::None;
          thread.registers = {
              {i % block[0], i / block[0] % block[1], i / block[0] / block[1]},
              {x, y, z},
              {block[0], block[1], block[2]},
              {grid[0], grid[1], grid[2]}};
          thread.fiber.start(enter, &thread);
        }
        if (std::string error = runBlock(); !error.empty())
          return error;
      }
  return "";
}

void *Block::shared(int32_t key, uint64_t bytes) {
  std::vector<char> &buffer = memory[key];
  if (buffer.size() < bytes + 64)
    buffer.assign(bytes + 64, static_cast<char>(0xff));
  auto address = reinterpret_cast<uintptr_t>(buffer.data());
  return reinterpret_cast<void *>((address + 63) / 64 * 64);
}

std::string pprt::runEmulated(const pprt_gpu_kernel &kernel,
                              const int32_t grid[3], const int32_t block[3],
                              void **arguments) {
  return emulated.run(kernel, grid, block, arguments);
}

//===----------------------------------------------------------------------===//
// What kernels compiled for the host call
//===----------------------------------------------------------------------===//

extern "C" const pprt_gpu_thread *pprt_gpu_host_thread(void) {
  return &emulated.current->registers;
}

extern "C" void pprt_gpu_host_barrier(void) {
  Thread *thread = emulated.current;
  thread->wait = Wait::Barrier;
  thread->fiber.suspend();
}

extern "C" int32_t pprt_gpu_host_shuffle(int32_t mode, int32_t value,
                                         int32_t operand, int32_t width) {
  Thread *thread = emulated.current;
  thread->mode = mode;
  thread->value = value;
  thread->operand = operand;
  thread->width = width;
  thread->wait = Wait::Shuffle;
  thread->fiber.suspend();
  return thread->value;
}

extern "C" void pprt_gpu_host_aligned(const void *address, int32_t bytes) {
  if (reinterpret_cast<uintptr_t>(address) % uintptr_t(bytes) != 0)
    emulated.fail("accesses an address that is no multiple of " +
                  std::to_string(bytes) + ", expected one");
}

extern "C" void *pprt_gpu_host_shared(int32_t key, uint64_t bytes) {
  return emulated.shared(key, bytes);
}
