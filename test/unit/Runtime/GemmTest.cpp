// Matrix products against a loop in f64, and the memory that they take.
#include "Allocations.h"
#include "pprt_kernels.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace pprt;

namespace {
/// A product of random matrices whose workspace is exactly as large as
/// promised.
struct Product {
  Product(int64_t m, int64_t n, int64_t k)
      : m(m), n(n), k(k), a(m * k), b(k * n), c(m * n),
        workspace(pprt_gemm_workspace(m, n, k) + guard, 7.0f) {
    std::mt19937 random(m * 31 + n * 7 + k);
    std::uniform_real_distribution<float> values(-1, 1);
    for (std::vector<float> *matrix : {&a, &b, &c})
      for (float &value : *matrix)
        value = values(random);
  }

  void run(bool transposeA, bool transposeB, float beta) {
    pprt_sgemm(transposeA, transposeB, m, n, k, a.data(), transposeA ? m : k,
               b.data(), transposeB ? k : n, beta, c.data(), n,
               workspace.data());
  }
  double expected(bool transposeA, bool transposeB, int64_t i,
                  int64_t j) const {
    double sum = 0;
    for (int64_t l = 0; l < k; ++l)
      sum += double(a[transposeA ? l * m + i : i * k + l]) *
             b[transposeB ? j * k + l : l * n + j];
    return sum;
  }
  bool guardHolds() const {
    return std::all_of(workspace.end() - guard, workspace.end(),
                       [](float value) { return value == 7.0f; });
  }

  static constexpr int64_t guard = 16;
  int64_t m, n, k;
  std::vector<float> a, b, c, workspace;
};
} // namespace

TEST(Gemm, MatchesALoop) {
  for (auto [m, n, k] : {std::tuple(1, 1, 1),
                         {1, 40, 7},
                         {51, 20, 17},
                         {64, 256, 64},
                         {130, 67, 401}})
    for (int form = 0; form < 8; ++form) {
      Product product(m, n, k);
      std::vector<float> before = product.c;
      product.run(form & 1, form & 2, form & 4 ? 1.0f : 0.0f);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j)
          ASSERT_NEAR(product.c[i * n + j],
                      product.expected(form & 1, form & 2, i, j) +
                          (form & 4 ? before[i * n + j] : 0.0f),
                      1e-6 * (k + 10))
              << m << "x" << n << "x" << k << " form " << form;
    }
}

TEST(Gemm, FitsItsWorkspace) {
  if (!canCountAllocations())
    GTEST_SKIP() << "sanitizers bring their own malloc";
  for (auto [m, n, k] : {std::tuple(1, 1, 1),
                         {3, 5, 7},
                         {1, 768, 768},
                         {512, 1, 768},
                         {48, 47, 49},
                         {64, 64, 64},
                         {64, 256, 64},
                         {256, 64, 64},
                         {512, 768, 768},
                         {768, 2304, 193},
                         {385, 2304, 385},
                         {33, 10001, 191},
                         {20, 50304, 64},
                         {2000, 40, 1000},
                         {10100, 30, 30},
                         {400, 12000, 400}})
    for (int form = 0; form < 4; ++form) {
      Product product(m, n, k);
      product.run(form & 1, form & 2, 1); // makes what oneDNN keeps
      AllocationCounts before = allocationCounts();
      countAllocations(true);
      product.run(form & 1, form & 2, 1);
      countAllocations(false);
      AllocationCounts after = allocationCounts();
      EXPECT_EQ(after.libraries, before.libraries)
          << m << "x" << n << "x" << k << " form " << form;
      EXPECT_EQ(after.program, before.program);
      EXPECT_TRUE(product.guardHolds());
    }
}
