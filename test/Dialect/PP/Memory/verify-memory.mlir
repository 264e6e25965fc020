// RUN: pp-opt %s -pp-verify-memory -split-input-file -verify-diagnostics

// A correct plan, as pp-plan-memory writes it.
func.func private @stage0.forward(%w: tensor<32xf32> {pp.param = "w"}) -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 64 : i64}
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.parameters = {w = 0 : i64}} {
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 128>, pp.workspace_offset = 256 : i64} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 1: every buffer has an offset.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found no offset of its result 0 in pp.offsets, expected one; run pp-plan-memory}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 1: aligned.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found its result 0 at offset 32, expected a multiple of 64}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 32>} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 1: inside the arena.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 64 : i64}} {
  // expected-error@+1 {{found its result 0 at [0, 128), expected it inside the arena of 64 bytes}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 2: a value that is still being sent is overwritten.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.channel @p0_to_p1 from(0) to(1)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found its result 0 at [0, 128), which overlaps result 0 of 'pp.run' at [64, 192), expected buffers that are live together to be disjoint; run pp-plan-memory again}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  %t = pp.isend %y channel(@p0_to_p1) value("y") mb(0) tag(0) : tensor<32xf32>
  // expected-note@+1 {{the other buffer is needed here}}
  %z = pp.run F stage(0) mb(1) @stage0.forward() {pp.offsets = array<i64: 64>} : () -> tensor<32xf32>
  pp.wait_send %t, %y : tensor<32xf32>
  pp.return
}

// -----

// The same places are right once the transfer is complete.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.channel @p0_to_p1 from(0) to(1)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  %t = pp.isend %y channel(@p0_to_p1) value("y") mb(0) tag(0) : tensor<32xf32>
  pp.wait_send %t, %y : tensor<32xf32>
  %z = pp.run F stage(0) mb(1) @stage0.forward() {pp.offsets = array<i64: 64>} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 2, in a stage's workspace: the callee's temporaries over its result.
func.func private @layer(tensor<32xf32>) -> tensor<32xf32> attributes {pp.workspace = 64 : i64}
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"})
    attributes {pp.workspace = 192 : i64} {
  // expected-error@+2 {{found its workspace at [64, 128), which overlaps result 0 of 'func.call' at [0, 128), expected buffers that are live together to be disjoint}}
  // expected-note@+1 {{the other buffer is needed here}}
  %a = func.call @layer(%x) {pp.offsets = array<i64: 0>, pp.workspace_offset = 64 : i64} : (tensor<32xf32>) -> tensor<32xf32>
  %y = func.call @layer(%a) {pp.workspace_offset = 128 : i64} : (tensor<32xf32>) -> tensor<32xf32>
  return %y : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)

// -----

// Constraint 3: an accumulator with the last step's sum in it.
func.func private @stage0.backward(%acc: tensor<32xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<32xf32> {pp.accumulates = 0 : i64}) attributes {pp.workspace = 0 : i64}
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.gradients = {w = array<i64: 0>}} {
  // expected-error@+1 {{adds to the gradient of use 0 of 'w', which this step has not cleared, expected pp.zero_gradient before it}}
  pp.run B stage(0) mb(0) @stage0.backward() : () -> ()
  pp.return
}

// -----

// A stage whose workspace was never planned.
func.func private @layer(tensor<32xf32>) -> tensor<32xf32> attributes {pp.workspace = 0 : i64}
// expected-error@+1 {{found no pp.workspace, expected the bytes of the stage's workspace; run pp-plan-memory}}
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}) {
  %y = func.call @layer(%x) {pp.offsets = array<i64: -1>, pp.workspace_offset = 0 : i64} : (tensor<32xf32>) -> tensor<32xf32>
  return %y : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)

// -----

