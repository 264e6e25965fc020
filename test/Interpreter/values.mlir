// Losses and gradients in closed form. Every target is 'a', and every logit 0:
// the loss of the head is log 256. Derivatives of each op, element by element,
// are compared in test/Gradients, by pp-gradcheck.
// RUN: pp-interpret %s --data=%S/Inputs/a.txt --microbatches=3 --noise-runs=2 | FileCheck %s
// RUN: pp-interpret %s --data=%S/Inputs/a.txt --microbatches=3 --distort=arith.mulf | FileCheck %s --check-prefix=DISTORTED

// The loss is log 256 + 3 * 2^2 + 5 * 0.5.
// CHECK: "loss": 20.045177444479
// CHECK: "loss_noise": {{[1-9].*e-0[5-9]}},

pp.layer @squares() params(%w: tensor<3xf32>) -> tensor<f32> {
  %s = arith.mulf %w, %w : tensor<3xf32>
  %y = nn.reduce_sum %s axes = [0] : (tensor<3xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.layer @scaled() params(%w: tensor<f32>) -> tensor<f32> {
  %c = arith.constant dense<5.0> : tensor<f32>
  %y = nn.mul %w, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.layer @head(%t: tensor<2x4xi32>, %a: tensor<f32>, %b: tensor<f32>) params(%w: tensor<256xf32>) -> tensor<f32> {
  %l = nn.broadcast %w : (tensor<256xf32>) -> tensor<2x4x256xf32>
  %loss, %lse = nn.cross_entropy %l, %t : (tensor<2x4x256xf32>, tensor<2x4xi32>) -> (tensor<f32>, tensor<2x4xf32>)
  %0 = arith.addf %loss, %a : tensor<f32>
  %1 = arith.addf %0, %b : tensor<f32>
  pp.yield %1 : tensor<f32>
}
pp.model @m(%tokens: tensor<2x4xi32>, %targets: tensor<2x4xi32>) -> tensor<f32> {
  // 2 w = 4 for each of three elements.
  // CHECK: "name": "twos",
  // CHECK-NEXT: "noise": {{.*e-0[6-9]}},
  // CHECK-NEXT: "norm": 6.928203230275
  // CHECK-NEXT: "weight_norm": 3.464101615137
  // DISTORTED: "norm": 7.03645640574
  %w = pp.param "twos" : tensor<3xf32> init(#nn.constant<value = 2.0>)
  // CHECK: "name": "half",
  // CHECK-NEXT: "noise": {{.*}},
  // CHECK-NEXT: "norm": 5,
  %h = pp.param "half" : tensor<f32> init(#nn.constant<value = 0.5>)
  // 1 / 256 for each class but 'a', which has 1 / 256 - 1.
  // CHECK: "name": "logits",
  // CHECK-NEXT: "noise": {{.*}},
  // CHECK-NEXT: "norm": 0.998044963916
  %l = pp.param "logits" : tensor<256xf32> init(#nn.zeros)
  %a = pp.apply @squares() params(%w) : () params(tensor<3xf32>) -> tensor<f32>
  %b = pp.apply @scaled() params(%h) : () params(tensor<f32>) -> tensor<f32>
  %loss = pp.apply @head(%targets, %a, %b) params(%l) : (tensor<2x4xi32>, tensor<f32>, tensor<f32>) params(tensor<256xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
