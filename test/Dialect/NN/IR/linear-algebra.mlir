// RUN: pp-opt %s | pp-opt | FileCheck %s
// RUN: pp-opt %s --mlir-print-op-generic | pp-opt | FileCheck %s

// CHECK-LABEL: @linear
func.func @linear(%x: tensor<4x5x6xf32>, %w: tensor<6x7xf32>, %wt: tensor<7x6xf32>, %b: tensor<7xf32>, %v: tensor<6xf32>) -> tensor<4x5x7xf32> {
  // CHECK: nn.linear %{{.*}}, %{{.*}} : (tensor<4x5x6xf32>, tensor<6x7xf32>) -> tensor<4x5x7xf32>
  %0 = nn.linear %x, %w : (tensor<4x5x6xf32>, tensor<6x7xf32>) -> tensor<4x5x7xf32>
  // CHECK: nn.linear %{{.*}}, %{{.*}}, %{{.*}} {transposed} : (tensor<4x5x6xf32>, tensor<7x6xf32>, tensor<7xf32>) -> tensor<4x5x7xf32>
  %1 = nn.linear %x, %wt, %b {transposed} : (tensor<4x5x6xf32>, tensor<7x6xf32>, tensor<7xf32>) -> tensor<4x5x7xf32>
  // CHECK: nn.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<6xf32>, tensor<6x7xf32>, tensor<7xf32>) -> tensor<7xf32>
  %2 = nn.linear %v, %w, %b : (tensor<6xf32>, tensor<6x7xf32>, tensor<7xf32>) -> tensor<7xf32>
  return %1 : tensor<4x5x7xf32>
}

// CHECK-LABEL: @matmul
func.func @matmul(%a: tensor<2x3x4xf64>, %b: tensor<2x5x4xf64>, %c: tensor<2x3x5xf64>) -> tensor<2x4x4xf64> {
  // CHECK: %[[P:.*]] = nn.matmul %{{.*}}, %{{.*}} {transpose_b} : (tensor<2x3x4xf64>, tensor<2x5x4xf64>) -> tensor<2x3x5xf64>
  %0 = nn.matmul %a, %b {transpose_b} : (tensor<2x3x4xf64>, tensor<2x5x4xf64>) -> tensor<2x3x5xf64>
  // CHECK: nn.matmul %{{.*}}, %{{.*}} init(%[[P]]) {transpose_b} : (tensor<2x3x4xf64>, tensor<2x5x4xf64>, tensor<2x3x5xf64>) -> tensor<2x3x5xf64>
  %1 = nn.matmul %a, %b init(%0) {transpose_b} : (tensor<2x3x4xf64>, tensor<2x5x4xf64>, tensor<2x3x5xf64>) -> tensor<2x3x5xf64>
  // CHECK: nn.matmul %{{.*}}, %{{.*}} {transpose_a, transpose_b} : (tensor<2x3x4xf64>, tensor<2x5x3xf64>) -> tensor<2x4x5xf64>
  %t = nn.transpose %1 permutation = [0, 2, 1] : (tensor<2x3x5xf64>) -> tensor<2x5x3xf64>
  %2 = nn.matmul %a, %t {transpose_a, transpose_b} : (tensor<2x3x4xf64>, tensor<2x5x3xf64>) -> tensor<2x4x5xf64>
  // CHECK: nn.matmul %{{.*}}, %{{.*}} : (tensor<2x4x5xf64>, tensor<2x5x4xf64>) -> tensor<2x4x4xf64>
  %3 = nn.matmul %2, %b : (tensor<2x4x5xf64>, tensor<2x5x4xf64>) -> tensor<2x4x4xf64>
  return %3 : tensor<2x4x4xf64>
}

// CHECK-LABEL: @embedding
func.func @embedding(%ids: tensor<2x3xi32>, %id: tensor<i64>, %table: tensor<11x4xbf16>) -> tensor<11x4xbf16> {
  // CHECK: nn.embedding %{{.*}}, %{{.*}} : (tensor<2x3xi32>, tensor<11x4xbf16>) -> tensor<2x3x4xbf16>
  %0 = nn.embedding %ids, %table : (tensor<2x3xi32>, tensor<11x4xbf16>) -> tensor<2x3x4xbf16>
  // CHECK: nn.embedding %{{.*}}, %{{.*}} : (tensor<i64>, tensor<11x4xbf16>) -> tensor<4xbf16>
  %1 = nn.embedding %id, %table : (tensor<i64>, tensor<11x4xbf16>) -> tensor<4xbf16>
  // CHECK: %[[G:.*]] = nn.embedding_grad %{{.*}}, %{{.*}} : (tensor<2x3xi32>, tensor<2x3x4xbf16>) -> tensor<11x4xbf16>
  %2 = nn.embedding_grad %ids, %0 : (tensor<2x3xi32>, tensor<2x3x4xbf16>) -> tensor<11x4xbf16>
  // CHECK: nn.embedding_grad %{{.*}}, %{{.*}} init(%[[G]]) : (tensor<i64>, tensor<4xbf16>, tensor<11x4xbf16>) -> tensor<11x4xbf16>
  %3 = nn.embedding_grad %id, %1 init(%2) : (tensor<i64>, tensor<4xbf16>, tensor<11x4xbf16>) -> tensor<11x4xbf16>
  return %3 : tensor<11x4xbf16>
}

// CHECK-LABEL: @rows_of_a_table
func.func @rows_of_a_table(%ids: tensor<2x3xi32>, %table: tensor<11x4xf32>, %n: tensor<11xi32>) -> tensor<11x4xf32> {
  // CHECK: %[[Y:.*]] = nn.embedding %{{.*}}, %{{.*}} numbers(%[[N:.*]]) of 22 : (tensor<2x3xi32>, tensor<11x4xf32>, tensor<11xi32>) -> tensor<2x3x4xf32>
  %y = nn.embedding %ids, %table numbers(%n) of 22 : (tensor<2x3xi32>, tensor<11x4xf32>, tensor<11xi32>) -> tensor<2x3x4xf32>
  // CHECK: %[[G:.*]] = nn.embedding_grad %{{.*}}, %[[Y]] numbers(%[[N]]) of 22 : (tensor<2x3xi32>, tensor<2x3x4xf32>, tensor<11xi32>) -> tensor<11x4xf32>
  %g = nn.embedding_grad %ids, %y numbers(%n) of 22 : (tensor<2x3xi32>, tensor<2x3x4xf32>, tensor<11xi32>) -> tensor<11x4xf32>
  // CHECK: nn.embedding_grad %{{.*}}, %[[Y]] init(%[[G]]) numbers(%[[N]]) of 22 : (tensor<2x3xi32>, tensor<2x3x4xf32>, tensor<11x4xf32>, tensor<11xi32>) -> tensor<11x4xf32>
  %h = nn.embedding_grad %ids, %y init(%g) numbers(%n) of 22 : (tensor<2x3xi32>, tensor<2x3x4xf32>, tensor<11x4xf32>, tensor<11xi32>) -> tensor<11x4xf32>
  return %h : tensor<11x4xf32>
}
