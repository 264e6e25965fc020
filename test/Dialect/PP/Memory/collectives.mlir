// A collective holds its operand and its buffer until pp.finish: what is made
// meanwhile lies elsewhere. So does the workspace in which pieces arrive. In a
// loop each collective in flight has its own.
// RUN: pp-opt %s -split-input-file -pp-plan-memory -pp-verify-memory | FileCheck %s

// CHECK-LABEL: pp.program @pipe0
// CHECK-SAME: activations = 128 : i64, arena = 704 : i64, communication = 64 : i64
// CHECK-SAME: workspace = 512 : i64
// CHECK: pp.run F stage(0) mb(0) @make() {pp.offsets = array<i64: 0>}
// CHECK: pp.start reduce_scatter {{.*}} {pp.offsets = array<i64: 576>, pp.workspace_offset = 64 : i64}
// CHECK: pp.run F stage(1) mb(0) @other() {pp.offsets = array<i64: 640>}
// CHECK: pp.run F stage(3) mb(0) @other() {pp.offsets = array<i64: 0>}
func.func private @make() -> (tensor<16xf32> {pp.value = "g"}) attributes {pp.workspace = 0 : i64}
func.func private @other() -> (tensor<16xf32> {pp.value = "h"}) attributes {pp.workspace = 0 : i64}
func.func private @use(tensor<8xf32> {pp.value = "s"}, tensor<16xf32> {pp.value = "h"}) attributes {pp.workspace = 0 : i64}
func.func private @more(tensor<16xf32> {pp.value = "h"}) attributes {pp.workspace = 0 : i64}
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<16xf32>
  %b, %t = pp.start reduce_scatter %g over ["data"] value("s") : tensor<16xf32> -> tensor<8xf32>
  %h = pp.run F stage(1) mb(0) @other() : () -> tensor<16xf32>
  %s = pp.finish %t, %g, %b : tensor<16xf32> -> tensor<8xf32>
  pp.run F stage(2) mb(0) @use(%s, %h) : (tensor<8xf32>, tensor<16xf32>) -> ()
  %h1 = pp.run F stage(3) mb(0) @other() : () -> tensor<16xf32>
  pp.run F stage(4) mb(0) @more(%h1) : (tensor<16xf32>) -> ()
  pp.return
}

// -----

// CHECK-LABEL: pp.program @pipe0
// CHECK-SAME: pp.rings = {
// CHECK-SAME: g = array<i64: {{[0-9]+}}, {{[0-9]+}}>
// CHECK-SAME: s = array<i64: {{[0-9]+}}, {{[0-9]+}}>
// CHECK-SAME: pp.workspaces = {"workspace of s" = array<i64: {{[0-9]+}}, {{[0-9]+}}>}
func.func private @make() -> (tensor<16xf32> {pp.value = "g"}) attributes {pp.workspace = 0 : i64}
func.func private @use(tensor<8xf32> {pp.value = "s"}) attributes {pp.workspace = 0 : i64}
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<16xf32>
  %b, %t = pp.start reduce_scatter %g over ["data"] value("s") mb(0) : tensor<16xf32> -> tensor<8xf32>
  pp.begin_loop rounds(6) step(1)
  %g1 = pp.run F stage(0) mb(1) @make() : () -> tensor<16xf32>
  %b1, %t1 = pp.start reduce_scatter %g1 over ["data"] value("s") mb(1) : tensor<16xf32> -> tensor<8xf32>
  %s = pp.finish %t, %g, %b mb(0) : tensor<16xf32> -> tensor<8xf32>
  pp.run F stage(1) mb(0) @use(%s) : (tensor<8xf32>) -> ()
  pp.end_loop
  %s1 = pp.finish %t1, %g1, %b1 mb(6) : tensor<16xf32> -> tensor<8xf32>
  pp.run F stage(1) mb(6) @use(%s1) : (tensor<8xf32>) -> ()
  pp.return
}

// -----

// An exchange needs no workspace, and a place of its own for what comes.
// CHECK-LABEL: pp.program @pipe0
// CHECK-SAME: activations = 64 : i64, arena = 128 : i64, communication = 64 : i64
// CHECK: pp.run F stage(0) mb(0) @make() {pp.offsets = array<i64: 0>}
// CHECK: pp.start all_to_all {{.*}} {pp.offsets = array<i64: 64>}
func.func private @make() -> (tensor<2x8xf32> {pp.value = "g"}) attributes {pp.workspace = 0 : i64}
func.func private @use(tensor<1x16xf32> {pp.value = "s"}) attributes {pp.workspace = 0 : i64}
pp.mesh @mesh <["pipe" = 1, "data" = 2]>
pp.program @pipe0 pipe(0) {
  %g = pp.run F stage(0) mb(0) @make() : () -> tensor<2x8xf32>
  %b, %t = pp.start all_to_all %g over ["data"] value("s") : tensor<2x8xf32> -> tensor<1x16xf32>
  %s = pp.finish %t, %g, %b : tensor<2x8xf32> -> tensor<1x16xf32>
  pp.run F stage(1) mb(0) @use(%s) : (tensor<1x16xf32>) -> ()
  pp.return
}
