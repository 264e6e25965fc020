//===- ElementwiseOpInterface.td - One scalar at a time --------*- tablegen -*-===//

#ifndef PP_INTERFACES_ELEMENTWISEOPINTERFACE_TD
#define PP_INTERFACES_ELEMENTWISEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::pp";
  let description = [{
    An op with one tensor result, each element of which is the same function of
    one element of each operand. Operands broadcast to the result as in NumPy:
    shapes are aligned at their last dimensions, missing ones and those of
    size 1 repeat. One lowering pattern serves all such ops.
  }];

  let methods = [
    InterfaceMethod<[{
      Builds the function of scalars: one scalar an operand, of its element
      type, to one scalar of the element type of the result.
    }],
      "::mlir::Value", "buildScalar",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::ValueRange":$scalars)>,
    InterfaceMethod<"Floating-point operations for one element.",
      "uint64_t", "getFlopsPerElement">,
    InterfaceMethod<[{
      One map an operand and then one for the result, from an index into the
      result to the element that is read or written: what `linalg.generic`
      takes as its indexing maps.
    }],
      "::llvm::SmallVector<::mlir::AffineMap>", "getElementwiseIndexingMaps",
      (ins), [{}], [{
        return ::pp::detail::broadcastIndexingMaps($_op);
      }]>
  ];
}

#endif // PP_INTERFACES_ELEMENTWISEOPINTERFACE_TD
