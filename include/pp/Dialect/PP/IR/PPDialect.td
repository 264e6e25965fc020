//===- PPDialect.td - The pp dialect ---------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPDIALECT_TD
#define PP_DIALECT_PP_IR_PPDIALECT_TD

include "mlir/IR/OpBase.td"

def PP_Dialect : Dialect {
  let name = "pp";
  let cppNamespace = "::pp";
  let summary = "parallelism: models, stages, schedules and rank programs";
  let description = [{
    The dialect has three levels; each pass leaves a module that is whole on
    one of them.

    1. **Model**: `pp.layer` defines a computation once, `pp.model` applies
       layers (`pp.apply`) to data and parameters (`pp.param`).
    2. **Plan**: `pp.stage` names the forward and backward functions of a
       stage, `pp.parameter` and `pp.input` what they share, `pp.schedule` the
       order of actions on each rank. Values move between stages by name.
    3. **Rank**: one `pp.program` a pipeline rank: runs of stage functions and
       transfers in program order, with activations, residuals and cotangents
       as SSA values.

    Stage functions are `func.func`s whose arguments and results say where
    their values live, by these attributes:

    | attribute | on | meaning |
    |---|---|---|
    | `pp.value = "x2"` | argument, result | a value that moves by name; one result produces it |
    | `pp.param = "wte"` | argument | the parameter's buffer, read-only |
    | `pp.grad = "wte"`, `pp.use = 0` | argument | accumulator of the gradient of one use of a parameter |
    | `pp.accumulates = 3` | result | the new content of the accumulator passed as argument 3, in place |
    | `pp.data = "tokens"` | argument | the micro-batch's data |
    | `pp.key` | argument | the micro-batch's dropout key, an i64 |
    | `pp.loss` | result | the loss of the model |
    | `pp.loss_weight` | result | what the loss of the micro-batch counts in the mean of the step, if not 1 |
    | `pp.grad = "input"` or `"param"` | result | the half of a backward function that the result belongs to |
    | `comm.distribution` | argument, result | what the tensors of the coordinates on the mesh are together (docs/Comm.md) |
    | `pp.part = "2F"` | call of a layer function | what it computes of the third apply of the model: `F`, `R` (the forward again), `B`, `I` or `W` |

    Functions of the end of a step (norms, sums and updates) have `pp.role`, see
    pp-add-optimizer.

    `pp.layers` on the module tells of each apply its layer, the floating-point
    operations of a forward, and the bytes of its results and of the parameters
    that it is the first to use. By it and `pp.part` times are measured, and
    given back to the model.
  }];

  let dependentDialects = ["::pp::comm::CommDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

#endif // PP_DIALECT_PP_IR_PPDIALECT_TD
