// RUN: pp-opt %s --comm-verify-distribution --split-input-file --verify-diagnostics

// An invariant weight on parts: its gradient would miss a sum.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #1 is invariant here}}
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %g: tensor<6xf32>) {
  // expected-error @below {{'nn.rms_norm' op on axis "tensor": found operand #1 invariant beside operand #0 varying(0), expected it replicated: its gradient would miss a sum; put comm.vary over ["tensor"] before it}}
  %y = nn.rms_norm %x, %g : (tensor<4x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// An invariant value beside a replicated one.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #1 is invariant here}}
// expected-note @below {{operand #0 is replicated here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %y: tensor<4x6xf32>) {
  // expected-error @below {{'nn.add' op on axis "tensor": found operand #1 invariant beside operand #0 replicated, expected it replicated: its gradient would miss a sum; put comm.vary over ["tensor"] before it}}
  %z = nn.add %x, %y : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A bias added before the sum counts once a coordinate.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #1 is replicated here}}
// expected-note @below {{operand #0 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  // expected-error @below {{'nn.add' op on axis "tensor": found operand #1 replicated in a sum with operand #0 partial, expected partial summands only: it would count once a coordinate; add it behind the sum}}
  %y = nn.add %x, %b : (tensor<4x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// So does the bias of a row-parallel product.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #2 is replicated here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %w: tensor<6x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %b: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  // expected-error @below {{'nn.linear' op on axis "tensor": found a sum over parts and a summand that all coordinates have, expected partial summands only: it would count once a coordinate; add it behind the sum}}
  %y = nn.linear %x, %w, %b : (tensor<4x6xf32>, tensor<6x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A partial sum in a function that is not linear.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  // expected-error @below {{'nn.gelu' op on axis "tensor": found operand #0 partial, in which the op is not linear, expected it summed: sum it with comm.all_reduce sum and comm.vary over ["tensor"]}}
  %y = nn.gelu %x : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A product of two partial sums.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
// expected-note @below {{operand #1 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %y: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  // expected-error @below {{'nn.mul' op on axis "tensor": found operands #0 and #1 partial in one product, expected one at most: sum one of them first}}
  %z = nn.mul %x, %y : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A partial sum times parts.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
// expected-note @below {{operand #1 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %y: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-error @below {{'nn.mul' op on axis "tensor": found operand #0 partial in a product with operand #1 varying(0), expected it summed: a part would meet the summand of its own coordinate only; sum it with comm.all_reduce sum and comm.vary over ["tensor"]}}
  %z = nn.mul %x, %y : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A partial sum plus parts.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %y: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-error @below {{'nn.add' op on axis "tensor": found operand #0 partial in a sum with parts, expected it summed: sum it with comm.reduce_scatter sum over ["tensor"] dim(0)}}
  %z = nn.add %x, %y : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A partial sum beside values of a coordinate's own.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %y: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying}>}) {
  // expected-error @below {{'nn.add' op on axis "tensor": found operand #0 partial beside operand #1 varying, expected it summed: sum it with comm.all_reduce sum and comm.vary over ["tensor"]}}
  %z = nn.add %x, %y : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// Parts of different dimensions.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
// expected-note @below {{operand #1 is varying(1) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %y: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  // expected-error @below {{'nn.add' op on axis "tensor": found operand #0 varying(0) and operand #1 varying(1), which count different dimensions of the op, expected parts of one: exchange dimensions of one with comm.all_to_all, or gather it}}
  %z = nn.add %x, %y : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// Parts of a dimension that another operand has whole.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
// expected-note @below {{operand #1 is replicated here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  // expected-error @below {{'nn.linear' op on axis "tensor": found operand #1 replicated beside operand #0 varying(1), expected parts of the same dimension: take the coordinate's part of one with comm.slice, or gather the other}}
  %y = nn.linear %x, %w : (tensor<4x6xf32>, tensor<6x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

// Parts along a dimension of size 1 that repeats.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%x: tensor<4x1xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %y: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  // expected-error @below {{'nn.add' op on axis "tensor": found operand #0 varying(1) along a dimension of size 1 that repeats, expected it whole: gather it with comm.all_gather over ["tensor"] dim(1)}}
  %z = nn.add %x, %y : (tensor<4x1xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// A norm needs its rows whole.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %g: tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-error @below {{'nn.rms_norm' op on axis "tensor": found operand #0 varying(1) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["tensor"] dim(1)}}
  %y = nn.rms_norm %x, %g : (tensor<4x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// Classes are counted by targets.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %t: tensor<4xi32>) {
  // expected-error @below {{'nn.cross_entropy' op on axis "tensor": found operand #0 varying(1) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["tensor"] dim(1)}}
  %l, %s = nn.cross_entropy %x, %t : (tensor<4x6xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  return
}

// -----

// Rows of a table are counted by ids.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #1 is varying(0) here}}
func.func @f(%t: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %i: tensor<4xi32>) {
  // expected-error @below {{'nn.embedding' op on axis "tensor": found operand #1 varying(0) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["tensor"] dim(0)}}
  %y = nn.embedding %i, %t : (tensor<4xi32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// Positions turn by their number.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%x: tensor<2x4x2x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  // expected-error @below {{'nn.rotary' op on axis "tensor": found operand #0 varying(1) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["tensor"] dim(1)}}
  %y = nn.rotary %x : (tensor<2x4x2x4xf32>) -> tensor<2x4x2x4xf32>
  return
}

// -----

// A causal mask counts positions.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%q: tensor<2x4x2x4xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %k: tensor<2x8x2x4xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  // expected-error @below {{'nn.attention' op on axis "tensor": found operand #0 varying(1) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["tensor"] dim(1)}}
  %y, %l = nn.attention %q, %k, %k {causal} : (tensor<2x4x2x4xf32>, tensor<2x8x2x4xf32>, tensor<2x8x2x4xf32>) -> (tensor<2x4x2x4xf32>, tensor<2x2x4xf32>)
  return
}

// -----

// Elements are dropped by their number in the whole tensor.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "tensor": found operand #0 varying(0) along a dimension whose indices the op counts, expected the op to say of which part it is, over ["tensor"] dim(0), or the operand replicated: gather it with comm.all_gather over ["tensor"] dim(0)}}
  %y = nn.dropout %x key(%key) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// The part of another dimension.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "tensor": found operand #0 varying(0) of an op on a part over ["tensor"] dim(1), expected varying(1): exchange dimensions with comm.all_to_all over ["tensor"] split(1) concat(0), or correct the part of the op}}
  %y = nn.dropout %x key(%key) over ["tensor"] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// The part of another axis.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is invariant here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "data": found operand #0 invariant of an op on a part over ["data"] dim(0), expected varying(0): take the coordinate's part with comm.slice over ["data"] dim(0), or correct the part of the op}}
  %y = nn.dropout %x key(%key) over ["data"] dim(0) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// A part along a second dimension.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"data" = varying(0), "tensor" = varying(1)}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "data": found operand #0 varying(0) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["data"] dim(0)}}
  %y = nn.dropout %x key(%key) over ["tensor"] dim(1) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// A part of a tensor that is whole.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is replicated here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "tensor": found operand #0 replicated of an op on a part over ["tensor"] dim(0), expected varying(0): drop the axis from the op}}
  %y = nn.dropout %x key(%key) over ["tensor"] dim(0) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// A part of summands.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "tensor": found operand #0 partial of an op on a part over ["tensor"] dim(0), expected varying(0): sum it with comm.reduce_scatter sum over ["tensor"] dim(0), or correct the part of the op}}
  %y = nn.dropout %x key(%key) over ["tensor"] dim(0) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// A part of blocks.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0, 2) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0, 2)}>}, %key: i64) {
  // expected-error @below {{'nn.dropout' op on axis "tensor": found operand #0 varying(0, 2) of an op on a part over ["tensor"] dim(0), expected varying(0): cut the dimension itself, not blocks of it}}
  %y = nn.dropout %x key(%key) over ["tensor"] dim(0) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// A part on an axis whose coordinates run functions of their own.
// expected-note @below {{the mesh is here}}
pp.mesh @mesh <["pipe" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>, %key: i64) {
  // expected-error @below {{found axis "pipe" on an op of a part, on which functions have no distributions, expected another axis of the mesh, ["pipe", "tensor"]: values cross it between functions only}}
  %y = nn.dropout %x key(%key) over ["pipe"] dim(0) {p = 0.5, site = 0} : (tensor<4x6xf32>, i64) -> tensor<4x6xf32>
  return
}

// -----

// A piece of a dimension that is cut.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  // expected-error @below {{'nn.split' op on axis "tensor": found operand #0 varying(1) along a dimension that the op needs whole, or whose indices it counts, expected it replicated or cut along another: gather it with comm.all_gather over ["tensor"] dim(1)}}
  %y:2 = nn.split %x sizes = [3, 3] {axis = 1 : i64} : (tensor<4x6xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>)
  return
}

// -----

// A maximum of parts is none yet.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  // expected-note @below {{operand #0 is partial(max) here}}
  %m = nn.reduce_max %x axes = [1] : (tensor<4x6xf32>) -> tensor<4xf32>
  // expected-error @below {{'math.exp' op on axis "tensor": found operand #0 partial(max), which only a collective takes: take the maximum with comm.all_reduce max over ["tensor"]}}
  %y = math.exp %m : tensor<4xf32>
  return
}

// -----

// An op that has no rule.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(1) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
  // expected-error @below {{'tensor.bitcast' op on axis "tensor": found operand #0 varying(1) of an op without a sharding rule, expected all operands equal on all coordinates: gather or sum it first, or implement ShardableOpInterface}}
  %y = tensor.bitcast %x : tensor<4x6xf32> to tensor<4x6xi32>
  return
}

// -----

// A sum of what is no summand.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-error @below {{'comm.all_reduce' op on axis "tensor": found operand #0 varying(0), expected partial: it is in parts; drop the op, or use the dimension of the parts}}
  %y = comm.all_reduce sum %x over ["tensor"] : tensor<4x6xf32>
  return
}

// -----

// A sum twice.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  // expected-note @below {{operand #0 is invariant here}}
  %y = comm.all_reduce sum %x over ["tensor"] : tensor<4x6xf32>
  // expected-error @below {{'comm.all_reduce' op on axis "tensor": found operand #0 invariant, expected partial: it is whole on every coordinate; drop the op}}
  %z = comm.all_reduce sum %y over ["tensor"] : tensor<4x6xf32>
  return
}

// -----

// A sum over another axis.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is invariant here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  // expected-error @below {{'comm.all_reduce' op on axis "data": found operand #0 invariant, expected partial: it is whole on every coordinate; drop the op}}
  %y = comm.all_reduce sum %x over ["data"] : tensor<4x6xf32>
  return
}

// -----

// A gather along another dimension.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-error @below {{'comm.all_gather' op on axis "tensor": found operand #0 varying(0), expected varying(1): it is in parts; drop the op, or use the dimension of the parts}}
  %y = comm.all_gather %x over ["tensor"] dim(1) : tensor<4x6xf32> -> tensor<4x12xf32>
  return
}

// -----

// A gather of summands.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is partial here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  // expected-error @below {{'comm.all_gather' op on axis "tensor": found operand #0 partial, expected varying(1): it is a summand; sum it, or drop the op}}
  %y = comm.all_gather %x over ["tensor"] dim(1) : tensor<4x6xf32> -> tensor<4x12xf32>
  return
}

// -----

// comm.vary twice would sum the gradient twice.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) {
  // expected-note @below {{operand #0 is replicated here}}
  %y = comm.vary %x over ["tensor"] : tensor<4x6xf32>
  // expected-error @below {{'comm.vary' op on axis "tensor": found operand #0 replicated, expected invariant: it is whole on every coordinate; drop the op}}
  %z = comm.vary %y over ["tensor"] : tensor<4x6xf32>
  return
}

