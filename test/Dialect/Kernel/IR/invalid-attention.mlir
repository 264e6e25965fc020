// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @infinite(%q: tensor<8x8xf32>, %lse: tensor<1x2x8xf32>, %ws: tensor<9999999xf32>) {
  // expected-error @below {{found scale = INF, expected a number that is finite in f32, in which the kernel computes}}
  %0:3 = kernel.attention %q, %q, %q into %q, %lse, %ws {batch = 1 : i64, heads = 2 : i64, kv_heads = 2 : i64, scale = 0x7FF0000000000000 : f64} : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<1x2x8xf32>, tensor<9999999xf32>) -> (tensor<8x8xf32>, tensor<1x2x8xf32>, tensor<9999999xf32>)
  return
}

// -----

// f64 has the number, the kernel has not.
func.func @large(%q: tensor<8x8xf32>, %lse: tensor<1x2x8xf32>, %ws: tensor<9999999xf32>) {
  // expected-error @below {{found scale = 1.000000e+39, expected a number that is finite in f32}}
  %0:4 = kernel.attention_grad %q, %q, %q, %q, %lse, %q into %q, %q, %q, %ws {batch = 1 : i64, heads = 2 : i64, kv_heads = 2 : i64, scale = 1.0e39 : f64} : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<1x2x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<9999999xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<9999999xf32>)
  return
}

// -----

// No scores, and so the mean of the values, is a scale as well.
func.func @zero(%q: tensor<8x8xf32>, %lse: tensor<1x2x8xf32>, %ws: tensor<9999999xf32>) {
  %0:3 = kernel.attention %q, %q, %q into %q, %lse, %ws {batch = 1 : i64, heads = 2 : i64, kv_heads = 2 : i64, scale = 0.0 : f64} : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<1x2x8xf32>, tensor<9999999xf32>) -> (tensor<8x8xf32>, tensor<1x2x8xf32>, tensor<9999999xf32>)
  return
}

// -----

func.func @none(%q: memref<16x16xbf16>, %lse: memref<2x0x8xf32>, %w: memref<200000xf32>) {
  // expected-error @below {{found 0 heads and 2 key heads, expected the second to divide the first}}
  kernel.attention %q, %q, %q into %q, %lse, %w {batch = 2 : i64, heads = 0 : i64, kv_heads = 2 : i64, scale = 0.5 : f64} : (memref<16x16xbf16>, memref<16x16xbf16>, memref<16x16xbf16>, memref<16x16xbf16>, memref<2x0x8xf32>, memref<200000xf32>) -> ()
  return
}

// -----

func.func @documents(%q: memref<16x16xf32>, %lse: memref<2x2x8xf32>, %w: memref<9999999xf32>, %d: memref<8xi32>) {
  // expected-error @below {{found documents of type 'memref<8xi32>' for 16 queries and 16 keys, expected as many queries as keys and a number for each}}
  kernel.attention %q, %q, %q into %q, %lse, %w documents(%d) {batch = 2 : i64, heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64} : (memref<16x16xf32>, memref<16x16xf32>, memref<16x16xf32>, memref<16x16xf32>, memref<2x2x8xf32>, memref<9999999xf32>, memref<8xi32>) -> ()
  return
}

// -----

func.func @fewer(%q: memref<8x16xf32>, %k: memref<16x16xf32>, %lse: memref<2x2x4xf32>, %w: memref<9999999xf32>, %d: memref<16xi32>) {
  // expected-error @below {{found documents of type 'memref<16xi32>' for 8 queries and 16 keys, expected as many queries as keys and a number for each}}
  kernel.attention_grad %q, %k, %k, %q, %lse, %q into %q, %k, %k, %w documents(%d) {batch = 2 : i64, heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64} : (memref<8x16xf32>, memref<16x16xf32>, memref<16x16xf32>, memref<8x16xf32>, memref<2x2x4xf32>, memref<8x16xf32>, memref<8x16xf32>, memref<16x16xf32>, memref<16x16xf32>, memref<9999999xf32>, memref<16xi32>) -> ()
  return
}
