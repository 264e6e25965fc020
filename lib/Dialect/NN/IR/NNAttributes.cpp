//===- NNAttributes.cpp - Attributes of the nn dialect --------------------===//

#include "pp/Dialect/NN/IR/NNAttributes.h"

#include "pp/Dialect/NN/IR/NNDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace pp::nn;

namespace pp::nn::detail {
static FailureOr<APFloat> parseNumber(AsmParser &parser) {
  double number;
  if (parser.parseFloat(number))
    return failure();
  return APFloat(number);
}
} // namespace pp::nn::detail

static bool isFiniteInF32(double number) {
  return std::isfinite(static_cast<float>(number));
}

static LogicalResult
verifyFinite(llvm::function_ref<InFlightDiagnostic()> emitError,
             StringRef attribute, StringRef name, const APFloat &number) {
  if (!number.isFinite())
    return emitError() << "(C1) #nn." << attribute << " has a " << name
                       << " that is not finite: write a finite number";
  if (!isFiniteInF32(number.convertToDouble()))
    return emitError() << "(C1) #nn." << attribute << " has " << name << " = "
                       << number.convertToDouble()
                       << ", which is infinite in f32, the type of parameters: "
                          "write a smaller number";
  return success();
}

#include "pp/Dialect/NN/IR/NNAttrInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "pp/Dialect/NN/IR/NNAttributes.cpp.inc"

void NNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "pp/Dialect/NN/IR/NNAttributes.cpp.inc"
      >();
}

/// The generated parser would pass over `<...>` in silence.
template <typename InitializerT>
static Attribute parseWithoutNumbers(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalLess())) {
    parser.emitError(loc) << "#nn." << InitializerT::getMnemonic()
                          << " takes no numbers: drop <...>, or use "
                             "#nn.constant<value = ...>";
    return {};
  }
  return InitializerT::get(parser.getContext());
}
Attribute ZerosAttr::parse(AsmParser &parser, Type) {
  return parseWithoutNumbers<ZerosAttr>(parser);
}
Attribute OnesAttr::parse(AsmParser &parser, Type) {
  return parseWithoutNumbers<OnesAttr>(parser);
}
void ZerosAttr::print(AsmPrinter &) const {}
void OnesAttr::print(AsmPrinter &) const {}

using Numbers = SmallVector<std::pair<StringRef, double>>;

Numbers NormalAttr::getNumbers() const {
  return {{"mean", getMean().convertToDouble()},
          {"std", getStd().convertToDouble()}};
}
Numbers UniformAttr::getNumbers() const {
  return {{"low", getLow().convertToDouble()},
          {"high", getHigh().convertToDouble()}};
}
Numbers ConstantAttr::getNumbers() const {
  return {{"value", getValue().convertToDouble()}};
}
Numbers ZerosAttr::getNumbers() const { return {}; }
Numbers OnesAttr::getNumbers() const { return {}; }

LogicalResult
NormalAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   APFloat std, APFloat mean) {
  if (failed(verifyFinite(emitError, getMnemonic(), "std", std)) ||
      failed(verifyFinite(emitError, getMnemonic(), "mean", mean)))
    return failure();
  if (std.isNegative() && !std.isZero())
    return emitError() << "(C1) #nn.normal has std = " << std.convertToDouble()
                       << ", expected 0 or more: drop the sign";
  double deviation = std.convertToDouble();
  if (deviation != 0 && static_cast<float>(deviation) == 0)
    return emitError() << "(C1) #nn.normal has std = " << deviation
                       << ", which is 0 in f32, the type of parameters: write "
                          "0 or a larger number";
  // No value is further away: the runtime draws them from 53 random bits.
  constexpr double mostDeviations = 9;
  if (!isFiniteInF32(std::abs(mean.convertToDouble()) +
                     mostDeviations * deviation))
    return emitError() << "(C1) #nn.normal has std = " << deviation
                       << " and mean = " << mean.convertToDouble()
                       << ", whose values are infinite in f32, the type of "
                          "parameters: write smaller numbers";
  return success();
}

LogicalResult
UniformAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                    APFloat low, APFloat high) {
  if (failed(verifyFinite(emitError, getMnemonic(), "low", low)) ||
      failed(verifyFinite(emitError, getMnemonic(), "high", high)))
    return failure();
  if (low > high)
    return emitError() << "(C1) #nn.uniform has low = " << low.convertToDouble()
                       << " above high = " << high.convertToDouble()
                       << ": exchange them";
  return success();
}

LogicalResult
ConstantAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                     APFloat value) {
  return verifyFinite(emitError, getMnemonic(), "value", value);
}

//===----------------------------------------------------------------------===//
// RotaryScalingAttr
//===----------------------------------------------------------------------===//

LogicalResult
RotaryScalingAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                          APFloat factor, APFloat low, APFloat high,
                          APFloat original) {
  double divisor = factor.convertToDouble();
  if (!std::isfinite(divisor) || divisor <= 0 || !std::isfinite(1 / divisor))
    return emitError() << "(C1) #nn.rotary_scaling has factor = " << divisor
                       << ", expected a positive number such as 8.0: correct "
                          "it";
  double first = low.convertToDouble(), last = high.convertToDouble();
  double positions = original.convertToDouble();
  if (low.isPosZero() && high.isPosZero() && original.isPosZero())
    return success();
  if (!(std::isfinite(last) && std::isfinite(positions) && 0 <= first &&
        first < last && 0 < positions))
    return emitError() << "(C2) #nn.rotary_scaling has low = " << first
                       << ", high = " << last << " and original = " << positions
                       << ", expected 0 <= low < high and 0 < original: write "
                          "all three, such as 1.0, 4.0 and 8192.0, or none";
  return success();
}

double RotaryScalingAttr::scale(double frequency) const {
  double divided = frequency / getFactor().convertToDouble();
  if (getOriginal().isZero())
    return divided;
  constexpr double fullTurn = 6.283185307179586;
  double turns = getOriginal().convertToDouble() * frequency / fullTurn;
  double low = getLow().convertToDouble(), high = getHigh().convertToDouble();
  double kept = std::clamp((turns - low) / (high - low), 0.0, 1.0);
  return (1 - kept) * divided + kept * frequency;
}
