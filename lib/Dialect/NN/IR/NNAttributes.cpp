//===- NNAttributes.cpp - Initialisers of parameters ----------------------===//

#include "pp/Dialect/NN/IR/NNAttributes.h"

#include "pp/Dialect/NN/IR/NNDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

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

void NNDialect::registerInitializers() {
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
