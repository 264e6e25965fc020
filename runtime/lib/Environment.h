//===- Environment.h - Environment variables of a compiled program --------===//
//
// All of them, in one place. Open MPI's own settings are in MpiEnvironment.h;
// PPRT_EMULATED_ORDER, for tests, is read where kernels are emulated, as tools
// do it, too (KernelEmulation.cpp).
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_ENVIRONMENT_H
#define PPRT_ENVIRONMENT_H

#include <cstdlib>
#include <cstring>

namespace pprt {

struct Environment {
  /// PPRT_COUNT_ALLOCATIONS=1: count allocations during steps, by who made
  /// them, and print the counts of each rank at the end.
  bool countAllocations = isOn("PPRT_COUNT_ALLOCATIONS");

  /// PPRT_CPU_ISA=portable|avx2|avx512|avx512_bf16: the instruction set of
  /// kernels on the host, in programs and in tools that compile in memory; null
  /// for the best that the processor has.
  const char *cpuIsa = std::getenv("PPRT_CPU_ISA");

  /// PPRT_CUDA_PATH=FOLDER:...: where CUDA's libraries are looked for that the
  /// loader does not find, instead of in the usual places.
  const char *cudaPath = std::getenv("PPRT_CUDA_PATH");

  /// PPRT_CACHE_DIR=FOLDER: where plans of CUDA's libraries are kept for the
  /// next start, and looked for (gpu/PlanCache.h); null to keep none.
  const char *cacheDir = std::getenv("PPRT_CACHE_DIR");

private:
  static bool isOn(const char *name) {
    const char *value = std::getenv(name);
    return value && *value && std::strcmp(value, "0") != 0;
  }
};

} // namespace pprt

#endif // PPRT_ENVIRONMENT_H
