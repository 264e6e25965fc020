// RUN: pp-opt %s -pp-plan-memory -split-input-file -verify-diagnostics

// What has no size has no place.
pp.channel @to1 from(0) to(1)
pp.program @pipe1 pipe(1) {
  // expected-error@+1 {{found a value of type 'tensor<8xindex>' in a rank program, expected a statically shaped tensor of integers or floats; memory is planned before the program runs}}
  %b, %t = pp.irecv channel(@to1) value("x") mb(0) tag(0) : tensor<8xindex>
  %x = pp.wait %t, %b : tensor<8xindex>
  pp.return
}

// -----

// expected-error@+1 {{found no body, expected a stage function with calls of layer functions}}
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"})
pp.stage 0 forward(@stage0.forward)

// -----

func.func private @layer(tensor<32xf32>) -> (tensor<32xf32>, tensor<8xindex>) attributes {pp.workspace = 0 : i64}
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}) {
  // expected-error@+1 {{found a result of type 'tensor<8xindex>', expected a statically shaped tensor of integers or floats}}
  %y, %z = func.call @layer(%x) : (tensor<32xf32>) -> (tensor<32xf32>, tensor<8xindex>)
  return %y : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)
