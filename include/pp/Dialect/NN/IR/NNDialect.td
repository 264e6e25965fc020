//===- NNDialect.td - The nn dialect ---------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNDIALECT_TD
#define PP_DIALECT_NN_IR_NNDIALECT_TD

include "mlir/IR/OpBase.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::pp::nn";
  let summary = "the mathematics of neural-network layers";
  let description = [{
    Ops on statically shaped tensors that differentiation, cost models and code
    generation know about. The dialect says nothing of parallelism: that is
    `pp`'s. Ops are pure values of their operands; a gradient op is an op like
    any other.

    Conventions that hold for every op, and are not repeated for each:

    - Tensors have static shapes without empty dimensions, of rank at most 8
      and at most 2^48 elements.
    - An attribute that is not the op's own has the prefix of a dialect
      (`pp.stage`): a misspelt one is an error.
    - Floating-point tensors hold `bf16`, `f32` or `f64`; ids (tokens, targets)
      are `i32` or `i64`. Statistics of `bf16` values (log-sum-exp, loss) are
      `f32`, those of others have the type of the values.
    - Ids out of range never are used. Where they are elements of the program's
      data, unchanged, the runtime checks the data (`nn.ids_in_range`, which
      pp-annotate-inputs sets); all others are checked by the op that reads them,
      and the error names op, id and range.
    - Axes count from 0 at the front; negative ones are rejected.
    - Result types are inferred where operands determine them; types in the
      text are checked against the inferred ones.
    - An operand written `init(%c)` is added to the result, so that sums over
      several uses accumulate in place: `result = c + op(...)`. Ops on `bf16`
      also add to an `init` of `f32`; the result is then `f32` and unrounded:
      so gradients accumulate.
    - Constraints are numbered in each op's documentation, (C1) and so on, and
      diagnostics cite that number.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
}

#endif // PP_DIALECT_NN_IR_NNDIALECT_TD
