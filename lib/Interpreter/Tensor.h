//===- Tensor.h - Values of the interpreter ---------------------*- C++ -*-===//
//
// Floats of any type are doubles, integers of any type 64 bits. Ops that move
// elements are maps between row-major numbers of elements, made here.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_INTERPRETER_TENSOR_H
#define PP_LIB_INTERPRETER_TENSOR_H

#include "Tape.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

namespace pp::interpreter {

using Shape = llvm::ArrayRef<int64_t>;

inline int64_t countElements(Shape shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// A tensor, or a scalar as a tensor without dimensions. One of the lists is
/// filled, by the element type.
struct Tensor {
  Tensor() = default;
  explicit Tensor(mlir::Type type) : type(type) {
    if (auto shaped = mlir::dyn_cast<mlir::ShapedType>(type))
      shape.assign(shaped.getShape().begin(), shaped.getShape().end());
    if (isFloat())
      reals.resize(count());
    else
      integers.resize(count());
  }

  mlir::Type element() const { return mlir::getElementTypeOrSelf(type); }
  bool isFloat() const { return mlir::isa<mlir::FloatType>(element()); }
  int64_t count() const { return countElements(shape); }
  int64_t rank() const { return shape.size(); }

  mlir::Type type;
  llvm::SmallVector<int64_t> shape;
  std::vector<Real> reals;
  std::vector<int64_t> integers; ///< sign-extended; i1 is 0 or 1
};

/// Cuts `value` to the width of `type`.
inline int64_t wrap(int64_t value, mlir::Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  if (width == 1)
    return value & 1;
  unsigned rest = 64 - width;
  return static_cast<int64_t>(static_cast<uint64_t>(value) << rest) >> rest;
}

/// Calls `visit(index)` for each index into `shape` in row-major order.
template <typename Visitor> void forEachIndex(Shape shape, Visitor visit) {
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t n = countElements(shape); n > 0; --n) {
    visit(llvm::ArrayRef<int64_t>(index));
    for (int64_t d = static_cast<int64_t>(shape.size()) - 1; d >= 0; --d) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
}

/// The row-major number of the element at `index`.
inline int64_t linearize(Shape shape, llvm::ArrayRef<int64_t> index) {
  int64_t number = 0;
  for (auto [size, i] : llvm::zip_equal(shape, index))
    number = number * size + i;
  return number;
}

/// For each element of `to` the element of `from` that it repeats: shapes are
/// aligned at their last dimensions, missing ones and those of size 1 repeat.
inline std::vector<int64_t> broadcastMap(Shape from, Shape to) {
  std::vector<int64_t> map;
  forEachIndex(to, [&](llvm::ArrayRef<int64_t> index) {
    llvm::ArrayRef<int64_t> last = index.take_back(from.size());
    llvm::SmallVector<int64_t> source;
    for (auto [size, i] : llvm::zip_equal(from, last))
      source.push_back(size == 1 ? 0 : i);
    map.push_back(linearize(from, source));
  });
  return map;
}

/// out[i] = in[map[i]]
inline void gather(const Tensor &in, llvm::ArrayRef<int64_t> map, Tensor &out) {
  for (size_t i = 0; i < map.size(); ++i) {
    if (in.isFloat())
      out.reals[i] = in.reals[map[i]];
    else
      out.integers[i] = in.integers[map[i]];
  }
}

/// out[map[i]] = in[i]
inline void scatter(const Tensor &in, llvm::ArrayRef<int64_t> map,
                    Tensor &out) {
  for (size_t i = 0; i < map.size(); ++i) {
    if (in.isFloat())
      out.reals[map[i]] = in.reals[i];
    else
      out.integers[map[i]] = in.integers[i];
  }
}

} // namespace pp::interpreter

#endif // PP_LIB_INTERPRETER_TENSOR_H
