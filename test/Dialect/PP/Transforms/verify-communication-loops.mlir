// RUN: pp-opt %s -split-input-file -pp-verify-communication -verify-diagnostics

// Every round is executed: eight messages, one always ahead.
func.func private @f() -> (tensor<8xf32> {pp.value = "x"})
func.func private @g(tensor<8xf32> {pp.value = "x"})
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  pp.begin_loop rounds(8) step(1)
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<8xf32>
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %x mb(0) : tensor<8xf32>
  pp.end_loop
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b0, %t0 = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.begin_loop rounds(7) step(1)
  %b1, %t1 = pp.irecv channel(@c) value("x") mb(1) tag(1) : tensor<8xf32>
  %x0 = pp.wait %t0, %b0 mb(0) : tensor<8xf32>
  pp.run F stage(1) mb(0) @g(%x0) : (tensor<8xf32>) -> ()
  pp.end_loop
  %x1 = pp.wait %t1, %b1 mb(7) : tensor<8xf32>
  pp.run F stage(1) mb(7) @g(%x1) : (tensor<8xf32>) -> ()
  pp.return
}

// -----

// A round too many at the receiver.
func.func private @f() -> (tensor<8xf32> {pp.value = "x"})
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  pp.begin_loop rounds(2) step(1)
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<8xf32>
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %x mb(0) : tensor<8xf32>
  pp.end_loop
  pp.return
}
// expected-note @-8 {{the program of pipe coordinate 0 is here}}
pp.program @pipe1 pipe(1) {
  pp.begin_loop rounds(3) step(1)
  // expected-error @+1 {{found a receive of 'x' for micro-batch 2 from pipe coordinate 0 with tag 2 that is never sent, expected a pp.isend on channel @c in the program of pipe coordinate 0}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b mb(0) : tensor<8xf32>
  pp.end_loop
  pp.return
}

// -----

// The wait runs ahead of the transfer that it is for.
func.func private @f() -> (tensor<8xf32> {pp.value = "x"})
pp.channel @c from(0) to(1)
pp.program @pipe1 pipe(1) {
  %b0, %t0 = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.begin_loop rounds(3) step(1)
  %b1, %t1 = pp.irecv channel(@c) value("x") mb(1) tag(1) : tensor<8xf32>
  // expected-error @+1 {{found a wait for the transfer of micro-batch 2, which is not posted before it or is waited for already, expected one wait behind each transfer: count the rounds of the loops}}
  %x0 = pp.wait %t0, %b0 mb(2) : tensor<8xf32>
  pp.end_loop
  %x1 = pp.wait %t1, %b1 mb(3) : tensor<8xf32>
  pp.return
}
pp.program @pipe0 pipe(0) {
  pp.return
}

// -----

// Fewer waits than transfers.
pp.channel @c from(0) to(1)
pp.program @pipe1 pipe(1) {
  pp.begin_loop rounds(3) step(1)
  // expected-error @+1 {{found a receive of 'x' for micro-batch 1 from pipe coordinate 0 that is never waited for, expected one wait behind each transfer: count the rounds of the loops}}
  %b0, %t0 = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.end_loop
  %x0 = pp.wait %t0, %b0 mb(0) : tensor<8xf32>
  pp.return
}
pp.program @pipe0 pipe(0) {
  pp.return
}
