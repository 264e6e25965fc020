// RUN: pp-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// Ops on bf16 add to an accumulator of f32.
// CHECK-LABEL: func.func @wide
func.func @wide(%a: tensor<4x6xbf16>, %ids: tensor<4xi32>, %m: tensor<6x6xf32>, %v: tensor<6xf32>) -> tensor<6xf32> {
  // CHECK: nn.matmul {{.*}} -> tensor<6x6xf32>
  %0 = nn.matmul %a, %a init(%m) {transpose_a} : (tensor<4x6xbf16>, tensor<4x6xbf16>, tensor<6x6xf32>) -> tensor<6x6xf32>
  // CHECK: nn.embedding_grad {{.*}} -> tensor<6x6xf32>
  %1 = nn.embedding_grad %ids, %a init(%0) : (tensor<4xi32>, tensor<4x6xbf16>, tensor<6x6xf32>) -> tensor<6x6xf32>
  // CHECK: nn.reduce_sum {{.*}} -> tensor<6xf32>
  %2 = nn.reduce_sum %a init(%v) axes = [0] : (tensor<4x6xbf16>, tensor<6xf32>) -> tensor<6xf32>
  %3 = nn.layer_norm_grad_scale %a, %a init(%2) {eps = 1.0e-5} : (tensor<4x6xbf16>, tensor<4x6xbf16>, tensor<6xf32>) -> tensor<6xf32>
  // CHECK: nn.rms_norm_grad_scale {{.*}} -> tensor<6xf32>
  %4 = nn.rms_norm_grad_scale %a, %a init(%3) {eps = 1.0e-5} : (tensor<4x6xbf16>, tensor<4x6xbf16>, tensor<6xf32>) -> tensor<6xf32>
  return %4 : tensor<6xf32>
}

// -----

func.func @f(%a: tensor<4x6xbf16>, %c: tensor<6x6xf64>) {
  // expected-error @below {{'nn.matmul' op (C5) init has type 'tensor<6x6xf64>', expected 'tensor<6x6xbf16>', that of the product: pass a tensor of that type}}
  %0 = nn.matmul %a, %a init(%c) {transpose_a} : (tensor<4x6xbf16>, tensor<4x6xbf16>, tensor<6x6xf64>) -> tensor<6x6xf64>
  return
}

// -----

func.func @f(%ids: tensor<4xi32>, %a: tensor<4x6xbf16>) {
  // expected-error @below {{'nn.embedding_grad' op (C2) result has type 'tensor<6x6xf32>', expected two dimensions, the last one 6, of 'bf16' as dy: declare the type of the table}}
  %0 = nn.embedding_grad %ids, %a : (tensor<4xi32>, tensor<4x6xbf16>) -> tensor<6x6xf32>
  return
}
