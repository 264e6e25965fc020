//===- Chip.cpp - GPUs that kernels can be made for -----------------------===//
//
// From the first that computes in bf16 on.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Chip.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace pp;
using llvm::StringRef;

llvm::ArrayRef<StringRef> pp::chipNames() {
  static constexpr StringRef names[] = {"sm_80",  "sm_86",  "sm_87",  "sm_89",
                                        "sm_90",  "sm_90a", "sm_100", "sm_100a",
                                        "sm_120", "sm_120a"};
  return names;
}

std::optional<Chip> pp::findChip(StringRef name) {
  if (!llvm::is_contained(chipNames(), name))
    return std::nullopt;
  Chip chip;
  name.consume_front("sm_");
  chip.isExact = name.consume_back("a");
  name.getAsInteger(10, chip.number);
  return chip;
}

std::string pp::unknownChip(StringRef name) {
  return "found chip=" + name.str() + ", expected one of " +
         llvm::join(chipNames(), ", ");
}
