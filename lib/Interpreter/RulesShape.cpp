//===- RulesShape.cpp - Ops that move elements ----------------------------===//

#include "Rules.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

namespace {

using Map = std::vector<int64_t>;

/// For each element of `shape` the number of the element
/// `offsets + index * strides` of a tensor of shape `whole`.
Map boxMap(Shape shape, Shape whole, ArrayRef<int64_t> offsets,
           ArrayRef<int64_t> strides) {
  Map map;
  forEachIndex(shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> place(index.size());
    for (size_t d = 0; d < index.size(); ++d)
      place[d] = offsets[d] + index[d] * strides[d];
    map.push_back(linearize(whole, place));
  });
  return map;
}

/// Like boxMap for a piece that begins at `offset` along `axis`.
Map pieceMap(Shape piece, Shape whole, int64_t axis, int64_t offset) {
  SmallVector<int64_t> offsets(whole.size(), 0), strides(whole.size(), 1);
  offsets[axis] = offset;
  return boxMap(piece, whole, offsets, strides);
}

void evaluateReshape(nn::ReshapeOp, Operands in, Results out) {
  out[0].reals = in[0]->reals;
  out[0].integers = in[0]->integers;
}

void evaluateTranspose(nn::TransposeOp op, Operands in, Results out) {
  ArrayRef<int64_t> permutation = op.getPermutation();
  Map map;
  forEachIndex(out[0].shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index.size());
    for (size_t d = 0; d < index.size(); ++d)
      source[permutation[d]] = index[d];
    map.push_back(linearize(in[0]->shape, source));
  });
  gather(*in[0], map, out[0]);
}

void evaluateBroadcast(nn::BroadcastOp, Operands in, Results out) {
  gather(*in[0], broadcastMap(in[0]->shape, out[0].shape), out[0]);
}

void evaluateSlice(nn::SliceOp op, Operands in, Results out) {
  gather(*in[0],
         boxMap(out[0].shape, in[0]->shape, op.getOffsets(), op.getStrides()),
         out[0]);
}

void evaluatePad(nn::PadOp op, Operands in, Results out) {
  SmallVector<int64_t> strides;
  for (int64_t zeros : op.getInterior())
    strides.push_back(zeros + 1);
  scatter(*in[0], boxMap(in[0]->shape, out[0].shape, op.getLow(), strides),
          out[0]);
}

void evaluateConcatenate(nn::ConcatenateOp op, Operands in, Results out) {
  int64_t axis = op.getAxis(), offset = 0;
  for (const Tensor *piece : in) {
    scatter(*piece, pieceMap(piece->shape, out[0].shape, axis, offset), out[0]);
    offset += piece->shape[axis];
  }
}

void evaluateSplit(nn::SplitOp op, Operands in, Results out) {
  int64_t axis = op.getAxis(), offset = 0;
  for (Tensor &piece : out) {
    gather(*in[0], pieceMap(piece.shape, in[0]->shape, axis, offset), piece);
    offset += piece.shape[axis];
  }
}

} // namespace

void pp::interpreter::addShapeRules(RuleTable &rules) {
  rules.add<nn::ReshapeOp>(evaluateReshape);
  rules.add<nn::TransposeOp>(evaluateTranspose);
  rules.add<nn::BroadcastOp>(evaluateBroadcast);
  rules.add<nn::SliceOp>(evaluateSlice);
  rules.add<nn::PadOp>(evaluatePad);
  rules.add<nn::ConcatenateOp>(evaluateConcatenate);
  rules.add<nn::SplitOp>(evaluateSplit);
}
