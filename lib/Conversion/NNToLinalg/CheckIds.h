//===- CheckIds.h - Ids that may be out of range ----------------*- C++ -*-===//

#ifndef PP_LIB_CONVERSION_NNTOLINALG_CHECKIDS_H
#define PP_LIB_CONVERSION_NNTOLINALG_CHECKIDS_H

#include "Emitter.h"

namespace pp {

/// The vector `ids` of `op` as ids that can be used: in [0, size), or
/// `ignored`. Unless the runtime has checked them with the data
/// (`nn.ids_in_range`), the runtime is told of the first other id, and it is 0
/// in the result.
mlir::Value checkIds(Emitter &emitter, mlir::Operation *op, mlir::Value ids,
                     int64_t size, std::optional<int64_t> ignored);

/// Ids as rows of the part of a table, or as classes of the part of a
/// vocabulary, that an op has; all of it without numbers.
class PartOfIds {
public:
  /// `size` rows or classes, with `numbers` (may be null) of `count` in all.
  PartOfIds(mlir::Value numbers, std::optional<uint64_t> count, int64_t size)
      : numbers(numbers), size(size), count(int64_t(count.value_or(size))) {}

  int64_t getCount() const { return count; }
  bool isWhole() const { return !numbers; }

  /// The row of the scalar `id`, and whether it is one of the part: 0 if not.
  /// Without numbers each is.
  struct Row {
    mlir::Value index, isOwn; ///< `isOwn`: null without numbers
  };
  Row find(Emitter &emitter, mlir::Value id) const;
  /// The id of row `index`, as one of type `type`.
  mlir::Value idOf(Emitter &emitter, mlir::Value index, mlir::Type type) const;

private:
  mlir::Value first(Emitter &emitter) const;

  mlir::Value numbers;
  int64_t size, count;
};

} // namespace pp

#endif // PP_LIB_CONVERSION_NNTOLINALG_CHECKIDS_H
