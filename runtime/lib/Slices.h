//===- Slices.h - Boxes of tensors that ranks have --------------*- C++ -*-===//
//
// What a rank has of a tensor is a part, cut along dimensions (ParameterParts),
// and of that a range in row-major order, if replicas share the optimizer's
// work. Files that outlive a mesh speak of boxes: a range is at most
// 2 n - 1 of them in n dimensions.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_SLICES_H
#define PPRT_SLICES_H

#include "Description.h"

#include <functional>
#include <string>
#include <vector>

namespace pprt {

/// Indices begin[d] .. begin[d] + size[d] - 1 of each dimension d.
struct Box {
  std::vector<uint64_t> begin, size;

  uint64_t elements() const;
  /// "[0:128, 32:64]"; "[]" of a scalar.
  std::string describe() const;
  bool operator==(const Box &other) const {
    return begin == other.begin && size == other.size;
  }
};

/// What two boxes of one tensor have in common; empty (0 elements) if nothing.
Box intersect(const Box &a, const Box &b);

/// The range [first, first + count) of a tensor in row-major order, as boxes in
/// that order.
std::vector<Box> boxesOfRange(const std::vector<uint64_t> &shape,
                              uint64_t first, uint64_t count);

/// A box of the whole that lies in a rank's part.
struct Slice {
  Box box; ///< of the whole
  std::vector<uint64_t> whole,
      part;                        ///< shapes, of the part as PartShape has it
  std::vector<size_t> dimension;   ///< of the whole, of each of the part
  std::vector<uint64_t> partBegin; ///< where the box begins in the part

  /// Whether a dimension of the part counts blocks; the next is of each.
  bool isBlocks(size_t dim) const {
    return dim + 1 < dimension.size() && dimension[dim] == dimension[dim + 1];
  }

  struct Run {
    uint64_t whole, part, box; ///< where it begins in each
    uint64_t count;
  };
  enum class Rows { OfPart, OfPartAndWhole };
  /// Visits `wanted`, a box within this one and within `of`, in runs that lie
  /// in a row in `of` and in the part, or also in the whole; `Run::box` counts
  /// in `of`.
  void forEachRun(const Box &wanted, const Box &of, Rows rows,
                  const std::function<void(const Run &)> &visit) const;
};

/// The elements [range.begin, range.begin + range.count) of the part of
/// `parameter` that `rank` has, without padding.
std::vector<Slice> slicesOf(const Parameter &parameter, const Mesh &mesh,
                            int rank, Parameter::Range range);

/// What a rank writes of a parameter and of its states: of those that have the
/// same elements each an equal share, so that all ranks together write each
/// element once. Only for the pipe coordinate that owns the parameter.
Parameter::Range writtenBy(const Parameter &parameter, const Mesh &mesh,
                           int rank);

} // namespace pprt

#endif // PPRT_SLICES_H
