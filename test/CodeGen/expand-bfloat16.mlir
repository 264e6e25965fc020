// RUN: pp-opt --pp-expand-bfloat16 %s | FileCheck %s

// Rounds to nearest even; a NaN stays one. The choice is made on 32 bits (see the
// pass).
// CHECK-LABEL: func.func @narrow
// CHECK-NOT: arith.truncf
// CHECK: %[[NAN:.*]] = arith.cmpf uno
// CHECK: %[[QUIET:.*]] = arith.ori
// CHECK: %[[ANY:.*]] = arith.select %[[NAN]], %[[QUIET]], %{{.*}} : i32
// CHECK: %[[HIGH:.*]] = arith.shrui %[[ANY]], %{{.*}} : i32
// CHECK: %[[BITS:.*]] = arith.trunci %[[HIGH]] : i32 to i16
// CHECK: arith.bitcast %[[BITS]] : i16 to bf16
func.func @narrow(%x: f32) -> bf16 {
  %y = arith.truncf %x : f32 to bf16
  return %y : bf16
}

// CHECK-LABEL: func.func @widen
// CHECK: arith.shli
// CHECK: %[[X:.*]] = arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.extf %[[X]] : f32 to f64
func.func @widen(%x: bf16) -> f64 {
  %y = arith.extf %x : bf16 to f64
  return %y : f64
}

// Rounds to odd in between: 1 + 2^-8 + 2^-40 is above the tie of two bf16.
// CHECK-LABEL: func.func @narrow_twice
// CHECK: %[[F:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: %[[BACK:.*]] = arith.extf %[[F]] : f32 to f64
// CHECK: arith.cmpf one, %[[BACK]]
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @narrow_twice(%x: f64) -> i1 {
  %y = arith.truncf %x : f64 to bf16
  %c = arith.cmpf olt, %y, %y : bf16
  return %c : i1
}

// CHECK-LABEL: func.func @arithmetic
// CHECK: math.tanh %{{.*}} : f32
// CHECK: arith.sitofp %{{.*}} : i32 to f64
// CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK: return %{{.*}} : bf16
func.func @arithmetic(%x: bf16, %i: i32) -> bf16 {
  %t = math.tanh %x : bf16
  %f = arith.sitofp %i : i32 to bf16
  %y = arith.mulf %t, %f : bf16
  return %y : bf16
}
