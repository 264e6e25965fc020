//===- Layers.cpp - Layers as people shard them ---------------------------===//
//
// Two entries of a batch, sequences of 4, 8 features in 4 heads of 2, 8 hidden
// features, 8 words. In texts of sharded layers $T is a coordinate's part of 4,
// $F of 8, $H of the heads.
//
//===----------------------------------------------------------------------===//

#include "Layers.h"

using namespace pp::commtest;

static const char *const kTypes = R"(
!x = tensor<2x4x8xf64>
!w = tensor<8x8xf64>
!b = tensor<8xf64>
!heads = tensor<2x4x4x2xf64>
!ids = tensor<2x4xi32>
!rows = tensor<2x4xf64>
!loss = tensor<f64>
!xt = tensor<2x$Tx8xf64>
!xf = tensor<2x4x$Fxf64>
!wc = tensor<8x$Fxf64>
!wr = tensor<$Fx8xf64>
!bf = tensor<$Fxf64>
!headsh = tensor<2x4x$Hx2xf64>
!headst = tensor<2x$Tx4x2xf64>
#R = #comm.distribution<{"tensor" = replicated}>
#P = #comm.distribution<{"tensor" = partial}>
#V0 = #comm.distribution<{"tensor" = varying(0)}>
#V1 = #comm.distribution<{"tensor" = varying(1)}>
#V2 = #comm.distribution<{"tensor" = varying(2)}>
)";

namespace {
struct Text {
  const char *name, *whole, *sharded;
};
} // namespace

// Megatron's MLP: a column-parallel product, a row-parallel one, and the bias
// of that behind the sum.
static const Text kMlp{"mlp", R"(
func.func @f(%x: !x, %w1: !w, %b1: !b, %w2: !w, %b2: !b) -> !x {
  %h = nn.linear %x, %w1, %b1 : (!x, !w, !b) -> !x
  %a = nn.gelu %h : (!x) -> !x
  %y = nn.linear %a, %w2, %b2 : (!x, !w, !b) -> !x
  %z = nn.add %x, %y : (!x, !x) -> !x
  return %z : !x
})",
                       R"(
