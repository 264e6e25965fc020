// RUN: pp-opt %s -pp-partition="stages=2" | FileCheck %s
// RUN: pp-opt %s -pp-partition="stages=2 recompute=none" | FileCheck %s

pp.layer @f(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %y = math.exp %x : tensor<64x64xf32>
  pp.yield %y : tensor<64x64xf32>
}
pp.layer @again(%x: tensor<64x64xf32>) -> tensor<64x64xf32> attributes {recompute = "full"} {
  %y = math.exp %x : tensor<64x64xf32>
  pp.yield %y : tensor<64x64xf32>
}
pp.layer @narrow(%x: tensor<64x64xf32>) -> tensor<64xf32> {
  %y = nn.reduce_sum %x axes = [0] : (tensor<64x64xf32>) -> tensor<64xf32>
  pp.yield %y : tensor<64xf32>
}
pp.layer @widen(%x: tensor<64xf32>) -> tensor<64x64xf32> {
  %y = nn.broadcast %x : (tensor<64xf32>) -> tensor<64x64xf32>
  pp.yield %y : tensor<64x64xf32>
}
pp.layer @loss(%x: tensor<64x64xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<64x64xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}

// A pin holds, however bad it is.
// CHECK-LABEL: pp.model @pinned
// CHECK: @f{{.*}}stage = 0 :
// CHECK: @f{{.*}}stage = 1 :
// CHECK: @f{{.*}}stage = 1 :
// CHECK: @loss{{.*}}stage = 1 :
pp.model @pinned(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @f(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = pp.apply @f(%0) {stage = 1 : i64} : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = pp.apply @f(%1) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %3 = pp.apply @loss(%2) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %3 : tensor<f32>
}

// A layer which is computed twice costs more: 4 + 3 against 3 + 3 + 3 units.
// CHECK-LABEL: pp.model @recomputed
// CHECK: @again{{.*}}stage = 0 :
// CHECK: @again{{.*}}stage = 0 :
// CHECK: @f{{.*}}stage = 1 :
// CHECK: @f{{.*}}stage = 1 :
// CHECK: @loss{{.*}}stage = 1 :
pp.model @recomputed(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @again(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = pp.apply @again(%0) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = pp.apply @f(%1) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %3 = pp.apply @f(%2) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %4 = pp.apply @loss(%3) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %4 : tensor<f32>
}

// The bottleneck is @f, wherever the others go: the cut with fewest bytes wins.
// CHECK-LABEL: pp.model @bytes
// CHECK: @narrow{{.*}}stage = 0 :
// CHECK: @widen{{.*}}stage = 1 :
// CHECK: @loss{{.*}}stage = 1 :
pp.model @bytes(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @narrow(%x) : (tensor<64x64xf32>) -> tensor<64xf32>
  %1 = pp.apply @widen(%0) : (tensor<64xf32>) -> tensor<64x64xf32>
  %2 = pp.apply @loss(%1) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %2 : tensor<f32>
}
