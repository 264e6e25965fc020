// RUN: pp-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<f32>, %t: tensor<i32>) {
  // expected-error @below {{'nn.cross_entropy' op (C1) logits has rank 0, expected at least 1: the last dimension counts the classes}}
  %0:2 = nn.cross_entropy %x, %t : (tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @f(%x: tensor<2x3x11xf32>, %t: tensor<6xi32>) {
  // expected-error @below {{'nn.cross_entropy' op (C2) targets has shape 6, expected 2x3 as logits without the last dimension: pass one target a row of logits}}
  %0:2 = nn.cross_entropy %x, %t : (tensor<2x3x11xf32>, tensor<6xi32>) -> (tensor<f32>, tensor<6xf32>)
  return
}

// -----

func.func @f(%x: tensor<3x11xf32>, %t: tensor<3x11xf32>) {
  // expected-error @below {{operand #1 must be ranked tensor of i32 or i64 ids (convert with nn.cast), but got 'tensor<3x11xf32>'}}
  %0:2 = nn.cross_entropy %x, %t : (tensor<3x11xf32>, tensor<3x11xf32>) -> (tensor<f32>, tensor<3xf32>)
  return
}

// -----

func.func @f(%x: tensor<3x11xbf16>, %t: tensor<3xi32>) {
  // expected-error @below {{'nn.cross_entropy' op result #0 has type 'tensor<bf16>', expected 'tensor<f32>' from the operands: declare that type}}
  %0:2 = nn.cross_entropy %x, %t : (tensor<3x11xbf16>, tensor<3xi32>) -> (tensor<bf16>, tensor<3xbf16>)
  return
}

// -----

func.func @f(%x: tensor<f32>, %t: tensor<i32>, %l: tensor<f32>, %d: tensor<f32>) {
  // expected-error @below {{'nn.cross_entropy_grad' op (C1) logits has rank 0, expected at least 1: the last dimension counts the classes}}
  %0 = nn.cross_entropy_grad %x, %t, %l, %d : (tensor<f32>, tensor<i32>, tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<3x11xf32>, %t: tensor<i64>, %l: tensor<3xf32>, %d: tensor<f32>) {
  // expected-error @below {{'nn.cross_entropy_grad' op (C2) targets has shape (), expected 3 as logits without the last dimension: pass one target a row of logits}}
  %0 = nn.cross_entropy_grad %x, %t, %l, %d : (tensor<3x11xf32>, tensor<i64>, tensor<3xf32>, tensor<f32>) -> tensor<3x11xf32>
  return
}

// -----

func.func @f(%x: tensor<3x11xf32>, %t: tensor<3xi64>, %l: tensor<4xf32>, %d: tensor<f32>) {
  // expected-error @below {{'nn.cross_entropy_grad' op (C3) lse has type 'tensor<4xf32>', expected 'tensor<3xf32>', that of nn.cross_entropy: pass a tensor of that type}}
  %0 = nn.cross_entropy_grad %x, %t, %l, %d : (tensor<3x11xf32>, tensor<3xi64>, tensor<4xf32>, tensor<f32>) -> tensor<3x11xf32>
  return
}

// -----

func.func @f(%x: tensor<3x11xbf16>, %t: tensor<3xi64>, %l: tensor<3xf32>, %d: tensor<bf16>) {
  // expected-error @below {{'nn.cross_entropy_grad' op (C3) dloss has type 'tensor<bf16>', expected 'tensor<f32>', that of nn.cross_entropy: pass a tensor of that type}}
  %0 = nn.cross_entropy_grad %x, %t, %l, %d : (tensor<3x11xbf16>, tensor<3xi64>, tensor<3xf32>, tensor<bf16>) -> tensor<3x11xbf16>
  return
}

// -----

func.func @f(%x: tensor<f32>, %m: tensor<f32>, %t: tensor<i32>) {
  // expected-error @below {{'nn.class_sums' op (C1) logits has rank 0, expected at least 1: the last dimension counts the classes}}
  %0:2 = nn.class_sums %x, %m, %t : (tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @f(%x: tensor<3x11xf32>, %m: tensor<3xf32>, %t: tensor<4xi32>) {
  // expected-error @below {{'nn.class_sums' op (C2) targets has shape 4, expected 3 as logits without the last dimension: pass one target a row of logits}}
  %0:2 = nn.class_sums %x, %m, %t : (tensor<3x11xf32>, tensor<3xf32>, tensor<4xi32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @f(%x: tensor<3x11xbf16>, %m: tensor<3xf32>, %t: tensor<3xi32>) {
  // expected-error @below {{'nn.class_sums' op (C2) shift has type 'tensor<3xf32>', expected 'tensor<3xbf16>', one number a row of logits: pass a tensor of that type}}
  %0:2 = nn.class_sums %x, %m, %t : (tensor<3x11xbf16>, tensor<3xf32>, tensor<3xi32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @f(%x: tensor<3x11xf32>, %m: tensor<3xf32>, %t: tensor<3xi32>, %n: tensor<10xi32>) {
  // expected-error @below {{'nn.class_sums' op (C3) numbers has type 'tensor<10xi32>', expected 'tensor<11xi32>'}}
  %0:2 = nn.class_sums %x, %m, %t numbers(%n) of 22 : (tensor<3x11xf32>, tensor<3xf32>, tensor<3xi32>, tensor<10xi32>) -> (tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @f(%x: tensor<3x11xf32>, %m: tensor<3xf32>, %t: tensor<3xi32>, %d: tensor<3xf64>) {
  // expected-error @below {{'nn.class_sums_grad' op (C5) dsum has type 'tensor<3xf64>', expected 'tensor<3xf32>', that of nn.class_sums: pass a tensor of that type}}
  %0 = nn.class_sums_grad %x, %m, %t, %d, %m : (tensor<3x11xf32>, tensor<3xf32>, tensor<3xi32>, tensor<3xf64>, tensor<3xf32>) -> tensor<3x11xf32>
  return
}
