//===- KernelBuilder.h - One kernel in the making ---------------*- C++ -*-===//
//
// A kernel takes whole buffers as vectors and computes addresses itself. Its
// threads work in groups (one thread, a warp or a block), which share the work
// of a row and its sums.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_CODEGEN_GPU_KERNELBUILDER_H
#define PP_LIB_CODEGEN_GPU_KERNELBUILDER_H

#include "Access.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace pp::device {

/// The kernels of a module, equal ones once.
class KernelModule {
public:
  explicit KernelModule(mlir::ModuleOp parent);
  /// Gives `kernel` a name that starts with `name`, or returns the equal one
  /// that is there.
  mlir::gpu::GPUFuncOp add(mlir::gpu::GPUFuncOp kernel, mlir::StringRef name);
  /// The copy of a constant, a `memref.global` beside the kernels.
  mlir::StringRef addConstant(mlir::Operation *getGlobal);
  /// Removes the module if it is empty.
  void finish();

  mlir::gpu::GPUModuleOp module;

private:
  mlir::ModuleOp parent;
  llvm::StringMap<mlir::gpu::GPUFuncOp> kernels;
  llvm::StringMap<unsigned> counts;
  bool isEmpty = true;
};

/// Threads that share work. `index` counts them from 0.
struct Group {
  enum Kind { Thread, Warp, Block };
  Kind kind = Thread;
  int64_t size = 1;
  mlir::Value index;
};

class KernelBuilder {
public:
  KernelBuilder(KernelModule &kernels, mlir::Location loc);

  /// `threads` of a block, in two dimensions.
  void setBlock(int64_t x, int64_t y = 1);
  mlir::Value threadX();
  mlir::Value threadY();
  mlir::Value blockX();
  mlir::Value blockY();

  /// Integers and arithmetic on the type index.
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, int64_t b);
  mlir::Value div(mlir::Value a, int64_t b);
  mlir::Value rem(mlir::Value a, int64_t b);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value isZero(mlir::Value a);
  /// `position` as one index for each extent, the last the fastest.
  mlir::SmallVector<mlir::Value> delinearize(mlir::Value position,
                                             mlir::ArrayRef<int64_t> extents);

  /// The vector in the kernel for a whole buffer outside: an argument, a
  /// constant, or what `setLocal` gave.
  mlir::Value buffer(mlir::Value root);
  /// A buffer of the kernel alone; `base` is added to positions, may be null.
  void setLocal(mlir::Value root, mlir::Value memory, mlir::Value base);
  /// Marks the argument for `root` as what only this kernel uses.
  void setTemporary(mlir::Value root);
  /// An argument that is not one of the buffers outside, as position and root
  /// of `load` and `store`. Nothing is promised of its address.
  mlir::Value addBuffer(int64_t elements, mlir::Type element);
  mlir::Value makeShared(int64_t elements, mlir::Type element);
  mlir::Value makePrivate(int64_t elements, mlir::Type element);
  /// The scalar in the kernel for one outside: constants and arithmetic are
  /// computed again, an argument of type i64 is a key, which is loaded.
  mlir::Value scalar(mlir::Value outside);

  mlir::Value load(mlir::Value root, mlir::Value position);
  void store(mlir::Value value, mlir::Value root, mlir::Value position);
  /// `lanes` neighbours; `position` is a multiple of them.
  mlir::SmallVector<mlir::Value> loadLanes(mlir::Value root,
                                           mlir::Value position, int64_t lanes);
  void storeLanes(mlir::ValueRange values, mlir::Value root,
                  mlir::Value position);

  /// Element `indices` of an access, as a position in its buffer.
  mlir::Value position(const Access &access, mlir::ValueRange indices);

  /// All threads of the group wait for each other and see what was stored.
  void synchronize(const Group &group);
  /// Combines one value of each thread, in a fixed order; every thread gets
  /// the result. `combiner` is an op on two scalars.
  mlir::Value reduce(const Group &group, mlir::Value value,
                     mlir::Operation *combiner);
  mlir::Value combine(mlir::Operation *combiner, mlir::Value a, mlir::Value b);
  mlir::Value neutral(mlir::Operation *combiner);
  /// The value of `mode` (xor of `operand`) in the warp.
  mlir::Value shuffleXor(mlir::Value value, int64_t lanes);

  /// Finishes the kernel and launches it at `builder`.
  void launch(mlir::OpBuilder &builder, mlir::StringRef name, int64_t gridX,
              int64_t gridY = 1);
  /// Finishes the kernel without a launch.
  mlir::gpu::GPUFuncOp finish(mlir::StringRef name);

  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::IRMapping mapping;                      ///< scalars outside -> inside
  llvm::MapVector<mlir::Value, bool> arguments; ///< buffer -> is written

private:
  mlir::Value id(mlir::Value &cached, bool isBlock, mlir::gpu::Dimension dim);

  KernelModule &kernels;
  mlir::gpu::GPUFuncOp function;
  mlir::Operation *prologueEnd;
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, mlir::Value>> buffers;
  llvm::MapVector<mlir::Value, unsigned> passed; ///< in order of arguments
  mlir::Value tx, ty, bx, by;
  int64_t blockX_ = 1, blockY_ = 1;
};

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_KERNELBUILDER_H
