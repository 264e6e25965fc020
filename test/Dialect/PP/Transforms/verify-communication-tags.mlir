// RUN: not pp-opt %s -pp-verify-communication="semantics=fifo-per-edge" 2>&1 | FileCheck %s

// A stream needs no tags, and the programs still have to agree on them.
// CHECK: error: found receive of 'x' for micro-batch 0 from pipe coordinate 0 with tag 1, expected tag 0 as sent
// CHECK: note: the send is here
pp.parameter @w : tensor<8xf32> init(#nn.zeros)
pp.channel @to1 from(0) to(1)
pp.program @pipe0 pipe(0) {
  %w = pp.load_parameter @w : tensor<8xf32>
  %t = pp.isend %w channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %t, %w : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b, %t = pp.irecv channel(@to1) value("x") mb(0) tag(1) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}
