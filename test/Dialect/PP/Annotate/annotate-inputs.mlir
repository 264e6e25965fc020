// RUN: pp-opt %s -split-input-file -pp-annotate-inputs | FileCheck %s

// Through a call and a reshape to an embedding of 50 rows, and to one of 40.
// CHECK: pp.input @tokens : tensor<2x4xi32> {pp.bound = 40 : i64}
pp.input @tokens : tensor<2x4xi32>
// Ten classes.
// CHECK: pp.input @targets : tensor<2x4xi32> {pp.bound = 10 : i64}
pp.input @targets : tensor<2x4xi32>
// Nothing indexes with these.
// CHECK: pp.input @mask : tensor<2x4xi32>
// CHECK-NOT: pp.bound
// CHECK: func.func
pp.input @mask : tensor<2x4xi32>

func.func private @embed(%t: tensor<2x4xi32>, %a: tensor<50x3xf32>, %b: tensor<40x3xf32>, %m: tensor<2x4xi32>) -> (tensor<8x3xf32>, tensor<2x4x3xf32>) {
  %flat = nn.reshape %t : (tensor<2x4xi32>) -> tensor<8xi32>
  %x = nn.embedding %flat, %a : (tensor<8xi32>, tensor<50x3xf32>) -> tensor<8x3xf32>
  %y = nn.embedding %t, %b : (tensor<2x4xi32>, tensor<40x3xf32>) -> tensor<2x4x3xf32>
  return %x, %y : tensor<8x3xf32>, tensor<2x4x3xf32>
}
func.func private @stage0.forward(%t: tensor<2x4xi32> {pp.data = "tokens"}, %m: tensor<2x4xi32> {pp.data = "mask"},
    %a: tensor<50x3xf32> {pp.param = "a"}, %b: tensor<40x3xf32> {pp.param = "b"})
    -> (tensor<8x3xf32> {pp.value = "x"}, tensor<2x4x3xf32> {pp.value = "y"}) {
  %x, %y = func.call @embed(%t, %a, %b, %m) : (tensor<2x4xi32>, tensor<50x3xf32>, tensor<40x3xf32>, tensor<2x4xi32>) -> (tensor<8x3xf32>, tensor<2x4x3xf32>)
  return %x, %y : tensor<8x3xf32>, tensor<2x4x3xf32>
}
func.func private @loss(%l: tensor<2x4x10xf32>, %t: tensor<2x4xi32>) -> tensor<f32> {
  %x, %lse = nn.cross_entropy %l, %t : (tensor<2x4x10xf32>, tensor<2x4xi32>) -> (tensor<f32>, tensor<2x4xf32>)
  return %x : tensor<f32>
}
func.func private @stage1.forward(%l: tensor<2x4x10xf32> {pp.value = "logits"}, %t: tensor<2x4xi32> {pp.data = "targets"})
    -> (tensor<f32> {pp.value = "loss", pp.loss}) {
  %x = func.call @loss(%l, %t) : (tensor<2x4x10xf32>, tensor<2x4xi32>) -> tensor<f32>
  return %x : tensor<f32>
}

// -----

