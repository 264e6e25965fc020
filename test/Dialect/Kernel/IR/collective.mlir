// RUN: pp-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @kinds
func.func @kinds(%x: tensor<4x6xf32>, %part: tensor<6xf32>, %b: tensor<4x6xbf16>, %ws: tensor<512xf32>, %none: tensor<1xf32>) {
  // CHECK: kernel.collective all_reduce %{{.*}} into %{{.*}}, %{{.*}} over ["tensor"] members(4) : (tensor<4x6xf32>, tensor<4x6xf32>, tensor<512xf32>) -> (tensor<4x6xf32>, tensor<512xf32>)
  %0:2 = kernel.collective all_reduce %x into %x, %ws over ["tensor"] members(4) : (tensor<4x6xf32>, tensor<4x6xf32>, tensor<512xf32>) -> (tensor<4x6xf32>, tensor<512xf32>)
  // CHECK: kernel.collective reduce_scatter
  %1:2 = kernel.collective reduce_scatter %x into %part, %ws over ["data", "tensor"] members(4) number(3) : (tensor<4x6xf32>, tensor<6xf32>, tensor<512xf32>) -> (tensor<6xf32>, tensor<512xf32>)
  // CHECK: kernel.collective all_gather
  %2:2 = kernel.collective all_gather %part into %x, %none over ["tensor"] members(4) : (tensor<6xf32>, tensor<4x6xf32>, tensor<1xf32>) -> (tensor<4x6xf32>, tensor<1xf32>)
  // CHECK: kernel.collective all_to_all
  %3:2 = kernel.collective all_to_all %b into %b, %none over ["tensor"] members(4) : (tensor<4x6xbf16>, tensor<4x6xbf16>, tensor<1xf32>) -> (tensor<4x6xbf16>, tensor<1xf32>)
  return
}

// -----

// CHECK-LABEL: func @halves
func.func @halves(%x: memref<8xf32>, %all: memref<2x8xf32>, %ws: memref<1xf32>) {
  // CHECK: kernel.collective start all_gather %arg0 into %arg1, %arg2 over ["tensor"] members(2) slot(1) : (memref<8xf32>, memref<2x8xf32>, memref<1xf32>) -> ()
  kernel.collective start all_gather %x into %all, %ws over ["tensor"] members(2) slot(1) : (memref<8xf32>, memref<2x8xf32>, memref<1xf32>) -> ()
  // CHECK: kernel.collective finish all_gather %arg0 into %arg1, %arg2 over ["tensor"] members(2) slot(1) number(3)
  kernel.collective finish all_gather %x into %all, %ws over ["tensor"] members(2) slot(1) number(3) : (memref<8xf32>, memref<2x8xf32>, memref<1xf32>) -> ()
  return
}

// -----

func.func @c1(%x: tensor<4xf32>, %ws: tensor<512xf32>) {
  // expected-error @below {{found 0 axes and 2 members, expected at least one of each}}
  %0:2 = kernel.collective all_reduce %x into %x, %ws over [] members(2) : (tensor<4xf32>, tensor<4xf32>, tensor<512xf32>) -> (tensor<4xf32>, tensor<512xf32>)
  return
}

// -----

func.func @c2(%x: tensor<4xbf16>, %ws: tensor<512xf32>) {
  // expected-error @below {{found elements of 'bf16' and 'bf16', expected one type, f32 or f64: widen them}}
  %0:2 = kernel.collective all_reduce %x into %x, %ws over ["tensor"] members(2) : (tensor<4xbf16>, tensor<4xbf16>, tensor<512xf32>) -> (tensor<4xbf16>, tensor<512xf32>)
  return
}

// -----

func.func @c3(%x: tensor<4xf32>, %y: tensor<8xf32>, %ws: tensor<512xf32>) {
  // expected-error @below {{found 'tensor<4xf32>' into 'tensor<8xf32>', expected the parts of 2 members along the first dimension}}
  %0:2 = kernel.collective all_gather %x into %y, %ws over ["tensor"] members(2) : (tensor<4xf32>, tensor<8xf32>, tensor<512xf32>) -> (tensor<8xf32>, tensor<512xf32>)
  return
}

// -----

func.func @c4(%x: tensor<4xf32>, %ws: tensor<3xf32>) {
  // expected-error @below {{found workspace of type 'tensor<3xf32>', expected at least 128 elements}}
  %0:2 = kernel.collective all_reduce %x into %x, %ws over ["tensor"] members(2) : (tensor<4xf32>, tensor<4xf32>, tensor<3xf32>) -> (tensor<4xf32>, tensor<3xf32>)
  return
}

// -----

func.func @c5(%x: tensor<8xf32>, %all: tensor<2x8xf32>, %ws: tensor<1xf32>) {
  // expected-error @below {{found half of a collective of tensors, expected buffers: halves are made of those}}
  %0:2 = kernel.collective start all_gather %x into %all, %ws over ["tensor"] members(2) : (tensor<8xf32>, tensor<2x8xf32>, tensor<1xf32>) -> (tensor<2x8xf32>, tensor<1xf32>)
  return
}

// -----

func.func @coordinate(%i: tensor<i64>) {
  // expected-error @below {{'kernel.coordinate' op found no axes, expected at least one name}}
  %0 = kernel.coordinate into %i over [] : (tensor<i64>) -> tensor<i64>
  return
}
