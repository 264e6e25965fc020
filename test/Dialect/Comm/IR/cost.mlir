// RUN: pp-opt --nn-print-cost --verify-diagnostics %s

// What each rank sends, as a ring does: of n = 4 ranks and an operand of b =
// 8 x 4 f32 = 128 bytes.
pp.mesh @mesh <["data" = 2, "tensor" = 4]>

// expected-remark @below {{flops = 76, read = 928, written = 1280, sent = 1088}}
func.func @collectives(%x: tensor<8x4xf32>) {
  // 2 (n - 1) / n b; each rank adds (n - 1) / n of the elements.
  // expected-remark @below {{flops = 24, read = 128, written = 128, sent = 192}}
  %0 = comm.all_reduce sum %x over ["tensor"] : tensor<8x4xf32>
  // Of 8 ranks: 2 * 7 / 8 b.
  // expected-remark @below {{flops = 28, read = 128, written = 128, sent = 224}}
  %1 = comm.all_reduce sum %x over ["data", "tensor"] : tensor<8x4xf32>
  // (n - 1) b.
  // expected-remark @below {{flops = 0, read = 128, written = 512, sent = 384}}
  %2 = comm.all_gather %x over ["tensor"] dim(0) : tensor<8x4xf32> -> tensor<32x4xf32>
  // (n - 1) / n b.
  // expected-remark @below {{flops = 24, read = 128, written = 32, sent = 96}}
  %3 = comm.reduce_scatter sum %x over ["tensor"] dim(0) : tensor<8x4xf32> -> tensor<2x4xf32>
  // Of 2 ranks: 1 / 2 b.
  // expected-remark @below {{flops = 0, read = 128, written = 128, sent = 64}}
  %4 = comm.all_to_all %x over ["data"] split(0) concat(1) : tensor<8x4xf32> -> tensor<4x8xf32>
  // b.
  // expected-remark @below {{flops = 0, read = 128, written = 128, sent = 128}}
  %5 = comm.permute %x over ["tensor"] by(1) : tensor<8x4xf32>
  // Nothing.
  // expected-remark @below {{flops = 0, read = 128, written = 128}}
  %6 = comm.permute %x over ["tensor"] by(0) : tensor<8x4xf32>
  // expected-remark @below {{flops = 0, read = 0, written = 0}}
  %7 = comm.vary %x over ["tensor"] : tensor<8x4xf32>
  // expected-remark @below {{flops = 0, read = 32, written = 32}}
  %8 = comm.slice %x over ["tensor"] dim(1) : tensor<8x4xf32> -> tensor<8x1xf32>
  // expected-remark @below {{flops = 0, read = 0, written = 64}}
  %9 = comm.iota over ["tensor"] dim(0) : tensor<16xi32>
  // expected-remark @below {{flops = 0, read = 0, written = 0}}
  %10 = comm.detach %x : tensor<8x4xf32>
  return
}