// -----

// Blocks of two axes nest in one order.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{operand #0 is varying(0) here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"data" = varying(0), "tensor" = varying(0)}>}) {
  // expected-error @below {{'comm.all_gather' op on axis "data": found operand #0 varying(0) along a dimension whose parts the op exchanges on ["tensor"], expected it sharded on these only: blocks of two axes nest in one order; exchange both at once}}
  %y = comm.all_gather %x over ["tensor"] dim(0) : tensor<4x6xf32> -> tensor<8x6xf32>
  return
}

// -----

// A result that is not what was declared.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}, %w: tensor<6x8xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> tensor<4x8xf32> {
  // expected-note @below {{the value is made here}}
  %y = nn.linear %x, %w : (tensor<4x6xf32>, tensor<6x8xf32>) -> tensor<4x8xf32>
  // expected-error @below {{result #0 on axis "tensor": found partial, expected invariant: sum it with comm.all_reduce sum over ["tensor"]}}
  return %y : tensor<4x8xf32>
}

// -----

// A gradient that is summed already, declared partial.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) -> (tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = partial}>}) {
  // expected-note @below {{the value is made here}}
  %y = comm.all_reduce sum %x over ["tensor"] : tensor<4x6xf32>
  // expected-error @below {{result #0 on axis "tensor": found invariant, expected partial: a sum over ["tensor"] would count it too often: drop a reduction, or declare it invariant}}
  return %y : tensor<4x6xf32>
}