func.func @f(%x: !x, %w1: !wc {comm.distribution = #V1}, %b1: !bf {comm.distribution = #V0},
    %w2: !wr {comm.distribution = #V0}, %b2: !b) -> !x {
  %xr = comm.vary %x over ["tensor"] : !x
  %h = nn.linear %xr, %w1, %b1 : (!x, !wc, !bf) -> !xf
  %a = nn.gelu %h : (!xf) -> !xf
  %p = nn.linear %a, %w2 : (!xf, !wr) -> !x
  %s = comm.all_reduce sum %p over ["tensor"] : !x
  %y = nn.add %s, %b2 : (!x, !b) -> !x
  %z = nn.add %x, %y : (!x, !x) -> !x
  return %z : !x
})"};

// With sequence parallelism, a norm and gated: norm weight and row bias are
// invariant, but see parts of the sequence.
static const Text kMlpSequence{"mlp_sequence", R"(
func.func @f(%x: !x, %g: !b, %w1: !w, %w3: !w, %w2: !w, %b2: !b) -> !x {
  %n = nn.rms_norm %x, %g {eps = 1.0e-3} : (!x, !b) -> !x
  %h = nn.linear %n, %w1 : (!x, !w) -> !x
  %u = nn.linear %n, %w3 : (!x, !w) -> !x
  %a = nn.silu %h : (!x) -> !x
  %m = nn.mul %a, %u : (!x, !x) -> !x
  %y = nn.linear %m, %w2, %b2 : (!x, !w, !b) -> !x
  %z = nn.add %x, %y : (!x, !x) -> !x
  return %z : !x
})",
                               R"(
func.func @f(%x: !xt {comm.distribution = #V1}, %g: !b, %w1: !wc {comm.distribution = #V1},
    %w3: !wc {comm.distribution = #V1}, %w2: !wr {comm.distribution = #V0}, %b2: !b)
    -> (!xt {comm.distribution = #V1}) {
  %gr = comm.vary %g over ["tensor"] : !b
  %n = nn.rms_norm %x, %gr {eps = 1.0e-3} : (!xt, !b) -> !xt
  %f = comm.all_gather %n over ["tensor"] dim(1) : !xt -> !x
  %h = nn.linear %f, %w1 : (!x, !wc) -> !xf
  %u = nn.linear %f, %w3 : (!x, !wc) -> !xf
  %a = nn.silu %h : (!xf) -> !xf
  %m = nn.mul %a, %u : (!xf, !xf) -> !xf
  %p = nn.linear %m, %w2 : (!xf, !wr) -> !x
  %s = comm.reduce_scatter sum %p over ["tensor"] dim(1) : !x -> !xt
  %br = comm.vary %b2 over ["tensor"] : !b
  %y = nn.add %s, %br : (!xt, !b) -> !xt
  %z = nn.add %x, %y : (!xt, !xt) -> !xt
  return %z : !xt
})"};

// Attention: each coordinate has some of the heads.
static const Text kAttention{"attention", R"(
func.func @f(%x: !x, %g: !b, %c: !b, %wq: !w, %bq: !b, %wk: !w, %wv: !w, %wo: !w, %bo: !b) -> !x {
  %n = nn.layer_norm %x, %g, %c {eps = 1.0e-3} : (!x, !b, !b) -> !x
  %q0 = nn.linear %n, %wq, %bq : (!x, !w, !b) -> !x
  %k0 = nn.linear %n, %wk : (!x, !w) -> !x
  %v0 = nn.linear %n, %wv : (!x, !w) -> !x
  %q1 = nn.reshape %q0 : (!x) -> !heads
  %k1 = nn.reshape %k0 : (!x) -> !heads
  %v = nn.reshape %v0 : (!x) -> !heads
  %q = nn.rotary %q1 : (!heads) -> !heads
  %k = nn.rotary %k1 : (!heads) -> !heads
  %a, %lse = nn.attention %q, %k, %v {causal} : (!heads, !heads, !heads) -> (!heads, tensor<2x4x4xf64>)
  %r = nn.reshape %a : (!heads) -> !x
  %y = nn.linear %r, %wo, %bo : (!x, !w, !b) -> !x
  %z = nn.add %x, %y : (!x, !x) -> !x
  return %z : !x
})",
                             R"(
func.func @f(%x: !x, %g: !b, %c: !b, %wq: !wc {comm.distribution = #V1}, %bq: !bf {comm.distribution = #V0},
    %wk: !wc {comm.distribution = #V1}, %wv: !wc {comm.distribution = #V1},
    %wo: !wr {comm.distribution = #V0}, %bo: !b) -> !x {
  %n0 = nn.layer_norm %x, %g, %c {eps = 1.0e-3} : (!x, !b, !b) -> !x
  %n = comm.vary %n0 over ["tensor"] : !x
  %q0 = nn.linear %n, %wq, %bq : (!x, !wc, !bf) -> !xf
  %k0 = nn.linear %n, %wk : (!x, !wc) -> !xf
  %v0 = nn.linear %n, %wv : (!x, !wc) -> !xf
  %q1 = nn.reshape %q0 : (!xf) -> !headsh
  %k1 = nn.reshape %k0 : (!xf) -> !headsh
  %v = nn.reshape %v0 : (!xf) -> !headsh
  %q = nn.rotary %q1 : (!headsh) -> !headsh
  %k = nn.rotary %k1 : (!headsh) -> !headsh
  %a, %lse = nn.attention %q, %k, %v {causal} : (!headsh, !headsh, !headsh) -> (!headsh, tensor<2x$Hx4xf64>)
  %r = nn.reshape %a : (!headsh) -> !xf
  %p = nn.linear %r, %wo : (!xf, !wr) -> !x
  %s = comm.all_reduce sum %p over ["tensor"] : !x
  %y = nn.add %s, %bo : (!x, !b) -> !x
  %z = nn.add %x, %y : (!x, !x) -> !x
  return %z : !x
})"};

// The same on parts of the sequence, with norms of queries and keys a head: the
// weights that are forgotten.
static const Text kAttentionSequence{"attention_sequence", R"(
func.func @f(%x: !x, %g: !b, %wq: !w, %wk: !w, %wv: !w, %gq: tensor<2xf64>, %gk: tensor<2xf64>, %wo: !w) -> !x {
  %n = nn.rms_norm %x, %g {eps = 1.0e-3} : (!x, !b) -> !x
  %q0 = nn.linear %n, %wq : (!x, !w) -> !x
  %k0 = nn.linear %n, %wk : (!x, !w) -> !x
  %v0 = nn.linear %n, %wv : (!x, !w) -> !x
  %q1 = nn.reshape %q0 : (!x) -> !heads
  %k1 = nn.reshape %k0 : (!x) -> !heads
  %v = nn.reshape %v0 : (!x) -> !heads
  %q = nn.rms_norm %q1, %gq {eps = 1.0e-3} : (!heads, tensor<2xf64>) -> !heads
  %k = nn.rms_norm %k1, %gk {eps = 1.0e-3} : (!heads, tensor<2xf64>) -> !heads
  %a, %lse = nn.attention %q, %k, %v : (!heads, !heads, !heads) -> (!heads, tensor<2x4x4xf64>)
  %r = nn.reshape %a : (!heads) -> !x
  %y = nn.linear %r, %wo : (!x, !w) -> !x
  %z = nn.add %x, %y : (!x, !x) -> !x
  return %z : !x
})",
                                     R"(
func.func @f(%x: !xt {comm.distribution = #V1}, %g: !b {comm.distribution = #R}, %wq: !wc {comm.distribution = #V1},
    %wk: !wc {comm.distribution = #V1}, %wv: !wc {comm.distribution = #V1},
    %gq: tensor<2xf64>, %gk: tensor<2xf64>, %wo: !wr {comm.distribution = #V0})
    -> (!xt {comm.distribution = #V1}) {
  %n0 = nn.rms_norm %x, %g {eps = 1.0e-3} : (!xt, !b) -> !xt
  %n = comm.all_gather %n0 over ["tensor"] dim(1) : !xt -> !x
  %q0 = nn.linear %n, %wq : (!x, !wc) -> !xf
  %k0 = nn.linear %n, %wk : (!x, !wc) -> !xf
  %v0 = nn.linear %n, %wv : (!x, !wc) -> !xf
  %q1 = nn.reshape %q0 : (!xf) -> !headsh
  %k1 = nn.reshape %k0 : (!xf) -> !headsh
  %v = nn.reshape %v0 : (!xf) -> !headsh
  %gqr = comm.vary %gq over ["tensor"] : tensor<2xf64>
  %gkr = comm.vary %gk over ["tensor"] : tensor<2xf64>
  %q = nn.rms_norm %q1, %gqr {eps = 1.0e-3} : (!headsh, tensor<2xf64>) -> !headsh
  %k = nn.rms_norm %k1, %gkr {eps = 1.0e-3} : (!headsh, tensor<2xf64>) -> !headsh
  %a, %lse = nn.attention %q, %k, %v : (!headsh, !headsh, !headsh) -> (!headsh, tensor<2x$Hx4xf64>)
  %r = nn.reshape %a : (!headsh) -> !xf
  %p = nn.linear %r, %wo : (!xf, !wr) -> !x
  %s = comm.reduce_scatter sum %p over ["tensor"] dim(1) : !x -> !xt
  %z = nn.add %x, %s : (!xt, !xt) -> !xt
  return %z : !xt
})"};

// Multi-query attention: query heads are cut, the one key head is not.
static const Text kMultiQuery{"multi_query", R"(
func.func @f(%q: !heads, %k: tensor<2x4x1x2xf64>, %v: tensor<2x4x1x2xf64>) -> !heads {
  %a, %lse = nn.attention %q, %k, %v {causal} : (!heads, tensor<2x4x1x2xf64>, tensor<2x4x1x2xf64>) -> (!heads, tensor<2x4x4xf64>)
  return %a : !heads
})",
                              R"(
func.func @f(%q: !headsh {comm.distribution = #V2}, %k: tensor<2x4x1x2xf64>, %v: tensor<2x4x1x2xf64> {comm.distribution = #R})
    -> (!headsh {comm.distribution = #V2}) {
  %kr = comm.vary %k over ["tensor"] : tensor<2x4x1x2xf64>
  %a, %lse = nn.attention %q, %kr, %v {causal} : (!headsh, tensor<2x4x1x2xf64>, tensor<2x4x1x2xf64>) -> (!headsh, tensor<2x$Hx4xf64>)
  return %a : !headsh
})"};

// Ulysses: parts of the sequence become parts of the heads, and back.
static const Text kExchange{"exchange", R"(
func.func @f(%q: !heads, %k: !heads, %v: !heads) -> !heads {
  %a, %lse = nn.attention %q, %k, %v {causal} : (!heads, !heads, !heads) -> (!heads, tensor<2x4x4xf64>)
  return %a : !heads
})",
                            R"(
func.func @f(%q: !headst {comm.distribution = #V1}, %k: !headst {comm.distribution = #V1}, %v: !headst {comm.distribution = #V1})
    -> (!headst {comm.distribution = #V1}) {
  %q1 = comm.all_to_all %q over ["tensor"] split(2) concat(1) : !headst -> !headsh
  %k1 = comm.all_to_all %k over ["tensor"] split(2) concat(1) : !headst -> !headsh
  %v1 = comm.all_to_all %v over ["tensor"] split(2) concat(1) : !headst -> !headsh
  %a, %lse = nn.attention %q1, %k1, %v1 {causal} : (!headsh, !headsh, !headsh) -> (!headsh, tensor<2x$Hx4xf64>)
  %r = comm.all_to_all %a over ["tensor"] split(1) concat(2) : !headsh -> !headst
  return %r : !headst
})"};

// The vocabulary is cut: a lookup is a product with the ids' own rows.
static const Text kEmbedding{"embedding", R"(
func.func @f(%ids: !ids {test.bound = 8}, %table: !w) -> !x {
  %x = nn.embedding %ids, %table : (!ids, !w) -> !x
  return %x : !x
})",
                             R"(
func.func @f(%ids: !ids, %table: !wr {comm.distribution = #V0}) -> (!xt {comm.distribution = #V1}) {
  %own = comm.iota over ["tensor"] dim(0) : tensor<$Fxi32>
  %owns = nn.broadcast %own : (tensor<$Fxi32>) -> tensor<2x4x$Fxi32>
  %column = nn.reshape %ids : (!ids) -> tensor<2x4x1xi32>
  %columns = nn.broadcast %column : (tensor<2x4x1xi32>) -> tensor<2x4x$Fxi32>
  %is = arith.cmpi eq, %owns, %columns : tensor<2x4x$Fxi32>
  %one = arith.uitofp %is : tensor<2x4x$Fxi1> to !xf
  %p = nn.linear %one, %table : (!xf, !wr) -> !x
  %x = comm.reduce_scatter sum %p over ["tensor"] dim(1) : !x -> !xt
  return %x : !xt
})"};

// Cross entropy over a vocabulary that is cut: three all-reduces of rows, and
// none in the backward but that of the head's input.
static const Text kLoss{"cross_entropy", R"(
func.func @f(%x: !x, %head: !w, %ids: !ids {test.bound = 8}) -> !loss {
  %l = nn.linear %x, %head : (!x, !w) -> !x
  %loss, %lse = nn.cross_entropy %l, %ids : (!x, !ids) -> (!loss, !rows)
  return %loss : !loss
})",
                        R"(
func.func @f(%x: !x, %head: !wc {comm.distribution = #V1}, %ids: !ids) -> !loss {
  %xr = comm.vary %x over ["tensor"] : !x
  %l = nn.linear %xr, %head : (!x, !wc) -> !xf
  %m0 = nn.reduce_max %l axes = [2] {keepdims} : (!xf) -> tensor<2x4x1xf64>
  %m1 = comm.all_reduce max %m0 over ["tensor"] : tensor<2x4x1xf64>
  %m = comm.detach %m1 : tensor<2x4x1xf64>
  %z = nn.sub %l, %m : (!xf, tensor<2x4x1xf64>) -> !xf
  %e = math.exp %z : !xf
  %s0 = nn.reduce_sum %e axes = [2] : (!xf) -> !rows
  %s = comm.all_reduce sum %s0 over ["tensor"] : !rows
  %log = math.log %s : !rows
  %own = comm.iota over ["tensor"] dim(0) : tensor<$Fxi32>
  %owns = nn.broadcast %own : (tensor<$Fxi32>) -> tensor<2x4x$Fxi32>
  %column = nn.reshape %ids : (!ids) -> tensor<2x4x1xi32>
  %columns = nn.broadcast %column : (tensor<2x4x1xi32>) -> tensor<2x4x$Fxi32>
  %is = arith.cmpi eq, %owns, %columns : tensor<2x4x$Fxi32>
  %zero = arith.constant dense<0.0> : !xf
  %t0 = arith.select %is, %z, %zero : tensor<2x4x$Fxi1>, !xf
  %t1 = nn.reduce_sum %t0 axes = [2] : (!xf) -> !rows
  %t = comm.all_reduce sum %t1 over ["tensor"] : !rows
  %nll = nn.sub %log, %t : (!rows, !rows) -> !rows
  %sum = nn.reduce_mean %nll axes = [0, 1] : (!rows) -> !loss
  return %sum : !loss
})"};

// The same with the ops that pp-shard uses: rows of a table and classes with
// their numbers.
static const Text kRows{"rows of a table", kEmbedding.whole, R"(
func.func @f(%ids: !ids, %table: !wr {comm.distribution = #V0}) -> (!xt {comm.distribution = #V1}) {
  %own = comm.iota over ["tensor"] dim(0) : tensor<$Fxi32>
  %p = nn.embedding %ids, %table numbers(%own) of 8 : (!ids, !wr, tensor<$Fxi32>) -> !x
  %x = comm.reduce_scatter sum %p over ["tensor"] dim(1) : !x -> !xt
  return %x : !xt
})"};
static const Text kClasses{"classes", kLoss.whole, R"(
func.func @f(%x: !x, %head: !wc {comm.distribution = #V1}, %ids: !ids) -> !loss {
  %xr = comm.vary %x over ["tensor"] : !x
  %l = nn.linear %xr, %head : (!x, !wc) -> !xf
  %m0 = nn.reduce_max %l axes = [2] : (!xf) -> !rows
  %m1 = comm.all_reduce max %m0 over ["tensor"] : !rows
  %m = comm.detach %m1 : !rows
  %own = comm.iota over ["tensor"] dim(0) : tensor<$Fxi32>
  %s0, %t0 = nn.class_sums %l, %m, %ids numbers(%own) of 8 : (!xf, !rows, !ids, tensor<$Fxi32>) -> (!rows, !rows)
  %s = comm.all_reduce sum %s0 over ["tensor"] : !rows
  %t = comm.all_reduce sum %t0 over ["tensor"] : !rows
  %log = math.log %s : !rows
  %nll = nn.sub %log, %t : (!rows, !rows) -> !rows
  %sum = nn.reduce_mean %nll axes = [0, 1] : (!rows) -> !loss
  return %sum : !loss
})"};

// Parts of the batch over "data": gradients of weights stay partial there,
// which a step sums once. The loss is each replica's own, the objective their
// sum.
static const Text kData{"data", R"(
func.func @f(%x: !x, %g: !b, %w: !w, %b: !b) -> (!x, !loss) {
  %n = nn.layer_norm %x, %g, %b {eps = 1.0e-3} : (!x, !b, !b) -> !x
  %y = nn.linear %n, %w, %b : (!x, !w, !b) -> !x
  %s = nn.mul %y, %y : (!x, !x) -> !x
  %l = nn.reduce_sum %s axes = [0, 1, 2] : (!x) -> !loss
  return %y, %l : !x, !loss
})",
                        R"(
#D0 = #comm.distribution<{"data" = varying(0)}>
#DR = #comm.distribution<{"data" = replicated}>
#DP = #comm.distribution<{"data" = partial}>
!xd = tensor<$Bx4x8xf64>
func.func @f(%x: !xd {comm.distribution = #D0}, %g: !b {comm.distribution = #DR}, %w: !w {comm.distribution = #DR}, %b: !b {comm.distribution = #DR})
    -> (!xd {comm.distribution = #D0}, !loss {comm.distribution = #DP}) {
  %n = nn.layer_norm %x, %g, %b {eps = 1.0e-3} : (!xd, !b, !b) -> !xd
  %y = nn.linear %n, %w, %b : (!xd, !w, !b) -> !xd
  %s = nn.mul %y, %y : (!xd, !xd) -> !xd
  %l = nn.reduce_sum %s axes = [0, 1, 2] : (!xd) -> !loss
  return %y, %l : !xd, !loss
})"};

// Both axes at once: parts of the batch and of the hidden features.
static const Text kBoth{"both", R"(
func.func @f(%x: !x, %w1: !w, %w2: !w, %b: !b) -> !x {
  %h = nn.linear %x, %w1 : (!x, !w) -> !x
  %a = nn.relu %h : (!x) -> !x
  %y = nn.linear %a, %w2, %b : (!x, !w, !b) -> !x
  return %y : !x
})",
                        R"(
!xd = tensor<$Bx4x8xf64>
!xfd = tensor<$Bx4x$Fxf64>
func.func @f(%x: !xd {comm.distribution = #comm.distribution<{"data" = varying(0)}>},
    %w1: !wc {comm.distribution = #comm.distribution<{"data" = replicated, "tensor" = varying(1)}>},
    %w2: !wr {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}, %b: !b)
    -> (!xd {comm.distribution = #comm.distribution<{"data" = varying(0)}>}) {
  %xr = comm.vary %x over ["tensor"] : !xd
  %h = nn.linear %xr, %w1 : (!xd, !wc) -> !xfd
  %a = nn.relu %h : (!xfd) -> !xfd
  %w2r = comm.vary %w2 over ["data"] : !wr
  %p = nn.linear %a, %w2r : (!xfd, !wr) -> !xd
  %s = comm.all_reduce sum %p over ["tensor"] : !xd
  %br = comm.vary %b over ["data"] : !b
  %y = nn.add %s, %br : (!xd, !b) -> !xd
  return %y : !xd
})"};

// A gather whose result all compute the same from, and a slice.
static const Text kInvariant{"invariant", R"(
func.func @f(%x: !x, %y: !x, %w: !w) -> (!x, !loss) {
  %z = nn.linear %x, %w : (!x, !w) -> !x
  %a = nn.mul %z, %y : (!x, !x) -> !x
  %b = nn.softmax %a {axis = 2 : i64} : (!x) -> !x
  %m = nn.mul %b, %x : (!x, !x) -> !x
  %l = nn.reduce_sum %m axes = [0, 1, 2] : (!x) -> !loss
  return %b, %l : !x, !loss
})",
                             R"(
func.func @f(%x: !x, %y: !xf {comm.distribution = #V2}, %w: !w) -> (!x, !loss) {
  %z = nn.linear %x, %w : (!x, !w) -> !x
  %zp = comm.slice %z over ["tensor"] dim(2) : !x -> !xf
  %ap = nn.mul %zp, %y : (!xf, !xf) -> !xf
  %a = comm.all_gather %ap over ["tensor"] dim(2) invariant : !xf -> !x
  %b = nn.softmax %a {axis = 2 : i64} : (!x) -> !x
  %bp = comm.slice %b over ["tensor"] dim(1) : !x -> !xt
  %xp = comm.slice %x over ["tensor"] dim(1) : !x -> !xt
  %m = nn.mul %bp, %xp : (!xt, !xt) -> !xt
  %p = nn.reduce_sum %m axes = [0, 1, 2] : (!xt) -> !loss
  %l = comm.all_reduce sum %p over ["tensor"] : !loss
  return %b, %l : !x, !loss
})"};

static const Text kRing{"ring", R"(
func.func @f(%x: !x, %y: !x) -> !x {
  %a = nn.slice %x offsets = [0, $U, 0] sizes = [2, $T, 8] : (!x) -> !xt
  %b = nn.slice %x offsets = [0, 0, 0] sizes = [2, $U, 8] : (!x) -> tensor<2x$Ux8xf64>
  %r = nn.concatenate %a, %b {axis = 1 : i64} : (!xt, tensor<2x$Ux8xf64>) -> !x
  %z = nn.mul %r, %y : (!x, !x) -> !x
  return %z : !x
})",
                        R"(
func.func @f(%x: !xt {comm.distribution = #V1}, %y: !xt {comm.distribution = #V1}) -> (!xt {comm.distribution = #V1}) {
  %r = comm.permute %x over ["tensor"] by(1) : !xt
  %z = nn.mul %r, %y : (!xt, !xt) -> !xt
  return %z : !xt
})"};

// Elements that are dropped between the products of a perceptron, by columns,
// and behind it, along the sequence: those of one device, though 4 of them are
// not always one draw.
static const Text kDropout{"dropout", R"(
func.func @f(%x: !x, %w1: !w, %b1: !b, %w2: !w, %b2: !b) -> !x {
  %key = arith.constant 77 : i64
  %h = nn.linear %x, %w1, %b1 : (!x, !w, !b) -> !x
  %a = nn.gelu %h : (!x) -> !x
  %d = nn.dropout %a key(%key) {p = 0.4, site = 0 : i64} : (!x, i64) -> !x
  %y = nn.linear %d, %w2, %b2 : (!x, !w, !b) -> !x
  %e = nn.dropout %y key(%key) {p = 0.3, site = 1 : i64} : (!x, i64) -> !x
  %z = nn.add %x, %e : (!x, !x) -> !x
  return %z : !x
})",
                           R"(
func.func @f(%x: !xt {comm.distribution = #V1}, %w1: !wc {comm.distribution = #V1}, %b1: !bf {comm.distribution = #V0},
    %w2: !wr {comm.distribution = #V0}, %b2: !b) -> (!xt {comm.distribution = #V1}) {
  %key = arith.constant 77 : i64
  %f = comm.all_gather %x over ["tensor"] dim(1) : !xt -> !x
  %h = nn.linear %f, %w1, %b1 : (!x, !wc, !bf) -> !xf
  %a = nn.gelu %h : (!xf) -> !xf
  %d = nn.dropout %a key(%key) over ["tensor"] dim(2) {p = 0.4, site = 0 : i64} : (!xf, i64) -> !xf
  %p = nn.linear %d, %w2 : (!xf, !wr) -> !x
  %s = comm.reduce_scatter sum %p over ["tensor"] dim(1) : !x -> !xt
  %br = comm.vary %b2 over ["tensor"] : !b
  %y = nn.add %s, %br : (!xt, !b) -> !xt
  %e = nn.dropout %y key(%key) over ["tensor"] dim(1) {p = 0.3, site = 1 : i64} : (!xt, i64) -> !xt
  %z = nn.add %x, %e : (!xt, !xt) -> !xt
  return %z : !xt
})"};

static std::string fill(std::string text, int64_t n) {
  auto replace = [&](const std::string &from, int64_t number) {
    for (size_t at; (at = text.find(from)) != std::string::npos;)
      text.replace(at, from.size(), std::to_string(number));
  };
  replace("$T", 4 / n);
  replace("$U", 4 - 4 / n);
  replace("$F", 8 / n);
  replace("$H", 4 / n);
  replace("$B", 1);
  return text;
}

static std::string meshOf(int64_t n) {
  return "pp.mesh @mesh <[\"data\" = " + std::to_string(n) +
         ", \"tensor\" = " + std::to_string(n) + "]>\n";
}

Layer pp::commtest::makeRing(int64_t n) {
  std::string types = fill(kTypes, n);
  return {kRing.name, types + fill(kRing.whole, n),
          meshOf(n) + types + fill(kRing.sharded, n)};
}

std::vector<Layer> pp::commtest::makeLayers(int64_t n) {
  std::string mesh = meshOf(n);
  std::vector<Layer> layers;
  for (const Text *text :
       {&kMlp, &kMlpSequence, &kAttention, &kAttentionSequence, &kMultiQuery,
        &kExchange, &kEmbedding, &kLoss, &kRows, &kClasses, &kData, &kBoth,
        &kInvariant, &kDropout}) {
    // A batch of n entries where it is cut.
    std::string types = fill(kTypes, n), whole = text->whole;
    if (text == &kData || text == &kBoth) {
      std::string batch = "!x = tensor<" + std::to_string(n) + "x4x8xf64>";
      types.replace(types.find("!x = tensor<2x4x8xf64>"), 22, batch);
    }
    layers.push_back({text->name, types + fill(whole, n),
                      mesh + types + fill(text->sharded, n)});
  }
  return layers;
}
