//===- InstructionSet.cpp - Which kernels a processor runs ----------------===//
//
// Asked once a process. The compiler's run-time library reads cpuid, and with
// it whether the system saves the registers.
//
//===----------------------------------------------------------------------===//

#include "InstructionSet.h"
#include "Environment.h"
#include "pprt_kernels.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace pprt;

static bool always() { return true; }

#if defined(__x86_64__)
static bool hasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool hasAvx512() {
  return hasAvx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
static bool hasAvx512BF16() {
  return hasAvx512() && __builtin_cpu_supports("avx512bf16");
}
#endif

static constexpr InstructionSet sets[] = {
    {"portable", &portableFloats, &portableWidened, always},
#if defined(__x86_64__)
    {"avx2", &avx2Floats, &avx2Widened, hasAvx2},
    {"avx512", &avx512Floats, &avx512Widened, hasAvx512},
    {"avx512_bf16", &avx512Floats, &avx512Pairs, hasAvx512BF16},
#endif
};
static constexpr int32_t numSets = sizeof(sets) / sizeof(sets[0]);

int32_t pprt::instructionSets(const InstructionSet *&first) {
  first = sets;
  return numSets;
}

const InstructionSet *pprt::chooseInstructionSet(const char *wanted,
                                                 char *message, uint64_t size) {
  const InstructionSet *found = nullptr;
  char names[64] = "";
  for (const InstructionSet &set : sets) {
    if (!set.isHere())
      continue;
    if (*names)
      std::strcat(names, ", ");
    std::strcat(names, set.name);
    if (!wanted || !*wanted || std::strcmp(wanted, set.name) == 0)
      found = &set;
  }
  if (!found)
    std::snprintf(message, size,
                  "found PPRT_CPU_ISA=%s, expected what this processor has: %s",
                  wanted, names);
  return found;
}

namespace {
struct Choice {
  char message[256] = "";
  const InstructionSet *set =
      chooseInstructionSet(Environment().cpuIsa, message, sizeof(message));
};
} // namespace

static const Choice &choice() {
  static const Choice result;
  return result;
}

extern "C" const char *pprt_kernels_error(void) {
  return choice().set ? nullptr : choice().message;
}

const InstructionSet &pprt::instructionSet() {
  if (!choice().set) {
    std::fprintf(stderr, "error: %s\n", choice().message);
    std::abort();
  }
  return *choice().set;
}
