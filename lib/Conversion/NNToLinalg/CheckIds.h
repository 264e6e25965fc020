//===- CheckIds.h - Ids that may be out of range ----------------*- C++ -*-===//

#ifndef PP_LIB_CONVERSION_NNTOLINALG_CHECKIDS_H
#define PP_LIB_CONVERSION_NNTOLINALG_CHECKIDS_H

#include "Emitter.h"

namespace pp {

/// The vector `ids` of `op` as ids that can be used: in [0, size), or
/// `ignored`. Unless the runtime has checked them with the data
/// (`nn.ids_in_range`), the runtime is told of the first other id, and it is 0
/// in the result.
mlir::Value checkIds(Emitter &emitter, mlir::Operation *op, mlir::Value ids,
                     int64_t size, std::optional<int64_t> ignored);

} // namespace pp

#endif // PP_LIB_CONVERSION_NNTOLINALG_CHECKIDS_H
