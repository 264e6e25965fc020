//===- PPAnnotateInputs.cpp - Which token ids a model can take ------------===//
//
// Two sides of one bargain. An op whose ids are elements of the data,
// unchanged, limits what the data may hold, and need not look at them again.
// All other ids are checked by the op that reads them. So an op is marked only
// if every way from it back through the program ends at data; a way that this
// file does not know is one more op that checks.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNIds.h"
#include "pp/Dialect/NN/IR/NNOps.h"
#include "pp/Dialect/PP/Annotate/Passes.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

#include <optional>
#include <set>

namespace pp {
#define GEN_PASS_DEF_PPANNOTATEINPUTS
#include "pp/Dialect/PP/Annotate/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
/// The inputs whose elements a value consists of; nothing if it has others.
using Sources = std::optional<SetVector<StringAttr>>;

/// Follows values back to the data of the program.
class SourceFinder {
public:
  explicit SourceFinder(ModuleOp module) : symbols(module) {
    module.walk([&](Operation *op) {
      auto call = dyn_cast<func::CallOp>(op);
      if (call) {
        calls[call.getCallee()].push_back(call);
        return;
      }
      // Who runs a function otherwise may pass it anything.
      op->getAttrDictionary().walk([&](SymbolRefAttr symbol) {
        referenced.insert(symbol.getLeafReference());
      });
    });
  }

  const Sources &of(Value value) {
    auto [known, isNew] = sources.try_emplace(value);
    if (!isNew)
      return known->second;
    Sources found = find(value);
    return sources[value] = std::move(found);
  }

private:
  Sources find(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return findOfArgument(argument);
    Operation *op = value.getDefiningOp();
    if (auto call = dyn_cast<func::CallOp>(op)) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal() ||
          !llvm::hasSingleElement(callee.getBody()))
        return std::nullopt;
      return of(callee.front().getTerminator()->getOperand(
          cast<OpResult>(value).getResultNumber()));
    }
    // Elements move, and stay what they are.
    if (isa<nn::ReshapeOp, nn::SliceOp, nn::TransposeOp, nn::SplitOp,
            nn::ConcatenateOp, nn::BroadcastOp, comm::SliceOp,
            comm::AllGatherOp, comm::AllToAllOp>(op))
      return unionOf(op->getOperands());
    return std::nullopt;
  }

  Sources findOfArgument(BlockArgument argument) {
    auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (!function || !argument.getOwner()->isEntryBlock())
      return std::nullopt;
    unsigned number = argument.getArgNumber();
    auto data =
        dyn_cast_or_null<StringAttr>(function.getArgAttr(number, attr::kData));
    auto called = calls.find(function.getSymName());
    // The runtime checks tokens and targets.
    if (data && data.getValue() == kDocuments)
      return std::nullopt;
    if (data && called == calls.end()) {
      Sources sources(std::in_place);
      sources->insert(data);
      return sources;
    }
    if (data || called == calls.end() ||
        referenced.contains(function.getSymNameAttr()))
      return std::nullopt;
    return unionOf(llvm::map_to_vector(called->second, [&](func::CallOp call) {
      return call.getOperand(number);
    }));
  }

  Sources unionOf(ValueRange values) {
    Sources all(std::in_place);
    for (Value value : values) {
      Sources some = of(value);
      if (!some)
        return std::nullopt;
      all->insert_range(*some);
    }
    return all->empty() ? Sources() : all;
  }

  SymbolTable symbols;
  llvm::StringMap<SmallVector<func::CallOp>> calls;
  DenseSet<StringAttr> referenced;
  /// Of a value that is being followed: nothing, as if it were computed.
  DenseMap<Value, Sources> sources;
};

/// The ids that an op reads, and which of them it takes.
struct Reader {
  Operation *op;
  Value ids;
  int64_t size;
  std::optional<int64_t> ignored;
};

/// What the readers of one input let it hold.
struct Bound {
  std::optional<int64_t> size;
  std::set<std::optional<int64_t>> ignored; ///< what each of them ignores

  void limit(const Reader &reader) {
    size = size ? std::min(*size, reader.size) : reader.size;
    ignored.insert(reader.ignored);
  }
  /// The id out of the bound that all readers ignore, if there is one. Below 0
  /// there is none in files, but the runtime puts it at the ends of documents.
  std::optional<int64_t> getIgnored(bool hasDocuments) const {
    if (ignored.size() != 1 || !*ignored.begin())
      return std::nullopt;
    const int64_t id = **ignored.begin();
    if (id >= *size || (id < 0 && hasDocuments))
      return id;
    return std::nullopt;
  }
};
} // namespace

static int64_t rowsOf(Value table) {
  return cast<RankedTensorType>(table.getType()).getDimSize(0);
}

static int64_t classesOf(Value logits) {
  return cast<RankedTensorType>(logits.getType()).getShape().back();
}

static std::optional<Reader> getReader(Operation *op) {
  if (auto embedding = dyn_cast<nn::EmbeddingOp>(op))
    return Reader{
        op,
        embedding.getIds(),
        int64_t(embedding.getCount().value_or(rowsOf(embedding.getTable()))),
        {}};
  if (auto grad = dyn_cast<nn::EmbeddingGradOp>(op))
    return Reader{op,
                  grad.getIds(),
                  int64_t(grad.getCount().value_or(rowsOf(grad.getResult()))),
                  {}};
  if (auto loss = dyn_cast<nn::CrossEntropyOp>(op))
    return Reader{op, loss.getTargets(), classesOf(loss.getLogits()),
                  int64_t(loss.getIgnoreIndex())};
  if (auto grad = dyn_cast<nn::CrossEntropyGradOp>(op))
    return Reader{op, grad.getTargets(), classesOf(grad.getLogits()),
                  int64_t(grad.getIgnoreIndex())};
  auto ofClasses = [&](auto sums) {
    return Reader{
        op, sums.getTargets(),
        int64_t(sums.getCount().value_or(classesOf(sums.getLogits()))),
        int64_t(sums.getIgnoreIndex())};
  };
  if (auto sums = dyn_cast<nn::ClassSumsOp>(op))
    return ofClasses(sums);
  if (auto grad = dyn_cast<nn::ClassSumsGradOp>(op))
    return ofClasses(grad);
  return std::nullopt;
}

namespace {
struct AnnotateInputs : pp::impl::PPAnnotateInputsBase<AnnotateInputs> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder builder(&getContext());
    SourceFinder finder(module);
    llvm::DenseMap<StringAttr, Bound> bounds;
    module.walk([&](Operation *op) {
      std::optional<Reader> reader = getReader(op);
      if (!reader)
        return;
      const Sources &sources = finder.of(reader->ids);
      if (!sources) {
        op->removeAttr(nn::kIdsInRange);
        return;
      }
      op->setAttr(nn::kIdsInRange, builder.getUnitAttr());
      for (StringAttr source : *sources)
        bounds[source].limit(*reader);
    });
    const bool hasDocuments =
        llvm::any_of(module.getOps<InputOp>(), [](InputOp input) {
          return input.getSymName() == kDocuments;
        });
    for (InputOp input : module.getOps<InputOp>()) {
      auto found = bounds.find(input.getSymNameAttr());
      if (found == bounds.end())
        continue;
      const Bound &bound = found->second;
      input->setAttr(attr::kBound, builder.getI64IntegerAttr(*bound.size));
      if (std::optional<int64_t> ignored = bound.getIgnored(hasDocuments))
        input->setAttr(attr::kIgnored, builder.getI64IntegerAttr(*ignored));
    }
  }
};
} // namespace
