//===- ElementBytes.h - Elements of tensors in memory -----------*- C++ -*-===//
//
// An element takes whole bytes wherever it lies: in buffers of layers, in the
// arena and in messages. LLVM knows two layouts of i1 (a byte each as scalars,
// a bit each as vectors), and of other odd widths; here there is one.
//
//===----------------------------------------------------------------------===//

#ifndef PP_INTERFACES_ELEMENTBYTES_H
#define PP_INTERFACES_ELEMENTBYTES_H

#include "mlir/IR/Types.h"

namespace pp {

/// The type that an element has in memory: integers have whole bytes and the
/// size of what LLVM allocates for them, an index has 64 bits, floats stay as
/// they are. Null for elements that cannot lie in memory.
mlir::Type getMemoryType(mlir::Type element);

/// Bytes from an element to the next one; `element` can lie in memory.
uint64_t getElementBytes(mlir::Type element);

/// Bytes that code may take a buffer of `bytes` to be aligned to: a cache line,
/// or less for what is smaller, which may be a field of something larger.
uint64_t getPromisedAlignment(uint64_t bytes);

} // namespace pp

#endif // PP_INTERFACES_ELEMENTBYTES_H
