// On the axis of replicas functions declare nothing: values are each coordinate's
// own, gradients are summands, and programs make the sums.
// RUN: split-file %s %t
// RUN: pp-opt %t/cut.mlir --comm-verify-distribution -o /dev/null
// RUN: pp-opt %t/whole.mlir --comm-verify-distribution -o /dev/null
// RUN: not pp-opt %t/forgotten.mlir --comm-verify-distribution 2>&1 | FileCheck %t/forgotten.mlir
// RUN: not pp-opt %t/twice.mlir --comm-verify-distribution 2>&1 | FileCheck %t/twice.mlir
// RUN: not pp-opt %t/gathered.mlir --comm-verify-distribution 2>&1 | FileCheck %t/gathered.mlir
// RUN: not pp-opt %t/own.mlir --comm-verify-distribution 2>&1 | FileCheck %t/own.mlir
// RUN: not pp-opt %t/activation.mlir --comm-verify-distribution 2>&1 | FileCheck %t/activation.mlir

//--- cut.mlir
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<64xf32> piece(32) cut init(#nn.zeros)
func.func private @f(tensor<64xf32> {pp.param = "w"}) -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<8xf32> {pp.value = "r"})
func.func private @b(tensor<8xf32> {pp.value = "r"}, tensor<64xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<64xf32> {pp.accumulates = 1 : i64})
pp.program @pipe0 pipe(0) {
  %p = pp.load_piece @w : tensor<32xf32>
  %pb, %pt = pp.start all_gather %p over ["data"] value("w") : tensor<32xf32> -> tensor<64xf32>
  pp.zero_gradient @w use(0)
  %w = pp.finish %pt, %p, %pb : tensor<32xf32> -> tensor<64xf32>
  pp.store_parameter @w, %w : tensor<64xf32>
  %loss, %r = pp.run F stage(0) mb(0) @f() : () -> (tensor<f32>, tensor<8xf32>)
  pp.loss %loss mb(0) : tensor<f32>
  pp.run B stage(0) mb(0) @b(%r) : (tensor<8xf32>) -> ()
  %first = pp.load_gradient @w use(0) : tensor<64xf32>
  %copy = pp.copy_gradient @w, %first : tensor<64xf32>
  pp.zero_gradient @w use(0)
  %g = pp.load_gradient @w use(0) : tensor<64xf32>
  %sum = pp.reduce_gradients @w(%copy, %g) : tensor<64xf32>
  %b, %t = pp.start reduce_scatter %sum over ["data"] value("g") : tensor<64xf32> -> tensor<32xf32>
  %piece = pp.finish %t, %sum, %b : tensor<64xf32> -> tensor<32xf32>
  pp.grad_norm @w, %piece : tensor<32xf32>
  pp.all_reduce_report
  pp.update @w, %piece : tensor<32xf32>
  %own = pp.load_piece @w : tensor<32xf32>
  pp.store_piece @w, %own : tensor<32xf32>
  pp.return
}

//--- whole.mlir
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<64xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<64xf32>
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<64xf32> -> tensor<64xf32>
  %sum = pp.finish %t, %g, %b : tensor<64xf32> -> tensor<64xf32>
  pp.grad_norm @w, %sum : tensor<64xf32>
  pp.all_reduce_report
  pp.update @w, %sum : tensor<64xf32>
  pp.return
}

//--- forgotten.mlir
// CHECK: error: the gradient on axis "data": found partial, expected invariant: sum it with pp.start all_reduce over ["data"]
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<64xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<64xf32>
  pp.grad_norm @w, %g : tensor<64xf32>
  pp.all_reduce_report
  pp.update @w, %g : tensor<64xf32>
  pp.return
}

//--- twice.mlir
// CHECK: error: 'pp.start' op on axis "data": found operand #0 invariant, expected partial: it is whole on every coordinate; drop the op
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<64xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<64xf32>
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<64xf32> -> tensor<64xf32>
  %sum = pp.finish %t, %g, %b : tensor<64xf32> -> tensor<64xf32>
  %b2, %t2 = pp.start all_reduce %sum over ["data"] value("h") : tensor<64xf32> -> tensor<64xf32>
  %more = pp.finish %t2, %sum, %b2 : tensor<64xf32> -> tensor<64xf32>
  pp.grad_norm @w, %more : tensor<64xf32>
  pp.all_reduce_report
  pp.update @w, %more : tensor<64xf32>
  pp.return
}

//--- gathered.mlir
// Pieces of summands are no pieces of the sum, whatever their type.
// CHECK: error: 'pp.start' op on axis "data": found operand #0 partial, expected varying(0): it is a summand; sum it, or drop the op
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<32xf32> piece(32) init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<32xf32>
  %b, %t = pp.start all_gather %g over ["data"] value("g") : tensor<32xf32> -> tensor<32xf32>
  %sum = pp.finish %t, %g, %b : tensor<32xf32> -> tensor<32xf32>
  pp.grad_norm @w, %sum : tensor<32xf32>
  pp.all_reduce_report
  pp.update @w, %sum : tensor<32xf32>
  pp.return
}

//--- own.mlir
// The own piece is not the parameter.
// CHECK: error: the new value on axis "data": found varying(0), expected invariant
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<32xf32> piece(32) cut init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  %p = pp.load_piece @w : tensor<32xf32>
  pp.store_parameter @w, %p : tensor<32xf32>
  pp.return
}

//--- activation.mlir
// A value of each replica is no summand of a gradient's.
// CHECK: error: operand #0, value "r", on axis "data": found invariant, expected varying
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
func.func private @b(tensor<8xf32> {pp.value = "r"})
pp.program @pipe0 pipe(0) {
  %g = pp.load_gradient @w use(0) : tensor<8xf32>
  %b, %t = pp.start all_reduce %g over ["data"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %sum = pp.finish %t, %g, %b : tensor<8xf32> -> tensor<8xf32>
  pp.run B stage(0) mb(0) @b(%sum) : (tensor<8xf32>) -> ()
  pp.return
}
