// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

// A value with many uses, an input that is a result, one that is used nowhere,
// a result without cotangent.
func.func @uses(%x: tensor<3x5xf32>, %u: tensor<2xf32>, %p: tensor<5xf32> {nn.accumulate}, %q: tensor<5xf32> {nn.accumulate}) -> (tensor<3x5xf32>, tensor<3x5xf32> {nn.constant}, tensor<3x5xf32>) {
  %0 = nn.mul %x, %p : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  %1 = math.sin %0 : tensor<3x5xf32>
  %2 = math.exp %0 : tensor<3x5xf32>
  %3 = nn.mul %1, %0 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %4 = nn.add %3, %2 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %5 = nn.mul %4, %p : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  %6 = math.cos %2 : tensor<3x5xf32>
  return %5, %6, %x : tensor<3x5xf32>, tensor<3x5xf32>, tensor<3x5xf32>
}

// The cotangent of the sum is a product and belongs to both its operands: what
// the other uses of %x contribute must not end up in that of %u.
func.func @shared_cotangent(%x: tensor<3x5xf32>, %u: tensor<3x5xf32>, %w: tensor<5x4xf32>) -> (tensor<3x4xf32>, tensor<3x5xf32>) {
  %s = nn.add %x, %u : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %t = nn.matmul %s, %w : (tensor<3x5xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %r = math.sin %x : tensor<3x5xf32>
  return %t, %r : tensor<3x4xf32>, tensor<3x5xf32>
}

// A block of GPT-2: everything that is saved, recomputed and accumulated.
func.func @gpt(%x: tensor<2x3x8xf32>, %g1: tensor<8xf32> {nn.accumulate}, %b1: tensor<8xf32> {nn.accumulate}, %wqkv: tensor<8x24xf32> {nn.accumulate}, %bqkv: tensor<24xf32> {nn.accumulate}, %wo: tensor<8x8xf32> {nn.accumulate}, %bo: tensor<8xf32> {nn.accumulate}, %g2: tensor<8xf32> {nn.accumulate}, %b2: tensor<8xf32> {nn.accumulate}, %wf: tensor<8x12xf32> {nn.accumulate}, %bf: tensor<12xf32> {nn.accumulate}, %wp: tensor<12x8xf32> {nn.accumulate}, %bp: tensor<8xf32> {nn.accumulate}) -> tensor<2x3x8xf32> {
  %h = nn.layer_norm %x, %g1, %b1 : (tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  %qkv = nn.linear %h, %wqkv, %bqkv : (tensor<2x3x8xf32>, tensor<8x24xf32>, tensor<24xf32>) -> tensor<2x3x24xf32>
  %q, %k, %v = nn.split %qkv sizes = [8, 8, 8] {axis = 2 : i64} : (tensor<2x3x24xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>)
  %qh = nn.reshape %q : (tensor<2x3x8xf32>) -> tensor<2x3x2x4xf32>
  %kh = nn.reshape %k : (tensor<2x3x8xf32>) -> tensor<2x3x2x4xf32>
  %vh = nn.reshape %v : (tensor<2x3x8xf32>) -> tensor<2x3x2x4xf32>
  %a, %lse = nn.attention %qh, %kh, %vh {causal} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> (tensor<2x3x2x4xf32>, tensor<2x2x3xf32>)
  %ar = nn.reshape %a : (tensor<2x3x2x4xf32>) -> tensor<2x3x8xf32>
  %o = nn.linear %ar, %wo, %bo : (tensor<2x3x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  %x1 = nn.add %x, %o : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %h2 = nn.layer_norm %x1, %g2, %b2 : (tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  %f = nn.linear %h2, %wf, %bf : (tensor<2x3x8xf32>, tensor<8x12xf32>, tensor<12xf32>) -> tensor<2x3x12xf32>
  %e = nn.gelu %f {approximate = "tanh"} : (tensor<2x3x12xf32>) -> tensor<2x3x12xf32>
  %p = nn.linear %e, %wp, %bp : (tensor<2x3x12xf32>, tensor<12x8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  %y = nn.add %x1, %p : (tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}

// A block of Llama: grouped queries, rotary positions, gated activation.
func.func @llama(%x: tensor<1x5x8xf32>, %g1: tensor<8xf32> {nn.accumulate}, %wq: tensor<8x8xf32> {nn.accumulate}, %wk: tensor<4x8xf32> {nn.accumulate}, %wv: tensor<4x8xf32> {nn.accumulate}, %wo: tensor<8x8xf32> {nn.accumulate}, %g2: tensor<8xf32> {nn.accumulate}, %wg: tensor<8x11xf32> {nn.accumulate}, %wu: tensor<8x11xf32> {nn.accumulate}, %wd: tensor<11x8xf32> {nn.accumulate}) -> tensor<1x5x8xf32> {
  %h = nn.rms_norm %x, %g1 : (tensor<1x5x8xf32>, tensor<8xf32>) -> tensor<1x5x8xf32>
  %q = nn.linear %h, %wq : (tensor<1x5x8xf32>, tensor<8x8xf32>) -> tensor<1x5x8xf32>
  %k = nn.linear %h, %wk {transposed} : (tensor<1x5x8xf32>, tensor<4x8xf32>) -> tensor<1x5x4xf32>
  %v = nn.linear %h, %wv {transposed} : (tensor<1x5x8xf32>, tensor<4x8xf32>) -> tensor<1x5x4xf32>
  %qh = nn.reshape %q : (tensor<1x5x8xf32>) -> tensor<1x5x4x2xf32>
  %kh = nn.reshape %k : (tensor<1x5x4xf32>) -> tensor<1x5x2x2xf32>
  %vh = nn.reshape %v : (tensor<1x5x4xf32>) -> tensor<1x5x2x2xf32>
  %qr = nn.rotary %qh : (tensor<1x5x4x2xf32>) -> tensor<1x5x4x2xf32>
  %kr = nn.rotary %kh : (tensor<1x5x2x2xf32>) -> tensor<1x5x2x2xf32>
  %a, %lse = nn.attention %qr, %kr, %vh {causal} : (tensor<1x5x4x2xf32>, tensor<1x5x2x2xf32>, tensor<1x5x2x2xf32>) -> (tensor<1x5x4x2xf32>, tensor<1x4x5xf32>)
  %ar = nn.reshape %a : (tensor<1x5x4x2xf32>) -> tensor<1x5x8xf32>
  %o = nn.linear %ar, %wo : (tensor<1x5x8xf32>, tensor<8x8xf32>) -> tensor<1x5x8xf32>
  %x1 = nn.add %x, %o : (tensor<1x5x8xf32>, tensor<1x5x8xf32>) -> tensor<1x5x8xf32>
  %h2 = nn.rms_norm %x1, %g2 : (tensor<1x5x8xf32>, tensor<8xf32>) -> tensor<1x5x8xf32>
  %gate = nn.linear %h2, %wg : (tensor<1x5x8xf32>, tensor<8x11xf32>) -> tensor<1x5x11xf32>
  %up = nn.linear %h2, %wu : (tensor<1x5x8xf32>, tensor<8x11xf32>) -> tensor<1x5x11xf32>
  %s = nn.silu %gate : (tensor<1x5x11xf32>) -> tensor<1x5x11xf32>
  %m = nn.mul %s, %up : (tensor<1x5x11xf32>, tensor<1x5x11xf32>) -> tensor<1x5x11xf32>
  %d = nn.linear %m, %wd : (tensor<1x5x11xf32>, tensor<11x8xf32>) -> tensor<1x5x8xf32>
  %y = nn.add %x1, %d : (tensor<1x5x8xf32>, tensor<1x5x8xf32>) -> tensor<1x5x8xf32>
  return %y : tensor<1x5x8xf32>
}
