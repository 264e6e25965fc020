//===- MeshOpInterface.td - Axes of ranks ----------------------*- tablegen -*-===//

#ifndef PP_INTERFACES_MESHOPINTERFACE_TD
#define PP_INTERFACES_MESHOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def MeshOpInterface : OpInterface<"MeshOpInterface"> {
  let cppNamespace = "::pp";
  let description = [{
    An op at the top of a module that names the axes of its mesh and their
    sizes. A rank has one coordinate on each axis. Collectives, and ops on a part
    of a tensor that know which, name axes and ask this interface for sizes, so
    that they depend on no dialect that has a mesh.
    The op's verifier holds the names unique and the product of all sizes within
    2^20.
  }];

  let methods = [
    InterfaceMethod<"The names of the axes, in the order of the mesh.",
      "::mlir::ArrayAttr", "getAxes">,
    InterfaceMethod<"The size of each axis, at least 1.",
      "::llvm::ArrayRef<int64_t>", "getSizes">,
    InterfaceMethod<[{
      Whether all coordinates on the axis run the same functions, so that a
      value of these has a distribution on it.
    }],
      "bool", "isSpmd", (ins "::llvm::StringRef":$axis), "",
      [{ (void)axis; return true; }]>
  ];

  let extraSharedClassDeclaration = [{
    /// The number of the axis named `axis` in the mesh; nothing if it has none.
    std::optional<unsigned> findAxis(::llvm::StringRef axis) {
      for (auto [i, name] : ::llvm::enumerate(
               $_op.getAxes().template getAsRange<::mlir::StringAttr>()))
        if (name.getValue() == axis)
          return i;
      return std::nullopt;
    }
    /// Coordinates on the axis; nothing if the mesh has no such axis.
    std::optional<int64_t> getSize(::llvm::StringRef axis) {
      std::optional<unsigned> number = findAxis(axis);
      if (!number)
        return std::nullopt;
      return $_op.getSizes()[*number];
    }
    /// Ranks that differ in their coordinates on `axes` (names) only; nothing
    /// if the mesh has not all of them. Names are unique.
    std::optional<int64_t> getGroupSize(::mlir::ArrayAttr axes) {
      int64_t group = 1;
      for (auto axis : axes.getAsRange<::mlir::StringAttr>()) {
        std::optional<int64_t> size = getSize(axis.getValue());
        if (!size)
          return std::nullopt;
        group *= *size;
      }
      return group;
    }
  }];
}

#endif // PP_INTERFACES_MESHOPINTERFACE_TD
