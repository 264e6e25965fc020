// RUN: pp-opt --nn-print-cost --verify-diagnostics %s

// The remark at a function is the sum of those of its ops.

// expected-remark @below {{flops = 6336, read = 1840, written = 1536}}
func.func @linear(%x: tensor<16x8xf32>, %w: tensor<8x12xf32>, %b: tensor<12xf32>) {
  // 2 * 16 * 12 * 8 flops; 16 * 8 + 8 * 12 floats; 16 * 12 floats.
  // expected-remark @below {{flops = 3072, read = 896, written = 768}}
  %0 = nn.linear %x, %w : (tensor<16x8xf32>, tensor<8x12xf32>) -> tensor<16x12xf32>
  // A bias adds 16 * 12 flops and 12 floats.
  // expected-remark @below {{flops = 3264, read = 944, written = 768}}
  %1 = nn.linear %x, %w, %b : (tensor<16x8xf32>, tensor<8x12xf32>, tensor<12xf32>) -> tensor<16x12xf32>
  return
}

// expected-remark @below {{flops = 1512, read = 744, written = 288}}
func.func @matmul(%a: tensor<3x5x4xbf16>, %b: tensor<3x5x6xbf16>, %c: tensor<3x4x6xbf16>) {
  // 2 * 3 * 4 * 6 * 5 flops; bf16 takes 2 bytes.
  // expected-remark @below {{flops = 720, read = 300, written = 144}}
  %0 = nn.matmul %a, %b {transpose_a} : (tensor<3x5x4xbf16>, tensor<3x5x6xbf16>) -> tensor<3x4x6xbf16>
  // init adds one flop an element.
  // expected-remark @below {{flops = 792, read = 444, written = 144}}
  %1 = nn.matmul %a, %b init(%c) {transpose_a} : (tensor<3x5x4xbf16>, tensor<3x5x6xbf16>, tensor<3x4x6xbf16>) -> tensor<3x4x6xbf16>
  return
}

// expected-remark @below {{flops = 48, read = 456, written = 16192}}
func.func @embedding(%i: tensor<6xi32>, %t: tensor<1000x4xf32>, %dy: tensor<6x4xf32>) {
  // Six ids and six rows of the table, not 1000.
  // expected-remark @below {{flops = 0, read = 120, written = 96}}
  %0 = nn.embedding %i, %t : (tensor<6xi32>, tensor<1000x4xf32>) -> tensor<6x4xf32>
  // Without init, the table of zeros must be written.
  // expected-remark @below {{flops = 24, read = 120, written = 16000}}
  %1 = nn.embedding_grad %i, %dy : (tensor<6xi32>, tensor<6x4xf32>) -> tensor<1000x4xf32>
  // With init, only six rows change.
  // expected-remark @below {{flops = 24, read = 216, written = 96}}
  %2 = nn.embedding_grad %i, %dy init(%t) : (tensor<6xi32>, tensor<6x4xf32>, tensor<1000x4xf32>) -> tensor<1000x4xf32>
  return
}

// expected-remark @below {{flops = 1536, read = 3456, written = 2352}}
func.func @elementwise(%x: tensor<4x6xf64>, %r: tensor<6xf64>) {
  // One flop an element; f64 takes 8 bytes.
  // expected-remark @below {{flops = 24, read = 240, written = 192}}
  %0 = nn.add %x, %r : (tensor<4x6xf64>, tensor<6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 24, read = 240, written = 192}}
  %1 = nn.sub %x, %r : (tensor<4x6xf64>, tensor<6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 24, read = 240, written = 192}}
  %2 = nn.mul %x, %r : (tensor<4x6xf64>, tensor<6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 24, read = 240, written = 192}}
  %3 = nn.div %x, %r : (tensor<4x6xf64>, tensor<6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 120, read = 192, written = 192}}
  %4 = nn.gelu %x : (tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 216, read = 192, written = 192}}
  %5 = nn.gelu %x {approximate = "tanh"} : (tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 264, read = 384, written = 192}}
  %6 = nn.gelu_grad %x, %x : (tensor<4x6xf64>, tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 432, read = 384, written = 192}}
  %7 = nn.gelu_grad %x, %x {approximate = "tanh"} : (tensor<4x6xf64>, tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 120, read = 192, written = 192}}
  %8 = nn.silu %x : (tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 216, read = 384, written = 192}}
  %9 = nn.silu_grad %x, %x : (tensor<4x6xf64>, tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 24, read = 192, written = 192}}
  %10 = nn.relu %x : (tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 24, read = 384, written = 192}}
  %11 = nn.relu_grad %x, %x : (tensor<4x6xf64>, tensor<4x6xf64>) -> tensor<4x6xf64>
  // expected-remark @below {{flops = 24, read = 192, written = 48}}
  %12 = nn.cast %x : (tensor<4x6xf64>) -> tensor<4x6xbf16>
  return
}

// expected-remark @below {{flops = 780, read = 932, written = 352}}
func.func @norms(%x: tensor<3x5xf32>, %g: tensor<5xf32>) {
  // 7 flops for each of 15 elements.
  // expected-remark @below {{flops = 105, read = 100, written = 60}}
  %0 = nn.layer_norm %x, %g, %g : (tensor<3x5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  // expected-remark @below {{flops = 195, read = 140, written = 60}}
  %1 = nn.layer_norm_grad_input %x, %g, %x : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  // expected-remark @below {{flops = 105, read = 120, written = 20}}
  %2 = nn.layer_norm_grad_scale %x, %x : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<5xf32>
  // expected-remark @below {{flops = 60, read = 80, written = 60}}
  %3 = nn.rms_norm %x, %g : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  // expected-remark @below {{flops = 120, read = 140, written = 60}}
  %4 = nn.rms_norm_grad_input %x, %g, %x : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  // expected-remark @below {{flops = 75, read = 140, written = 20}}
  %5 = nn.rms_norm_grad_scale %x, %x init(%g) : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<5xf32>) -> tensor<5xf32>
  // Adjoints with statistics leave those out.
  // expected-remark @below {{flops = 30, read = 60, written = 12}}
  %6 = nn.rms_norm_statistics %x : (tensor<3x5xf32>) -> tensor<3xf32>
  // expected-remark @below {{flops = 90, read = 152, written = 60}}
  %7 = nn.rms_norm_grad_input %x, %g, %x statistics(%6) : (tensor<3x5xf32>, tensor<5xf32>, tensor<3x5xf32>, tensor<3xf32>) -> tensor<3x5xf32>
  return
}

