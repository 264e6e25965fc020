//===- Passes.td - Passes of the comm dialect ------------------*- tablegen -*-===//

#ifndef PP_DIALECT_COMM_TRANSFORMS_PASSES_TD
#define PP_DIALECT_COMM_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def CommVerifyDistribution
    : Pass<"comm-verify-distribution", "::mlir::ModuleOp"> {
  let summary = "prove that every value meets the reductions that it needs";
  let description = [{
    On each axis of the module's mesh, infers the distribution of every value of
    a function from those of its arguments (`comm.distribution`; invariant where
    nothing is said) by the rules of the ops, and proves those of its results.
    Differentiation sets the attribute on what it makes, cotangents by duality
    (R and P, I and I, V and V), so that the same pass proves of a backward
    function that each gradient has met exactly its reductions.

    - A loop that is cut on an axis and summed leaves a partial sum.
    - A partial sum passes ops that are linear in it, with all else equal on
      every coordinate; sums need partial summands only.
    - An invariant value meets only invariant ones. Beside others it needs
      `comm.vary`, whose adjoint is the sum that its gradient would miss.
    - What is cut is cut alike: along one loop, and not along one that the op
      needs whole.
    - A value of a coordinate's own (`varying`) may be taken for a part or for a
      summand, which is what makes a loss of each data-parallel replica a
      gradient of their sum.
    - A call takes what its callee declares of arguments, and gives what that
      declares of results.

    A dialect proves what it has beside functions
    (`DistributionDialectInterface`); for `pp` that is:

    - **Models.** An apply takes and gives what its layer declares. A parameter
      is varying where its sharding cuts it, and equal elsewhere; all layers that
      it is given to take it for the same, invariant or replicated, so that its
      gradients can be added.
    - **Plans.** Functions declare one thing of a parameter, its dual of the
      accumulators of its gradient, and of data what `pp.input` does. Values that
      move by name are what they were made as. No loss is a summand.
    - **Programs.** An action takes and makes what its function declares, in the
      program's order and from program to program: what is received is what was
      sent. `pp.start` takes values from one distribution to another, as the
      collectives of layers do. `pp.grad_norm` and `pp.update` take a gradient
      that is a partial sum on no axis, in the parts that the parameter has.
      What is equal on all coordinates is invariant in a program, whether
      functions declare it invariant or replicated: cotangents are values of the
      program as well, and a sum that is missing is missing where they meet what
      the backward function declares.
    - **Origins.** Distributions do not tell one parameter from another, so each
      value of a program has an origin as well: a parameter, or the gradient of
      some of its uses. It passes transfers and collectives. What
      `pp.grad_norm` and `pp.update` take is the gradient of their parameter, of
      all uses that functions add to, each once; what is stored to a parameter is
      (a part of) that one.

    An axis of size 1 has nothing to prove but origins, nor has one on which
    stages are placed. A module without a mesh is passed over.

    Example: the scale of a norm needs `comm.vary`, or its gradient misses a sum.

    ```mlir
    pp.mesh @mesh <["tensor" = 2]>
    func.func @norm(
        %x: tensor<4x8x16xf32>
          {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>},
        %gamma: tensor<16xf32>)
        -> (tensor<4x8x16xf32>
          {comm.distribution = #comm.distribution<{"tensor" = varying(1)}>}) {
      %y = nn.rms_norm %x, %gamma : (tensor<4x8x16xf32>, tensor<16xf32>) -> tensor<4x8x16xf32>
      return %y : tensor<4x8x16xf32>
    }
    ```

    The pass says

    ```
    error: ... found operand #1 invariant beside operand #0 varying(1), ... put comm.vary over ["tensor"] before it
    ```
  }];
}

#endif // PP_DIALECT_COMM_TRANSFORMS_PASSES_TD
