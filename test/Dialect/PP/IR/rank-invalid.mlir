// RUN: pp-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{found a channel from pipe coordinate 1 to itself, expected two coordinates: values stay SSA within a program}}
pp.channel @c from(1) to(1)

// -----

// expected-error @+1 {{found pipe coordinate -1, expected a number from 0 to 65535}}
pp.channel @c from(-1) to(1)

// -----

// expected-error @+1 {{found pipe coordinate -1, expected a number from 0 to 65535}}
pp.program @p pipe(-1) {
  pp.return
}

// -----

// expected-error @+1 {{expected pp.return without operands at the end}}
pp.program @p pipe(0) {
  pp.all_reduce_report
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-error @+1 {{found a transfer that is never waited for, expected one pp.wait before the end of the program}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @p pipe(0) {
  %x = pp.load_parameter @w : tensor<8xf32>
  // expected-error @+1 {{found a transfer that is waited for 2 times, expected one pp.wait_send}}
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-note @+1 {{waited for here}}
  pp.wait_send %t, %x : tensor<8xf32>
  // expected-note @+1 {{waited for here}}
  pp.wait_send %t, %x : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-note @+1 {{posted here}}
  %b, %t = pp.irecv channel(@c) value("w") tag(0) : tensor<8xf32>
  // expected-error @+1 {{found a read of a buffer that is still being received, expected the result of its pp.wait}}
  pp.store_parameter @w, %b : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}

// -----

// expected-note @+1 {{the channel is declared here}}
pp.channel @c from(0) to(1)
pp.program @p pipe(0) {
  // expected-error @+1 {{found channel @c that ends at pipe coordinate 1, expected pipe coordinate 0 of the program}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
// expected-note @+1 {{the channel is declared here}}
pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  %x = pp.load_parameter @w : tensor<8xf32>
  // expected-error @+1 {{found channel @c that starts at pipe coordinate 1, expected pipe coordinate 0 of the program}}
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %x : tensor<8xf32>
  pp.return
}

// -----

pp.program @p pipe(0) {
  // expected-error @+1 {{found no pp.channel @c, expected one in the module}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-error @+1 {{found tag -1, expected a number from 0 to 2147483646}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(-1) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-note @+1 {{the token is made here}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %c, %u = pp.irecv channel(@c) value("x") mb(1) tag(1) : tensor<8xf32>
  // expected-error @+1 {{found token and buffer of different transfers, expected both results of one pp.irecv}}
  %x = pp.wait %t, %c : tensor<8xf32>
  %y = pp.wait %u, %c : tensor<8xf32>
  pp.return
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+1 {{found a token that no pp.isend made, expected one of a send: wait for a receive with pp.wait}}
  pp.wait_send %t, %b : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @p pipe(0) {
  %x = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+1 {{found a token that no pp.irecv made, expected one of a receive: wait for a send with pp.wait_send}}
  %y = pp.wait %t, %x : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @p pipe(0) {
  %x = pp.load_parameter @w : tensor<8xf32>
  %y = pp.load_parameter @w : tensor<8xf32>
  // expected-note @+1 {{sent here}}
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+1 {{found another buffer than the one being sent, expected the operand of the pp.isend}}
  pp.wait_send %t, %y : tensor<8xf32>
  pp.return
}

// -----

pp.program @p pipe(0) {
  // expected-error @+1 {{found no function @f, expected one in the module}}
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.return
}

// -----

func.func private @f()
pp.program @p pipe(0) {
  // expected-error @+1 {{found micro-batch -1, expected a number from 0 to 1048575}}
  pp.run F stage(0) mb(-1) @f() : () -> ()
  pp.return
}

// -----

// expected-note @+1 {{the function is defined here}}
func.func private @f(tensor<8xf32> {pp.value = "x"})
pp.program @p pipe(0) {
  // expected-error @+1 {{found operands (), expected ('tensor<8xf32>'), the pp.value operands of @f}}
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.return
}

// -----

// expected-note @+1 {{the function is defined here}}
func.func private @f() -> (tensor<8xf32> {pp.value = "x"})
pp.program @p pipe(0) {
  // expected-error @+1 {{found results (), expected ('tensor<8xf32>'), the pp.value results of @f}}
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.return
}

// -----

pp.program @p pipe(0) {
  // expected-error @+1 {{found no pp.parameter @w, expected one in the module}}
  pp.zero_gradient @w use(0)
  pp.return
}

// -----

// expected-note @+1 {{the parameter is defined here}}
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.program @p pipe(0) {
  // expected-error @+1 {{found type 'tensor<4xf32>', expected 'tensor<8xf32>' of @w}}
  %x = pp.load_gradient @w use(0) : tensor<4xf32>
  pp.return
}

// -----

// Constraint 4 of pp.program: loops stand in pairs, not within each other.
pp.program @p pipe(0) {
  // expected-note @+1 {{the outer loop begins here}}
  pp.begin_loop rounds(2) step(1)
  // expected-error @+1 {{found a loop in a loop, expected pp.end_loop before the next one begins}}
  pp.begin_loop rounds(2) step(1)
  pp.end_loop
  pp.end_loop
  pp.return
}

// -----

pp.program @p pipe(0) {
  // expected-error @+1 {{found the end of a loop that has not begun, expected pp.begin_loop before it}}
  pp.end_loop
  pp.return
}

// -----

pp.program @p pipe(0) {
  // expected-error @+1 {{found a loop without end, expected pp.end_loop before the end of the program}}
  pp.begin_loop rounds(2) step(1)
  pp.return
}

// -----

// Constraint 5 of pp.program: all of a loop belongs to a micro-batch.
pp.program @p pipe(0) {
  pp.begin_loop rounds(2) step(1)
  // expected-error @+1 {{found in a loop, expected ops of a micro-batch only: move what a step does once behind the loop}}
  pp.all_reduce_report
  pp.end_loop
  pp.return
}

// -----

// Constraint 1 of pp.begin_loop.
pp.program @p pipe(0) {
  // expected-error @+1 {{found 0 rounds and a step of 1, expected from 1 to 1048576 of both}}
  pp.begin_loop rounds(0) step(1)
  pp.end_loop
  pp.return
}

// -----

pp.program @p pipe(0) {
  // expected-error @+1 {{found 2 rounds and a step of 1000000000000, expected from 1 to 1048576 of both}}
  pp.begin_loop rounds(2) step(1000000000000)
  pp.end_loop
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @p pipe(0) {
  %x = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+1 {{found micro-batch -1, expected a number from 0 to 1048575}}
  pp.wait_send %t, %x mb(-1) : tensor<8xf32>
  pp.return
}

// -----

// Numbers that would not fit what passes make of them.
// expected-error @+1 {{found pipe coordinate 9223372036854775807, expected a number from 0 to 65535}}
pp.program @p pipe(9223372036854775807) {
  pp.return
}

// -----

// expected-error @+1 {{found pipe coordinate 65536, expected a number from 0 to 65535}}
pp.channel @c from(0) to(65536)

// -----

func.func private @f()
pp.program @p pipe(0) {
  // expected-error @+1 {{found stage 1048576, expected a number from 0 to 1048575}}
  pp.run F stage(1048576) mb(0) @f() : () -> ()
  pp.return
}

// -----

func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.program @p pipe(0) {
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<f32>
  // expected-error @+1 {{found micro-batch -1, expected a number from 0 to 1048575}}
  pp.loss %y mb(-1) : tensor<f32>
  pp.return
}

// -----

func.func private @f() -> (tensor<f32> {pp.value = "weight", pp.loss_weight})
pp.program @p pipe(0) {
  %y = pp.run F stage(0) mb(0) @f() : () -> tensor<f32>
  // expected-error @+1 {{found micro-batch 1048576, expected a number from 0 to 1048575}}
  pp.loss_weight %y mb(1048576) : tensor<f32>
  pp.return
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-error @+1 {{found tag 2147483647, expected a number from 0 to 2147483646}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(2147483647) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.program @p pipe(0) {
  // expected-error @+1 {{found use -1, expected a number from 0 to 1048575}}
  pp.zero_gradient @w use(-1)
  pp.return
}

// -----

pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.program @p pipe(0) {
  // expected-error @+1 {{found use 4294967295, expected a number from 0 to 1048575}}
  %g = pp.load_gradient @w use(4294967295) : tensor<8xf32>
  pp.return
}

// -----

// Constraint 5 of pp.program: in the last round, too.
func.func private @f()
pp.program @p pipe(0) {
  // expected-note @+1 {{the loop begins here}}
  pp.begin_loop rounds(1048576) step(1)
  // expected-error @+1 {{found micro-batch 1048576 in the last round, expected a number from 0 to 1048575}}
  pp.run F stage(0) mb(1) @f() : () -> ()
  pp.end_loop
  pp.return
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-note @+1 {{the loop begins here}}
  pp.begin_loop rounds(2) step(1)
  // expected-error @+1 {{found tag 2147483647 in the last round, expected a number from 0 to 2147483646}}
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(2147483646) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.end_loop
  pp.return
}

// -----

// A wait of another transfer than that of its token.
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @c from(0) to(1)
pp.program @p pipe(0) {
  %x = pp.load_parameter @w : tensor<8xf32>
  // expected-note @+1 {{posted here}}
  %t = pp.isend %x channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  // expected-error @+1 {{found micro-batch 5, expected 0, that of the transfer: only in programs with loops a token stands for several}}
  pp.wait_send %t, %x mb(5) : tensor<8xf32>
  pp.return
}

// -----

pp.channel @c from(1) to(0)
pp.program @p pipe(0) {
  // expected-note @+1 {{posted here}}
  %b, %t = pp.irecv channel(@c) value("w") tag(0) : tensor<8xf32>
  // expected-error @+1 {{found micro-batch 0 for a transfer without one, expected none}}
  %x = pp.wait %t, %b mb(0) : tensor<8xf32>
  pp.return
}

// -----

// Constraint 6 of pp.program.
func.func private @f()
// expected-error @+1 {{found 68157441 ops with every round of its loops, expected at most 67108864}}
pp.program @p pipe(0) {
  pp.begin_loop rounds(1048576) step(1)
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.run F stage(0) mb(0) @f() : () -> ()
  pp.end_loop
  pp.return
}
