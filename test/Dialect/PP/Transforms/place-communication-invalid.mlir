// RUN: not pp-opt %s -pp-place-communication="semantics=magic" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not pp-opt %s -pp-place-communication="outstanding=0" 2>&1 | FileCheck %s --check-prefix=SENDS
// RUN: not pp-opt %s -pp-place-communication 2>&1 | FileCheck %s

// NAME: error: found semantics=magic lookahead=1 outstanding=1, expected buffered, rendezvous, fifo-per-edge or fifo-shared, at least 0 and at least 1
// SENDS: error: found semantics=rendezvous lookahead=1 outstanding=0, expected
// What cannot be proven before is not touched.
// CHECK: error: found a receive of 'x' for micro-batch 0 from rank 1 with tag 0 that is never sent
pp.channel @c from(1) to(0)
pp.program @rank0 rank(0) {
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}
pp.program @rank1 rank(1) {
  pp.return
}
