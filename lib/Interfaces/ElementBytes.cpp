//===- ElementBytes.cpp - Elements of tensors in memory -------------------===//

#include "pp/Interfaces/ElementBytes.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

/// What LLVM allocates for `bits`: no more than 16 bytes are aligned to.
static uint64_t allocatedBytes(uint64_t bits) {
  uint64_t bytes = llvm::divideCeil(bits, 8);
  return llvm::alignTo(bytes,
                       std::min<uint64_t>(llvm::PowerOf2Ceil(bytes), 16));
}

Type pp::getMemoryType(Type element) {
  MLIRContext *context = element.getContext();
  if (isa<IndexType>(element))
    return IntegerType::get(context, 64);
  if (isa<FloatType>(element))
    return element.getIntOrFloatBitWidth() % 8 == 0 ? element : Type();
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() == 0)
    return {};
  uint64_t bits = 8 * allocatedBytes(integer.getWidth());
  if (bits > IntegerType::kMaxWidth)
    return {};
  return bits == integer.getWidth() ? element : IntegerType::get(context, bits);
}

uint64_t pp::getElementBytes(Type element) {
  return allocatedBytes(getMemoryType(element).getIntOrFloatBitWidth());
}

uint64_t pp::getPromisedAlignment(uint64_t bytes) {
  return std::min<uint64_t>(64, llvm::bit_floor(bytes));
}
