// RUN: not pp-opt %s -pp-place-communication="semantics=magic" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not pp-opt %s -pp-place-communication="outstanding=0" 2>&1 | FileCheck %s --check-prefix=SENDS
// RUN: not pp-opt %s -pp-place-communication 2>&1 | FileCheck %s

// NAME: error: found semantics=magic, expected buffered, rendezvous or fifo-per-edge
// SENDS: error: found outstanding=0, expected 1 to
// What cannot be proven before is not touched.
// CHECK: error: found a receive of 'x' for micro-batch 0 from pipe coordinate 1 with tag 0 that is never sent
pp.channel @c from(1) to(0)
pp.program @pipe0 pipe(0) {
  %b, %t = pp.irecv channel(@c) value("x") mb(0) tag(0) : tensor<8xf32>
  %x = pp.wait %t, %b : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  pp.return
}
