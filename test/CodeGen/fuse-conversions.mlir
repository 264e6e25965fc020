// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-fuse-elementwise))' | FileCheck %s --check-prefixes=ALL,PLAIN
// RUN: pp-opt %s --pass-pipeline='builtin.module(func.func(pp-fuse-elementwise{conversions=true}))' | FileCheck %s --check-prefixes=ALL,WIDE

#vector = affine_map<(i) -> (i)>
#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
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

// A matrix in bf16 stays one, however often it is read.
// ALL-LABEL: func.func @rows
// PLAIN-COUNT-3: linalg.generic
// WIDE: linalg.generic {{.*}} ins(%arg0 : tensor<8x4xbf16>)
// WIDE: linalg.generic {{.*}} ins(%arg0, {{.*}} : tensor<8x4xbf16>, tensor<8xf32>)
// WIDE-NOT: linalg.generic
// ALL: return
func.func @rows(%x: tensor<8x4xbf16>, %s: tensor<8xf32>) -> (tensor<8xf32>, tensor<8x4xf32>) {
  %e = tensor.empty() : tensor<8x4xf32>
  %w = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x4xbf16>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%v: bf16, %o: f32):
    %t = arith.extf %v : bf16 to f32
    linalg.yield %t : f32
  } -> tensor<8x4xf32>
  %m = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%w : tensor<8x4xf32>) outs(%s : tensor<8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.addf %o, %v : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%w, %m : tensor<8x4xf32>, tensor<8xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %t = arith.mulf %u, %v : f32
    linalg.yield %t : f32
  } -> tensor<8x4xf32>
  return %m, %y : tensor<8xf32>, tensor<8x4xf32>
}
