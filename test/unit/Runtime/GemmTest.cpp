// Matrix products of every instruction set that the processor has: to the bit
// what the contract says, in exactly the memory that was promised, with any
// number of threads.
#include "Gemm.h"
#include "Allocations.h"
#include "Environment.h"
#include "InstructionSet.h"
#include "Team.h"
#include "pprt_kernels.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace pprt;

namespace {
/// Memory whose end is the end of what a process may touch; what lies before
/// it is filled with a pattern.
class GuardedFloats {
public:
  explicit GuardedFloats(int64_t size) : size(size) {
    page = sysconf(_SC_PAGESIZE);
    int64_t bytes = size * int64_t(sizeof(float));
    mapped = (bytes + guard * int64_t(sizeof(float)) + page - 1) / page * page;
    memory =
        static_cast<char *>(mmap(nullptr, mapped + page, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory + mapped, page, PROT_NONE);
    data = reinterpret_cast<float *>(memory + mapped - bytes);
    std::fill_n(data - guard, size + guard, std::nanf(""));
    std::fill_n(data - guard, guard, 7.0f);
  }
  GuardedFloats(const GuardedFloats &) = delete;
  ~GuardedFloats() { munmap(memory, mapped + page); }

  bool holds() const {
    return std::all_of(data - guard, data,
                       [](float value) { return value == 7.0f; });
  }

  static constexpr int64_t guard = 64;
  float *data;
  int64_t size;

private:
  char *memory;
  int64_t page, mapped;
};

/// The smallest memory that holds a matrix, at its end what may not be touched.
struct Matrix : GuardedFloats {
  Matrix(int64_t rows, int64_t columns, int64_t more, std::mt19937 &random)
      : GuardedFloats(rows == 0 ? 0 : (rows - 1) * (columns + more) + columns),
        leading(columns + more) {
    std::uniform_real_distribution<float> values(-1, 1);
    for (int64_t i = 0; i < size; ++i)
      data[i] = values(random);
  }
  int64_t leading;
};

struct Shape {
  int64_t m, n, k;
};

/// Shapes around the sizes of tiles, vectors and blocks, and random ones.
std::vector<Shape> shapes(std::mt19937 &random) {
  std::vector<Shape> result = {
      {1, 1, 1},       {1, 1, 0},    {3, 5, 0},      {1, 40, 7},
      {17, 1, 33},     {6, 16, 4},   {7, 17, 5},     {8, 48, 16},
      {9, 49, 17},     {64, 64, 64}, {130, 67, 401}, {5, 3, 1030},
      {1009, 18, 3},   {2, 3073, 3}, {12, 20, 513},  {200, 40, 30},
      {1010, 3100, 2},
  };
  auto upTo = [&](int64_t most) { return int64_t(random() % most) + 1; };
  for (int i = 0; i < 40; ++i)
    result.push_back({upTo(70), upTo(110), upTo(70)});
  return result;
}

/// The product by what the contract says, with alpha in a.
void expectedProduct(bool ta, bool tb, Shape s, float alpha, const Matrix &a,
                     const Matrix &b, bool accumulate, std::vector<float> &c,
                     int64_t ldc) {
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      float sum = accumulate ? c[i * ldc + j] : 0.0f;
      for (int64_t l = 0; l < s.k; ++l) {
        float left = a.data[ta ? l * a.leading + i : i * a.leading + l];
        float right = b.data[tb ? j * b.leading + l : l * b.leading + j];
        sum = std::fma(alpha * left, right, sum);
      }
      c[i * ldc + j] = sum;
    }
}

class Gemm : public testing::TestWithParam<const InstructionSet *> {
protected:
  void SetUp() override {
    if (!GetParam()->isHere())
      GTEST_SKIP() << "this processor has no " << GetParam()->name;
  }
  void TearDown() override { Team::ofThisThread().resize(1); }
};

std::vector<const InstructionSet *> allSets() {
  const InstructionSet *sets;
  int32_t count = instructionSets(sets);
  std::vector<const InstructionSet *> result;
  for (int32_t i = 0; i < count; ++i)
    result.push_back(&sets[i]);
  return result;
}
} // namespace

INSTANTIATE_TEST_SUITE_P(
    , Gemm, testing::ValuesIn(allSets()),
    [](const testing::TestParamInfo<const InstructionSet *> &info) {
      return std::string(info.param->name);
    });

