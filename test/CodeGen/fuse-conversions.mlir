// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-fuse-elementwise))' | FileCheck %s --check-prefixes=ALL,PLAIN
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-fuse-elementwise{conversions=true}))' | FileCheck %s --check-prefixes=ALL,WIDE

#vector = affine_map<(i) -> (i)>
#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>

// A scale in bf16 is converted where it is read, row after row.
// ALL-LABEL: func.func @scale
// PLAIN-COUNT-2: linalg.generic
// WIDE: linalg.generic {{.*}} ins(%arg0, %arg1 : tensor<8x4xf32>, tensor<4xbf16>)
// WIDE: arith.extf
// WIDE-NOT: linalg.generic
// ALL: return
func.func @scale(%x: tensor<8x4xf32>, %g: tensor<4xbf16>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %w = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]}
      ins(%g : tensor<4xbf16>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: bf16, %o: f32):
    %t = arith.extf %v : bf16 to f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %f = tensor.empty() : tensor<8x4xf32>
  %y = linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<8x4xf32>, tensor<4xf32>) outs(%f : tensor<8x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.mulf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// What computes is not repeated.
// ALL-LABEL: func.func @computed
// ALL-COUNT-2: linalg.generic
func.func @computed(%x: tensor<8x4xf32>, %g: tensor<4xbf16>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %w = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]}
      ins(%g : tensor<4xbf16>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: bf16, %o: f32):
    %t = arith.extf %v : bf16 to f32
    %s = math.exp %t : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %f = tensor.empty() : tensor<8x4xf32>
  %y = linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<8x4xf32>, tensor<4xf32>) outs(%f : tensor<8x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.mulf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
