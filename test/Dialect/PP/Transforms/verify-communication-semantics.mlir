// One set of programs, three transports. In @swap both ranks wait for their
// send before they post their receive; the messages of @reorder arrive in
// another order than they are awaited.
// RUN: split-file %s %t
// RUN: pp-opt %t/swap.mlir -pp-verify-communication="semantics=buffered" -o /dev/null
// RUN: not pp-opt %t/swap.mlir -pp-verify-communication="semantics=rendezvous" 2>&1 | FileCheck %s --check-prefix=SWAP
// RUN: not pp-opt %t/swap.mlir -pp-verify-communication="semantics=fifo-per-edge" 2>&1 | FileCheck %s --check-prefix=SWAP
// RUN: pp-opt %t/reorder.mlir -pp-verify-communication="semantics=buffered" -o /dev/null
// RUN: pp-opt %t/reorder.mlir -pp-verify-communication="semantics=rendezvous" -o /dev/null
// RUN: not pp-opt %t/reorder.mlir -pp-verify-communication="semantics=fifo-per-edge" 2>&1 | FileCheck %s --check-prefix=REORDER
// RUN: not pp-opt %t/swap.mlir -pp-verify-communication="semantics=magic" 2>&1 | FileCheck %s --check-prefix=NAME

// SWAP: swap.mlir:7:3: error: deadlock under {{.*}} semantics: pipe coordinates 0 -> 1 -> 0 wait for each other
// SWAP: note: pipe coordinate 0 waits here for its send of 'x' for micro-batch 0 to pipe coordinate 1
// SWAP: note: pipe coordinate 1 would reach this only later
// SWAP: note: pipe coordinate 1 waits here for its send of 'y' for micro-batch 0 to pipe coordinate 0
// SWAP: note: pipe coordinate 0 would reach this only later

// REORDER: error: found receive of 'y' for micro-batch 0 from pipe coordinate 0 as message 0 of channel @to1, expected what the sender posts there: a send of 'x' for micro-batch 0 to pipe coordinate 1: post both sides in one order
// REORDER: note: the send is here

// NAME: error: found semantics=magic, expected buffered, rendezvous or fifo-per-edge

//--- swap.mlir
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @to1 from(0) to(1)
pp.channel @to0 from(1) to(0)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %w channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  %b, %u = pp.irecv channel(@to0) value("y") mb(0) tag(0) : tensor<8xf32>
  %y = pp.wait %u, %b : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %w = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %w channel(@to0) value("y") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  %b, %u = pp.irecv channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %u, %b : tensor<8xf32>
  pp.return
}

//--- reorder.mlir
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @to1 from(0) to(1)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %w channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  %s = pp.isend %w channel(@to1) value("y") mb(0) tag(1) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.wait_send %s, %w : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %a, %t = pp.irecv channel(@to1) value("y") mb(0) tag(1) : tensor<8xf32>
  %y = pp.wait %t, %a : tensor<8xf32>
  %b, %u = pp.irecv channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %u, %b : tensor<8xf32>
  pp.return
}
