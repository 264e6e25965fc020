// RUN: pp-opt %s -split-input-file -verify-diagnostics

// Constraint 7 of pp.program: evaluations run forward actions alone.
func.func private @b() -> ()
pp.program @evaluation pipe(0) evaluates([]) {
  // expected-error @+1 {{found B in a program that evaluates, expected F alone: it trains nothing}}
  pp.run B stage(0) mb(0) @b() : () -> ()
  pp.return
}

// -----

// They leave parameters as they are.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.program @evaluation pipe(0) evaluates([@w]) {
  // expected-error @+1 {{found in a program that evaluates, expected forward actions and gathers of parameters alone: parameters stay as the step left them}}
  pp.zero_gradient @w use(0)
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.program @evaluation pipe(0) evaluates([@w]) {
  // expected-error @+1 {{found in a program that evaluates, expected forward actions and gathers}}
  %g = pp.load_gradient @w use(0) : tensor<8xf32>
  pp.update @w, %g : tensor<8xf32>
  pp.return
}

// -----

// What is stored is gathered, not received.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(1) to(0)
pp.program @evaluation pipe(0) evaluates([@w]) {
  %b, %t = pp.irecv channel(@c) value("w") tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  // expected-error @+1 {{found in a program that evaluates, expected forward actions and gathers}}
  pp.store_parameter @w, %x : tensor<8xf32>
  pp.return
}

// -----

// Of pieces of the same parameter.
pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
pp.parameter @w : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.parameter @v : tensor<64xf32> piece(32) cut init(#nn.zeros)
pp.program @evaluation pipe(0) evaluates([@v, @w]) {
  %p = pp.load_piece @v : tensor<32xf32>
  %b, %t = pp.start all_gather %p over ["data"] value("v") : tensor<32xf32> -> tensor<64xf32>
  %v = pp.finish %t, %p, %b : tensor<32xf32> -> tensor<64xf32>
  // expected-error @+1 {{found in a program that evaluates, expected forward actions and gathers}}
  pp.store_parameter @w, %v : tensor<64xf32>
  pp.return
}
