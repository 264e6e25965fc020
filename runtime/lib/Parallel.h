//===- Parallel.h - Work before the first step, on all cores ----*- C++ -*-===//
#ifndef PPRT_PARALLEL_H
#define PPRT_PARALLEL_H

#include <algorithm>
#include <cstdint>
#include <sched.h>
#include <system_error>
#include <thread>
#include <vector>

namespace pprt {

/// Cores that this process may use; mpirun gives ranks of a node some each.
inline unsigned availableCores() {
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof cores, &cores) == 0
             ? unsigned(std::max(CPU_COUNT(&cores), 1))
             : 1;
}

/// Calls work(begin, end) for parts of [0, size) that begin at multiples of
/// 65,536, at once on as many cores as there are; where no thread can be
/// started, on those that there are. `work` must not throw.
template <typename Work> void inParallel(uint64_t size, const Work &work) {
  constexpr uint64_t unit = 65536;
  uint64_t units = (size + unit - 1) / unit;
  uint64_t parts = std::clamp<uint64_t>(units, 1, availableCores());
  uint64_t part = (units + parts - 1) / parts * unit;
  std::vector<std::thread> threads;
  uint64_t begin = 0;
  try {
    threads.reserve(parts);
    for (; begin + part < size; begin += part)
      threads.emplace_back(work, begin, begin + part);
  } catch (const std::system_error &) {
  }
  work(begin, size);
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace pprt

#endif // PPRT_PARALLEL_H
