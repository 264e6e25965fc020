//===- GPUCostTest.cpp ----------------------------------------------------===//

#include "pprt_gpu_cost.h"

#include "gtest/gtest.h"

#include <cstring>
#include <limits>

namespace {
pprt_gpu_gemm product(int32_t epilogue, int32_t add) {
  pprt_gpu_gemm shape = {};
  shape.m = 3;
  shape.n = 16;
  shape.k = 5;
  shape.batch = 1;
  shape.type_a = shape.type_b = PPRT_GPU_BF16;
  shape.type_c = PPRT_GPU_F32;
  shape.epilogue = epilogue;
  shape.add = add;
  return shape;
}

std::string nameOf(const pprt_gpu_gemm &shape) {
  char name[PPRT_GPU_NAME_BYTES];
  pprt_gpu_gemm_name(&shape, name);
  return name;
}

/// a and b in bf16.
constexpr int64_t kInputs = 2 * (3 * 5 + 5 * 16);
constexpr int64_t kOutput = 4 * 3 * 16;
} // namespace

TEST(GPUCost, Product) {
  pprt_gpu_gemm shape = product(PPRT_GPU_EPILOGUE_NONE, PPRT_GPU_ADD_NOTHING);
  EXPECT_EQ(nameOf(shape), "product 3x16x5 bf16 to f32");
  EXPECT_EQ(pprt_gpu_gemm_bytes(&shape), kInputs + kOutput);
  EXPECT_EQ(pprt_gpu_gemm_operations(&shape), 2 * 3 * 16 * 5);
  shape.batch = 7;
  shape.epilogue = PPRT_GPU_EPILOGUE_BIAS;
  EXPECT_EQ(nameOf(shape), "product 3x16x5 bf16 to f32, batch 7, epilogue 1");
  EXPECT_EQ(pprt_gpu_gemm_bytes(&shape), 7 * (kInputs + kOutput));
  EXPECT_EQ(pprt_gpu_gemm_operations(&shape), 7 * 2 * 3 * 16 * 5);
}

TEST(GPUCost, MatricesBesideAProduct) {
  auto bytes = [](int32_t epilogue, int32_t add) {
    pprt_gpu_gemm shape = product(epilogue, add);
    return pprt_gpu_gemm_bytes(&shape);
  };
  // What is added to is read and written, as is what lies at `aux`.
  EXPECT_EQ(bytes(PPRT_GPU_EPILOGUE_NONE, PPRT_GPU_ADD_C),
            kInputs + 2 * kOutput);
  EXPECT_EQ(bytes(PPRT_GPU_EPILOGUE_BIAS, PPRT_GPU_ADD_AUX),
            kInputs + 2 * kOutput);
  for (int32_t epilogue :
       {PPRT_GPU_EPILOGUE_GELU_AUX, PPRT_GPU_EPILOGUE_GELU_AUX_BIAS,
        PPRT_GPU_EPILOGUE_DGELU}) {
    EXPECT_EQ(bytes(epilogue, PPRT_GPU_ADD_NOTHING), kInputs + 2 * kOutput);
    EXPECT_EQ(bytes(epilogue, PPRT_GPU_ADD_C), kInputs + 3 * kOutput);
  }
  for (int32_t epilogue : {PPRT_GPU_EPILOGUE_BIAS, PPRT_GPU_EPILOGUE_BGRAD_A,
                           PPRT_GPU_EPILOGUE_BGRAD_B})
    EXPECT_EQ(bytes(epilogue, PPRT_GPU_ADD_NOTHING), kInputs + kOutput);
}

TEST(GPUCost, Attention) {
  pprt_gpu_attention shape = {};
  shape.batch = 2;
  shape.heads = 6;
  shape.kv_heads = 3;
  shape.t = 10;
  shape.s = 20;
  shape.d = 8;
  shape.type = PPRT_GPU_BF16;
  char name[PPRT_GPU_NAME_BYTES];
  pprt_gpu_attention_name(&shape, /*is_adjoint=*/0, name);
  EXPECT_STREQ(name, "attention 2x6x10x8 bf16");
  pprt_gpu_attention_name(&shape, /*is_adjoint=*/1, name);
  EXPECT_STREQ(name, "attention backward 2x6x10x8 bf16");
  const int64_t queries = 2 * (2 * 10 * 6 * 8), keys = 2 * (2 * 20 * 3 * 8);
  EXPECT_EQ(pprt_gpu_attention_bytes(&shape, 0), 2 * (queries + keys));
  EXPECT_EQ(pprt_gpu_attention_bytes(&shape, 1), 4 * (queries + keys));
  const double product = 2.0 * 2 * 6 * 10 * 20 * 8;
  EXPECT_EQ(pprt_gpu_attention_operations(&shape, 0), 2 * product);
  EXPECT_EQ(pprt_gpu_attention_operations(&shape, 1), 5 * product);
  shape.causal = 1;
  EXPECT_EQ(pprt_gpu_attention_operations(&shape, 0), product);
}

TEST(GPUCost, NamesOfAnyShapeFit) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  pprt_gpu_gemm shape = product(std::numeric_limits<int32_t>::max(), 0);
  shape.m = shape.n = shape.k = shape.batch = most;
  const std::string name = nameOf(shape), last = "epilogue 2147483647";
  EXPECT_EQ(name.substr(name.size() - last.size()), last);
  pprt_gpu_attention attention = {};
  attention.batch = attention.heads = attention.t = attention.d = most;
  char text[PPRT_GPU_NAME_BYTES];
  pprt_gpu_attention_name(&attention, 1, text);
  EXPECT_STREQ(text + std::strlen(text) - 4, " f32");
}
