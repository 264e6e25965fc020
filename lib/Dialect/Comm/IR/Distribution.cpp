//===- Distribution.cpp - A tensor on one axis of the mesh ----------------===//

#include "pp/Dialect/Comm/IR/Distribution.h"

#include "llvm/Support/ErrorHandling.h"

using namespace pp::comm;

std::string Distribution::str() const {
  switch (kind) {
  case Kind::Invariant:
    return "invariant";
  case Kind::Replicated:
    return "replicated";
  case Kind::Varying:
    if (dim == kNoDim)
      return "varying";
    if (blocks == 1)
      return "varying(" + std::to_string(dim) + ")";
    return "varying(" + std::to_string(dim) + ", " + std::to_string(blocks) +
           ")";
  case Kind::Partial:
    return "partial";
  case Kind::PartialMax:
    return "partial(max)";
  case Kind::Constant:
    return "constant";
  }
  llvm_unreachable("every kind has a case");
}

Distribution Distribution::getDual() const {
  if (is(Kind::Replicated))
    return partial();
  if (is(Kind::Partial))
    return replicated();
  return *this;
}
