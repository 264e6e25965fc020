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

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace pp {

/// An operand of a call. `numbers` may differ between repetitions of a call;
/// all else makes another call.
struct CallOperand {
  enum Kind {
    Argument, ///< argument `base` of the function
    Number,   ///< numbers[0] as an integer of `type`
    Address,  ///< argument `base` plus numbers[0] bytes
    Slot,     ///< argument `base` plus as many bytes as entry numbers[0] of the
              ///< i64 array that argument `table` points to holds
    Symbol,   ///< the address of `symbol` plus numbers[0] times 8 bytes
    MixedKey, ///< argument `base` mixed with each of `numbers` in turn
    Result,   ///< what the call `base` places before this one has returned
  };

  static CallOperand argument(unsigned index) { return {Argument, index}; }
  static CallOperand number(mlir::Type type, int64_t value) {
    return {Number, 0, 0, type, {}, {value}};
  }
  static CallOperand address(unsigned base, int64_t bytes) {
    return {Address, base, 0, {}, {}, {bytes}};
  }
  static CallOperand slot(unsigned base, unsigned table, int64_t slot) {
    return {Slot, base, table, {}, {}, {slot}};
  }
  static CallOperand symbolAt(mlir::StringAttr symbol, int64_t index = 0) {
    return {Symbol, 0, 0, {}, symbol, {index}};
  }
  static CallOperand mixedKey(unsigned base, llvm::ArrayRef<int64_t> salts) {
    return {MixedKey, base, 0, {}, {}, llvm::SmallVector<int64_t, 1>(salts)};
  }
  static CallOperand result(unsigned distance) { return {Result, distance}; }

  /// Equal but for the numbers.
  bool isLike(const CallOperand &other) const {
    return kind == other.kind && base == other.base && table == other.table &&
           type == other.type && symbol == other.symbol &&
           numbers.size() == other.numbers.size();
  }

  Kind kind;
  unsigned base = 0, table = 0;
  mlir::Type type = {};
  mlir::StringAttr symbol = {};
  llvm::SmallVector<int64_t, 1> numbers = {};
  /// In a loop of the program, of an operand with one number: what it grows by
  /// in each round; or its values in turn, for ever again.
  int64_t step = 0;
  std::vector<int64_t> cycle = {};
};

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
                    mlir::Block *exit) const;

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
