// RUN: pp-opt %s -split-input-file -pp-verify-communication="semantics=rendezvous" -verify-diagnostics

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @to1 from(0) to(1)
pp.channel @to0 from(1) to(0)

// Both wait for their send before they post their receive.
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %w channel(@to1) value("x") mb(3) tag(0) : tensor<8xf32>
  // expected-error @+2 {{deadlock under rendezvous semantics: pipe coordinates 0 -> 1 -> 0 wait for each other: post receives before, or wait after, what the others need}}
  // expected-note @+1 {{pipe coordinate 0 waits here for its send of 'x' for micro-batch 3 to pipe coordinate 1}}
  pp.wait_send %t, %w : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 0 would reach this only later}}
  %b, %u = pp.irecv channel(@to0) value("y") mb(2) tag(0) : tensor<8xf32>
  %y = pp.wait %u, %b : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %w = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %w channel(@to0) value("y") mb(2) tag(0) : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 waits here for its send of 'y' for micro-batch 2 to pipe coordinate 0}}
  pp.wait_send %t, %w : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 would reach this only later}}
  %b, %u = pp.irecv channel(@to1) value("x") mb(3) tag(0) : tensor<8xf32>
  %x = pp.wait %u, %b : tensor<8xf32>
  pp.return
}

// -----

// The cycle is found behind a rank that is not part of it, and through the
// all-reduce.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c12 from(1) to(2)
pp.program @pipe0 pipe(0) {
  pp.all_reduce_report
  pp.return
}
pp.program @pipe1 pipe(1) {
  // expected-note @+1 {{pipe coordinate 1 waits here for all programs to all-reduce their reports}}
  pp.all_reduce_report
  %w = pp.load_parameter @w : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 would reach this only later}}
  %t = pp.isend %w channel(@c12) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.return
}
pp.program @pipe2 pipe(2) {
  %b, %u = pp.irecv channel(@c12) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+2 {{deadlock under rendezvous semantics: pipe coordinates 2 -> 1 -> 2 wait for each other}}
  // expected-note @+1 {{pipe coordinate 2 waits here for its receive of 'x' for micro-batch 0 from pipe coordinate 1}}
  %x = pp.wait %u, %b : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 2 would reach this only later}}
  pp.all_reduce_report
  pp.return
}

// -----

// Three ranks in a circle.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c01 from(0) to(1)
pp.channel @c12 from(1) to(2)
pp.channel @c20 from(2) to(0)
pp.program @pipe0 pipe(0) {
  %b, %u = pp.irecv channel(@c20) value("z") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+2 {{pipe coordinates 0 -> 2 -> 1 -> 0 wait for each other}}
  // expected-note @+1 {{pipe coordinate 0 waits here for its receive of 'z' for micro-batch 0 from pipe coordinate 2}}
  %z = pp.wait %u, %b : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 0 would reach this only later}}
  %t = pp.isend %z channel(@c01) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %z : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b, %u = pp.irecv channel(@c01) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 waits here for its receive of 'x' for micro-batch 0 from pipe coordinate 0}}
  %x = pp.wait %u, %b : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 would reach this only later}}
  %t = pp.isend %x channel(@c12) value("y") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %x : tensor<8xf32>
  pp.return
}
pp.program @pipe2 pipe(2) {
  %b, %u = pp.irecv channel(@c12) value("y") mb(0) tag(0) : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 2 waits here for its receive of 'y' for micro-batch 0 from pipe coordinate 1}}
  %y = pp.wait %u, %b : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 2 would reach this only later}}
  %t = pp.isend %y channel(@c20) value("z") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %y : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  // expected-error @+1 {{found a send of 'x' for micro-batch 0 to pipe coordinate 1 with tag 0 that is never received, expected a pp.irecv on channel @c in the program of pipe coordinate 1}}
  %t = pp.isend %w channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.return
}
// expected-note @+1 {{the program of pipe coordinate 1 is here}}
pp.program @pipe1 pipe(1) {
  pp.return
}

// -----

pp.channel @c from(0) to(1)
// expected-note @+1 {{the program of pipe coordinate 0 is here}}
pp.program @pipe0 pipe(0) {
  pp.return
}
pp.program @pipe1 pipe(1) {
  // expected-error @+1 {{found a receive of 'x' for micro-batch 0 from pipe coordinate 0 with tag 0 that is never sent, expected a pp.isend on channel @c in the program of pipe coordinate 0}}
  %b, %u = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %u, %b : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  // expected-note @+1 {{the send is here}}
  %t = pp.isend %w channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  // expected-error @+1 {{found receive of 'x' for micro-batch 0 from pipe coordinate 0 with type 'tensor<4xf32>', expected 'tensor<8xf32>' as sent}}
  %b, %u = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<4xf32>
  %x = pp.wait %u, %b : tensor<4xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  // expected-note @+1 {{the send is here}}
  %t = pp.isend %w channel(@c) value("x") mb(1) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  // expected-error @+1 {{found receive of 'x' for micro-batch 0 from pipe coordinate 0 with tag 0, expected a send of 'x' for micro-batch 1 to pipe coordinate 1 with this tag: give each value and micro-batch its own}}
  %b, %u = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %u, %b : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  // expected-note @+1 {{first used here}}
  %t = pp.isend %w channel(@c) value("x") mb(0) tag(7) : tensor<8xf32>
  // expected-error @+1 {{found tag 7 again on channel @c, expected each tag once: a tag is a function of value and micro-batch}}
  %u = pp.isend %w channel(@c) value("y") mb(0) tag(7) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.wait_send %u, %w : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-note @+1 {{the channel is declared here}}
pp.channel @c from(0) to(5)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  // expected-error @+1 {{found a transfer with pipe coordinate 5 that has no program, expected a pp.program with pipe(5)}}
  %t = pp.isend %w channel(@c) value("x") mb(0) tag(7) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.return
}

// -----

// expected-note @+1 {{the first is here}}
pp.program @a pipe(0) {
  pp.return
}
// expected-error @+1 {{found a second program for pipe coordinate 0, expected one for each}}
pp.program @b pipe(0) {
  pp.return
}

// -----

// expected-note @+1 {{the program of pipe coordinate 0 is here}}
pp.program @pipe0 pipe(0) {
  pp.all_reduce_report
  pp.return
}
// expected-error @+1 {{found 0 collectives over all axes in pipe coordinate 1, expected 1 as in pipe coordinate 0: all programs take part in each, and pp.all_reduce_report is one}}
pp.program @pipe1 pipe(1) {
  pp.return
}

// -----

// expected-note @+1 {{the first is here}}
pp.channel @a from(0) to(1)
// expected-error @+1 {{found a second channel from pipe coordinate 0 to pipe coordinate 1, expected one for all values: give each value tags of its own}}
pp.channel @b from(0) to(1)
