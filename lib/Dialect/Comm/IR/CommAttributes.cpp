//===- CommAttributes.cpp - Distributions of values -----------------------===//

#include "pp/Dialect/Comm/IR/CommAttributes.h"

#include "pp/Dialect/Comm/IR/CommDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace pp::comm;

#define GET_ATTRDEF_CLASSES
#include "pp/Dialect/Comm/IR/CommAttributes.cpp.inc"

void CommDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "pp/Dialect/Comm/IR/CommAttributes.cpp.inc"
      >();
}

/// distribution ::= `invariant` | `replicated` | `constant`
///                | `varying` (`(` integer (`,` integer)? `)`)?
///                | `partial` (`(` `max` `)`)?
static FailureOr<Distribution> parseOne(AsmParser &parser) {
  StringRef word;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return failure();
  if (word == "invariant")
    return Distribution::invariant();
  if (word == "replicated")
    return Distribution::replicated();
  if (word == "constant")
    return Distribution::constant();
  if (word == "varying") {
    int64_t dim = Distribution::kNoDim, blocks = 1;
    if (succeeded(parser.parseOptionalLParen())) {
      SMLoc place = parser.getCurrentLocation();
      if (parser.parseInteger(dim) ||
          (succeeded(parser.parseOptionalComma()) &&
           parser.parseInteger(blocks)) ||
          parser.parseRParen())
        return failure();
      if (dim < 0)
        return parser.emitError(place)
               << "(C2) found dimension " << dim
               << ", expected 0 to 7: count dimensions from the front";
    }
    return Distribution::varying(dim, blocks);
  }
  if (word == "partial") {
    if (failed(parser.parseOptionalLParen()))
      return Distribution::partial();
    if (parser.parseKeyword("max") || parser.parseRParen())
      return failure();
    return Distribution::partialMax();
  }
  return parser.emitError(loc)
         << "found '" << word
         << "', expected invariant, replicated, varying, partial or constant";
}

/// `<` `{` (string `=` distribution),* `}` `>`
Attribute DistributionAttr::parse(AsmParser &parser, Type) {
  SmallVector<StringAttr> axes;
  SmallVector<Distribution> distributions;
  auto parseEntry = [&]() -> ParseResult {
    std::string axis;
    if (parser.parseString(&axis) || parser.parseEqual())
      return failure();
    FailureOr<Distribution> distribution = parseOne(parser);
    if (failed(distribution))
      return failure();
    axes.push_back(parser.getBuilder().getStringAttr(axis));
    distributions.push_back(*distribution);
    return success();
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces,
                                     parseEntry) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<DistributionAttr>(loc, parser.getContext(), axes,
                                             distributions);
}

void DistributionAttr::print(AsmPrinter &printer) const {
  printer << "<{";
  llvm::interleaveComma(
      llvm::zip_equal(getAxes(), getDistributions()), printer, [&](auto entry) {
        printer << std::get<0>(entry) << " = " << std::get<1>(entry).str();
      });
  printer << "}>";
}

LogicalResult
DistributionAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                         ArrayRef<StringAttr> axes,
                         ArrayRef<Distribution> distributions) {
  llvm::SmallSet<StringRef, 4> seen;
  for (StringAttr axis : axes) {
    if (axis.empty())
      return emitError() << "(C1) found an axis without a name, expected the "
                            "name of an axis of the mesh";
    if (!seen.insert(axis).second)
      return emitError() << "(C1) found axis " << axis
                         << " twice, expected each once: drop one";
  }
  for (Distribution distribution : distributions) {
    if (distribution.blocks < 1)
      return emitError() << "(C3) found " << distribution.blocks
                         << " blocks, expected at least 1";
    if (distribution.dim > 7)
      return emitError() << "(C2) found dimension " << distribution.dim
                         << ", expected 0 to 7: tensors have at most 8";
  }
  return success();
}

Distribution DistributionAttr::lookup(StringRef axis) const {
  for (auto [name, distribution] :
       llvm::zip_equal(getAxes(), getDistributions()))
    if (name.getValue() == axis)
      return distribution;
  return Distribution::invariant();
}
