// RUN: pp-opt %s --pp-fuse-rows | FileCheck %s

// What ends before a group begins may depend on it where it takes a value of
// another group, which is one loop as well: there the second pair stays apart.

// CHECK-LABEL: func @detour_before
// CHECK: %[[SUM:.*]] = scf.for
// CHECK: %[[M:.*]]:2 = scf.for
// CHECK: linalg.generic {{.*}}%[[SUM]]
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[M]]#0
// CHECK: %[[AGAIN:.*]] = tensor.expand_shape %[[FLAT]]
// CHECK: linalg.generic {{.*}} ins(%arg1, %[[AGAIN]]
// CHECK: return
#rows = affine_map<(i, j) -> (i, j)>
#columns = affine_map<(i, j) -> (j)>
func.func @detour_before(%m: tensor<4x6xf32>, %n: tensor<4x6xf32>, %z: tensor<6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %e = tensor.empty() : tensor<4x6xf32>
  %g1 = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]} ins(%m : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = math.exp %a : f32
    linalg.yield %c : f32
  } -> tensor<4x6xf32>
  %flat = tensor.collapse_shape %g1 [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  %again = tensor.expand_shape %flat [[0, 1]] output_shape [4, 6] : tensor<24xf32> into tensor<4x6xf32>
  %a1 = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]} ins(%n : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = math.sqrt %a : f32
    linalg.yield %c : f32
  } -> tensor<4x6xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #columns], iterator_types = ["reduction", "parallel"]} ins(%a1 : tensor<4x6xf32>) outs(%z : tensor<6xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    linalg.yield %c : f32
  } -> tensor<6xf32>
  %g2 = linalg.generic {indexing_maps = [#rows, #columns, #rows], iterator_types = ["parallel", "parallel"]} ins(%m, %sum : tensor<4x6xf32>, tensor<6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %s: f32, %b: f32):
    %c = arith.addf %a, %s : f32
    linalg.yield %c : f32
  } -> tensor<4x6xf32>
  %a2 = linalg.generic {indexing_maps = [#rows, #rows, #rows], iterator_types = ["parallel", "parallel"]} ins(%n, %again : tensor<4x6xf32>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %s: f32, %b: f32):
    %c = arith.addf %a, %s : f32
    linalg.yield %c : f32
  } -> tensor<4x6xf32>
  return %g2, %a2 : tensor<4x6xf32>, tensor<4x6xf32>
}
