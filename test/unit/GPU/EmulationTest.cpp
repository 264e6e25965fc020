//===- EmulationTest.cpp - Kernels for GPUs on the host -------------------===//

#include "KernelEmulation.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace {

std::string launch(void (*host)(void **), int32_t grid, int32_t block,
                   void **arguments) {
  pprt_gpu_kernel kernel{"k", 1, 0, 1024, host};
  int32_t grids[3] = {grid, 1, 1}, blocks[3] = {block, 1, 1};
  return pprt::runEmulated(kernel, grids, blocks, arguments);
}

int32_t *output(void **arguments) {
  return *static_cast<int32_t **>(arguments[0]);
}

TEST(Emulation, GivesEachThreadItsPlace) {
  std::vector<int32_t> data(6 * 50, -1);
  int32_t *pointer = data.data();
  void *arguments[] = {&pointer};
  EXPECT_EQ(launch(
                [](void **a) {
                  const pprt_gpu_thread *t = pprt_gpu_host_thread();
                  int32_t i = t->block[0] * t->block_size[0] + t->thread[0];
                  output(a)[i] = i;
                },
                6, 50, arguments),
            "");
  for (int32_t i = 0; i < 300; ++i)
    EXPECT_EQ(data[i], i);
}

/// Each thread stores its number, then reads that of its mirror image: right
/// only if the barrier holds all of them.
TEST(Emulation, BarrierHoldsAllThreads) {
  std::vector<int32_t> data(2 * 1024, -1);
  int32_t *pointer = data.data();
  void *arguments[] = {&pointer};
  EXPECT_EQ(launch(
                [](void **a) {
                  const pprt_gpu_thread *t = pprt_gpu_host_thread();
                  auto *shared = static_cast<int32_t *>(
                      pprt_gpu_host_shared(3, 1024 * sizeof(int32_t)));
                  int32_t i = t->thread[0], base = t->block[0] * 1024;
                  shared[i] = base + i;
                  pprt_gpu_host_barrier();
                  output(a)[base + i] = shared[1023 - i];
                },
                2, 1024, arguments),
            "");
  for (int32_t block = 0; block < 2; ++block)
    for (int32_t i = 0; i < 1024; ++i)
      EXPECT_EQ(data[block * 1024 + i], block * 1024 + 1023 - i);
}

TEST(Emulation, SharedMemoryStartsWithoutMeaning) {
  std::vector<int32_t> data(2, 0);
  int32_t *pointer = data.data();
  void *arguments[] = {&pointer};
  EXPECT_EQ(launch(
                [](void **a) {
                  auto *shared =
                      static_cast<int32_t *>(pprt_gpu_host_shared(0, 4));
                  output(a)[pprt_gpu_host_thread()->block[0]] = *shared;
                  *shared = 7;
                },
                2, 1, arguments),
            "");
  EXPECT_EQ(data, (std::vector<int32_t>{-1, -1}));
}

TEST(Emulation, ShufflesWithinWarps) {
  std::vector<int32_t> data(5 * 64, -1);
  int32_t *pointer = data.data();
  void *arguments[] = {&pointer};
  EXPECT_EQ(launch(
                [](void **a) {
                  int32_t i = pprt_gpu_host_thread()->thread[0];
                  int32_t *out = output(a) + 5 * i;
                  out[0] = pprt_gpu_host_shuffle(0, i, 5, 32);
                  out[1] = pprt_gpu_host_shuffle(1, i, 3, 32);
                  out[2] = pprt_gpu_host_shuffle(2, i, 3, 16);
                  out[3] = pprt_gpu_host_shuffle(3, i, 9, 32);
                  int32_t sum = i;
                  for (int32_t step = 16; step > 0; step /= 2)
                    sum += pprt_gpu_host_shuffle(0, sum, step, 32);
                  out[4] = sum;
                },
                1, 64, arguments),
            "");
  for (int32_t i = 0; i < 64; ++i) {
    int32_t lane = i % 32, warp = i - lane;
    EXPECT_EQ(data[5 * i], warp + (lane ^ 5));
    EXPECT_EQ(data[5 * i + 1], lane < 3 ? i : i - 3);
    EXPECT_EQ(data[5 * i + 2], lane % 16 > 12 ? i : i + 3);
    EXPECT_EQ(data[5 * i + 3], warp + 9);
    EXPECT_EQ(data[5 * i + 4], 32 * warp + 496);
  }
}

