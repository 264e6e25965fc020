//===- CallList.h - Straight code as a list of calls ------------*- C++ -*-===//
//
// Step and stage functions are nothing but calls, most of which repeat: the
// micro-batches of a steady state, the layers of a stage, the parameters of an
// update. They are collected here first. What repeats with other numbers then
// becomes a loop over a constant table of the numbers, so that the size of the
// code follows what is distinct: a warm-up, a loop and a cool-down. Where the
// program has loops of its own, they are loops here, and numbers say how they
// change from round to round.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_CONVERSION_PROGRAMTOLLVM_CALLLIST_H
#define PP_LIB_CONVERSION_PROGRAMTOLLVM_CALLLIST_H

#include "pp/Dialect/PP/IR/RankOpInterface.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/DenseSet.h"

namespace pp {

/// A call; without a callee, a copy: operands are target, source and bytes.
struct Call {
  mlir::StringAttr callee;
  mlir::Type result;      ///< null: nothing
  bool isChecked = false; ///< the result is a status: not 0 ends the function
  llvm::SmallVector<CallOperand> operands;
  mlir::Location loc;

  /// Equal but for the numbers and the location.
  bool isLike(const Call &other) const;
};

/// What calls ask of the module that they are emitted into: answered once, for
/// a module has functions of every rank.
struct CallTarget {
  explicit CallTarget(mlir::ModuleOp module);

  bool isDevice;                              ///< see isForDevice
  llvm::DenseSet<mlir::StringAttr> functions; ///< that it defines or declares
};

/// The calls of one function in order.
class CallList {
public:
  void append(Call call) { calls.push_back(std::move(call)); }
  void copy(mlir::Location loc, CallOperand target, CallOperand source,
            CallOperand bytes) {
    calls.push_back({{}, {}, false, {target, source, bytes}, loc});
  }
  size_t size() const { return calls.size(); }

  /// What is appended from here to endLoop() runs `rounds` times.
  void beginLoop(uint64_t rounds) {
    loops.push_back({calls.size(), calls.size(), rounds});
  }
  void endLoop() { loops.back().end = calls.size(); }

  /// The same calls with the same numbers.
  bool operator==(const CallList &other) const;

  /// Emits the calls at the end of `block` of `function`; where a checked call
  /// fails, control goes to `exit` with the status. Returns the block in which
  /// the last call ends.
  mlir::Block *emit(mlir::LLVM::LLVMFuncOp function, mlir::Block *block,
                    mlir::Block *exit, CallTarget &target) const;

private:
  /// Calls [begin, end).
  struct Loop {
    size_t begin, end;
    uint64_t rounds;
  };

  std::vector<Call> calls;
  std::vector<Loop> loops; ///< in order
};

/// True if the layers of the program are code for a device. A key is an address
/// then, and what it is mixed with stands above its 48 bits (pprt_gpu.h).
bool isForDevice(mlir::ModuleOp module);

} // namespace pp

#endif // PP_LIB_CONVERSION_PROGRAMTOLLVM_CALLLIST_H
