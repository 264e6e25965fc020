// Kernels of bf16 against a loop in f64 and against those of floats, with
// exactly the workspace that they ask for.
#include "Gemm.h"
#include "InstructionSet.h"
#include "RoundToBF16.h"
#include "pprt_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace pprt;

static float toFloat(uint16_t value) {
  uint32_t bits = uint32_t(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

static uint16_t toBF16(float value) {
  uint16_t result;
  roundToBF16(&value, &result, 1);
  return result;
}

static std::vector<float> toFloats(const std::vector<uint16_t> &values) {
  std::vector<float> result;
  for (uint16_t value : values)
    result.push_back(toFloat(value));
  return result;
}

static std::vector<uint16_t> randomMatrix(size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-1, 1);
  std::vector<uint16_t> result(n);
  for (uint16_t &value : result)
    value = toBF16(values(random));
  return result;
}

/// A workspace of the size that was promised, and whether more was written.
struct Workspace {
  explicit Workspace(int64_t size) : data(size + 16, 7.0f) {}
  bool guardHolds() const {
    return std::all_of(data.end() - 16, data.end(),
                       [](float value) { return value == 7.0f; });
  }
  std::vector<float> data;
};

TEST(BFloat16, RoundsToNearestEven) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(toBF16(1.0f), 0x3f80);
  EXPECT_EQ(toBF16(1.0f + 0x1p-8f), 0x3f80); // a tie, to even
  EXPECT_EQ(toBF16(1.0f + 0x3p-8f), 0x3f82); // a tie, to even
  EXPECT_EQ(toBF16(1.0f + 0x1p-8f + 0x1p-20f), 0x3f81);
  EXPECT_EQ(toBF16(-1.0f - 0x3p-8f), 0xbf82);
  EXPECT_EQ(toBF16(0x1p-133f), 0x0001); // the smallest one
  EXPECT_EQ(toBF16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(toBF16(-infinity), 0xff80);
  EXPECT_TRUE(std::isnan(toFloat(toBF16(nan))));
  uint32_t bits = 0x7f800001; // a NaN whose upper half is infinity
  float hidden;
  std::memcpy(&hidden, &bits, sizeof hidden);
  EXPECT_TRUE(std::isnan(toFloat(toBF16(hidden))));
  // The same element by element in the loops for vectors.
  std::vector<float> many = toFloats(randomMatrix(1000, 3));
  for (float &value : many)
    value *= 1.01f;
  std::vector<uint16_t> rounded(many.size());
  roundToBF16(many.data(), rounded.data(), many.size());
  for (size_t i = 0; i < many.size(); ++i)
    EXPECT_EQ(rounded[i], toBF16(many[i]));
}

TEST(BFloat16, ProductsMatchALoop) {
  for (auto [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>(1, 1, 1),
                         {1, 40, 7},
                         {51, 20, 17},
                         {257, 513, 33},
                         {130, 67, 1601}})
    for (int form = 0; form < 16; ++form) {
      bool ta = form & 1, tb = form & 2, accumulate = form & 4,
           narrow = form & 8;
      std::vector<uint16_t> a = randomMatrix(m * k, 1),
                            b = randomMatrix(k * n, 2),
                            c = randomMatrix(m * n, 4);
      std::vector<float> wide = toFloats(c), before = wide;
      Workspace workspace(pprt_gemm_bf16_workspace(m, n, k, narrow));
      void *out = narrow ? static_cast<void *>(c.data()) : wide.data();
      pprt_gemm_bf16(ta, tb, m, n, k, a.data(), ta ? m : k, b.data(),
                     tb ? k : n, accumulate, narrow, out, n,
                     workspace.data.data());
      EXPECT_TRUE(workspace.guardHolds());
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double sum = accumulate ? before[i * n + j] : 0;
          for (int64_t l = 0; l < k; ++l)
            sum += double(toFloat(a[ta ? l * m + i : i * k + l])) *
                   toFloat(b[tb ? j * k + l : l * n + j]);
          float found = narrow ? toFloat(c[i * n + j]) : wide[i * n + j];
          double bound = 1e-6 * (k + 10);
          if (narrow)
            bound += std::abs(sum) * 0x1.01p-8;
          ASSERT_NEAR(found, sum, bound)
              << m << "x" << n << "x" << k << " form " << form;
        }
    }
}

TEST(BFloat16, BatchesOfProducts) {
  int64_t m = 5, n = 6, k = 7, batch = 3;
  std::vector<uint16_t> a = randomMatrix(batch * m * k, 1),
                        b = randomMatrix(batch * k * n, 2);
  for (bool narrow : {false, true}) {
    std::vector<float> wide(batch * m * n), expected(m * n);
    std::vector<uint16_t> c(batch * m * n), one(m * n);
    Workspace workspace(pprt_gemm_bf16_workspace(m, n, k, narrow));
    pprt_gemm_bf16_batched(0, 0, m, n, k, a.data(), k, b.data(), n, 0, narrow,
                           narrow ? static_cast<void *>(c.data()) : wide.data(),
                           n, batch, m * k, k * n, m * n,
                           workspace.data.data());
    for (int64_t i = 0; i < batch; ++i) {
      pprt_gemm_bf16(0, 0, m, n, k, a.data() + i * m * k, k,
                     b.data() + i * k * n, n, 0, narrow,
                     narrow ? static_cast<void *>(one.data()) : expected.data(),
                     n, workspace.data.data());
      for (int64_t j = 0; j < m * n; ++j) {
        EXPECT_EQ(c[i * m * n + j], narrow ? one[j] : 0);
        EXPECT_EQ(wide[i * m * n + j], narrow ? 0 : expected[j]);
      }
    }
  }
}

