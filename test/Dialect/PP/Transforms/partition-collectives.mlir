// RUN: pp-opt %s -pp-partition="stages=2" | FileCheck %s --check-prefix=FAST
// RUN: pp-opt %s -pp-partition="stages=2 transfer=1e6" | FileCheck %s --check-prefix=SLOW

// Where collectives are dear, the layer that has one is alone in its stage.
pp.mesh @mesh <["pipe" = 1, "data" = 1, "tensor" = 2]> replicas("data")
pp.layer @alone(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %y = nn.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  pp.yield %y : tensor<64x64xf32>
}
pp.layer @together(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %p = nn.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = comm.all_reduce sum %p over ["tensor"] : tensor<64x64xf32>
  pp.yield %y : tensor<64x64xf32>
}
pp.layer @loss(%x: tensor<64x64xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<64x64xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<64x64xf32> init(#nn.zeros)
  // FAST: @alone{{.*}}stage = 0 :
  // FAST: @together{{.*}}stage = 0 :
  // FAST: @alone{{.*}}stage = 1 :
  // FAST: @alone{{.*}}stage = 1 :
  // SLOW: @alone{{.*}}stage = 0 :
  // SLOW: @together{{.*}}stage = 0 :
  // SLOW: @alone{{.*}}stage = 1 :
  %a = pp.apply @alone(%x) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %b = pp.apply @together(%a) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = pp.apply @alone(%b) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %d = pp.apply @alone(%c) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %e = pp.apply @alone(%d) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %f = pp.apply @alone(%e) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %l = pp.apply @loss(%f) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