TEST_P(Gemm, IsAChainOfFusedAdditions) {
  std::mt19937 random(5);
  int turn = 0;
  for (Shape s : shapes(random)) {
    // With each shape some of the forms, and all of them in turn.
    for (int form = turn++ % 3; form < 8; form += 3) {
      bool ta = form & 1, tb = form & 2, accumulate = form & 4;
      int64_t more = random() % 3;
      float alpha = random() % 2 ? 1.0f : 0.3f;
      Matrix a(ta ? s.k : s.m, ta ? s.m : s.k, more, random);
      Matrix b(tb ? s.n : s.k, tb ? s.k : s.n, random() % 3, random);
      Matrix c(s.m, s.n, random() % 3, random);
      // With beta = 0 nothing of c is read, and nothing beside it is written.
      if (!accumulate)
        for (int64_t i = 0; i < s.m; ++i)
          std::fill_n(c.data + i * c.leading, s.n, std::nanf(""));
      std::vector<float> expected(c.data, c.data + c.size);
      expectedProduct(ta, tb, s, alpha, a, b, accumulate, expected, c.leading);
      GuardedFloats workspace(pprt_gemm_workspace(s.m, s.n, s.k));
      multiply(*GetParam()->floats, {a.data, a.leading, ta},
               {b.data, b.leading, !tb}, s.m, s.n, s.k, alpha, accumulate,
               c.data, c.leading, workspace.data);
      ASSERT_EQ(std::memcmp(expected.data(), c.data, c.size * sizeof(float)), 0)
          << s.m << "x" << s.n << "x" << s.k << " form " << form;
      ASSERT_TRUE(workspace.holds() && a.holds() && b.holds() && c.holds())
          << s.m << "x" << s.n << "x" << s.k << " form " << form;
    }
  }
}

TEST_P(Gemm, HasTheSameBitsForAnyNumberOfThreads) {
  if (!canCountAllocations())
    GTEST_SKIP() << "sanitizers bring their own malloc";
  std::mt19937 random(6);
  for (Shape s : {Shape{300, 400, 600}, {1100, 70, 300}, {20, 3200, 150}}) {
    Matrix a(s.m, s.k, 0, random), b(s.k, s.n, 0, random),
        c(s.m, s.n, 0, random);
    std::vector<float> before(c.data, c.data + c.size), expected;
    for (int32_t threads : {1, 2, 3, 8}) {
      ASSERT_EQ(pprt_set_kernel_threads(threads), 0);
      GuardedFloats workspace(pprt_gemm_workspace(s.m, s.n, s.k));
      std::copy(before.begin(), before.end(), c.data);
      AllocationCounts counts = allocationCounts();
      countAllocations(true);
      multiply(*GetParam()->floats, {a.data, s.k, false}, {b.data, s.n, true},
               s.m, s.n, s.k, 1, true, c.data, s.n, workspace.data);
      countAllocations(false);
      EXPECT_EQ(allocationCounts().program, counts.program);
      EXPECT_EQ(allocationCounts().libraries, counts.libraries);
      EXPECT_TRUE(workspace.holds());
      std::vector<float> found(c.data, c.data + c.size);
      if (expected.empty())
        expected = found;
      EXPECT_EQ(found, expected) << threads << " threads";
    }
  }
}

TEST(GemmAbi, UsesWhatTheEnvironmentSays) {
  ASSERT_EQ(pprt_kernels_error(), nullptr);
  const char *wanted = Environment().cpuIsa;
  if (wanted && *wanted)
    EXPECT_STREQ(instructionSet().name, wanted);
  else
    EXPECT_STREQ(instructionSet().name,
                 chooseInstructionSet(nullptr, nullptr, 0)->name);
}

TEST(GemmAbi, MultipliesBatches) {
  std::mt19937 random(7);
  int64_t m = 5, n = 6, k = 7, batch = 3;
  Matrix a(batch * m, k, 0, random), b(batch * k, n, 0, random),
      c(batch * m, n, 0, random), one(batch * m, n, 0, random);
  std::copy_n(c.data, c.size, one.data);
  GuardedFloats workspace(pprt_gemm_workspace(m, n, k));
  pprt_sgemm_batched(0, 0, m, n, k, a.data, k, b.data, n, 1, c.data, n, batch,
                     m * k, k * n, m * n, workspace.data);
  for (int64_t i = 0; i < batch; ++i)
    pprt_sgemm(0, 0, m, n, k, a.data + i * m * k, k, b.data + i * k * n, n, 1,
               one.data + i * m * n, n, workspace.data);
  EXPECT_EQ(std::memcmp(c.data, one.data, c.size * sizeof(float)), 0);
}

TEST(InstructionSet, RefusesWhatTheProcessorHasNot) {
  char message[256];
  EXPECT_NE(chooseInstructionSet(nullptr, message, sizeof message), nullptr);
  EXPECT_NE(chooseInstructionSet("", message, sizeof message), nullptr);
  EXPECT_STREQ(chooseInstructionSet("portable", message, sizeof message)->name,
               "portable");
  EXPECT_EQ(chooseInstructionSet("sse9", message, sizeof message), nullptr);
  EXPECT_EQ(std::string(message).rfind("found PPRT_CPU_ISA=sse9, expected what "
                                       "this processor has: portable",
                                       0),
            0u)
      << message;
  for (const InstructionSet *set : allSets()) {
    if (set->isHere())
      continue;
    EXPECT_EQ(chooseInstructionSet(set->name, message, sizeof message),
              nullptr);
    EXPECT_NE(std::string(message).find(set->name), std::string::npos);
  }
}