TEST(Emulation, ReportsWhoLeavesABarrierOut) {
  std::string error = launch(
      [](void **) {
        if (pprt_gpu_host_thread()->thread[0] != 40)
          pprt_gpu_host_barrier();
      },
      1, 64, nullptr);
  EXPECT_EQ(error,
            "kernel 'k', block (0, 0, 0): found that thread (40, 0, 0) has "
            "ended while 63 threads of its block wait at a barrier, expected "
            "all threads to come to it");
  // The next kernel starts afresh.
  EXPECT_EQ(launch([](void **) { pprt_gpu_host_barrier(); }, 2, 64, nullptr),
            "");
}

TEST(Emulation, ReportsWhoLeavesAShuffleOut) {
  std::string error = launch(
      [](void **) {
        if (pprt_gpu_host_thread()->thread[0] == 1)
          pprt_gpu_host_barrier();
        else
          pprt_gpu_host_shuffle(0, 1, 1, 32);
      },
      1, 32, nullptr);
  EXPECT_NE(
      error.find("thread (1, 0, 0) waits at a barrier while 31 threads of "
                 "its warp wait for a shuffle"),
      std::string::npos)
      << error;
  error = launch([](void **) { pprt_gpu_host_shuffle(0, 1, 1, 32); }, 1, 40,
                 nullptr);
  EXPECT_NE(error.find("in a warp of 8 threads, expected 32"),
            std::string::npos)
      << error;
}

/// Runs `kernel` in the order of threads, or against it.
std::vector<int32_t> inOrder(const char *order, void (*kernel)(void **)) {
  std::vector<int32_t> data(2 * 64, -1);
  int32_t *pointer = data.data();
  void *arguments[] = {&pointer};
  setenv("PPRT_EMULATED_ORDER", order, 1);
  EXPECT_EQ(launch(kernel, 2, 64, arguments), "");
  unsetenv("PPRT_EMULATED_ORDER");
  return data;
}

/// Each thread reads what its neighbour has stored.
void readNeighbour(void **a, bool hasBarrier) {
  const pprt_gpu_thread *t = pprt_gpu_host_thread();
  auto *shared = static_cast<int32_t *>(pprt_gpu_host_shared(0, 64 * 4));
  int32_t i = t->thread[0];
  shared[i] = i;
  if (hasBarrier)
    pprt_gpu_host_barrier();
  output(a)[t->block[0] * 64 + i] = shared[i == 0 ? 63 : i - 1];
}

TEST(Emulation, OtherOrderShowsMissingBarriers) {
  auto right = [](void **a) { readNeighbour(a, true); };
  auto wrong = [](void **a) { readNeighbour(a, false); };
  EXPECT_EQ(inOrder("forward", right), inOrder("reverse", right));
  EXPECT_NE(inOrder("forward", wrong), inOrder("reverse", wrong));
}

TEST(Emulation, ReportsWhatIsNotAligned) {
  alignas(16) static char data[32];
  std::string error = launch(
      [](void **) {
        pprt_gpu_host_aligned(data + 16, 16);
        pprt_gpu_host_aligned(
            data + (pprt_gpu_host_thread()->thread[0] == 5 ? 8 : 0), 16);
        pprt_gpu_host_barrier();
      },
      1, 32, nullptr);
  EXPECT_EQ(error, "kernel 'k', block (0, 0, 0): found that thread (5, 0, 0) "
                   "accesses an address that is no multiple of 16, expected "
                   "one");
  EXPECT_EQ(launch([](void **) { pprt_gpu_host_barrier(); }, 2, 64, nullptr),
            "");
}

TEST(Emulation, RefusesWhatNoDeviceCouldStart) {
  auto nothing = [](void **) {};
  EXPECT_NE(launch(nothing, 1, 1025, nullptr).find("expected at most 1024"),
            std::string::npos);
  EXPECT_NE(launch(nothing, 0, 32, nullptr).find("expected at least one"),
            std::string::npos);
  pprt_gpu_kernel kernel{"k", 0, 0, 1024, [](void **) {}};
  int32_t grid[3] = {1, 65536, 1}, block[3] = {32, 1, 1};
  EXPECT_NE(pprt::runEmulated(kernel, grid, block, nullptr)
                .find("at most 65535 along y and z"),
            std::string::npos);
  EXPECT_NE(launch(nullptr, 1, 32, nullptr).find("no code for the host"),
            std::string::npos);
}

} // namespace
