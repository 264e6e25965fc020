//===- Passes.td - Conversions between dialects ----------------*- tablegen -*-===//

#ifndef PP_CONVERSION_PASSES_TD
#define PP_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNNToLinalg
    : Pass<"convert-nn-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "nn ops and elementwise ops on tensors to linalg and kernel";
  let description = [{
    What is bound by memory becomes `linalg.generic`, with the leading
    dimensions collapsed wherever an op works row by row, so that neighbours
    have equal loops and fuse. Matrix products and attention of f32 become ops
    of the `kernel` dialect; of other types, generic loops.

    Example:

    ```mlir
    %y = nn.linear %x, %w : (tensor<4x8x16xf32>, tensor<16x32xf32>) -> tensor<4x8x32xf32>
    // becomes
    %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x8x16xf32> into tensor<32x16xf32>
    %e = tensor.empty() : tensor<32x32xf32>
    %ws = tensor.empty() : tensor<9728xf32>
    %p:2 = kernel.gemm %rows, %w into %e, %ws : ...
    %y = tensor.expand_shape %p#0 [[0, 1], [2]] output_shape [4, 8, 32] : ...
    ```
  }];
  let options = [
    Option<"parallel", "parallel", "bool", /*default=*/"false",
           "no loop in which an iteration needs the one before: dropout is a "
           "linalg.generic, the gradient of an embedding kernel.scatter_add">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::pp::kernel::KernelDialect"
  ];
}

def ConvertKernelToLLVM
    : Pass<"convert-kernel-to-llvm", "::mlir::ModuleOp"> {
  let summary = "ops of the kernel dialect on memrefs to calls of the runtime";
  let description = [{
    Strides of the memrefs become leading dimensions; they must be static.

    Example:

    ```mlir
    kernel.gemm %a, %b into %c, %ws : (memref<8x16xf32>, memref<16x4xf32>, memref<8x4xf32>, memref<9728xf32>) -> ()
    // becomes
    llvm.call @pprt_sgemm(%false, %false, %m, %n, %k, %pa, %lda, %pb, %ldb, %beta, %pc, %ldc, %pws)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // PP_CONVERSION_PASSES_TD
