What the op examples of docs/PP.md stand in.
// For: pp.layer pp.mesh pp.parameter pp.input pp.channel pp.state pp.optimizer pp.load_piece pp.store_piece
EXAMPLE
// For: pp.model
pp.layer @embed(%t: tensor<4x128xi32>) params(%w: tensor<256x256xf32>) -> tensor<4x128x256xf32> {
  %x = nn.embedding %t, %w : (tensor<4x128xi32>, tensor<256x256xf32>) -> tensor<4x128x256xf32>
  pp.yield %x : tensor<4x128x256xf32>
}
pp.layer @head(%x: tensor<4x128x256xf32>, %t: tensor<4x128xi32>) -> tensor<f32> {
  %loss, %lse = nn.cross_entropy %x, %t : (tensor<4x128x256xf32>, tensor<4x128xi32>) -> (tensor<f32>, tensor<4x128xf32>)
  pp.yield %loss : tensor<f32>
}
EXAMPLE
// For: pp.apply pp.param
pp.layer @block(%x: tensor<4x8xf32>) params(%w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %y = nn.reduce_mean %x axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<8x8xf32> init(#nn.zeros)
  EXAMPLE
  %loss = pp.apply @loss(%x) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
// For: pp.stage pp.schedule
func.func private @stage1.forward() -> (tensor<f32> {pp.value = "loss", pp.loss})
func.func private @stage1.backward()
EXAMPLE
// For: pp.program
func.func private @f() -> (tensor<8xf32> {pp.value = "y"}, tensor<8xf32> {pp.value = "r"})
func.func private @b(tensor<8xf32> {pp.value = "r"})
EXAMPLE
// For: pp.grad_norm pp.update
pp.parameter @wte.weight : tensor<256x64xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @wte.weight use(0) : tensor<256x64xf32>
  EXAMPLE
  pp.return
}
// For: pp.start
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.parameter @wte : tensor<256x64xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @wte use(0) : tensor<256x64xf32>
  EXAMPLE
  pp.return
}
// For: pp.finish
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
func.func private @make() -> (tensor<4x8xf32> {pp.value = "x"})
pp.program @pipe0 pipe(0) {
  %x = pp.run F stage(0) mb(0) @make() : () -> tensor<4x8xf32>
  EXAMPLE
  pp.return
}
// For: pp.reduce_gradients pp.store_parameter
pp.parameter @wte.weight : tensor<256x64xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g0 = pp.load_gradient @wte.weight use(0) : tensor<256x64xf32>
  %g1 = pp.load_gradient @wte.weight use(1) : tensor<256x64xf32>
  %new = pp.load_parameter @wte.weight : tensor<256x64xf32>
  EXAMPLE
  pp.return
}
// For: pp.begin_loop pp.copy_gradient pp.end_loop pp.all_reduce_report pp.irecv pp.isend pp.load_gradient pp.load_parameter pp.loss pp.loss_weight pp.run pp.wait pp.wait_send pp.zero_gradient
pp.parameter @wte.weight : tensor<256x64xf32> init(#nn.zeros)
pp.channel @p0_to_p1 from(0) to(1)
pp.channel @p1_to_p0 from(1) to(0)
func.func private @b()
func.func private @make() -> (tensor<4x8xf32> {pp.value = "y"}, tensor<f32> {pp.value = "loss", pp.loss}, tensor<f32> {pp.value = "weight", pp.loss_weight})
func.func private @stage1.forward(tensor<4x8xf32> {pp.value = "y"}) -> (tensor<4x8xf32> {pp.value = "z"}, tensor<4x8xf32> {pp.value = "res"})
pp.program @pipe1 pipe(1) {
  %x, %loss, %weight = pp.run F stage(0) mb(0) @make() : () -> (tensor<4x8xf32>, tensor<f32>, tensor<f32>)
  EXAMPLE
  pp.return
}
