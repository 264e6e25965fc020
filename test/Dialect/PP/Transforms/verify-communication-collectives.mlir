// RUN: pp-opt %s -split-input-file -pp-verify-communication -verify-diagnostics
// RUN: pp-opt %s -split-input-file -pp-verify-communication="semantics=fifo-per-edge" -verify-diagnostics

// Over data alone each pipe coordinate has collectives of its own.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 2, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b, %t = pp.start reduce_scatter %g over ["data"] value("g") : tensor<8xf32> -> tensor<4xf32>
  %y = pp.finish %t, %g, %b : tensor<8xf32> -> tensor<4xf32>
  pp.all_reduce_report
  pp.return
}
pp.program @pipe1 pipe(1) {
  pp.all_reduce_report
  pp.return
}

// -----

// Two in flight, finished the other way round; over all axes and over some.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 2, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b0, %t0 = pp.start all_reduce %g over ["pipe"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %b1, %t1 = pp.start all_reduce %g over ["pipe", "data"] value("h") : tensor<8xf32> -> tensor<8xf32>
  %y1 = pp.finish %t1, %g, %b1 : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %g = pp.run F stage(1) mb(0) @make() : () -> tensor<8xf32>
  %b1, %t1 = pp.start all_reduce %g over ["pipe", "data"] value("h") : tensor<8xf32> -> tensor<8xf32>
  %b0, %t0 = pp.start all_reduce %g over ["pipe"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  %y1 = pp.finish %t1, %g, %b1 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}

// -----

// One over the same axes is another one.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  // expected-note @+1 {{it is here}}
  %b0, %t0 = pp.start all_reduce %g over ["pipe"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %g = pp.run F stage(1) mb(0) @make() : () -> tensor<8xf32>
  // expected-error @+1 {{found all_reduce of 'h', 'tensor<8xf32>', as collective 0 over ["pipe"], expected what pipe coordinate 0 starts there: all_reduce of 'g', 'tensor<8xf32>': start them in one order}}
  %b0, %t0 = pp.start all_reduce %g over ["pipe"] value("h") : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}

// -----

// A member starts none.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 2]>
// expected-note @+1 {{the program of pipe coordinate 0 is here}}
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b0, %t0 = pp.start all_reduce %g over ["pipe"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}
// expected-error @+1 {{found 0 collectives over ["pipe"] in pipe coordinate 1, expected 1 as in pipe coordinate 0: all programs take part in each, and pp.all_reduce_report is one}}
pp.program @pipe1 pipe(1) {
  pp.return
}

// -----

// The report is all-reduced over all axes, and has its place among the others
// there.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 2, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  // expected-note @+1 {{it is here}}
  %b0, %t0 = pp.start all_reduce %g over ["pipe", "data"] value("g") : tensor<8xf32> -> tensor<8xf32>
  pp.all_reduce_report
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %g = pp.run F stage(1) mb(0) @make() : () -> tensor<8xf32>
  // expected-error @+1 {{found pp.all_reduce_report, as collective 0 over ["pipe", "data"], expected what pipe coordinate 0 starts there: all_reduce of 'g', 'tensor<8xf32>': start them in one order}}
  pp.all_reduce_report
  %b0, %t0 = pp.start all_reduce %g over ["pipe", "data"] value("g") : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}

// -----

// The first waits for a collective before it sends what the second needs to get
// to it.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
func.func private @use(tensor<8xf32> {pp.value = "g"}) -> (tensor<8xf32> {pp.value = "h"})
pp.mesh @mesh <["pipe" = 2]>
pp.channel @p0_to_p1 from(0) to(1)
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b0, %t0 = pp.start all_reduce %g over ["pipe"] value("h") : tensor<8xf32> -> tensor<8xf32>
  // expected-error @+2 {{deadlock under}}
  // expected-note @+1 {{pipe coordinate 0 waits here for all programs to start its collective}}
  %y0 = pp.finish %t0, %g, %b0 : tensor<8xf32> -> tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 0 would reach this only later}}
  %s = pp.isend %g channel(@p0_to_p1) value("g") mb(0) tag(0) : tensor<8xf32>
  pp.wait_send %s, %g : tensor<8xf32>
  pp.return
}
pp.program @pipe1 pipe(1) {
  %b, %t = pp.irecv channel(@p0_to_p1) value("g") mb(0) tag(0) : tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 waits here for its receive of 'g' for micro-batch 0 from pipe coordinate 0}}
  %g = pp.wait %t, %b : tensor<8xf32>
  %h = pp.run F stage(1) mb(0) @use(%g) : (tensor<8xf32>) -> tensor<8xf32>
  // expected-note @+1 {{pipe coordinate 1 would reach this only later}}
  %b0, %t0 = pp.start all_reduce %h over ["pipe"] value("h") : tensor<8xf32> -> tensor<8xf32>
  %y0 = pp.finish %t0, %h, %b0 : tensor<8xf32> -> tensor<8xf32>
  pp.return
}

// -----

// In loops a finish is for the collective of its micro-batch.
func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 4]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b, %t = pp.start reduce_scatter %g over ["data"] value("s") mb(0) : tensor<8xf32> -> tensor<2xf32>
  pp.begin_loop rounds(6) step(1)
  %g1 = pp.run F stage(0) mb(1) @make() : () -> tensor<8xf32>
  %b1, %t1 = pp.start reduce_scatter %g1 over ["data"] value("s") mb(1) : tensor<8xf32> -> tensor<2xf32>
  %y = pp.finish %t, %g, %b mb(0) : tensor<8xf32> -> tensor<2xf32>
  pp.end_loop
  %y1 = pp.finish %t1, %g1, %b1 mb(6) : tensor<8xf32> -> tensor<2xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 4]>
pp.program @pipe0 pipe(0) {
  pp.begin_loop rounds(6) step(1)
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  // expected-error @+1 {{found reduce_scatter of 's' for micro-batch 1 that is never finished, expected one pp.finish behind each pp.start: count the rounds of the loops}}
  %b, %t = pp.start reduce_scatter %g over ["data"] value("s") mb(0) : tensor<8xf32> -> tensor<2xf32>
  pp.end_loop
  %y = pp.finish %t, %g, %b mb(0) : tensor<8xf32> -> tensor<2xf32>
  pp.return
}

// -----

func.func private @make() -> (tensor<8xf32> {pp.value = "g"})
pp.mesh @mesh <["pipe" = 1, "data" = 4]>
pp.program @pipe0 pipe(0) {
  pp.begin_loop rounds(6) step(1)
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<8xf32>
  %b, %t = pp.start reduce_scatter %g over ["data"] value("s") mb(0) : tensor<8xf32> -> tensor<2xf32>
  // expected-error @+1 {{found a wait for the collective of micro-batch 1, which is not posted before it or is waited for already}}
  %y = pp.finish %t, %g, %b mb(1) : tensor<8xf32> -> tensor<2xf32>
  pp.end_loop
  pp.return
}
