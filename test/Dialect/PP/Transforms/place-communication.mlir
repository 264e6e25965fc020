// RUN: pp-opt %s -pp-place-communication -pp-verify-communication | FileCheck %s
// RUN: pp-opt %s -pp-place-communication="lookahead=0 outstanding=2" | FileCheck %s --check-prefix=LAZY

func.func private @send() -> (tensor<8xf32> {pp.value = "x"})
func.func private @work(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "y"})
func.func private @take(tensor<8xf32> {pp.value = "y"})
pp.channel @to1 from(0) to(1)
pp.channel @to0 from(1) to(0)

// CHECK-LABEL: pp.program @pipe0
// LAZY-LABEL: pp.program @pipe0
pp.program @pipe0 pipe(0) {
  // The wait for a send rises to the next send of its channel.
  // CHECK: %[[X0:.*]] = pp.run F stage(0) mb(0) @send()
  // CHECK: %[[S0:.*]] = pp.isend %[[X0]]
  // CHECK: %[[X1:.*]] = pp.run F stage(0) mb(1) @send()
  // CHECK-NEXT: pp.wait_send %[[S0]], %[[X0]]
  // CHECK-NEXT: %[[S1:.*]] = pp.isend %[[X1]]
  // The receive stands one action before it is needed, the wait at the use.
  // CHECK: %[[B0:.*]], %[[T0:.*]] = pp.irecv channel(@to0) value("y") mb(0)
  // CHECK: %[[X2:.*]] = pp.run F stage(0) mb(2) @send()
  // CHECK-NEXT: pp.wait_send %[[S1]], %[[X1]]
  // CHECK-NEXT: %[[S2:.*]] = pp.isend %[[X2]]
  // CHECK: %[[B1:.*]], %[[T1:.*]] = pp.irecv channel(@to0) value("y") mb(1)
  // CHECK-NEXT: %[[Y0:.*]] = pp.wait %[[T0]], %[[B0]]
  // CHECK-NEXT: pp.run B stage(0) mb(0) @take(%[[Y0]])
  // CHECK-NEXT: %[[Y1:.*]] = pp.wait %[[T1]], %[[B1]]
  // CHECK-NEXT: pp.run B stage(0) mb(1) @take(%[[Y1]])
  // CHECK: pp.wait_send %[[S2]], %[[X2]]

  // LAZY: %[[S0:.*]] = pp.isend
  // LAZY: %[[S1:.*]] = pp.isend
  // LAZY: pp.run F stage(0) mb(2)
  // LAZY-NEXT: pp.wait_send %[[S0]]
  // LAZY-NEXT: %[[S2:.*]] = pp.isend
  // LAZY: pp.irecv channel(@to0) value("y") mb(0)
  // LAZY-NEXT: pp.wait
  // LAZY-NEXT: pp.run B stage(0) mb(0)
  %x0 = pp.run F stage(0) mb(0) @send() : () -> tensor<8xf32>
  %s0 = pp.isend %x0 channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  %x1 = pp.run F stage(0) mb(1) @send() : () -> tensor<8xf32>
  %s1 = pp.isend %x1 channel(@to1) value("x") mb(1) tag(1) : tensor<8xf32>
  %x2 = pp.run F stage(0) mb(2) @send() : () -> tensor<8xf32>
  %s2 = pp.isend %x2 channel(@to1) value("x") mb(2) tag(2) : tensor<8xf32>
  %b0, %t0 = pp.irecv channel(@to0) value("y") mb(0) tag(0) : tensor<8xf32>
  %y0 = pp.wait %t0, %b0 : tensor<8xf32>
  pp.run B stage(0) mb(0) @take(%y0) : (tensor<8xf32>) -> ()
  %b1, %t1 = pp.irecv channel(@to0) value("y") mb(1) tag(1) : tensor<8xf32>
  %y1 = pp.wait %t1, %b1 : tensor<8xf32>
  pp.run B stage(0) mb(1) @take(%y1) : (tensor<8xf32>) -> ()
  pp.wait_send %s0, %x0 : tensor<8xf32>
  pp.wait_send %s1, %x1 : tensor<8xf32>
  pp.wait_send %s2, %x2 : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b0, %t0 = pp.irecv channel(@to1) value("x") mb(0) tag(0) : tensor<8xf32>
  %x0 = pp.wait %t0, %b0 : tensor<8xf32>
  %y0 = pp.run F stage(1) mb(0) @work(%x0) : (tensor<8xf32>) -> tensor<8xf32>
  %b1, %t1 = pp.irecv channel(@to1) value("x") mb(1) tag(1) : tensor<8xf32>
  %x1 = pp.wait %t1, %b1 : tensor<8xf32>
  %y1 = pp.run F stage(1) mb(1) @work(%x1) : (tensor<8xf32>) -> tensor<8xf32>
  %b2, %t2 = pp.irecv channel(@to1) value("x") mb(2) tag(2) : tensor<8xf32>
  %x2 = pp.wait %t2, %b2 : tensor<8xf32>
  %s0 = pp.isend %y0 channel(@to0) value("y") mb(0) tag(0) : tensor<8xf32>
  %s1 = pp.isend %y1 channel(@to0) value("y") mb(1) tag(1) : tensor<8xf32>
  pp.wait_send %s0, %y0 : tensor<8xf32>
  pp.wait_send %s1, %y1 : tensor<8xf32>
  pp.return
}
