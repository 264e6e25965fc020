//===- Rules.h - What each op computes --------------------------*- C++ -*-===//
//
// One rule an op, in a table by name: an op without one is an error that names
// it.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_INTERPRETER_RULES_H
#define PP_LIB_INTERPRETER_RULES_H

#include "Tensor.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace pp::interpreter {

using Operands = llvm::ArrayRef<const Tensor *>;
/// Of the right types, all zeros.
using Results = llvm::MutableArrayRef<Tensor>;

/// A rank in a group of ranks.
struct Member {
  int64_t number = 0, size = 1;
};

/// What an op may read beside its operands.
struct Surroundings {
  uint64_t dropoutKey = 0; ///< of the apply in its micro-batch
  /// The rank in its group over axes; empty without a mesh.
  std::function<Member(mlir::ArrayAttr)> findMember = {};
};

using Rule = std::function<mlir::LogicalResult(mlir::Operation *, Operands,
                                               Results, const Surroundings &)>;

class RuleTable {
public:
  /// The table with the rules of all ops of models.
  RuleTable();

  /// Null if there is none.
  const Rule *lookup(mlir::OperationName name) const {
    auto it = rules.find(name.getStringRef());
    return it == rules.end() ? nullptr : &it->second;
  }

  /// `rule(op, operands, results)`, which returns nothing if it cannot fail;
  /// with surroundings behind it returns whether it did.
  template <typename Op, typename Function> void add(Function rule) {
    rules[Op::getOperationName()] =
        [rule](mlir::Operation *op, Operands in, Results out,
               const Surroundings &around) -> mlir::LogicalResult {
      if constexpr (std::is_invocable_v<Function, Op, Operands, Results,
                                        const Surroundings &>) {
        return rule(mlir::cast<Op>(op), in, out, around);
      } else if constexpr (std::is_void_v<std::invoke_result_t<
                               Function, Op, Operands, Results>>) {
        rule(mlir::cast<Op>(op), in, out);
        return mlir::success();
      } else {
        return rule(mlir::cast<Op>(op), in, out);
      }
    };
  }

private:
  llvm::StringMap<Rule> rules;
};

void addElementwiseRules(RuleTable &rules);
void addShapeRules(RuleTable &rules);
void addReductionRules(RuleTable &rules);
void addLayerRules(RuleTable &rules);
void addArithRules(RuleTable &rules);
void addMathRules(RuleTable &rules);

/// Rules of gradient ops, which keep no derivative of their own: for backward
/// functions, not for models. `rules` must not move afterwards.
void addGradientRules(RuleTable &rules);

} // namespace pp::interpreter

#endif // PP_LIB_INTERPRETER_RULES_H