// expected-remark @below {{flops = 17112, read = 8544, written = 4544}}
func.func @attention(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x2x8xf32>) {
  // 3 queries see 5 keys: 15 pairs of 8 entries and heads, 4 * 8 + 5 flops each.
  // expected-remark @below {{flops = 4440, read = 2048, written = 864}}
  %0:2 = nn.attention %q, %k, %k : (tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  // With aligned ends they see 3 + 4 + 5 keys.
  // expected-remark @below {{flops = 3552, read = 2048, written = 864}}
  %1:2 = nn.attention %q, %k, %k {causal} : (tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x4x3xf32>)
  // 10 * 8 + 5 flops a pair, and 2 for each element of dout.
  // expected-remark @below {{flops = 8544, read = 3680, written = 2048}}
  %2:3 = nn.attention_grad %q, %k, %k, %1#0, %1#1, %q {causal} : (tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>, tensor<2x3x4x8xf32>, tensor<2x4x3xf32>, tensor<2x3x4x8xf32>) -> (tensor<2x3x4x8xf32>, tensor<2x5x2x8xf32>, tensor<2x5x2x8xf32>)
  // expected-remark @below {{flops = 576, read = 768, written = 768}}
  %3 = nn.rotary %q : (tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return
}

// expected-remark @below {{flops = 226, read = 496, written = 176}}
func.func @reductions(%x: tensor<2x3x4xf32>, %i: tensor<4xf32>) {
  // expected-remark @below {{flops = 24, read = 96, written = 16}}
  %0 = nn.reduce_sum %x axes = [0, 1] : (tensor<2x3x4xf32>) -> tensor<4xf32>
  // expected-remark @below {{flops = 28, read = 112, written = 16}}
  %1 = nn.reduce_sum %x init(%i) axes = [0, 1] : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // expected-remark @below {{flops = 30, read = 96, written = 24}}
  %2 = nn.reduce_mean %x axes = [2] : (tensor<2x3x4xf32>) -> tensor<2x3xf32>
  // expected-remark @below {{flops = 24, read = 96, written = 24}}
  %3 = nn.reduce_max %x axes = [2] {keepdims} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  // expected-remark @below {{flops = 120, read = 96, written = 96}}
  %4 = nn.softmax %x {axis = 1} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// expected-remark @below {{flops = 0, read = 500, written = 624}}
func.func @shape(%x: tensor<2x3x4xf32>, %s: tensor<f32>) {
  // A view moves nothing.
  // expected-remark @below {{flops = 0, read = 0, written = 0}}
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  // expected-remark @below {{flops = 0, read = 96, written = 96}}
  %1 = nn.transpose %x permutation = [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  // expected-remark @below {{flops = 0, read = 4, written = 96}}
  %2 = nn.broadcast %s : (tensor<f32>) -> tensor<2x3x4xf32>
  // A slice reads what it keeps.
  // expected-remark @below {{flops = 0, read = 16, written = 16}}
  %3 = nn.slice %x offsets = [0, 1, 0] sizes = [2, 1, 2] strides = [1, 1, 2] : (tensor<2x3x4xf32>) -> tensor<2x1x2xf32>
  // expected-remark @below {{flops = 0, read = 96, written = 128}}
  %4 = nn.pad %x low = [0, 1, 0] high = [0, 0, 0] interior = [0, 0, 0] : (tensor<2x3x4xf32>) -> tensor<2x4x4xf32>
  // expected-remark @below {{flops = 0, read = 192, written = 192}}
  %5 = nn.concatenate %x, %x {axis = 0} : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<4x3x4xf32>
  // expected-remark @below {{flops = 0, read = 96, written = 96}}
  %6:2 = nn.split %x sizes = [1, 2] {axis = 1} : (tensor<2x3x4xf32>) -> (tensor<2x1x4xf32>, tensor<2x2x4xf32>)
  return
}

// expected-remark @below {{flops = 264, read = 460, written = 280}}
func.func @loss_dropout(%x: tensor<3x11xf32>, %t: tensor<3xi64>, %key: i64) {
  // expected-remark @below {{flops = 132, read = 156, written = 16}}
  %0:2 = nn.cross_entropy %x, %t : (tensor<3x11xf32>, tensor<3xi64>) -> (tensor<f32>, tensor<3xf32>)
  // expected-remark @below {{flops = 99, read = 172, written = 132}}
  %1 = nn.cross_entropy_grad %x, %t, %0#1, %0#0 : (tensor<3x11xf32>, tensor<3xi64>, tensor<3xf32>, tensor<f32>) -> tensor<3x11xf32>
  // expected-remark @below {{flops = 0, read = 0, written = 0}}
  %2 = nn.mix_key %key {salt = 1} : (i64) -> i64
  // expected-remark @below {{flops = 33, read = 132, written = 132}}
  %3 = nn.dropout %x key(%2) {p = 0.5, site = 0} : (tensor<3x11xf32>, i64) -> tensor<3x11xf32>
  return
}
