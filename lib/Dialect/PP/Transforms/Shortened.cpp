//===- Shortened.cpp - What a rank program leaves out ---------------------===//

#include "Shortened.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace pp;

void LeftOut::write(ProgramOp program) const {
  Builder builder(program.getContext());
  SmallVector<Attribute> entries;
  for (const Section &section : sections)
    entries.push_back(builder.getDenseI64ArrayAttr(
        {section.begin, section.end, section.period}));
  program->setAttr(
      kName,
      builder.getDictionaryAttr(
          {builder.getNamedAttr("rounds", builder.getI64IntegerAttr(rounds)),
           builder.getNamedAttr("sections", builder.getArrayAttr(entries)),
           builder.getNamedAttr("step", builder.getI64IntegerAttr(step))}));
}

std::optional<LeftOut> LeftOut::read(ProgramOp program) {
  auto attribute = program->getAttrOfType<DictionaryAttr>(kName);
  auto rounds = attribute ? attribute.getAs<IntegerAttr>("rounds") : nullptr;
  auto step = attribute ? attribute.getAs<IntegerAttr>("step") : nullptr;
  auto entries = attribute ? attribute.getAs<ArrayAttr>("sections") : nullptr;
  if (!rounds || !step || !entries)
    return std::nullopt;
  LeftOut result{rounds.getInt(), step.getInt(), {}};
  for (Attribute entry : entries) {
    auto numbers = dyn_cast<DenseI64ArrayAttr>(entry);
    if (!numbers || numbers.size() != 3)
      return std::nullopt;
    result.sections.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return result;
}
