//===- Passes.td - Passes of the nn dialect --------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_TRANSFORMS_PASSES_TD
#define PP_DIALECT_NN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def NNDifferentiate : Pass<"nn-differentiate", "::mlir::ModuleOp"> {
  let summary = "builds the forward and the backward function of each function";
  let description = [{
    For each public `func.func @f` of nn, arith and math ops it adds
    `@f.forward`, which returns the residuals after the results of `@f`, and
    `@f.backward`, which takes what it reads of the forward computation, the
    cotangents of the floating-point results and one accumulator for each
    argument marked `nn.accumulate`. It returns the cotangents of the other
    floating-point arguments, and the accumulators with the gradient added. An
    argument marked `nn.constant` gets neither.

    A cotangent that is zero whatever the inputs are is not returned.

    Where arguments or results say how they are distributed over a mesh
    (`comm.distribution`), both functions do, cotangents by duality: then
    comm-verify-distribution proves the backward function too.

    Example:

    ```mlir
    func.func @f(%x: tensor<5xf32>) -> tensor<5xf32> {
      %y = math.exp %x : tensor<5xf32>
      return %y : tensor<5xf32>
    }
    ```

    becomes, in addition to `@f`,

    ```mlir
    func.func private @f.forward(%x: tensor<5xf32>) -> tensor<5xf32> {
      %y = math.exp %x : tensor<5xf32>
      return %y : tensor<5xf32>
    }
    func.func private @f.backward(%y: tensor<5xf32>, %dy: tensor<5xf32>)
        -> tensor<5xf32> {
      %dx = arith.mulf %dy, %y : tensor<5xf32>
      return %dx : tensor<5xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def NNPrintCost : Pass<"nn-print-cost"> {
  let summary = "remark the cost of each op and of each function";
  let description = [{
    Emits a remark at each op that implements `CostOpInterface`: floating-point
    operations, bytes read and bytes written, of a collective also the bytes
    that each rank sends; and at each function the sums. The IR stays as it is.

    Example:

    ```mlir
    func.func @f(%x: tensor<16x8xf32>, %w: tensor<8x16xf32>) -> tensor<16x16xf32> {
      %y = nn.linear %x, %w : (tensor<16x8xf32>, tensor<8x16xf32>) -> tensor<16x16xf32>
      return %y : tensor<16x16xf32>
    }
    ```

    The pass says of the product

    ```
    remark: flops = 4096, read = 1024, written = 1024
    ```
  }];
}

#endif // PP_DIALECT_NN_TRANSFORMS_PASSES_TD
