// A program in mixed precision: masters lie in front of the moments, one function
// updates and rounds, and products take bf16.
// RUN: pp-opt %s --pp-to-memory="ranks=2 microbatches=2 precision=bf16" | FileCheck %s --check-prefix=MEMORY
// RUN: pp-opt %s --pp-to-llvm="ranks=2 microbatches=2 precision=bf16" | FileCheck %s

// The gradient of the last use goes to the owner as f32; the new table comes back
// as bf16. A scalar needs no master.
// MEMORY: pp.program @pipe0
// MEMORY-SAME: optimizer = 1536 : i64, parameters = 256 : i64
// MEMORY-SAME: pp.states = {table.m = 512 : i64, table.master = 0 : i64, table.v = 1024 : i64}
// MEMORY: pp.isend {{.*}} value("x0") mb(0) {{.*}} : tensor<2x4x8xbf16>
// MEMORY: pp.irecv {{.*}} value("table.grad.1") {{.*}} : tensor<16x8xf32>
// MEMORY: pp.update @table, {{.*}} : tensor<16x8xf32>
// MEMORY: pp.load_parameter @table : tensor<16x8xbf16>
// MEMORY: pp.program @pipe1
// MEMORY-SAME: optimizer = 320 : i64, parameters = 384 : i64
// MEMORY-SAME: pp.states = {bias.m = 64 : i64, bias.master = 0 : i64, bias.v = 192 : i64, scale.m = 128 : i64, scale.v = 256 : i64}
// MEMORY: pp.store_parameter @table, {{.*}} : tensor<16x8xbf16>

// CHECK-DAG: llvm.func @pprt_gemm_bf16
// CHECK-DAG: llvm.call @pprt_update(
// The function of the table takes a copy behind the numbers of the step.
// CHECK-DAG: llvm.func internal @pp.entry.adamw.bf16_128.decay(
// CHECK-DAG: llvm.call @adamw.bf16_128.decay(%{{[0-9a-z]+}}, %{{[0-9a-z]+}}, %{{[0-9a-z]+}}, %{{[0-9a-z]+}}, %{{[0-9a-z]+}}, %{{[0-9a-z]+}}, %{{[0-9a-z]+}}, %{{[0-9a-z]+}}) :
// CHECK-DAG: \22type\22:\22bf16\22
// CHECK-DAG: {\22kind\22:\22master\22,\22name\22:\22table.master\22,\22parameter\22:0,\22type\22:\22f32\22}

pp.layer @embed(%t: tensor<2x4xi32>) params(%w: tensor<16x8xf32>) -> tensor<2x4x8xf32> {
  %x = nn.embedding %t, %w : (tensor<2x4xi32>, tensor<16x8xf32>) -> tensor<2x4x8xf32>
  pp.yield %x : tensor<2x4x8xf32>
}

pp.layer @head(%x: tensor<2x4x8xf32>, %t: tensor<2x4xi32>) params(%b: tensor<8xf32>, %s: tensor<f32>, %w: tensor<16x8xf32>) -> tensor<f32> {
  %0 = nn.add %x, %b : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = nn.mul %0, %s : (tensor<2x4x8xf32>, tensor<f32>) -> tensor<2x4x8xf32>
  %y = nn.linear %1, %w {transposed} : (tensor<2x4x8xf32>, tensor<16x8xf32>) -> tensor<2x4x16xf32>
  %loss, %lse = nn.cross_entropy %y, %t : (tensor<2x4x16xf32>, tensor<2x4xi32>) -> (tensor<f32>, tensor<2x4xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @m(%tokens: tensor<2x4xi32>, %targets: tensor<2x4xi32>) -> tensor<f32> {
  %w = pp.param "table" : tensor<16x8xf32> init(#nn.normal<std = 0.02>)
  %b = pp.param "bias" : tensor<8xf32> init(#nn.zeros)
  %s = pp.param "scale" : tensor<f32> init(#nn.ones)
  %x = pp.apply @embed(%tokens) params(%w) {stage = 0} : (tensor<2x4xi32>) params(tensor<16x8xf32>) -> tensor<2x4x8xf32>
  %loss = pp.apply @head(%x, %targets) params(%b, %s, %w) {stage = 1} : (tensor<2x4x8xf32>, tensor<2x4xi32>) params(tensor<8xf32>, tensor<f32>, tensor<16x8xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
