//===- PPDialect.td - The pp dialect ---------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPDIALECT_TD
#define PP_DIALECT_PP_IR_PPDIALECT_TD

include "mlir/IR/OpBase.td"

def PP_Dialect : Dialect {
  let name = "pp";
  let cppNamespace = "::pp";
  let summary = "parallelism: models, stages, schedules and rank programs";
}

#endif // PP_DIALECT_PP_IR_PPDIALECT_TD