// Ten is no class, but the loss ignores it.
// CHECK: pp.input @targets : tensor<4xi32> {pp.bound = 10 : i64, pp.ignored = 10 : i64}
pp.input @targets : tensor<4xi32>
func.func private @stage0.forward(%l: tensor<4x10xf32> {pp.value = "logits"}, %t: tensor<4xi32> {pp.data = "targets"})
    -> (tensor<f32> {pp.value = "loss", pp.loss}) {
  %x, %lse = nn.cross_entropy %l, %t {ignore_index = 10 : i64} : (tensor<4x10xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  return %x : tensor<f32>
}

// -----

// An embedding does not.
// CHECK: pp.input @targets : tensor<4xi32> {pp.bound = 10 : i64}
pp.input @targets : tensor<4xi32>
func.func private @stage0.forward(%l: tensor<4x10xf32> {pp.value = "logits"}, %t: tensor<4xi32> {pp.data = "targets"}, %w: tensor<12x3xf32> {pp.param = "w"})
    -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<4x3xf32> {pp.value = "y"}) {
  %x, %lse = nn.cross_entropy %l, %t {ignore_index = 10 : i64} : (tensor<4x10xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  %y = nn.embedding %t, %w : (tensor<4xi32>, tensor<12x3xf32>) -> tensor<4x3xf32>
  return %x, %y : tensor<f32>, tensor<4x3xf32>
}

// -----

// What is data as it is, by ways that only move it, through calls and their
// results, is checked with the data; the adjoint reads the same. The smaller bound
// counts for both.
// CHECK: pp.input @tokens : tensor<2x4xi32> {pp.bound = 7 : i64}
// CHECK-LABEL: func.func private @piece
// CHECK-LABEL: func.func private @moved
// CHECK: nn.embedding %{{.*}} {nn.ids_in_range}
// CHECK: nn.embedding_grad %{{.*}} {nn.ids_in_range}
pp.input @tokens : tensor<2x4xi32>
func.func private @piece(%t: tensor<2x4xi32>) -> tensor<2x3xi32> {
  %s = nn.slice %t offsets = [0, 1] sizes = [2, 3] : (tensor<2x4xi32>) -> tensor<2x3xi32>
  return %s : tensor<2x3xi32>
}
func.func private @moved(%s: tensor<2x3xi32>, %t: tensor<2x4xi32>, %w: tensor<9x5xf32>, %d: tensor<7x3x5xf32>) -> (tensor<7x3x5xf32>, tensor<7x5xf32>) {
  %u = nn.transpose %t permutation = [1, 0] : (tensor<2x4xi32>) -> tensor<4x2xi32>
  %a, %b = nn.split %u sizes = [1, 1] {axis = 1 : i64} : (tensor<4x2xi32>) -> (tensor<4x1xi32>, tensor<4x1xi32>)
  %c = nn.broadcast %b : (tensor<4x1xi32>) -> tensor<4x3xi32>
  %p = nn.concatenate %s, %c {axis = 0 : i64} : (tensor<2x3xi32>, tensor<4x3xi32>) -> tensor<6x3xi32>
  %q = nn.slice %p offsets = [0, 0] sizes = [1, 3] : (tensor<6x3xi32>) -> tensor<1x3xi32>
  %r = nn.concatenate %p, %q {axis = 0 : i64} : (tensor<6x3xi32>, tensor<1x3xi32>) -> tensor<7x3xi32>
  %y = nn.embedding %r, %w : (tensor<7x3xi32>, tensor<9x5xf32>) -> tensor<7x3x5xf32>
  %g = nn.embedding_grad %r, %d : (tensor<7x3xi32>, tensor<7x3x5xf32>) -> tensor<7x5xf32>
  return %y, %g : tensor<7x3x5xf32>, tensor<7x5xf32>
}
func.func private @stage0.forward(%t: tensor<2x4xi32> {pp.data = "tokens"}, %w: tensor<9x5xf32> {pp.param = "w"}, %d: tensor<7x3x5xf32> {pp.value = "d"})
    -> (tensor<7x3x5xf32> {pp.value = "y"}, tensor<7x5xf32> {pp.value = "g"}) {
  %s = func.call @piece(%t) : (tensor<2x4xi32>) -> tensor<2x3xi32>
  %y, %g = func.call @moved(%s, %t, %w, %d) : (tensor<2x3xi32>, tensor<2x4xi32>, tensor<9x5xf32>, tensor<7x3x5xf32>) -> (tensor<7x3x5xf32>, tensor<7x5xf32>)
  return %y, %g : tensor<7x3x5xf32>, tensor<7x5xf32>
}

// -----

// What is not: computed ids, data joined with them, a layer that gets data in one
// call and something else in another, values of other stages, and an op that a user
// has marked. They limit nothing, and check their ids.
// CHECK: pp.input @tokens : tensor<4xi32>
// CHECK-NOT: pp.bound
// CHECK-NOT: nn.ids_in_range
pp.input @tokens : tensor<4xi32>
func.func private @embed(%t: tensor<4xi32>, %w: tensor<9x5xf32>) -> tensor<4x5xf32> {
  %y = nn.embedding %t, %w {nn.ids_in_range} : (tensor<4xi32>, tensor<9x5xf32>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}
func.func private @double(%t: tensor<4xi32>) -> tensor<4xi32> {
  %u = arith.addi %t, %t : tensor<4xi32>
  return %u : tensor<4xi32>
}
func.func private @joined(%t: tensor<4xi32>, %w: tensor<9x5xf32>) -> tensor<8x5xf32> {
  %c = arith.constant dense<3> : tensor<4xi32>
  %u = arith.shrui %t, %c : tensor<4xi32>
  %p = nn.concatenate %t, %u {axis = 0 : i64} : (tensor<4xi32>, tensor<4xi32>) -> tensor<8xi32>
  %y = nn.embedding %p, %w {nn.ids_in_range} : (tensor<8xi32>, tensor<9x5xf32>) -> tensor<8x5xf32>
  return %y : tensor<8x5xf32>
}
func.func private @loss(%l: tensor<4x9xf32>, %t: tensor<4xi32>) -> tensor<f32> {
  %x, %lse = nn.cross_entropy %l, %t {nn.ids_in_range} : (tensor<4x9xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  return %x : tensor<f32>
}
func.func private @stage0.forward(%t: tensor<4xi32> {pp.data = "tokens"}, %w: tensor<9x5xf32> {pp.param = "w"}, %l: tensor<4x9xf32> {pp.value = "l"}, %s: tensor<4xi32> {pp.value = "ids"})
    -> (tensor<4x5xf32> {pp.value = "x"}, tensor<4x5xf32> {pp.value = "y"}, tensor<8x5xf32> {pp.value = "z"}, tensor<f32> {pp.value = "loss", pp.loss}) {
  %u = func.call @double(%t) : (tensor<4xi32>) -> tensor<4xi32>
  %x = func.call @embed(%t, %w) : (tensor<4xi32>, tensor<9x5xf32>) -> tensor<4x5xf32>
  %y = func.call @embed(%u, %w) : (tensor<4xi32>, tensor<9x5xf32>) -> tensor<4x5xf32>
  %z = func.call @joined(%t, %w) : (tensor<4xi32>, tensor<9x5xf32>) -> tensor<8x5xf32>
  %loss = func.call @loss(%l, %s) : (tensor<4x9xf32>, tensor<4xi32>) -> tensor<f32>
  return %x, %y, %z, %loss : tensor<4x5xf32>, tensor<4x5xf32>, tensor<8x5xf32>, tensor<f32>
}
