// RUN: pp-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(pp-overlap-collectives{slots=2}))' | FileCheck %s
// RUN: pp-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(pp-overlap-collectives{slots=2},pp-place-temporaries))' | FileCheck %s --check-prefix=PLACED

!part = memref<8xf32>
!all = memref<2x8xf32>
!ws = memref<1xf32>

// The end sinks to what reads the result; what only reads the input may come
// before it.

// CHECK-LABEL: func @gather
// CHECK-NEXT: kernel.collective start all_gather %arg0 into %arg1, %arg2
// CHECK-NEXT: linalg.exp ins(%arg0
// CHECK-NEXT: kernel.collective finish all_gather %arg0 into %arg1, %arg2
// CHECK-NEXT: linalg.exp ins(%arg1
// CHECK-NEXT: return
func.func @gather(%x: !part, %all: !all, %w: !ws, %b: !part, %y: !all) {
  kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (!part, !all, !ws) -> ()
  linalg.exp ins(%x : !part) outs(%b : !part)
  linalg.exp ins(%all : !all) outs(%y : !all)
  return
}

// -----

!part = memref<8xf32>
!all = memref<2x8xf32>
!ws = memref<1xf32>

// What changes the input waits.

// CHECK-LABEL: func @input
// CHECK-NEXT: kernel.collective all_gather
// CHECK-NEXT: linalg.exp ins(%arg3
// CHECK-NEXT: return
func.func @input(%x: !part, %all: !all, %w: !ws, %b: !part) {
  kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (!part, !all, !ws) -> ()
  linalg.exp ins(%b : !part) outs(%x : !part)
  return
}

// -----

!part = memref<8xf32>
!all = memref<2x8xf32>
!ws = memref<1xf32>

// Views are of the buffer; loops do what the ops in them do.

// CHECK-LABEL: func @views
// CHECK-NEXT: kernel.collective start all_gather
// CHECK-NEXT: %[[VIEW:.*]] = memref.collapse_shape %arg1
// CHECK-NEXT: constant
// CHECK-NEXT: constant
// CHECK-NEXT: constant
// CHECK-NEXT: scf.for
// CHECK: kernel.collective finish all_gather
// CHECK-NEXT: scf.for
func.func @views(%x: !part, %all: !all, %w: !ws, %a: !part, %b: !part) {
  kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (!part, !all, !ws) -> ()
  %view = memref.collapse_shape %all [[0, 1]] : !all into memref<16xf32>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %a[%i] : !part
    memref.store %v, %b[%i] : !part
  }
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %view[%i] : memref<16xf32>
    memref.store %v, %a[%i] : !part
  }
  return
}

// -----

!part = memref<8xf32>
!ws = memref<128xf32>

// Equal ones that are under way at a time have slots; there are two, so the end
// of the first comes before the third one's start. One behind which there is
// nothing to do stays whole, in a slot of its own.

// CHECK-LABEL: func @slots
// CHECK-NEXT: kernel.collective start all_reduce %arg0 into %arg1, %arg2 over ["tensor"] members(2) :
// CHECK-NEXT: linalg.exp
// CHECK-NEXT: kernel.collective start all_reduce %arg3 into %arg4, %arg5 over ["tensor"] members(2) slot(1) :
// CHECK-NEXT: linalg.exp
// CHECK-NEXT: kernel.collective finish all_reduce %arg0 into %arg1
// CHECK-NEXT: kernel.collective all_reduce %arg6 into %arg7, %arg8 over ["tensor"] members(2) :
// CHECK-NEXT: linalg.exp ins(%arg7
// CHECK-NEXT: kernel.collective finish all_reduce %arg3 into %arg4, %arg5 over ["tensor"] members(2) slot(1) :
// CHECK-NEXT: return
func.func @slots(%x0: !part, %y0: !part, %w0: !ws, %x1: !part, %y1: !part, %w1: !ws,
                 %x2: !part, %y2: !part, %w2: !ws, %a: !part, %b: !part) {
  kernel.collective all_reduce %x0 into %y0, %w0 over ["tensor"] members(2) : (!part, !part, !ws) -> ()
  linalg.exp ins(%a : !part) outs(%b : !part)
  kernel.collective all_reduce %x1 into %y1, %w1 over ["tensor"] members(2) : (!part, !part, !ws) -> ()
  linalg.exp ins(%a : !part) outs(%b : !part)
  kernel.collective all_reduce %x2 into %y2, %w2 over ["tensor"] members(2) : (!part, !part, !ws) -> ()
  linalg.exp ins(%y2 : !part) outs(%b : !part)
  return
}

// -----

!part = memref<8xf32>
!all = memref<2x8xf32>
!ws = memref<1xf32>

// A temporary that is under way is no place for another one.

// PLACED-LABEL: func @temporaries
// PLACED: %[[ALL:.*]] = memref.view %arg3[%c0]
// PLACED: %[[WS:.*]] = memref.view %arg3[%c64]
// PLACED: kernel.collective start all_gather %arg0 into %[[ALL]], %[[WS]]
// PLACED: %[[OTHER:.*]] = memref.view %arg3[%c128]
// PLACED: linalg.exp ins(%arg1 {{.*}}) outs(%[[OTHER]]
// PLACED: kernel.collective finish all_gather
func.func @temporaries(%x: !part, %a: !all, %b: !all) {
  %all = memref.alloc() : !all
  %w = memref.alloc() : !ws
  kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (!part, !all, !ws) -> ()
  %t = memref.alloc() : !all
  linalg.exp ins(%a : !all) outs(%t : !all)
  linalg.exp ins(%t : !all) outs(%b : !all)
  return
}

// -----

!part = memref<8xf32>
!ws = memref<128xf32>

// Each function has slots of its own.

// CHECK-LABEL: func @one
// CHECK-NEXT: kernel.collective start all_reduce {{.*}} members(2) :
// CHECK-LABEL: func @another
// CHECK-NEXT: kernel.collective start all_reduce {{.*}} members(2) :
func.func @one(%x: !part, %y: !part, %w: !ws, %a: !part, %b: !part) {
  kernel.collective all_reduce %x into %y, %w over ["tensor"] members(2) : (!part, !part, !ws) -> ()
  linalg.exp ins(%a : !part) outs(%b : !part)
  return
}
func.func @another(%x: !part, %y: !part, %w: !ws, %a: !part, %b: !part) {
  kernel.collective all_reduce %x into %y, %w over ["tensor"] members(2) : (!part, !part, !ws) -> ()
  linalg.exp ins(%a : !part) outs(%b : !part)
  return
}
