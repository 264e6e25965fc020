// RUN: pp-opt %s -pp-verify-memory -split-input-file -verify-diagnostics

// A correct plan, as pp-plan-memory writes it.
func.func private @stage0.forward(%w: tensor<32xf32> {pp.param = "w"}) -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 64 : i64}
pp.parameter @w : tensor<32xf32> init(#nn.zeros)
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 320 : i64}, pp.parameters = {w = 0 : i64}} {
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 128>, pp.workspace_offset = 256 : i64} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 1: every buffer has an offset.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found no offset of its result 0 in pp.offsets, expected one; run pp-plan-memory}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 1: aligned.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found its result 0 at offset 32, expected a multiple of 64}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 32>} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 1: inside the arena.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 64 : i64}} {
  // expected-error@+1 {{found its result 0 at [0, 128), expected it inside the arena of 64 bytes}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  pp.return
}

// -----

// Constraint 2: a value that is still being sent is overwritten.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.channel @r0_to_r1 from(0) to(1)
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 320 : i64}} {
  // expected-error@+1 {{found its result 0 at [0, 128), which overlaps result 0 of 'pp.run' at [64, 192), expected buffers that are live together to be disjoint; run pp-plan-memory again}}
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  %t = pp.isend %y channel(@r0_to_r1) value("y") mb(0) tag(0) : tensor<32xf32>
  // expected-note@+1 {{the other buffer is needed here}}
  %z = pp.run F stage(0) mb(1) @stage0.forward() {pp.offsets = array<i64: 64>} : () -> tensor<32xf32>
  pp.wait_send %t, %y : tensor<32xf32>
  pp.return
}

// -----

// The same places are right once the transfer is complete.
func.func private @stage0.forward() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.channel @r0_to_r1 from(0) to(1)
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 320 : i64}} {
  %y = pp.run F stage(0) mb(0) @stage0.forward() {pp.offsets = array<i64: 0>} : () -> tensor<32xf32>
  %t = pp.isend %y channel(@r0_to_r1) value("y") mb(0) tag(0) : tensor<32xf32>
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
pp.program @rank0 rank(0) attributes {pp.memory = {arena = 320 : i64}, pp.gradients = {w = array<i64: 0>}} {
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
