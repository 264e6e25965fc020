//===- AttentionShape.h - Attention as its call sees it ---------*- C++ -*-===//

#ifndef PP_LIB_CODEGEN_GPU_ATTENTIONSHAPE_H
#define PP_LIB_CODEGEN_GPU_ATTENTIONSHAPE_H

#include "mlir/IR/BuiltinTypes.h"

#include "pprt_gpu.h"

namespace pp::device {

/// The shape of attention or its adjoint, but for leading dimensions, workspace
/// and fallbacks. Elements that are not bf16 are f32.
template <typename OpTy> pprt_gpu_attention attentionShapeOf(OpTy op) {
  auto q = mlir::cast<mlir::MemRefType>(op.getQuery().getType());
  auto k = mlir::cast<mlir::MemRefType>(op.getKey().getType());
  pprt_gpu_attention shape = {};
  shape.batch = op.getBatch();
  shape.heads = op.getHeads();
  shape.kv_heads = op.getKvHeads();
  shape.t = q.getDimSize(0) / shape.batch;
  shape.s = k.getDimSize(0) / shape.batch;
  shape.d = q.getDimSize(1) / shape.heads;
  shape.scale = op.getScale().convertToDouble();
  shape.causal = op.getCausal();
  shape.type = q.getElementType().isBF16() ? PPRT_GPU_BF16 : PPRT_GPU_F32;
  return shape;
}

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_ATTENTIONSHAPE_H
