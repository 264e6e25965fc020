// RUN: pp-opt %s --comm-verify-distribution -o /dev/null

// The rule of each op: what its results are where dimensions of its operands are
// cut, and where it is linear. (Without the right rule a result would be named.)

pp.mesh @mesh <["data" = 1, "tensor" = 2]>

func.func @linear_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %b: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %b: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_3(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %b: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_4(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.linear %x, %w : (tensor<2x4x6xf32>, tensor<6x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_5(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %b: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_6(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %w: tensor<8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.linear %x, %w {transposed} : (tensor<2x4x6xf32>, tensor<8x6xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_7(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %w: tensor<8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.linear %x, %w {transposed} : (tensor<2x4x6xf32>, tensor<8x6xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_8(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %b: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_9(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @linear_10(%x: tensor<2x4x6xf32>, %w: tensor<6x8xf32>, %b: tensor<8xf32>) -> (tensor<2x4x8xf32>) {
  %r = nn.linear %x, %w, %b : (tensor<2x4x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_1(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %c: tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.matmul %a, %b init(%c) : (tensor<2x4x6xf32>, tensor<2x6x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_2(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %c: tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.matmul %a, %b init(%c) : (tensor<2x4x6xf32>, tensor<2x6x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_3(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.matmul %a, %b : (tensor<2x4x6xf32>, tensor<2x6x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_4(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.matmul %a, %b : (tensor<2x4x6xf32>, tensor<2x6x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_5(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %c: tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.matmul %a, %b init(%c) : (tensor<2x4x6xf32>, tensor<2x6x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_6(%a: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.matmul %a, %b {transpose_a} : (tensor<2x6x4xf32>, tensor<2x6x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_7(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %b: tensor<2x8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.matmul %a, %b {transpose_b} : (tensor<2x4x6xf32>, tensor<2x8x6xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @matmul_8(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<2x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %c: tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.matmul %a, %b init(%c) : (tensor<2x4x6xf32>, tensor<2x6x8xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}
func.func @embedding_1(%i: tensor<2x4xi32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %t: tensor<5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.embedding %i, %t : (tensor<2x4xi32>, tensor<5x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @embedding_2(%i: tensor<2x4xi32>, %t: tensor<5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.embedding %i, %t : (tensor<2x4xi32>, tensor<5x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @embedding_3(%i: tensor<2x4xi32>, %t: tensor<5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.embedding %i, %t : (tensor<2x4xi32>, tensor<5x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @embedding_grad_1(%i: tensor<2x4xi32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %c: tensor<5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.embedding_grad %i, %d init(%c) : (tensor<2x4xi32>, tensor<2x4x6xf32>, tensor<5x6xf32>) -> tensor<5x6xf32>
  return %r : tensor<5x6xf32>
}
func.func @embedding_grad_2(%i: tensor<2x4xi32>, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.embedding_grad %i, %d : (tensor<2x4xi32>, tensor<2x4x6xf32>) -> tensor<5x6xf32>
  return %r : tensor<5x6xf32>
}
func.func @layer_norm_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.layer_norm %x, %g, %b : (tensor<2x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @layer_norm_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.layer_norm %x, %g, %b : (tensor<2x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @rms_norm_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.rms_norm %x, %g : (tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @layer_norm_grad_input_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.layer_norm_grad_input %x, %g, %d : (tensor<2x4x6xf32>, tensor<6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @layer_norm_grad_input_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.layer_norm_grad_input %x, %g, %d : (tensor<2x4x6xf32>, tensor<6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @layer_norm_grad_scale_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %c: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.layer_norm_grad_scale %x, %d init(%c) : (tensor<2x4x6xf32>, tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @layer_norm_grad_scale_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.layer_norm_grad_scale %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @layer_norm_statistics_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %m, %s = nn.layer_norm_statistics %x {eps = 1.0e-5} : (tensor<2x4x6xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %m, %s : tensor<8xf32>, tensor<8xf32>
}
func.func @rms_norm_statistics_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %s = nn.rms_norm_statistics %x {eps = 1.0e-5} : (tensor<2x4x6xf32>) -> tensor<8xf32>
  return %s : tensor<8xf32>
}
func.func @rms_norm_grad_input_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.rms_norm_grad_input %x, %g, %d : (tensor<2x4x6xf32>, tensor<6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @rms_norm_grad_input_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.rms_norm_grad_input %x, %g, %d : (tensor<2x4x6xf32>, tensor<6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @rms_norm_grad_scale_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %c: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.rms_norm_grad_scale %x, %d init(%c) : (tensor<2x4x6xf32>, tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @rms_norm_grad_scale_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.rms_norm_grad_scale %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @reduce_sum_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %c: tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.reduce_sum %x init(%c) axes = [1] : (tensor<2x4x6xf32>, tensor<2x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @reduce_sum_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.reduce_sum %x axes = [1] : (tensor<2x4x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @reduce_sum_3(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x1x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.reduce_sum %x axes = [1] {keepdims} : (tensor<2x4x6xf32>) -> tensor<2x1x6xf32>
  return %r : tensor<2x1x6xf32>
}
func.func @reduce_mean_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.reduce_mean %x axes = [1] : (tensor<2x4x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @reduce_mean_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying}>}) {
  %r = nn.reduce_mean %x axes = [1] : (tensor<2x4x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @reduce_mean_3(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.reduce_mean %x axes = [1] : (tensor<2x4x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @reduce_max_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial(max)}>}) {
  %r = nn.reduce_max %x axes = [1] : (tensor<2x4x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @reduce_max_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.reduce_max %x axes = [1] : (tensor<2x4x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}
func.func @softmax_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.softmax %x {axis = 1 : i64} : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// The mean over a coordinate's own positions; the gradient is that of their sum.
func.func @cross_entropy_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %t: tensor<2x4xi32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = varying}>}, tensor<2x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r0, %r1 = nn.cross_entropy %x, %t : (tensor<2x4x6xf32>, tensor<2x4xi32>) -> (tensor<f32>, tensor<2x4xf32>)
  return %r0, %r1 : tensor<f32>, tensor<2x4xf32>
}
func.func @cross_entropy_grad_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %t: tensor<2x4xi32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %l: tensor<2x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %d: tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = varying}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.cross_entropy_grad %x, %t, %l, %d : (tensor<2x4x6xf32>, tensor<2x4xi32>, tensor<2x4xf32>, tensor<f32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @cross_entropy_grad_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %t: tensor<2x4xi32>, %l: tensor<2x4xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<f32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.cross_entropy_grad %x, %t, %l, %d : (tensor<2x4x6xf32>, tensor<2x4xi32>, tensor<2x4xf32>, tensor<f32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @attention_1(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r0, %r1 = nn.attention %q, %k, %k {scale = 1.0} : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x6x4xf32>)
  return %r0, %r1 : tensor<2x4x6x8xf32>, tensor<2x6x4xf32>
}
func.func @attention_2(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r0, %r1 = nn.attention %q, %k, %k : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x6x4xf32>)
  return %r0, %r1 : tensor<2x4x6x8xf32>, tensor<2x6x4xf32>
}
func.func @attention_3(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %k: tensor<2x5x1x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r0, %r1 = nn.attention %q, %k, %k : (tensor<2x4x6x8xf32>, tensor<2x5x1x8xf32>, tensor<2x5x1x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x6x4xf32>)
  return %r0, %r1 : tensor<2x4x6x8xf32>, tensor<2x6x4xf32>
}
func.func @attention_4(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r0, %r1 = nn.attention %q, %k, %k : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x6x4xf32>)
  return %r0, %r1 : tensor<2x4x6x8xf32>, tensor<2x6x4xf32>
}
func.func @attention_grad_1(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %y: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %l: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %d: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r0, %r1, %r2 = nn.attention_grad %q, %k, %k, %y, %l, %d : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>, tensor<2x4x6x8xf32>, tensor<2x6x4xf32>, tensor<2x4x6x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>)
  return %r0, %r1, %r2 : tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>
}
func.func @attention_grad_2(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %y: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %l: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r0, %r1, %r2 = nn.attention_grad %q, %k, %k, %y, %l, %d : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>, tensor<2x4x6x8xf32>, tensor<2x6x4xf32>, tensor<2x4x6x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>)
  return %r0, %r1, %r2 : tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>
}
func.func @attention_grad_3(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %k: tensor<2x5x1x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %y: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %l: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, tensor<2x5x1x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, tensor<2x5x1x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r0, %r1, %r2 = nn.attention_grad %q, %k, %k, %y, %l, %d : (tensor<2x4x6x8xf32>, tensor<2x5x1x8xf32>, tensor<2x5x1x8xf32>, tensor<2x4x6x8xf32>, tensor<2x6x4xf32>, tensor<2x4x6x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x5x1x8xf32>, tensor<2x5x1x8xf32>)
  return %r0, %r1, %r2 : tensor<2x4x6x8xf32>, tensor<2x5x1x8xf32>, tensor<2x5x1x8xf32>
}
func.func @attention_grad_4(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %y: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %l: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %d: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r0, %r1, %r2 = nn.attention_grad %q, %k, %k, %y, %l, %d : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>, tensor<2x4x6x8xf32>, tensor<2x6x4xf32>, tensor<2x4x6x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>)
  return %r0, %r1, %r2 : tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>
}
func.func @attention_grad_5(%q: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %k: tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %y: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %l: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, tensor<2x5x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r0, %r1, %r2 = nn.attention_grad %q, %k, %k, %y, %l, %d : (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>, tensor<2x4x6x8xf32>, tensor<2x6x4xf32>, tensor<2x4x6x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>)
  return %r0, %r1, %r2 : tensor<2x4x6x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32>
}
func.func @rotary_1(%x: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.rotary %x : (tensor<2x4x6x8xf32>) -> tensor<2x4x6x8xf32>
  return %r : tensor<2x4x6x8xf32>
}
func.func @rotary_2(%x: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.rotary %x : (tensor<2x4x6x8xf32>) -> tensor<2x4x6x8xf32>
  return %r : tensor<2x4x6x8xf32>
}
func.func @rotary_3(%x: tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.rotary %x : (tensor<2x4x6x8xf32>) -> tensor<2x4x6x8xf32>
  return %r : tensor<2x4x6x8xf32>
}
func.func @dropout_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %k: i64) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.dropout %x key(%k) {p = 0.5, site = 0 : i64} : (tensor<2x4x6xf32>, i64) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @dropout_part_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.dropout %x over ["tensor"] dim(0) {p = 0.5, site = 0 : i64} : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @dropout_part_2(%x: tensor<2x3x5xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x3x5xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.dropout %x over ["tensor"] dim(1) {p = 0.5, site = 0 : i64} : (tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %r : tensor<2x3x5xf32>
}
func.func @dropout_part_3(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"data" = varying(2), "tensor" = varying(2)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"data" = varying(2), "tensor" = varying(2)}>}) {
  %r = nn.dropout %x over ["data", "tensor"] dim(2) {p = 0.5, site = 0 : i64} : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// A part of what repeats is equal on all coordinates, until elements are dropped.
func.func @dropout_part_4() -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %one = arith.constant dense<1.0> : tensor<2x4x6xf32>
  %r = nn.dropout %one over ["tensor"] dim(1) {p = 0.5, site = 0 : i64} : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @dropout_2(%x: tensor<2x4x6xf32>, %k: i64) -> (tensor<2x4x6xf32>) {
  %r = nn.dropout %x key(%k) {p = 0.5, site = 0 : i64} : (tensor<2x4x6xf32>, i64) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @mix_key_1(%k: i64) -> (i64) {
  %r = nn.mix_key %k {salt = 1 : i64} : (i64) -> i64
  return %r : i64
}
func.func @cast_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xbf16> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.cast %x : (tensor<2x4x6xf32>) -> tensor<2x4x6xbf16>
  return %r : tensor<2x4x6xbf16>
}
func.func @cast_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xi32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.cast %x : (tensor<2x4x6xf32>) -> tensor<2x4x6xi32>
  return %r : tensor<2x4x6xi32>
}
func.func @add_1(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.add %a, %b : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// A row is cut along its own dimension 0.
func.func @add_2(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.add %a, %b : (tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @sub_1(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.sub %a, %b : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// A row is cut along its own dimension 0.
func.func @sub_2(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.sub %a, %b : (tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @mul_1(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.mul %a, %b : (tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @div_1(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.div %a, %b : (tensor<2x4x6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @gelu_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.gelu %x : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @gelu_grad_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.gelu_grad %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @gelu_grad_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.gelu_grad %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @silu_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.silu %x : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @silu_grad_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.silu_grad %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @silu_grad_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.silu_grad %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @relu_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.relu %x : (tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @relu_grad_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.relu_grad %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @relu_grad_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %d: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.relu_grad %x, %d : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @broadcast_1(%x: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.broadcast %x : (tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @broadcast_2(%x: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.broadcast %x : (tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// What repeats is part of what repeats.
func.func @broadcast_3(%x: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.broadcast %x : (tensor<6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// Heads: blocks of a dimension are blocks of its outer factor.
func.func @reshape_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x3x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.reshape %x : (tensor<2x4x6xf32>) -> tensor<2x4x3x2xf32>
  return %r : tensor<2x4x3x2xf32>
}
func.func @reshape_2(%x: tensor<2x4x3x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.reshape %x : (tensor<2x4x3x2xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
// One head a coordinate.
func.func @reshape_3(%x: tensor<2x4x1x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x4x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) {
  %r = nn.reshape %x : (tensor<2x4x1x2xf32>) -> tensor<2x4x2xf32>
  return %r : tensor<2x4x2xf32>
}
func.func @reshape_4(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.reshape %x : (tensor<2x4x6xf32>) -> tensor<8x6xf32>
  return %r : tensor<8x6xf32>
}
// Rows of two sequences: parts of each of two blocks.
func.func @reshape_5(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0, 2)}>}) {
  %r = nn.reshape %x : (tensor<2x4x6xf32>) -> tensor<8x6xf32>
  return %r : tensor<8x6xf32>
}
func.func @reshape_6(%x: tensor<8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0, 2)}>}) -> (tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.reshape %x : (tensor<8x6xf32>) -> tensor<2x4x6xf32>
  return %r : tensor<2x4x6xf32>
}
func.func @reshape_7(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.reshape %x : (tensor<4x6xf32>) -> tensor<3x8xf32>
  return %r : tensor<3x8xf32>
}
func.func @reshape_8(%x: tensor<2x6x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x3x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.reshape %x : (tensor<2x6x4xf32>) -> tensor<2x3x8xf32>
  return %r : tensor<2x3x8xf32>
}
// Parts of size 1 that the result has not as a dimension end its last one: of
// which of two dimensions of size 1 they are parts makes no difference.
func.func @reshape_9(%x: tensor<2x1x1xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(2)}>}) -> (tensor<2x1xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  %r = nn.reshape %x : (tensor<2x1x1xf32>) -> tensor<2x1xf32>
  return %r : tensor<2x1xf32>
}
func.func @reshape_10(%x: tensor<4x1xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0, 4)}>}) {
  %r = nn.reshape %x : (tensor<4x1xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
func.func @transpose_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<4x6x2xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.transpose %x permutation = [1, 2, 0] : (tensor<2x4x6xf32>) -> tensor<4x6x2xf32>
  return %r : tensor<4x6x2xf32>
}
func.func @transpose_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<4x6x2xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.transpose %x permutation = [1, 2, 0] : (tensor<2x4x6xf32>) -> tensor<4x6x2xf32>
  return %r : tensor<4x6x2xf32>
}
func.func @slice_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.slice %x offsets = [0, 1, 0] sizes = [2, 2, 6] : (tensor<2x4x6xf32>) -> tensor<2x2x6xf32>
  return %r : tensor<2x2x6xf32>
}
func.func @pad_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.pad %x low = [0, 1, 0] high = [0, 0, 0] : (tensor<2x4x6xf32>) -> tensor<2x5x6xf32>
  return %r : tensor<2x5x6xf32>
}
func.func @concatenate_1(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %b: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = nn.concatenate %a, %b {axis = 1 : i64} : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x8x6xf32>
  return %r : tensor<2x8x6xf32>
}
func.func @split_1(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<2x1x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, tensor<2x3x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r0, %r1 = nn.split %x sizes = [1, 3] {axis = 1 : i64} : (tensor<2x4x6xf32>) -> (tensor<2x1x6xf32>, tensor<2x3x6xf32>)
  return %r0, %r1 : tensor<2x1x6xf32>, tensor<2x3x6xf32>
}
func.func @slice_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x2x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.slice %x offsets = [0, 1, 0] sizes = [2, 2, 6] : (tensor<2x4x6xf32>) -> tensor<2x2x6xf32>
  return %r : tensor<2x2x6xf32>
}
func.func @pad_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x5x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.pad %x low = [0, 1, 0] high = [0, 0, 0] : (tensor<2x4x6xf32>) -> tensor<2x5x6xf32>
  return %r : tensor<2x5x6xf32>
}
func.func @concatenate_2(%a: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x8x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = nn.concatenate %a, %b {axis = 1 : i64} : (tensor<2x4x6xf32>, tensor<2x4x6xf32>) -> tensor<2x8x6xf32>
  return %r : tensor<2x8x6xf32>
}
func.func @split_2(%x: tensor<2x4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<2x1x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, tensor<2x3x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r0, %r1 = nn.split %x sizes = [1, 3] {axis = 1 : i64} : (tensor<2x4x6xf32>) -> (tensor<2x1x6xf32>, tensor<2x3x6xf32>)
  return %r0, %r1 : tensor<2x1x6xf32>, tensor<2x3x6xf32>
}
func.func @addf_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = arith.addf %a, %b : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @subf_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = arith.subf %a, %b : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @mulf_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = arith.mulf %a, %b : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @divf_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = arith.divf %a, %b : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @negf_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = arith.negf %a : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @select_1(%c: tensor<6xi1>, %a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = arith.select %c, %a, %b : tensor<6xi1>, tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @fma_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %c: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %r = math.fma %a, %b, %c : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @exp_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = math.exp %a : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @detach_1(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = constant}>}) {
  %r = comm.detach %a : tensor<6xf32>
  return %r : tensor<6xf32>
}
func.func @detach_2(%a: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %r = comm.detach %a : tensor<6xf32>
  return %r : tensor<6xf32>
}
// Constants fit anything but sums of summands; zeros fit those as well.
func.func @constant(%x: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %c: tensor<6xi1>, %p: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  %two = arith.constant dense<2.0> : tensor<6xf32>
  %zero = arith.constant dense<0.0> : tensor<6xf32>
  %y = arith.mulf %x, %two : tensor<6xf32>
  %z = arith.select %c, %p, %zero : tensor<6xi1>, tensor<6xf32>
  return %y, %z : tensor<6xf32>, tensor<6xf32>
}
// An op that has no rule takes what is alike.
func.func @no_rule(%x: tensor<6xf32>, %y: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) -> (tensor<6xi32>, tensor<6xi32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  %a = tensor.bitcast %x : tensor<6xf32> to tensor<6xi32>
  %b = tensor.bitcast %y : tensor<6xf32> to tensor<6xi32>
  return %a, %b : tensor<6xi32>, tensor<6xi32>
}
// A call takes and gives what its callee declares.
func.func private @callee(tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>})
func.func @call(%x: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  %y = func.call @callee(%x) : (tensor<6xf32>) -> tensor<6xf32>
  return %y : tensor<6xf32>
}
