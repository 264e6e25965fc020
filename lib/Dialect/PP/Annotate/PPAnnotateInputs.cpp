//===- PPAnnotateInputs.cpp - Which token ids a model can take ------------===//

#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/Annotate/Passes.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

#include <optional>
#include <set>

namespace pp {
#define GEN_PASS_DEF_PPANNOTATEINPUTS
#include "pp/Dialect/PP/Annotate/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
/// Follows integer tensors from a value to the ops that index with them.
class BoundFinder {
public:
  explicit BoundFinder(SymbolTableCollection &symbols) : symbols(symbols) {}

  void follow(Value value) {
    if (!visited.insert(value).second)
      return;
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (auto embedding = dyn_cast<nn::EmbeddingOp>(user)) {
        if (use.get() == embedding.getIds()) {
          limit(embedding.getTable().getType(), 0);
          readers.insert(std::nullopt);
        }
      } else if (auto loss = dyn_cast<nn::CrossEntropyOp>(user)) {
        if (use.get() == loss.getTargets()) {
          limit(loss.getLogits().getType(), -1);
          readers.insert(loss.getIgnoreIndex());
        }
      } else if (auto call = dyn_cast<func::CallOp>(user)) {
        auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
            call, call.getCalleeAttr());
        if (callee && !callee.isExternal())
          follow(callee.getArgument(use.getOperandNumber()));
      } else if (isa_and_nonnull<nn::NNDialect>(user->getDialect())) {
        // Slices, reshapes and the like hand ids on; arithmetic on them would
        // change them, but then they are no token ids any more.
        if (isa<nn::ReshapeOp, nn::SliceOp, nn::TransposeOp, nn::SplitOp,
                nn::ConcatenateOp, nn::BroadcastOp>(user))
          for (Value result : user->getResults())
            follow(result);
      }
    }
  }

  /// The id from the bound on that all readers ignore, if there is one.
  std::optional<int64_t> getIgnored() const {
    if (readers.size() != 1 || !*readers.begin() || **readers.begin() < *bound)
      return std::nullopt;
    return *readers.begin();
  }

  std::optional<int64_t> bound;

private:
  void limit(Type type, int64_t dimension) {
    auto shape = cast<RankedTensorType>(type).getShape();
    int64_t size = dimension < 0 ? shape.back() : shape[dimension];
    bound = bound ? std::min(*bound, size) : size;
  }

  SymbolTableCollection &symbols;
  DenseSet<Value> visited;
  std::set<std::optional<int64_t>> readers; // what each of them ignores
};

struct AnnotateInputs : pp::impl::PPAnnotateInputsBase<AnnotateInputs> {
  void runOnOperation() override {
    SymbolTableCollection symbols;
    ModuleOp module = getOperation();
    for (InputOp input : module.getOps<InputOp>()) {
      BoundFinder finder(symbols);
      for (auto function : module.getOps<func::FuncOp>()) {
        if (function.isExternal())
          continue;
        for (BlockArgument argument : function.getArguments())
          if (function.getArgAttr(argument.getArgNumber(), attr::kData) ==
              input.getSymNameAttr())
            finder.follow(argument);
      }
      if (!finder.bound)
        continue;
      Builder builder(&getContext());
      input->setAttr(attr::kBound, builder.getI64IntegerAttr(*finder.bound));
      if (std::optional<int64_t> ignored = finder.getIgnored())
        input->setAttr(attr::kIgnored, builder.getI64IntegerAttr(*ignored));
    }
  }
};
} // namespace
