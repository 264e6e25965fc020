//===- PlannedPlaces.h - The memory plan of a program ----------*- C++ -*-===//
//
// The attributes that pp-plan-memory documents, read for the validation alone.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_PLANNEDPLACES_H
#define PP_LIB_TRANSLATIONVALIDATION_PLANNEDPLACES_H

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Memory/Buffers.h"

namespace pp {

/// Where a buffer lies: one offset, or the slots that its instances take in
/// turn.
class Place {
public:
  /// -1: in another buffer, that of a parameter for one.
  explicit Place(int64_t offset = -1) : only(offset) {}
  /// A value of pp.rings.
  explicit Place(mlir::Attribute ring) {
    if (auto whole = mlir::dyn_cast<mlir::DictionaryAttr>(ring)) {
      slots = whole.getAs<mlir::DenseI64ArrayAttr>("slots");
      head = whole.getAs<mlir::IntegerAttr>("head").getInt();
      tail = whole.getAs<mlir::IntegerAttr>("tail").getInt();
      instances = whole.getAs<mlir::IntegerAttr>("instances").getInt();
    } else {
      slots = mlir::cast<mlir::DenseI64ArrayAttr>(ring);
    }
  }

  int64_t at(int64_t instance) const {
    int64_t count = slots.size();
    if (count == 0)
      return only;
    if (instance < head)
      return slots[instance];
    if (tail && instance >= instances - tail)
      return slots[count - (instances - instance)];
    return slots[head + (instance - head) % (count - head - tail)];
  }

private:
  llvm::ArrayRef<int64_t> slots;
  int64_t head = 0, tail = 0, instances = 0, only = -1;
};

class PlannedPlaces {
public:
  explicit PlannedPlaces(ProgramOp program) : program(program) {}

  /// Of result `number` of an op, which moves as `series` if it belongs to a
  /// micro-batch.
  Place ofResult(mlir::Operation *op, unsigned number,
                 llvm::StringRef series) const {
    if (mlir::Attribute ring = lookup(attr::kRings, series))
      return Place(ring);
    auto offsets = op->getAttrOfType<mlir::DenseI64ArrayAttr>(attr::kOffsets);
    return Place(offsets && number < offsets.size() ? offsets[number] : -1);
  }
  /// Of the workspace of an action.
  Place ofWorkspace(RunOp run) const {
    if (mlir::Attribute ring = lookup(attr::kWorkspaces, run.getCallee()))
      return Place(ring);
    return Place(ofWorkspace(run.getOperation()));
  }
  /// Of the workspace of an op, which is that of `series` if it belongs to a
  /// micro-batch.
  Place ofWorkspace(mlir::Operation *op, llvm::StringRef series) const {
    if (mlir::Attribute ring = lookup(attr::kWorkspaces, series))
      return Place(ring);
    return Place(ofWorkspace(op));
  }
  /// Of the workspace of an op that a step runs once; -1 if it has none.
  int64_t ofWorkspace(mlir::Operation *op) const {
    auto one = op->getAttrOfType<mlir::IntegerAttr>(attr::kWorkspaceOffset);
    return one ? one.getInt() : -1;
  }
  /// Offset of a state in its area; -1 if it has none.
  int64_t ofState(llvm::StringRef state) const {
    auto offset =
        mlir::dyn_cast_or_null<mlir::IntegerAttr>(lookup(attr::kStates, state));
    return offset ? offset.getInt() : -1;
  }
  /// Offset of an accumulator; -1 if it has none.
  int64_t ofGradient(llvm::StringRef parameter, int64_t use) const {
    auto uses = mlir::dyn_cast_or_null<mlir::DenseI64ArrayAttr>(
        lookup(attr::kGradients, parameter));
    return uses && use >= 0 && use < uses.size() ? uses[use] : -1;
  }
  /// Parameters of the program, and their offsets.
  llvm::SmallVector<std::pair<llvm::StringRef, int64_t>> ofParameters() const {
    llvm::SmallVector<std::pair<llvm::StringRef, int64_t>> result;
    if (auto all =
            program->getAttrOfType<mlir::DictionaryAttr>(attr::kParameters))
      for (mlir::NamedAttribute each : all)
        if (auto offset = mlir::dyn_cast<mlir::IntegerAttr>(each.getValue()))
          result.emplace_back(each.getName(), offset.getInt());
    return result;
  }

private:
  mlir::Attribute lookup(llvm::StringRef attribute,
                         llvm::StringRef name) const {
    auto all = program->getAttrOfType<mlir::DictionaryAttr>(attribute);
    return all ? all.get(name) : mlir::Attribute();
  }

  mutable ProgramOp program;
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_PLANNEDPLACES_H