// Without an instruction for bf16 a product is that of the same numbers as
// floats, rounded once.
TEST(BFloat16, ProductsAreThoseOfFloats) {
  const InstructionSet *sets;
  int32_t count = instructionSets(sets);
  for (int32_t i = 0; i < count; ++i) {
    if (!sets[i].isHere() || sets[i].bf16->stepDepth != 1)
      continue;
    for (auto [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>(1, 1, 1),
                           {3, 5, 7},
                           {30, 900, 20},
                           {1015, 20, 40},
                           {40, 50, 1100}})
      for (int form = 0; form < 8; ++form) {
        bool ta = form & 1, tb = form & 2, accumulate = form & 4;
        std::vector<uint16_t> a = randomMatrix(m * k, 1),
                              b = randomMatrix(k * n, 2),
                              c = randomMatrix(m * n, 3);
        std::vector<float> a32 = toFloats(a), b32 = toFloats(b),
                           c32 = toFloats(c);
        Workspace workspace(pprt_gemm_bf16_workspace(m, n, k, true));
        gemmBF16(*sets[i].bf16, ta, tb, m, n, k, a.data(), ta ? m : k, b.data(),
                 tb ? k : n, accumulate, true, c.data(), n,
                 workspace.data.data());
        EXPECT_TRUE(workspace.guardHolds());
        std::vector<float> scratch(pprt_gemm_workspace(m, n, k));
        multiply(portableFloats, {a32.data(), ta ? m : k, ta},
                 {b32.data(), tb ? k : n, !tb}, m, n, k, 1, accumulate,
                 c32.data(), n, scratch.data());
        for (int64_t j = 0; j < m * n; ++j)
          ASSERT_EQ(c[j], toBF16(c32[j])) << sets[i].name << " form " << form;
      }
  }
}

TEST(BFloat16, AttentionIsThatOfFloats) {
  // Heads that share keys, a block of rows that is not full, a causal mask, and
  // documents where there are as many keys as queries.
  for (int kind = 0; kind < 4; ++kind) {
    const int64_t length = kind < 2 ? 90 : 70;
    pprt_attention_shape shape = {2, 4, 2, 70, length, 8, 0.35f, kind % 2};
    int64_t rows = shape.batch * shape.t, keyRows = shape.batch * shape.s;
    int64_t columns = shape.heads * shape.d, keys = shape.kv_heads * shape.d;
    auto q = randomMatrix(rows * columns, 1),
         k = randomMatrix(keyRows * keys, 2),
         v = randomMatrix(keyRows * keys, 3),
         dout = randomMatrix(rows * columns, 4);
    std::vector<uint16_t> out(q.size()), dq(q.size()), dk(k.size()),
        dv(k.size());
    std::vector<float> lse(shape.batch * shape.heads * shape.t), lse32(lse),
        out32(q.size()), dq32(q.size()), dk32(k.size()), dv32(k.size());
    // Documents of 37 positions, every tenth of which is of the first.
    std::vector<int32_t> ids(size_t(shape.batch * shape.s));
    for (size_t i = 0; i < ids.size(); ++i)
      ids[i] = i % 10 == 9 ? 0 : int32_t(i % size_t(shape.s) / 37);
    const int32_t *documents = shape.t == shape.s ? ids.data() : nullptr;
    std::vector<float> q32 = toFloats(q), k32 = toFloats(k), v32 = toFloats(v);
    {
      Workspace workspace(
          pprt_attention_bf16_workspace(0, shape.t, shape.s, shape.d));
      pprt_attention_forward_bf16(&shape, q.data(), columns, k.data(), keys,
                                  v.data(), keys, out.data(), columns,
                                  lse.data(), workspace.data.data(), documents);
      EXPECT_TRUE(workspace.guardHolds());
      std::vector<float> scratch(pprt_attention_workspace(0, shape.d));
      pprt_attention_forward_f32(&shape, q32.data(), columns, k32.data(), keys,
                                 v32.data(), keys, out32.data(), columns,
                                 lse32.data(), scratch.data(), documents);
    }
    EXPECT_EQ(lse, lse32);
    for (size_t i = 0; i < out.size(); ++i)
      ASSERT_EQ(out[i], toBF16(out32[i]));
    Workspace workspace(
        pprt_attention_bf16_workspace(1, shape.t, shape.s, shape.d));
    pprt_attention_backward_bf16(
        &shape, q.data(), columns, k.data(), keys, v.data(), keys, out.data(),
        columns, lse.data(), dout.data(), columns, dq.data(), columns,
        dk.data(), keys, dv.data(), keys, workspace.data.data(), documents);
    EXPECT_TRUE(workspace.guardHolds());
    std::vector<float> scratch(pprt_attention_workspace(1, shape.d));
    std::vector<float> rounded = toFloats(out), dout32 = toFloats(dout);
    pprt_attention_backward_f32(&shape, q32.data(), columns, k32.data(), keys,
                                v32.data(), keys, rounded.data(), columns,
                                lse32.data(), dout32.data(), columns,
                                dq32.data(), columns, dk32.data(), keys,
                                dv32.data(), keys, scratch.data(), documents);
    for (size_t i = 0; i < dq.size(); ++i)
      ASSERT_EQ(dq[i], toBF16(dq32[i]));
    // Sums over heads associate in another way.
    for (size_t i = 0; i < dk.size(); ++i) {
      ASSERT_NEAR(toFloat(dk[i]), dk32[i], std::abs(dk32[i]) * 0x1p-8 + 1e-6);
      ASSERT_NEAR(toFloat(dv[i]), dv32[i], std::abs(dv32[i]) * 0x1p-8 + 1e-6);
    }
  }
}
