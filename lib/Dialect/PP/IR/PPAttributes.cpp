//===- PPAttributes.cpp - Attributes that passes hand on ------------------===//
//
// What a pass finds out and a later one reads stands in attributes `pp.*` of
// ops that need not be pp's. IR can be written by hand at any level, so their
// shape and the range of their numbers is verified like that of operands, and
// no pass asks again. That a number is the right one is a matter of the pass
// that proves it: pp-verify-memory, for one, checks offsets.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/IR/ConfigAttribute.h"
#include "pp/Dialect/PP/IR/PPDialect.h"

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Limits.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace pp;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static bool isInRange(int64_t number, int64_t least, int64_t most) {
  return number >= least && number <= most;
}

static bool isNumber(Attribute attribute, int64_t least, int64_t most) {
  auto number = dyn_cast_if_present<IntegerAttr>(attribute);
  return number && number.getType().isInteger(64) &&
         isInRange(number.getInt(), least, most);
}

static bool isUnit(Attribute attribute) { return isa<UnitAttr>(attribute); }

static bool isString(Attribute attribute) { return isa<StringAttr>(attribute); }

static bool isCount(Attribute attribute) {
  return isNumber(attribute, 0, std::numeric_limits<int64_t>::max());
}

static bool isI64(Attribute attribute) {
  return isNumber(attribute, std::numeric_limits<int64_t>::min(),
                  std::numeric_limits<int64_t>::max());
}

static bool isBytes(Attribute attribute) {
  return isNumber(attribute, 0, limits::kBytes);
}

/// Offsets; -1 is none.
static bool areOffsets(Attribute attribute) {
  auto offsets = dyn_cast_if_present<DenseI64ArrayAttr>(attribute);
  return offsets && llvm::all_of(offsets.asArrayRef(), [](int64_t offset) {
           return isInRange(offset, -1, limits::kBytes);
         });
}

/// The slots of a series, or slots with ends that do not take turns.
static bool arePlaces(Attribute attribute) {
  auto areSlots = [](Attribute slots) {
    auto offsets = dyn_cast_if_present<DenseI64ArrayAttr>(slots);
    return offsets && !offsets.empty() &&
           llvm::all_of(offsets.asArrayRef(), [](int64_t offset) {
             return isInRange(offset, 0, limits::kBytes);
           });
  };
  auto whole = dyn_cast<DictionaryAttr>(attribute);
  if (!whole)
    return areSlots(attribute);
  return whole.size() == 4 && areSlots(whole.get("slots")) &&
         llvm::all_of(ArrayRef<StringRef>{"head", "tail", "instances"},
                      [&](StringRef key) {
                        return isNumber(whole.get(key), 0,
                                        limits::kMicrobatches);
                      });
}

static bool isSeconds(Attribute attribute) {
  auto number = dyn_cast<FloatAttr>(attribute);
  return number && number.getType().isF64();
}

static bool areSeconds(Attribute attribute) {
  return isa<DenseF64ArrayAttr>(attribute);
}

template <bool (*isValue)(Attribute)>
static bool isDictionaryOf(Attribute attribute) {
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  return dictionary && llvm::all_of(dictionary, [](NamedAttribute entry) {
           return isValue(entry.getValue());
         });
}

/// See attr::kLayers.
static bool isLayer(Attribute attribute) {
  auto layer = dyn_cast<DictionaryAttr>(attribute);
  return layer && llvm::all_of(layer, [](NamedAttribute entry) {
           return entry.getName() == "layer" ? isString(entry.getValue())
                                             : isCount(entry.getValue());
         });
}

static bool areLayers(Attribute attribute) {
  auto layers = dyn_cast<ArrayAttr>(attribute);
  return layers && llvm::all_of(layers, isLayer);
}

static bool areStrings(Attribute attribute) {
  auto strings = dyn_cast<ArrayAttr>(attribute);
  return strings && llvm::all_of(strings, isString);
}

/// See attr::kLayerCollectives.
static bool areLayerCollectives(Attribute attribute) {
  auto layers = dyn_cast<ArrayAttr>(attribute);
  return layers && llvm::all_of(layers, [](Attribute each) {
           auto layer = dyn_cast<DictionaryAttr>(each);
           auto has = [&](StringRef name, bool (*isValue)(Attribute)) {
             Attribute value = layer.get(name);
             return value && isValue(value);
           };
           return layer && layer.size() == 6 && has("layer", isString) &&
                  has("axes", areStrings) && has("ranks", isCount) &&
                  has("count", isCount) && has("bytes", isCount) &&
                  has("seconds", isSeconds);
         });
}

static bool areDistributions(Attribute attribute) {
  auto takes = dyn_cast<ArrayAttr>(attribute);
  return takes && llvm::all_of(takes, llvm::IsaPred<comm::DistributionAttr>);
}

