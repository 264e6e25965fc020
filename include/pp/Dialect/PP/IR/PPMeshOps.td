//===- PPMeshOps.td - The mesh of ranks ------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPMESHOPS_TD
#define PP_DIALECT_PP_IR_PPMESHOPS_TD

include "pp/Dialect/Comm/IR/CommAttributes.td"
include "pp/Dialect/Comm/IR/DistributionOpInterface.td"
include "pp/Interfaces/MeshOpInterface.td"
include "pp/Dialect/PP/IR/PPBase.td"

def PP_MeshOp : PP_Op<"mesh", [Symbol, HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<MeshOpInterface, ["isSpmd"]>]> {
  let summary = "the axes of the mesh and their sizes";
  let description = [{
    A rank is a process, or one of several in it; it has one coordinate on each
    axis. One program stands
    for each coordinate on the axis of stages; on all other axes the ranks run
    the same program, and values have distributions (docs/Comm.md). Axes are
    static: another mesh is another compilation. The op stands first in its
    module, where collectives look for it.

    On the axis `replicas` each coordinate has a replica of the whole pipeline:
    functions know nothing of the axis, their values are each coordinate's own,
    parameters are equal, and gradients are summands of a sum over it, which
    programs make (pp-add-mesh).

    With `per_process` so many neighbours on the last axis are ranks of one
    process, which computes what each of them does, one after the other: the bits
    of so many parts on fewer processes.

    Constraints:

    - (C1) There is at least one axis.
    - (C2) Names are identifiers (a letter, then letters, digits and `_`) and
      stand once.
    - (C3) Sizes are at least 1, and their product at most 2^20.
    - (C4) A module has one mesh at most.
    - (C5) `replicas` is "data", an axis of the mesh.
    - (C6) `per_process` is at least 1, and divides the size of the last axis,
      "tensor".

    Example:

    ```mlir
    pp.mesh @mesh <["pipe" = 8, "data" = 16, "tensor" = 8]> replicas("data")
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$axes,
                   DenseI64ArrayAttr:$sizes, OptionalAttr<StrAttr>:$replicas,
                   OptionalAttr<I64Attr>:$per_process);
  let assemblyFormat = [{
    $sym_name ` ` `<` custom<MeshAxes>($axes, $sizes) `>`
    (`replicas` `(` $replicas^ `)`)?
    (`per_process` `(` $per_process^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The axis on which stages are placed, a program a coordinate.
    static constexpr ::llvm::StringLiteral kStages = "pipe";
    /// The axis on which replicas of the pipeline stand, if there are any.
    static constexpr ::llvm::StringLiteral kReplicas = "data";
    /// The axis over which pp-shard cuts layers.
    static constexpr ::llvm::StringLiteral kTensors = "tensor";
    /// 1 without an axis of replicas.
    int64_t getNumReplicas() {
      return getReplicas() ? *getSize(*getReplicas()) : 1;
    }
    /// Ranks that share a process.
    int64_t getRanksPerProcess() {
      return getPerProcess().value_or(1);
    }
  }];
}

def PP_ShardingAttr : AttrDef<PP_Dialect, "Sharding"> {
  let mnemonic = "sharding";
  let summary = "how a tensor is cut over the axes of the mesh";
  let description = [{
    For each dimension the axes that cut it into equal parts, the slowest first:
    with `{"data", "tensor"}` coordinate (i, j) has part
    `i * size(tensor) + j`. Coordinates on axes that are not named have the same
    part. A dimension that its axes do not divide is an error that names the
    nearest sizes which they do; `padded`, its parts are all as large as the
    first, and the last ones reach into zeros, which are in no file and in no sum
    (the rows of a vocabulary, see pp-shard). With `blocks(b)` the
    dimension is b blocks, one behind the other, and a coordinate has its part
    of each: so queries, keys and values in one matrix are cut by heads.

    The attribute is verified by itself, and against a type and a mesh where it
    is used (`verifyFor`).

    Upstream's `shard.sharding` is an op with a value, numbers axes by their
    place in the grid, and allows halos and uneven parts, which nothing here
    could lower. Axes by name stay right when an axis is added.

    Constraints:

    - (C1) Names of axes are not empty, and each stands once in all.
    - (C2) There is one list a dimension of the tensor.
    - (C3) Each axis is one of the mesh.
    - (C4) The product of the sizes of a dimension's axes divides it, or where
      it is in blocks each of them, unless it is padded.
    - (C5) Blocks are at least 1, one number a dimension, and 1 where no axis
      cuts, or where it is padded; what no axis cuts is not padded.

    Examples: }] # "`#pp.sharding<[{\"tensor\"}, {}]>`, "
                 # "`#pp.sharding<[{}, {\"tensor\"} blocks(3)]>`, "
                 # "`#pp.sharding<[{\"tensor\"} padded, {}]>`";
  let parameters = (ins ArrayRefParameter<"::mlir::ArrayAttr">:$dims,
                    ArrayRefParameter<"int64_t">:$blocks,
                    ArrayRefParameter<"bool">:$padded);
  let builders = [AttrBuilder<
      (ins "::llvm::ArrayRef<::mlir::ArrayAttr>":$dims), [{
    return $_get($_ctxt, dims, ::llvm::SmallVector<int64_t>(dims.size(), 1),
                 ::llvm::SmallVector<bool>(dims.size(), false));
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Constraints (C2) to (C4), for a tensor of all coordinates together; (C2)
    /// alone where `mesh` is null.
    ::llvm::LogicalResult
    verifyFor(::llvm::function_ref<::mlir::InFlightDiagnostic()> emitError,
              ::mlir::RankedTensorType type,
              ::pp::MeshOpInterface mesh) const;

    /// Parts of dimension `dim`. Holds `verifyFor`, as all that follow do.
    int64_t getParts(unsigned dim, ::pp::MeshOpInterface mesh) const;
    /// The tensor of one coordinate, for one of all together.
    ::mlir::RankedTensorType getLocalType(::mlir::RankedTensorType global,
                                          ::pp::MeshOpInterface mesh)
        const;
    /// The tensor of all together, for one of a coordinate.
    ::mlir::RankedTensorType getGlobalType(::mlir::RankedTensorType local,
                                           ::pp::MeshOpInterface mesh)
        const;
  }];
}

#endif // PP_DIALECT_PP_IR_PPMESHOPS_TD
