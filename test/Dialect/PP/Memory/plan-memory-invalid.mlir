// RUN: pp-opt %s -pp-plan-memory="limit=300" -split-input-file -verify-diagnostics

// A layer function that has not been lowered.
func.func private @embed.forward(tensor<32xf32>) -> tensor<32xf32>
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}) {
  // expected-error@+1 {{found layer function 'embed.forward' without pp.workspace, expected the bytes of its temporaries; run pp-lower-layers first}}
  %y = func.call @embed.forward(%x) : (tensor<32xf32>) -> tensor<32xf32>
  return %y : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)

// -----

// A computation outside of layer functions.
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}) {
  // expected-error@+1 {{found a tensor computed in a stage function, expected calls of layer functions only; move the op into a function of its own}}
  %y = arith.addf %x, %x : tensor<32xf32>
  return %y : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)

// -----

// An accumulator that somebody reads after it was updated in place.
func.func private @add(tensor<32xf32>, tensor<32xf32>) -> (tensor<32xf32> {pp.accumulates = 0 : i64}) attributes {pp.workspace = 0 : i64}
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}, tensor<32xf32> {pp.value = "z"}) {
  // expected-error@+1 {{adds into operand 0, which is read again later, expected its last use; accumulators are updated in place}}
  %y = func.call @add(%x, %x) : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
  // expected-note@+1 {{read here}}
  %z = func.call @add(%x, %y) : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
  return %y, %z : tensor<32xf32>, tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)

// -----

func.func private @add(tensor<32xf32>, tensor<32xf32>) -> (tensor<32xf32> {pp.accumulates = 0 : i64}) attributes {pp.workspace = 0 : i64}
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}) {
  %c = arith.constant dense<0.0> : tensor<32xf32>
  // expected-error@+1 {{adds into a constant as operand 0, expected an accumulator that may be written}}
  %y = func.call @add(%c, %x) : (tensor<32xf32>, tensor<32xf32>) -> tensor<32xf32>
  return %y : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)

// -----

// More memory than allowed.
func.func private @layer(tensor<32xf32>) -> tensor<32xf32> attributes {pp.workspace = 0 : i64}
func.func private @stage0.forward(%w: tensor<32xf32> {pp.param = "w"}) -> (tensor<32xf32> {pp.value = "y"}) {
  %y = func.call @layer(%w) : (tensor<32xf32>) -> tensor<32xf32>
  return %y : tensor<32xf32>
}
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.stage 0 forward(@stage0.forward)
// expected-error@+1 {{found 384 bytes (arena 384, optimizer 0), expected at most 300; use more ranks, recompute layers in backward or fewer micro-batches in flight}}
pp.program @pipe0 pipe(0) {
  %y = pp.run F stage(0) mb(0) @stage0.forward() : () -> tensor<32xf32>
  %z = pp.run F stage(0) mb(1) @stage0.forward() : () -> tensor<32xf32>
  %t = pp.isend %y channel(@p0_to_p1) value("y") mb(0) tag(0) : tensor<32xf32>
  pp.wait_send %t, %y : tensor<32xf32>
  pp.return
}
pp.channel @p0_to_p1 from(0) to(1)

// -----

// The function of an action is not the function of a stage: nobody planned it.
func.func private @forward(%x: tensor<32xf32> {pp.param = "w"}) -> (tensor<32xf32> {pp.value = "y"})
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) {
  // expected-error@+1 {{found stage function 'forward' without pp.workspace, expected the bytes of its workspace; run pp-plan-memory on the module}}
  %y = pp.run F stage(0) mb(0) @forward() : () -> tensor<32xf32>
  pp.return
}