// -----

// A gradient that has not been summed.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> (tensor<6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-note @below {{the value is made here}}
  %y = nn.reduce_sum %x axes = [0] : (tensor<4x6xf32>) -> tensor<6xf32>
  // expected-error @below {{result #0 on axis "tensor": found partial, expected varying(0): sum it with comm.reduce_scatter sum over ["tensor"] dim(0)}}
  return %y : tensor<6xf32>
}

// -----

// A mean of parts is no summand of the mean.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-note @below {{operand #0 is varying here}}
  %y = nn.reduce_mean %x axes = [0, 1] : (tensor<4x6xf32>) -> tensor<f32>
  // expected-error @below {{'comm.all_reduce' op on axis "tensor": found operand #0 varying, expected partial: it is each coordinate's own, as a mean of parts is; sum parts with nn.reduce_sum and divide by how many all of them are}}
  %z = comm.all_reduce sum %y over ["tensor"] : tensor<f32>
  return
}

// -----

// Replicated where the gradient should be whole.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  // expected-note @below {{the value is made here}}
  %y = comm.vary %x over ["tensor"] : tensor<4x6xf32>
  // expected-error @below {{result #0 on axis "tensor": found replicated, expected invariant: its gradient would be partial: drop a comm.vary over ["tensor"], or declare it replicated}}
  return %y : tensor<4x6xf32>
}

