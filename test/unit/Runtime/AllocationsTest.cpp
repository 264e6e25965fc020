#include "Allocations.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <vector>

using namespace pprt;

TEST(Allocations, CountsWhoAsked) {
  if (!canCountAllocations())
    GTEST_SKIP() << "sanitizers bring their own malloc";
  AllocationCounts before = allocationCounts();
  void *volatile unseen = std::malloc(10);
  std::free(unseen);
  countAllocations(true);
  void *volatile plain = std::malloc(10);
  plain = std::realloc(plain, 20);
  std::free(plain);
  std::vector<int> *volatile numbers = new std::vector<int>(100);
  delete numbers;
  {
    MpiScope inside;
    void *volatile theirs = std::calloc(1, 10);
    std::free(theirs);
  }
  // A function of libc that allocates for its caller.
  char *resolved = realpath("/", nullptr);
  countAllocations(false);
  std::free(resolved);
  AllocationCounts after = allocationCounts();
  EXPECT_EQ(after.program - before.program, 4u);
  EXPECT_EQ(after.mpi - before.mpi, 1u);
  EXPECT_EQ(after.libraries - before.libraries, 1u);
}
