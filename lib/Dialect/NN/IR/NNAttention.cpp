//===- NNAttention.cpp - Attention and positions --------------------------===//

#include "Checker.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace pp::nn;
using namespace pp::nn::detail;

static LogicalResult checkAttention(Checker check, Value query, Value key,
                                    Value value, Value documents, bool causal,
                                    std::optional<APFloat> scale) {
  StringRef remedy = "split heads with nn.reshape";
  if (failed(check.hasRank("(C1)", {"query", query}, 4, remedy)) ||
      failed(check.hasRank("(C1)", {"key", key}, 4, remedy)) ||
      failed(check.hasRank("(C1)", {"value", value}, 4, remedy)) ||
      failed(check.sameElementType(
          "(C2)", {{"query", query}, {"key", key}, {"value", value}})) ||
      failed(check.hasType("(C3)", {"value", value}, key.getType(),
                           "that of key")))
    return failure();

  ArrayRef<int64_t> q = tensorType(query).getShape();
  ArrayRef<int64_t> k = tensorType(key).getShape();
  if (q[0] != k[0])
    return check.fail("(C4) dimension 0 of key, the batch, is ", k[0],
                      ", expected ", q[0], " as in query: make the two equal");
  if (q[3] != k[3])
    return check.fail("(C4) dimension 3 of key, the size of a head, is ", k[3],
                      ", expected ", q[3], " as in query: make the two equal");
  if (q[2] % k[2] != 0)
    return check.fail("(C5) key has ", k[2],
                      " heads, expected a divisor of the ", q[2],
                      " heads of query: share each key head between equally "
                      "many query heads");
  if (causal && k[1] < q[1])
    return check.fail("(C6) causal attention of ", q[1], " queries to ", k[1],
                      " keys, expected at least as many keys as queries: drop "
                      "causal or pass more keys");
  if (scale && failed(check.isFinite("(C7)", "scale", scale->convertToDouble(),
                                     tensorType(query).getElementType())))
    return failure();
  if (!documents)
    return success();
  if (q[1] != k[1])
    return check.fail("(C8) query has ", q[1], " positions and key has ", k[1],
                      ", expected as many with documents, which are of the "
                      "positions of one sequence: drop documents, or pass all "
                      "queries");
  return check.hasType(
      "(C8)", {"documents", documents},
      tensorOf({k[0], k[1]}, tensorType(documents).getElementType()),
      "a number for each position of a batch entry");
}

/// [B,H,T]: one number a query and head.
static RankedTensorType lseType(Value query) {
  auto type = tensorType(query);
  return tensorOf({type.getDimSize(0), type.getDimSize(2), type.getDimSize(1)},
                  statisticsType(type.getElementType()));
}

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> location,
                                            Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  Value query = adaptor.getQuery();
  if (failed(checkAttention(check, query, adaptor.getKey(), adaptor.getValue(),
                            adaptor.getDocuments(), adaptor.getCausal(),
                            adaptor.getScale())))
    return failure();
  types.append({query.getType(), lseType(query)});
  return success();
}

LogicalResult AttentionGradOp::inferReturnTypes(
    MLIRContext *, std::optional<Location> location, Adaptor adaptor,
    SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  Value query = adaptor.getQuery(), key = adaptor.getKey();
  if (failed(checkAttention(check, query, key, adaptor.getValue(),
                            adaptor.getDocuments(), adaptor.getCausal(),
                            adaptor.getScale())))
    return failure();
  Type type = query.getType();
  if (failed(check.hasType("(C9)", {"out", adaptor.getOut()}, type,
                           "that of query")) ||
      failed(check.hasType("(C9)", {"dout", adaptor.getDout()}, type,
                           "that of query")) ||
      failed(check.hasType("(C10)", {"lse", adaptor.getLse()}, lseType(query),
                           "one number a query and head")))
    return failure();
  types.append({type, key.getType(), adaptor.getValue().getType()});
  return success();
}

template <typename Op> static double effectiveScale(Op op) {
  if (std::optional<APFloat> scale = op.getScale())
    return scale->convertToDouble();
  return 1.0 / std::sqrt(static_cast<double>(op.getHeadSize()));
}
double AttentionOp::getEffectiveScale() { return effectiveScale(*this); }
double AttentionGradOp::getEffectiveScale() { return effectiveScale(*this); }

/// Query t of T sees S keys, or with `causal` t + 1 + S - T of them.
template <typename Op> static uint64_t visiblePairs(Op op) {
  uint64_t queries = op.getQueryLength(), keys = op.getKeyLength();
  bool isTooMany;
  uint64_t all = llvm::SaturatingMultiply(queries, keys, &isTooMany);
  return op.getCausal() && !isTooMany ? all - queries * (queries - 1) / 2 : all;
}
uint64_t AttentionOp::getVisiblePairs() { return visiblePairs(*this); }
uint64_t AttentionGradOp::getVisiblePairs() { return visiblePairs(*this); }

LogicalResult RotaryOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> location,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  Checker check{location, getOperationName()};
  Value input = adaptor.getInput();
  types.push_back(input.getType());
  if (failed(check.hasRank("(C1)", {"input", input}, 4,
                           "reshape it to [batch, position, head, number]")))
    return failure();
  int64_t size = tensorType(input).getDimSize(3);
  if (size % 2 != 0)
    return check.fail("(C2) the last dimension of input is ", size,
                      ", expected an even size: numbers turn in pairs, so "
                      "choose an even head size");
  // All angles are numbers in the program.
  constexpr int64_t most = int64_t(1) << 24;
  int64_t positions = tensorType(input).getDimSize(1);
  if (size > 0 && positions > most / (size / 2))
    return check.fail("(C4) input has ", positions, " positions and ", size / 2,
                      " pairs a head, expected at most ", most,
                      " angles, their product: turn parts of the sequence, or "
                      "use more heads");
  double base = adaptor.getBase().convertToDouble();
  Type element = tensorType(input).getElementType();
  if (failed(check.isFinite("(C3)", "base", base, element)))
    return failure();
  if (base <= 0.0)
    return check.fail(
        "(C3) base is ", base,
        ", expected a positive number such as 10000.0: correct it");
  // Powers of its reciprocal are frequencies.
  if (!std::isfinite(1 / base))
    return check.fail("(C3) base is ", base,
                      ", whose reciprocal is infinite, expected a number such "
                      "as 10000.0: correct it");
  return check.isNotRoundedToZero("(C3)", "base", base, element);
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

/// For each pair of a query and a key that it sees: two products of D numbers
/// forward (scores, values) and five backward (scores again, dp, dquery, dkey,
/// dvalue), and the scalar work of the formulas.
uint64_t AttentionOp::getFlops() {
  uint64_t pairs = llvm::SaturatingMultiply<uint64_t>(getBatch() * getHeads(),
                                                      getVisiblePairs());
  return llvm::SaturatingMultiply<uint64_t>(pairs, 2 * 2 * getHeadSize() + 5);
}

uint64_t AttentionGradOp::getFlops() {
  uint64_t pairs = llvm::SaturatingMultiply<uint64_t>(getBatch() * getHeads(),
                                                      getVisiblePairs());
  uint64_t delta = 2 * getQuery().getType().getNumElements();
  return llvm::SaturatingMultiplyAdd<uint64_t>(pairs, 5 * 2 * getHeadSize() + 5,
                                               delta);
}

/// A pair takes four products and two sums; angles are the same for all heads
/// and batch entries and count nothing.
uint64_t RotaryOp::getFlops() { return 3 * getType().getNumElements(); }
