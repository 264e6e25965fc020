// RUN: pp-opt %s -pp-verify-memory -split-input-file -verify-diagnostics

// Two micro-batches in flight in two slots that take turns.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 64 : i64}
func.func private @b(%y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0, 128>}, pp.workspaces = {f = array<i64: 256>}} {
  %y0 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(1) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(0) @b(%y0) : (tensor<32xf32>) -> ()
  pp.end_loop
  pp.run B stage(0) mb(9) @b(%y1) : (tensor<32xf32>) -> ()
  pp.return
}

// -----

// One slot is not enough.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
func.func private @b(%y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0>}} {
  // expected-error@+2 {{found its result 0 of micro-batch 0 at [0, 128), which overlaps result 0 of micro-batch 1 at [0, 128) of 'pp.run', expected buffers that are live together to be disjoint; run pp-plan-memory again}}
  // expected-note@+1 {{the other buffer is needed here}}
  %y0 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(1) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(0) @b(%y0) : (tensor<32xf32>) -> ()
  pp.end_loop
  pp.run B stage(0) mb(9) @b(%y1) : (tensor<32xf32>) -> ()
  pp.return
}

// -----

// A slot of the ring overlaps the workspace, in some rounds only.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 64 : i64}
func.func private @b(%y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0, 192>}, pp.workspaces = {f = array<i64: 128>}} {
  pp.begin_loop rounds(9) step(1)
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(0) @b(%y) : (tensor<32xf32>) -> ()
  pp.end_loop
  pp.return
}

// -----

func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 128 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0, 128>}, pp.workspaces = {f = array<i64: 192>}} {
  pp.begin_loop rounds(9) step(1)
  // expected-error@+2 {{found its result 0 of micro-batch 1 at [128, 256), which overlaps workspace of micro-batch 1 at [192, 320) of 'pp.run'}}
  // expected-note@+1 {{the other buffer is needed here}}
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  pp.return
}

// -----

func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}} {
  pp.begin_loop rounds(9) step(1)
  // expected-error@+1 {{found no offset of its result 0 in pp.rings, expected one; run pp-plan-memory}}
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  pp.return
}

// -----

func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0, 32>}} {
  pp.begin_loop rounds(9) step(1)
  // expected-error@+1 {{found its result 0 at offset 32, expected a multiple of 64}}
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  pp.return
}

// -----

func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 192 : i64}, pp.rings = {y = array<i64: 0, 128>}} {
  pp.begin_loop rounds(9) step(1)
  // expected-error@+1 {{found its result 0 at [128, 256), expected it inside the arena of 192 bytes}}
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  pp.return
}

// -----

// B runs two micro-batches ahead of F.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
func.func private @b(%y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0>}} {
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  // expected-error@+1 {{reads result 0 of 'pp.run' for micro-batch 2, which has not been made by then, expected it in an earlier round: count the rounds of the loops}}
  pp.run B stage(0) mb(2) @b(%y1) : (tensor<32xf32>) -> ()
  pp.end_loop
  pp.return
}

// -----

// The loop runs what stands behind it.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0>}} {
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  // expected-error@+1 {{makes result 0 of micro-batch 8 again, expected each once: count the rounds of the loops}}
  %y2 = pp.run F stage(0) mb(8) @f() : () -> tensor<32xf32>
  pp.return
}

// -----

func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
func.func private @g() -> (tensor<8xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0>}} {
  pp.begin_loop rounds(9) step(1)
  // expected-note@+1 {{first made here}}
  %y1 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  // expected-error@+1 {{found value 'y' of type 'tensor<8xf32>', expected 'tensor<32xf32>' as in other micro-batches}}
  %y2 = pp.run F stage(0) mb(9) @g() : () -> tensor<8xf32>
  pp.return
}

// -----

// What comes before and behind the loop has slots of its own: here the first
// micro-batch and the last.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 64 : i64}
func.func private @b(%y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 448 : i64}, pp.rings = {y = {slots = array<i64: 320, 0, 128>, head = 1 : i64, tail = 1 : i64, instances = 11 : i64}}, pp.workspaces = {f = array<i64: 256>}} {
  %y0 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(0) @b(%y0) : (tensor<32xf32>) -> ()
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(1) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(1) @b(%y1) : (tensor<32xf32>) -> ()
  pp.end_loop
  %y2 = pp.run F stage(0) mb(10) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(10) @b(%y2) : (tensor<32xf32>) -> ()
  pp.return
}

// -----

// The slot of the last one is that of the first, which lives as long.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
func.func private @b(%y: tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 448 : i64}, pp.rings = {y = {slots = array<i64: 320, 0, 320>, head = 1 : i64, tail = 1 : i64, instances = 11 : i64}}} {
  // expected-error@+2 {{found its result 0 of micro-batch 0 at [320, 448), which overlaps result 0 of micro-batch 10 at [320, 448) of 'pp.run'}}
  // expected-note@+1 {{the other buffer is needed here}}
  %y0 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(1) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(1) @b(%y1) : (tensor<32xf32>) -> ()
  pp.end_loop
  %y2 = pp.run F stage(0) mb(10) @f() : () -> tensor<32xf32>
  pp.run B stage(0) mb(0) @b(%y0) : (tensor<32xf32>) -> ()
  pp.run B stage(0) mb(10) @b(%y2) : (tensor<32xf32>) -> ()
  pp.return
}

// -----

// Ends that leave nothing between them.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 448 : i64}, pp.rings = {y = {slots = array<i64: 0, 128>, head = 1 : i64, tail = 1 : i64, instances = 9 : i64}}} {
  pp.begin_loop rounds(9) step(1)
  // expected-error@+1 {{found no offset of its result 0 in pp.rings, expected one; run pp-plan-memory}}
  %y1 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  pp.end_loop
  pp.return
}

// -----

// Constraint 4: a wait for a transfer of a micro-batch that is not posted yet.
func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0, 128>}} {
  %y0 = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  %t0 = pp.isend %y0 channel(@c) value("y") mb(0) tag(0) : tensor<32xf32>
  pp.begin_loop rounds(9) step(1)
  %y1 = pp.run F stage(0) mb(1) @f() : () -> tensor<32xf32>
  // expected-error@+1 {{waits for a transfer that is not posted before it or is waited for already, for micro-batch 1, expected one wait behind each transfer: count the rounds of the loops}}
  pp.wait_send %t0, %y0 mb(1) : tensor<32xf32>
  %t1 = pp.isend %y1 channel(@c) value("y") mb(1) tag(1) : tensor<32xf32>
  pp.end_loop
  pp.wait_send %t1, %y1 mb(9) : tensor<32xf32>
  pp.return
}

// -----

func.func private @f() -> (tensor<32xf32> {pp.value = "y"}) attributes {pp.workspace = 0 : i64}
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) attributes {pp.memory = {arena = 320 : i64}, pp.rings = {y = array<i64: 0, 128>}} {
  pp.begin_loop rounds(9) step(1)
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<32xf32>
  // expected-error@+1 {{found no wait for the transfer of micro-batch 0, expected one wait behind each transfer: count the rounds of the loops}}
  %t = pp.isend %y channel(@c) value("y") mb(0) tag(0) : tensor<32xf32>
  pp.end_loop
  pp.wait_send %t, %y mb(8) : tensor<32xf32>
  pp.return
}
