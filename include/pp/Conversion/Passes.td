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
    func.func @f(%x: tensor<4x8x16xf32>, %w: tensor<16x32xf32>) -> tensor<4x8x32xf32> {
      %y = nn.linear %x, %w : (tensor<4x8x16xf32>, tensor<16x32xf32>) -> tensor<4x8x32xf32>
      return %y : tensor<4x8x32xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<4x8x16xf32>, %w: tensor<16x32xf32>) -> tensor<4x8x32xf32> {
      %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x8x16xf32> into tensor<32x16xf32>
      %e = tensor.empty() : tensor<32x32xf32>
      %ws = tensor.empty() : tensor<...>
      %p:2 = kernel.gemm %rows, %w into %e, %ws : ...
      %y = tensor.expand_shape %p#0 [[0, 1], [2]] output_shape [4, 8, 32] : tensor<32x32xf32> into tensor<4x8x32xf32>
      return %y : tensor<4x8x32xf32>
    }
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

def FuseEpilogues : Pass<"pp-fuse-epilogues", "::mlir::func::FuncOp"> {
  let summary = "products with biases, GELU and bias gradients to kernel.fused_gemm";
  let description = [{
    For GPUs, before `convert-nn-to-linalg`. What cuBLASLt does beside a product
    costs no pass over memory of its own:

    - `nn.linear` with a bias, and with the `nn.gelu` after it: the
      pre-activation is the auxiliary output, since the backward wants it;
    - `nn.linear` without a bias that only an `nn.gelu_grad` uses, as cotangent;
    - `nn.matmul` of rank 2 with a result of f32 and the `nn.reduce_sum` over the
      rows of one of its operands: the gradients of a weight and its bias. The
      library writes sums and does not add to them; that is left to do, for a
      vector.

    A product stays as it is, and what is around it becomes kernels of its own

    - for other elements than f32 and bf16;
    - where GELU is not the one by tanh (`approximate = "tanh"`): the library has
      no other;
    - where the columns of a matrix beside a product with GELU are not a multiple
      of 8;
    - where others use the value between, but for the pre-activation;
    - where the sums are not f32.

    Example:

    ```mlir
    func.func @f(%x: tensor<4x8x16xf32>, %w: tensor<16x32xf32>, %b: tensor<32xf32>) -> (tensor<4x8x32xf32>, tensor<4x8x32xf32>) {
      %f = nn.linear %x, %w, %b : (tensor<4x8x16xf32>, tensor<16x32xf32>, tensor<32xf32>) -> tensor<4x8x32xf32>
      %a = nn.gelu %f {approximate = "tanh"} : (tensor<4x8x32xf32>) -> tensor<4x8x32xf32>
      return %f, %a : tensor<4x8x32xf32>, tensor<4x8x32xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<4x8x16xf32>, %w: tensor<16x32xf32>, %b: tensor<32xf32>) -> (tensor<4x8x32xf32>, tensor<4x8x32xf32>) {
      %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x8x16xf32> into tensor<32x16xf32>
      ...
      %p:3 = kernel.fused_gemm gelu %rows, %w bias(%b) into %e0 aux(%e1), %ws : ...
      %a = tensor.expand_shape %p#0 [[0, 1], [2]] output_shape [4, 8, 32] : ...
      %f = tensor.expand_shape %p#1 [[0, 1], [2]] output_shape [4, 8, 32] : ...
      return %f, %a : tensor<4x8x32xf32>, tensor<4x8x32xf32>
    }
    ```
  }];
  let options = [
    Option<"gelu", "gelu", "bool", /*default=*/"true",
           "GELU and its derivative, not only biases and their gradients">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect", "::pp::kernel::KernelDialect"
  ];
}

def ConvertKernelToLLVM
    : Pass<"convert-kernel-to-llvm", "::mlir::ModuleOp"> {
  let summary = "ops of the kernel dialect on memrefs to calls of the runtime";
  let description = [{
    Strides of the memrefs become leading dimensions; they must be static. Every
    public function gets the runtime's context as its first argument, an
    `!llvm.ptr`, which calls that can fail or report take.

    Example:

    ```mlir
    func.func @f(%a: memref<8x16xf32>, %b: memref<16x4xf32>, %c: memref<8x4xf32>, %ws: memref<9728xf32>) {
      kernel.gemm %a, %b into %c, %ws : (memref<8x16xf32>, memref<16x4xf32>, memref<8x4xf32>, memref<9728xf32>) -> ()
      return
    }
    ```

    becomes

    ```mlir
    llvm.call @pprt_sgemm(%ta, %tb, %m, %n, %k, %pa, %lda, %pb, %ldb, %beta, %pc, %ldc, %pws) : (i32, i32, i64, i64, i64, !llvm.ptr, i64, !llvm.ptr, i64, f32, !llvm.ptr, i64, !llvm.ptr) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // PP_CONVERSION_PASSES_TD
