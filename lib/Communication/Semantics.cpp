//===- Semantics.cpp - What a transport promises --------------------------===//

#include "pp/Communication/Semantics.h"

using namespace pp::communication;

std::optional<Semantics>
pp::communication::parseSemantics(std::string_view name) {
  for (size_t i = 0; i < kSemanticsNames.size(); ++i)
    if (kSemanticsNames[i] == name)
      return static_cast<Semantics>(i);
  return std::nullopt;
}

std::string_view pp::communication::toString(Semantics semantics) {
  return kSemanticsNames[static_cast<size_t>(semantics)];
}

std::string pp::communication::listSemantics() {
  std::string text;
  for (size_t i = 0; i < kSemanticsNames.size(); ++i) {
    if (i)
      text += i + 1 == kSemanticsNames.size() ? " or " : ", ";
    text += kSemanticsNames[i];
  }
  return text;
}
