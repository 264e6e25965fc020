// RUN: pp-opt %s -pp-partition="stages=3" | FileCheck %s
// RUN: pp-opt %s -pp-partition="stages=1" | FileCheck %s --check-prefix=ONE
// RUN: pp-opt %s -pp-partition="stages=6" | FileCheck %s --check-prefix=SIX
// RUN: pp-opt %s -pp-partition="stages=3" | pp-opt -pp-partition="stages=3" | FileCheck %s
// Under a bound on memory the weights of @wide stand alone.
// RUN: pp-opt %s -pp-partition="stages=3 memory=1070000" | FileCheck %s --check-prefix=BOUND

// One product of 64x64 matrices.
pp.layer @small(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %y = nn.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  pp.yield %y : tensor<64x64xf32>
}
// Three of them.
pp.layer @big(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %a = nn.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %b = nn.linear %a, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = nn.linear %b, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  pp.yield %c : tensor<64x64xf32>
}
// Large in memory, cheap in time.
pp.layer @wide(%x: tensor<64x64xf32>) params(%w: tensor<64x1024xf32>) -> tensor<64x64xf32> {
  pp.yield %x : tensor<64x64xf32>
}
pp.layer @loss(%x: tensor<64x64xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<64x64xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}

// CHECK-LABEL: pp.model @chain
// ONE-LABEL: pp.model @chain
// SIX-LABEL: pp.model @chain
// BOUND-LABEL: pp.model @chain
pp.model @chain(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<64x64xf32> init(#nn.zeros)
  %v = pp.param "v" : tensor<64x1024xf32> init(#nn.zeros)
  // The three small ones balance the big one.
  // CHECK: @small{{.*}}stage = 0 :
  // CHECK: @small{{.*}}stage = 0 :
  // CHECK: @small{{.*}}stage = 0 :
  // CHECK: @big{{.*}}stage = 1 :
  // CHECK: @wide{{.*}}stage = 2 :
  // CHECK: @loss{{.*}}stage = 2 :
  // ONE-COUNT-6: stage = 0 :
  // SIX: stage = 0 :
  // SIX: stage = 1 :
  // SIX: stage = 2 :
  // SIX: stage = 3 :
  // SIX: stage = 4 :
  // SIX: stage = 5 :
  // BOUND: @big{{.*}}stage = 0 :
  // BOUND: @wide{{.*}}stage = 1 :
  // BOUND: @loss{{.*}}stage = 2 :
  %0 = pp.apply @small(%x) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = pp.apply @small(%0) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = pp.apply @small(%1) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %3 = pp.apply @big(%2) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %4 = pp.apply @wide(%3) params(%v) : (tensor<64x64xf32>) params(tensor<64x1024xf32>) -> tensor<64x64xf32>
  %5 = pp.apply @loss(%4) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %5 : tensor<f32>
}
