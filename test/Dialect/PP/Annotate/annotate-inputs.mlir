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
