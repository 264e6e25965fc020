// RUN: pp-opt %s -pp-place-pieces -split-input-file | FileCheck %s

// The second result of an op lies in its half of the whole, too.
// CHECK-LABEL: func.func @halves
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<8x4xf32>, %[[WHOLE:[a-z0-9]+]]: memref<8x8xf32>
// CHECK-NOT: memref.alloc
// CHECK-DAG: %[[A:.*]] = memref.subview %[[WHOLE]][0, 0]
// CHECK-DAG: %[[B:.*]] = memref.subview %[[WHOLE]][0, 4]
// CHECK: linalg.generic {{.*}} outs(%[[A]], %[[B]]
// CHECK-NOT: linalg.copy
#map = affine_map<(i, j) -> (i, j)>
func.func @halves(%x: memref<8x4xf32>, %whole: memref<8x8xf32>) {
  %t = memref.alloc() : memref<8x4xf32>
  %a = memref.subview %whole[0, 0] [8, 4] [1, 1] : memref<8x8xf32> to memref<8x4xf32, strided<[8, 1]>>
  linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x4xf32>) outs(%a, %t : memref<8x4xf32, strided<[8, 1]>>, memref<8x4xf32>) {
  ^bb0(%in: f32, %o0: f32, %o1: f32):
    %s = math.sin %in : f32
    %c = math.cos %in : f32
    linalg.yield %s, %c : f32, f32
  }
  %b = memref.subview %whole[0, 4] [8, 4] [1, 1] : memref<8x8xf32> to memref<8x4xf32, strided<[8, 1], offset: 4>>
  linalg.copy ins(%t : memref<8x4xf32>) outs(%b : memref<8x4xf32, strided<[8, 1], offset: 4>>)
  return
}

// -----

// Pieces of a library call; its workspace is none.
// CHECK-LABEL: func.func @library
// CHECK: %[[W:.*]] = memref.alloc() : memref<9728xf32>
// CHECK: %[[C:.*]] = memref.subview %{{.*}}[0, 8] [8, 8]
// CHECK: kernel.gemm %{{.*}}, %{{.*}} into %[[C]], %[[W]]
// CHECK-NOT: linalg.copy
func.func @library(%a: memref<8x4xf32>, %b: memref<4x8xf32>, %whole: memref<8x16xf32>) {
  %t = memref.alloc() : memref<8x8xf32>
  %w = memref.alloc() : memref<9728xf32>
  kernel.gemm %a, %b into %t, %w : (memref<8x4xf32>, memref<4x8xf32>, memref<8x8xf32>, memref<9728xf32>) -> ()
  %c = memref.subview %whole[0, 8] [8, 8] [1, 1] : memref<8x16xf32> to memref<8x8xf32, strided<[16, 1], offset: 8>>
  linalg.copy ins(%t : memref<8x8xf32>) outs(%c : memref<8x8xf32, strided<[16, 1], offset: 8>>)
  return
}

// -----

// What lies in the place is read before it is overwritten.
// CHECK-LABEL: func.func @read_between
// CHECK: memref.alloc
// CHECK: linalg.copy
func.func @read_between(%x: memref<8xf32>, %place: memref<8xf32>, %y: memref<8xf32>) {
  %t = memref.alloc() : memref<8xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%t : memref<8xf32>)
  linalg.exp ins(%place : memref<8xf32>) outs(%y : memref<8xf32>)
  linalg.copy ins(%t : memref<8xf32>) outs(%place : memref<8xf32>)
  return
}

// -----

// A slice that overlaps is read by the op itself.
// CHECK-LABEL: func.func @overlap
// CHECK: memref.alloc
// CHECK: linalg.copy
func.func @overlap(%whole: memref<8xf32>) {
  %t = memref.alloc() : memref<4xf32>
  %a = memref.subview %whole[2] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: 2>>
  linalg.exp ins(%a : memref<4xf32, strided<[1], offset: 2>>) outs(%t : memref<4xf32>)
  %b = memref.subview %whole[4] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: 4>>
  linalg.copy ins(%t : memref<4xf32>) outs(%b : memref<4xf32, strided<[1], offset: 4>>)
  return
}

// -----

// The temporary is read behind the copy, when the place may have changed.
// CHECK-LABEL: func.func @read_later
// CHECK: memref.alloc
// CHECK: linalg.copy
func.func @read_later(%x: memref<8xf32>, %place: memref<8xf32>, %y: memref<8xf32>) {
  %t = memref.alloc() : memref<8xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%t : memref<8xf32>)
  linalg.copy ins(%t : memref<8xf32>) outs(%place : memref<8xf32>)
  linalg.exp ins(%t : memref<8xf32>) outs(%y : memref<8xf32>)
  return
}

// -----

// A loop reads the place.
// CHECK-LABEL: func.func @in_a_loop
// CHECK: memref.alloc
// CHECK: linalg.copy
func.func @in_a_loop(%x: memref<8xf32>, %place: memref<8xf32>, %y: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %t = memref.alloc() : memref<8xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%t : memref<8xf32>)
  scf.for %i = %c0 to %c8 step %c1 {
    %v = memref.load %place[%i] : memref<8xf32>
    memref.store %v, %y[%i] : memref<8xf32>
  }
  linalg.copy ins(%t : memref<8xf32>) outs(%place : memref<8xf32>)
  return
}

// -----

// The place is made behind the op, or of what is.
// CHECK-LABEL: func.func @not_there_yet
// CHECK-COUNT-2: linalg.copy
func.func @not_there_yet(%x: memref<4xf32>, %whole: memref<8xf32>, %i: memref<index>) -> memref<4xf32> {
  %t = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%t : memref<4xf32>)
  %late = memref.alloc() : memref<4xf32>
  linalg.copy ins(%t : memref<4xf32>) outs(%late : memref<4xf32>)
  %u = memref.alloc() : memref<4xf32>
  linalg.exp ins(%x : memref<4xf32>) outs(%u : memref<4xf32>)
  %o = memref.load %i[] : memref<index>
  %s = memref.subview %whole[%o] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: ?>>
  linalg.copy ins(%u : memref<4xf32>) outs(%s : memref<4xf32, strided<[1], offset: ?>>)
  return %late : memref<4xf32>
}
