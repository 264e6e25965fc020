//===- Emitter.h - Short spellings of linalg ops ----------------*- C++ -*-===//
//
// The patterns of this directory speak of rows: a tensor [d0, ..., dn, C] is a
// matrix [M, C]. This class makes such views and the generics over them.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_CONVERSION_NNTOLINALG_EMITTER_H
#define PP_LIB_CONVERSION_NNTOLINALG_EMITTER_H

#include "pp/Dialect/Kernel/IR/LibraryCallOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace pp {

/// One tensor that a generic reads, and which dimensions of the loop nest index
/// it, in the order of its own dimensions.
struct Input {
  mlir::Value tensor;
  mlir::SmallVector<int64_t> dims;
};

class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  /// Scalars to the scalars that are written: the body of a generic. The
  /// emitter given to it builds inside the body.
  using Body = llvm::function_ref<mlir::SmallVector<mlir::Value>(
      Emitter &, mlir::ValueRange)>;

  /// A generic over loops of the sizes of `loops`, those in `reduced` being
  /// reductions. Outputs start as `inits`; the body gets the scalars of the
  /// inputs, then those of the outputs.
  mlir::SmallVector<mlir::Value>
  generic(int64_t loops, mlir::ArrayRef<int64_t> reduced,
          mlir::ArrayRef<Input> inputs, mlir::ArrayRef<Input> inits, Body body);

  mlir::Value empty(mlir::ArrayRef<int64_t> shape, mlir::Type element);
  /// Gives a call that was made with any other value for it the workspace that
  /// the libraries of CPUs want; those of GPUs get theirs later. Returns the
  /// call.
  mlir::Operation *addWorkspace(kernel::LibraryCallOpInterface call);
  /// The number of this rank in its group over `axes`: tensor<i64>.
  mlir::Value coordinate(mlir::ArrayAttr axes);
  mlir::Value filled(mlir::ArrayRef<int64_t> shape, mlir::Type element,
                     double value);

  /// The same elements in another shape.
  mlir::Value reshape(mlir::Value value, mlir::ArrayRef<int64_t> shape);
  mlir::Value reshape(mlir::Value value, mlir::Type type);
  /// [M, C].
  mlir::Value rows(mlir::Value value);
  /// [N].
  mlir::Value flat(mlir::Value value);

  /// f32 for bf16, others as they are.
  mlir::Type widenType(mlir::Type element);
  /// bf16 tensors as f32, others as they are: sums are taken in f32 at least.
  mlir::Value widen(mlir::Value value);
  /// Back to the element type of `type` and to its shape.
  mlir::Value finish(mlir::Value value, mlir::Type type);

  /// Scalars. The first two: bf16 to f32 and back to the type of an element;
  /// others stay as they are.
  mlir::Value widenScalar(mlir::Value scalar);
  mlir::Value narrowScalar(mlir::Value scalar, mlir::Type element);
  mlir::Value number(mlir::Type type, double value);
  mlir::Value integer(mlir::Type type, int64_t value);
  mlir::Value index(int64_t dim);
  mlir::Value toIndex(mlir::Value id);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b);
  /// a + b, a sum whose order within a loop is free: vectorises.
  mlir::Value accumulate(mlir::Value a, mlir::Value b);
  /// max(a, b), NaN if one is.
  mlir::Value maximum(mlir::Value a, mlir::Value b);
  mlir::Value exp(mlir::Value a);
  mlir::Value log(mlir::Value a);
  mlir::Value sqrt(mlir::Value a);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// Shape and element type of a tensor value.
mlir::ArrayRef<int64_t> shapeOf(mlir::Value value);
mlir::Type elementOf(mlir::Value value);

} // namespace pp

#endif // PP_LIB_CONVERSION_NNTOLINALG_EMITTER_H
