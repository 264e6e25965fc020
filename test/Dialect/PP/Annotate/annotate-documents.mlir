// RUN: pp-opt %s -pp-annotate-inputs | FileCheck %s

// At the ends of documents targets are ignored, below 0 as well. Documents
// themselves are as many as the data have: who reads them as ids checks them.
// CHECK: pp.input @targets : tensor<4xi32> {pp.bound = 10 : i64, pp.ignored = -100 : i64}
// CHECK: pp.input @documents : tensor<4xi32>
// CHECK-NOT: pp.bound
// CHECK-LABEL: @stage0.forward
// CHECK: nn.cross_entropy %{{.*}} {nn.ids_in_range}
// CHECK-NOT: nn.ids_in_range
pp.input @targets : tensor<4xi32>
pp.input @documents : tensor<4xi32>
func.func private @stage0.forward(%l: tensor<4x10xf32> {pp.value = "logits"}, %t: tensor<4xi32> {pp.data = "targets"}, %d: tensor<4xi32> {pp.data = "documents"}, %w: tensor<12x3xf32> {pp.param = "w"})
    -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<4x3xf32> {pp.value = "y"}) {
  %x, %lse = nn.cross_entropy %l, %t : (tensor<4x10xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  %y = nn.embedding %d, %w : (tensor<4xi32>, tensor<12x3xf32>) -> tensor<4x3xf32>
  return %x, %y : tensor<f32>, tensor<4x3xf32>
}
