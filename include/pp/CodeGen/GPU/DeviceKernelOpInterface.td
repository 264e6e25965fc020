//===- DeviceKernelOpInterface.td - Ops with kernels of our own -*- tablegen -*-===//

#ifndef PP_CODEGEN_GPU_DEVICEKERNELOPINTERFACE_TD
#define PP_CODEGEN_GPU_DEVICEKERNELOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def DeviceKernelOpInterface : OpInterface<"DeviceKernelOpInterface"> {
  let description = [{
    An op of the `kernel` dialect that kernels of the compiler compute on GPUs,
    always or where a library cannot. `lib/CodeGen/GPU` attaches it, beside the
    code that makes the kernels.
  }];
  let cppNamespace = "::pp::device";
  let methods = [
    InterfaceMethod<[{
        On memrefs: adds the kernels, and puts their launches in the place of the
        op, or names them beside it for the library's call to fall back on. Fails,
        with an error, on what they cannot compute.
      }],
      "::llvm::LogicalResult", "outlineKernels",
      (ins "::pp::device::KernelModule &":$kernels)>
  ];
}

#endif // PP_CODEGEN_GPU_DEVICEKERNELOPINTERFACE_TD
