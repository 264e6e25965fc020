// RUN: pp-opt %s -split-input-file -pp-verify-communication="semantics=buffered" -verify-diagnostics

// Programs that evaluate are proven among themselves: what a step sends is not
// what they receive.
func.func private @f() -> (tensor<8xf32> {pp.value = "x"})
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  %x = pp.run F stage(0) mb(0) @f() : () -> tensor<8xf32>
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %x : tensor<8xf32>
  pp.all_reduce_report
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.all_reduce_report
  pp.return
}
// expected-note @+1 {{the program of pipe coordinate 0 is here}}
pp.program @pipe0.evaluation pipe(0) evaluates([]) {
  pp.all_reduce_report
  pp.return
}
pp.program @pipe1.evaluation pipe(1) evaluates([]) {
  // expected-error @+1 {{found a receive of 'x' for micro-batch 0 from pipe coordinate 0 with tag 0 that is never sent, expected a pp.isend on channel @c in the program of pipe coordinate 0}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.all_reduce_report
  pp.return
}

// -----

// One for each coordinate of each kind.
pp.program @pipe0 pipe(0) {
  pp.all_reduce_report
  pp.return
}
// expected-note @+1 {{the first is here}}
pp.program @pipe0.evaluation pipe(0) evaluates([]) {
  pp.all_reduce_report
  pp.return
}
// expected-error @+1 {{found a second program for pipe coordinate 0, expected one for each}}
pp.program @again pipe(0) evaluates([]) {
  pp.all_reduce_report
  pp.return
}