/// A value of JSON, with null as a unit attribute.
static bool isJson(Attribute attribute) {
  if (auto values = dyn_cast<ArrayAttr>(attribute))
    return llvm::all_of(values, isJson);
  if (auto object = dyn_cast<DictionaryAttr>(attribute))
    return llvm::all_of(
        object, [](NamedAttribute entry) { return isJson(entry.getValue()); });
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getType().isF64() && number.getValue().isFinite();
  return isa<UnitAttr, StringAttr, BoolAttr>(attribute) || isI64(attribute);
}

/// "12F": a number and what is computed.
static bool isPart(Attribute attribute) {
  auto text = dyn_cast<StringAttr>(attribute);
  unsigned apply;
  return text && !text.empty() &&
         StringRef("FRBIW").contains(text.getValue().back()) &&
         !text.getValue().drop_back().getAsInteger(10, apply);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {
struct Rule {
  StringRef name;
  bool (*holds)(Attribute);
  StringRef expected;
};
} // namespace

static constexpr StringLiteral kExpectsUnit =
    "a unit attribute: write only its name";
static constexpr StringLiteral kExpectsString = "a string";
static constexpr StringLiteral kExpectsBytes =
    "an i64 of bytes, from 0 to 2^60";

static const Rule rules[] = {
    {attr::kLayerFunction, isUnit, kExpectsUnit},
    {attr::kTakes, areDistributions,
     "an array of #comm.distribution, one an operand"},
    {attr::kBias, isUnit, kExpectsUnit},
    {attr::kRole, isString, kExpectsString},
    {attr::kDecays, isUnit, kExpectsUnit},
    {attr::kPart, isPart, "the number of an apply and F, R, B, I or W"},
    {attr::kLayers, areLayers,
     "a dictionary for each apply: a string for 'layer', else i64 that are not "
     "negative"},
    {attr::kPredicted, isDictionaryOf<isSeconds>, "a dictionary of f64"},
    {attr::kLayerCollectives, areLayerCollectives,
     "an array of dictionaries: a string 'layer', strings 'axes', i64 'ranks', "
     "'count' "
     "and 'bytes' that are not negative, f64 'seconds'"},
    {attr::kTimes, isDictionaryOf<areSeconds>, "a dictionary of arrays of f64"},
    {attr::kBound, isCount, "an i64 that is not negative"},
    {attr::kIgnored, isI64, "an i64"},
    {attr::kFingerprint, isString, kExpectsString},
    {attr::kModelHash, isString, kExpectsString},
    {attr::kDecision, [](Attribute value) { return isa<DecisionAttr>(value); },
     "#pp.decision<...>"},
    {attr::kRecompute, isString, kExpectsString},
    {attr::kConfig,
     [](Attribute value) {
       return isa<DictionaryAttr>(value) && isJson(value);
     },
     "a dictionary of strings, i64, finite f64, booleans, unit attributes (for "
     "null), arrays and dictionaries"},
    {attr::kWorkspace, isBytes, kExpectsBytes},
    {attr::kWorkspaceOffset, isBytes, kExpectsBytes},
    {attr::kOffsets, areOffsets,
     "an array of i64: offsets from 0 to 2^60, or -1 for none"},
    {attr::kMemory, isDictionaryOf<isBytes>,
     "a dictionary of i64: bytes from 0 to 2^60"},
    {attr::kParameters, isDictionaryOf<isBytes>,
     "a dictionary of i64: offsets from 0 to 2^60"},
    {attr::kGradients, isDictionaryOf<areOffsets>,
     "a dictionary of arrays of i64: offsets from 0 to 2^60, or -1 for none"},
    {attr::kStates, isDictionaryOf<isBytes>,
     "a dictionary of i64: offsets from 0 to 2^60"},
    {attr::kRings, isDictionaryOf<arePlaces>,
     "for each value the offsets of its slots, from 0 to 2^60, or a dictionary "
     "of slots, head, tail and instances"},
    {attr::kWorkspaces, isDictionaryOf<arePlaces>,
     "for each function the offsets of its slots, from 0 to 2^60, or a "
     "dictionary of slots, head, tail and instances"},
};

LogicalResult PPDialect::verifyOperationAttribute(Operation *op,
                                                  NamedAttribute attribute) {
  const Rule *rule = llvm::find_if(rules, [&](const Rule &rule) {
    return attribute.getName() == rule.name;
  });
  if (rule == std::end(rules) || rule->holds(attribute.getValue()))
    return success();
  return op->emitOpError() << "found " << rule->name << " = "
                           << attribute.getValue() << ", expected "
                           << rule->expected;
}
