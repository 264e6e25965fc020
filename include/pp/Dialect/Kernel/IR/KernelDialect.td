//===- KernelDialect.td - The kernel dialect -------------------*- tablegen -*-===//

#ifndef PP_DIALECT_KERNEL_IR_KERNELDIALECT_TD
#define PP_DIALECT_KERNEL_IR_KERNELDIALECT_TD

include "mlir/IR/OpBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::pp::kernel";
  let summary = "calls of library kernels in destination-passing style";
  let description = [{
    What is bound by arithmetic is left to kernels written by hand or to a
    library. An op of this dialect is such a call: on tensors its last operands
    are the destinations and its results are the new values of these; after
    bufferization the operands are memrefs and there are no results. Rows of an
    operand must be contiguous, rows may lie apart (a slice of columns is passed
    as it is, without a copy).
  }];
}

#endif // PP_DIALECT_KERNEL_IR_KERNELDIALECT_TD
