// Products of bf16 by an instruction for pairs of them, on any processor: the
// kernel of AVX512-BF16 with the instruction in software. Where the processor
// has it, the kernel itself.
#define PPRT_ISA emulated
#include "GemmTiles.h"

#include "Gemm.h"
#include "InstructionSet.h"
#include "PairProducts.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace pprt;

namespace {
struct EmulatedPairs {
  using Floats = emulated::Vectors<16>::Floats;
  static Floats step(Floats sum, Floats a, Floats b) {
    auto left = (emulated::Vectors<16>::Words)a;
    auto right = (emulated::Vectors<16>::Words)b;
    for (int i = 0; i < 16; ++i)
      sum[i] = addPairProducts(sum[i], left[i], right[i]);
    return sum;
  }
};
const GemmKernel emulatedPairs =
    emulated::makeGemm<emulated::PairedElements, EmulatedPairs, 16, 8, 48>();

struct Shape {
  int64_t m, n, k;
};

/// A product of integers, small enough for any order of exact sums, or of any
/// numbers.
struct Operands {
  Operands(Shape s, bool integers, std::mt19937 &random)
      : a(s.m * s.k), b(s.k * s.n), c(s.m * s.n) {
    auto number = [&] {
      return integers ? float(int(random() % 15) - 7)
                      : float(int(random() % 2001) - 1000) / 300;
    };
    for (auto *matrix : {&a, &b})
      for (uint16_t &value : *matrix) {
        float f = number();
        uint32_t bits;
        std::memcpy(&bits, &f, sizeof bits);
        value = uint16_t(bits >> 16);
      }
    for (float &value : c)
      value = number();
    // Denormal, alone and as a partner.
    if (!integers)
      a[0] = 0x0012, b[b.size() / 2] = 0x8003;
  }

  std::vector<float> run(const GemmKernel &kernel, Shape s, bool ta, bool tb,
                         bool accumulate) const {
    std::vector<float> result = c;
    std::vector<float> workspace(
        pprt_gemm_bf16_workspace(s.m, s.n, s.k, false) + 16, 7.0f);
    gemmBF16(kernel, ta, tb, s.m, s.n, s.k, a.data(), ta ? s.m : s.k, b.data(),
             tb ? s.k : s.n, accumulate, false, result.data(), s.n,
             workspace.data());
    for (size_t i = workspace.size() - 16; i < workspace.size(); ++i)
      EXPECT_EQ(workspace[i], 7.0f);
    return result;
  }
  std::vector<float> expected(Shape s, bool ta, bool tb,
                              bool accumulate) const {
    std::vector<float> result = c;
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        auto pair = [&](const std::vector<uint16_t> &matrix, int64_t l,
                        int64_t line, int64_t lines, bool isAcross) {
          auto at = [&](int64_t depth) -> uint32_t {
            if (depth >= s.k)
              return 0;
            return matrix[isAcross ? depth * lines + line : line * s.k + depth];
          };
          return at(l) | at(l + 1) << 16;
        };
        float sum = accumulate ? c[i * s.n + j] : 0.0f;
        for (int64_t l = 0; l < s.k; l += 2)
          sum = addPairProducts(sum, pair(a, l, i, s.m, ta),
                                pair(b, l, j, s.n, !tb));
        result[i * s.n + j] = sum;
      }
    return result;
  }

  std::vector<uint16_t> a, b;
  std::vector<float> c;
};
} // namespace

static const Shape shapes[] = {{1, 1, 1},   {1, 1, 2},     {3, 5, 3},
                               {8, 48, 64}, {9, 49, 33},   {17, 100, 65},
                               {5, 70, 31}, {20, 33, 130}, {3, 20, 2051}};

TEST(GemmPairs, AddPairByPair) {
  std::mt19937 random(1);
  for (Shape s : shapes)
    for (int form = 0; form < 8; ++form) {
      Operands operands(s, false, random);
      bool ta = form & 1, tb = form & 2, accumulate = form & 4;
      EXPECT_EQ(operands.run(emulatedPairs, s, ta, tb, accumulate),
                operands.expected(s, ta, tb, accumulate))
          << s.m << "x" << s.n << "x" << s.k << " form " << form;
    }
}

#if defined(__x86_64__)
TEST(GemmPairs, AreThoseOfTheProcessor) {
  char message[256];
  if (!chooseInstructionSet("avx512_bf16", message, sizeof message))
    GTEST_SKIP() << message;
  std::mt19937 random(2);
  for (Shape s : shapes)
    for (int form = 0; form < 8; ++form) {
      Operands operands(s, true, random);
      bool ta = form & 1, tb = form & 2, accumulate = form & 4;
      EXPECT_EQ(operands.run(avx512Pairs, s, ta, tb, accumulate),
                operands.expected(s, ta, tb, accumulate))
          << s.m << "x" << s.n << "x" << s.k << " form " << form;
    }
}

// Bits are those of an element alone, whatever is computed beside it.
TEST(GemmPairs, DoNotDependOnOtherRows) {
  char message[256];
  if (!chooseInstructionSet("avx512_bf16", message, sizeof message))
    GTEST_SKIP() << message;
  std::mt19937 random(3);
  Shape s = {21, 77, 1500};
  Operands whole(s, false, random);
  std::vector<float> c = whole.run(avx512Pairs, s, false, true, false);
  for (int64_t i : {0, 13, 20})
    for (int64_t j : {0, 48, 76}) {
      Operands one({1, 1, s.k}, false, random);
      std::copy_n(whole.a.begin() + i * s.k, s.k, one.a.begin());
      std::copy_n(whole.b.begin() + j * s.k, s.k, one.b.begin());
      EXPECT_EQ(one.run(avx512Pairs, {1, 1, s.k}, false, true, false)[0],
                c[i * s.n + j]);
    }
}
#endif
