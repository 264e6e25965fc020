//===- CollectiveChecks.h - Collectives of a step function -----*- C++ -*-===//
//
// A collective has its operand, its result and its workspace in hand from its
// start to its finish. Where replicas update pieces of a parameter, its buffer
// holds the own piece only until it has been gathered; where a piece lies, the
// program asks the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_COLLECTIVECHECKS_H
#define PP_LIB_TRANSLATIONVALIDATION_COLLECTIVECHECKS_H

#include "StepChecks.h"

namespace pp {

class CollectiveChecks : protected StepChecks {
protected:
  using StepChecks::StepChecks;

  /// What lies in a parameter's buffer at the begin and the end of a step.
  uint64_t contentBetweenSteps(llvm::StringRef parameter) {
    return described.cutParameters.contains(parameter)
               ? contents.ofPieces(parameter)
               : contents.ofParameter(parameter);
  }

  bool checkOp(StartOp start);
  bool checkOp(FinishOp finish);
  bool checkOp(StorePieceOp store);
  /// Whether all that has been started has ended.
  bool areCollectivesDone();

  /// The next call asks where the own piece of a parameter lies, whose buffer
  /// holds it.
  bool expectPiece(llvm::StringRef parameter, mlir::Type piece);
  /// What it is answered.
  int64_t pieceAt(llvm::StringRef parameter) const {
    return kPieces + parameterAt.lookup(parameter);
  }

  /// Micro-batch of a transfer or a collective in this round.
  std::optional<int64_t> ofRound(std::optional<uint64_t> microbatch) const {
    if (!microbatch)
      return std::nullopt;
    return int64_t(*microbatch) + shift;
  }

private:
  /// Bytes in hand, and the write that put there what is there.
  struct InHand {
    int64_t address = 0;
    uint64_t bytes = 0, content = 0, serial = 0;
  };
  struct Collective {
    StartOp start; ///< null: not under way
    std::optional<int64_t> microbatch;
    llvm::SmallVector<InHand, 3> inHand;
    int64_t result = 0;
  };

  bool isDescribed(StartOp start, int64_t number);
  /// Takes what is not to be written, or what the collective writes.
  bool hold(Collective &collective, int64_t address, uint64_t bytes,
            uint64_t content);
  void take(Collective &collective, int64_t address, uint64_t bytes,
            uint64_t content);

  llvm::DenseMap<int64_t, Collective> collectives; ///< by number
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_COLLECTIVECHECKS_H
