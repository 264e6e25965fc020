//===- LoopNest.h - A linalg op as loops and addresses ----------*- C++ -*-===//

#ifndef PP_LIB_CODEGEN_GPU_LOOPNEST_H
#define PP_LIB_CODEGEN_GPU_LOOPNEST_H

#include "KernelBuilder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineExpr.h"

namespace pp::device {

/// A linalg op on memrefs: its loops, and for each operand the address as an
/// expression of them.
class LoopNest {
public:
  struct Operand {
    bool isBuffer = false;
    bool isUsed = true; ///< read by the body
    mlir::Value scalar; ///< where it is none
    Access access;
    mlir::AffineExpr address; ///< of the loops, without `access.variable`
  };

  static mlir::FailureOr<LoopNest> get(mlir::linalg::LinalgOp op);

  int64_t size() const; ///< product of all extents
  bool isParallel() const { return !llvm::is_contained(reduced, true); }
  unsigned numOutputs() const { return op.getNumDpsInits(); }
  mlir::ArrayRef<Operand> outputs() const {
    return llvm::ArrayRef(operands).take_back(numOutputs());
  }
  /// Distance of neighbours along a loop in an operand; nothing if it varies.
  std::optional<int64_t> strideAlong(const Operand &operand,
                                     unsigned loop) const;
  /// True if the body reads memory by itself.
  bool gathers() const;
  /// The op that combines result `i` with its former value, null if it is not
  /// just that. Loads and other operands than the former value may come from
  /// anywhere.
  mlir::Operation *combinerOf(unsigned i) const;
  /// True if all results are sums or the like, for which a neutral element is
  /// known.
  bool canReduce() const;

  /// Makes the loops one where all buffers are walked from first to last.
  void flatten();
  /// The most elements, 8 or fewer, that can be computed at once along `loop`:
  /// 16 bytes of the narrowest buffer, as alignment and extent allow.
  int64_t lanesAlong(unsigned loop) const;

  /// The position of an operand at indices `ivs`.
  mlir::Value position(KernelBuilder &kernel, const Operand &operand,
                       mlir::ValueRange ivs) const;
  /// Loads what the body reads of an element that is the only one.
  using Load = llvm::function_ref<mlir::Value(const Operand &, mlir::Value)>;
  /// Loads that many neighbours from a position on.
  using LoadLanes = llvm::function_ref<mlir::SmallVector<mlir::Value>(
      const Operand &, mlir::Value, int64_t)>;

  /// Computes `lanes` elements along `loop` from `ivs` on: results[i][lane].
  /// `former` has the former values of the outputs, or is empty: then they are
  /// loaded where the body reads them. With one for each output the former
  /// value of a lane is the result of the lane before (sums along `loop`), with
  /// `lanes` for each output a lane has its own (sums along others). `loadOne`
  /// loads single elements, `loadLanes` neighbours; without it the kernel does.
  mlir::SmallVector<mlir::SmallVector<mlir::Value>>
  compute(KernelBuilder &kernel, mlir::ValueRange ivs, unsigned loop,
          int64_t lanes, mlir::ValueRange former, Load loadOne,
          LoadLanes loadLanes = nullptr) const;
  /// Computes as with one former value for each output, and returns the results
  /// of the last lane.
  mlir::SmallVector<mlir::Value>
  computeSums(KernelBuilder &kernel, mlir::ValueRange ivs, unsigned loop,
              int64_t lanes, mlir::ValueRange former, Load loadOne,
              LoadLanes loadLanes = nullptr) const;
  /// Stores neighbours of an output along `loop` from `ivs` on.
  void store(KernelBuilder &kernel, const Operand &output,
             mlir::ValueRange values, mlir::ValueRange ivs,
             unsigned loop) const;

  mutable mlir::linalg::LinalgOp op; ///< its accessors are not const
  mlir::SmallVector<int64_t> extents;
  mlir::SmallVector<bool> reduced;
  mlir::SmallVector<Operand> operands;
};

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_LOOPNEST_H
