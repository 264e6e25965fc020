//===- CodeExecution.h - Executes functions of calls -----------*- C++ -*-===//
//
// Step and stage functions hold integer arithmetic, tables, branches and calls.
// They are executed here, from one call to the next; who asks decides what a
// call returns and does.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_CODEEXECUTION_H
#define PP_LIB_TRANSLATIONVALIDATION_CODEEXECUTION_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pp {

/// Numbers of a global that is not constant, and which of them were read before
/// anything wrote them.
struct Written {
  std::vector<int64_t> numbers;
  std::vector<bool> wasRead, wasWritten;
};

/// A global: its place among all, and what it holds.
struct GlobalTable {
  mlir::LLVM::GlobalOp global;
  int64_t begin, end; ///< addresses
  bool isConstant;
  std::vector<int64_t> numbers; ///< of i64; empty for others
};

/// The globals of a module at addresses of their own.
class GlobalTables {
public:
  explicit GlobalTables(mlir::ModuleOp module);

  std::optional<int64_t> addressOf(llvm::StringRef name) const;
  /// The global that an address lies in; null if none does.
  const GlobalTable *tableAt(int64_t address) const;
  /// The global that begins at an address; null if none does.
  mlir::LLVM::GlobalOp globalAt(int64_t address) const;

private:
  std::vector<GlobalTable> tables; ///< by address
  llvm::StringMap<int64_t> addresses;
};

/// What one execution sees of the globals, and writes to them.
class TableState {
public:
  explicit TableState(const GlobalTables &globals) : globals(globals) {}

  /// Adds a constant table of the execution's own; returns its address.
  int64_t add(std::vector<int64_t> numbers);

  /// Numbers of a table from an address on.
  class Entries {
  public:
    /// Nothing outside of the table.
    std::optional<int64_t> operator[](int64_t entry);

  private:
    friend class TableState;
    llvm::ArrayRef<int64_t> numbers;
    Written *written = nullptr;
    size_t first = 0;
  };
  Entries entriesAt(int64_t address);
  std::optional<int64_t> read(int64_t address) { return entriesAt(address)[0]; }
  /// False outside of tables that may be written.
  bool write(int64_t address, int64_t number);

  const GlobalTables &getGlobals() const { return globals; }

  /// A global of which a number was read that a later write has changed: the
  /// same code, executed once more, would read another one. Null if there is
  /// none.
  mlir::LLVM::GlobalOp findChanged() const;

private:
  const GlobalTables &globals;
  const GlobalTable *last = nullptr; ///< the table that was used last
  std::vector<std::vector<int64_t>> own;
  /// Of globals that are not constant.
  std::map<const GlobalTable *, std::unique_ptr<Written>> written;
};

/// A function in a form that is quick to execute.
class NativeCode {
public:
  /// Nothing, and `error`, if the function holds other ops than these functions
  /// are made of.
  static std::optional<NativeCode> read(mlir::LLVM::LLVMFuncOp function,
                                        const GlobalTables &globals,
                                        std::string &error);

private:
  friend class Execution;
  enum class Kind {
    Add,
    Mul,
    URem,
    Or,
    Xor,
    Shl,
    LShr,
    Trunc32,
    Equal,
    Below,
    Select,  ///< a, where register `number` is not 0, or b
    Element, ///< a + b * number
    Load,
    Branch, ///< to `edges[number]`; if a is 0, to the one behind it
    Jump,   ///< to `edges[number]`
    Call,   ///< `calls[number]`
    Return
  };
  struct Instruction {
    Kind kind;
    unsigned result = 0, a = 0, b = 0;
    int64_t number = 0;
  };
  struct Edge {
    unsigned target = 0; ///< an instruction
    llvm::SmallVector<std::pair<unsigned, unsigned>, 2> moves; ///< to, from
  };
  struct CallSite {
    mlir::StringAttr callee; ///< null: a copy of memory
    llvm::SmallVector<unsigned, 8> operands;
    mlir::Operation *op;
  };

  std::vector<Instruction> instructions;
  std::vector<Edge> edges;
  std::vector<CallSite> calls;
  std::vector<int64_t> registers; ///< constants; 0 elsewhere
  unsigned arguments = 0;         ///< the first registers
};

/// The callee of a call whose status does not end the function where it is not
/// 0; nothing if there is none. When code is executed here, all succeed.
std::optional<std::string> findLostStatus(mlir::LLVM::LLVMFuncOp function);

class Execution {
public:
  Execution(const NativeCode &code, TableState &tables,
            llvm::ArrayRef<int64_t> arguments);

  enum class Stop { Call, Return, Fault };
  /// Goes on until a call, the end, or what no native code may do (`error`).
  Stop run();

  /// After Stop::Call. A copy of memory has no callee; its operands are target,
  /// source and bytes.
  mlir::StringAttr callee() const { return code.calls[call].callee; }
  llvm::ArrayRef<int64_t> operands() const { return values; }
  /// What the call returns; 0 otherwise.
  void answer(int64_t result) { registers[resultOfCall] = result; }

  int64_t returned = 0; ///< after Stop::Return
  std::string error;    ///< after Stop::Fault

private:
  void follow(unsigned edge);

  const NativeCode &code;
  TableState &tables;
  std::vector<int64_t> registers;
  llvm::SmallVector<int64_t, 16> values, moved;
  size_t next = 0, call = 0;
  unsigned resultOfCall = 0;
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_CODEEXECUTION_H
