//===- DescribedModule.h - What the runtime is told of a module -*- C++ -*-===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_DESCRIBEDMODULE_H
#define PP_LIB_TRANSLATIONVALIDATION_DESCRIBEDMODULE_H

#include "StageValidation.h"

#include "pp/Dialect/PP/IR/StepFunctions.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

namespace pp {

class PlannedPlaces;

/// A state that a program keeps: where it lies, from the arena's begin.
struct DescribedState {
  llvm::StringRef parameter;
  int64_t offset;
  uint64_t bytes;
};

/// The symbols of a module by which the runtime's calls name things, and their
/// positions in the description's lists.
struct DescribedModule {
  /// Nothing, and `disagreement`, if the description is not of this module.
  static std::optional<DescribedModule>
  read(mlir::ModuleOp module, llvm::StringRef text, Disagreement &disagreement);
  llvm::json::Value root = nullptr;
  llvm::StringMap<int64_t> inputs, parameters, channels;
  llvm::StringMap<ChannelOp> channelOps;
  llvm::StringMap<ParameterOp> parameterOps;
  /// Those of which each replica updates its piece.
  llvm::StringSet<> cutParameters;
  std::vector<StateOp> states;
  std::optional<StepFunctions> functions;

  /// The states of a program, in their area behind the arena and as the memory
  /// plan has them; nothing, and what was found and expected, if they are not.
  std::optional<std::vector<DescribedState>>
  readStates(const llvm::json::Object &program, const PlannedPlaces &plan,
             int64_t arenaBytes,
             std::pair<std::string, std::string> &problem) const;

  /// Null if it is not there.
  const llvm::json::Object *program(int64_t rank) const;
};

/// The actions of a program in the order in which they run, loops unrolled.
class DescribedActions {
public:
  explicit DescribedActions(const llvm::json::Array *list);

  size_t size() const { return actions.size(); }
  /// Whether action `index` is this one; -1 for what an action does not have.
  bool matches(size_t index, llvm::StringRef kind, llvm::StringRef name,
               int64_t stage, int64_t microbatch, int64_t peer);

private:
  struct DescribedAction {
    std::string kind, name;
    int64_t stage, microbatch, peer;
  };
  void add(const llvm::json::Array &list, int64_t grows);

  llvm::DenseMap<const llvm::json::Object *, std::unique_ptr<DescribedAction>>
      known;
  /// With what their micro-batches have grown by.
  std::vector<std::pair<const DescribedAction *, int64_t>> actions;
  llvm::StringMap<std::string> names; ///< as JSON can have them
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_DESCRIBEDMODULE_H
