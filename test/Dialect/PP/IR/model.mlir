// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: pp.layer @embed(%{{.*}}: tensor<4xi32>) params(%{{.*}}: tensor<16x8xf32>) -> tensor<4x8xf32> attributes {recompute = "full"} {
pp.layer @embed(%ids: tensor<4xi32>) params(%w: tensor<16x8xf32>) -> tensor<4x8xf32> attributes {recompute = "full"} {
  %0 = nn.embedding %ids, %w : (tensor<4xi32>, tensor<16x8xf32>) -> tensor<4x8xf32>
  // CHECK: pp.yield %{{.*}} : tensor<4x8xf32>
  pp.yield %0 : tensor<4x8xf32>
}

// Several results, no parameters.
// CHECK-LABEL: pp.layer @fork(%{{.*}}: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
pp.layer @fork(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = math.exp %x : tensor<4x8xf32>
  pp.yield %x, %0 : tensor<4x8xf32>, tensor<4x8xf32>
}

// Distributions over a mesh, of arguments, parameters and results.
// CHECK-LABEL: pp.layer @cut(%{{.*}}: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>}) params(%{{.*}}: tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>}) -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>}, tensor<8xf32>) {
pp.layer @cut(%x: tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>})
    params(%b: tensor<8xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>})
    -> (tensor<4x8xf32> {comm.distribution = #comm.distribution<{"data" = varying(0)}>}, tensor<8xf32>) {
  %0 = nn.add %x, %b : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  pp.yield %0, %b : tensor<4x8xf32>, tensor<8xf32>
}
// CHECK-LABEL: pp.layer @one_result(%{{.*}}: tensor<4xf32>) -> (tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>}) {
pp.layer @one_result(%x: tensor<4xf32>) -> (tensor<4xf32> {comm.distribution = #comm.distribution<{"data" = replicated}>}) {
  pp.yield %x : tensor<4xf32>
}

// CHECK-LABEL: pp.layer @head(%{{.*}}: tensor<4x8xf32>, %{{.*}}: tensor<4x8xf32>, %{{.*}}: tensor<4xi32>) -> tensor<f32> {
pp.layer @head(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>, %t: tensor<4xi32>) -> tensor<f32> {
  %0 = arith.addf %x, %y : tensor<4x8xf32>
  %loss, %lse = nn.cross_entropy %0, %t : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  pp.yield %loss : tensor<f32>
}

// CHECK-LABEL: pp.model @net(%{{.*}}: tensor<4xi32> {pp.data = "tokens"}, %{{.*}}: tensor<4xi32>) -> tensor<f32> {
pp.model @net(%tokens: tensor<4xi32> {pp.data = "tokens"}, %targets: tensor<4xi32>) -> tensor<f32> {
  // CHECK: %[[W:.*]] = pp.param "wte.weight" : tensor<16x8xf32> init(#nn.normal<{{.*}}>) {decay = false}
  %w = pp.param "wte.weight" : tensor<16x8xf32> init(#nn.normal<std = 0.02>) {decay = false}
  // CHECK: %[[X:.*]] = pp.apply @embed(%{{.*}}) params(%[[W]]) {stage = 0 : i64} : (tensor<4xi32>) params(tensor<16x8xf32>) -> tensor<4x8xf32>
  %x = pp.apply @embed(%tokens) params(%w) {stage = 0 : i64} : (tensor<4xi32>) params(tensor<16x8xf32>) -> tensor<4x8xf32>
  // CHECK: %[[F:.*]]:2 = pp.apply @fork(%[[X]]) sharding(#pp.sharding<[{"tensor"}, {}]>, any) {recompute = "none"} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  %a, %b = pp.apply @fork(%x) sharding(#pp.sharding<[{"tensor"}, {}]>, any) {recompute = "none"} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
  // CHECK: pp.apply @head(%[[F]]#0, %[[F]]#1, %{{.*}}) sharding(#pp.sharding<[]>) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4xi32>) -> tensor<f32>
  %l = pp.apply @head(%a, %b, %targets) sharding(#pp.sharding<[]>) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4xi32>) -> tensor<f32>
  // CHECK: pp.return %{{.*}} : tensor<f32>
  pp.return %l : tensor<f32>
}
