// RUN: pp-opt %s --pp-fuse-sums -split-input-file | FileCheck %s

#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// Scale and shift of a norm: the cotangent is read once.
// CHECK-LABEL: func.func @norm
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<8x4xf32>, %[[DY:[a-z0-9]+]]: tensor<8x4xf32>, %[[DG:[a-z0-9]+]]: tensor<4xf32>, %[[DB:[a-z0-9]+]]: tensor<4xf32>
// CHECK: %[[S:.*]]:2 = linalg.generic {indexing_maps = [#[[ALL:.*]], #[[ALL]], #[[COLUMN:.*]], #[[COLUMN]]], iterator_types = ["reduction", "parallel"]} ins(%[[X]], %[[DY]] : {{.*}}) outs(%[[DG]], %[[DB]] :
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[G:.*]]: f32, %[[H:.*]]: f32):
// CHECK: %[[P:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK: %[[Q:.*]] = arith.addf %[[G]], %[[P]]
// CHECK: %[[R:.*]] = arith.addf %[[H]], %[[B]]
// CHECK: linalg.yield %[[Q]], %[[R]]
// CHECK-NOT: linalg.generic
// CHECK: return %[[S]]#0, %[[S]]#1
func.func @norm(%x: tensor<8x4xf32>, %dy: tensor<8x4xf32>, %dg: tensor<4xf32>, %db: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x, %dy : tensor<8x4xf32>, tensor<8x4xf32>) outs(%dg : tensor<4xf32>) {
  ^bb0(%u: f32, %v: f32, %s: f32):
    %p = arith.mulf %u, %v : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<8x4xf32>) outs(%db : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>

// The second starts from what is made between: the first can wait.
// CHECK-LABEL: func.func @later
// CHECK: linalg.fill
// CHECK: linalg.generic {{.*}} outs(%arg1, %{{.*}} : tensor<4xf32>, tensor<4xf32>)
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @later(%dy: tensor<8x4xf32>, %i: tensor<4xf32>, %zero: f32) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<8x4xf32>) outs(%i : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<8x4xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

#all = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>

// One needs the other; others read nothing in common, or other loops.
// CHECK-LABEL: func.func @apart
// CHECK-COUNT-4: linalg.generic
func.func @apart(%x: tensor<8x4xf32>, %y: tensor<8x4xf32>, %i: tensor<4xf32>, %r: tensor<8xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<8x4xf32>) outs(%i : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<8x4xf32>) outs(%a : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %c = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%y : tensor<8x4xf32>) outs(%i : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %d = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<8x4xf32>) outs(%r : tensor<8xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<8xf32>
  return %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<8xf32>
}

// -----

#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>

// The body of the second reads what is made between.
// CHECK-LABEL: func.func @captured
// CHECK: %[[F:.*]] = math.exp
// CHECK: linalg.generic
// CHECK: arith.mulf %{{.*}}, %[[F]]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @captured(%dy: tensor<8x4xf32>, %i: tensor<4xf32>, %j: tensor<4xf32>, %x: f32) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<8x4xf32>) outs(%i : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %t = arith.addf %s, %v : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %f = math.exp %x : f32
  %b = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]}
      ins(%dy : tensor<8x4xf32>) outs(%j : tensor<4xf32>) {
  ^bb0(%v: f32, %s: f32):
    %p = arith.mulf %v, %f : f32
    %t = arith.addf %s, %p : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