// Constraint 5: as many micro-batches as the schedule has.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0F1"]
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found micro-batch 2, expected a number below the 2 micro-batches of the schedule}}
  %y = pp.run F stage(0) mb(2) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 6: states of what the program updates.
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.state @w.m "m" of @w : tensor<32xf32> init(#nn.zeros)
pp.state @w.v "v" of @w : tensor<32xf32> init(#nn.zeros)
// expected-error@+1 {{found no offset of the state 'w.m' in pp.states, expected one; run pp-plan-memory}}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64, optimizer = 256 : i64}, pp.gradients = {w = array<i64: 0>}, pp.parameters = {w = 128 : i64}} {
  pp.zero_gradient @w use(0)
  %g = pp.load_gradient @w use(0) : tensor<32xf32>
  pp.update @w, %g : tensor<32xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.state @w.m "m" of @w : tensor<32xf32> init(#nn.zeros)
pp.state @w.v "v" of @w : tensor<32xf32> init(#nn.zeros)
// expected-error@+2 {{found its state 'w.m' at [0, 128), which overlaps state 'w.v' of 'pp.program' at [64, 192), expected buffers that are live together to be disjoint; run pp-plan-memory again}}
// expected-note@+1 {{the other buffer is needed here}}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64, optimizer = 256 : i64}, pp.gradients = {w = array<i64: 0>}, pp.parameters = {w = 128 : i64}, pp.states = {w.m = 0 : i64, w.v = 64 : i64}} {
  pp.zero_gradient @w use(0)
  %g = pp.load_gradient @w use(0) : tensor<32xf32>
  pp.update @w, %g : tensor<32xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<32xbf16> init(#nn.zeros)
pp.state @w.master "master" of @w : tensor<32xf32>
// expected-error@+1 {{found its state 'w.master' at [64, 192), expected it inside the area of states of 128 bytes}}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64, optimizer = 128 : i64}, pp.gradients = {w = array<i64: 0>}, pp.parameters = {w = 128 : i64}, pp.states = {w.master = 64 : i64}} {
  pp.zero_gradient @w use(0)
  %g = pp.load_gradient @w use(0) : tensor<32xf32>
  pp.update @w, %g : tensor<32xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  pp.zero_gradient @w use(0)
  %g = pp.load_gradient @w use(0) : tensor<32xf32>
  pp.update @w, %g : tensor<32xf32>
  // expected-error@+1 {{updates 'w' again, expected one update of each parameter in a step}}
  pp.update @w, %g : tensor<32xf32>
  pp.return
}

// -----

// Sums of bytes have to fit 64 bits.
func.func private @stage0.forward() -> (tensor<281474976710656xf64> {pp.value = "y"}) attributes {pp.workspace = 1152921504606846976 : i64}
// expected-error@+1 {{found buffers of more than 2^60 bytes, expected what a machine holds; use smaller micro-batches or smaller parameters}}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<281474976710656xf64>
  pp.return
}

// -----

func.func private @layer(tensor<281474976710656xf64>) -> tensor<281474976710656xf64> attributes {pp.workspace = 1152921504606846976 : i64}
// expected-error@+1 {{found values of more than 2^60 bytes, expected what a machine holds; use smaller micro-batches}}
func.func private @stage0.forward(%x: tensor<281474976710656xf64> {pp.value = "x"}) -> (tensor<281474976710656xf64> {pp.value = "y"}) {
  %a = func.call @layer(%x) : (tensor<281474976710656xf64>) -> tensor<281474976710656xf64>
  %y = func.call @layer(%a) : (tensor<281474976710656xf64>) -> tensor<281474976710656xf64>
  return %y : tensor<281474976710656xf64>
}
pp.stage 0 forward(@stage0.forward)

// -----

// expected-error@+1 {{found several blocks, expected a stage function with one that ends with func.return}}
func.func private @stage0.forward(%x: tensor<32xf32> {pp.value = "x"}) -> (tensor<32xf32> {pp.value = "y"}) {
  cf.br ^end
^end:
  return %x : tensor<32xf32>
}
pp.stage 0 forward(@stage0.forward)
