//===- TranslationValidation.h - Native code against programs --*- C++ -*-===//
//
// Rank programs are proven: communication ends, memory is never shared by what
// is live together. What runs is native code that pp-lower-programs makes of
// them. Here that code is executed, with recording stand-ins for stage
// functions, layers and transfers, over every round of every loop, and each
// call is compared with the op of the program that it stands for. Nothing of
// the lowering is used: neither its lists of calls, nor its reading of the
// memory plan, nor its order of a stage's operands.
//
//===----------------------------------------------------------------------===//

#ifndef PP_TRANSLATIONVALIDATION_TRANSLATIONVALIDATION_H
#define PP_TRANSLATIONVALIDATION_TRANSLATIONVALIDATION_H

#include "mlir/IR/BuiltinOps.h"

namespace pp {

/// Executes the step function of each pp.program of `module`, and the native
/// function of each stage that it calls, and emits an error and fails where one
/// of these does not hold:
///
/// 1. The calls are those of the program's ops, in their order, as often as
///    loops say: actions with the index, kind, micro-batch and peer that
///    `description` has there, stage functions, transfers with channel, tag and
///    bytes, waits for the request that was meant.
/// 2. Every operand of a call lies where its value was written last, whole, and
///    nothing has been written there since; the source of a send does not
///    change before its wait, the target of a receive is not touched before it.
/// 3. Every value lies where the memory plan says, inside the arena, aligned;
///    operands, results and workspace of a call are disjoint.
/// 4. A stage's native function calls its layers on the values that the stage
///    function says, with its constants, data and keys.
///
/// `module` holds the plan and rank levels, memory plan included, beside the
/// LLVM functions that were made of them; `description` is the text of
/// @pp_program_description.
mlir::LogicalResult validateLowering(mlir::ModuleOp module,
                                     llvm::StringRef description);

/// For tests of the validation itself: changes numbers of the native code, at
/// most `limit` spread over all, one at a time, and counts how many changes the
/// validation refuses. Leaves the code as it was. Changes that are not refused
/// are named in `missed`.
struct MutationCount {
  unsigned tried = 0, refused = 0;
  llvm::SmallVector<std::string> missed;
};
MutationCount countRefusedMutations(mlir::ModuleOp module,
                                    llvm::StringRef description,
                                    unsigned limit);

} // namespace pp

#endif // PP_TRANSLATIONVALIDATION_TRANSLATIONVALIDATION_H
