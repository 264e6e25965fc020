//===- ConfigAttribute.h - config.json of a model ---------------*- C++ -*-===//

#ifndef PP_DIALECT_PP_IR_CONFIGATTRIBUTE_H
#define PP_DIALECT_PP_IR_CONFIGATTRIBUTE_H

#include "llvm/ADT/StringRef.h"

namespace pp::attr {

/// On the model, in a plan on the module: the config.json with which Hugging
/// Face's transformers loads what is trained, as pp-import writes it. Objects
/// are dictionaries, null is a unit attribute. Nothing is computed from it;
/// programs write it beside weights.
inline constexpr llvm::StringLiteral kConfig = "pp.config";

} // namespace pp::attr

#endif // PP_DIALECT_PP_IR_CONFIGATTRIBUTE_H