// -----

// And whole where it should be partial.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{the value is made here}}
func.func @f(%x: tensor<4x6xf32>) -> (tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  // expected-error @below {{result #0 on axis "tensor": found invariant, expected replicated: its gradient would miss a sum: put comm.vary over ["tensor"] before it}}
  return %x : tensor<4x6xf32>
}

// -----

// Parts along dimension 1, declared along 0.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-note @below {{the value is made here}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) -> (tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) {
  // expected-error @below {{result #0 on axis "tensor": found varying(1), expected varying(0): exchange dimensions with comm.all_to_all over ["tensor"] split(0) concat(1)}}
  return %x : tensor<4x6xf32>
}

// -----

// Only what repeats may be declared a part.
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"tensor" = replicated}>}) {
  // expected-error @below {{'nn.gelu' op on axis "tensor": found its result replicated, declared varying(0), expected that of a result which repeats along the dimension, or of a view that may be such parts: drop the attribute}}
  %y = nn.gelu %x {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

// An axis that the mesh has not.
// expected-note @below {{the mesh is here}}
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
// expected-error @below {{found axis "context" on argument #0, expected one of the mesh, ["data", "tensor"]: correct the name or add the axis}}
func.func @f(%x: tensor<4x6xf32> {comm.distribution = #comm.distribution<{"context" = varying(0)}>}) {
  return
}
